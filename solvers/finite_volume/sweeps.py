"""Runs the compiled loops over a grid: their workspace, and the division of the planes among threads."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gridflow.compute.fft import Transform, as_planes
from gridflow.compute.threads import Team
from gridflow.domains.torus import Grid
from solvers.finite_volume.reconstruction import Reconstruction, foot_share
from solvers.finite_volume.velocity import VelocityField
from solvers.loops import survey, totals
from solvers.loops.euler import euler_step
from solvers.loops.planes import Field, field_of, line_size, tile_rows
from solvers.loops.stages import DILATION, GROWTH, NO_SOURCE, Step, Variant
from solvers.stepping.bounds import decoded


@dataclass(frozen=True)
class Survey:
    """Quantities of one density from which the bounds on the step follow.

    Attributes
    ----------
    rate
        Largest relative rate of loss of a cell (1 / time); see :func:`solvers.loops.stages.loss_rate`.
    max_density
        Largest density; NaN or infinite if a density is negative or not finite.
    decay
        Σ_faces μ̄ u² ∏h, the rate at which transport lowers the energy.
    """

    rate: float
    max_density: float
    decay: float


@dataclass(frozen=True)
class Totals:
    """Mass ∫ μ dx, smallest and largest cell average, and ∫ V δμ dx for a change δμ."""

    mass: float
    least: float
    largest: float
    work: float


class Sweeps:
    """The compiled loops of one solver.

    Parameters
    ----------
    grid, dtype
        Grid and precision.
    reconstruction
        The reconstruction of face values.
    velocity
        The face velocities.
    growth
        β of the flow.
    reference
        Typical density, the scale of the smoothness indicators.
    edge_exponent
        Exponent of the density at the edge of a hole; see :meth:`gridflow.equation.kernels.Kernel.edge_exponent`.
    transform
        The FFTs, which provide the ghost planes of a field.
    team
        The threads.

    Attributes
    ----------
    carries
        Whether the rates of loss are to include those of a hole that the flow carries.
    """

    def __init__(
        self,
        grid: Grid,
        dtype: np.dtype,
        reconstruction: Reconstruction,
        velocity: VelocityField,
        growth: float,
        reference: float,
        edge_exponent: float,
        transform: Transform,
        team: Team,
    ) -> None:
        self._shape = planes, rows, cells = as_planes(grid.shape)
        self._dtype, self._transform, self._team = dtype, transform, team
        self._reconstruction, self._velocity, self._growth = reconstruction, velocity, growth
        self._foot = foot_share(edge_exponent) if reconstruction.sharpen else 0.0
        bits = np.dtype(f"u{dtype.itemsize}")
        self._rows = tile_rows(rows, cells, reconstruction.halo, dtype.itemsize)
        tiles = -(-rows // self._rows)
        self._rates, self._tops = np.zeros((planes, tiles), bits), np.zeros((planes, tiles), bits)
        self._decay = np.zeros((planes, tiles))
        sizes = [
            lines * line_size(self._rows, rows, cells, halo)
            for lines, halo in ((reconstruction.lines, reconstruction.halo), (survey.LINES, survey.HALO))
        ]
        self._memory = np.zeros((team.size, max(sizes)), dtype)
        self._work = self._lines(reconstruction.lines, reconstruction.halo)
        self._survey_work = self._lines(survey.LINES, survey.HALO)
        limits = np.finfo(dtype)
        self._cell_volume, self._spacing = grid.cell_volume, (*grid.spacing, 1.0, 1.0)[:3]
        number = dtype.type
        self._constants: dict[str, Any] = {
            "inverse": tuple(number(1 / h) for h in self._spacing),
            "growth": number(growth),
            "weight": number(1 / reconstruction.outflow_limit),
            "vacuum": number(limits.tiny / limits.eps),
            "tiny": number(max(1e-14 * reference**2, float(limits.tiny)) if reconstruction.squares else 0.0),
            "bounded_by_growth": growth > 0,
        }
        self.carries = False
        self._totals = totals.totals()
        self._survey = survey.survey(grid.dim, velocity.spectral)
        self._euler_step = euler_step(Variant(grid.dim, reconstruction.scheme, velocity.spectral))

    @staticmethod
    def memory(shape: tuple[int, ...], itemsize: int, reconstruction: Reconstruction, threads: int) -> int:
        """Return the bytes of workspace."""
        _, rows, cells = as_planes(shape)
        halo, lines = reconstruction.halo, reconstruction.lines
        at_once = tile_rows(rows, cells, halo, itemsize)
        return threads * lines * line_size(at_once, rows, cells, halo) * itemsize

    def compile(self, density: np.ndarray) -> None:
        """Compile every loop, or load it from the disk cache, by calling it for no planes."""
        halo = self._reconstruction.halo
        velocity, other, field = self._velocity.fields(halo), self._other(halo), self._field(density, halo)
        step, reached = self._step(0.0, 0.0, 1.0), density.reshape(self._shape)
        noted = self._rates, self._tops
        self._survey(
            0, 0, self._rows, self._survey_work[0], field, velocity, other or field, step, *noted, self._decay
        )  # fmt: skip
        self._euler_step(
            0, 0, self._rows, self._work[0], field, velocity, other or field, reached, reached, step, *noted
        )  # fmt: skip

    def survey(self, density: np.ndarray, sign: float) -> Survey:
        """Survey a density that moves with ``sign`` times the velocity evaluated last."""
        velocity, other = self._velocity.fields(survey.HALO), self._other(survey.HALO)
        field, step = self._field(density, survey.HALO), self._step(0.0, 0.0, sign)

        def job(lo: int, hi: int, thread: int) -> None:
            self._survey(
                lo, hi, self._rows, self._survey_work[thread], field, velocity, other or field, step,
                self._rates, self._tops, self._decay,
            )  # fmt: skip

        self._team.share(self._shape[0], job)
        return Survey(
            decoded(self._rates, self._dtype),
            decoded(self._tops, self._dtype),
            float(self._decay.sum()) * self._cell_volume,
        )

    def totals(self, density: np.ndarray, change: np.ndarray, potential: np.ndarray) -> Totals:
        """Return sums and extrema of a density, given its change and V as an array (planes, rows, numbers)."""
        density, change = density.reshape(self._shape), change.reshape(self._shape)
        shape, cells = self._shape[:2], self._shape[2]
        mass, work = np.zeros(shape), np.zeros(shape)
        least, most = np.zeros(shape, self._rates.dtype), np.zeros(shape, self._rates.dtype)
        terms = np.zeros((self._team.size, cells))

        def job(lo: int, hi: int, thread: int) -> None:
            self._totals(lo, hi, density, change, potential, terms[thread], mass, work, least, most)

        self._team.share(self._shape[0], job)
        volume = self._cell_volume
        smallest = float(least.min().view(self._dtype))
        return Totals(float(mass.sum()) * volume, smallest, decoded(most, self._dtype), float(work.sum()) * volume)

    def advance_density(
        self,
        density: np.ndarray,
        old: np.ndarray,
        new: np.ndarray,
        dt: float,
        blend: float,
        sign: float,
        change: bool = False,
    ) -> tuple[float, float]:
        """Write a stage of a density, ``α old + (1 − α) Euler(density)``, or ``Δt`` times its tendency if ``change``.

        The velocity evaluated last and V, for the growth, are multiplied by ``sign``.

        Returns
        -------
        float
            Largest relative rate of loss of a cell of ``density`` (1 / time), likewise.
        float
            Largest new density; NaN or infinite if a density is negative or not finite.
        """
        source = GROWTH if self._growth else NO_SOURCE
        step = self._step(dt, blend, sign, self._growth, source, change, self._foot)
        return self._advance(density, self._other(self._reconstruction.halo), old, new, step)

    def advance_tracer(
        self, tracer: np.ndarray, density: np.ndarray, old: np.ndarray, new: np.ndarray, dt: float, blend: float
    ) -> None:
        """Write a stage of the volume fraction of a hole, which moves with the velocity of ``density``.

        Its edge is a jump whatever that of the density is.
        """
        foot = 1.0 if self._reconstruction.sharpen else 0.0
        step = self._step(dt, blend, 1.0, self._velocity.local_response, DILATION, foot=foot)
        self._advance(tracer, self._field(density, self._reconstruction.halo), old, new, step)

    def _advance(
        self, values: np.ndarray, other: Field | None, old: np.ndarray, new: np.ndarray, step: Step
    ) -> tuple[float, float]:
        halo = self._reconstruction.halo
        field, velocity = self._field(values, halo), self._velocity.fields(halo)
        old, new = old.reshape(self._shape), new.reshape(self._shape)

        def job(lo: int, hi: int, thread: int) -> None:
            self._euler_step(
                lo, hi, self._rows, self._work[thread], field, velocity, other or field, old, new, step,
                self._rates, self._tops,
            )  # fmt: skip

        self._team.share(self._shape[0], job)
        return decoded(self._rates, self._dtype), decoded(self._tops, self._dtype)

    def _lines(self, lines: int, halo: int) -> list[np.ndarray]:
        size = line_size(self._rows, self._shape[1], self._shape[2], halo)
        return [memory[: lines * size].reshape(lines, size) for memory in self._memory]

    def _field(self, values: np.ndarray, depth: int) -> Field:
        return field_of(self._transform, values.reshape(self._shape), depth)

    def _other(self, depth: int) -> Field | None:
        return self._velocity.potential(depth) if self._growth else None

    def _step(
        self,
        dt: float,
        blend: float,
        sign: float,
        strength: float = 0.0,
        source: int = NO_SOURCE,
        change: bool = False,
        foot: float = 0.0,
    ) -> Step:
        number = self._dtype.type
        return Step(
            sign=number(sign),
            dt=number(dt),
            blend=number(blend),
            ratio=tuple(number(dt / h) for h in self._spacing),
            strength=number(strength),
            change=change,
            source=source,
            foot=number(foot),
            bounded_by_tracer=self.carries,
            **self._constants,
        )

"""The finite-volume discretisation of the sphere in space: rings of cells, joined into parcels near the poles."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gridflow.compute.harmonics import SphereTransform
from gridflow.compute.threads import count, team
from gridflow.domains.sphere import SphereGrid
from gridflow.equation.contract import DENSITY, NEGATIVE, TRACER, require_sound
from gridflow.equation.flow import SphereFlow
from gridflow.errors import RunError
from solvers.loops import sphere as loops
from solvers.stepping.bounds import Noise, decoded
from solvers.stepping.space import Arrays, Evaluated, Look, Space

PARCEL_WIDTH = 0.5
"""Smallest width of a parcel of joined cells, relative to the width of a ring.

Measured at 128 × 256 on a cap of radius 0.8 over the equator to νt = 2: ¼, ½ and 1 take 39, 36 and 31 steps (481
without joining) and lose 5.6, 5.6 and 7.7 % of the contoured area; on one over a pole they take 79, 51 and 34 steps.
"""
FEWEST_PARCELS = 4
"""Smallest number of parcels in a ring; with fewer, a stencil would overlap itself."""


def joined_cells(grid: SphereGrid, width: float = PARCEL_WIDTH) -> np.ndarray:
    """Number of neighbours to join in every ring: the smallest power of two that reaches ``width``, where possible."""
    rings, cells = grid.shape
    wide = width * np.pi / rings
    joined = np.ones(rings, int)
    while True:
        narrow = joined * np.sin(grid.colatitudes) * (2 * np.pi / cells) < wide
        narrow &= (cells % (2 * joined) == 0) & (cells // (2 * joined) >= FEWEST_PARCELS)
        if not narrow.any():
            return joined
        joined[narrow] *= 2


def _rings(grid: SphereGrid, joined: np.ndarray) -> loops.Rings:
    """Geometry of the rings; where cells are joined, velocities are interpolated to the face centres."""
    (rings, cells), theta, edges = grid.shape, grid.colatitudes, grid.edges
    width = 2 * np.pi / cells
    nodes = np.concatenate([[-theta[0]], theta, [2 * np.pi - theta[-1]]])  # with those across the poles
    between, middle = (nodes[1:] + nodes[:-1]) / 2, (edges[1:] + edges[:-1]) / 2
    ring, face = np.arange(rings), np.arange(rings - 1)
    next_ring = nodes[np.where(2 * ring < rings, ring, ring + 2)]
    next_face = np.where(2 * (face + 1) <= rings, face, face + 2)
    polar = joined > 1
    return loops.Rings(
        area=grid.areas[:, 0] / width,
        south=np.sin(edges[1:-1]),
        per_south=1 / np.diff(theta),
        east=np.diff(edges) / width,
        per_east=1 / (np.sin(theta) * width),
        joined=joined,
        lean_south=(polar[1:] | polar[:-1]) * (between[1:-1] - edges[1:-1]) / (between[1:-1] - between[next_face]),
        per_poleward=1 / (nodes[next_face + 1] - nodes[next_face]),
        lean_east=polar * (theta - middle) / (theta - next_ring),
        per_east_poleward=1 / (np.sin(next_ring) * width),
        across=float((theta[1] - theta[0]) / (2 * theta[0])),
    )


@dataclass(frozen=True, eq=False)
class SphereLook(Look):
    """Results of a look at a state on the sphere.

    Attributes
    ----------
    dissipation
        −Σ area V ∂_t μ over cells and densities.
    """

    dissipation: float


class SphereSpace(Space[SphereLook]):
    """A flow on the sphere discretised in space by upwind finite volumes, with its working memory.

    Parameters
    ----------
    flow
        The equation.
    scheme
        Number of the limiter in the compiled loops.
    joined
        Number of cells per parcel in every ring.
    names
        Names of the densities: μ, and possibly a second one that counts as negative. A state of one density may also
        have the volume fraction χ of a hole, which is then carried; see :meth:`make_room_for_tracer`.
    threads
        Number of threads requested by the user.

    Attributes
    ----------
    potential
        V at the last evaluation.
    change
        ∂_t of every density there.
    """

    def __init__(
        self, flow: SphereFlow, scheme: int, joined: np.ndarray, names: Sequence[str], threads: int | None
    ) -> None:
        grid, limits = flow.grid, np.finfo(float)
        stage = {name: np.zeros(grid.shape) for name in names}
        super().__init__(flow, [stage, stage])
        self._rings = _rings(grid, joined)
        self.team = team(count(threads, grid.size))
        self._transform = SphereTransform(grid, threads)
        self.potential = np.zeros((0, 0))
        self._rate = 0.0
        self.change = {name: np.zeros(grid.shape) for name in names}
        vacuum = float(limits.tiny / limits.eps)
        self._carried = loops.TendencyStep(1.0, 0.0, vacuum)
        self._steps = {name: loops.TendencyStep(sign, float(flow.growth), vacuum) for name, sign in self.signs.items()}
        self._work = np.zeros((self.team.size, loops.LINES, grid.shape[1] + loops.HALO))
        self._rates, self._tops = np.zeros(grid.shape[0], np.uint64), np.zeros(grid.shape[0], np.uint64)
        self._decay, self._energies = np.zeros(grid.shape[0]), np.zeros(grid.mmax + 1)
        self._tendency, self._stage, self._respond = loops.tendency(scheme), loops.stage(), loops.respond()
        laplacian = grid.laplacian_symbol("spectral")
        self._noise = Noise(flow, laplacian, np.dtype(float))
        self._stiffness = float(((laplacian + flow.growth) * flow.symbol).max())
        self._local_response = float((laplacian * flow.symbol)[1:].min())
        self._carries = False
        self._ones = self._loss = np.zeros((0, 0))
        # Round-off of sums over a parcel must not make a cell negative when a bound is met exactly.
        self._round_off = 1 - (32 + 4 * grid.shape[1]) * float(limits.eps)

    def compile(self) -> None:
        """Compile all loops, or load them from the disk cache, by calling them for zero rings."""
        values, work = self.stages[0][DENSITY], self._work[0]
        self._respond(np.zeros(0), np.zeros(0, complex), np.zeros(0))
        self._tendency(
            0, 0, self._rings, self._steps[DENSITY], work, values, values, values, self._rates, self._tops, self._decay
        )  # fmt: skip
        self._stage(0, 0, self._rings.joined, work, values, values, values, values, 0.0, 0.0, self._tops)
        self._known.compile(values)

    def spread(self, arrays: Arrays) -> dict[str, np.ndarray]:
        """New arrays in which cells that are joined hold the limited slope that a stage would give them."""
        self._outdate()
        self._carries = TRACER in arrays
        for change in self.change.values():
            change.fill(0)
        stage = self.stages[0]
        _, max_density = self._advance(arrays, arrays, stage, 0.0, 0.0)
        self.require_sound(stage, max_density, 0.0)
        return {name: stage[name].copy() for name in arrays}

    def make_room_for_tracer(self) -> None:
        """Provide the arrays of the stage and of the tendency that states with a tracer need."""
        for held in (self.stages[0], self.change):
            if TRACER not in held:
                held[TRACER] = np.zeros(self.flow.grid.shape)
                self._ones, self._loss = np.ones(self.flow.grid.shape), np.zeros(self.flow.grid.shape)

    def strict_bounds(self, rate: float, max_density: float, time: float) -> tuple[float, float]:
        """The bounds on Δt by positivity and by relaxation."""
        if not rate * max_density < float(np.finfo(float).max):
            raise self._overflow(time)
        stiff = max_density * self._stiffness
        return self._round_off / rate if rate > 0 else math.inf, 2 / stiff if stiff > 0 else math.inf

    def _look(self, arrays: Arrays, time: float) -> SphereLook:
        self._carries = TRACER in arrays
        return self._surveyed(arrays, time)

    def _surveyed(self, arrays: Arrays, time: float) -> SphereLook:
        energy = self._respond_to(arrays)
        rate = max_density = dissipation = 0.0
        for name in self.signs:
            density = arrays[name]
            self._have_tendency(self._steps[name], density, self.change[name])
            top = decoded(self._tops, np.dtype(float))
            if not math.isfinite(top):
                require_sound(self.flow.grid, density, time)
            max_density += top
            rate = max(rate, decoded(self._rates, np.dtype(float)))
            dissipation += 2 * math.pi / self.flow.grid.shape[1] * float(self._decay.sum())
        if not math.isfinite(energy):
            raise self._overflow(time)
        if self._carries:
            rate = max(rate, self._carry(arrays[TRACER], arrays[DENSITY]))
        self._rate = rate
        positivity, relaxation = self.strict_bounds(rate, max_density, time)
        return SphereLook(
            dict(arrays),
            positivity=positivity,
            relaxation=relaxation,
            decay_time=self._noise.decay_time(energy, dissipation, max_density),
            energy=energy,
            max_density=max_density,
            dissipation=dissipation,
        )

    def _have_tendency(self, step: loops.TendencyStep, values: np.ndarray, change: np.ndarray) -> None:
        """Write the tendency of values on the rings in the potential evaluated last, and note rates, tops and decay."""

        def job(lo: int, hi: int, thread: int) -> None:
            self._tendency(
                lo, hi, self._rings, step, self._work[thread], values, self.potential, change,
                self._rates, self._tops, self._decay,
            )  # fmt: skip

        self.team.share(self.flow.grid.shape[0], job)

    def _carry(self, fraction: np.ndarray, density: np.ndarray) -> float:
        """Write the tendency of the volume fraction of a hole; return the largest rate of its loss (1 / time).

        It is ``−∇·(u χ) + χ (∇·u − Λ μ)``, as on the torus. The tendency of the constant 1 is ``−∇·u``.
        """
        change, loss = self.change[TRACER], self._loss
        self._have_tendency(self._carried, self._ones, change)
        np.multiply(density, self._local_response, out=loss)
        loss += change
        self._have_tendency(self._carried, fraction, change)
        rate = decoded(self._rates, np.dtype(float)) + max(float(loss.max()), 0.0)
        loss *= fraction
        for ring in np.flatnonzero(self._rings.joined > 1):  # a stage takes one number for each parcel
            parcels = loss[ring].reshape(-1, self._rings.joined[ring])
            parcels[...] = parcels.mean(axis=1, keepdims=True)
        change -= loss
        return rate

    def _evaluate(self, arrays: Arrays, time: float) -> Evaluated:
        return self._surveyed(arrays, time)

    def _advance(self, current: Arrays, old: Arrays, new: Arrays, dt: float, blend: float) -> tuple[float, float]:
        max_density = 0.0
        for name in (*self.signs, *([TRACER] if self._carries else [])):
            arrays = current[name], self.change[name], old[name], new[name]

            def job(lo: int, hi: int, thread: int, arrays: tuple[np.ndarray, ...] = arrays) -> None:
                self._stage(lo, hi, self._rings.joined, self._work[thread], *arrays, dt, blend, self._tops)

            self.team.share(self.flow.grid.shape[0], job)
            if name in self.signs:
                max_density += decoded(self._tops, np.dtype(float))
        return self._rate, max_density

    def _respond_to(self, arrays: Mapping[str, np.ndarray]) -> float:
        """Work out V of densities; return their energy, the sum over harmonics being that over cells to round-off."""
        deviation = self.change[DENSITY]  # which is worked out next
        np.subtract(arrays[DENSITY], self.flow.target, out=deviation)
        if NEGATIVE in arrays:
            deviation -= arrays[NEGATIVE]
        coefficients = self._transform.analyse(deviation)
        self._respond(self.flow.symbol, coefficients, self._energies)
        self.potential = self._transform.synthesise(coefficients)
        return float(self._energies.sum())

    @staticmethod
    def _overflow(time: float) -> RunError:
        return RunError(f"at t = {time:.10g} the fluxes overflow float64; choose other units")

"""The dealiased pseudo-spectral discretisation in space: transforms, products and truncation of modes."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gridflow.compute.fft import Spectrum, Transform, as_planes
from gridflow.compute.threads import Team, team_for_modes
from gridflow.equation.flow import Flow
from solvers.loops import pseudospectral
from solvers.loops.pseudospectral import Kept
from solvers.stepping.bounds import decoded


class Extremes(NamedTuple):
    """Largest values at the cell centres, which bound a step; 0 if they have not been measured."""

    density: float
    """Largest |μ| (mass / volume)."""
    slopes: tuple[float, ...]
    """Largest |∂_a V| along every axis (length / time)."""


class Dealiased:
    """Right-hand sides ``∇·(μ∇V) − β μ V`` of a flow by the 2/3 rule, in 2d + 1 real transforms.

    Functions are represented by the unnormalised modes of their values at cell centres, with 3 |k_a| < n_a along every
    axis. The product of two of them is aliased only in modes that are dropped. Cell averages have the same modes times
    ``∏_a sinc(k_a / n_a)``.

    Parameters
    ----------
    flow
        The equation.
    dtype
        float64 or float32.
    transform, team
        The FFTs and the threads.

    Attributes
    ----------
    kept
        Mask of the modes of the half-spectrum that are kept.
    rates
        (|ξ|² + β) K̂, 0 where a mode is not kept, float64.
    columns
        Number of modes that are kept in every row.
    target
        Modes of ν.
    nothing
        A spectrum of zeros.
    """

    def __init__(self, flow: Flow, dtype: np.dtype, transform: Transform, team: Team) -> None:
        grid = flow.grid
        self._flow, self._dtype, self._transform = flow, dtype, transform
        self._shape = as_planes(grid.shape)
        planes, rows, _ = self._shape
        modes = grid.spectral_shape[-1]
        along = [3 * abs(k) < n for k, n in zip(grid.mode_numbers, grid.shape, strict=True)]
        waves = [xi.reshape(-1) for xi in grid.wavevector()]
        number = dtype.type
        none, every = np.zeros(1), np.ones(1, bool)
        last = waves[-1][along[-1]].astype(dtype)
        self._kept = Kept(
            along[0] if grid.dim > 1 else every,
            along[1] if grid.dim > 2 else every,
            (waves[0] if grid.dim > 1 else none).astype(dtype),
            (waves[1] if grid.dim > 2 else none).astype(dtype),
            last,
        )
        self.columns = last.size
        self.kept = np.ones(grid.spectral_shape, bool)
        average = np.ones(grid.spectral_shape)
        squared = np.zeros(grid.spectral_shape)
        for axis, (k, n) in enumerate(zip(grid.mode_numbers, grid.shape, strict=True)):
            self.kept &= grid.along(axis, along[axis])
            average *= grid.along(axis, np.sinc(k / n))
            squared += grid.along(axis, waves[axis] ** 2)
        self.rates = np.where(self.kept, (squared + flow.growth) * flow.symbol, 0.0)
        spectral = (planes, rows, modes)
        self._symbol = flow.symbol.astype(dtype).reshape(spectral)
        self._to_averages = np.where(self.kept, average, 0.0).astype(dtype).reshape(spectral)
        self._from_averages = np.where(self.kept, 1 / average, 0.0).astype(dtype).reshape(spectral)
        self._energy_weights = np.ascontiguousarray((flow.symbol * average**2).reshape(spectral)[:, :, : self.columns])
        self._scale, self._one = number(1 / grid.size), number(1)
        self._density = transform.spectrum()
        self._slopes = tuple(transform.spectrum() for _ in range(grid.dim))
        self._slope_lines = tuple(slope.lines for slope in self._slopes)
        self._potential = transform.spectrum() if flow.growth else self._density
        self._product = transform.field()
        self._team = team_for_modes(planes * rows * modes, team)
        self._terms = np.zeros((self._team.size, 3, self.columns))
        self._sums = np.zeros((3, planes))
        self._tops = np.zeros((planes, rows), f"u{dtype.itemsize}")
        self.nothing = transform.spectrum()
        self._gradients = pseudospectral.gradients(grid.dim, flow.growth > 0)
        self._divergence = pseudospectral.divergence(grid.dim, flow.growth > 0)
        self.target = transform.spectrum()
        self._product[...] = flow.target
        self.to_modes(self._product, self.target)

    def to_modes(self, averages: np.ndarray, spectrum: Spectrum) -> None:
        """Write the modes of the function with the given cell averages, an array made by the transform's ``field``."""
        self._transform.forward(averages, spectrum)
        self._weigh(spectrum, self.nothing, self._from_averages, self._one, spectrum)

    def to_averages(self, spectrum: Spectrum, increment: Spectrum, averages: np.ndarray) -> None:
        """Write the cell averages of the function whose modes are the sum of two spectra."""
        self._weigh(spectrum, increment, self._to_averages, self._scale, self._density)
        self._transform.backward(self._density)
        averages[...] = self._density.values

    def tendency(self, start: Spectrum, increment: Spectrum, out: Spectrum, measuring: bool = False) -> Extremes:
        """Write the modes of ∂_t μ for the function whose modes are the sum of two spectra.

        Parameters
        ----------
        start, increment
            The two spectra.
        out
            Spectrum to write; may be either of them.
        measuring
            Whether to measure the extremes.
        """
        self._team.share(
            self._shape[0],
            lambda lo, hi, _: self._gradients(
                lo, hi, self._kept, start.lines, increment.lines, self._symbol,
                self.target.lines, self._scale, self._density.lines, self._slope_lines, self._potential.lines,
            )
        )  # fmt: skip
        self._transform.backward(self._density)
        fastest = []
        for slope in self._slopes:
            self._transform.backward(slope)
            fastest.append(self._multiply(slope, measuring))
            self._transform.forward(self._product, slope)
        if self._flow.growth:
            self._transform.backward(self._potential)
            self._multiply(self._potential, measuring=False)
            self._transform.forward(self._product, self._potential)
        values = self._density.values
        max_density = float(max(values.max(), -values.min())) if measuring else 0.0
        self._team.share(
            self._shape[0],
            lambda lo, hi, _: self._divergence(
                lo, hi, self._kept, self._slope_lines, self._potential.lines,
                self._dtype.type(self._flow.growth), out.lines,
            )
        )  # fmt: skip
        return Extremes(max_density, tuple(fastest))

    def measure(self, start: Spectrum, tendency: np.ndarray) -> tuple[float, float, float]:
        """Return the energy of the cell averages, its dissipation −dE/dt, and Σ (μ − ν)² over the cell centres.

        ``tendency`` holds the modes of ∂_t μ, (planes, rows, numbers).
        """
        run = pseudospectral.measure()
        self._team.share(
            self._shape[0],
            lambda lo, hi, thread: run(
                lo, hi, start.lines, self.target.lines, tendency, self._energy_weights,
                self._terms[thread], self._sums,
            )
        )  # fmt: skip
        grid = self._flow.grid
        energy, work, square = (float(total) for total in self._sums.sum(axis=1))
        scale = grid.volume / grid.size**2
        return 0.5 * scale * energy, -scale * work, square / grid.size

    def _multiply(self, field: Spectrum, measuring: bool) -> float:
        """Multiply a field by μ into the product; return the field's largest magnitude if ``measuring``."""
        product, run = self._product.reshape(self._shape), pseudospectral.multiply()
        self._team.share(
            self._shape[0],
            lambda lo, hi, _: run(lo, hi, self._density.lines, field.lines, product, measuring, self._tops),
        )
        return decoded(self._tops, self._dtype) if measuring else 0.0

    def _weigh(self, modes: Spectrum, more: Spectrum, factors: np.ndarray, scale: np.floating, out: Spectrum) -> None:
        run: Callable[..., None] = pseudospectral.weigh()
        self._team.share(
            self._shape[0], lambda lo, hi, _: run(lo, hi, modes.lines, more.lines, factors, scale, out.lines)
        )

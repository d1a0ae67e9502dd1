"""A grid run as the reference for particles: its densities at stored times, and the noise of N samples."""

import math
import os
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.stats import gamma

from gridflow.arguments import takes_numbers
from gridflow.domains.torus import Grid
from gridflow.equation.contract import PARTICLES
from gridflow.equation.flow import Flow
from gridflow.equation.kernels import Gaussian, Kernel, Riesz
from gridflow.errors import InputError, whole_number
from gridflow.measures import spectra
from gridflow.particles.sampling import sample
from gridflow.runtime.schema import Snapshot
from gridflow.runtime.store import RunDirectory, open_run
from gridflow.validation.transport import Transport, TransportTo

MODES = {1: 512, 2: 128, 3: 32}
"""Largest number of modes along an axis for distances; finer modes hold only the particles' noise."""
REPETITIONS = 400
"""Number of simulated samples of N particles that calibrate the distribution of distances."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """Distribution of the squared distance between N independent samples and the density they are drawn from.

    It is a weighted sum of squared normal variables, approximated by a Gamma distribution with the exact mean
    (:func:`gridflow.measures.spectra.sampling_noise`) and the simulated variance (Satterthwaite 1946).

    Attributes
    ----------
    mean
        Mean of the squared distance.
    deviation
        Its standard deviation.
    """

    mean: float
    deviation: float

    def exceeded_by(self, squared: float) -> float:
        """Probability that samples are farther away than this squared distance."""
        shape = (self.mean / self.deviation) ** 2
        return float(gamma.sf(squared * shape / self.mean, shape))

    def undercut_by(self, squared: float) -> float:
        """Probability that samples are closer than this squared distance."""
        shape = (self.mean / self.deviation) ** 2
        return float(gamma.cdf(squared * shape / self.mean, shape))

    def between(self, low: float, high: float) -> tuple[float, float]:
        """Quantiles of the squared distance at two probabilities."""
        shape = (self.mean / self.deviation) ** 2
        return tuple(float(gamma.ppf(share, shape)) * self.mean / shape for share in (low, high))  # type: ignore[return-value]

    def z(self, squared: float) -> float:
        """Deviation from the mean in standard deviations."""
        return (squared - self.mean) / self.deviation


@takes_numbers
class Reference:
    """A grid run prepared for comparison with particles; results are cached for further particles.

    Squared distances are KMD² of two kernels: that of the run and a smoother one (the Riesz kernel of order s + 1, a
    Gaussian of twice the width, or, for other kernels, a Gaussian as wide as a fifth of the longest period). Both are
    restricted to the well-resolved modes, ``2 |k_a| < n_a / 2``, and to at most ``MODES``, since the sum over all modes
    diverges for s ≤ d/2.

    Parameters
    ----------
    run
        The run directory, or its path.
    seed
        Seed of the calibration.

    Raises
    ------
    InputError
        If there is no run, it is one of particles or not on a torus, has no snapshots, or its kernel is not stored.

    Attributes
    ----------
    flow
        The equation.
    modes
        Grid with as many cells as modes that are compared.
    kernels, symbols
        The two kernels, and their symbols on these modes.
    times
        Times of the snapshots.
    """

    def __init__(self, run: str | os.PathLike[str] | RunDirectory, seed: int = 0) -> None:
        stored = run if isinstance(run, RunDirectory) else open_run(run)
        if stored.representation.kind == PARTICLES:
            raise InputError(f"{stored.path} is a run of Particles; particles are compared with a run on a grid")
        self.stored, self._seed = stored, whole_number("seed", seed, 0)
        flow = stored.flow
        if not isinstance(flow, Flow):
            raise InputError(f"{stored.path} is a run on {flow.grid}; particles are compared with runs on a torus")
        self.flow = flow
        grid = flow.grid
        self.modes = grid.with_cells(tuple(max(4, min(n // 2, MODES[grid.dim])) for n in grid.shape))
        self.kernels: tuple[Kernel, Kernel] = (self.flow.kernel, smoother(self.flow.kernel, grid))
        self.symbols = tuple(spectra.whole_symbol(kernel, self.modes) for kernel in self.kernels)
        self.times = stored.times
        if self.times.size == 0:
            raise InputError(f"{stored.path} holds no snapshots to compare with")
        self.snapshot = lru_cache(maxsize=4)(self._snapshot)
        self.coefficients = lru_cache(maxsize=256)(self._coefficients)
        self.calibrations = lru_cache(maxsize=1024)(self._calibrations)
        self.transport_noise = lru_cache(maxsize=1024)(self._sampled_transport)
        self._transports = lru_cache(maxsize=256)(self._transport_to)
        self._deep = lru_cache(maxsize=64)(self._deep_cells)

    def index_of(self, time: float) -> int | None:
        """Return the index of the snapshot at a time, to within a relative 10⁻⁶; None if there is none."""
        nearest = int(abs(self.times - time).argmin())
        return nearest if abs(self.times[nearest] - time) <= 1e-6 * max(abs(time), self.times[-1] * 1e-3) else None

    def _snapshot(self, index: int) -> Snapshot:
        return self.stored.snapshot(index=index)

    def density(self, index: int) -> np.ndarray:
        """Return the cell averages of a snapshot, float64 of shape ``grid.shape`` (mass / volume)."""
        return self.snapshot(index).density.astype(float)

    def _coefficients(self, index: int) -> np.ndarray:
        return spectra.of_density(self.flow.grid, self.density(index), self.modes)

    def _calibrations(self, index: int, count: int) -> tuple[Calibration, ...]:
        """Return the calibration for N samples of a snapshot's density, for each kernel.

        The samples are replaced by multinomial counts in the cells of ``modes``. Their modes have the same variances;
        positions within the cells would change only the correlations between aliased modes.
        """
        modes, found = self.modes, self.coefficients(index)
        share = np.maximum(spectra.to_density(modes, found), 0.0)
        share = (share / share.sum()).ravel()
        expected = np.fft.fftn(share.reshape(modes.shape))
        scale = float(found.real[(0,) * modes.dim])  # M / |T|
        rng = np.random.default_rng([self._seed, index, count])
        squares = np.empty((len(self.symbols), REPETITIONS))
        for number in range(REPETITIONS):
            drawn = rng.multinomial(count, share).reshape(modes.shape) / count
            difference = (np.fft.fftn(drawn) - expected) * scale
            power = difference.real**2 + difference.imag**2
            squares[:, number] = [float((symbol * power).sum()) * modes.volume for symbol in self.symbols]
        result = []
        for symbol, values in zip(self.symbols, squares, strict=True):
            mean = spectra.sampling_noise(modes, symbol, found, count)
            result.append(Calibration(mean, float(values.std(ddof=1) / values.mean()) * mean))
        return tuple(result)

    def transport(self, index: int, positions: np.ndarray, weights: np.ndarray) -> Transport:
        """Return the Wasserstein distance between particles and a snapshot's density."""
        return self._transports(index).distance(positions, weights)

    def _transport_to(self, index: int) -> TransportTo:
        return TransportTo(self.flow.grid, np.maximum(self.density(index), 0.0))

    def _sampled_transport(self, index: int, count: int) -> float:
        """Estimate the mean Wasserstein distance of N samples, from two draws of at most 10 000, scaled by N^−1/2."""
        drawn = min(count, 10_000)
        grid, density = self.flow.grid, np.maximum(self.density(index), 0.0)
        draws = [sample(grid, density, drawn, seed=self._seed + 1000 * index + number) for number in range(2)]
        found = [self.transport(index, *draw).distance for draw in draws]
        return float(np.mean(found)) * math.sqrt(drawn / count)

    def inside_hole(self, index: int, positions: np.ndarray, weights: np.ndarray) -> float | None:
        """Return the share of the mass inside the hole, two cells from its edge; None unless s = 1 and there is one."""
        deep = self._deep(index)
        if deep is None:
            return None
        cells = np.minimum((positions / np.array(self.flow.grid.spacing)).astype(int), np.array(deep.shape) - 1)
        return float(weights[deep[tuple(cells.T)]].sum() / weights.sum())

    def _deep_cells(self, index: int) -> np.ndarray | None:
        """Return a mask of the cells inside a snapshot's hole, two cells from its edge; None if there are none."""
        if not self.flow.kernel.is_coulomb or self.flow.growth or self.stored.initial.min() > 0:
            return None
        snapshot = self.snapshot(index)
        deep = snapshot.density < self.flow.target / 2 if snapshot.tracer is None else snapshot.tracer > 0.5
        for _ in range(2):
            for axis in range(deep.ndim):
                deep = deep & np.roll(deep, 1, axis) & np.roll(deep, -1, axis)
        return deep if deep.any() else None

    def squared_distances(self, index: int, positions: np.ndarray, weights: np.ndarray) -> tuple[float, ...]:
        """Return KMD² between particles and a snapshot's density for each kernel, by a non-uniform FFT."""
        difference = spectra.of_particles(self.modes, positions, weights) - self.coefficients(index)
        return tuple(spectra.discrepancy(self.modes, symbol, difference) for symbol in self.symbols)


def smoother(kernel: Kernel, grid: Grid) -> Kernel:
    """Return a kernel that gives less weight to fine modes than ``kernel``."""
    if isinstance(kernel, Riesz):
        return Riesz(kernel.s + 1)
    return Gaussian(2 * kernel.width) if isinstance(kernel, Gaussian) else Gaussian(max(grid.lengths) / 5)


def effective_count(weights: np.ndarray) -> int:
    """Return the number of equal weights with the same sampling noise, rounded."""
    return max(1, math.floor(spectra.effective_count(weights) + 0.5))

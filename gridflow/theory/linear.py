"""The flow near its target, where the Fourier modes decay independently."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logsumexp

from gridflow.equation.flow import Equation, Flow
from gridflow.errors import InputError
from gridflow.measures import sobolev
from gridflow.theory.hypotheses import is_constant


@dataclass(frozen=True, eq=False)
class LinearModes:
    """Linearised flow about ν ≡ a: ``f̂_k(t) = exp(−a (λ + β) K̂ t) f̂_k(0)``, the limit of small amplitudes.

    λ is |ξ|². For a Riesz kernel with the spectral symbol and without growth, the rate is ``a |ξ|^{2−2s}``.

    Parameters
    ----------
    flow
        A flow on a torus with a constant target.

    Raises
    ------
    InputError
        If the target is not constant.
    """

    flow: Flow

    hypotheses = ("ν ≡ a", "the amplitude of μ − ν is small against a")

    def __post_init__(self) -> None:
        if not is_constant(self.flow.target):
            raise InputError("LinearModes needs a constant target")

    def rate(self, mode: tuple[int, ...]) -> float:
        """Decay rate (1 / time) of the mode with the given integer mode numbers; InputError if the grid lacks it."""
        grid = self.flow.grid
        if len(mode) != grid.dim or any(2 * abs(k) > n for k, n in zip(mode, grid.shape, strict=True)):
            raise InputError(f"mode {mode} is not one of the grid of shape {grid.shape}")
        if mode[-1] < 0:
            mode = tuple(-k for k in mode)
        squared = sum((2 * np.pi * k / length) ** 2 for k, length in zip(mode, grid.lengths, strict=True))
        symbol = self.flow.symbol[tuple(k % n for k, n in zip(mode, grid.shape, strict=True))]
        return float(self.flow.target_mass / grid.volume * (squared + self.flow.growth) * symbol)

    def __call__(self, time: float, mode: tuple[int, ...]) -> float:
        """Factor by which the amplitude of a mode has decayed at a time ≥ 0."""
        return float(np.exp(-self.rate(mode) * time))


_RESOLUTION = 100
"""Bins per e-folding of the rates: within a bin, rates differ by 1 %, and a sum of two exponentials errs by 1e−5."""
_VALUES = 32
"""Number of values that represent a target that is not constant."""


@dataclass(frozen=True, eq=False)
class LinearDecay:
    """Energy predicted by linear theory: ``E(t) = ½ |T| Σ_k K̂ ⟨|f̂_k|² exp(−2 ν (λ + β) K̂ t)⟩``.

    The mean ⟨·⟩ is over positions, each with its own value of ν. It is uniform over the torus for a difference of
    densities, and weighted by the density for the sampling noise of points drawn from it. For a constant target this is
    the linearised flow. For other targets it is the leading order at short wavelengths: a wave packet at x decays at
    the rate given by the density there. It does not apply to modes with wavelengths like those of ν. Near the target,
    its relative error is the variation of ν over one wavelength.

    Construct it with :meth:`of`.

    Parameters
    ----------
    rates
        Decay rates of the amplitudes for ν = 1 (volume / (mass · time)), ascending, shape (rates,).
    densities
        Values of ν (mass / volume), shape (densities,).
    energies
        Initial energy in the modes of each rate at each value of ν, shape (densities, rates).
    """

    rates: np.ndarray
    densities: np.ndarray
    energies: np.ndarray

    hypotheses = (
        "μ − ν is small compared with ν, or its large part decays first",
        "ν is constant, or varies over lengths much longer than the relevant wavelengths",
    )

    @classmethod
    def of(cls, flow: Equation[Any], initial: np.ndarray, points: int | None = None) -> "LinearDecay":
        """Return the prediction for a run from a density, or the expectation for independent samples of it.

        ``N`` particles or neurons of equal mass have noise of variance ``(M²/|T|² − |μ̂_k|²) / N`` in every mode, which
        decays like the mode. The regularity of random initial data is therefore −d/2, whatever that of the density.

        Parameters
        ----------
        flow
            The flow; its target must be ≥ 0.
        initial
            Initial density as cell averages, shape ``flow.grid.shape``.
        points
            Number of samples N; None (default) for the density itself.

        Raises
        ------
        InputError
            If the target is negative somewhere, or ``initial`` is not a density on the grid.
        """
        if flow.target.min() < 0:
            raise InputError("the target is negative somewhere; linear theory needs a target ≥ 0")
        grid = flow.grid
        initial = grid.check_density(initial, "the initial density")
        rates = ((grid.laplacian_symbol("spectral") + flow.growth) * flow.symbol).ravel()
        held = (sobolev.mode_power(grid, initial - flow.target) * flow.symbol).ravel() / 2
        if flow.growth:
            held[0] = float(flow.symbol.flat[0]) * grid.integral(initial - flow.target) ** 2 / grid.volume / 2
        parts = [(_values(flow, np.ones(grid.shape)), held)]
        if points is not None:
            of_points = grid.mode_multiplicity() * (grid.integral(initial) ** 2 / grid.volume)
            noise = np.maximum(of_points - sobolev.mode_power(grid, initial), 0.0) * flow.symbol / (2 * points)
            noise.flat[0] = 0.0  # every sample has exactly the mass of the density
            parts.append((_values(flow, initial), noise.ravel()))
        total = np.sum([held for _, held in parts], axis=0)
        counted = total > 0
        bins = np.full(rates.shape, -1)  # modes that do not decay have a bin of their own
        moving = counted & (rates > 0)
        if moving.any():
            logarithms = np.rint(np.log(rates[moving]) * _RESOLUTION).astype(int)
            bins[moving] = logarithms - logarithms.min()
        bins = bins[counted] + 1
        size = int(bins.max(initial=0)) + 1
        sums = np.bincount(bins, total[counted], size)
        some = sums > 0
        means = np.bincount(bins, (total * rates)[counted], size)[some] / sums[some]
        order = np.argsort(means)
        energies = [
            np.outer(np.full(values.size, 1 / values.size), np.bincount(bins, held[counted], size)[some][order])
            for values, held in parts
        ]
        return cls(means[order], np.concatenate([values for values, _ in parts]), np.concatenate(energies))

    def __call__(self, time: float | np.ndarray) -> float | np.ndarray:
        """Energy at times ≥ 0; a number or an array of the shape of ``time``."""
        times = np.asarray(time, dtype=float)
        result = np.zeros(times.shape)
        for density, held in zip(self.densities, self.energies, strict=True):
            result += np.exp(-2 * density * np.multiply.outer(times, self.rates)) @ held
        return result[()]

    def exponent(self, time: float | np.ndarray) -> float | np.ndarray:
        """Local decay exponent −d log E / d log t at times > 0."""
        times = np.asarray(time, dtype=float)
        slope = np.zeros(times.shape)
        for density, held in zip(self.densities, self.energies, strict=True):
            rates = 2 * density * np.multiply.outer(times, self.rates)
            slope += (rates * np.exp(-rates)) @ held
        return (slope / self(times))[()]

    def time_to(self, energy: float) -> float:
        """Time at which the energy falls to a value > 0: 0 if it starts below it, infinite if it never does."""
        if not energy > 0:
            raise InputError(f"energy = {energy}: it must be positive")
        if self(0.0) <= energy:
            return 0.0
        rates = np.multiply.outer(self.densities, self.rates)

        def excess(logarithm: float) -> float:
            """log(E / energy) as a function of log t, safe from overflow and underflow."""
            return float(logsumexp(-2 * rates * math.exp(logarithm), b=self.energies)) - math.log(energy)

        moving = rates[rates > 0]
        if moving.size == 0:
            return math.inf
        soon, late = math.log(1e-9 / moving.max()), math.log(1e3 / moving.min())
        if excess(late) > 0:
            return math.inf
        from scipy.optimize import brentq  # imported here because it loads slowly

        return math.exp(brentq(excess, soon, late)) if excess(soon) > 0 else math.exp(soon)


def _values(flow: Equation[Any], weights: np.ndarray) -> np.ndarray:
    """Values of ν that represent equal shares of the integrated weight; a single value if ν is constant."""
    values = flow.target.ravel()
    if is_constant(flow.target):
        return values[:1].copy()
    ascending = np.argsort(values)
    held = (weights * flow.grid.cell_volumes).ravel()[ascending]
    middles = (np.arange(_VALUES) + 0.5) / _VALUES
    return np.interp(middles, (np.cumsum(held) - held / 2) / held.sum(), values[ascending])

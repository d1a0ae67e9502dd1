"""The flow near its target, where it is linear."""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy.special import logsumexp

from gridflow.equation.coarsening import coarsened
from gridflow.equation.flow import Equation, Flow
from gridflow.errors import InputError
from gridflow.measures import sobolev
from gridflow.theory.hypotheses import is_constant
from gridflow.theory.spectrum import CELLS, excited_spectrum


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
NEGLIGIBLE = 0.01
"""Share of the energy to reach below which an energy does not matter."""


@dataclass(frozen=True, eq=False)
class LinearDecay:
    """Energy predicted by linear theory: ``E(t) = Σ_j E_j exp(−2 λ_j t)``.

    For a constant target the λ_j are the rates ``ν (λ + β) K̂`` of the modes. For other targets they are those of the
    linearised operator ``A f = −∇·(ν ∇K f) + β ν K f`` that the deviation excites; see
    :func:`gridflow.theory.spectrum.excited_spectrum`. What a grid of 2^14 cells does not resolve, and the noise of
    samples, is taken at short wavelengths, where a wave packet at x decays at the rate that ν(x) gives.

    Construct it with :meth:`of`.

    Parameters
    ----------
    rates
        Rates λ_j of the amplitudes (1 / time), shape (rates,).
    energies
        Initial energy E_j at each of them, shape (rates,).
    """

    rates: np.ndarray
    energies: np.ndarray

    hypotheses = ("μ − ν is small compared with ν, or its large part decays first",)

    @classmethod
    def of(
        cls, flow: Equation[Any], initial: np.ndarray, points: int | None = None, share: float = 1e-9
    ) -> "LinearDecay":
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
        share
            Share of its first value down to which the energy is accurate. Default: 1e−9.

        Raises
        ------
        InputError
            If the target is negative somewhere, or ``initial`` is not a density on the grid.
        """
        if flow.target.min() < 0:
            raise InputError("the target is negative somewhere; linear theory needs a target ≥ 0")
        initial = flow.grid.check_density(initial, "the initial density")
        varies = not is_constant(flow.target) and flow.grid.has_cells
        own = cls(*(_local(flow, initial, share) if varies else _of_modes(flow, _energies(flow, initial))))
        return own if points is None else own + cls.of_noise(flow, initial, points)

    @classmethod
    def of_noise(cls, flow: Equation[Any], initial: np.ndarray, points: int) -> "LinearDecay":
        """Return the part of the expected energy that is the noise of independent samples; see :meth:`of`."""
        grid = flow.grid
        of_points = grid.mode_multiplicity() * (grid.integral(initial) ** 2 / grid.volume)
        noise = np.maximum(of_points - sobolev.mode_power(grid, initial), 0.0) * flow.symbol / (2 * points)
        noise.flat[0] = 0.0  # every sample has exactly the mass of the density
        return cls(*_of_modes(flow, noise, initial))

    @classmethod
    def beyond(cls, flow: Equation[Any], coarse: Equation[Any], initial: np.ndarray) -> "LinearDecay":
        """Return the part of the energy that a coarser grid does not resolve, at short wavelengths.

        Parameters
        ----------
        flow, coarse
            The flow, and the same on the coarser grid.
        initial
            Initial density as cell averages, shape ``flow.grid.shape``.
        """
        fine = flow.grid.lost_on(coarse.grid)
        held = np.where(fine, _energies(flow, initial), 0.0)
        if not held.any():
            return cls(np.zeros(0), np.zeros(0))
        waves = flow.filtered(initial - flow.target, np.where(fine, np.sqrt(flow.symbol), 0.0))
        return cls(*_of_modes(flow, held, waves**2))

    def __add__(self, other: "LinearDecay") -> "LinearDecay":
        """The sum of two energies."""
        return LinearDecay(np.concatenate([self.rates, other.rates]), np.concatenate([self.energies, other.energies]))

    def __call__(self, time: float | np.ndarray) -> float | np.ndarray:
        """Energy at times ≥ 0; a number or an array of the shape of ``time``."""
        times = np.asarray(time, dtype=float)
        return (np.exp(-2 * np.multiply.outer(times, self.rates)) @ self.energies)[()]

    def held_at(self, time: float) -> np.ndarray:
        """Energy that each of the rates still holds at a time ≥ 0, shape (rates,)."""
        return np.asarray(self.energies * np.exp(-2 * self.rates * time))

    def exponent(self, time: float | np.ndarray) -> float | np.ndarray:
        """Local decay exponent −d log E / d log t at times > 0."""
        rates = 2 * np.multiply.outer(np.asarray(time, dtype=float), self.rates)
        return (((rates * np.exp(-rates)) @ self.energies) / self(time))[()]

    def time_to(self, energy: float) -> float:
        """Time at which the energy falls to a value > 0: 0 if it starts below it, infinite if it never does."""
        if not energy > 0:
            raise InputError(f"energy = {energy}: it must be positive")
        return _time_to(energy, self.rates, self.energies)


def _time_to(energy: float, rates: np.ndarray, energies: np.ndarray) -> float:
    """Time at which a sum of exponentials falls to a value; see :meth:`LinearDecay.time_to`."""
    if energies.sum() <= energy:
        return 0.0
    counted = energies > 0
    rates, energies = rates[counted], energies[counted]

    def excess(logarithm: float) -> float:
        """log(E / energy) as a function of log t, safe from overflow and underflow."""
        return float(logsumexp(-2 * rates * math.exp(logarithm), b=energies)) - math.log(energy)

    moving = rates[rates > 0]
    if moving.size == 0:
        return math.inf
    soon, late = math.log(1e-9 / moving.max()), math.log(1e3 / moving.min())
    if excess(late) > 0:
        return math.inf
    from scipy.optimize import brentq  # imported here because it loads slowly

    return math.exp(brentq(excess, soon, late)) if excess(soon) > 0 else math.exp(soon)


def _local(flow: Equation[Any], initial: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Rates and energies of a deviation from a target that varies."""
    coarse = coarsened(flow, CELLS)
    deviation = flow.grid.averages_on(coarse.grid, initial) - coarse.target
    goal = share * flow.energy(initial)
    rates, energies = excited_spectrum(coarse, deviation, partial(_time_to, max(goal, np.finfo(float).tiny)))
    fine = LinearDecay.beyond(flow, coarse, initial)
    if fine.energies.sum() <= NEGLIGIBLE * goal:
        return rates, energies
    return np.concatenate([rates, fine.rates]), np.concatenate([energies, fine.energies])


def _energies(flow: Equation[Any], initial: np.ndarray) -> np.ndarray:
    """Initial energy in every mode, shape ``grid.spectral_shape``."""
    grid, deviation = flow.grid, initial - flow.target
    held = sobolev.mode_power(grid, deviation) * flow.symbol / 2
    if flow.growth:
        held.flat[0] = float(flow.symbol.flat[0]) * grid.integral(deviation) ** 2 / grid.volume / 2
    return held


def _of_modes(
    flow: Equation[Any], held: np.ndarray, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Rates and energies of modes that hold these energies, at values of ν that represent the integrated weights."""
    counted = held.ravel() > 0
    energies = held.ravel()[counted]
    rates = ((flow.grid.laplacian_symbol("spectral") + flow.growth) * flow.symbol).ravel()[counted]
    bins = np.zeros(rates.shape, int)  # modes that do not decay have a bin of their own
    moving = rates > 0
    if moving.any():
        logarithms = np.rint(np.log(rates[moving]) * _RESOLUTION).astype(int)
        bins[moving] = logarithms - logarithms.min() + 1
    sums = np.bincount(bins, energies)
    some = sums > 0
    means = np.bincount(bins, energies * rates)[some] / sums[some]
    values = _values(flow, np.ones(flow.grid.shape) if weights is None else weights)
    return np.outer(values, means).ravel(), np.outer(np.full(values.size, 1 / values.size), sums[some]).ravel()


def _values(flow: Equation[Any], weights: np.ndarray) -> np.ndarray:
    """Values of ν that represent equal shares of the integrated weight; a single value if ν is constant."""
    values = flow.target.ravel()
    if is_constant(flow.target):
        return values[:1].copy()
    ascending = np.argsort(values)
    held = (weights * flow.grid.cell_volumes).ravel()[ascending]
    middles = (np.arange(_VALUES) + 0.5) / _VALUES
    return np.interp(middles, (np.cumsum(held) - held / 2) / held.sum(), values[ascending])

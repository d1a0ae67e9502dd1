"""The flow near its target, where every Fourier mode decays by itself."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import logsumexp

from gridflow import sobolev
from gridflow.errors import InputError
from gridflow.flow import Equation, Flow
from gridflow.kernels import laplacian_symbol
from gridflow.theory.hypotheses import is_constant


@dataclass(frozen=True, eq=False)
class LinearModes:
    """Linearised flow about ν ≡ a: ``f̂_k(t) = exp(−a (λ + β) K̂ t) f̂_k(0)`` as the amplitude tends to 0.

    λ is |ξ|²; for a Riesz kernel of the spectral symbol the rate is ``a |ξ|^{2−2s}``.

    Parameters
    ----------
    flow
        A flow to a constant target.
    """

    flow: Flow

    hypotheses = ("ν ≡ a", "the amplitude of μ − ν is small against a")

    def __post_init__(self) -> None:
        if not is_constant(self.flow.target):
            raise InputError("LinearModes needs a constant target")

    def rate(self, mode: tuple[int, ...]) -> float:
        """Rate of decay of the mode with these mode numbers (1 / time)."""
        grid = self.flow.grid
        if len(mode) != grid.dim or any(2 * abs(k) > n for k, n in zip(mode, grid.shape, strict=True)):
            raise InputError(f"mode {mode} is not one of the grid of shape {grid.shape}")
        if mode[-1] < 0:
            mode = tuple(-k for k in mode)
        squared = sum((2 * np.pi * k / length) ** 2 for k, length in zip(mode, grid.lengths, strict=True))
        symbol = self.flow.symbol[tuple(k % n for k, n in zip(mode, grid.shape, strict=True))]
        return float(self.flow.target_mass / grid.volume * (squared + self.flow.growth) * symbol)

    def __call__(self, time: float, mode: tuple[int, ...]) -> float:
        """Factor by which the mode's amplitude has decayed at a time ≥ 0."""
        return float(np.exp(-self.rate(mode) * time))


_RESOLUTION = 100
"""Bins per e-folding of the rates: modes in a bin differ by 1 % in rate, in the sum of two exponentials by 1e−5."""
_VALUES = 32
"""Values that stand for a target that varies."""


@dataclass(frozen=True, eq=False)
class LinearDecay:
    """The energy that linear theory predicts: ``E(t) = ½ |T| Σ_k K̂ |f̂_k|² ⟨exp(−2 ν (λ + β) K̂ t)⟩``.

    The mean is over the values of ν. For a constant target it is the linearised flow. For another one it is its leading
    order at short wavelengths (a wave packet at x decays at the rate of the density there), which says nothing of modes
    as long as those of ν; near the target it is right within the variation of ν over a wavelength.

    Make one with :meth:`of`.

    Parameters
    ----------
    rates
        Decay rates of the amplitudes for ν = 1 (volume / (mass · time)), ascending.
    energies
        What the modes of each rate hold at the start.
    densities
        Values of ν, each standing for an equal share of the torus or sphere (mass / volume).
    """

    rates: np.ndarray
    energies: np.ndarray
    densities: np.ndarray

    hypotheses = (
        "μ − ν is small against ν, or its large part dies first",
        "ν is constant, or varies over lengths far beyond the wavelengths that matter",
    )

    @classmethod
    def of(cls, flow: Equation[Any], initial: np.ndarray, points: int | None = None) -> "LinearDecay":
        """The prediction for a run from an initial density, or on average over so many independent points of it.

        ``N`` particles or neurons of equal mass have noise of variance ``(M²/|T|² − |μ̂_k|²) / N`` in every mode, which
        decays as the mode does: the regularity of a random start is −d/2, whatever that of the density is.

        Raises
        ------
        InputError
            If the target is negative somewhere.
        """
        if flow.target.min() < 0:
            raise InputError("linear theory needs a target ≥ 0: near one of both signs there are two measures")
        initial = flow.grid.check_density(initial, "the initial density")
        rates = ((laplacian_symbol(flow.grid, "spectral") + flow.growth) * flow.symbol).ravel()
        held = (sobolev.mode_power(flow.grid, initial - flow.target) * flow.symbol).ravel() / 2
        if points is not None:
            of_points = flow.grid.mode_multiplicity() * (flow.grid.integral(initial) ** 2 / flow.grid.volume)
            noise = np.maximum(of_points - sobolev.mode_power(flow.grid, initial), 0.0) * flow.symbol / (2 * points)
            noise.flat[0] = 0.0  # every sample has the mass of the density
            held = held + noise.ravel()
        if flow.growth:
            zero = float(flow.symbol.flat[0])
            held[0] = zero * flow.grid.integral(initial - flow.target) ** 2 / flow.grid.volume / 2
        counted = (held > 0) & (rates > 0)
        rates, held, resting = rates[counted], held[counted], float(held[~counted].sum())
        bins = np.rint(np.log(rates) * _RESOLUTION).astype(int)
        bins -= bins.min(initial=0)
        energies = np.bincount(bins, held)
        some = energies > 0
        means = np.bincount(bins, held * rates)[some] / energies[some]
        if resting > 0:
            means, energies, some = (
                np.append(means, 0.0),
                np.append(energies[some], resting),
                np.full(some.sum() + 1, True),
            )
        order = np.argsort(means)
        values = flow.target.ravel()
        if is_constant(flow.target):
            densities = values[:1].copy()
        else:
            ascending = np.argsort(values)
            held_by = np.broadcast_to(flow.grid.cell_volumes, flow.grid.shape).ravel()[ascending]
            middles = (np.arange(_VALUES) + 0.5) / _VALUES
            shares = (np.cumsum(held_by) - held_by / 2) / flow.grid.volume
            densities = np.interp(middles, shares, values[ascending])
        return cls(means[order], energies[some][order], densities)

    def __call__(self, time: float | np.ndarray) -> float | np.ndarray:
        """The energy at a time ≥ 0."""
        times = np.asarray(time, dtype=float)
        result = np.zeros(times.shape)
        for density in self.densities:
            exponents = -2 * density * np.multiply.outer(times, self.rates)
            result += np.exp(exponents) @ self.energies
        return (result / self.densities.size)[()]

    def exponent(self, time: float | np.ndarray) -> float | np.ndarray:
        """−d log E / d log t at a time > 0."""
        times = np.asarray(time, dtype=float)
        slope = np.zeros(times.shape)
        for density in self.densities:
            rates = 2 * density * np.multiply.outer(times, self.rates)
            slope += (rates * np.exp(-rates)) @ self.energies
        return (slope / self.densities.size / self(times))[()]

    def time_to(self, energy: float) -> float:
        """When the energy falls to a value > 0: 0 if it starts below, infinite if it never does."""
        if not energy > 0:
            raise InputError(f"energy = {energy}: it must be positive")
        if self(0.0) <= energy:
            return 0.0
        rates = np.multiply.outer(self.densities, self.rates)
        held = np.broadcast_to(self.energies / self.densities.size, rates.shape)

        def excess(logarithm: float) -> float:
            """log E / energy at a time, which neither overflows nor underflows."""
            return float(logsumexp(-2 * rates * math.exp(logarithm), b=held)) - math.log(energy)

        moving = rates[rates > 0]
        if moving.size == 0:
            return math.inf
        soon, late = math.log(1e-9 / moving.max()), math.log(1e3 / moving.min())
        if excess(late) > 0:
            return math.inf
        return math.exp(brentq(excess, soon, late)) if excess(soon) > 0 else math.exp(soon)

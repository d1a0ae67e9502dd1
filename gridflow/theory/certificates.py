"""Upper bounds on the energy: theorems with explicit constants, not asymptotics."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gridflow.arguments import takes_numbers
from gridflow.equation.flow import Equation
from gridflow.errors import InputError
from gridflow.measures import sobolev
from gridflow.theory.hypotheses import order_of, require_coulomb


def _energy_to_reach(energy: float) -> float:
    if not energy > 0:
        raise InputError(f"energy = {energy}: it must be positive")
    return energy


@takes_numbers
@dataclass(frozen=True)
class CoulombCertificate:
    """A-priori bound for s = 1: ``E(t) ≤ E_0 ((1 − m_0/n) + (m_0/n) e^{nt})^{−2}`` with m_0 = min μ_0 and n = inf ν.

    ``dE/dt = −∫ μ |∇V|² ≤ −2 min μ · E``, since ``∫ |∇V|² = 2E`` for s = 1. Along characteristics, ``min μ`` stays
    above the solution of ``m' = m (n − m)``.

    Parameters
    ----------
    energy
        Initial energy E_0 ≥ 0.
    minimum
        Initial minimum m_0 (mass / volume), positive.
    background
        Infimum n of the target (mass / volume), positive.

    Raises
    ------
    InputError
        If an argument is not allowed.
    """

    energy: float
    minimum: float
    background: float

    hypotheses = (
        "s = 1 and no growth",
        "inf ν > 0",
        "min μ_0 > 0; the smallest cell average equals the minimum up to O(h²)",
    )

    def __post_init__(self) -> None:
        if not (self.energy >= 0 and self.minimum > 0 and self.background > 0):
            raise InputError(
                f"energy = {self.energy}, minimum = {self.minimum}, background = {self.background}: "
                "a certificate needs an energy ≥ 0 and positive densities"
            )

    @classmethod
    def of(cls, flow: Equation[Any], initial: np.ndarray) -> "CoulombCertificate":
        """Return the certificate of a run.

        Parameters
        ----------
        flow
            A flow with s = 1 and a positive target.
        initial
            Initial density as cell averages, shape ``flow.grid.shape``, positive.

        Raises
        ------
        InputError
            If a hypothesis fails; the message names it.
        """
        require_coulomb(flow, "the certificate before a run")
        for density, name in ((initial, "the initial density"), (flow.target, "the target")):
            if not density.min() > 0:
                raise InputError(
                    f"{name} has a hole, so there is no certificate before a run for s = 1: "
                    "its bound decays at the rate of the smallest density"
                )
        return cls(flow.energy(initial), float(initial.min()), float(flow.target.min()))

    def __call__(self, time: float | np.ndarray) -> float | np.ndarray:
        """Bound on the energy at times ≥ 0; a number or an array of the shape of ``time``."""
        return logistic_energy(self.energy, self.minimum, self.background, time)

    def time_to(self, energy: float) -> float:
        """Time at which the bound reaches an energy > 0; 0 if it starts below it."""
        return logistic_time(self.energy, self.minimum, self.background, energy)


def logistic_energy(energy: float, density: float, background: float, time: float | np.ndarray) -> float | np.ndarray:
    """Energy ``E_0 ((1 − m/n) + (m/n) e^{nt})^{−2}`` at times ≥ 0, which solves E' = −2 m(t) E with m' = m (n − m).

    Parameters
    ----------
    energy, density, background
        E_0, the density m at time 0 and n (mass / volume).
    time
        Times; a number or an array.
    """
    share, nt = density / background, background * np.asarray(time)
    # A factor e^{nt} is cancelled, so that nothing overflows.
    return (energy * np.exp(-2 * nt) / (share + (1 - share) * np.exp(-nt)) ** 2)[()]


def logistic_time(energy: float, density: float, background: float, goal: float) -> float:
    """Time at which :func:`logistic_energy` reaches a value > 0; 0 if it starts below it."""
    ratio = math.sqrt(energy / _energy_to_reach(goal))
    return 0.0 if ratio <= 1 else math.log1p((ratio - 1) * background / density) / background


@takes_numbers
@dataclass(frozen=True, eq=False)
class MinimumCertificate:
    """A-posteriori bound for s = 1: ``E(t) ≤ E_0 exp(−2 ∫_0^t min μ dτ)`` with the measured minima of a run.

    Between two rows of a time series, min μ is replaced by the smaller of its two values. The result is still an upper
    bound if the minimum is monotone there. Beyond the last row, min μ is replaced by the smaller of its last value and
    inf ν, below which it cannot fall.

    Parameters
    ----------
    energy
        Initial energy E_0.
    times, minima
        Ascending times from 0, and min μ (mass / volume) at each, shape (n,).
    background
        Infimum of the target, inf ν (mass / volume).

    Raises
    ------
    InputError
        If the times do not ascend from 0, or the shapes differ.
    """

    energy: float
    times: np.ndarray
    minima: np.ndarray
    background: float

    hypotheses = ("s = 1 and no growth", "min μ is monotone between rows of the series")

    def __post_init__(self) -> None:
        times, minima = np.asarray(self.times, dtype=float), np.asarray(self.minima, dtype=float)
        if times.shape != minima.shape or times.size < 1 or times[0] != 0 or (np.diff(times) < 0).any():
            raise InputError("a certificate from a run needs ascending times from 0 and a minimum for each")
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "minima", minima)

    def __call__(self, time: float | np.ndarray) -> float | np.ndarray:
        """Bound on the energy at times ≥ 0; a number or an array of the shape of ``time``."""
        return (self.energy * np.exp(-2 * self._integral(np.asarray(time, dtype=float))))[()]

    def time_to(self, energy: float) -> float:
        """Time at which the bound reaches an energy > 0; infinite if it never does."""
        needed = math.log(self.energy / _energy_to_reach(energy)) / 2
        if needed <= 0:
            return 0.0
        reached = self._integral(self.times)
        if reached[-1] >= needed:
            return float(np.interp(needed, reached, self.times))
        return float(self.times[-1] + (needed - reached[-1]) / self._last) if self._last > 0 else math.inf

    @property
    def _last(self) -> float:
        return float(min(self.minima[-1], self.background))

    def _integral(self, time: np.ndarray) -> np.ndarray:
        """Return a piecewise linear lower bound on ∫_0^t min μ dτ."""
        steps = np.diff(self.times) * np.minimum(self.minima[1:], self.minima[:-1])
        reached = np.concatenate([[0.0], np.cumsum(steps)])
        beyond = np.maximum(time - self.times[-1], 0.0)
        result: np.ndarray = np.interp(time, self.times, reached) + beyond * self._last
        return result


@takes_numbers
@dataclass(frozen=True)
class RieszCertificate:
    """A-posteriori bound for s > 1: ``E(t) ≤ (E_0^{−p} + p m 2^{1+p} R^{−2p} t)^{−1/p}`` with p = (s − 1) / (r + s).

    With f = μ − ν, ``dE/dt ≤ −m ‖f‖²_{Ḣ^{1−2s}}``, and interpolation between Ḣ^{1−2s} and Ḣ^r gives
    ``‖f‖²_{Ḣ^{−s}} ≤ ‖f‖_{Ḣ^{1−2s}}^{2/(1+p)} ‖f‖_{Ḣ^r}^{2p/(1+p)}``, hence ``dE/dt ≤ −m (2E)^{1+p} R^{−2p}``.

    Parameters
    ----------
    energy
        Initial energy E_0, positive.
    s, r
        Order of the kernel, s > 1, and of the norm, r > −s.
    minimum
        Lower bound m ≤ inf_t min μ_t (mass / volume), positive.
    bound
        Upper bound R ≥ sup_t ‖μ_t − ν‖_{Ḣ^r}, see :func:`gridflow.measures.sobolev.norm`.

    Raises
    ------
    InputError
        If an argument is not allowed.
    """

    energy: float
    s: float
    r: float
    minimum: float
    bound: float

    hypotheses = (
        "s > 1 and no growth",
        "min μ_t ≥ m > 0 at all times of the run",
        "‖μ_t − ν‖_{Ḣ^r} ≤ R at all times of the run",
    )

    def __post_init__(self) -> None:
        if not self.s > 1:
            raise InputError(f"s = {self.s}: this certificate needs s > 1; see CoulombCertificate for s = 1")
        if not self.r > -self.s:
            raise InputError(f"r = {self.r}: it must be above −s = {-self.s}")
        if not self.minimum > 0:
            raise InputError(f"the smallest density is {self.minimum}: a run with a hole has no certificate for s > 1")
        if not (self.energy > 0 and self.bound > 0):
            raise InputError(f"energy = {self.energy} and R = {self.bound}: both must be positive")

    @classmethod
    def of(cls, flow: Equation[Any], densities: list[np.ndarray], r: float) -> "RieszCertificate":
        """Return the certificate of a run.

        Parameters
        ----------
        flow
            A flow with a Riesz kernel of order s > 1 and without growth.
        densities
            Densities of the run as cell averages, the initial one first.
        r
            Order of the norm, above −s.

        Raises
        ------
        InputError
            If a hypothesis fails; the message names it.
        """
        s = order_of(flow, "the certificate for s > 1")
        norms = [sobolev.norm(flow.grid, density - flow.target, r, flow.kernel.laplacian) for density in densities]
        least = min(float(density.min()) for density in densities)
        return cls(flow.energy(densities[0]), s, r, least, max(norms))

    @property
    def exponent(self) -> float:
        """Exponent of the bound's decay at large times, t^{−(r + s) / (s − 1)}."""
        return (self.r + self.s) / (self.s - 1)

    def __call__(self, time: float | np.ndarray) -> float | np.ndarray:
        """Bound on the energy at times ≥ 0; a number or an array of the shape of ``time``."""
        # A factor E_0 is cancelled, so that nothing overflows.
        return (self.energy * (1 + self._rate * np.asarray(time)) ** -self.exponent)[()]

    def time_to(self, energy: float) -> float:
        """Time at which the bound reaches an energy > 0; 0 if it starts below it."""
        p = 1 / self.exponent
        return max(math.expm1(p * math.log(self.energy / _energy_to_reach(energy))), 0.0) / self._rate

    @property
    def _rate(self) -> float:
        p = 1 / self.exponent
        return 2 * p * self.minimum * (2 * self.energy / self.bound**2) ** p

"""Upper bounds on the energy: theorems with their constants, not asymptotics."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gridflow.equation.flow import Equation
from gridflow.errors import InputError
from gridflow.measures import sobolev
from gridflow.theory.hypotheses import order_of


def _energy_to_reach(energy: float) -> float:
    if not energy > 0:
        raise InputError(f"energy = {energy}: it must be positive")
    return energy


@dataclass(frozen=True)
class CoulombCertificate:
    """s = 1, before a run: ``E(t) ≤ E_0 ((1 − m_0/n) + (m_0/n) e^{nt})^{−2}`` with m_0 = min μ_0 and n = inf ν.

    ``dE/dt = −∫ μ |∇V|² ≤ −2 min μ · E``, since ``∫ |∇V|² = 2E`` for s = 1, and along characteristics
    ``min μ`` does not fall below the solution of ``m' = m (n − m)``.

    Parameters
    ----------
    energy
        E_0.
    minimum
        m_0 (mass / volume), positive.
    background
        n (mass / volume), positive.
    """

    energy: float
    minimum: float
    background: float

    hypotheses = (
        "s = 1 and no growth",
        "inf ν > 0",
        "min μ_0 > 0; of cell averages, the least is that of the function up to O(h²)",
    )

    def __post_init__(self) -> None:
        if not (self.energy >= 0 and self.minimum > 0 and self.background > 0):
            raise InputError(
                f"energy = {self.energy}, minimum = {self.minimum}, background = {self.background}: "
                "a certificate needs an energy ≥ 0 and positive densities"
            )

    @classmethod
    def of(cls, flow: Equation[Any], initial: np.ndarray) -> "CoulombCertificate":
        """The certificate of a run; InputError says which hypothesis fails."""
        if (s := order_of(flow, "the certificate for s = 1")) != 1:
            raise InputError(f"the certificate before a run needs s = 1; the flow has s = {s}")
        for density, name in ((initial, "the initial density"), (flow.target, "the target")):
            if not density.min() > 0:
                raise InputError(
                    f"{name} has a hole, where it is 0: then there is no certificate before a run for s = 1, since "
                    "its bound decays at the rate of the smallest density"
                )
        return cls(flow.energy(initial), float(initial.min()), float(flow.target.min()))

    def __call__(self, time: float | np.ndarray) -> float | np.ndarray:
        """The bound at a time ≥ 0."""
        share, nt = self.minimum / self.background, self.background * np.asarray(time)
        # e^{nt} is taken out, so that nothing overflows
        return (self.energy * np.exp(-2 * nt) / (share + (1 - share) * np.exp(-nt)) ** 2)[()]

    def time_to(self, energy: float) -> float:
        """When the bound reaches an energy > 0; 0 if it starts below."""
        ratio = math.sqrt(self.energy / _energy_to_reach(energy))
        if ratio <= 1:
            return 0.0
        return math.log1p((ratio - 1) * self.background / self.minimum) / self.background


@dataclass(frozen=True, eq=False)
class MinimumCertificate:
    """s = 1, from a run: ``E(t) ≤ E_0 exp(−2 ∫_0^t min μ dτ)`` with the minima that were measured.

    Between two rows of a series min μ is taken for the smaller of the two, which keeps this an upper bound as long as
    the minimum is monotone there; beyond the last row, for the smaller of its value and inf ν, below which it then
    cannot fall.

    Parameters
    ----------
    energy
        E_0.
    times, minima
        Ascending from 0, and min μ at each.
    background
        inf ν.
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
        """The bound at a time ≥ 0."""
        return (self.energy * np.exp(-2 * self._integral(np.asarray(time, dtype=float))))[()]

    def time_to(self, energy: float) -> float:
        """When the bound reaches an energy > 0; infinite if it never does."""
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
        """A lower bound of ∫_0^t min μ dτ, piecewise linear."""
        steps = np.diff(self.times) * np.minimum(self.minima[1:], self.minima[:-1])
        reached = np.concatenate([[0.0], np.cumsum(steps)])
        beyond = np.maximum(time - self.times[-1], 0.0)
        result: np.ndarray = np.interp(time, self.times, reached) + beyond * self._last
        return result


@dataclass(frozen=True)
class RieszCertificate:
    """s > 1, from a run: ``E(t) ≤ (E_0^{−p} + p m 2^{1+p} R^{−2p} t)^{−1/p}`` with p = (s − 1) / (r + s).

    With f = μ − ν, ``dE/dt ≤ −m ‖f‖²_{Ḣ^{1−2s}}``, and interpolation between Ḣ^{1−2s} and Ḣ^r gives
    ``‖f‖²_{Ḣ^{−s}} ≤ ‖f‖_{Ḣ^{1−2s}}^{2/(1+p)} ‖f‖_{Ḣ^r}^{2p/(1+p)}``, hence ``dE/dt ≤ −m (2E)^{1+p} R^{−2p}``.

    Parameters
    ----------
    energy
        E_0.
    s, r
        Order of the kernel, above 1, and of the norm, above −s.
    minimum
        m ≤ inf_t min μ_t (mass / volume), positive.
    bound
        R ≥ sup_t ‖μ_t − ν‖_{Ḣ^r}, see :func:`gridflow.measures.sobolev.norm`.
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
            raise InputError(
                f"the least density is {self.minimum}: where a run has a hole there is no certificate for s > 1"
            )
        if not (self.energy > 0 and self.bound > 0):
            raise InputError(f"energy = {self.energy} and R = {self.bound}: both must be positive")

    @classmethod
    def of(cls, flow: Equation[Any], densities: list[np.ndarray], r: float) -> "RieszCertificate":
        """The certificate from a run's densities, the initial one first; InputError says which hypothesis fails."""
        s = order_of(flow, "the certificate for s > 1")
        symbol = flow.kernel.symbol  # type: ignore[attr-defined] # a Riesz kernel has one
        norms = [sobolev.norm(flow.grid, density - flow.target, r, symbol) for density in densities]
        least = min(float(density.min()) for density in densities)
        return cls(flow.energy(densities[0]), s, r, least, max(norms))

    @property
    def exponent(self) -> float:
        """The power of time with which the bound falls in the end, (r + s) / (s − 1)."""
        return (self.r + self.s) / (self.s - 1)

    def __call__(self, time: float | np.ndarray) -> float | np.ndarray:
        """The bound at a time ≥ 0."""
        # E_0 is taken out, so that nothing overflows
        return (self.energy * (1 + self._rate * np.asarray(time)) ** -self.exponent)[()]

    def time_to(self, energy: float) -> float:
        """When the bound reaches an energy > 0; 0 if it starts below."""
        p = 1 / self.exponent
        return max(math.expm1(p * math.log(self.energy / _energy_to_reach(energy))), 0.0) / self._rate

    @property
    def _rate(self) -> float:
        p = 1 / self.exponent
        return 2 * p * self.minimum * (2 * self.energy / self.bound**2) ** p

"""Asymptotic rates: how fast the energy falls in the end, and when on a grid that can be seen."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaln

from gridflow.equation.flow import Equation
from gridflow.equation.kernels import ReLU
from gridflow.errors import InputError
from gridflow.theory.hypotheses import decay_order, in_words, order_of

_MODES = 400
"""Along one axis, of the sum that tells when it is as good as an integral."""


@dataclass(frozen=True)
class Window:
    """A span of time in which a law can be seen, with what ends it on either side.

    Attributes
    ----------
    start, end
        Times; empty unless start < end.
    before, after
        What keeps the law from being seen earlier, and later.
    """

    start: float
    end: float
    before: str
    after: str

    @property
    def decades(self) -> float:
        """log10(end / start), 0 for an empty window."""
        return math.log10(self.end / self.start) if 0 < self.start < self.end else 0.0

    def within(self, other: "Window") -> "Window":
        """What two windows share; where they agree, the other one's reasons."""
        first = self if self.start > other.start else other
        last = self if self.end < other.end else other
        return Window(first.start, last.end, first.before, last.after)


@dataclass(frozen=True)
class PowerLaw:
    """s > 1: ``E(t) ~ t^{−(r+s)/(s−1)}`` for a start at the border of H^r, |f̂_k| ~ |ξ|^{−r−d/2}.

    Modes decay like ``exp(−ν |ξ|^{2−2s} t)``, fine ones ever more slowly, so that at a time the energy is what is left
    in modes finer than ``|ξ| ~ t^{1/(2s−2)}``: ``½ |T| Σ |ξ|^{−2s} |f̂_k|²`` over those. The bound is the source paper's
    for f in H^r, tight for a constant target; where ν varies, a wave packet at x decays at the rate ν(x) |ξ|^{2−2s},
    which changes the constant and not the power as long as inf ν > 0 and ν has more derivatives than the start (r of
    them at least).

    The kernel of a shallow ReLU network on S^d has s = (d + 2α + 1) / 2 on the modes that it sees, and only those count
    for the loss and for r; growth is nothing to fine modes.

    Parameters
    ----------
    s
        Order of the kernel, above 1.
    r
        Regularity of the start, above −s.

    References
    ----------
    Chizat, Colombo, Colombo, Fernández-Real, arXiv:2603.01977.
    """

    s: float
    r: float

    hypotheses = (
        "s > 1 (of the modes that the kernel sees), without growth for a Riesz kernel",
        "μ − ν starts at the border of H^r and stays bounded there",
        "inf ν > 0, and ν is constant or smoother than H^r",
        "μ starts near ν: the theorem is local",
    )

    def __post_init__(self) -> None:
        if not self.s > 1:
            raise InputError(f"s = {self.s}: a power law needs s > 1; for s = 1 the rate is exponential")
        if not (math.isfinite(self.r) and self.r > -self.s):
            raise InputError(f"r = {self.r}: a power law needs a finite regularity above −s = {-self.s}")

    @classmethod
    def of(cls, flow: Equation[Any], r: float) -> "PowerLaw":
        """The law of a flow; InputError says which hypothesis fails."""
        s = decay_order(flow, "the power law")
        if not flow.target.min() > 0:
            raise InputError("the target is 0 somewhere, where modes do not decay: no power law is known")
        return cls(s, r)

    @property
    def exponent(self) -> float:
        """(r + s) / (s − 1), of the energy; the KMD has half of it."""
        return (self.r + self.s) / (self.s - 1)

    def theorem(self, flow: Equation[Any]) -> str:
        """The law in words."""
        return f"{in_words(flow, self.s)}: local convergence at a power of time"

    def formula(self, flow: Equation[Any]) -> str:  # noqa: ARG002 - others depend on the flow
        """The law as a formula."""
        return f"E ~ t^−{self.exponent:.3g}, the power (r + s) / (s − 1) with r = {self.r:.3g}"

    def __call__(self, time: float | np.ndarray, start: float = 1.0, energy: float = 1.0) -> float | np.ndarray:
        """The law through an energy at a time: ``energy · (time / start)^{−exponent}``."""
        return (energy * (np.asarray(time) / start) ** -self.exponent)[()]

    def window(self, flow: Equation[Any], tolerance: float = 0.01) -> Window:
        """When the power can be seen on a grid with a relative error of its local value below a tolerance.

        It begins when the sum over modes along the longest period is as good as an integral, found from that sum. Late,
        with ``x = 2 ν |ξ|^{2−2s} t`` the energy is an integral of ``x^{p−1} e^{−x}``, p the exponent, from the x of the
        finest mode that every axis resolves, so that the local exponent differs from p by ``x^p e^{−x} / Γ(p)``.
        """
        target, p = flow.target, self.exponent
        first, last = self._ends(flow)

        def excess(logarithm: float) -> float:
            return p * logarithm - math.exp(logarithm) - float(gammaln(p)) - math.log(tolerance * p)

        peak = math.log(p)
        small = math.exp(brentq(excess, peak - 60 / p - 10, peak))
        return Window(
            self._first_modes_gone(tolerance) / (2 * float(target.min()) * first),
            small / (2 * float(target.max()) * last),
            "the first modes have not died",
            "the last mode of the grid is dying",
        )

    def _ends(self, flow: Equation[Any]) -> tuple[float, float]:
        """λ K̂ of the first mode of those that count, and of the finest."""
        grid = flow.grid
        first, last = grid.first_wavenumber, grid.finest_wavenumber
        constant = 1.0
        if isinstance(flow.kernel, ReLU):  # sees every other degree, as a sphere of half the size all of them
            first *= 2
            seen = int(np.flatnonzero(flow.symbol)[-1])
            constant = float(flow.symbol[seen] * grid.laplacian_symbol("spectral")[seen] ** self.s)
        power = 2 - 2 * self.s
        return constant * first**power, constant * last**power

    def _first_modes_gone(self, tolerance: float) -> float:
        """x of the first mode from which on the local exponent of Σ_k k^{−2s−2r−1} exp(−x k^{2−2s}) is that of ∫ dk."""
        k = np.arange(1.0, _MODES + 1)
        held, rates = (2 * self.s + 2 * self.r + 1) * np.log(k), k ** (2 - 2 * self.s)
        middle = (_MODES / 10) ** (2 * self.s - 2)  # where the modes that are left out do not matter yet
        x = np.geomspace(0.1, self.exponent * middle, 4000)
        exponents = -np.multiply.outer(x, rates) - held
        weights = np.exp(exponents - exponents.max(axis=1, keepdims=True))
        local = x * (weights * rates).sum(axis=1) / weights.sum(axis=1)
        off = np.flatnonzero(abs(local / self.exponent - 1) > tolerance)
        return float(x[min(off[-1] + 1, x.size - 1)])


@dataclass(frozen=True)
class SmoothDecay:
    """s > 1 and a smooth start: the energy falls faster than every power of time, every mode by itself.

    Parameters
    ----------
    s
        Order of the kernel, above 1.
    """

    s: float

    hypotheses = (PowerLaw.hypotheses[0], "μ − ν is smooth and stays so", *PowerLaw.hypotheses[2:])

    @classmethod
    def of(cls, flow: Equation[Any]) -> "SmoothDecay":
        """The law of a flow; InputError says which hypothesis fails."""
        return cls(PowerLaw.of(flow, 0.0).s)  # which asks the same of a flow, whatever r is

    def theorem(self, flow: Equation[Any]) -> str:
        """The law in words."""
        return f"{in_words(flow, self.s)}: local convergence, faster than every power of time"

    def formula(self, flow: Equation[Any]) -> str:
        """The law as a formula."""
        rate = "|ξ|^(2−2s)"
        if isinstance(flow.kernel, ReLU):
            laplacian = "k²" if flow.grid.dim == 1 else f"ℓ(ℓ+{flow.grid.dim - 1})"
            rate = f"({laplacian} + {flow.growth:g}) K̂" if flow.growth else f"{laplacian} K̂"
        return f"every mode falls by itself, E ~ exp(−2 ν {rate} t)"


@dataclass(frozen=True)
class ExponentialRate:
    """s = 1: ``E(t) ~ e^{−2nt}`` in the end, n = inf ν, and exactly e^{−2at} for ν ≡ a.

    ``dE/dt ≤ −2 min μ · E``, and min μ tends to inf ν from wherever it starts above 0.

    Parameters
    ----------
    background
        n (mass / volume), positive.
    """

    background: float

    hypotheses = ("s = 1 and no growth", "inf ν > 0", "min μ_0 > 0")

    def __post_init__(self) -> None:
        if not self.background > 0:
            raise InputError(f"inf ν = {self.background}: an exponential rate needs a target without a hole")

    @classmethod
    def of(cls, flow: Equation[Any]) -> "ExponentialRate":
        """The rate of a flow; InputError says which hypothesis fails."""
        if (s := order_of(flow, "the exponential rate")) != 1:
            raise InputError(f"the exponential rate needs s = 1; the flow has s = {s}")
        return cls(float(flow.target.min()))

    @property
    def rate(self) -> float:
        """2n, of the energy (1 / time); exact for a constant target, a lower bound otherwise."""
        return 2 * self.background

    def theorem(self, flow: Equation[Any]) -> str:  # noqa: ARG002 - others depend on the flow
        """The law in words."""
        return "s = 1: exponential convergence"

    def formula(self, flow: Equation[Any]) -> str:  # noqa: ARG002 - others depend on the flow
        """The law as a formula."""
        return f"E ~ exp(−{self.rate:.4g} t), or faster"

    def __call__(self, time: float | np.ndarray, energy: float = 1.0) -> float | np.ndarray:
        """The law through an energy at time 0."""
        return (energy * np.exp(-self.rate * np.asarray(time)))[()]

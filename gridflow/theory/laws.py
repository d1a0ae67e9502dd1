"""Asymptotic decay rates of the energy, and the time window in which a grid can show them."""

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy.special import gammaln

from gridflow.arguments import takes_numbers
from gridflow.equation.flow import Equation
from gridflow.errors import InputError
from gridflow.theory.hypotheses import decay_order, in_words, require_coulomb

SETTLED = 0.9
"""Share of inf ν that the smallest cell has reached when an exponential decay has its final rate."""
_MODES = 400
"""Number of modes along one axis in the sum that is compared with its integral."""


@takes_numbers
@dataclass(frozen=True)
class Window:
    """An interval of time in which a law can be observed, with the reasons for its ends.

    Attributes
    ----------
    start, end
        Times; the window is empty unless start < end.
    before, after
        Why the law cannot be observed earlier, and later.
    """

    start: float
    end: float
    before: str
    after: str

    @property
    def decades(self) -> float:
        """Length of the window, log10(end / start); 0 if it is empty."""
        return math.log10(self.end / self.start) if 0 < self.start < self.end else 0.0

    def within(self, other: "Window") -> "Window":
        """Return the intersection with another window; where ends coincide, with the other one's reasons."""
        first = self if self.start > other.start else other
        last = self if self.end < other.end else other
        return Window(first.start, last.end, first.before, last.after)


class Law(Protocol):
    """A law of the decay of the energy, as predictions and measured rates use it."""

    @property
    def hypotheses(self) -> tuple[str, ...]:
        """What must hold for it."""

    @property
    def is_exponential(self) -> bool:
        """Whether the energy decays exponentially, so that a rate is measured rather than a power of time."""

    @property
    def exponent(self) -> float | None:
        """Power of time with which the energy decays in the end, or None."""

    @property
    def rate(self) -> float | None:
        """Exponential rate at which the energy decays in the end (1 / time), or None."""

    def theorem(self, flow: Equation[Any]) -> str:
        """The law in words."""

    def formula(self, flow: Equation[Any]) -> str:
        """The law as a formula."""

    def observable(self, flow: Equation[Any], times: np.ndarray, minima: np.ndarray) -> Window:
        """Window in which a run with these smallest densities can show the law."""

    def expected(self, window: Window) -> float | None:
        """Exponent or rate that a fit in a window should give; None if the law names none."""


@takes_numbers
@dataclass(frozen=True)
class PowerLaw:
    """Decay for s > 1: ``E(t) ~ t^{−(r+s)/(s−1)}`` if μ_0 − ν is on the borderline of H^r, |f̂_k| ~ |ξ|^{−r−d/2}.

    Modes decay like ``exp(−ν |ξ|^{2−2s} t)``, so fine modes decay ever more slowly. At time t the energy is what is
    left in modes finer than ``|ξ| ~ t^{1/(2s−2)}``, namely ``½ |T| Σ |ξ|^{−2s} |f̂_k|²`` over those modes. The bound is
    that of the paper cited below for f in H^r; it is sharp for a constant target. If ν varies, a wave packet at x
    decays at the rate ν(x) |ξ|^{2−2s}. This changes the constant but not the power, provided that inf ν > 0 and that ν
    is smoother than the initial density (it needs at least r derivatives).

    The kernel of a shallow ReLU network on S^d has s = (d + 2α + 1) / 2 on the modes that it sees. Only those modes
    count for the loss and for r, and growth is negligible for the fine ones.

    Parameters
    ----------
    s
        Order of the kernel, above 1.
    r
        Regularity of the initial difference μ_0 − ν, above −s.

    Raises
    ------
    InputError
        If an argument is not allowed.

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
    is_exponential = False
    rate = None

    def __post_init__(self) -> None:
        if not self.s > 1:
            raise InputError(f"s = {self.s}: a power law needs s > 1; for s = 1 the rate is exponential")
        if not (math.isfinite(self.r) and self.r > -self.s):
            raise InputError(f"r = {self.r}: a power law needs a finite regularity above −s = {-self.s}")

    @classmethod
    def of(cls, flow: Equation[Any], r: float) -> "PowerLaw":
        """Return the law of a flow for an initial difference of regularity r; InputError names a failing hypothesis."""
        s = decay_order(flow, "the power law")
        if not flow.target.min() > 0:
            raise InputError("the target is 0 somewhere, where modes do not decay: no power law is known")
        return cls(s, r)

    @property
    def exponent(self) -> float:
        """Decay exponent of the energy, (r + s) / (s − 1); that of the KMD is half of it."""
        return (self.r + self.s) / (self.s - 1)

    def theorem(self, flow: Equation[Any]) -> str:
        """The law in words."""
        return f"{in_words(flow, self.s)}: local convergence at a power of time"

    def formula(self, flow: Equation[Any]) -> str:  # noqa: ARG002 - others depend on the flow
        """The law as a formula."""
        return f"E ~ t^−{self.exponent:.3g}, the power (r + s) / (s − 1) with r = {self.r:.3g}"

    def __call__(self, time: float | np.ndarray, start: float = 1.0, energy: float = 1.0) -> float | np.ndarray:
        """Evaluate the law through a given energy at time ``start``: ``energy · (time / start)^{−exponent}``."""
        return (energy * (np.asarray(time) / start) ** -self.exponent)[()]

    def observable(self, flow: Equation[Any], times: np.ndarray, minima: np.ndarray) -> Window:  # noqa: ARG002
        """The :meth:`window` of the grid."""
        return self.window(flow)

    def expected(self, window: Window) -> float:  # noqa: ARG002 - it is the same everywhere
        """The exponent."""
        return self.exponent

    def window(self, flow: Equation[Any], tolerance: float = 0.01) -> Window:
        """Time window in which the local exponent on a grid is within a relative tolerance of the law's.

        The window begins when the sum over modes along the longest period is close enough to an integral, which is
        computed from that sum. At late times, with ``x = 2 ν |ξ|^{2−2s} t`` and p the exponent, the energy is an
        integral of ``x^{p−1} e^{−x}`` that starts at the x of the finest mode that every axis resolves. The local
        exponent then differs from p by ``x^p e^{−x} / Γ(p)``.

        Parameters
        ----------
        flow
            The flow, with its grid and target.
        tolerance
            Relative error of the local exponent. Default: 0.01.
        """
        target, p = flow.target, self.exponent
        first, last = self._ends(flow)

        def excess(logarithm: float) -> float:
            return p * logarithm - math.exp(logarithm) - float(gammaln(p)) - math.log(tolerance * p)

        from scipy.optimize import brentq  # imported here because it loads slowly

        peak = math.log(p)
        small = math.exp(brentq(excess, peak - 60 / p - 10, peak))
        return Window(
            self._first_modes_gone(tolerance) / (2 * float(target.min()) * first),
            small / (2 * float(target.max()) * last),
            "the first modes have not decayed",
            "the last mode of the grid is decaying",
        )

    def _ends(self, flow: Equation[Any]) -> tuple[float, float]:
        """Return λ K̂ of the first mode that counts, and of the finest one."""
        grid = flow.grid
        first, last = grid.first_wavenumber, grid.finest_wavenumber
        constant = 1.0
        if not flow.kernel.sees_all:  # every second degree only, like a full spectrum on a sphere half the size
            first *= 2
            seen = int(np.flatnonzero(flow.symbol)[-1])
            constant = float(flow.symbol[seen] * grid.laplacian_symbol("spectral")[seen] ** self.s)
        power = 2 - 2 * self.s
        return constant * first**power, constant * last**power

    def _first_modes_gone(self, tolerance: float) -> float:
        """Smallest x of the first mode beyond which Σ_k k^{−2s−2r−1} exp(−x k^{2−2s}) has its integral's exponent."""
        k = np.arange(1.0, _MODES + 1)
        held, rates = (2 * self.s + 2 * self.r + 1) * np.log(k), k ** (2 - 2 * self.s)
        middle = (_MODES / 10) ** (2 * self.s - 2)  # up to here the omitted modes do not matter
        x = np.geomspace(0.1, self.exponent * middle, 4000)
        exponents = -np.multiply.outer(x, rates) - held
        weights = np.exp(exponents - exponents.max(axis=1, keepdims=True))
        local = x * (weights * rates).sum(axis=1) / weights.sum(axis=1)
        off = np.flatnonzero(abs(local / self.exponent - 1) > tolerance)
        return float(x[min(off[-1] + 1, x.size - 1)])


@takes_numbers
@dataclass(frozen=True)
class SmoothDecay:
    """s > 1 and a smooth start: the energy falls faster than every power of time.

    Each mode decays at its own rate. Modes make harmonics, which decay more slowly and carry the energy in the end.

    Parameters
    ----------
    s
        Order of the kernel, above 1.
    """

    s: float

    hypotheses = (PowerLaw.hypotheses[0], "μ − ν is smooth and stays so", *PowerLaw.hypotheses[2:])
    is_exponential = False
    exponent = rate = None

    @classmethod
    def of(cls, flow: Equation[Any]) -> "SmoothDecay":
        """The law of a flow; InputError says which hypothesis fails."""
        return cls(PowerLaw.of(flow, 0.0).s)  # its checks of the flow do not depend on r

    def theorem(self, flow: Equation[Any]) -> str:
        """The law in words."""
        return f"{in_words(flow, self.s)}: local convergence, faster than every power of time"

    def formula(self, flow: Equation[Any]) -> str:
        """The law as a formula."""
        rate = "|ξ|^(2−2s)"
        if not flow.kernel.sees_all:
            laplacian = "k²" if flow.grid.dim == 1 else f"ℓ(ℓ+{flow.grid.dim - 1})"
            rate = f"({laplacian} + {flow.growth:g}) K̂" if flow.growth else f"{laplacian} K̂"
        return f"E ~ exp(−2 ν {rate} t) of each mode and of the harmonics that they make"

    def observable(self, flow: Equation[Any], times: np.ndarray, minima: np.ndarray) -> Window:  # noqa: ARG002
        """All times: there is no power to be seen."""
        return Window(0.0, math.inf, "", "")

    def expected(self, window: Window) -> None:
        """None: the local exponent grows without bound."""


@takes_numbers
@dataclass(frozen=True)
class ExponentialRate:
    """Decay for s = 1: ``E(t) ~ e^{−2nt}`` at large times with n = inf ν, and exactly e^{−2at} for ν ≡ a.

    ``dE/dt ≤ −2 min μ · E``, and min μ tends to inf ν from any positive initial value.

    Parameters
    ----------
    background
        Infimum n of the target (mass / volume), positive.

    Raises
    ------
    InputError
        If the target has a hole.
    """

    background: float

    hypotheses = ("s = 1 and no growth", "inf ν > 0", "min μ_0 > 0")
    is_exponential = True
    exponent = None

    def __post_init__(self) -> None:
        if not self.background > 0:
            raise InputError(f"inf ν = {self.background}: an exponential rate needs a target without a hole")

    @classmethod
    def of(cls, flow: Equation[Any]) -> "ExponentialRate":
        """Return the rate of a flow; InputError names the hypothesis that fails."""
        require_coulomb(flow, "the exponential rate")
        return cls(float(flow.target.min()))

    @property
    def rate(self) -> float:
        """Decay rate of the energy, 2n (1 / time); exact for a constant target, a lower bound otherwise."""
        return 2 * self.background

    def theorem(self, flow: Equation[Any]) -> str:  # noqa: ARG002 - others depend on the flow
        """The law in words."""
        return "s = 1: exponential convergence"

    def formula(self, flow: Equation[Any]) -> str:  # noqa: ARG002 - others depend on the flow
        """The law as a formula."""
        return f"E ~ exp(−{self.rate:.4g} t), or faster"

    def __call__(self, time: float | np.ndarray, energy: float = 1.0) -> float | np.ndarray:
        """Evaluate the law through a given energy at time 0."""
        return (energy * np.exp(-self.rate * np.asarray(time)))[()]

    def observable(self, flow: Equation[Any], times: np.ndarray, minima: np.ndarray) -> Window:  # noqa: ARG002
        """From the time when the smallest density is near inf ν, so that its growth no longer slows the decay."""
        near = np.flatnonzero(minima >= SETTLED * self.background)
        start = float(times[near[0]]) if near.size else math.inf
        return Window(start, math.inf, "the smallest density has not reached that of the target", "")

    def expected(self, window: Window) -> float:  # noqa: ARG002 - it is the same everywhere
        """The rate."""
        return self.rate

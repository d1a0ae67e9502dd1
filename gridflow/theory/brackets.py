"""Bounds on the energy from both sides that hold before a run: theorems, for any start to which they apply."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from gridflow.arguments import takes_numbers
from gridflow.equation.flow import Equation
from gridflow.errors import InputError
from gridflow.theory.certificates import CoulombCertificate, logistic_energy, logistic_time
from gridflow.theory.hypotheses import require_coulomb, uniform_background
from gridflow.theory.small_starts import SmallStartCertificate


class Bound(Protocol):
    """A bound on the energy as a function of time."""

    @property
    def hypotheses(self) -> tuple[str, ...]:
        """What must hold for it."""

    def __call__(self, time: float | np.ndarray) -> float | np.ndarray:
        """Bound at times ≥ 0."""

    def time_to(self, energy: float) -> float:
        """Time at which the bound reaches an energy > 0."""


@takes_numbers
@dataclass(frozen=True)
class CoulombFloor:
    """Lower bound for s = 1: ``E(t) ≥ E_0 ((1 − M_0/N) + (M_0/N) e^{Nt})^{−2}`` with M_0 = max μ_0 and N = sup ν.

    ``dE/dt = −∫ μ |∇V|² ≥ −2 max μ · E``, and along characteristics ``max μ`` stays below the solution of
    ``M' = M (N − M)``. It is the counterpart of :class:`gridflow.theory.CoulombCertificate`, and holds for holes too.

    Parameters
    ----------
    energy
        Initial energy E_0 ≥ 0.
    maximum
        Initial maximum M_0 (mass / volume), positive.
    background
        Supremum N of the target (mass / volume), positive.
    """

    energy: float
    maximum: float
    background: float

    hypotheses = ("s = 1 and no growth", "the largest cell average equals the maximum up to O(h²)")

    @classmethod
    def of(cls, flow: Equation[Any], initial: np.ndarray) -> "CoulombFloor":
        """The bound of a run from a density of shape ``grid.shape``; InputError unless s = 1 without growth."""
        require_coulomb(flow, "the lower bound for s = 1")
        return cls(flow.energy(initial), float(initial.max()), float(flow.target.max()))

    def __call__(self, time: float | np.ndarray) -> float | np.ndarray:
        """Lower bound on the energy at times ≥ 0; a number or an array of the shape of ``time``."""
        return logistic_energy(self.energy, self.maximum, self.background, time)

    def time_to(self, energy: float) -> float:
        """Time before which the energy stays above a value > 0."""
        return logistic_time(self.energy, self.maximum, self.background, energy)


@takes_numbers
@dataclass(frozen=True)
class DissipationFloor:
    """Lower bound for any kernel: ``E(t) ≥ E_0 exp(−2 c (e^{κt} − 1) / κ)``, from the largest possible dissipation.

    ``−dE/dt = ∫ μ (|∇V|² + β V²)``. By Cauchy–Schwarz over the modes, ``|∇V|² + β V² ≤ 2E S`` with
    ``S = Σ (λ + β) K̂ / |T|``, so c is the mass times S. The mass grows by ``κ = β (2E_0 Σ K̂ / |T|)^½`` at most. This is
    :meth:`by_mass`. Or, without growth and with ``∫ |∇V|² ≤ 2E max λ K̂``, c is the largest density times that maximum.
    Along characteristics ``D log μ / Dt = ΔV``, so the largest density grows by ``κ = max (G * ν) − M min G`` at most,
    where G is the kernel of symbol λ K̂ and M the mass. This is :meth:`by_density`.

    Parameters
    ----------
    energy
        Initial energy E_0 ≥ 0.
    rate
        c (1 / time), positive.
    growth
        κ ≥ 0 (1 / time).
    """

    energy: float
    rate: float
    growth: float

    hypotheses = ("the sums are over the modes of the grid",)

    @classmethod
    def by_mass(cls, flow: Equation[Any], initial: np.ndarray) -> "DissipationFloor":
        """The bound by the mass, for a run from a density ≥ 0 of shape ``grid.shape``."""
        grid, energy = flow.grid, flow.energy(initial)
        total = float(((_laplacian(flow) + flow.growth) * flow.symbol * grid.mode_multiplicity()).sum())
        return cls(energy, grid.integral(initial) * total / grid.volume, flow.growth * _largest_potential(flow, energy))

    @classmethod
    def by_density(cls, flow: Equation[Any], initial: np.ndarray) -> "DissipationFloor":
        """The bound by the largest density, for a run from a density ≥ 0 of shape ``grid.shape``.

        InputError if there is growth, which lets the mass grow.
        """
        if flow.growth:
            raise InputError(f"the largest density is bounded without growth; this flow has growth = {flow.growth}")
        grid, energy, symbol = flow.grid, flow.energy(initial), _laplacian(flow) * flow.symbol
        rate = float(initial.max()) * float(symbol.max())
        least = float(green_function(flow, symbol).min())
        squeeze = float(flow.filtered(flow.target, symbol).max()) - grid.integral(initial) * least
        return cls(energy, rate, max(squeeze, 0.0))

    def __call__(self, time: float | np.ndarray) -> float | np.ndarray:
        """Lower bound on the energy at times ≥ 0; a number or an array of the shape of ``time``."""
        with np.errstate(over="ignore"):
            time = np.asarray(time, dtype=float)
            spent = np.expm1(self.growth * time) / self.growth if self.growth else time
            return (self.energy * np.exp(-2 * self.rate * spent))[()]

    def time_to(self, energy: float) -> float:
        """Time before which the energy stays above a value > 0."""
        spent = max(math.log(self.energy / energy), 0.0) / (2 * self.rate)
        return math.log1p(self.growth * spent) / self.growth if self.growth else spent


@takes_numbers
@dataclass(frozen=True)
class ConvexityFloor:
    """Lower bound for any kernel without growth, from the rate at the start: ``−d log E / dt ≤ ρ_0 + 4C (y_0 − y)``.

    Here ``y = √(2E)`` and ``ρ = D / E`` with the dissipation D. Along the flow
    ``E'' = 2 ‖∂_t μ‖_K² + 2 ∫ μ ∇V·∇²V ∇V ≥ D² / E − 2 h D`` with h the largest eigenvalue of −∇²V anywhere, so that
    ``ρ' ≤ 2 h ρ``: near the target the energy is convex in time on a logarithmic scale. And ``h ≤ C y`` with
    ``C² = Σ λ² K̂ / |T|``, which is finite for s > 2 + d/2. With ``y' = −ρ y / 2`` the rate is bounded by y alone.

    Parameters
    ----------
    energy
        Initial energy E_0, positive.
    rate
        Initial rate ρ_0 (1 / time), positive.
    curvature
        The constant C.
    """

    energy: float
    rate: float
    curvature: float

    hypotheses = ("no growth", "the sum is over the modes of the grid, which resolves the start")

    @classmethod
    def of(cls, flow: Equation[Any], initial: np.ndarray) -> "ConvexityFloor":
        """The bound of a run from a density of shape ``grid.shape``; InputError if there is growth, or no decay."""
        if flow.growth:
            raise InputError(f"this lower bound needs a flow without growth; this one has growth = {flow.growth}")
        grid = flow.grid
        loss, potential = flow.transported(initial, initial - flow.target)
        # where cells do not resolve the density, one of two quadratures may be far too small
        energy, dissipation = flow.energy(initial), max(grid.integral(loss * potential), flow.dissipation(initial))
        if not (energy > 0 and dissipation > 0):
            raise InputError("this lower bound needs an energy that falls")
        total = float((_laplacian(flow) ** 2 * flow.symbol * grid.mode_multiplicity()).sum())
        return cls(energy, dissipation / energy, math.sqrt(total / grid.volume))

    def __call__(self, time: float | np.ndarray) -> float | np.ndarray:
        """Lower bound on the energy at times ≥ 0; a number or an array of the shape of ``time``."""
        first = math.sqrt(2 * self.energy)
        steepest, slope = self.rate + 4 * self.curvature * first, 4 * self.curvature
        # y / (steepest − slope y) falls like exp(−steepest t / 2) from its value at y = first
        falling = first / self.rate * np.exp(-steepest / 2 * np.asarray(time, dtype=float))
        reached = steepest * falling / (1 + slope * falling)
        return (reached**2 / 2)[()]

    def time_to(self, energy: float) -> float:
        """Time before which the energy stays above a value > 0."""
        if self.energy <= energy:
            return 0.0
        first, last = math.sqrt(2 * self.energy), math.sqrt(2 * energy)
        steepest, slope = self.rate + 4 * self.curvature * first, 4 * self.curvature
        return 2 / steepest * math.log(first / last * (steepest - slope * last) / self.rate)


@takes_numbers
@dataclass(frozen=True, eq=False)
class HoleCertificate:
    """Upper bound for s = 1 and ν ≡ a that needs no positive minimum: holes may be present.

    Along characteristics μ − a keeps its sign, and ``m = ½ ∫ |μ − a| dx = m_0 e^{−at}`` exactly. Excess and deficit
    each have the mass m and a density of at most max μ − a and a − min μ, which obey the logistic law. The energy of
    such a pair is at most ``½ m (B(m, max μ − a) + B(m, a − min μ)) − m b``, where B is the largest potential that a
    mass of bounded density can have (it fills the volume where the kernel is largest), and b the least.

    Parameters
    ----------
    energy
        Initial energy E_0 ≥ 0.
    mass
        m_0.
    least, largest
        min μ_0 and max μ_0 (mass / volume).
    background
        The constant target a (mass / volume).
    kernel, volumes
        Values of the kernel K in the cells, descending, and the volumes of these cells, shape (cells,).
    """

    energy: float
    mass: float
    least: float
    largest: float
    background: float
    kernel: np.ndarray
    volumes: np.ndarray

    hypotheses = ("s = 1 and no growth", "ν ≡ a", "the mass of the cells that an edge cuts is exact up to O(h)")

    @classmethod
    def of(cls, flow: Equation[Any], initial: np.ndarray) -> "HoleCertificate":
        """The bound of a run from a density of shape ``grid.shape``; InputError unless s = 1, ν ≡ a and no growth."""
        require_coulomb(flow, "the certificate with a hole")
        background = uniform_background(flow)
        if background is None:
            raise InputError("a certificate with a hole needs a constant target")
        grid = flow.grid
        mass = grid.integral(abs(initial - background)) / 2
        values = green_function(flow, flow.symbol).ravel()
        order = np.argsort(-values)
        volumes = np.broadcast_to(grid.cell_volumes, grid.shape).ravel()[order]
        bounds = float(initial.min()), float(initial.max())
        return cls(flow.energy(initial), mass, *bounds, background, values[order], volumes)

    def __call__(self, time: float | np.ndarray) -> float | np.ndarray:
        """Upper bound on the energy at times ≥ 0; a number or an array of the shape of ``time``."""
        a, fall = self.background, np.exp(-self.background * np.asarray(time, dtype=float))
        mass = self.mass * fall
        excess = a * (self.largest - a) * fall / (self.largest + (a - self.largest) * fall)
        deficit = a * (a - self.least) * fall / (self.least + (a - self.least) * fall)
        own = self._filled(mass / excess, 1) * excess + self._filled(mass / deficit, 1) * deficit
        cross = np.maximum(self._filled(mass / excess, -1) * excess, self._filled(mass / deficit, -1) * deficit)
        return np.minimum(mass * (own / 2 - cross), self.energy)[()]

    def time_to(self, energy: float) -> float:
        """Time at which the bound reaches an energy > 0; 0 if it starts below it."""
        if self.energy <= energy:
            return 0.0
        from scipy.optimize import brentq  # imported here because it loads slowly

        def excess(time: float) -> float:
            return math.log(float(self(time)) / energy)

        late = 1 / self.background
        while excess(late) > 0:
            late *= 2
        return float(brentq(excess, 0.0, late))

    def _filled(self, volume: np.ndarray, sign: int) -> np.ndarray:
        """Integral of the kernel over a volume where it is largest (sign 1) or least (sign −1)."""
        reached = np.concatenate([[0.0], np.cumsum(self.volumes[::sign])])
        held = np.concatenate([[0.0], np.cumsum((self.volumes * self.kernel)[::sign])])
        return np.interp(volume, reached, held)


@dataclass(frozen=True, eq=False)
class Bracket:
    """All bounds on the energy that are known before a run.

    Attributes
    ----------
    floors, ceilings
        Lower and upper bounds.
    no_floor, no_ceiling
        Why there is none; empty if there is one.
    """

    floors: tuple[Bound, ...]
    ceilings: tuple[Bound, ...]
    no_floor: str
    no_ceiling: str

    @classmethod
    def of(cls, flow: Equation[Any], initial: np.ndarray, obstacle: str = "") -> "Bracket":
        """The bounds for a run.

        Parameters
        ----------
        flow
            The equation.
        initial
            Initial density, shape ``grid.shape`` (mass / volume).
        obstacle
            Known reason why the run is not the flow of this density; then there are no bounds.
        """
        obstacle = obstacle or ("" if flow.grid.has_cells else f"{flow.grid} has a single cell")
        if obstacle:
            return cls((), (), obstacle, obstacle)
        floors, no_floor = _those_of(
            flow, initial, CoulombFloor.of, DissipationFloor.by_mass, DissipationFloor.by_density, ConvexityFloor.of
        )
        ceilings, no_ceiling = _those_of(
            flow, initial, CoulombCertificate.of, HoleCertificate.of, SmallStartCertificate.of
        )
        return cls(floors, ceilings, no_floor, no_ceiling)

    def times_to(self, energy: float) -> tuple[float, float]:
        """Times between which the energy reaches a value > 0; the second is infinite if no theorem bounds it."""
        first = max((bound.time_to(energy) for bound in self.floors), default=0.0)
        return first, min((bound.time_to(energy) for bound in self.ceilings), default=math.inf)

    def not_certified(self, energy: float) -> str:
        """Why no theorem bounds the time at which the energy reaches a value; empty if one does."""
        if self.no_ceiling or math.isfinite(self.times_to(energy)[1]):
            return self.no_ceiling
        return "the start is too far from the target for a guarantee before the run"

    def lower(self, time: np.ndarray) -> np.ndarray:
        """Largest lower bound at times ≥ 0, shape of ``time``; 0 if there is none."""
        largest = np.zeros(np.shape(time))
        for bound in self.floors:
            largest = np.maximum(largest, bound(time))
        return largest

    def upper(self, time: np.ndarray) -> np.ndarray | None:
        """Smallest upper bound at times ≥ 0, shape of ``time``; None if there is none."""
        least = np.full(np.shape(time), math.inf)
        for bound in self.ceilings:
            least = np.minimum(least, bound(time))
        return least if self.ceilings else None


def _those_of(
    flow: Equation[Any], initial: np.ndarray, *kinds: Callable[[Equation[Any], np.ndarray], Bound]
) -> tuple[tuple[Bound, ...], str]:
    """Return the bounds whose hypotheses hold; without any, also a reason: that of the first, for s > 1 of the last."""
    found: list[Bound] = []
    reasons: list[str] = []
    for kind in kinds:
        try:
            found.append(kind(flow, initial))
        except InputError as reason:
            reasons.append(str(reason))
    s = flow.kernel.order(flow.grid.dim)
    return tuple(found), "" if found else reasons[-1 if s is not None and s > 1 else 0]


def green_function(flow: Equation[Any], symbol: np.ndarray) -> np.ndarray:
    """Values of the kernel with a symbol of shape ``grid.spectral_shape``, about a cell in the middle of the grid."""
    grid = flow.grid
    middle = tuple(n // 2 for n in grid.shape)
    point = np.zeros(grid.shape)
    point[middle] = 1 / np.broadcast_to(grid.cell_volumes, grid.shape)[middle]
    return flow.filtered(point, symbol)


def _laplacian(flow: Equation[Any]) -> np.ndarray:
    """The symbol λ of −Δ with which the flow moves."""
    return flow.grid.laplacian_symbol("spectral")


def _largest_potential(flow: Equation[Any], energy: float) -> float:
    """Bound on max |V| = (2E Σ K̂ / |T|)^½."""
    total = float((flow.symbol * flow.grid.mode_multiplicity()).sum())
    return math.sqrt(2 * max(energy, 0.0) * total / flow.grid.volume)

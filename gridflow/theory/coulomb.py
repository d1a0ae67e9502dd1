"""Exact results for the Coulomb flow, s = 1.

Since ∇·v = μ − ν, every fluid particle obeys ``Dμ/Dt = −μ (μ − ν)``. The objects here state consequences of this. Each
checks the hypotheses that it needs.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from gridflow.arguments import takes_numbers
from gridflow.domains.base import Domain
from gridflow.equation.flow import Equation, Flow
from gridflow.errors import InputError
from gridflow.theory.hypotheses import ROUND_OFF, is_constant, order_of, require_coulomb, uniform_background

if TYPE_CHECKING:
    from scipy.interpolate import BSpline


@takes_numbers
@dataclass(frozen=True)
class LogisticLaw:
    """Density along a characteristic for ν ≡ a: ``μ(t) = a μ0 / (μ0 + (a − μ0) e^{−a t})``.

    For smooth data, the minimum and the maximum of μ obey it exactly.

    Parameters
    ----------
    start
        Density μ0 at the foot of the characteristic (mass / volume), ≥ 0; a number or an array.
    background
        Constant target a (mass / volume), positive.
    """

    start: float | np.ndarray
    background: float

    hypotheses = ("s = 1 and no growth", "ν ≡ a")

    def __call__(self, time: float | np.ndarray) -> float | np.ndarray:
        """Density μ (mass / volume) at times ≥ 0; a number or an array broadcast from ``time`` and ``start``."""
        a, decay = self.background, np.exp(-self.background * np.asarray(time))
        empty = np.asarray(self.start) == 0
        mu = np.where(empty, 1.0, self.start)  # μ0 = 0 stays 0, where the formula would become 0 / 0
        return np.where(empty, 0.0, a * mu / (mu + (a - mu) * decay))[()]


@takes_numbers
@dataclass(frozen=True)
class HoleLaw:
    """Volume of a hole in a constant density for ν ≡ a: ``|H(t)| = |H0| e^{−a t}``, for any shape in any dimension.

    Outside the hole the density stays constant in space, at the plateau ``c(t) = M / (|T| − |H(t)|)``.

    Parameters
    ----------
    volume
        Initial volume |H0| of the hole (length^d), between 0 and that of the torus.
    torus_volume
        Volume |T| of the torus (length^d).
    background
        Constant target a = M / |T| (mass / volume).

    Raises
    ------
    InputError
        If the volume is not allowed.
    """

    volume: float
    torus_volume: float
    background: float

    hypotheses = (
        "s = 1 and no growth",
        "ν ≡ a",
        "the density is 0 in an open set, and for the plateau one value outside",
    )

    def __post_init__(self) -> None:
        if not 0 < self.volume < self.torus_volume:
            raise InputError(f"hole volume {self.volume}: it must be between 0 and the torus' {self.torus_volume}")

    @classmethod
    def of(cls, flow: Equation[Any], initial: np.ndarray) -> "HoleLaw | None":
        """Return the law of a run, or None unless its hypotheses hold.

        These are s = 1, a constant target, no growth, and a constant density outside a hole. Cells cut by the boundary
        of the hole have intermediate values; they must lie within two cells of it.

        Parameters
        ----------
        flow
            The flow.
        initial
            Initial density as cell averages, shape ``flow.grid.shape``.
        """
        background = uniform_background(flow)
        if background is None or not _is_hole_in_constant(flow.grid, initial):
            return None
        return cls(flow.grid.volume - flow.target_mass / float(initial.max()), flow.grid.volume, background)

    def __call__(self, time: float | np.ndarray) -> float | np.ndarray:
        """Volume of the hole (length^d) at times ≥ 0."""
        return self.volume * np.exp(-self.background * np.asarray(time))

    def plateau(self, time: float | np.ndarray) -> float | np.ndarray:
        """Density outside the hole (mass / volume) at times ≥ 0."""
        return self.background * self.torus_volume / (self.torus_volume - self(time))


def _is_hole_in_constant(grid: Domain, initial: np.ndarray) -> bool:
    empty = initial == 0
    top = initial.max()
    if not empty.any() or empty.all():
        return False
    return bool((grid.widened(empty) | (initial >= top * (1 - ROUND_OFF))).all())


@takes_numbers
@dataclass(frozen=True)
class HoleBounds:
    """Bounds on the volume of a hole for s = 1 and any target: ``|H_0| e^{−t sup ν} ≤ |H(t)| ≤ |H_0| e^{−t inf ν}``.

    They follow from d|H|/dt = −ν(H), for any shape in any dimension.

    Parameters
    ----------
    volume
        Initial volume |H_0| (length^d).
    least, largest
        inf ν and sup ν (mass / volume).
    """

    volume: float
    least: float
    largest: float

    hypotheses = ("s = 1 and no growth", "the density is 0 in an open set H_0 at the start")

    @classmethod
    def of(cls, flow: Flow, hole: np.ndarray) -> "HoleBounds":
        """Return the bounds for a hole given by its volume fraction in every cell, shape ``flow.grid.shape``.

        Raises
        ------
        InputError
            Unless s = 1 without growth.
        """
        require_coulomb(flow, "the hole law")
        volume = float(flow.grid.check(hole, "the hole").sum()) * flow.grid.cell_volume
        return cls(volume, float(flow.target.min()), float(flow.target.max()))

    def __call__(self, time: float | np.ndarray) -> tuple[float | np.ndarray, float | np.ndarray]:
        """Lower and upper bound on |H| (length^d) at times ≥ 0."""
        time = np.asarray(time)
        return (self.volume * np.exp(-self.largest * time))[()], (self.volume * np.exp(-self.least * time))[()]


@takes_numbers
@dataclass(frozen=True, eq=False)
class HoleBalance:
    """Volume of a hole for s = 1 and any target, from a run: ``|H(t)| = |H_0| − ∫_0^t ν(H) dτ`` by quadrature.

    Between rows the integrand is interpolated exponentially, which is exact for a constant target. The error is of
    second order in the distance between rows.

    Parameters
    ----------
    volume
        Initial volume |H_0| (length^d).
    times, inside
        Ascending times from 0, and ν(H) at each, the target's mass inside the hole; shape (n,), n ≥ 2.

    Raises
    ------
    InputError
        If the times do not ascend from 0, the shapes differ, or a mass is negative.
    """

    volume: float
    times: np.ndarray
    inside: np.ndarray

    hypotheses = ("s = 1 and no growth", "the density is 0 in an open set H_0 at the start")

    def __post_init__(self) -> None:
        times, inside = np.asarray(self.times, dtype=float), np.asarray(self.inside, dtype=float)
        if times.shape != inside.shape or times.size < 2 or times[0] != 0 or (np.diff(times) <= 0).any():
            raise InputError("the balance of a hole needs two or more ascending times from 0 and a mass for each")
        if not (inside >= 0).all():
            raise InputError(f"the target's mass inside a hole is ≥ 0; {inside.min()} was given")
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "inside", inside)

    @property
    def volumes(self) -> np.ndarray:
        """Volume |H| at the rows' times, shape (n,)."""
        before, after, dt = self.inside[:-1], self.inside[1:], np.diff(self.times)
        ratio = after / np.where(before > 0, before, 1.0)
        falls = (before > 0) & (after > 0) & (abs(ratio - 1) > 1e-6)
        logarithm = np.log(np.where(falls, ratio, 2.0))
        mean = np.where(falls, (after - before) / logarithm, (before + after) / 2)
        return self.volume - np.concatenate([[0.0], np.cumsum(mean * dt)])

    def __call__(self, time: float | np.ndarray) -> float | np.ndarray:
        """Volume |H| at times between the first and the last row, by linear interpolation between rows."""
        return np.interp(time, self.times, self.volumes)[()]


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(4)


@dataclass(frozen=True, eq=False)
class Coulomb1D:
    """Exact solution in one dimension for s = 1, by characteristics labelled by mass.

    ``dX_m/dt = m − G(X_m) + C(t)`` with G the cumulative mass of ν and C such that ∫ v dx = 0.

    For ν ≡ a the solution is ``X_m(t) = e^{−at} X_m(0) + (1 − e^{−at}) (m/a + X̄ − M/(2a))`` with X̄ the mean position,
    which is conserved. For other targets, G is the periodic quintic spline through its cumulative masses at the cell
    edges, accurate to O(h⁶) for smooth ν. Characteristics from the edges and from four points in between are integrated
    with tolerance 1e−12, and cumulative masses are interpolated on them by quintic polynomials.

    Without ``smooth``, the initial density is constant in each cell. This is exact for holes along cell edges and for
    cumulative masses at t = 0, and second order for a function with these averages.

    Parameters
    ----------
    flow
        A one-dimensional Coulomb flow without growth.
    initial
        Cell averages at t = 0 (mass / length), shape ``grid.shape``.
    smooth
        Whether they are those of a smooth function, whose cumulative mass is then the periodic quintic spline.
        Default: False.

    Raises
    ------
    InputError
        If d ≠ 1, s ≠ 1, there is growth, or the initial density does not fit the flow.
    """

    flow: Flow
    initial: np.ndarray
    smooth: bool = False

    hypotheses = ("d = 1, s = 1 and no growth",)

    def __post_init__(self) -> None:
        flow = self.flow
        if flow.grid.dim != 1 or order_of(flow, "Coulomb1D") != 1:
            raise InputError(
                f"Coulomb1D needs d = 1, s = 1 and no growth; it got d = {flow.grid.dim} and {flow.kernel}"
            )
        object.__setattr__(self, "initial", flow.check_density(self.initial, "the initial density"))

    def characteristics(self, start: np.ndarray, time: float) -> np.ndarray:
        """Positions, at a time ≥ 0, of fluid particles that started at ``start``; same shape, not wrapped."""
        start = np.asarray(start, dtype=float)
        wrapped = np.mod(start, self.flow.grid.lengths[0])
        label = self._label(wrapped)
        if self._is_uniform:
            return self._shifted(wrapped, label, time) + (start - wrapped)
        _, moved = self._integrate(time, wrapped.ravel(), label.ravel())
        return moved.reshape(start.shape) + (start - wrapped)

    def cumulative_mass(self, time: float) -> np.ndarray:
        """Exact mass between 0 and each cell edge at a time ≥ 0, shape (n + 1,)."""
        grid, label = self.flow.grid, self._masses
        length, total, edges = grid.lengths[0], label[-1], grid.edges(0)
        if self._is_uniform and not self.smooth:
            position = self._shifted(edges, label, time)
            x = np.concatenate([position[:-1] - length, position[:-1], position[:-1] + length, [position[-1] + length]])
            m = np.concatenate([label[:-1] - total, label[:-1], label[:-1] + total, [2 * total]])
            found = np.interp(edges, x, m)
        else:
            uniform = self._is_uniform
            points = self._shifted(self._points, self._labels, time) if uniform else self._integrate(time)[0]
            found = self._interpolate(points, edges)
        return found - found[0]

    def __call__(self, time: float) -> np.ndarray:
        """Exact cell averages (mass / length) at a time ≥ 0, shape ``grid.shape``."""
        return np.diff(self.cumulative_mass(time)) / self.flow.grid.spacing[0]

    @property
    def _is_uniform(self) -> bool:
        return is_constant(self.flow.target)

    @cached_property
    def _masses(self) -> np.ndarray:
        """Initial mass to the left of every edge: the labels of the edges."""
        return np.concatenate([[0.0], np.cumsum(self.initial) * self.flow.grid.spacing[0]])

    def _shifted(self, position: np.ndarray, label: np.ndarray, time: float) -> np.ndarray:
        """Evaluate the closed form for ν ≡ a."""
        background, total = self.flow.target_mass / self.flow.grid.volume, self._masses[-1]
        mean = self._first_moment(self._points) / total
        decay = np.exp(-background * time)
        moved: np.ndarray = decay * position + (1 - decay) * (label / background + mean - total / (2 * background))
        return moved

    @cached_property
    def _points(self) -> np.ndarray:
        """Feet of the characteristics, shape (n, 6): both edges of every cell and four Gauss points in between."""
        edges, h = self.flow.grid.edges(0), self.flow.grid.spacing[0]
        share = np.concatenate([[0.0], (1 + _NODES) / 2, [1.0]])
        return edges[:-1, None] + h * share

    @cached_property
    def _labels(self) -> np.ndarray:
        """Labels of the points, shape (n, 6)."""
        return self._label(self._points)

    def _label(self, position: np.ndarray) -> np.ndarray:
        """Return the initial mass to the left of positions in [0, L]."""
        edges, masses = self.flow.grid.edges(0), self._masses
        if not self.smooth:
            label: np.ndarray = np.interp(position, edges, masses)
            return label
        smooth: np.ndarray = masses[-1] * position / edges[-1] + self._spline(masses)(position)
        return smooth

    def _first_moment(self, points: np.ndarray) -> float:
        """∫ x dμ over the points of all cells, by Gauss quadrature over the feet of the characteristics."""
        h = self.flow.grid.spacing[0]
        density = self.initial[:, None] if not self.smooth else self._start_density
        return float((density * points[:, 1:-1] * (_WEIGHTS / 2 * h)).sum())

    @cached_property
    def _start_density(self) -> np.ndarray:
        """Smooth initial density at the Gauss points."""
        slope = self._masses[-1] / self.flow.grid.lengths[0]
        density: np.ndarray = slope + self._spline(self._masses).derivative()(self._points[:, 1:-1])
        return density

    def _spline(self, masses: np.ndarray) -> "BSpline":
        """Return the periodic spline through cumulative masses at the edges, after subtracting their mean slope."""
        from scipy.interpolate import make_interp_spline  # imported here because it loads slowly

        edges = self.flow.grid.edges(0)
        values = masses - masses[-1] * edges / edges[-1]
        values[-1] = values[0]
        return make_interp_spline(edges, values, k=5, bc_type="periodic")

    def _integrate(
        self, time: float, more: np.ndarray | None = None, labels: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the positions (n, 6) of the points, and those of further labelled particles, at a time ≥ 0."""
        length = self.flow.grid.lengths[0]
        total, shape = self._masses[-1], self._points.shape
        slope = total / length
        excess = self._spline(np.concatenate([[0.0], np.cumsum(self.flow.target) * self.flow.grid.spacing[0]]))
        period = float(excess.integrate(0.0, length))
        none = np.zeros(0)
        start = np.concatenate([self._points.ravel(), none if more is None else more])
        label = np.concatenate([self._labels.ravel(), none if labels is None else labels])

        def velocity(_: float, x: np.ndarray) -> np.ndarray:
            points = x[: self._points.size].reshape(shape)
            first = points[0, 0]
            # Over one period from the first point, with F the mass of μ: ∫ F = [x F] − ∫ x dF; and ∫ G.
            of_mass = (first + length) * total - self._first_moment(points)
            of_target = slope * length * (first + length / 2) + period
            drift: np.ndarray = label - slope * x - excess(np.mod(x, length)) + (of_target - of_mass) / length
            return drift

        reached = start
        if time > 0:
            from scipy.integrate import solve_ivp  # imported here because it loads slowly

            reached = solve_ivp(velocity, (0, time), start, method="DOP853", rtol=1e-12, atol=1e-13 * length).y[:, -1]
        return reached[: self._points.size].reshape(shape), reached[self._points.size :]

    def _interpolate(self, points: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Cumulative masses at positions, by the polynomial through the points of the cell image around each."""
        length, total = self.flow.grid.lengths[0], self._masses[-1]
        turns = np.floor((at - points[0, 0]) / length)
        local = at - turns * length
        cell = np.clip(np.searchsorted(points[:, 0], local, side="right") - 1, 0, len(points) - 1)
        x, m = points[cell], self._labels[cell]
        found = np.zeros(at.shape)
        for j in range(x.shape[1]):
            others = [k for k in range(x.shape[1]) if k != j]
            basis = np.prod((local[:, None] - x[:, others]) / (x[:, j : j + 1] - x[:, others]), axis=1)
            found += m[:, j] * basis
        return found + turns * total

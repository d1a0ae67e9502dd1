"""Tests whether particles move along −∇V of their own potential, from displacements between stored frames.

Let Δx be the displacement of mass and S its exact value (see :mod:`gridflow.validation.displacements`). A factor and a
drift are fitted by ``Δx = α S + Δt c``. Two other explanations are fitted as well: ``Δx = S + ε E`` with
``E = −(Δt/2) (v_1 − v_0)``, the error of explicit Euler steps of length ε Δt, and the velocities of a code without
periodic images. With N = 1000 particles or more, a factor that is wrong by one per cent is detected.
"""

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np

from gridflow.equation.flow import Flow
from gridflow.validation.displacements import Displacements
from gridflow.validation.trajectories import Trajectory

INTERVALS = 12
"""Largest number of intervals to use."""
RESOLVED = 0.5
"""Largest difference between the trapezoidal rule and S, relative to S, for an interval to be used: λ Δt up to 2.4."""
QUADRATURE = 0.02
"""Error of Simpson's rule relative to its difference from the trapezoidal rule. For a mode that decays at rate λ the
exact ratio is (λ Δt)² / 240, which is smaller for λ Δt < 2."""
EXPLAINED = 0.01
"""Relative residual below which no other numbers of modes are tried."""
UNCLEAR = 0.05
"""Relative residual of the best fit above which no number of modes is taken to be that of the code."""
MOST_MODES = 2**20
"""Largest total number of modes to try."""
ALIKE = 0.3
"""A fit counts as equally good as the best if the best residual is at least this fraction of its own."""
LOST = 0.2
"""Root mean square displacement along an axis, in periods, above which the particles count as reordered; for random
pairs on a torus it is 0.29."""


@dataclass(frozen=True)
class Interval:
    """Result for one interval.

    Attributes
    ----------
    start, end
        Times of its ends.
    factor
        α of this interval alone, fitted together with a drift.
    moved
        Root mean square displacement by the exact velocities, in units of length.
    energy
        ½ KMD² of the particles at the start and at the end.
    """

    start: float
    end: float
    factor: float
    moved: float
    energy: tuple[float, float]


@dataclass(frozen=True)
class Motion:
    """Velocities of the particles compared with −∇V at their own positions.

    Residuals are root mean squares of the unexplained displacement, relative to that of the displacements.

    Attributes
    ----------
    modes
        Number of modes along each axis whose velocities fit best.
    intervals
        Results for the single intervals.
    factor, uncertainty
        α over all intervals, the geometric mean of the regressions of Δx on S and of S on Δx, and its uncertainty. The
        latter combines the difference of the two regressions, scatter, quadrature errors, the unknown number of modes,
        and the noise of a target known by samples.
    drift, drift_share
        c along each axis (length / time), and its norm relative to the root mean square velocity.
    residual
        Residual of the fit with α and c.
    between_modes
        Largest relative difference between the displacements for two numbers of modes. The short-range treatment of a
        code may explain a residual of this size. 0 if no other numbers were tried.
    unfitted
        Residual of ``Δx − S``, without α and c.
    explicit
        Explicit Euler steps that fit best: their length ε Δt in units of time, and the residual.
    images
        Best variant without periodic images: its name and the residual. None if the kernel has no such variant, or if
        the periodic velocities explain the displacements.
    """

    modes: tuple[int, ...]
    intervals: tuple[Interval, ...]
    factor: float
    uncertainty: float
    drift: tuple[float, ...]
    drift_share: float
    residual: float
    between_modes: float
    unfitted: float
    explicit: tuple[float, float]
    images: tuple[str, float] | None


class _Sums:
    """Inner products of Δx, S, E and the drifts along each axis, summed over modes and intervals."""

    def __init__(self, dim: int) -> None:
        size = 3 + dim
        self.products = np.zeros((size, size))

    def add(self, columns: list[np.ndarray]) -> None:
        """Add the columns of one interval."""
        for i, one in enumerate(columns):
            for j, other in enumerate(columns[: i + 1]):
                self.products[i, j] += float((one.conj() * other).real.sum())
                self.products[j, i] = self.products[i, j]

    def fit(self, columns: list[int], fixed: int | None = None) -> tuple[np.ndarray, float]:
        """Fit Δx, minus a fixed column if given, by some columns; return their coefficients and the residual."""
        p = self.products
        wanted = p[:, 0] - (p[:, fixed] if fixed is not None else 0.0)
        total = wanted[0] - (wanted[fixed] if fixed is not None else 0.0)
        if columns:
            found = np.linalg.lstsq(p[np.ix_(columns, columns)], wanted[columns], rcond=None)[0]
            total -= float(found @ wanted[columns])
        else:
            found = np.zeros(0)
        return found, math.sqrt(max(total, 0.0) / p[0, 0]) if p[0, 0] > 0 else 0.0


def motion(flow: Flow, given: Trajectory, until: float, target_samples: int | None = None) -> Motion | str:
    """Compare displacements with velocities.

    Codes may treat the shortest distances differently, which also moves mass if there are few particles in three
    dimensions. Unless the modes of the run explain the displacements well, larger and smaller numbers of modes are
    therefore tried as well, and the best fit is used. If other fits are nearly as good, or no fit is good, the spread
    of α among them enters its uncertainty.

    Parameters
    ----------
    flow
        The equation.
    given
        The particles, on the flow's torus.
    until
        Last time to use.
    target_samples
        Number M of samples, if the code knows the target only by samples.

    Returns
    -------
    Motion or str
        The comparison, or one line that says why none is possible.
    """
    frames = np.flatnonzero(given.times <= until * (1 + 1e-9))
    if not given.keeps_order:
        return "the file does not say which particle is which, so displacements are not known"
    if len(frames) < 2:
        return "displacements need two frames at least"
    chosen = np.unique(np.linspace(0, len(frames) - 2, min(INTERVALS, len(frames) - 1)).round().astype(int))
    if _reordered(flow, given, chosen):
        return "the particles do not keep their order from frame to frame, or frames are far too far apart"
    finest = _measured(flow, given, chosen, flow.grid.shape, target_samples)
    if isinstance(finest, str):
        return finest
    tried = [finest]
    if finest[0].residual >= EXPLAINED:
        for share in (2, 1 / 2, 1 / 4):
            modes = tuple(max(4, int(n * share)) for n in flow.grid.shape)
            found = _measured(flow, given, chosen, modes, target_samples) if math.prod(modes) <= MOST_MODES else ""
            if not isinstance(found, str):
                tried.append(found)
    return _with_images(flow, given, chosen, _best(tried))


def _best(tried: list[tuple[Motion, dict[int, np.ndarray]]]) -> Motion:
    """Return the best of several numbers of modes, its uncertainty increased by the spread among them.

    If none explains the displacements, the code may use yet another number, which differs from all of them as much. A
    part of S of relative size r that is uncorrelated with Δx biases the factor towards 0 by up to r².
    """
    best = min((one for one, _ in tried), key=lambda one: one.residual)
    unclear = len(tried) > 1 and best.residual > UNCLEAR
    alike = [one.factor for one, _ in tried if unclear or best.residual >= ALIKE * one.residual]
    spread = max(abs(factor - best.factor) for factor in alike)
    between = 0.0
    for (_, one), (_, other) in itertools.combinations(tried, 2):
        both = one.keys() & other.keys()
        apart = sum(float((abs(one[n] - other[n]) ** 2).sum()) for n in both)
        size = sum(max(float((abs(s[n]) ** 2).sum()) for s in (one, other)) for n in both)
        between = max(between, math.sqrt(apart / size) if size > 0 else 0.0)
    attenuated = min(best.residual, between) ** 2 if unclear else 0.0
    uncertainty = math.hypot(best.uncertainty, spread, attenuated)
    return replace(best, uncertainty=uncertainty, between_modes=between)


def _reordered(flow: Flow, given: Trajectory, chosen: np.ndarray) -> bool:
    """Whether the displacements over every interval are as large as the distances of random pairs."""
    lengths = np.array(flow.grid.lengths)
    for number in chosen:
        apart = (given.frame(int(number) + 1)[0] - given.frame(int(number))[0]) / lengths
        apart -= np.round(apart)
        if (apart**2).mean() < LOST**2:
            return False
    return True


def _measured(
    flow: Flow, given: Trajectory, chosen: np.ndarray, modes: tuple[int, ...], target_samples: int | None
) -> tuple[Motion, dict[int, np.ndarray]] | str:
    """Compare displacements with the velocities for a number of modes; also return the modes of S by interval."""
    dim = flow.grid.dim
    observed = Displacements(flow, given, modes)
    sums, intervals, displaced = _Sums(dim), [], {}
    pull = np.zeros(observed.field.modes.shape, complex)
    quadrature = 0.0
    for number in chosen:
        one = observed.over(int(number))
        if not np.linalg.norm(one.trapezoid) < RESOLVED * np.linalg.norm(one.columns[1]):
            continue
        alone = _Sums(dim)
        alone.add(one.columns)
        sums.products += alone.products
        displaced[int(number)] = one.columns[1]
        factor = float(alone.fit(_drifting(dim))[0][0])
        intervals.append(Interval(one.start, one.start + one.dt, factor, one.moved, one.energies))
        quadrature += QUADRATURE * float((one.columns[1].conj() * one.trapezoid).real.sum())
        if target_samples is not None:
            pull += observed.pull(one)
    if not intervals:
        return "frames are so far apart that they do not resolve the motion; store more of them"
    p = sums.products
    if p[0, 0] == 0 or p[1, 1] == 0:
        return "the particles do not move" if p[0, 0] == 0 else "the particles have no reason to move"
    found, residual = sums.fit(_drifting(dim))
    _, unfitted = sums.fit([], fixed=1)
    freedom = 2 * observed.columns_size - 1 - dim
    scatter = residual * math.sqrt(p[0, 0] / p[1, 1] / freedom)
    # the residual may be an error of Δx or of S: α lies between the regressions of one on the other
    explained = max(1 - residual**2, 1e-3)
    factor = float(found[0]) / math.sqrt(explained)
    uncertainty = math.hypot(scatter, quadrature / p[1, 1], abs(factor) * (1 / math.sqrt(explained) - 1))
    if target_samples is not None:
        uncertainty = math.hypot(uncertainty, observed.noise_of_target(pull, target_samples) / p[1, 1])
    step, left = sums.fit([2], fixed=1)
    measured = Motion(
        modes=modes,
        intervals=tuple(intervals),
        factor=factor,
        uncertainty=uncertainty,
        drift=tuple(float(c) for c in found[1:]),
        drift_share=float(np.linalg.norm(found[1:])) * math.sqrt(p[3, 3] / p[1, 1]),
        residual=residual,
        between_modes=0.0,
        unfitted=unfitted,
        explicit=(float(step[0]) * float(np.diff(given.times)[chosen].mean()), left),
        images=None,
    )
    return measured, displaced


def _with_images(flow: Flow, given: Trajectory, chosen: np.ndarray, found: Motion) -> Motion:
    """If the periodic velocities do not explain the displacements, also try velocities without periodic images."""
    if found.residual < 0.05 and found.drift_share < 0.02:
        return found
    observed = Displacements(flow, given, found.modes)
    return replace(found, images=observed.without_images(chosen[:: max(1, len(chosen) // 4)]))


def _drifting(dim: int) -> list[int]:
    """Indices of the fitted columns: S and the drift along each axis."""
    return [1, *range(3, 3 + dim)]

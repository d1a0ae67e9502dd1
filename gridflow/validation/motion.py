"""Whether particles move along −∇V of their own potential, from their displacements between stored frames.

To the displacements Δx of mass and what they should be, S (see :mod:`gridflow.validation.displacements`), is fitted
``Δx = α S + Δt c`` (a factor and a drift) and, for the other explanations, ``Δx = S + ε E`` with
``E = −(Δt/2) (v_1 − v_0)``, what explicit steps of length ε Δt add, and the velocities of a code without periodic
images. A wrong factor of one per cent is told from N = 1000 particles on.
"""

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np

from gridflow.equation.flow import Flow
from gridflow.validation.displacements import Displacements
from gridflow.validation.trajectories import Trajectory

INTERVALS = 12
"""Intervals at most that are looked at."""
RESOLVED = 0.5
"""Share of S by which the trapezoidal rule may be off it for an interval to tell something: λ Δt up to 2.4."""
QUADRATURE = 0.02
"""Share of the difference between Simpson's rule and the trapezoidal that the former may be off by: for a mode that
decays at rate λ the exact share is (λ Δt)² / 240, below this for λ Δt < 2."""
EXPLAINED = 0.01
"""Share of the displacements left, below which other modes are not tried."""
UNCLEAR = 0.05
"""Share of the displacements left by the best fit, from which no number of modes is taken for that of the code."""
MOST_MODES = 2**20
ALIKE = 0.3
"""A fit is as good as the best if it does not leave more than the inverse of this times as much."""
LOST = 0.2
"""Root mean square displacement along an axis, in periods, from which particles are taken for reordered ones: random
pairs on a torus are 0.29 apart."""


@dataclass(frozen=True)
class Interval:
    """What the displacements over one interval say.

    Attributes
    ----------
    start, end
        Times.
    factor
        α of this interval alone, with a drift fitted.
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
    """The particles' velocities against −∇V at their own positions.

    Attributes
    ----------
    modes
        Number of modes along each axis of the velocities that fit best.
    intervals
        One by one.
    factor, uncertainty
        α over all intervals, the geometric mean of the regressions of Δx on S and of S on Δx, and how far it may be
        off: between the two, by scatter, quadrature, the number of modes, and a target known by samples.
    drift
        c, length / time along each axis; ``drift_share`` is its length in units of the root mean square velocity.
    residual
        Root mean square of what α and c leave of the displacements, as a share of them.
    between_modes
        Share of the displacements by which those of two numbers of modes differ, at most: what a code does at short
        distances may explain as much. 0 where no others were tried.
    unfitted
        The same without α and c: ``Δx − S``.
    explicit
        (ε Δt, residual) of explicit Euler steps: their length in units of time, and what they leave.
    images
        For the best of the velocities without periodic images: what they are, and the residual; None for kernels that
        have none or if nothing asked for it.
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
    """Products of displacements of mass, Δx, S, E and the drift along each axis, summed over modes and intervals."""

    def __init__(self, dim: int) -> None:
        size = 3 + dim
        self.products = np.zeros((size, size))

    def add(self, columns: list[np.ndarray]) -> None:
        """Add an interval: for each of them the modes of its displacement of mass."""
        for i, one in enumerate(columns):
            for j, other in enumerate(columns[: i + 1]):
                self.products[i, j] += float((one.conj() * other).real.sum())
                self.products[j, i] = self.products[i, j]

    def fit(self, columns: list[int], fixed: int | None = None) -> tuple[np.ndarray, float]:
        """Coefficients of some columns that leave the least of Δx (less a fixed column), and the share left."""
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

    How a code treats the shortest distances is its own affair, and with few particles in three dimensions it moves
    mass too: unless the run's modes explain the displacements well, more and fewer are tried as well. The best fit is
    taken; as far as others fit nearly as well, or none fits well, what they change α by is uncertain.

    Parameters
    ----------
    flow
        The equation.
    given
        The particles, on the flow's torus.
    until
        Last time to look at.
    target_samples
        M, if the code knows the target by M samples of it.

    Returns
    -------
    Motion or str
        Or why their displacements tell nothing, one line.
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
    """The best of several numbers of modes, its uncertainty raised by what they differ by.

    If none explains the displacements, those of a code with yet another number may be as far from all of them: a part
    of S, of relative size r, that has nothing to do with Δx draws the factor towards 0 by up to r².
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
    """Whether particles go so far from frame to frame, all their way through, as random pairs are apart."""
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
    """Displacements against the velocities of a number of modes, and the modes of S by interval."""
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
    # what is left may be in Δx or in S: α lies between the regressions of either on the other
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
    """Try velocities without periodic images too, if the periodic ones do not explain the displacements."""
    if found.residual < 0.05 and found.drift_share < 0.02:
        return found
    observed = Displacements(flow, given, found.modes)
    return replace(found, images=observed.without_images(chosen[:: max(1, len(chosen) // 4)]))


def _drifting(dim: int) -> list[int]:
    """Columns that are fitted: S and the drift along each axis."""
    return [1, *range(3, 3 + dim)]

"""Whether particles move along −∇V of their own potential, from their displacements between stored frames.

Over an interval of length Δt an exact code has ``Δx = ∫ v dt`` with v = −∇V at its own positions. The integral S is
taken by Simpson's rule on the cubic through both ends; this needs no density and has no sampling noise, so it tells a
wrong factor of one per cent from N = 1000 particles on. Compared are not single displacements, which the nearest
neighbours and what a code does at short distances rule, but the displacement of mass on scales beyond the particles'
distance: its low Fourier modes, in which forces between near particles cancel. Fitted are ``Δx = α S + Δt c`` (a factor
and a drift) and, for the other explanations, ``Δx = S + ε E`` with ``E = −(Δt/2) (v_1 − v_0)``, what explicit steps of
length ε Δt add, and the velocities of a code without periodic images.
"""

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np

from gridflow.compute.nonuniform import NonuniformTransform
from gridflow.domains.torus import Grid
from gridflow.equation.flow import Flow
from gridflow.measures import spectra
from gridflow.particles.mean_field import MeanField
from gridflow.validation.images import WithoutImages
from gridflow.validation.trajectories import Trajectory

INTERVALS = 12
"""Intervals at most that are looked at."""
FINEST = 16
"""Modes along an axis, at most, in which displacements of mass are compared."""
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
    observed = _Observed(flow, given, modes)
    sums, intervals, displaced = _Sums(dim), [], {}
    pull = np.zeros(observed.field.modes.shape, complex)
    quadrature = 0.0
    for number in chosen:
        one = observed.interval(int(number))
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
        uncertainty = math.hypot(uncertainty, _noise_of_target(flow, observed, pull, target_samples) / p[1, 1])
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
    observed = _Observed(flow, given, found.modes)
    return replace(found, images=observed.without_images(chosen[:: max(1, len(chosen) // 4)]))


def _drifting(dim: int) -> list[int]:
    """Columns that are fitted: S and the drift along each axis."""
    return [1, *range(3, 3 + dim)]


@dataclass(frozen=True)
class _Seen:
    """One interval: displacements of mass, by their modes, and what they were worked out from.

    Attributes
    ----------
    columns
        Modes of Δx, S, E and Δt along each axis.
    trapezoid
        Modes of what the trapezoidal rule has beyond S.
    moved
        Root mean square displacement of a particle by S, in units of length.
    middle, exact
        Positions half way, and S, of every particle.
    """

    start: float
    dt: float
    weights: np.ndarray
    middle: np.ndarray
    exact: np.ndarray
    columns: list[np.ndarray]
    trapezoid: np.ndarray
    moved: float
    energies: tuple[float, float]


class _Observed:
    """The particles' own potential, evaluated at frames and between them."""

    def __init__(self, flow: Flow, given: Trajectory, modes: tuple[int, ...]) -> None:
        self._flow, self._given = flow, given
        count, dim = len(given.frame(0)[0]), flow.grid.dim
        self.field = MeanField(flow, count, modes)
        self._lengths = np.array(flow.grid.lengths)
        across = int(np.clip(count ** (1 / dim) / 2, 5, FINEST))
        self._scales = NonuniformTransform(flow.grid.lengths, (across,) * dim, count)
        self.columns_size = dim * across**dim

    def _velocity(self, positions: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, float]:
        self.field.evaluate(positions, weights)
        return self.field.velocity.copy(), self.field.energy

    def _of_mass(self, weights: np.ndarray, moved: np.ndarray) -> np.ndarray:
        """Modes of ``Σ_i w_i moved_i δ_{x_i}`` at the positions last placed, a row per axis."""
        share = weights / weights.sum()
        return np.stack([self._scales.to_modes(share * component).ravel().copy() for component in moved.T])

    def interval(self, number: int) -> _Seen:
        """Displacements and velocities over an interval; the cubic's slopes are α times the velocities."""
        start, held = self._given.frame(number)
        end, _ = self._given.frame(number + 1)
        weights = masses(self._flow, held, len(start))
        moved = end - start
        moved -= self._lengths * np.round(moved / self._lengths)  # the shortest way
        dt = float(self._given.times[number + 1] - self._given.times[number])
        first, energy = self._velocity(start, weights)
        last, later = self._velocity(start + moved, weights)
        middle = start + moved / 2
        between, _ = self._velocity(middle, weights)
        share = weights[:, None]
        straight = dt / 6 * (first + 4 * between + last)
        square = float((share * straight**2).sum())
        factor = float((share * moved * straight).sum()) / square if square > 0 else 1.0
        middle = middle + factor * dt / 8 * (first - last)
        between, _ = self._velocity(middle, weights)
        exact = dt / 6 * (first + 4 * between + last)
        self._scales.place(middle)
        drifts = [np.broadcast_to(dt * unit, moved.shape) for unit in np.eye(len(self._lengths))]
        columns = [self._of_mass(weights, one) for one in (moved, exact, dt / 2 * (first - last), *drifts)]
        return _Seen(
            float(self._given.times[number]),
            dt,
            weights,
            middle,
            exact,
            columns,
            self._of_mass(weights, dt / 2 * (first + last) - exact),
            math.sqrt(float((share * exact**2).sum()) / float(weights.sum())),
            (energy, later),
        )

    def pull(self, seen: _Seen) -> np.ndarray:
        """Modes of q with ``Re Σ S̄ δS = ∫ q η dx``, δS what a target ν − η instead of ν adds to S.

        A target that lacks η moves particles by ``−∇K * η`` more. S̄ is S with its fine modes left out.
        """
        field, modes = self.field, self.field.modes
        shape = self._scales.modes
        smooth = [np.zeros(modes.shape, complex) for _ in shape]
        places = np.ix_(*(np.fft.fftfreq(m, 1 / m).astype(int) for m in shape))
        total = np.zeros(modes.shape, complex)
        share = seen.weights / seen.weights.sum()
        for axis, xi in enumerate(spectra.wave_vectors(modes)):
            smooth[axis][places] = seen.columns[1][axis].reshape(shape)
            at = np.fft.ifftn(smooth[axis] * modes.size).real  # Σ_k of the coarse modes, on the cells' lower corners
            weighted = share * _nearest(modes, at, seen.middle)
            total += 1j * xi * spectra.of_particles(modes, seen.middle, weighted)
        return seen.dt * field.symbol * total

    def without_images(self, chosen: np.ndarray) -> tuple[str, float] | None:
        """The way to leave periodic images out that leaves the least of the displacements, and how much."""
        other = WithoutImages.of(self._flow)
        if other is None:
            return None
        left: dict[str, float] = {}
        total = 0.0
        for number in chosen:
            seen = self.interval(int(number))
            total += float((abs(seen.columns[0]) ** 2).sum())
            for name, change in other.changes(seen.middle, seen.weights).items():
                rest = seen.columns[0] - seen.columns[1] - seen.dt * self._of_mass(seen.weights, change)
                left[name] = left.get(name, 0.0) + float((abs(rest) ** 2).sum())
        best = min(left, key=lambda name: left[name])
        return best, math.sqrt(left[best] / total)


def _nearest(grid: Grid, values: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Values at the lower corners of cells, at the corner nearest to each position."""
    index = np.round(positions / np.array(grid.spacing)).astype(int) % np.array(grid.shape)
    found: np.ndarray = values[tuple(index.T)]
    return found


def masses(flow: Flow, weights: np.ndarray | None, count: int) -> np.ndarray:
    """The particles' masses: those given, or equal parts of the target's."""
    return np.full(count, flow.target_mass / count) if weights is None else weights


def _noise_of_target(flow: Flow, observed: _Observed, pull: np.ndarray, samples: int) -> float:
    """Standard deviation of ∫ q (ν − ν^M) over samples ν^M of the target, q given by its modes."""
    modes = observed.field.modes
    values = np.fft.ifftn(pull * modes.size).real
    target = np.maximum(spectra.to_density(modes, spectra.of_density(flow.grid, flow.target, modes)), 0.0)
    share = target / target.sum()
    mean = float((share * values).sum())
    variance = float((share * (values - mean) ** 2).sum())
    return flow.target_mass * math.sqrt(variance / samples)

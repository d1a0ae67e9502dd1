"""Compares particles with a grid run and gives a verdict."""

import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from gridflow.arguments import takes_numbers
from gridflow.errors import InputError
from gridflow.measures import spectra
from gridflow.runtime.store import RunDirectory
from gridflow.validation.diagnosis import CONSTANT, diagnose, named
from gridflow.validation.moments import FrameComparison, Verdict, mass_is_off
from gridflow.validation.motion import Motion, motion
from gridflow.validation.reference import Reference, effective_count
from gridflow.validation.trajectories import Trajectory, from_arrays, masses, placed, read


@dataclass(frozen=True)
class Comparison:
    """Result of comparing particles with a run.

    Attributes
    ----------
    name, count, effective_count
        Name of the particles, their number N, and the number of equal weights with the same sampling noise.
    verdict
        ``consistent``: as close to the density as N independent samples. ``better-than-sampling``: closer at half of
        the times or more. ``inconsistent``: too far away, of the wrong mass, or moving with the wrong velocity.
    since, reason
        Time from which on the particles are inconsistent, or None; and the reason for the verdict, in one line.
    moments
        Results for the single times.
    motion, note
        Result for the displacements; or None, and the reason why there is none.
    level
        Probability with which correct samples may be called inconsistent.
    accuracy
        Relative error that velocities may have.
    particles
        The trajectory, in the run's units.
    """

    name: str
    count: int
    effective_count: int
    verdict: Verdict
    since: float | None
    reason: str
    moments: tuple[FrameComparison, ...]
    motion: Motion | None
    note: str
    level: float
    accuracy: float
    particles: Trajectory = field(repr=False)

    def facts(self) -> dict[str, Any]:
        """Return all results as a dictionary of plain values, for example to write JSON."""
        found = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in ("moments", "particles")}
        motion = None if self.motion is None else asdict(self.motion)
        return found | {"motion": motion, "times": [asdict(moment) for moment in self.moments]}


@takes_numbers
def compare(
    run: str | os.PathLike[str] | RunDirectory | Reference,
    times: np.ndarray | str | os.PathLike[str] | Trajectory,
    positions: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    *,
    at: Sequence[float] | None = None,
    box: Sequence[float] | float | None = None,
    origin: Sequence[float] | float | None = None,
    time_unit: float = 1.0,
    level: float = 0.01,
    accuracy: float = 0.01,
    target_samples: int | None = None,
    seed: int = 0,
) -> Comparison:
    """Decide whether the trajectories of particles are those of the flow that a grid run solved.

    Two properties are tested. First, the particles must be at least as close to the density as N independent samples
    of it. Second, they must move along −∇V of their own potential, within ``accuracy``. The second test is free of
    sampling noise, but it needs to know which particle is which from frame to frame.

    Parameters
    ----------
    run
        Run directory of a grid solver on a torus, or a :class:`Reference` made from one, to be used for several
        comparisons.
    times
        Times of the frames, shape (T,), ascending. Or a trajectory, or the path of a file; see
        :func:`gridflow.validation.trajectories.read`.
    positions
        Positions, shape (T, N, d), in one dimension also (T, N), in the particles' unit of length. Required if
        ``times`` is an array.
    weights
        Masses, shape (N,) or (T, N), ≥ 0. Default: equal, with the total mass of the target.
    at
        Times to compare at, in the run's unit. Default: all common ones.
    box
        Period of the particles' box along each axis, in their unit of length; one number holds for all axes. Default:
        what the file says, else that of the run.
    origin
        Lower corner of that box, in the same unit. Default: what the file says, else 0.
    time_unit
        Length of one unit of their time in the run's units. Default: 1.
    level
        Probability, over all times together, with which correct samples are called inconsistent; between 0 and 1.
        Default: 0.01.
    accuracy
        Relative error of the velocities that a correct code may have, for example by its time steps. Default: 0.01.
    target_samples
        Number M of samples, if the code knows the target only by samples. Default: the target is known exactly.
    seed
        Seed of the simulated calibration; ignored if ``run`` is a :class:`Reference`. Default: 0.

    Returns
    -------
    Comparison
        The verdict with its reason, and the results behind it.

    Raises
    ------
    InputError
        If an argument is not allowed, ``run`` cannot be a reference, a file or array does not fit, or there is no
        common time.
    """
    if not 0 < level < 1:
        raise InputError(f"level = {level}: it must be between 0 and 1")
    if not accuracy > 0:
        raise InputError(f"accuracy = {accuracy}: it must be positive")
    if target_samples is not None and target_samples < 1:
        raise InputError(f"target_samples = {target_samples}: it must be at least 1")
    if isinstance(times, Trajectory):
        given = times
    elif isinstance(times, str | os.PathLike):
        given = read(times)
    elif positions is None:
        raise InputError("compare needs positions with the times, or a file in their place")
    else:
        given = from_arrays(times, positions, weights)
    reference = run if isinstance(run, Reference) else Reference(run, seed)
    given = placed(given, reference.flow.grid, box, origin, time_unit)
    pairs = _common(reference, given, at)
    found = [FrameComparison.of(reference, given, *pair, level / (2 * len(pairs))) for pair in pairs]
    moved = motion(reference.flow, given, float(reference.times[-1]), target_samples)
    verdict, since, reason = _judge(reference, given, pairs, found, moved, accuracy, target_samples)
    first, held = given.frame(pairs[0][1])
    return Comparison(
        given.name,
        len(first),
        effective_count(masses(reference.flow, held, len(first))),
        verdict,
        since,
        reason,
        tuple(found),
        moved if isinstance(moved, Motion) else None,
        "" if isinstance(moved, Motion) else moved,
        level,
        accuracy,
        given,
    )


def order(comparisons: Sequence[Comparison]) -> tuple[float, float] | None:
    """Fit the exponent p in KMD ~ N^p over several comparisons.

    The prefactor may differ from time to time; the exponent is common.

    Parameters
    ----------
    comparisons
        Comparisons of particles with the same run.

    Returns
    -------
    tuple of float or None
        p and its standard error; None if there are fewer than two different N.
    """
    rows = [(moment.time, math.log(c.count), math.log(moment.kmd)) for c in comparisons for moment in c.moments]
    times = sorted({row[0] for row in rows})
    if len({c.count for c in comparisons}) < 2:
        return None
    design = np.array([[count, *(float(time == other) for other in times)] for time, count, _ in rows])
    values = np.array([row[2] for row in rows])
    found, *_ = np.linalg.lstsq(design, values, rcond=None)
    freedom = max(len(rows) - design.shape[1], 1)
    variance = float(((values - design @ found) ** 2).sum()) / freedom
    return float(found[0]), math.sqrt(variance * float(np.linalg.pinv(design.T @ design)[0, 0]))


def _common(reference: Reference, given: Trajectory, at: Sequence[float] | None) -> list[tuple[int, int]]:
    """Return the pairs of indices of a snapshot and a frame at the same time."""
    if at is None:
        indices = [reference.index_of(time) for time in given.times]
        pairs = [(index, frame) for frame, index in enumerate(indices) if index is not None]
        if not pairs:
            raise InputError(
                f"{given.name} and {reference.stored.path} have no time in common: t = {_listed(given.times)} and "
                f"t = {_listed(reference.times)}; see time_unit, or run with output.snapshot_times"
            )
        if len(pairs) == 1 and given.times[pairs[0][1]] == 0 and len(given.times) > 1:
            raise InputError(
                f"{given.name} and {reference.stored.path} have only t = 0 in common: t = {_listed(given.times)} and "
                f"t = {_listed(reference.times)}; see time_unit, or name the times to compare at"
            )
        return pairs
    pairs = []
    for time in at:
        index, frame = reference.index_of(time), int(abs(given.times - time).argmin())
        if index is None:
            raise InputError(
                f"{reference.stored.path} has no snapshot at t = {time:g}; it has t = {_listed(reference.times)}"
            )
        if abs(given.times[frame] - time) > 1e-6 * max(abs(time), 1e-3 * given.times[-1]):
            raise InputError(f"{given.name} has no frame at t = {time:g}; it has t = {_listed(given.times)}")
        pairs.append((index, frame))
    return pairs


def _listed(times: np.ndarray) -> str:
    if len(times) <= 4:
        return ", ".join(f"{time:g}" for time in times)
    return f"{times[0]:g}, {times[1]:g}, …, {times[-1]:g}"


def _judge(
    reference: Reference,
    given: Trajectory,
    pairs: list[tuple[int, int]],
    moments: list[FrameComparison],
    moved: Motion | str,
    accuracy: float,
    target_samples: int | None,
) -> tuple[Verdict, float | None, str]:
    """Return the verdict over all times, the time from which on there is a fault, and the reason."""
    fault = diagnose(moved, accuracy, reference.flow.kernel, target_samples) if isinstance(moved, Motion) else None
    wrong = next((moment for moment in moments if moment.verdict == "inconsistent"), None)
    moves_right = isinstance(moved, Motion) and fault is None
    if wrong is not None and mass_is_off(wrong.mass, wrong.mass_expected):
        reason = f"their mass is {wrong.mass:.8g} where the run has {wrong.mass_expected:.8g}: wrong weights"
        return "inconsistent", wrong.time, reason
    if wrong is not None and (fault is None or wrong is moments[0]):
        besides = "" if fault is None else f"; besides, {fault.reason}"
        return (
            "inconsistent",
            wrong.time,
            f"{_far(reference, given, pairs, wrong, moves_right, wrong is moments[0])}{besides}",
        )
    if fault is not None:
        return "inconsistent", fault.since if wrong is None else min(fault.since, wrong.time), fault.reason
    better = sum(moment.verdict == "better-than-sampling" for moment in moments)
    if isinstance(moved, Motion):
        along = f"; displacements are {moved.factor:.4g} ± {moved.uncertainty:.1g} times ∫ v dt"
    else:
        along = f"; the displacements are not compared, so only faults larger than sampling noise are seen: {moved}"
    if len(moments) < len(given.times):
        along = f" (of {len(given.times)} in the file){along}"
    if 2 * better >= len(moments):
        return (
            "better-than-sampling",
            None,
            f"nearer than independent samples at {better} of {len(moments)} times{along}",
        )
    return "consistent", None, f"as near as independent samples at all {len(moments)} times{along}"


def _far(
    reference: Reference,
    given: Trajectory,
    pairs: list[tuple[int, int]],
    wrong: FrameComparison,
    moves_right: bool,
    at_start: bool,
) -> str:
    """Return the reason for a distance that is too large."""
    far = f"the KMD is {wrong.kmd / wrong.noise:.3g} times that of independent samples at t = {wrong.time:.4g}"
    if moves_right:
        return f"{far}, although they move along −∇V: another initial density, or another target"
    if at_start:
        return f"{far}: another initial density, box or origin"
    return f"{far}; {_time_scale(reference, given, pairs)}"


def _time_scale(reference: Reference, given: Trajectory, pairs: list[tuple[int, int]]) -> str:
    """Find the factor of time that best explains the densities, for unknown displacements; return a sentence."""
    modes, symbol = reference.modes, reference.symbols[0]
    theirs = []
    for _, frame in pairs:
        positions, held = given.frame(frame)
        weights = masses(reference.flow, held, len(positions))
        theirs.append((float(given.times[frame]), spectra.of_particles(modes, positions, weights)))

    def at(time: float) -> np.ndarray:
        after = int(np.clip(np.searchsorted(reference.times, time), 1, len(reference.times) - 1))
        before, later = reference.times[after - 1], reference.times[after]
        share = np.clip((time - before) / (later - before), 0.0, 1.0)
        return (1 - share) * reference.coefficients(after - 1) + share * reference.coefficients(after)

    def misfit(logarithm: float) -> float:
        factor = math.exp(logarithm)
        return sum(spectra.discrepancy(modes, symbol, found - at(factor * time)) for time, found in theirs)

    start = reference.coefficients(pairs[0][0])
    ways = [(found - start, at(time) - start) for time, found in theirs]
    along = sum(modes.volume * float((symbol * (a.conj() * b).real).sum()) for a, b in ways)
    size = sum(spectra.discrepancy(modes, symbol, b) for _, b in ways)
    if along < -0.1 * size:
        return "the density moves in the opposite direction: the velocity has the wrong sign"
    grid = np.linspace(math.log(1e-3), math.log(1e3), 61)
    best = float(grid[int(np.argmin([misfit(x) for x in grid]))])
    step = float(grid[1] - grid[0])
    found = minimize_scalar(misfit, bounds=(best - step, best + step), method="bounded", options={"xatol": 1e-4})
    if found.fun > 0.25 * misfit(0.0):
        return "no factor of time explains it"
    factor = named(math.exp(found.x), reference.flow.kernel.order(modes.dim))
    return f"the densities are those at {factor} times the time: {CONSTANT}"

"""Which snapshot of each run a movie shows when, and how it tells the time."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gridflow.errors import InputError
from gridflow.runtime.store import RunDirectory
from gridflow.viz.selection import distinct, in_log_time, times_of

SPACINGS = ("linear", "log", "snapshots")
SECONDS, FASTEST, SLOWEST = 10.0, 25.0, 5.0
"""Usual length of a movie in seconds, and the largest and smallest number of frames per second that it has unasked."""
WIDEST = 9
"""Characters of a number beyond which it is written with an exponent."""
MOST_DIGITS = 6
"""Largest number of digits of an energy."""


class Pace(NamedTuple):
    """The frames of a movie: their times, the index of the snapshot of each run at each time, and their rate.

    Attributes
    ----------
    times
        Simulated time of every frame, ascending.
    snapshots
        For every frame, the index of the snapshot of each run that is nearest to its time.
    fps
        Frames per second.
    """

    times: tuple[float, ...]
    snapshots: tuple[tuple[int, ...], ...]
    fps: float


def pace(
    runs: Sequence[RunDirectory],
    spacing: str | None,
    span: tuple[float, float] | None,
    seconds: float | None,
    fps: float | None,
) -> Pace:
    """Choose the frames of a movie of some runs.

    Parameters
    ----------
    runs
        The runs, at least one.
    spacing
        ``linear``: time runs at a constant rate. ``log``: its logarithm does, from the first snapshot after time 0.
        ``snapshots``: one frame for each snapshot of the run that has most. Default: ``linear``, or ``log`` if the
        snapshots of the first run are spread that way.
    span
        First and last time. Default: those that all runs have in common.
    seconds, fps
        Length of the movie and frames per second. Default: one frame for each snapshot, 10 seconds and 25 frames per
        second at most and 5 frames per second at least.

    Returns
    -------
    Pace
        The frames.

    Raises
    ------
    InputError
        If a run has no snapshots yet, or the runs have no time in common.
    """
    held = [times_of(run) for run in runs]
    first, last = span or _common(runs, held)
    inside = [times[(times >= first) & (times <= last)] for times in held]
    most = max(inside, key=len)
    spacing = spacing or ("log" if in_log_time(most) else "linear")
    if spacing == "snapshots" and len(most):
        count = len(most)
        fps = fps or (count / seconds if seconds else _usual_rate(count))
    elif seconds is None:
        count = min(max(len(most), 1), round(SECONDS * FASTEST))
        fps = fps or _usual_rate(count)
    else:
        fps = fps or FASTEST
        count = max(round(seconds * fps), 1)
    times = most if spacing == "snapshots" and len(most) else _spread(first, last, count, spacing, most)
    nearest = zip(*([int(abs(each - time).argmin()) for time in times] for each in held), strict=True)
    return Pace(tuple(map(float, times)), tuple(nearest), float(fps))


def _usual_rate(count: int) -> float:
    return min(max(count / SECONDS, SLOWEST), FASTEST)


def _common(runs: Sequence[RunDirectory], held: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return the first and the last time that all runs have."""
    late = max(range(len(runs)), key=lambda number: held[number][0])
    early = min(range(len(runs)), key=lambda number: held[number][-1])
    first, last = float(held[late][0]), float(held[early][-1])
    if last < first:
        raise InputError(
            f"the runs have no time in common: {runs[early].path} ends at t = {last:g}, "
            f"{runs[late].path} begins at t = {first:g}"
        )
    return first, last


def _spread(first: float, last: float, count: int, spacing: str, snapshots: np.ndarray) -> np.ndarray:
    """Return times at a constant rate, or of their logarithm at a constant rate after the first."""
    positive = snapshots[snapshots > 0]
    if spacing != "log" or not positive.size or last <= 0 or count < 2:
        return np.linspace(first, last, count)
    if first > 0:
        return np.geomspace(first, last, count)
    return np.concatenate([[first], np.geomspace(positive[0], last, count - 1)])


def standing_still(runs: Sequence[RunDirectory], pace: Pace) -> str:
    """Tell which run stands still for much of a movie, in one line; empty if none does.

    It is the run of which the fewest snapshots are shown, if those are fewer than half of those of another.
    """
    shown = [len(set(numbers)) for numbers in zip(*pace.snapshots, strict=True)]
    few, many = shown.index(min(shown)), shown.index(max(shown))
    if 2 * shown[few] >= shown[many]:
        return ""
    return (
        f"{runs[few].path} has few snapshots: {shown[few]} are shown beside {shown[many]} of {runs[many].path}, "
        "and it stands still between them"
    )


def stamps(runs: Sequence[RunDirectory], pace: Pace) -> list[list[str]]:
    """Return what is told of each run at every frame: the time of the snapshot that is shown, and its energy.

    All texts have the same width, and as many digits as neighbouring frames need to differ.
    """
    held = [times_of(run) for run in runs]
    times = [[float(each[row[number]]) for row in pace.snapshots] for number, each in enumerate(held)]
    energies = [_energies(run, shown) for run, shown in zip(runs, times, strict=True)]
    told = _cut(steady([time for shown in times for time in shown]), len(pace.times))
    finite = [energy for shown in energies for energy in shown]
    energy = _cut(steady(finite, exponent=True), len(pace.times))
    return [
        [
            f"t = {time}" + (f"   energy {value}" if math.isfinite(number) else "")
            for time, value, number in zip(*three, strict=True)
        ]
        for three in zip(told, energy, energies, strict=True)
    ]


def _cut(told: list[str], length: int) -> list[list[str]]:
    return [told[begin : begin + length] for begin in range(0, len(told), length)]


def _energies(run: RunDirectory, times: Sequence[float]) -> list[float]:
    """Return the energies at the times of snapshots, at each of which the series has a row; NaN where it has none."""
    series = run.series
    if "energy" not in series:
        return [math.nan] * len(times)
    found = np.interp(times, series["time"], series["energy"], left=np.nan, right=np.nan)
    return [float(energy) for energy in found]


def steady(numbers: Sequence[float], exponent: bool = False) -> list[str]:
    """Format numbers in texts of equal width, with as many digits as neighbours that differ need to look different.

    Parameters
    ----------
    numbers
        The numbers, in the order in which they are read.
    exponent
        Whether all have an exponent, and six digits at most; otherwise only numbers that would be too wide have one.
    """
    finite = [number for number in numbers if math.isfinite(number)]
    told = distinct(finite)
    digits = max((sum(map(str.isdigit, each.split("e")[0].lstrip("-0."))) for each in told), default=1)
    decimals = max((len(each.partition(".")[2]) for each in told if "e" not in each), default=0)
    fixed = [f"{number:.{decimals}f}" for number in numbers]
    if exponent or any("e" in each for each in told) or max(map(len, fixed), default=0) > WIDEST:
        most = min(digits, MOST_DIGITS) if exponent else digits
        fixed = [f"{number:.{max(most, 3) - 1}e}" for number in numbers]
    width = max(map(len, fixed), default=0)
    return [each.rjust(width) for each in fixed]

"""Schedules of events in a run: every n steps, every Δt, at listed times, or every so many seconds of wall-clock time.

Schedules are stateless. Whether an event is due follows from the moments before and after a step. A run resumed from a
checkpoint therefore meets the same events at the same times as an uninterrupted one.
"""

import math
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from gridflow.arguments import takes_numbers
from gridflow.errors import InputError, whole_number

SAME_TIME = 1e-12
"""Relative difference below which two times are equal; allows for round-off in multiples and differences of times."""


class Moment(NamedTuple):
    """A point in a run: simulated time, step number and wall-clock time."""

    time: float
    step: int
    wall: float
    """Wall-clock seconds since this process started the run."""


class Schedule(Protocol):
    """Decides when an event is due; a run lands exactly on the times that a schedule names."""

    def next_time(self, time: float) -> float:
        """Return the first event after a time, or infinity if events are not tied to simulated times."""

    def due(self, before: Moment, now: Moment) -> bool:
        """Return whether an event fell between two moments that are one step apart."""


def later(time: float) -> float:
    """Return the bound above which a time counts as later than ``time``."""
    return time + SAME_TIME * abs(time)


class _Timed(ABC):
    """A schedule whose events are simulated times."""

    @abstractmethod
    def next_time(self, time: float) -> float:
        """Return the first event after a time."""

    def due(self, before: Moment, now: Moment) -> bool:
        """Return whether the time of an event was reached."""
        return self.next_time(before.time) <= later(now.time)


@takes_numbers
@dataclass(frozen=True)
class EveryTime(_Timed):
    """An event at every multiple of an interval of simulated time.

    Parameters
    ----------
    interval
        Interval between events, in units of time, positive.

    Raises
    ------
    InputError
        If the interval is not positive and finite.
    """

    interval: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.interval) and self.interval > 0):
            raise InputError(f"interval = {self.interval}: it must be positive")

    def next_time(self, time: float) -> float:
        """Return the first multiple of the interval after a time."""
        multiple = math.floor(time / self.interval)
        while multiple * self.interval <= later(time):
            multiple += 1
        return multiple * self.interval


@takes_numbers
@dataclass(frozen=True)
class AtTimes(_Timed):
    """Events at listed simulated times.

    Parameters
    ----------
    times
        Times ≥ 0 in any order. Series and snapshots record time 0 in any case.

    Raises
    ------
    InputError
        If a time is negative or not finite.
    """

    times: tuple[float, ...]

    def __init__(self, times: Sequence[float]) -> None:
        ordered = tuple(np.sort(np.ravel(np.asarray(times, dtype=float))).tolist())
        if not all(math.isfinite(t) and t >= 0 for t in ordered):
            raise InputError(f"times {ordered}: they must be finite and ≥ 0")
        object.__setattr__(self, "times", ordered)

    def next_time(self, time: float) -> float:
        """Return the first listed time after a time, or infinity."""
        position = bisect_right(self.times, later(time))
        return self.times[position] if position < len(self.times) else math.inf


@takes_numbers
def log_times(first: float, last: float, count: int) -> AtTimes:
    """Return a schedule of logarithmically spaced times.

    Parameters
    ----------
    first, last
        First and last time, 0 < first < last.
    count
        Number of times, at least 2.

    Returns
    -------
    AtTimes
        The schedule, with the times in units of the simulated time.

    Raises
    ------
    InputError
        If an argument is not allowed.
    """
    if not 0 < first < last or count < 2:
        raise InputError(f"log-spaced times need 0 < first < last and a count ≥ 2; got {first}, {last}, {count}")
    return AtTimes(np.geomspace(first, last, count).tolist())


@takes_numbers
@dataclass(frozen=True)
class EverySteps:
    """An event after every n steps.

    Parameters
    ----------
    steps
        Number of steps n ≥ 1.

    Raises
    ------
    InputError
        If n is not a whole number of at least 1.
    """

    steps: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", whole_number("steps", self.steps, 1))

    def next_time(self, time: float) -> float:  # noqa: ARG002 - the protocol's argument
        """Return infinity: steps are not tied to simulated times."""
        return math.inf

    def due(self, before: Moment, now: Moment) -> bool:  # noqa: ARG002 - the protocol's argument
        """Return whether the step number is a multiple of n."""
        return now.step % self.steps == 0


@dataclass(frozen=True)
class AnyOf:
    """An event whenever either of two schedules is due."""

    first: Schedule
    second: Schedule

    def next_time(self, time: float) -> float:
        """Return the earlier of their next events."""
        return min(self.first.next_time(time), self.second.next_time(time))

    def due(self, before: Moment, now: Moment) -> bool:
        """Return whether either of them is due."""
        return self.first.due(before, now) or self.second.due(before, now)


@takes_numbers
@dataclass(frozen=True)
class EveryWall:
    """An event every so many seconds of wall-clock time, at the end of the current step.

    Parameters
    ----------
    seconds
        Interval in seconds, positive.

    Raises
    ------
    InputError
        If the interval is not positive.
    """

    seconds: float

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise InputError(f"seconds = {self.seconds}: it must be positive")

    def next_time(self, time: float) -> float:  # noqa: ARG002 - the protocol's argument
        """Return infinity: wall-clock time is not tied to simulated times."""
        return math.inf

    def due(self, before: Moment, now: Moment) -> bool:
        """Return whether a multiple of the interval passed during the step."""
        return now.wall // self.seconds > before.wall // self.seconds

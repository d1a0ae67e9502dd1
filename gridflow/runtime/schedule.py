"""When something is due in a run: every n steps, every Δt, at listed times, after so many seconds of wall clock.

Schedules keep no state: what is due follows from the moment before a step and the moment after it, so a run resumed
from a checkpoint meets the same events at the same times as one that was never interrupted.
"""

import math
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from gridflow.errors import InputError

SAME_TIME = 1e-12
"""Relative difference below which two times are one event: the round-off of multiples and differences of times."""


class Moment(NamedTuple):
    """Where a run stands."""

    time: float
    step: int
    wall: float
    """Seconds of wall clock since this process began to run."""


class Schedule(Protocol):
    """Decides when something happens; a run advances exactly to the times it names."""

    def next_time(self, time: float) -> float:
        """The first event later than a time, or infinity if events are not tied to times."""

    def due(self, before: Moment, now: Moment) -> bool:
        """Whether an event fell between two moments one step apart."""


def later(time: float) -> float:
    """The bound beyond which a time counts as later than another."""
    return time + SAME_TIME * abs(time)


class _Timed(ABC):
    """A schedule whose events are times."""

    @abstractmethod
    def next_time(self, time: float) -> float:
        """The first event later than a time."""

    def due(self, before: Moment, now: Moment) -> bool:
        """Whether an event's time was reached."""
        return self.next_time(before.time) <= later(now.time)


@dataclass(frozen=True)
class EveryTime(_Timed):
    """At every multiple of an interval of simulated time."""

    interval: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.interval) and self.interval > 0):
            raise InputError(f"interval = {self.interval}: it must be positive")

    def next_time(self, time: float) -> float:
        """The next multiple of the interval."""
        multiple = math.floor(time / self.interval)
        while multiple * self.interval <= later(time):
            multiple += 1
        return multiple * self.interval


@dataclass(frozen=True)
class AtTimes(_Timed):
    """At listed simulated times; 0 is the start, where series and snapshots are recorded in any case."""

    times: tuple[float, ...]

    def __init__(self, times: Sequence[float]) -> None:
        ordered = tuple(sorted(float(t) for t in times))
        if not all(math.isfinite(t) and t >= 0 for t in ordered):
            raise InputError(f"times {ordered}: they must be finite and ≥ 0")
        object.__setattr__(self, "times", ordered)

    def next_time(self, time: float) -> float:
        """The next listed time."""
        position = bisect_right(self.times, later(time))
        return self.times[position] if position < len(self.times) else math.inf


def log_times(first: float, last: float, count: int) -> AtTimes:
    """``count`` times from ``first`` to ``last``, evenly spaced in their logarithm."""
    if not 0 < first < last or count < 2:
        raise InputError(f"log-spaced times need 0 < first < last and a count ≥ 2; got {first}, {last}, {count}")
    return AtTimes(np.geomspace(first, last, count).tolist())


@dataclass(frozen=True)
class EverySteps:
    """After every n steps."""

    steps: int

    def __post_init__(self) -> None:
        if not isinstance(self.steps, int) or self.steps < 1:
            raise InputError(f"steps = {self.steps}: it must be a whole number of at least 1")

    def next_time(self, time: float) -> float:  # noqa: ARG002 - the protocol's argument
        """Infinity: steps are not tied to times."""
        return math.inf

    def due(self, before: Moment, now: Moment) -> bool:  # noqa: ARG002 - the protocol's argument
        """Whether the number of steps is a multiple of n."""
        return now.step % self.steps == 0


@dataclass(frozen=True)
class AnyOf:
    """Whenever either of two schedules is due."""

    first: Schedule
    second: Schedule

    def next_time(self, time: float) -> float:
        """The sooner of their next events."""
        return min(self.first.next_time(time), self.second.next_time(time))

    def due(self, before: Moment, now: Moment) -> bool:
        """Whether one of them is due."""
        return self.first.due(before, now) or self.second.due(before, now)


@dataclass(frozen=True)
class EveryWall:
    """After every so many seconds of wall clock, at the end of the step that passes them."""

    seconds: float

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise InputError(f"seconds = {self.seconds}: it must be positive")

    def next_time(self, time: float) -> float:  # noqa: ARG002 - the protocol's argument
        """Infinity: the wall clock is not tied to times."""
        return math.inf

    def due(self, before: Moment, now: Moment) -> bool:
        """Whether a multiple of the interval passed during the step."""
        return now.wall // self.seconds > before.wall // self.seconds

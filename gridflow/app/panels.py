"""One run on a page: what is chosen, what the solver's process is doing, and what is shown of it."""

import itertools
import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from gridflow.app.setups import Setup, checked_order
from gridflow.app.worker import (
    Began,
    Begin,
    ChangeOrder,
    Command,
    Ended,
    Event,
    Expected,
    Failed,
    Frame,
    Go,
    Lost,
    Stop,
    Told,
)
from gridflow.errors import InputError

State = Literal["ready", "starting", "running", "paused", "finished", "stopped", "failed"]
GOING: tuple[State, ...] = ("starting", "running", "paused")
"""States of a run that has not ended."""
MOST_POINTS = 600
"""Largest number of points of a curve; every second one is left out beyond it."""


class Engine(Protocol):
    """What a panel needs of :class:`gridflow.app.worker.Worker`."""

    def send(self, command: Command) -> None:
        """Send a command."""

    def take(self) -> list[Event]:
        """Return what happened since the last call."""

    def close(self) -> None:
        """End the process."""


@dataclass
class Curve:
    """Points (t, value) of a quantity; a point with NaN is a gap."""

    points: list[tuple[float, float]] = field(default_factory=list)

    def add(self, time: float, value: float) -> None:
        """Add a point, and leave out every second one if there are too many; gaps and the last point stay."""
        self.points.append((time, value))
        if len(self.points) > MOST_POINTS:
            kept = [point for place, point in enumerate(self.points[:-1]) if place % 2 == 0 or math.isnan(point[1])]
            self.points = [*kept, self.points[-1]]

    def until(self, time: float, later: Sequence[tuple[float, float]]) -> "Curve":
        """Return the curve up to a time, a gap, and then other points."""
        before = [point for point in self.points if point[0] <= time]
        return Curve([*before, *([(time, math.nan)] if before else []), *later])


class Panel:
    """One run, and what is shown of it.

    Attributes
    ----------
    state
        What the run is doing.
    note
        A line about it.
    setup
        What is chosen for the next run.
    time, t_end
        Time reached, and time at which the run ends.
    orders
        Time and s of the beginning of each part of the run.
    picture, high
        The density as a PNG file, and the value of its brightest colour (mass / area).
    energy, hole, energy_law, hole_law
        Curves.
    files, folder
        Folder of the pictures of the setup, and of the run; None before the first.
    """

    def __init__(self, setup: Setup, engine: Callable[[], Engine], folder: Path) -> None:
        self.setup = setup
        self._make, self.files = engine, folder
        self.files.mkdir(parents=True)
        self._numbers = itertools.count(1)
        self._engine: Engine | None = None
        self._sent = -math.inf
        self.folder: Path | None = None
        self._forget()

    def _forget(self) -> None:
        self.state: State = "ready"
        self.note = ""
        self.time, self.t_end = 0.0, self.setup.duration
        self.orders: list[tuple[float, float]] = []
        self.picture, self.high = b"", 0.0
        self.energy, self.hole, self.energy_law, self.hole_law = Curve(), Curve(), Curve(), Curve()

    @property
    def going(self) -> bool:
        """Whether a run has begun and not ended."""
        return self.state in GOING

    def choose(self, **values: object) -> None:
        """Change what is chosen for the next run; see :meth:`gridflow.app.setups.Setup.changed`."""
        self.setup = self.setup.changed(**values)
        if not values.keys() <= {"s", "t_end"}:
            self.set_up_again()
        if self.state == "ready":
            self.t_end = self.setup.duration

    def set_up_again(self) -> None:
        """Show what is chosen for the next run instead of a run that has ended."""
        if not self.going and self.state != "ready":
            self._forget()

    def wake(self) -> None:
        """Make sure that there is a process, so that it loads its libraries while the visitor chooses."""
        self._engine = self._engine or self._make()

    def begin(self) -> None:
        """Write the case file of a new run in a new folder, instead of the one before, and run it.

        Raises
        ------
        InputError
            If a run is going on, or the case is not allowed.
        """
        if self.going:
            raise InputError("a run is going on; stop it first")
        folder = self.files / str(next(self._numbers))
        folder.mkdir()
        case = self.setup.write(folder)
        if self.folder is not None:
            shutil.rmtree(self.folder)
        self.folder = folder
        self._forget()
        self.wake()
        assert self._engine is not None
        self.state, self._sent = "starting", -math.inf
        self._engine.send(Begin(case))

    def pause(self) -> None:
        """Let a run wait."""
        if self.state == "running":
            self.state = "paused"
            self._go(-math.inf)

    def resume(self) -> None:
        """Let a run that waits go on."""
        if self.state == "paused":
            self.state = "running"

    def stop(self) -> None:
        """End a run, which writes its last density; one that is compiling ends when it can."""
        if self.going:
            self._send(Stop())
            self.note = "stopping"

    def change_order(self, s: float) -> None:
        """Change s: of the run from its present density on, or else of the next run."""
        s = checked_order(s)
        self.choose(s=s)
        if self.state in ("running", "paused") and s != self.orders[-1][1]:
            self._send(ChangeOrder(s, self.setup.t_end))

    def allow(self, time: float) -> None:
        """Let a run that is not paused go on to a time; one that is not there yet needs not be told again."""
        if self.state == "running" and time > self._sent:
            self._go(time)

    def absorb(self) -> None:
        """Take what the process has to tell."""
        for event in self._engine.take() if self._engine else ():
            match event:
                case Told(text):
                    self.note = text
                case Began(start, s, t_end):
                    self._began(start, s, t_end)
                case Expected(hole, energy):
                    self.hole_law = self.hole_law.until(self.orders[-1][0], hole)
                    self.energy_law = self.energy_law.until(self.orders[-1][0], energy)
                case Frame():
                    self._frame(event)
                case Ended(status, reason):
                    self.state, self.note = ("finished" if status == "finished" else "stopped"), reason
                case Failed(reason):
                    self.state, self.note = "failed", reason
                case Lost(reason):
                    self._lost(reason)

    def close(self) -> None:
        """End the process and remove the files."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None
        shutil.rmtree(self.files, ignore_errors=True)

    def _began(self, start: float, s: float, t_end: float) -> None:
        if self.orders:
            self.energy.add(start, math.nan)  # that of another kernel is another energy
        self.orders.append((start, s))
        self.t_end, self.note = t_end, ""
        if self.state == "starting":
            self.state = "running"
        if self.setup.s != s:  # it was changed meanwhile
            self._send(ChangeOrder(self.setup.s, self.setup.t_end))

    def _frame(self, frame: Frame) -> None:
        self.time, self.picture, self.high = frame.time, frame.picture, frame.high
        if self.note and self.state == "running":
            self.note = ""
        for row in frame.rows:
            self.energy.add(row.time, row.energy)
            self.hole.add(row.time, row.hole)

    def _lost(self, reason: str) -> None:
        """Forget a process that has ended; the next run makes another."""
        assert self._engine is not None
        self._engine.close()
        self._engine = None
        if self.going:
            self.state, self.note = "failed", reason

    def _go(self, time: float) -> None:
        self._sent = time
        self._send(Go(time))

    def _send(self, command: Command) -> None:
        assert self._engine is not None
        self._engine.send(command)

"""The solver in a process of its own, which the page talks to through a pipe and can end at any moment.

Commands go in and events come out. The solver runs no further than it is allowed to (:class:`Go`), and says how far it
is at most ``FRAMES_PER_SECOND`` times a second. A page that is slow, paused or gone therefore neither loses control nor
lets anything pile up. The process ends with the page's process, even if that is killed.
"""

import math
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from gridflow.app.drawing import colored
from gridflow.app.setups import CASE, continued, ended_at, usual_duration
from gridflow.cases.case import Case
from gridflow.cases.execute import run_case
from gridflow.cases.reading import load_case
from gridflow.errors import InputError, RunError
from gridflow.files import publish_text
from gridflow.measures import diagnostics
from gridflow.runtime.callbacks import Callback, LiveRun
from gridflow.runtime.live import Run
from gridflow.runtime.progress import compiled
from gridflow.runtime.schedule import EverySteps
from gridflow.theory import HoleEnergy, HoleLaw, uniform_background
from gridflow.theory.applicable import attempt

FRAMES_PER_SECOND = 10
"""Largest number of pictures in a second."""
POINTS = 100
"""Number of points of the curve of a law, evenly spaced and again in the logarithm of time."""
MOST_PARTS = 30
"""Largest number of parts of a run, between which s changes."""


@dataclass(frozen=True)
class Begin:
    """Command: run a case file, whose folder takes the run directory."""

    case: Path


@dataclass(frozen=True)
class Go:
    """Command: go on to a time; a time that is already passed is a pause."""

    until: float


@dataclass(frozen=True)
class ChangeOrder:
    """Command: continue from the present density with another s; ``t_end`` is the new end, None for the usual one."""

    s: float
    t_end: float | None


@dataclass(frozen=True)
class Stop:
    """Command: end the run."""


@dataclass(frozen=True)
class Told:
    """Event: a line for the visitor, such as that loops are being compiled."""

    text: str


@dataclass(frozen=True)
class Began:
    """Event: a part of the run began, at a time, with s; it goes on to ``t_end`` at most."""

    start: float
    s: float
    t_end: float


@dataclass(frozen=True)
class Expected:
    """Event: what the laws say of the part that began, at times from then to its end; empty where there is no law.

    Attributes
    ----------
    hole, energy
        Pairs (t, value): the volume of the hole (length²), and the energy of a round hole.
    """

    hole: tuple[tuple[float, float], ...]
    energy: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Row:
    """Numbers at a time: the energy, and the volume of the hole (length²), NaN if there is none."""

    time: float
    energy: float
    hole: float


@dataclass(frozen=True)
class Frame:
    """Event: the density as a PNG file, the value of its brightest colour, and what was recorded since the last one."""

    time: float
    picture: bytes
    high: float
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Ended:
    """Event: the run ended, ``finished`` or ``stopped``, and why."""

    status: str
    reason: str


@dataclass(frozen=True)
class Failed:
    """Event: the run could not begin or go on."""

    reason: str


@dataclass(frozen=True)
class Lost:
    """Event: the process has ended."""

    reason: str


Command = Begin | Go | ChangeOrder | Stop
Event = Told | Began | Expected | Frame | Ended | Failed | Lost


class Worker:
    """The other end of the pipe, in the page's process. No method waits for the solver.

    Parameters
    ----------
    table
        Colours of the pictures; see :func:`gridflow.viz.style.color_table`.
    """

    def __init__(self, table: np.ndarray) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=work, args=(theirs, table), name="gridflow explore", daemon=True)
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the page, which ends its processes
        self._process.start()
        signal.signal(signal.SIGINT, before)
        theirs.close()
        self._lock = threading.Lock()
        self._events: list[Event] = []
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def pid(self) -> int:
        """Process id."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process is there."""
        return self._process.is_alive()

    def send(self, command: Command) -> None:
        """Send a command; to a process that has ended it is lost, and :meth:`take` tells of the end."""
        with suppress(OSError):
            self._pipe.send(command)

    def take(self) -> list[Event]:
        """Return what happened since the last call; of several frames, one, with the rows of all."""
        with self._lock:
            found, self._events = self._events, []
        return found

    def close(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def _listen(self) -> None:
        """Receive until the process ends, in a thread; keep a single frame, however late the page looks."""
        while True:
            try:
                event: Event = self._pipe.recv()
            except (EOFError, OSError):
                self._process.join()
                self._put(Lost(f"the solver's process ended unexpectedly (exit code {self._process.exitcode})"))
                return
            self._put(event)

    def _put(self, event: Event) -> None:
        with self._lock:
            last = self._events[-1] if self._events else None
            if isinstance(event, Frame) and isinstance(last, Frame):
                self._events[-1] = Frame(event.time, event.picture, event.high, last.rows + event.rows)
            else:
                self._events.append(event)


def work(pipe: Connection, table: np.ndarray) -> None:
    """What the process does: run the cases it is told to, until the pipe is closed."""
    threading.Thread(target=_end_with_the_page, daemon=True).start()
    with suppress(EOFError):  # the page has gone
        while True:
            command = pipe.recv()
            if isinstance(command, Begin):  # others were meant for a run that has just ended
                try:
                    pipe.send(_Show(pipe, table, command.case).run())
                except (InputError, RunError) as error:
                    pipe.send(Failed(str(error)))


def _end_with_the_page() -> None:
    """Wait for the end of the page's process, however it comes, and end this one at once, even while it compiles."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


class _Show:
    """One run, in parts between which s changes."""

    def __init__(self, pipe: Connection, table: np.ndarray, path: Path) -> None:
        self._pipe, self._table, self._path = pipe, table, path
        self._start = 0.0
        self._allowed = -math.inf
        self._change: ChangeOrder | None = None
        self._stopped = False
        self._orders: list[float] = []
        self._high = 0.0
        self._shown: tuple[int, float] | None = None
        """Step that was shown last, and when."""
        self._told = 0
        """Number of rows of the first part that were sent."""

    def run(self) -> Ended:
        """Run all parts; say how the last one ended."""
        case = load_case(self._path)
        while True:
            self._orders.append(case.kernel.s)
            self._pipe.send(Began(self._start, case.kernel.s, self._start + case.time.t_end))
            self._change = self._shown = None
            compiled(case.build(self._path.parent)[0], lambda text: self._pipe.send(Told(text)))
            live = run_case(
                case,
                self._path.with_suffix(".run"),
                folder=self._path.parent,
                progress=False,
                callbacks=[Callback(self._look, EverySteps(1), at_start=True)],
            )
            if self._change is None:
                return Ended(live.status, live.reason)
            case = self._continued(live, case, self._change)

    def _continued(self, live: Run, case: Case, change: ChangeOrder) -> Case:
        """Return the case of the next part, and write its file; that of this part now ends where it did."""
        flow = live.solver.flow
        if len(self._orders) == MOST_PARTS:
            raise InputError(f"s was changed {MOST_PARTS - 1} times; begin a new run")
        publish_text(self._path, ended_at(case, live.time).to_toml())
        self._start += live.time
        self._path = self._path.with_name(CASE.format(len(self._orders) + 1))
        left = math.nan if change.t_end is None else change.t_end - self._start
        t_end = (
            left if left > 0 else usual_duration(change.s, flow.grid.lengths[0], flow.target_mass / flow.grid.volume)
        )
        return continued(case, self._path, live.density, flow.grid.integral(live.density), change.s, t_end)

    def _look(self, run: LiveRun) -> None:
        """Show the density if it is time to, and wait if the run is as far as it may go; called after every step."""
        if self._shown is None:
            self._pipe.send(_expected(run, self._orders, self._start))
        self._obey(wait=False)
        while not self._ending and self._start + run.state.time >= self._allowed:
            self._show(run)
            self._obey(wait=True)
        if self._ending and run.state.time > 0:  # a part without a step could not be run again
            run.stop("s changes" if self._change else "stopped by the visitor")
        due = self._shown is None or time.monotonic() - self._shown[1] >= 1 / FRAMES_PER_SECOND
        if due or run.state.time >= run.t_end or self._ending:
            self._show(run)

    @property
    def _ending(self) -> bool:
        return self._stopped or self._change is not None

    def _obey(self, wait: bool) -> None:
        """Take the commands that have come; wait for one if ``wait``. EOFError if the page has gone."""
        while self._pipe.poll(None if wait else 0):
            match self._pipe.recv():
                case Go(until):
                    self._allowed = until
                case ChangeOrder() as change:
                    self._change = change
                case Stop():
                    self._stopped = True
            wait = False

    def _show(self, run: LiveRun) -> None:
        if self._shown is not None and self._shown[0] == run.state.step:
            return
        self._high = max(self._high, run.diagnosis["max"], float(run.solver.flow.target.max()))
        rows = self._rows(run)
        self._told += len(rows)
        self._pipe.send(
            Frame(self._start + run.state.time, colored(run.density, self._high, self._table), self._high, rows)
        )
        self._shown = run.state.step, time.monotonic()

    def _rows(self, run: LiveRun) -> tuple[Row, ...]:
        """What was recorded since the last frame.

        The hole of the first part of a run is that of its series. Later parts begin with a little mass in the hole,
        left there by the scheme, so that their series sees no empty cell, and their hole is measured now.
        """
        times, energies = run.series["time"], run.series["energy"]
        if len(self._orders) > 1:
            return (Row(self._start + float(times[-1]), float(energies[-1]), _hole(run)),)
        holes = run.series.get("hole_volume", np.full(len(times), math.nan))
        new = slice(self._told, None)
        return tuple(map(Row, times[new].tolist(), energies[new].tolist(), holes[new].tolist()))


def _hole(run: LiveRun) -> float:
    """Volume where the density is below half the target (length²)."""
    flow = run.solver.flow
    return diagnostics.volume_below(flow.grid, run.density - flow.target / 2, 0.0)


def _expected(run: LiveRun, orders: Sequence[float], start: float) -> Expected:
    """What the laws say of a part that begins now, after parts with some orders s, of which the last is its own.

    In a later part a hole obeys its law, for s = 1 and a constant target, from the volume that it has when the part
    begins, if its edge is still a jump: a flow with s ≥ 1 keeps one, a flow with s < 1 does not.
    """
    flow = run.solver.flow
    hole, energy = HoleLaw.of(flow, run.density), None
    if len(orders) == 1:
        energy, _ = attempt(lambda: HoleEnergy.of(flow, run.density))
    else:
        background, volume = uniform_background(flow), _hole(run)
        if background is not None and min(orders) >= 1 and 0 < volume < flow.grid.volume:
            hole = HoleLaw(volume, flow.grid.volume, background)
    times = np.union1d(np.linspace(0, run.t_end, POINTS), np.geomspace(1e-4 * run.t_end, run.t_end, POINTS))

    def curve(law: Callable[[np.ndarray], float | np.ndarray] | None) -> tuple[tuple[float, float], ...]:
        values = [] if law is None else np.asarray(law(times)).tolist()
        return tuple(zip((start + times).tolist(), values, strict=False))

    return Expected(curve(hole), curve(energy))

"""Progress reports of a run; besides the command line, the only module that imports rich, and the only one IPython."""

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from threading import Timer
from typing import Any, Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gridflow.equation.contract import Solver
from gridflow.runtime.callbacks import Callback, LiveRun
from gridflow.runtime.schedule import EveryWall, Moment

Say = Callable[[str], None]
"""Function that is called with each progress message."""
LONG = 1.0
"""Seconds of compiling from which on it is told."""


def compiled(solver: Solver, say: Say | None, patience: float = LONG) -> None:
    """Compile the loops of a solver; say so if that takes longer than ``patience`` in seconds."""
    if say is None:
        solver.compile()
        return
    timer = Timer(patience, say, ["compiling the loops for this kind of run, once on this machine …"])
    timer.daemon = True
    timer.start()
    try:
        solver.compile()
    finally:
        timer.cancel()


class Display(Protocol):
    """Where the progress of a run is shown."""

    interval: float
    """Seconds between two updates."""
    patience: float
    """Seconds of compiling before it is told."""

    def say(self, message: str) -> None:
        """Show a message."""

    def show(self, run: LiveRun, first: Moment, now: Moment) -> None:
        """Show how far a run is; ``first`` is the moment of the first call."""

    def close(self) -> None:
        """Leave the last state where it is shown."""


class Lines:
    """Lines on a stream that nobody may be watching.

    Parameters
    ----------
    console
        Where to print.
    pause
        Seconds between two lines.
    always
        Whether to begin at once. Otherwise a run that ends within the pause prints nothing.
    """

    def __init__(self, console: Console, pause: float, always: bool) -> None:
        self.interval, self.patience = pause, LONG if always else pause
        self._console = console
        self._began = always

    def say(self, message: str) -> None:
        """Print a message."""
        self._console.print(message, soft_wrap=True)

    def show(self, run: LiveRun, first: Moment, now: Moment) -> None:
        """Print a line: the time, the last step, what is measured and the seconds left."""
        self._began = self._began or now.wall >= self.interval
        if not self._began:
            return
        left = _seconds_left(run, first, now)
        told = f"  {left:.0f} s left" if 0 < left < math.inf else ""
        facts = f"dt {run.state.dt:.2e}  {_facts(run, first, now)}"
        self.say(f"t = {now.time:.6g} of {run.t_end:g}  {facts}{told}")

    def close(self) -> None:
        """Do nothing: lines stay."""


class Bar:
    """A bar on a terminal.

    Parameters
    ----------
    console
        The terminal.
    """

    interval = 0.2
    patience = LONG

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (
            TextColumn("t = {task.completed:.4g} of {task.total:g}"),
            BarColumn(bar_width=16),
            TextColumn("{task.fields[facts]}", markup=False),
        )
        self._bar = Progress(*columns, TimeRemainingColumn(), console=console)

    def say(self, message: str) -> None:
        """Print a message above the bar."""
        self._console.print(message, soft_wrap=True)

    def show(self, run: LiveRun, first: Moment, now: Moment) -> None:
        """Move the bar."""
        facts = _facts(run, first, now)
        if not self._bar.task_ids:
            self._bar.add_task("run", total=run.t_end, facts=facts)
            self._bar.start()
        self._bar.update(self._bar.task_ids[0], completed=now.time, facts=facts)

    def close(self) -> None:
        """Stop the bar and leave its last state on the terminal."""
        self._bar.stop()


class Cell:
    """A bar below the cell of a notebook. It needs no widgets, and a saved notebook keeps its last state."""

    interval = 0.5
    patience = LONG

    def __init__(self) -> None:
        self._handle: Any = None

    def say(self, message: str) -> None:
        """Print a message below the cell."""
        print(message)  # from any thread: a kernel assigns what is printed to the cell, but not what is displayed

    def show(self, run: LiveRun, first: Moment, now: Moment) -> None:
        """Move the bar."""
        from IPython.display import display  # only where a notebook has loaded it already

        left = _seconds_left(run, first, now)
        told = f"t = {now.time:.4g} of {run.t_end:g}  {_facts(run, first, now)}"
        told += f"  {left:.0f} s left" if 0 < left < math.inf else ""
        bar = f'<progress value="{now.time:.6g}" max="{run.t_end:.6g}"></progress> '
        bundle = {"text/plain": told, "text/html": f"<div>{bar}{escape(told)}</div>"}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)

    def close(self) -> None:
        """Do nothing: the bar stays."""


class ProgressReport:
    """Reports the progress of a run: a live bar on a terminal and in a notebook, otherwise a line every few seconds.

    Parameters
    ----------
    progress
        True: report from the start. None (default): the same on a terminal and in a notebook; elsewhere only runs that
        take longer than ``pause`` are reported. False: never.
    stream
        Output stream. Default: the cell of a notebook, or standard error.
    pause
        Seconds between lines if the stream is not a terminal. Default: 10.
    """

    def __init__(self, progress: bool | None = None, stream: TextIO | None = None, pause: float = 10.0) -> None:
        self._first: Moment | None = None
        self._display: Display | None = None
        if progress is False:
            return
        console = Console(file=stream or sys.stderr, force_jupyter=False, highlight=False, markup=False, emoji=False)
        if stream is None and _in_notebook():
            self._display = Cell()
        elif console.is_terminal:
            self._display = Bar(console)
        else:
            self._display = Lines(console, pause, always=progress is True)

    def compile(self, solver: Solver) -> None:
        """Compile the loops of a solver; see :func:`compiled`."""
        if self._display is None:
            compiled(solver, None)
        else:
            compiled(solver, self._display.say, self._display.patience)

    def callbacks(self) -> list[Callback]:
        """Return the callback that updates the report, or none."""
        if self._display is None:
            return []
        return [Callback(self._update, EveryWall(self._display.interval), at_start=True, at_end=True)]

    def close(self) -> None:
        """Stop a live bar and leave its last state where it is shown."""
        if self._display is not None:
            self._display.close()

    def _update(self, run: LiveRun) -> None:
        assert self._display is not None, "without one there is no callback"
        now = run.moment()
        self._first = self._first or now
        self._display.show(run, self._first, now)


def _facts(run: LiveRun, first: Moment, now: Moment) -> str:
    """Return the step, the energy, the smallest cell and the speed, in words."""
    found = run.diagnosis
    facts = f"step {now.step}  energy {found['energy']:.2e}  min {found['min']:.1e}"
    if now.step > first.step:
        facts += f"  {(now.step - first.step) / (now.wall - first.wall):.0f} steps/s"
    return facts


def _seconds_left(run: LiveRun, first: Moment, now: Moment) -> float:
    """Return the seconds until ``t_end`` at the mean speed so far; infinity before the first step."""
    if now.time <= first.time:
        return math.inf
    return (now.wall - first.wall) * (run.t_end - now.time) / (now.time - first.time)


def _in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    loaded = sys.modules.get("IPython")
    return loaded is not None and getattr(loaded.get_ipython(), "kernel", None) is not None


@contextmanager
def counting(
    total: int, what: str, shown: bool | None = None, stream: TextIO | None = None
) -> Iterator[Callable[[], None]]:
    """Show a live bar on a terminal while a number of equal pieces of work is done.

    Parameters
    ----------
    total
        Number of pieces.
    what
        What they are, in one word.
    shown
        Whether to show it. Default: only on a terminal. A stream that is no terminal has one line, at the end.
    stream
        Output stream. Default: standard error.

    Yields
    ------
    callable
        To be called after every piece.
    """
    console = Console(file=stream or sys.stderr)
    columns = (TextColumn(what), BarColumn(bar_width=16), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=shown is False or not (shown or console.is_terminal)) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)

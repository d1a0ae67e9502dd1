"""Progress reports of a run; besides the command line, the only module that imports rich."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from gridflow.runtime.callbacks import Callback, LiveRun
from gridflow.runtime.schedule import EveryWall, Moment


class ProgressReport:
    """Reports the progress of a run: a live bar on a terminal, otherwise a line every few seconds.

    Parameters
    ----------
    stream
        Output stream. Default: standard error.
    pause
        Seconds between lines if the stream is not a terminal. Default: 10.
    """

    def __init__(self, stream: TextIO | None = None, pause: float = 10.0) -> None:
        stream = stream or sys.stderr
        self._console = Console(file=stream)
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._first: Moment | None = None
        self._pause = pause

    def callback(self) -> Callback:
        """Return the callback that updates the report."""
        schedule = EveryWall(0.2 if self._console.is_terminal else self._pause)
        return Callback(self._update, schedule, at_start=True, at_end=True)

    def close(self) -> None:
        """Stop the live bar and leave its last state on the terminal."""
        if self._bar is not None:
            self._bar.stop()

    def _update(self, run: LiveRun) -> None:
        now = run.moment()
        first = self._first = self._first or now
        elapsed = now.wall - first.wall
        found = run.diagnosis
        facts = f"step {now.step}  energy {found['energy']:.2e}  min {found['min']:.1e}"
        if now.step > first.step:
            facts += f"  {(now.step - first.step) / elapsed:.0f} steps/s"
        if not self._console.is_terminal:
            done = (now.time - first.time) / (run.t_end - first.time) if run.t_end > first.time else 1.0
            facts = f"dt {run.state.dt:.2e}  {facts}"
            left = f"  {elapsed / done - elapsed:.0f} s left" if 0 < done < 1 else ""
            self._console.print(f"t = {now.time:.6g} of {run.t_end:g}  {facts}{left}", highlight=False, soft_wrap=True)
            return
        if self._bar is None:
            columns = (
                TextColumn("t = {task.completed:.4g} of {task.total:g}"),
                BarColumn(bar_width=16),
                TextColumn("{task.fields[facts]}"),
            )
            self._bar = Progress(*columns, TimeRemainingColumn(), console=self._console)
            self._task = self._bar.add_task("run", total=run.t_end, facts=facts)
            self._bar.start()
        assert self._task is not None
        self._bar.update(self._task, completed=now.time, facts=facts)


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

"""What a visitor's page is doing: its panels, and the clock that their runs share; it knows no browser."""

import math
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from gridflow.app.panels import Engine, Panel
from gridflow.app.setups import Base, Setup
from gridflow.errors import InputError

MOST_PAGES, MOST_RUNS, MOST_PANELS = 6, 4, 2
"""Largest numbers of pages and of runs that go on at the same time, and of panels on a page."""
LEAD = 0.3
"""Seconds that the clock may be ahead of the slowest run."""
PACES = (6, 15, 40, 120)
"""Seconds that can be chosen for a run to take, if it can be computed so fast."""


class Session:
    """A page: one panel or two, whose runs keep the same time.

    Parameters
    ----------
    base
        The case that the page opens with.
    engine
        Makes the process of a panel.

    Attributes
    ----------
    panels
        The panels.
    seconds
        How long the longest run takes, if it can be computed so fast.
    """

    def __init__(self, base: Base, engine: Callable[[], Engine]) -> None:
        self._engine = engine
        self._folder = Path(tempfile.mkdtemp(prefix="gridflow-explore-"))
        self.panels = [Panel(Setup.of(base), engine, self._folder / "0")]
        self.seconds = float(PACES[1])
        self._clock = 0.0

    @property
    def going(self) -> list[Panel]:
        """Panels whose run has begun and not ended."""
        return [panel for panel in self.panels if panel.going]

    @property
    def paused(self) -> bool:
        """Whether every run that goes on is paused."""
        return bool(self.going) and all(panel.state == "paused" for panel in self.going)

    def wake(self) -> None:
        """Make the processes of the panels, once there is somebody to see them."""
        for panel in self.panels:
            panel.wake()

    def compare(self) -> Panel:
        """Add a panel with the same setup but s = 2, or 1 if that is shown already; InputError if there are two."""
        if len(self.panels) == MOST_PANELS:
            raise InputError(f"{MOST_PANELS} runs can be compared")
        first = self.panels[0].setup
        setup = first.changed(
            s=1.0 if first.s == 2 else 2.0,
            drawn_hole=first.drawn_hole.copy(),
            drawn_target=first.drawn_target.copy(),
        )
        self.panels.append(Panel(setup, self._engine, self._folder / str(len(self.panels))))
        self.panels[-1].wake()
        return self.panels[-1]

    def compare_no_more(self) -> None:
        """Take the second panel away and end its process."""
        for panel in self.panels[1:]:
            panel.close()
        del self.panels[1:]

    def begin(self) -> None:
        """Begin a run in every panel, from time 0; InputError, and none is begun, if one is not allowed."""
        for panel in self.panels:
            panel.setup.density(panel.files)
        self._clock = 0.0
        for panel in self.panels:
            panel.begin()

    def pause(self) -> None:
        """Let all runs wait."""
        for panel in self.panels:
            panel.pause()

    def resume(self) -> None:
        """Let all runs go on."""
        for panel in self.panels:
            panel.resume()

    def stop(self) -> None:
        """End all runs."""
        for panel in self.panels:
            panel.stop()

    def tick(self, seconds: float) -> None:
        """Take what the processes have to tell, and let the clock go on by some seconds.

        To be called several times a second. The clock waits for a run that compiles, and is never more than ``LEAD``
        seconds ahead of the slowest.
        """
        for panel in self.panels:
            panel.absorb()
        running = [panel for panel in self.panels if panel.state == "running"]
        if not running or any(panel.state == "starting" for panel in self.panels):
            return
        slowest = min(panel.time for panel in running)
        latest = slowest + self._speed(slowest) * LEAD
        self._clock = min(self._clock + self._speed(self._clock) * min(seconds, LEAD), latest)
        for panel in running:
            panel.allow(self._clock)

    def close(self) -> None:
        """End all processes and remove all files."""
        for panel in self.panels:
            panel.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _speed(self, time: float) -> float:
        """Time per second of the clock: even for one run; if one is much longer, first slow enough for the shorter.

        With the shortest end τ and the longest T it is ``(t + τ) log(1 + T/τ) / seconds``, which reaches T in time.
        """
        ends = [panel.t_end for panel in self.panels]
        return (time + min(ends)) * math.log1p(max(ends) / min(ends)) / self.seconds


class House:
    """All pages of a server, and the limits that they share.

    Parameters
    ----------
    base
        The case that pages open with.
    engine
        Makes the process of a panel.
    """

    def __init__(self, base: Base, engine: Callable[[], Engine]) -> None:
        self._base, self._engine = base, engine
        self.sessions: dict[str, Session] = {}

    def enter(self, name: str) -> Session:
        """Open a page of some name; InputError if there are too many."""
        if len(self.sessions) >= MOST_PAGES:
            raise InputError(f"{MOST_PAGES} pages are open already; close one and load this page again")
        self.sessions[name] = session = Session(self._base, self._engine)
        return session

    def begin(self, session: Session) -> None:
        """Begin the runs of a page; InputError if too many go on, or one is not allowed."""
        going = sum(len(other.going) for other in self.sessions.values())
        if going + len(session.panels) > MOST_RUNS:
            raise InputError(f"{going} runs are going on and at most {MOST_RUNS} can; stop one on another page")
        session.begin()

    def leave(self, name: str) -> None:
        """Close a page: its processes end and its files are removed."""
        if (session := self.sessions.pop(name, None)) is not None:
            session.close()

    def close(self) -> None:
        """Close all pages."""
        for name in list(self.sessions):
            self.leave(name)

"""How many threads a run uses, and how they wait for each other.

FFTW brings an OpenMP runtime with its own thread pool. By default an idle thread of that pool spins for milliseconds
and takes a core from the threads of the compiled loops: at 256² a right-hand side then takes tens of times longer. This
module, which the package imports before that runtime can load, makes those threads sleep after a few microseconds. The
compiled loops run on a :class:`Team` of ordinary threads, which sleep while they wait.
"""

import math
import os
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from queue import SimpleQueue

from gridflow.errors import whole_number

VARIABLE = "GRIDFLOW_THREADS"
"""Environment variable that sets the default number of threads."""
FEWEST_CELLS_PER_THREAD = 2**15
"""Smallest number of cells per thread; with fewer, waking a second thread costs more than it saves (measured)."""

_WAITING = {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}

FFTW_MAY_SPIN = not _WAITING & os.environ.keys() and "pyfftw" in sys.modules
"""Whether FFTW's threads started before gridflow could set how they wait; FFTs then use a single thread."""

if not _WAITING & os.environ.keys():
    os.environ["GOMP_SPINCOUNT"] = "1000"


def available() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def count(wanted: int | None, cells: int) -> int:
    """Number of threads to use on a grid.

    Parameters
    ----------
    wanted
        Number requested by the user. None means the value of ``GRIDFLOW_THREADS`` or, if that is not set, as many cores
        as have at least ``FEWEST_CELLS_PER_THREAD`` cells each.
    cells
        Number of cells of the grid.

    Raises
    ------
    InputError
        If the requested number is not a whole number of at least 1.
    """
    if wanted is not None:
        return whole_number("threads", wanted, 1)
    given: str | int = os.environ.get(VARIABLE, "")
    if given == "":
        return max(1, min(available(), cells // FEWEST_CELLS_PER_THREAD))
    with suppress(ValueError):  # what is no number is refused below, as it was written
        given = int(given)
    return whole_number(VARIABLE, given, 1)


def on_torus(wanted: int | None, shape: Sequence[int]) -> int:
    """Number of threads of a solver on a torus with so many cells per axis, as :func:`count`.

    It is 1 in one dimension, where there is nothing to share: threads take planes across the first axis.
    """
    checked = count(wanted, math.prod(shape))
    return checked if len(shape) > 1 else 1


class Team:
    """Threads that share one job at a time, including the calling thread.

    Parameters
    ----------
    size
        Number of threads, including the caller.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._done: SimpleQueue[BaseException | None] = SimpleQueue()
        self._jobs: list[SimpleQueue[Callable[[], None]]] = [SimpleQueue() for _ in range(self.size - 1)]
        for number, jobs in enumerate(self._jobs, start=1):
            threading.Thread(target=self._serve, args=(jobs,), name=f"loops-{number}", daemon=True).start()

    def run(self, job: Callable[[int], None]) -> None:
        """Call ``job(0)``, …, ``job(size − 1)``, each on its own thread; re-raise the first exception of a job."""
        if self._process != os.getpid():
            self._begin()  # threads do not survive a fork
        for number, jobs in enumerate(self._jobs, start=1):
            jobs.put(lambda number=number: job(number))  # type: ignore[misc]
        failures: list[BaseException] = []
        try:
            job(0)
        finally:
            failures += [failure for failure in (self._done.get() for _ in self._jobs) if failure is not None]
        if failures:
            raise failures[0]

    def share(self, total: int, job: Callable[[int, int, int], None]) -> None:
        """Call ``job(first, end, thread)`` on every thread, with one contiguous part of ``total`` planes each."""
        size = self.size
        self.run(lambda thread: job(thread * total // size, (thread + 1) * total // size, thread))

    def deal(self, total: int, job: Callable[[int, int], None]) -> None:
        """Call ``job(piece, thread)`` for each of ``total`` pieces, distributed round-robin over the threads."""

        def work(thread: int) -> None:
            for piece in range(thread, total, self.size):
                job(piece, thread)

        self.run(work)

    def _serve(self, jobs: "SimpleQueue[Callable[[], None]]") -> None:
        while True:
            failure: BaseException | None = None
            try:
                jobs.get()()
            except BaseException as error:
                failure = error
            self._done.put(failure)


@lru_cache
def team(size: int) -> Team:
    """Return the team of a given size; a process has one per size, which serves one solver at a time."""
    return Team(size)


FEWEST_MODES = 2**17
"""Number of modes below which a pass takes less time than waking a second thread for it (measured)."""


def team_for_modes(modes: int, team: Team) -> Team:
    """Return the team for a pass over ``modes`` modes: ``team``, or the calling thread alone if there are few."""
    return team if modes >= FEWEST_MODES else Team(1)

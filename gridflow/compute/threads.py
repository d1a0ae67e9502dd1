"""How many threads work on a run, and how they wait for each other.

FFTW brings an OpenMP runtime with a pool of threads of its own. By default such a thread spins for milliseconds when
it has nothing to do, and takes a core from the threads that the compiled loops run on: at 256² a right-hand side then
takes tens of times longer. So this module, which the package imports before that runtime can load, has its threads
sleep after a few microseconds. The compiled loops run on a :class:`Team` of ordinary threads, which sleep when they
wait.
"""

import os
import sys
import threading
from collections.abc import Callable
from functools import lru_cache
from queue import SimpleQueue

from gridflow.errors import InputError

VARIABLE = "GRIDFLOW_THREADS"
"""Environment variable with the number of threads to use by default."""
FEWEST_CELLS_PER_THREAD = 2**15
"""Below this many cells for each of two threads, waking them costs more than they save (measured)."""

_WAITING = {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}

FFTW_MAY_SPIN = not _WAITING & os.environ.keys() and "pyfftw" in sys.modules
"""Whether FFTW's threads were made before gridflow could tell them how to wait; FFTs then keep to one thread."""

if not _WAITING & os.environ.keys():
    os.environ["GOMP_SPINCOUNT"] = "1000"


def available() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def count(wanted: int | None, cells: int) -> int:
    """Threads to use on a grid.

    Parameters
    ----------
    wanted
        As the user says; None for the value of ``GRIDFLOW_THREADS`` or, without one, every core as long as each has
        enough cells to be worth waking.
    cells
        Number of cells of the grid.

    Raises
    ------
    InputError
        If the number asked for is not a whole number of at least 1.
    """
    name, given = ("threads", wanted) if wanted is not None else (VARIABLE, os.environ.get(VARIABLE))
    if given is None or given == "":
        return max(1, min(available(), cells // FEWEST_CELLS_PER_THREAD))
    try:
        threads = int(given)
    except (ValueError, OverflowError):
        threads = 0
    if threads < 1 or (isinstance(given, float) and given != threads):
        raise InputError(f"{name} = {given}: it must be a whole number of at least 1")
    return threads


class Team:
    """Threads that share one job at a time: the caller and as many more as it takes.

    Parameters
    ----------
    size
        Number of threads, the caller counted.
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
        """Call ``job(0)`` … ``job(size − 1)``, each on a thread of its own; raises what one of them raised."""
        if self._process != os.getpid():
            self._begin()  # a forked process has none of the threads
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
        """Call ``job(first, end, thread)`` for one contiguous part of ``total`` planes on each thread."""
        size = self.size
        self.run(lambda thread: job(thread * total // size, (thread + 1) * total // size, thread))

    def deal(self, total: int, job: Callable[[int, int], None]) -> None:
        """Call ``job(piece, thread)`` for each of ``total`` pieces, dealt to the threads in turn."""

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
    """The team of a size; there is one in a process, which serves one solver at a time."""
    return Team(size)


FEWEST_MODES = 2**17
"""Below this many, a pass over modes takes less time than waking a second thread for it (measured)."""


def team_for_modes(modes: int, team: Team) -> Team:
    """Who does a pass over so many modes: a team, or the caller alone."""
    return team if modes >= FEWEST_MODES else Team(1)

"""Background execution of single jobs."""

from collections.abc import Callable
from threading import Thread


class Background:
    """Runs one job at a time on its own thread; the next one starts when it has finished.

    There is no queue. A waiting job would hold its copy of the density, and a run that writes faster than the disk must
    slow down anyway. A thread lives only as long as its job. None is left once :meth:`wait` returns, so a process that
    forks between two jobs forks no thread.
    """

    def __init__(self) -> None:
        self._thread: Thread | None = None
        self._failure: BaseException | None = None

    def begin(self, job: Callable[[], None]) -> None:
        """Start a job once the previous one has finished; if that one failed, raise its exception instead."""
        self.wait()
        self._thread = Thread(target=self._do, args=(job,), name="gridflow-background")
        self._thread.start()

    def wait(self) -> None:
        """Wait until no job is running; raise the exception of the last job, once."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _do(self, job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:
            self._failure = error

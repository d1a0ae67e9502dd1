"""Work done behind a run's back, one job at a time."""

from collections.abc import Callable
from threading import Thread


class Background:
    """Does one job at a time on a thread of its own; the next one begins when it is done.

    There is no queue: what waits would hold its copy of the density, and a run that asks faster than the disk answers
    has to slow down in any case. A thread lives as long as its job, so none is left once :meth:`wait` returns and a
    process that forks between two jobs forks no thread.
    """

    def __init__(self) -> None:
        self._thread: Thread | None = None
        self._failure: BaseException | None = None

    def begin(self, job: Callable[[], None]) -> None:
        """Begin a job once the one before it is done; raises what that one raised, and then does not begin."""
        self.wait()
        self._thread = Thread(target=self._do, args=(job,), name="gridflow-background")
        self._thread.start()

    def wait(self) -> None:
        """Return when nothing is left to do; raises what the last job raised, once."""
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

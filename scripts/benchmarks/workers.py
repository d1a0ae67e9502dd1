"""One process for every code, so that no code meets the threads of another, and the timing in it."""

import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from statistics import median
from typing import TypeVar

import numpy as np
from peers import Code, Timed
from problems import Problem

Result = TypeVar("Result")


class CodeFailed(RuntimeError):
    """What a code raised in its process, in one line."""


class Worker:
    """A process that holds one code and calls functions on it, one at a time.

    Parameters
    ----------
    code
        The code; the process works on a copy of it.
    """

    def __init__(self, code: Timed) -> None:
        context = get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, code), daemon=True)
        self._process.start()
        theirs.close()

    def call(self, function: Callable[..., Result], *arguments: object) -> Result:
        """``function(code, *arguments)`` in the process; CodeFailed if it raises or the process dies."""
        try:
            self._connection.send((function, arguments))
            succeeded, answer = self._connection.recv()
        except (EOFError, OSError):
            raise CodeFailed("its process died") from None
        if not succeeded:
            raise CodeFailed(answer)
        return answer

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join()


def _serve(connection: Connection, code: Timed) -> None:
    while True:
        try:
            function, arguments = connection.recv()
        except EOFError:
            return
        try:
            connection.send((True, function(code, *arguments)))
        except Exception as error:  # whatever a code raises is an answer about that code
            connection.send((False, str(error).partition("\n")[0] or type(error).__name__))


def load(code: Timed) -> None:
    """Load a code; LookupError with the reason if it cannot be used."""
    if reason := code.available():
        raise LookupError(reason)


def prepare_rhs(code: Timed, problem: Problem, shape: tuple[int, ...]) -> float:
    """Take a problem and evaluate one right-hand side; seconds that took, compilation included."""
    start = time.perf_counter()
    code.prepare(problem, shape)
    code.rhs()()
    return time.perf_counter() - start


def prepare_run(code: Code, problem: Problem, shape: tuple[int, ...]) -> float:
    """Take a problem and make one tiny step; seconds that took, compilation included."""
    start = time.perf_counter()
    code.prepare(problem, shape)
    code.run(1e-9)
    return time.perf_counter() - start


def time_rhs(code: Timed, budget: float) -> float:
    """Seconds of one right-hand side: the median over calls for some seconds, three at least."""
    call = code.rhs()
    samples: list[float] = []
    end = time.perf_counter() + budget
    while len(samples) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        samples.append(time.perf_counter() - start)
    return median(samples) / code.evaluations


def run(code: Code, t_end: float) -> tuple[np.ndarray, float]:
    """Solve the problem at hand: μ at ``t_end``, and the seconds that took."""
    start = time.perf_counter()
    values = code.run(t_end)
    return values, time.perf_counter() - start

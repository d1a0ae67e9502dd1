"""The frames of a movie, drawn by one process or by several, and the file that they become."""

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Protocol

import numpy as np

from gridflow.compute.threads import available
from gridflow.errors import RunError
from gridflow.runtime.store import RunDirectory
from gridflow.viz.film_stage import Stage
from gridflow.viz.film_times import Pace
from gridflow.viz.scale import Scale
from gridflow.viz.style import look

WORKER = "from gridflow.viz.films import draw_for_another_process; draw_for_another_process()"
FEWEST_FRAMES = 40
"""Number of frames for each process below which starting one takes longer than it saves."""


class Staged(Protocol):
    """What a film needs of a movie."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""

    @property
    def moves(self) -> bool:
        """Whether frames of the same snapshots differ."""

    def stage(self, runs: Sequence[RunDirectory], pace: Pace, scale: Scale, stamps: Sequence[Sequence[str]]) -> Stage:
        """Draw what stands still."""


@dataclass(frozen=True)
class Film:
    """A movie of some runs, with all that is the same for its frames: each of them can be drawn by itself.

    Parameters
    ----------
    movie
        The movie.
    runs
        The runs.
    pace
        Its frames.
    stamps
        For each run, what is told of every frame.
    scale
        The scale of all frames.
    """

    movie: Staged
    runs: tuple[RunDirectory, ...]
    pace: Pace
    stamps: Sequence[Sequence[str]]
    scale: Scale

    def stage(self) -> Stage:
        """Draw what stands still."""
        return self.movie.stage(self.runs, self.pace, self.scale, self.stamps)

    @cached_property
    def distinct(self) -> list[int]:
        """Numbers of the frames that differ from the one before."""
        held = self.pace.snapshots
        return [n for n in range(len(held)) if n == 0 or self.movie.moves or held[n] != held[n - 1]]

    @property
    def repeats(self) -> list[int]:
        """How often each distinct frame is shown."""
        ends = [*self.distinct[1:], len(self.pace.snapshots)]
        return [end - number for number, end in zip(self.distinct, ends, strict=True)]

    def pictures(self, jobs: int) -> Iterator[np.ndarray]:
        """Draw the distinct frames in their order, uint8 of shape (height, width, 4).

        Parameters
        ----------
        jobs
            Number of processes. The frames do not depend on it.

        Raises
        ------
        RunError
            If a process fails.
        """
        jobs = min(jobs, len(self.distinct))
        if jobs < 2 or type(self.movie).__module__ == "__main__":  # which another process cannot import
            stage = self.stage()
            yield from map(stage.frame, self.distinct)
            return
        with ExitStack() as stack:
            workers = [stack.enter_context(closing(_Worker(self, self.distinct[k::jobs]))) for k in range(jobs)]
            for place in range(len(self.distinct)):
                yield workers[place % jobs].next_picture()


class _Worker:
    """A process that draws some frames of a film and writes their bytes to a pipe.

    It is a new interpreter: a fork would inherit threads, and the ways of the standard library to start one run the
    user's script anew.
    """

    def __init__(self, film: Film, numbers: Sequence[int]) -> None:
        self._shape = (film.movie.size[1], film.movie.size[0], 4)
        self._complaints: IO[bytes] = TemporaryFile()  # noqa: SIM115 - closed with the process
        path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            env=os.environ | {"PYTHONPATH": path},
        )
        assert self._process.stdin is not None
        with self._process.stdin as pipe:
            pickle.dump((film, list(numbers)), pipe)

    def next_picture(self) -> np.ndarray:
        """Return the next frame; RunError if the process has failed."""
        assert self._process.stdout is not None
        size = self._shape[0] * self._shape[1] * self._shape[2]
        data = self._process.stdout.read(size)
        if len(data) < size:
            raise RunError(f"a process that draws frames ended early: {last_line(self._complaints)}")
        return np.frombuffer(data, np.uint8).reshape(self._shape)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._complaints.close()


def draw_for_another_process() -> None:
    """Draw the frames that are asked for on standard input, and write their bytes to standard output."""
    with os.fdopen(os.dup(1), "wb") as pipe:
        os.dup2(2, 1)  # what a library prints is no part of a frame
        film, numbers = pickle.load(sys.stdin.buffer)
        with look():
            stage = film.stage()
            for number in numbers:
                pipe.write(stage.frame(number).data)


def last_line(file: IO[bytes]) -> str:
    """Return the last line of a file that a process has written its complaints to."""
    file.seek(0)
    lines = file.read().decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


def processes(wanted: int | None, frames: int) -> int:
    """Number of processes that draw: as wanted, or one per core, if each has enough to do."""
    return wanted or max(1, min(available(), frames // FEWEST_FRAMES))

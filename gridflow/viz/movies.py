"""What every movie of runs is, its options, how a movie is found and made; and the movie of densities."""

import math
import os
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from gridflow.domains.sphere import SphereGrid
from gridflow.errors import InputError, whole_number
from gridflow.runtime.outputs import Output, Runs, chosen_output, opened
from gridflow.runtime.progress import counting
from gridflow.runtime.schema import Snapshot
from gridflow.runtime.store import RunDirectory
from gridflow.viz.comparisons import told_apart
from gridflow.viz.film_files import ffmpeg, write_film
from gridflow.viz.film_panels import GlobePanel, LinePanel, PlanePanel
from gridflow.viz.film_stage import Panel, Stage
from gridflow.viz.film_times import SECONDS, SPACINGS, Pace, pace, stamps, standing_still
from gridflow.viz.films import Film, processes
from gridflow.viz.panels import CHARACTER, heading
from gridflow.viz.pictures import PICTURES, is_line, panel_height, picture_of
from gridflow.viz.scale import Scale, color_bar
from gridflow.viz.selection import is_signed, net, read, title
from gridflow.viz.solid_scenes import obstacle_to_rendering
from gridflow.viz.style import look, new_figure
from gridflow.viz.view import View

FORMATS = (".mp4", ".gif")
SIZE = (1280, 720)
INCHES = (10.6, 6.0)
"""Largest width and height of a movie in inches, which its resolution follows from."""
SMALLEST, LARGEST = 64, 8192
"""Smallest and largest number of pixels along an edge."""
TITLE = 0.55
"""Height of the title and the stamp of a panel, in inches."""


@dataclass(frozen=True)
class Movie(View, Output, ABC, command="movie", suffixes=FORMATS):
    """A movie of one run or of several side by side.

    Parameters
    ----------
    seconds
        Length of the movie. Default: one frame for each snapshot of the run that has most, at most 10 seconds.
    fps
        Frames per second. Default: 25, or for few snapshots fewer, 5 at least.
    spacing
        ``linear``: simulated time runs at a constant rate. ``log``: its logarithm does. ``snapshots``: one frame for
        each snapshot of the run that has most. Default: as the snapshots are spread, ``linear`` or ``log``.
    span
        First and last time. Default: those that all runs have in common.
    size
        Width and height in pixels, even numbers. Default: 1280 by 720.
    dpi
        Pixels per inch, for the size of letters and lines. Default: the figure is 6 inches high.
    jobs
        Number of processes that draw. Default: one for each core if there are many frames.
    """

    seconds: float | None = None
    fps: float | None = None
    spacing: str | None = None
    span: tuple[float, float] | None = None
    size: tuple[int, int] = SIZE
    dpi: float | None = None
    jobs: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value in (("seconds", self.seconds), ("fps", self.fps), ("dpi", self.dpi)):
            if value is not None and not (math.isfinite(value) and value > 0):
                raise InputError(f"{name} = {value:g}: it must be positive")
        if self.spacing is not None and self.spacing not in SPACINGS:
            raise InputError(f'spacing = "{self.spacing}": it must be one of {", ".join(SPACINGS)}')
        if self.spacing == "snapshots" and self.seconds is not None and self.fps is not None:
            raise InputError(f"seconds = {self.seconds:g}, fps = {self.fps:g}: with spacing = snapshots give only one")
        if self.span is not None and not (all(map(math.isfinite, self.span)) and self.span[0] < self.span[1]):
            raise InputError(f"span = {self.span[0]:g}, {self.span[1]:g}: the first time must be before the last")
        if any(edge % 2 or not SMALLEST <= edge <= LARGEST for edge in self.size):
            raise InputError(
                f"size = {self.size[0]}x{self.size[1]}: width and height must be even, from {SMALLEST} to {LARGEST}"
            )
        if self.jobs is not None:
            whole_number("jobs", self.jobs, 1)

    @classmethod
    def obstacle(cls, runs: Sequence[RunDirectory]) -> str:
        """Why it cannot be made of these runs; empty if it can."""
        if not all(run.grid.has_cells for run in runs):
            return "its density is a single number"
        kinds = {(is_line(run.grid), run.grid.among(PICTURES)) for run in runs}
        return "" if len(kinds) == 1 else "their densities are drawn in different ways"

    @property
    def moves(self) -> bool:
        """Whether what is seen changes while the snapshots do not."""
        return False

    @abstractmethod
    def seen(self, run: RunDirectory, frame: Snapshot) -> np.ndarray:
        """The values that are shown of a snapshot, which determine the scale."""

    @abstractmethod
    def panels(
        self, figure: Drawing, runs: Sequence[RunDirectory], names: Sequence[str], scale: Scale, pace: Pace
    ) -> list[Panel]:
        """Create the panel of each run on a figure."""

    def survey(self, runs: Sequence[RunDirectory], pace: Pace) -> Scale:
        """The scale of all frames."""
        return self.scale(self.values(runs, pace), any(map(is_signed, runs)))

    def values(self, runs: Sequence[RunDirectory], pace: Pace) -> Iterator[np.ndarray]:
        """What is seen of each snapshot that is shown, and of the targets."""
        for number, run in enumerate(runs):
            yield self.seen(run, Snapshot(0.0, 0, run.target))
            for index in sorted({row[number] for row in pace.snapshots}):
                yield self.seen(run, read(run, index))

    def stage(self, runs: Sequence[RunDirectory], pace: Pace, scale: Scale, stamps: Sequence[Sequence[str]]) -> Stage:
        """Draw what stands still; see :class:`gridflow.viz.film_stage.Stage`."""
        dpi = self.dpi or max(edge / inches for edge, inches in zip(self.size, INCHES, strict=True))
        width, height = (edge / dpi for edge in self.size)
        figure = new_figure(width, height)
        figure.set_dpi(dpi)
        figure.set_layout_engine("compressed")
        names = told_apart(runs) if len(runs) > 1 else [""]
        heading(figure, " · ".join(names) if len(runs) > 1 else title(runs[0]), width)
        return Stage(figure, self.panels(figure, runs, names, scale, pace), pace.snapshots, stamps)


def arranged(count: int, figure: Drawing, ratio: float, names: Sequence[str]) -> tuple[int, int, list[str]]:
    """Arrange panels so that they are as large as possible.

    Parameters
    ----------
    count
        Number of panels.
    figure
        The figure.
    ratio
        Height of a panel divided by its width.
    names
        Their titles.

    Returns
    -------
    int, int
        Numbers of rows and columns.
    list of str
        The titles, shortened to the width of a panel.
    """
    width, height = figure.get_size_inches()

    def size(rows: int) -> float:
        return float(min(width / math.ceil(count / rows), (height / rows - TITLE) / ratio))

    rows = max(range(1, count + 1), key=size)
    columns = math.ceil(count / rows)
    fits = max(int(width / columns / CHARACTER) - 4, 8)
    return rows, columns, [name if len(name) <= fits else f"{name[: fits - 1]}…" for name in names]


def free(axes: np.ndarray, count: int) -> list[Axes]:
    """Return the first of some axes, and hide the others."""
    for unused in axes.flat[count:]:
        unused.set_axis_off()
    return list(axes.flat[:count])


@dataclass(frozen=True)
class Densities(Movie, kind="densities"):
    """Densities: lines with their target, an image with the boundary of the hole, in 3-D a plane."""

    def seen(self, run: RunDirectory, frame: Snapshot) -> np.ndarray:
        """The density on a line, or the pixels of a plane; see :meth:`Movie.seen`."""
        return net(frame) if is_line(run.grid) else picture_of(run.grid, self.cut).pixels(net(frame))

    def panels(
        self,
        figure: Drawing,
        runs: Sequence[RunDirectory],
        names: Sequence[str],
        scale: Scale,
        pace: Pace,  # noqa: ARG002
    ) -> list[Panel]:
        """Create the panels; see :meth:`Movie.panels`."""
        width, height = figure.get_size_inches()
        lines = is_line(runs[0].grid)
        ratio = height / width if lines else max(panel_height(run.grid, 1.0, self.cut) for run in runs)
        rows, columns, told = arranged(len(runs), figure, ratio, names)
        axes = free(figure.subplots(rows, columns, squeeze=False), len(runs))
        if lines:
            return [LinePanel(*each, scale) for each in zip(axes, told, runs, strict=True)]
        color_bar(figure, scale, axes)
        return [PlanePanel(*each, scale, self.cut) for each in zip(axes, told, runs, strict=True)]


@dataclass(frozen=True)
class GlobeDensities(Movie, kind="densities", domain=SphereGrid):
    """Densities on the sphere, as globes above maps.

    Parameters
    ----------
    orbit
        How often the viewer goes around the globes, eastwards, during the movie. Default: 0.
    """

    orbit: float = 0.0

    @property
    def moves(self) -> bool:
        """Whether the viewer goes around."""
        return self.orbit != 0

    def seen(self, run: RunDirectory, frame: Snapshot) -> np.ndarray:  # noqa: ARG002
        """The density; see :meth:`Movie.seen`."""
        return net(frame)

    def panels(
        self, figure: Drawing, runs: Sequence[RunDirectory], names: Sequence[str], scale: Scale, pace: Pace
    ) -> list[Panel]:
        """Create the panels; see :meth:`Movie.panels`."""
        rows, columns, told = arranged(len(runs), figure, 1.5, names)
        axes = figure.subplots(2 * rows, columns, squeeze=False, height_ratios=[2, 1] * rows)
        above, below = free(axes[::2], len(runs)), free(axes[1::2], len(runs))
        color_bar(figure, scale, [*axes.flat])
        turn = 360 * self.orbit / len(pace.times)
        pairs = zip(above, below, told, runs, strict=True)
        return [GlobePanel([one, other], name, run, scale, turn) for one, other, name, run in pairs]


def movie(
    runs: Runs,
    output: str | os.PathLike[str] | None = None,
    kind: str | None = None,
    progress: bool | None = None,
    **options: Any,
) -> Path:
    """Make a movie of one run, or of several side by side on one scale.

    At every frame all runs are at the same simulated time. Between snapshots the nearest one is shown, and each panel
    tells the time of what it shows.

    Parameters
    ----------
    runs
        A run directory, finished or not, or several.
    output
        File to write, ``.mp4`` or ``.gif``. An ``.mp4`` needs ffmpeg, either the system's or that of the package
        imageio-ffmpeg. Without ffmpeg, a ``.gif`` of the same name is written instead, with a warning. Default: a free
        name in the current folder.
    kind
        What to show: ``densities``, or in three dimensions also ``surface`` or ``volume``. Default: ``surface`` in
        three dimensions if it can be rendered here, else ``densities``.
    progress
        Whether to show a bar on standard error. Default: only on a terminal.
    options
        Options of the movie: those of :class:`gridflow.viz.view.View` and :class:`Movie`, and its own.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    InputError
        If there are no runs, one has no snapshot or is on a sphere in a single cell, the runs have no time in common,
        or the kind, an option, or the suffix or folder of the output is not allowed.
    RunError
        If the file cannot be written. If ffmpeg fails, the frames are kept in a folder beside, which the message names.
    """
    stored = opened(runs, "a movie")
    found = Movie.found(kind or _usual_kind(stored), stored)
    path, made = chosen_output(output, stored, found), found.with_options(options)
    seconds = made.seconds or (SECONDS if made.moves and made.spacing != "snapshots" else None)
    frames = pace(stored, made.spacing, made.span, seconds, made.fps)
    if still := standing_still(stored, frames):
        warnings.warn(still, stacklevel=2)
    if path.suffix.lower() == ".mp4" and ffmpeg() is None:
        path = path.with_suffix(".gif")
        warnings.warn(
            f"there is no ffmpeg (pip install imageio-ffmpeg brings one): writing {path} instead", stacklevel=2
        )
    film = Film(made, tuple(stored), frames, stamps(stored, frames), made.survey(stored, frames))
    jobs = processes(made.jobs, len(film.distinct))

    def pictures() -> Iterator[np.ndarray]:
        with counting(len(film.distinct), "frames", progress) as advance:
            for picture in film.pictures(jobs):
                yield picture
                advance()

    with look():
        write_film(film, path, pictures)
    return path


def kinds_of_movies(runs: Runs) -> dict[str, str]:
    """The kinds of movies that can be made of some runs, each with a line that describes it."""
    return Movie.described(opened(runs, "a movie"))


def _usual_kind(runs: Sequence[RunDirectory]) -> str:
    """The kind of a movie for which none is asked; a warning if that is for want of a renderer."""
    if any(run.grid.dim != 3 or run.grid.sphere_dim is not None for run in runs):
        return "densities"
    if reason := obstacle_to_rendering():
        warnings.warn(f"{reason}; showing a plane", stacklevel=3)
        return "densities"
    return "surface"

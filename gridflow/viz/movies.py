"""Movies of runs, made from their run directories."""

import importlib.util
import math
import os
import shutil
import subprocess
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import matplotlib as mpl
from matplotlib.animation import AbstractMovieWriter, FFMpegWriter, PillowWriter
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from gridflow.errors import InputError, RunError
from gridflow.files import publishing
from gridflow.runtime.outputs import Output, Runs, chosen_output, opened
from gridflow.runtime.store import RunDirectory
from gridflow.viz.artists import density, redraw
from gridflow.viz.neurons import smoothed
from gridflow.viz.pictures import is_line, panel_height
from gridflow.viz.scale import Scale, color_bar
from gridflow.viz.selection import is_signed, kernel_name, net
from gridflow.viz.style import EXACT, look, new_figure

FORMATS = (".mp4", ".gif")
FPS = 10


def movie(runs: Runs, output: str | os.PathLike[str] | None = None, fps: int = FPS) -> Path:
    """Make a movie of one run, or of several runs side by side, on one colour scale.

    The movie has as many frames as the run with the most snapshots; the snapshots of each run are spread evenly over
    it.

    Parameters
    ----------
    runs
        A run directory or several.
    output
        File to write, ``.mp4`` or ``.gif``. An ``.mp4`` needs ffmpeg, either the system's or that of the package
        imageio-ffmpeg. Without ffmpeg, a ``.gif`` of the same name is written instead, with a warning.
    fps
        Frames per second. Default: 10.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    InputError
        If there are no runs, one is missing, has no snapshot or is on a sphere in a single cell, or if ``fps`` or the
        suffix or folder of the output is not allowed.
    RunError
        If the file cannot be written.
    """
    stored = opened(runs, "a movie")
    return _film(stored, chosen_output(output, stored, Movie), fps)


@dataclass(frozen=True)
class Movie(Output, command="movie", kind="densities", suffixes=FORMATS):
    """The density of a run over time; see :func:`movie`.

    Parameters
    ----------
    fps
        Frames per second.
    """

    fps: int = FPS

    def write(self, stored: RunDirectory, path: Path) -> Path:
        """Make the movie; see :func:`movie`."""
        return _film([stored], path, self.fps)


def _film(stored: Sequence[RunDirectory], path: Path, fps: int) -> Path:
    """Write a movie of runs side by side; return the file written."""
    if not (math.isfinite(fps) and fps > 0):
        raise InputError(f"fps = {fps}: it must be positive")
    frames = max(len(each.times) for each in stored)
    if min(len(each.times) for each in stored) == 0:
        raise InputError(
            "a run without snapshots has no pictures to show; wait for the first, or set output.snapshot_every"
        )
    ffmpeg = _ffmpeg()
    if path.suffix == ".mp4" and ffmpeg is None:
        path = path.with_suffix(".gif")
        warnings.warn(
            f"there is no ffmpeg (pip install imageio-ffmpeg brings one): writing {path} instead", stacklevel=2
        )
    seen = (
        values
        for each in stored
        for values in chain([each.target], (net(smoothed(each.grid, frame)) for frame in each.snapshots()))
    )
    scale = Scale.over(seen, any(is_signed(each) for each in stored))
    with look(), mpl.rc_context({} if ffmpeg is None else {"animation.ffmpeg_path": ffmpeg}):
        width = 4.0
        figure = new_figure(width * len(stored) + 0.7, max(panel_height(each.grid, width) for each in stored) + 0.6)
        panels = [
            _Panel(axes, each, scale)
            for axes, each in zip(figure.subplots(1, len(stored), squeeze=False)[0], stored, strict=True)
        ]
        if not is_line(stored[0].grid):
            color_bar(figure, scale, [panel.axes for panel in panels])

        with publishing(path, keep_ending=True) as file:
            file.touch()  # ffmpeg does not say why it cannot write a file
            writer: AbstractMovieWriter
            if path.suffix == ".gif":
                writer = PillowWriter(fps=fps)
            else:
                writer = FFMpegWriter(fps=fps, codec="libx264", extra_args=["-pix_fmt", "yuv420p", "-crf", "18"])
            try:
                with writer.saving(figure, str(file), dpi=120):
                    for number in range(frames):
                        for panel in panels:
                            panel.show(number / max(frames - 1, 1))
                        writer.grab_frame()
            except subprocess.CalledProcessError as error:
                raise RunError(f"cannot write {path}: ffmpeg ended with code {error.returncode}") from error
        return path


class _Panel:
    """One run in a movie."""

    def __init__(self, axes: Axes, stored: RunDirectory, scale: Scale) -> None:
        self.axes = axes
        self._stored = stored
        self._last = len(stored.times) - 1
        self._artist = density(axes, stored.grid, net(smoothed(stored.grid, stored.snapshot(index=0))), scale)
        if isinstance(self._artist, Line2D):
            axes.plot(self._artist.get_xdata(), stored.target, color=EXACT, linestyle="--", linewidth=1, label="target")
            axes.set(xlabel="x", ylabel=scale.label)
            axes.legend(loc="lower right")

    def show(self, share: float) -> None:
        """Show the snapshot at a fraction of the run between 0 and 1."""
        frame = smoothed(self._stored.grid, self._stored.snapshot(index=round(share * self._last)))
        redraw(self._artist, self._stored.grid, net(frame))
        self.axes.set_title(f"{kernel_name(self._stored)}    t = {frame.time:.2f}", family="monospace")


def _ffmpeg() -> str | None:
    """Return the path of an ffmpeg executable, the system's or that of imageio-ffmpeg; None if there is none."""
    found = shutil.which("ffmpeg")
    if found is None and importlib.util.find_spec("imageio_ffmpeg") is not None:
        import imageio_ffmpeg  # an optional dependency

        found = str(imageio_ffmpeg.get_ffmpeg_exe())
    return found

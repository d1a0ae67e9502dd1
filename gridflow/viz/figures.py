"""Figures of runs, made from their run directories."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.projections.polar import PolarAxes
from matplotlib.ticker import NullFormatter

from gridflow.domains.base import Domain
from gridflow.domains.sphere import SphereGrid
from gridflow.domains.torus import Grid
from gridflow.errors import InputError
from gridflow.runtime.schema import Snapshot
from gridflow.runtime.store import RunDirectory, open_run
from gridflow.viz.circle import draw_circle, label_angle, on_circle, time_colors
from gridflow.viz.fields import Scale, color_bar, draw, is_line, panel_height
from gridflow.viz.outputs import Output, checked_output
from gridflow.viz.selection import evenly, is_signed, kernel_name, net, short, title
from gridflow.viz.sphere import draw_sphere
from gridflow.viz.style import EXACT, MEASURED, SECOND, look, new_figure, save

FORMATS = (".png", ".pdf", ".svg", ".jpg", ".webp", ".tif")
FRAMES = 5


def plot(run: str | os.PathLike[str], output: str | os.PathLike[str], frames: int = FRAMES) -> Path:
    """Draw a run: densities over time and the target on one colour scale, and curves of the time series.

    The curves are the energy, the smallest and largest cell averages, and the volume of the hole or, without a hole,
    the KMD and the dissipation. Exact laws are dashed. On S² the densities are drawn as globes and maps; on the circle,
    as curves over the angle and around the circle. On a sphere in a single cell there are only the curves of the
    series.

    Parameters
    ----------
    run
        A run directory, finished or not.
    output
        File to write; the suffix determines the format: ``.png``, ``.pdf``, ``.svg``, ``.jpg``, ``.webp`` or ``.tif``.
    frames
        Number of densities to show, evenly spread over the snapshots, at least 1. Default: 5.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    InputError
        If there is no run, it has no snapshot yet, ``frames`` is not allowed, or the suffix or folder of the output is
        not allowed.
    """
    return Figure(frames).write(open_run(run), checked_output(output, FORMATS))


@dataclass(frozen=True)
class Figure(Output, kind="figure", suffixes=FORMATS):
    """Densities over time and curves of the series; see :func:`plot`.

    Parameters
    ----------
    frames
        Number of densities to show, at least 1.
    """

    frames: int = FRAMES

    def write(self, stored: RunDirectory, path: Path) -> Path:
        """Draw the figure; see :meth:`Output.write`."""
        if self.frames < 1:
            raise InputError(f"frames = {self.frames}: at least 1 is needed")
        shown = evenly(stored, self.frames)
        series = stored.series
        with look():
            width, drawn = 2.0, stored.grid.has_cells
            tall = _height(stored, width) + 0.45 if drawn else 0.0
            figure = new_figure(width * (max(self.frames, 3) + 1.4), tall + 2.65)
            below: FigureBase = figure
            if drawn:
                above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(tall, 2.65))[:, 0]
                _draw_frames(above, stored, shown)
            panels = below.subplots(1, 3)
            if series:
                _draw_energy(panels[0], series)
                _draw_extrema(panels[1], series)
                _draw_hole(panels[2], series) if "hole_volume" in series else _draw_kmd(panels[2], series)
            for axes in panels:
                axes.set_xlabel("time")
            figure.suptitle(title(stored), x=0.01, ha="left", fontsize=10)
            return save(figure, path)


def side_by_side(
    runs: Sequence[str | os.PathLike[str]], output: str | os.PathLike[str], titles: Sequence[str] | None = None
) -> Path:
    """Draw the densities of several runs in rows, on one colour scale, and their energies in one panel.

    Each row shows five snapshots, evenly spread over the time of its run.

    Parameters
    ----------
    runs
        Run directories.
    output
        File to write; the suffix determines the format, as for :func:`plot`.
    titles
        One title per run. Default: the kernel.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    InputError
        As for :func:`plot`, or if the number of titles differs from that of the runs.
    """
    path = checked_output(output, FORMATS)
    stored = [open_run(run) for run in runs]
    names = [kernel_name(each) for each in stored] if titles is None else list(titles)
    if len(names) != len(stored):
        raise InputError(f"{len(names)} titles for {len(stored)} runs")
    frames = [evenly(each, FRAMES) for each in stored]
    scale = Scale.over([net(frame) for row in frames for frame in row], any(is_signed(each) for each in stored))
    with look():
        width = 1.9
        tall = sum(panel_height(each.grid, width) + 0.35 for each in stored)
        figure = new_figure(width * (FRAMES + 2.1), tall + 0.1)
        left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(FRAMES * width, 2.1 * width))[0]
        panels = left.subplots(len(stored), FRAMES, squeeze=False)
        for row, each, name, shown in zip(panels, stored, names, frames, strict=True):
            for axes in row[len(shown) :]:
                axes.set_axis_off()
            for axes, frame in zip(row, shown, strict=False):
                draw(axes, each.grid, net(frame), scale)
                axes.set_title(f"t = {short(frame.time)}")
            row[0].set_ylabel(name)
        if not is_line(stored[0].grid):
            color_bar(left, scale, list(panels.flat))
        _draw_energies(right.subplots(), stored, names)
        return save(figure, path)


def _draw_energies(axes: Axes, stored: Sequence[RunDirectory], names: Sequence[str]) -> None:
    colors = colormaps["viridis"](np.linspace(0, 0.75, len(stored)))
    for each, name, color in zip(stored, names, colors, strict=True):
        series = each.series
        if series:
            moving = series["time"] > 0
            share = series["energy"][moving] / series["energy"][0]
            axes.loglog(series["time"][moving], share, color=color, label=name)
    axes.set_title("energy, as a share of the first")
    axes.set_xlabel("time")
    axes.legend()


GLOBES: dict[type[Domain], Callable[..., None]] = {SphereGrid: draw_sphere}
"""Functions that draw frames as globes above maps, for the domains that have globes."""


def _height(stored: RunDirectory, width: float) -> float:
    """Return the height that :func:`_draw_frames` needs for panels of a given width."""
    if stored.grid.among(GLOBES) is not None:
        return width + panel_height(stored.grid, width)
    return 1.5 * width if on_circle(stored) else panel_height(stored.grid, width)


def _draw_frames(figure: FigureBase, stored: RunDirectory, frames: list[Snapshot]) -> None:
    grid, target = stored.grid, stored.target
    if is_line(grid):
        _draw_lines(figure, stored, grid, frames)
        return
    scale = Scale.over([net(frame) for frame in frames] + [target], is_signed(stored))
    globes = grid.among(GLOBES)
    if globes is not None:
        globes(figure, grid, frames, target, scale)
        return
    axes = figure.subplots(1, len(frames) + 1)
    for each, frame in zip(axes, frames, strict=False):
        draw(each, grid, net(frame), scale)
        each.set_title(f"t = {short(frame.time)}" + (", z = L/2" if grid.dim == 3 else ""))
    draw(axes[-1], grid, target, scale)
    axes[-1].set_title("target")
    color_bar(figure, scale, list(axes))


def _draw_lines(figure: FigureBase, stored: RunDirectory, grid: Grid, frames: list[Snapshot]) -> None:
    """Draw densities over x, those of negative output weights dotted below 0; for a circle, also around it."""
    target, below = stored.target, [-frame.negative for frame in frames if frame.negative is not None]
    shown = [frame.density for frame in frames] + [target]
    scale = Scale(max(abs(values).max() for values in shown + below))
    if on_circle(stored):
        left, figure = figure.subfigures(1, 2, squeeze=False, width_ratios=(1, 2.4))[0]
        draw_circle(cast(PolarAxes, left.add_subplot(projection="polar")), grid, frames, target, scale)
    axes = figure.subplots()
    for frame, color in zip(frames, time_colors(len(frames)), strict=True):
        axes.plot(grid.centers(0), frame.density, color=color, label=f"t = {short(frame.time)}")
        if frame.negative is not None:
            axes.plot(grid.centers(0), -frame.negative, color=color, linestyle=":")
    axes.plot(grid.centers(0), target, color=EXACT, linestyle="--", linewidth=1, label="target")
    axes.set_xlim(0, grid.lengths[0])
    axes.set_ylim(1.05 * min(0.0, target.min(), *(values.min() for values in below)), 1.05 * scale.high)
    axes.set_xlabel("x")
    if on_circle(stored):
        label_angle(axes)
    axes.set_title("density" + (", and −μ⁻ dotted" if below else ""))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def _draw_energy(axes: Axes, series: dict[str, np.ndarray]) -> None:
    time, energy = series["time"], series["energy"]
    if energy.max() > 1.5 * energy[energy > 0].min(initial=energy.max()):
        axes.set_yscale("log")
        if energy.max() > 30 * energy.min():
            axes.yaxis.set_minor_formatter(NullFormatter())
    if is_power_law(time, energy):
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
        time, energy = time[time > 0], energy[time > 0]
    axes.plot(time, energy, color=MEASURED)
    axes.set_title("energy  ½ KMD²")


def is_power_law(time: np.ndarray, energy: np.ndarray) -> bool:
    """Whether the last decade of time is closer to a straight line on log-log than on semi-log axes."""
    late = (time > time[-1] / 10) & (energy > 0)
    if late.sum() < 4:
        return False
    logarithm = np.log(energy[late])
    exponential, power = (abs(np.corrcoef(t, logarithm)[0, 1]) for t in (time[late], np.log(time[late])))
    return bool(power > exponential)


def _draw_extrema(axes: Axes, series: dict[str, np.ndarray]) -> None:
    for name, color, label in (("max", MEASURED, "largest cell"), ("min", SECOND, "smallest cell")):
        axes.plot(series["time"], series[name], color=color, label=label)
    laws = [name for name in ("plateau_exact", "max_exact", "min_exact") if name in series]
    for number, name in enumerate(laws):
        axes.plot(series["time"], series[name], "--", color=EXACT, linewidth=1, label="" if number else "exact law")
    axes.set_ylim(bottom=0)
    axes.set_title("density, smallest and largest")
    axes.legend()


def _draw_hole(axes: Axes, series: dict[str, np.ndarray]) -> None:
    for name, color, label in (("hole_volume", MEASURED, "hole"), ("contour_volume", SECOND, "contour of μ")):
        if name in series:
            axes.plot(series["time"], series[name], color=color, label=label)
    if "hole_volume_exact" in series:
        axes.plot(
            series["time"],
            series["hole_volume_exact"],
            "--",
            color=EXACT,
            linewidth=1,
            label=r"exact  $|H_0|\,e^{-at}$",
        )
    axes.set_ylim(bottom=0)
    axes.set_title("volume of the hole")
    axes.legend()


def _draw_kmd(axes: Axes, series: dict[str, np.ndarray]) -> None:
    positive = series["dissipation"] > 0
    axes.set_yscale("log")
    axes.plot(series["time"], series["kmd"], color=MEASURED, label="KMD")
    axes.plot(series["time"][positive], series["dissipation"][positive], color=SECOND, label="dissipation −dE/dt")
    axes.set_title("discrepancy and dissipation")
    axes.legend()

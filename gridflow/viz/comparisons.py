"""Several runs together: their densities at equal times in rows, their energies and their holes beside the laws."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.figure import FigureBase

from gridflow.decay.holes import hole_columns
from gridflow.errors import InputError
from gridflow.runtime.schema import Snapshot
from gridflow.runtime.store import RunDirectory
from gridflow.viz import artists, curves
from gridflow.viz.figures import draw_hole
from gridflow.viz.panels import CAPTION, PANEL, Block, stacked
from gridflow.viz.pictures import is_line, panel_height, picture_of
from gridflow.viz.scale import Scale, color_bar
from gridflow.viz.selection import common_times, is_signed, kernel_name, nearest, net, time_labels
from gridflow.viz.view import Figure, View

CURVES = 2.9
"""Height of the panels of curves, in inches."""
LEAST = 7.4
"""Least width of the figure on a screen, in inches."""
MOST = 12
"""Largest number of runs in a comparison."""


@dataclass(frozen=True)
class Comparison(Figure, kind="comparison"):
    """Densities of several runs at equal times in rows, and their energies and holes with the exact laws.

    Parameters
    ----------
    titles
        One title for each run. Default: what tells the runs apart.
    """

    titles: Sequence[str] | None = None

    @classmethod
    def obstacle(cls, runs: Sequence[RunDirectory]) -> str:
        """Why it cannot be made of these runs; empty if it can."""
        if len(runs) > MOST:
            return f"it shows {MOST} runs at most, and there are {len(runs)}"
        kinds = {(is_line(run.grid), run.grid.has_cells) for run in runs}
        return "" if len(kinds) == 1 else "their densities are drawn in different ways"

    def draw(self, runs: Sequence[RunDirectory]) -> Drawing:
        """Draw the figure; see :meth:`Figure.draw`."""
        names = told_apart(runs) if self.titles is None else list(self.titles)
        if len(names) != len(runs):
            raise InputError(f"{len(names)} titles for {len(runs)} runs")
        blocks = []
        times = list(self.times) if self.times is not None else common_times(runs, self.frames)
        width = self.width or max(PANEL * (len(times) + 0.6), LEAST)
        if runs[0].grid.has_cells:
            blocks.append(_rows(self, runs, names, times, width))
        if any(run.series for run in runs):
            blocks.append(Block(CURVES, lambda part: _curves(part, runs, names)))
        if not blocks:
            raise InputError("no run has a series yet, and they are on single cells: there is nothing to draw")
        first = runs[0]
        return stacked(blocks, width, first.title if len(runs) == 1 else " · ".join(names))


def told_apart(runs: Sequence[RunDirectory]) -> list[str]:
    """Names that tell runs apart: their kernels, their grids, their titles, or else their directories."""
    kernels = [kernel_name(run) for run in runs]
    cells = ["×".join(map(str, run.grid.shape)) for run in runs]
    both = [f"{kernel}, {shape}" for kernel, shape in zip(kernels, cells, strict=True)]
    for names in (kernels, both, [run.title for run in runs]):
        if len(set(names)) == len(names):
            return names
    return [run.path.name for run in runs]


def run_colors(count: int) -> np.ndarray:
    """Return one colour for each of several runs, from dark to light."""
    return colormaps["viridis"](np.linspace(0, 0.8, count))


def _rows(
    view: View, runs: Sequence[RunDirectory], names: Sequence[str], times: Sequence[float], width: float
) -> Block:
    """Create the block of densities: a row for each run, a column for each time."""
    frames = [[nearest(run, [time])[0] for time in times] for run in runs]
    shown = [
        net(frame) if is_line(run.grid) else picture_of(run.grid, view.cut).pixels(net(frame))
        for run, row in zip(runs, frames, strict=True)
        for frame in row
    ]
    scale = view.scale(shown, any(is_signed(run) for run in runs))
    panel = min((width - 1.0) / len(times), 1.2 * PANEL)
    heights = [panel_height(run.grid, panel, view.cut) for run in runs]

    def draw(figure: FigureBase) -> None:
        panels = figure.subplots(len(runs), len(times), squeeze=False, height_ratios=heights)
        for row, run, told, held in zip(panels, runs, names, frames, strict=True):
            for axes, frame in zip(row, held, strict=True):
                _draw_frame(axes, run, frame, scale, view)
            row[0].set_ylabel(told, parse_math=False)
            for axes, told_time in zip(row, time_labels(held), strict=True):
                axes.set_title(told_time)
        if not is_line(runs[0].grid):
            color_bar(figure, scale, list(panels.flat))

    return Block(sum(height + CAPTION for height in heights), draw)


def _draw_frame(axes: Axes, run: RunDirectory, frame: Snapshot, scale: Scale, view: View) -> None:
    artists.density(axes, run.grid, net(frame), scale, view.cut, ticks=False)
    if is_line(run.grid):
        axes.set_xlabel("")
        artists.target_line(axes, run.grid, run.target)
    draw_hole(axes, run, frame, view)


def _curves(figure: FigureBase, runs: Sequence[RunDirectory], names: Sequence[str]) -> None:
    """Draw the energies of all runs and, if any has a hole, the volumes of the holes."""
    held = [
        (run, told, color) for run, told, color in zip(runs, names, run_colors(len(runs)), strict=True) if run.series
    ]
    with_holes = any(hole_columns(run.series) for run, _, _ in held)
    panels = figure.subplots(1, 2 if with_holes else 1, squeeze=False)[0]
    logs = [curves.wants_log_time(run.series) for run, _, _ in held]
    for run, told, color in held:
        series = run.series
        first = series["energy"][0]
        panels[0].plot(series["time"], series["energy"] / (first or 1.0), color=color, label=told)
        if with_holes and hole_columns(series):
            curves.hole_volume(panels[1], run, relative=True, color=color, label=told)
            panels[1].set_ylim(auto=True)
            panels[1].autoscale_view()
    panels[0].set_yscale("log")
    panels[0].set_title("energy, as a share of the first")
    if with_holes:
        panels[1].set_title(f"{held[0][0].grid.measure} of the hole, as a share of the first")
    longest = max((run.series for run, _, _ in held), key=lambda series: float(series["time"][-1]))
    for axes in panels:
        curves.time_axis(axes, sum(logs) * 2 > len(logs), longest)
    _legend(panels[-1])


def _legend(axes: Any) -> None:
    """Draw the legend beside the panels, each name once."""
    lines = {line.get_label(): line for line in axes.get_lines() if not str(line.get_label()).startswith("_")}
    axes.legend(lines.values(), lines.keys(), loc="center left", bbox_to_anchor=(1, 0.5))

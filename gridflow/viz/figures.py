"""The overview of a run: densities over time above, curves of its series below."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.figure import FigureBase
from matplotlib.projections.polar import PolarAxes

from gridflow.decay.holes import hole_columns
from gridflow.domains.base import Domain
from gridflow.domains.sphere import SphereGrid
from gridflow.domains.torus import Grid
from gridflow.errors import InputError
from gridflow.runtime.schema import Snapshot
from gridflow.runtime.store import RunDirectory
from gridflow.viz import artists, curves
from gridflow.viz.circle import draw_circle, label_angle, on_circle, time_colors
from gridflow.viz.clouds import particle_runs
from gridflow.viz.panels import CAPTION, LEAST_PANEL, PANEL, Block, images, stacked
from gridflow.viz.pictures import is_line, panel_height, picture_of
from gridflow.viz.scale import Scale
from gridflow.viz.selection import is_signed, net, time_labels, title
from gridflow.viz.sphere import draw_sphere
from gridflow.viz.view import Figure, View

CURVES = 2.65
"""Height of the panels of curves, in inches."""


@dataclass(frozen=True)
class Overview(Figure, kind="overview"):
    """Densities over time and the target on one scale, and curves of the energy, the extrema and the hole."""

    @classmethod
    def obstacle(cls, runs: Sequence[RunDirectory]) -> str:
        """Why it cannot be made of these runs; empty if it can."""
        return "it shows one run; comparison shows several" if len(runs) > 1 else ""

    def draw(self, runs: Sequence[RunDirectory]) -> Drawing:
        """Draw the figure; see :meth:`Figure.draw`."""
        (stored,) = runs
        frames = self.shown(stored)
        width = self.width or PANEL * (max(len(frames), 3) + 1.4)
        blocks = [densities(self, stored, frames, width)] if stored.grid.has_cells else []
        if stored.series:
            blocks.append(series_curves(stored, width))
        if not blocks:
            raise InputError(f"{stored.path} has no series yet and is on a single cell: there is nothing to draw")
        return stacked(blocks, width, title(stored))


@dataclass(frozen=True)
class Densities(Figure, kind="densities"):
    """Densities over time and the target on one scale."""

    @classmethod
    def obstacle(cls, runs: Sequence[RunDirectory]) -> str:
        """Why it cannot be made of these runs; empty if it can."""
        return single_with_cells(runs)

    def draw(self, runs: Sequence[RunDirectory]) -> Drawing:
        """Draw the figure; see :meth:`Figure.draw`."""
        (stored,) = runs
        frames = self.shown(stored)
        width = self.width or PANEL * (max(len(frames), 3) + 1.4)
        return stacked([densities(self, stored, frames, width)], width, title(stored))


@dataclass(frozen=True)
class Curves(Figure, kind="curves"):
    """Curves of the energy, the extrema and the hole, beside the exact laws."""

    @classmethod
    def obstacle(cls, runs: Sequence[RunDirectory]) -> str:
        """Why it cannot be made of these runs; empty if it can."""
        if len(runs) > 1:
            return "it shows one run; comparison shows several"
        return "" if runs[0].series else "it has no series yet"

    def draw(self, runs: Sequence[RunDirectory]) -> Drawing:
        """Draw the figure; see :meth:`Figure.draw`."""
        (stored,) = runs
        width = self.width or 9.6
        return stacked([series_curves(stored, width)], width, title(stored))


def single_with_cells(runs: Sequence[RunDirectory]) -> str:
    """Why a picture of the densities of one run cannot be made of some runs; empty if it can."""
    if len(runs) > 1:
        return "it shows one run"
    return "" if runs[0].grid.has_cells else "its density is a single number"


GLOBES: dict[type[Domain], Callable[..., None]] = {SphereGrid: draw_sphere}
"""Functions that draw frames as globes above maps, for the domains that have globes."""


def densities(view: View, stored: RunDirectory, frames: list[Snapshot], width: float) -> Block:
    """Create the block of densities over time and the target, on one scale, for a figure of a given width in inches."""
    grid, target = stored.grid, stored.target
    if frames[0].positions is not None:
        return particle_runs(view, stored, frames, width)
    if is_line(grid):
        height = 1.5 * PANEL if on_circle(stored) else 1.1 * PANEL
        return Block(height + CAPTION, lambda part: _draw_lines(view, part, stored, grid, frames))
    shown = [*map(net, frames), target]
    picture, signed = picture_of(grid, view.cut), is_signed(stored)
    globes = grid.among(GLOBES)
    scale = view.scale([values if globes else picture.pixels(values) for values in shown], signed)
    if globes is not None:
        panel = (width - 0.8) / len(shown)
        height = panel + panel_height(grid, panel) + CAPTION
        return Block(height, lambda part: globes(part, grid, frames, target, scale))

    def draw(axes: Axes, number: int, named: bool) -> None:
        artists.density(axes, grid, shown[number], scale, view.cut, named)
        if number < len(frames):
            draw_hole(axes, stored, frames[number], view)

    labels = [each + view.cut.label(grid) for each in time_labels(frames)] + ["target"]
    return images(grid, labels, scale, width, draw, view.cut)


def draw_hole(axes: Axes, stored: RunDirectory, frame: Snapshot, view: View) -> None:
    """Draw the boundary of the carried hole of a snapshot that has one."""
    if frame.tracer is not None:
        artists.hole(axes, stored.grid, frame.tracer, view.cut)


def _draw_lines(view: View, figure: FigureBase, stored: RunDirectory, grid: Grid, frames: list[Snapshot]) -> None:
    """Draw densities over x, those of negative output weights dotted below 0; for a circle, also around it."""
    target, below = stored.target, [-frame.negative for frame in frames if frame.negative is not None]
    shown = [*(frame.density for frame in frames), target, *below]
    if on_circle(stored):
        left, figure = figure.subfigures(1, 2, squeeze=False, width_ratios=(1, 2.4))[0]
        around = Scale(max(float(abs(values).max()) for values in shown))
        draw_circle(cast(PolarAxes, left.add_subplot(projection="polar")), grid, frames, target, around)
    axes = figure.subplots()
    scale = view.scale(shown, False)
    if min(float(values.min()) for values in shown) < 0 and view.limits is None:
        scale = Scale(scale.high, min(float(values.min()) for values in shown))
    for frame, color, label in zip(frames, time_colors(len(frames)), time_labels(frames), strict=True):
        axes.plot(grid.centers(0), scale.drawn(frame.density), color=color, label=label)
        if frame.negative is not None:
            axes.plot(grid.centers(0), -frame.negative, color=color, linestyle=":")
    artists.target_line(axes, grid, scale.drawn(target))
    axes.set(xlim=(0, grid.lengths[0]), ylim=scale.axis(), xlabel="x", yscale="log" if scale.log else "linear")
    if on_circle(stored):
        label_angle(axes)
    axes.set_title("density" + (", and −μ⁻ dotted" if below else ""))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def series_curves(stored: RunDirectory, width: float) -> Block:
    """Create the block of the curves of a run: energy, extrema, and the hole or the discrepancy."""
    narrow = width < 3 * LEAST_PANEL + 1

    def draw(figure: FigureBase) -> None:
        series = stored.series
        log = curves.wants_log_time(series)
        places = figure.subfigures(*((3, 1) if narrow else (1, 3)), squeeze=False).ravel()
        panels = [places[0].subplots(), places[1].subplots()]
        curves.energy(panels[0], stored)
        panels[0].set_title("energy  ½ KMD²")
        curves.extrema(panels[1], stored)
        panels[1].set_title("density, smallest and largest")
        panels[1].legend()
        panels += _draw_last(places[2], stored, series)
        for axes in panels:
            curves.time_axis(axes, log, series)

    return Block(CURVES * (3 if narrow else 1), draw)


def _draw_last(figure: FigureBase, stored: RunDirectory, series: dict[str, np.ndarray]) -> list[Axes]:
    """Draw the hole's volume above its ratio to the law or, without a hole, the discrepancy; return the axes."""
    found = hole_columns(series)
    if found is None:
        axes = figure.subplots()
        curves.discrepancy(axes, stored)
        axes.set_title("discrepancy and dissipation")
        axes.legend()
        return [axes]
    if found.exact is not None:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2.2, 1))
        curves.hole_ratio(below, stored)
        panels = [above, below]
    else:
        panels = [above := figure.subplots()]
    curves.hole_volume(above, stored)
    above.set_title(f"{stored.grid.measure} of the hole")
    above.legend()
    return panels

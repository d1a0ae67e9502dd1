"""Figures of one field over time: the difference to the target, the potential, the flow, the hole's boundary."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.figure import FigureBase

from gridflow.domains.torus import Grid
from gridflow.runtime.schema import Snapshot
from gridflow.runtime.store import RunDirectory
from gridflow.theory.applicable import attempt
from gridflow.viz import artists
from gridflow.viz.circle import label_angle, on_circle, time_colors
from gridflow.viz.figures import draw_hole, single_with_cells
from gridflow.viz.panels import CAPTION, PANEL, Block, images, stacked
from gridflow.viz.pictures import is_line, panel_height, picture_of
from gridflow.viz.scale import Scale, color_bar
from gridflow.viz.selection import is_signed, net, time_labels, title
from gridflow.viz.view import Figure


@dataclass(frozen=True)
class OverTime(Figure):
    """One field over time: images on one scale, or in one dimension, curves."""

    label: ClassVar[str] = "density"
    """What the values are."""

    @classmethod
    def obstacle(cls, runs: Sequence[RunDirectory]) -> str:
        """Why it cannot be made of these runs; empty if it can."""
        return single_with_cells(runs)

    @abstractmethod
    def field(self, stored: RunDirectory, frame: Snapshot) -> np.ndarray:
        """The field of a snapshot, shape ``grid.shape``."""

    def overlay(self, axes: Axes, stored: RunDirectory, frame: Snapshot) -> None:
        """Draw over the image of a snapshot; the boundary of its hole, if not something else."""
        draw_hole(axes, stored, frame, self)

    def signed(self, stored: RunDirectory) -> bool:  # noqa: ARG002 - some fields depend on the run
        """Whether the scale is symmetric about 0."""
        return True

    def draw(self, runs: Sequence[RunDirectory]) -> Drawing:
        """Draw the figure; see :meth:`Figure.draw`."""
        (stored,) = runs
        grid, frames = stored.grid, self.shown(stored)
        fields = [self.field(stored, frame) for frame in frames]
        width = self.width or PANEL * (max(len(frames), 2) + 0.6)
        if is_line(grid):
            lines = Block(1.3 * PANEL, lambda part: self._draw_lines(part, stored, grid, frames, fields))
            return stacked([lines], width, title(stored))
        pixels = [picture_of(grid, self.cut).pixels(values) for values in fields]
        scale = self.scale(pixels, self.signed(stored), self.label)

        def draw(axes: Axes, number: int, named: bool) -> None:
            artists.density(axes, grid, fields[number], scale, self.cut, named)
            self.overlay(axes, stored, frames[number])

        labels = [each + self.cut.label(grid) for each in time_labels(frames)]
        return stacked([images(grid, labels, scale, width, draw, self.cut)], width, title(stored))

    def _draw_lines(
        self,
        figure: FigureBase,
        stored: RunDirectory,
        grid: Grid,
        frames: Sequence[Snapshot],
        fields: Sequence[np.ndarray],
    ) -> None:
        axes = figure.subplots()
        scale = self.scale(fields, self.signed(stored), self.label)
        for values, color, label in zip(fields, time_colors(len(frames)), time_labels(frames), strict=True):
            axes.plot(grid.centers(0), scale.drawn(values), color=color, label=label)
        axes.set(xlim=(0, grid.lengths[0]), ylim=scale.axis(), xlabel="x", yscale="log" if scale.log else "linear")
        if on_circle(stored):
            label_angle(axes)
        axes.set_title(self.label)
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))


@dataclass(frozen=True)
class Difference(OverTime, kind="difference"):
    """The difference μ − ν to the target over time, on one scale that is symmetric about 0."""

    label: ClassVar[str] = "μ − ν"

    def field(self, stored: RunDirectory, frame: Snapshot) -> np.ndarray:
        """The difference; see :meth:`OverTime.field`."""
        return net(frame) - stored.target


@dataclass(frozen=True)
class Potential(OverTime, kind="potential"):
    """The potential V = K * (μ − ν) over time, down which the density flows."""

    label: ClassVar[str] = "potential V"

    @classmethod
    def obstacle(cls, runs: Sequence[RunDirectory]) -> str:
        """Why it cannot be made of these runs; empty if it can."""
        return single_with_cells(runs) or attempt(lambda: runs[0].kernel)[1]

    def field(self, stored: RunDirectory, frame: Snapshot) -> np.ndarray:
        """The potential; see :meth:`OverTime.field`."""
        return np.array(stored.flow.potential(net(frame).astype(float)))


@dataclass(frozen=True)
class Streams(OverTime, kind="flow"):
    """Densities over time with streamlines of the velocity −∇V, wider where it is faster."""

    @classmethod
    def obstacle(cls, runs: Sequence[RunDirectory]) -> str:
        """Why it cannot be made of these runs; empty if it can."""
        if reason := single_with_cells(runs) or attempt(lambda: runs[0].kernel)[1]:
            return reason
        plane = runs[0].grid.sphere_dim is None and not is_line(runs[0].grid)
        return "" if plane else "streamlines need a torus of 2 or 3 dimensions"

    def signed(self, stored: RunDirectory) -> bool:
        """Whether there are two densities."""
        return is_signed(stored)

    def field(self, stored: RunDirectory, frame: Snapshot) -> np.ndarray:  # noqa: ARG002
        """The density; see :meth:`OverTime.field`."""
        return net(frame)

    def overlay(self, axes: Axes, stored: RunDirectory, frame: Snapshot) -> None:
        """Draw the streamlines and the boundary of the hole."""
        artists.streamlines(axes, stored.flow, net(frame).astype(float), self.cut)
        super().overlay(axes, stored, frame)


@dataclass(frozen=True)
class Outlines(Figure, kind="hole"):
    """The boundary of the hole at several times, on the first density."""

    frames: int = 8

    @classmethod
    def obstacle(cls, runs: Sequence[RunDirectory]) -> str:
        """Why it cannot be made of these runs; empty if it can."""
        if reason := single_with_cells(runs):
            return reason
        stored = runs[0]
        if is_line(stored.grid):
            return "in one dimension, spacetime shows the hole"
        held = len(stored.times) and stored.snapshot(index=0).tracer is not None
        return "" if held else "it has no carried hole; run with a tracer"

    def draw(self, runs: Sequence[RunDirectory]) -> Drawing:
        """Draw the figure; see :meth:`Figure.draw`."""
        (stored,) = runs
        grid, frames = stored.grid, self.shown(stored)
        width = self.width or 5.2
        picture = picture_of(grid, self.cut)
        scale = self.scale([picture.pixels(net(frames[0]))], is_signed(stored))

        def draw(figure: FigureBase) -> None:
            axes = figure.subplots()
            artists.density(axes, grid, net(frames[0]), Scale(scale.high, scale.low, cmap="Greys_r"), self.cut)
            axes.images[0].set_alpha(0.35)
            for spine in axes.spines.values():
                spine.set_visible(True)
            last = max(frames[-1].time, 1e-300)
            for frame in frames:
                if frame.tracer is not None:
                    color = colormaps["viridis"](0.95 * frame.time / last)
                    artists.hole(axes, grid, frame.tracer, self.cut, colors=[color])
            axes.set_title("boundary of the carried hole" + self.cut.label(grid))
            times = Scale(last, frames[0].time if len(frames) > 1 else 0.0, cmap="viridis", label="time")
            color_bar(figure, times, [axes])

        block = Block(panel_height(grid, width - 1.0, self.cut) + CAPTION, draw)
        return stacked([block], width, title(stored))


@dataclass(frozen=True)
class SpaceTime(Figure, kind="spacetime", domain=Grid):
    """The density over space and time, one row for each snapshot: the hole closes from its edges."""

    frames: int = 400

    @classmethod
    def obstacle(cls, runs: Sequence[RunDirectory]) -> str:
        """Why it cannot be made of these runs; empty if it can."""
        if reason := single_with_cells(runs):
            return reason
        if not is_line(runs[0].grid):
            return "it shows runs in one dimension"
        return "" if len(runs[0].times) > 1 else "it needs two snapshots"

    def draw(self, runs: Sequence[RunDirectory]) -> Drawing:
        """Draw the figure; see :meth:`Figure.draw`."""
        (stored,) = runs
        frames = self.shown(stored)
        width = self.width or 5.6
        scale = self.scale([net(frame) for frame in frames], is_signed(stored))

        def draw(figure: FigureBase) -> None:
            axes = figure.subplots()
            artists.spacetime(axes, stored, frames, scale)
            color_bar(figure, scale, [axes])

        return stacked([Block(0.72 * width, draw)], width, title(stored))

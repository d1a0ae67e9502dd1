"""Figures of densities in three dimensions: surfaces and volumes, and without a renderer, slices and projections."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.figure import FigureBase

from gridflow.domains.torus import Grid, torus
from gridflow.runtime.schema import Snapshot
from gridflow.runtime.store import RunDirectory
from gridflow.viz import artists
from gridflow.viz.panels import CAPTION, PANEL, Block, stacked
from gridflow.viz.pictures import NAMES, Cut, panel_height, picture_of
from gridflow.viz.scale import Scale, color_bar
from gridflow.viz.selection import is_signed, net, time_labels, title
from gridflow.viz.solid_views import SolidView, SurfaceView, VolumeView, solid_obstacle
from gridflow.viz.view import Figure


@dataclass(frozen=True)
class Solid(Figure, SolidView):
    """A figure of one run in three dimensions, rendered at several times."""

    frames: int = 4

    @classmethod
    def obstacle(cls, runs: Sequence[RunDirectory]) -> str:
        """Why it cannot be made of these runs; empty if it can."""
        return "it shows one run" if len(runs) > 1 else solid_obstacle(runs)

    def draw(self, runs: Sequence[RunDirectory]) -> Drawing:
        """Draw the figure; see :meth:`Figure.draw`."""
        (stored,) = runs
        frames = self.shown(stored)
        width = self.width or 1.25 * PANEL * (max(len(frames), 2) + 0.4)
        block, told = self.images(stored, frames, width, self.dpi)
        return stacked([block], width, f"{title(stored)} · {told}")


@dataclass(frozen=True)
class Surface(Solid, SurfaceView, kind="surface", domain=Grid):
    """In 3-D, the surface of the hole, or where the density has a value, over time."""


@dataclass(frozen=True)
class Volume(Solid, VolumeView, kind="volume", domain=Grid):
    """In 3-D, the difference to the target over time as a cloud of which one sees the inside."""


@dataclass(frozen=True)
class Planes(Figure):
    """A figure of one run in three dimensions, with one row of images for each axis."""

    @classmethod
    def obstacle(cls, runs: Sequence[RunDirectory]) -> str:
        """Why it cannot be made of these runs; empty if it can."""
        if len(runs) > 1:
            return "it shows one run"
        return "" if runs[0].grid.dim == 3 else "it shows runs in three dimensions"

    @abstractmethod
    def field(self, grid: Grid, values: np.ndarray, axis: int) -> np.ndarray:
        """The pixels of a density across an axis, the first of the other axes to the right, lowest row first."""

    @abstractmethod
    def told(self, grid: Grid, axis: int) -> str:
        """What the images of a row show."""

    def scales(self, rows: Sequence[Sequence[np.ndarray]], signed: bool) -> list[Scale]:
        """The scale of each row."""
        return [self.scale([pixels for row in rows for pixels in row], signed)] * len(rows)

    def overlay(self, axes: Axes, grid: Grid, frame: Snapshot, axis: int) -> None:
        """Draw over the image of a snapshot; nothing, if not something else."""

    def draw(self, runs: Sequence[RunDirectory]) -> Drawing:
        """Draw the figure; see :meth:`Figure.draw`."""
        (stored,) = runs
        grid, frames = torus(stored.grid, self.kind), self.shown(stored)
        shown = [*map(net, frames), stored.target]
        labels = [*time_labels(frames), "target"]
        width = self.width or 0.85 * PANEL * (len(shown) + 0.9)
        rows = [[self.field(grid, values, axis) for values in shown] for axis in range(3)]
        scales = self.scales(rows, is_signed(stored))
        pictures = [picture_of(grid, Cut(name)) for name in NAMES]
        heights = [panel_height(grid, (width - 1.1) / len(shown), Cut(name)) + 0.8 * CAPTION for name in NAMES]

        def draw_row(axis: int, figure: FigureBase) -> None:
            panels = figure.subplots(1, len(shown), squeeze=False)[0]
            left, right, bottom, top = pictures[axis].extent
            for number, (axes, pixels) in enumerate(zip(panels, rows[axis], strict=True)):
                scale = scales[axis]
                axes.imshow(
                    scale.drawn(pixels), origin="lower", extent=pictures[axis].extent, norm=scale.norm(),
                    cmap=scale.colormap, interpolation="nearest",
                )  # fmt: skip
                artists.clear(axes)
                if number == 0:
                    axes.set_xticks([left, right])
                    axes.set_yticks([bottom, top])
                    axes.tick_params(length=2)
                    axes.set_xlabel(pictures[axis].names[0], labelpad=-6)
                    axes.set_ylabel(pictures[axis].names[1], labelpad=-6)
                if number < len(frames):
                    self.overlay(axes, grid, frames[number], axis)
                axes.set_title(labels[number] + (f", {self.told(grid, axis)}" if number == 0 else ""))
            color_bar(figure, scales[axis], list(panels))

        blocks = [Block(height, partial(draw_row, axis)) for axis, height in enumerate(heights)]
        return stacked(blocks, width, title(stored))


@dataclass(frozen=True)
class Slices(Planes, kind="slices", domain=Grid):
    """In 3-D, the density in three planes across the axes over time."""

    def cut_across(self, axis: int) -> Cut:
        """The plane across an axis: in the middle, but for the axis that is chosen."""
        return self.cut if NAMES[axis] == self.axis else Cut(NAMES[axis])

    def field(self, grid: Grid, values: np.ndarray, axis: int) -> np.ndarray:
        """The density in the plane; see :meth:`Planes.field`."""
        return picture_of(grid, self.cut_across(axis)).pixels(values)

    def told(self, grid: Grid, axis: int) -> str:
        """Where the plane is; see :meth:`Planes.told`."""
        return self.cut_across(axis).label(grid).removeprefix(", ")

    def overlay(self, axes: Axes, grid: Grid, frame: Snapshot, axis: int) -> None:
        """Draw the boundary of the carried hole; see :meth:`Planes.overlay`."""
        if frame.tracer is not None:
            artists.hole(axes, grid, frame.tracer, self.cut_across(axis))


@dataclass(frozen=True)
class Projections(Planes, kind="projections", domain=Grid):
    """In 3-D, the integrals of the density along the three axes over time."""

    def field(self, grid: Grid, values: np.ndarray, axis: int) -> np.ndarray:
        """The integral along the axis, mass per area; see :meth:`Planes.field`."""
        return np.asarray(values.sum(axis=axis, dtype=float) * grid.spacing[axis]).T

    def told(self, grid: Grid, axis: int) -> str:  # noqa: ARG002
        """Along which axis; see :meth:`Planes.told`."""
        return f"∫ μ d{NAMES[axis]}"

    def scales(self, rows: Sequence[Sequence[np.ndarray]], signed: bool) -> list[Scale]:
        """One scale for each axis, since the integrals have units of their own; see :meth:`Planes.scales`."""
        return [self.scale(row, signed, f"∫ μ d{NAMES[axis]}") for axis, row in enumerate(rows)]

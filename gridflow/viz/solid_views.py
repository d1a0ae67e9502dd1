"""How a density in three dimensions is seen as a surface or as a volume: the options that figures and movies share."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from gridflow.domains.torus import Grid, torus
from gridflow.errors import InputError
from gridflow.runtime.schema import Snapshot
from gridflow.runtime.store import RunDirectory
from gridflow.viz.artists import BOUNDARY, clear
from gridflow.viz.panels import CAPTION, Block, rows_of
from gridflow.viz.scale import Scale, color_bar
from gridflow.viz.selection import is_signed, net, short, time_labels
from gridflow.viz.solid_scenes import (
    AZIMUTH,
    BACKGROUNDS,
    ELEVATION,
    Camera,
    Scene,
    clip_plane,
    missing,
    name_axes,
    renderer,
)
from gridflow.viz.view import View

SURFACE = "#7d6cc4"
"""Colour of the surface of a density."""
STEEP, DENSE = 2.0, 0.9
"""Power of the distance from the background by which the opacity of a volume grows, and its largest value."""
COLORS = 256
"""Number of colours of a volume."""
LEAST_PIXELS = 160
"""Pixels per inch of a rendered image in a vector graphic, at least."""


class Body(NamedTuple):
    """What is seen of the densities of a run.

    Attributes
    ----------
    told
        What it is, for the heading.
    values
        Function that returns the field of a snapshot, shape ``grid.shape``, larger inside than outside.
    level
        Value of the field on its surface; None for a volume.
    color
        Colour of the surface.
    """

    told: str
    values: Callable[[Snapshot], np.ndarray]
    level: float | None = None
    color: str = SURFACE


@dataclass(frozen=True)
class SolidView(View, ABC):
    """The options of pictures of densities in three dimensions.

    Parameters
    ----------
    azimuth, elevation
        Direction that the box is seen from, in degrees: around z from x, and above the plane of x and y. Default: −60
        and 25.
    background
        ``white`` or ``black``.
    clip
        Whether what lies before the plane that ``axis`` and ``at`` give is cut away. Default: False.
    """

    azimuth: float = AZIMUTH
    elevation: float = ELEVATION
    background: str = "white"
    clip: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not -90 < self.elevation < 90:
            raise InputError(f"elevation = {self.elevation:g}: it must be between -90 and 90 degrees")
        if self.background not in BACKGROUNDS:
            raise InputError(f'background = "{self.background}": it must be white or black')

    @abstractmethod
    def body(self, stored: RunDirectory, first: Snapshot) -> Body:
        """What is seen of a run whose first snapshot that is shown is given."""

    @abstractmethod
    def colored(self, values: Iterable[np.ndarray], signed: bool) -> Scale | None:
        """The scale of what is seen, of densities of two signs or not; None if it has no colour bar."""

    def scene(
        self, grid: Grid, body: Body, frame: Snapshot, scale: Scale | None, camera: Camera, size: tuple[int, int]
    ) -> Scene:
        """What is rendered of a snapshot."""
        values, table = np.asarray(body.values(frame), dtype=np.float32), None
        if scale is not None:
            values, table = np.clip(np.asarray(scale.norm()(scale.drawn(values))), 0, 1), opacities(scale)
        axis, place = clip_plane(grid, self.axis, self.at)
        toward = Camera(self.azimuth, self.elevation, camera.distance).frame[2]
        return Scene(
            grid, values, camera, size, body.level, body.color, table, (0.0, 1.0),
            (axis, place) if self.clip else None, 1 if toward[axis] >= 0 else -1, BACKGROUNDS[self.background][1],
        )  # fmt: skip

    def box(self, axes: Axes, camera: Camera, grid: Grid, ratio: float, ticks: bool) -> None:
        """Prepare axes whose units are half the height of a picture, with the names of the axes of the box."""
        background, edges = BACKGROUNDS[self.background]
        axes.set(xlim=(-ratio, ratio), ylim=(-1, 1), aspect="equal", facecolor=background)
        clear(axes)
        name_axes(axes, camera, grid.lengths, edges, ticks)

    def images(self, stored: RunDirectory, frames: Sequence[Snapshot], width: float, dpi: float) -> tuple[Block, str]:
        """Create the block of rendered images of some snapshots, in as many rows as the width in inches asks for.

        Returns
        -------
        Block
            The block.
        str
            What it shows.
        """
        grid = torus(stored.grid, "a solid")
        body = self.body(stored, frames[0])
        scale = self.colored(map(body.values, frames), is_signed(stored))
        ratio = Camera.ratio(grid.lengths, [self.azimuth], self.elevation)
        (camera,) = Camera.around(grid.lengths, ratio, [self.azimuth], self.elevation)
        rows, columns = rows_of(len(frames), width)
        inches = (width - (0.8 if scale else 0.2)) / columns
        size = round(inches * max(dpi, LEAST_PIXELS)), round(inches / ratio * max(dpi, LEAST_PIXELS))

        def draw(figure: FigureBase) -> None:
            panels = figure.subplots(rows, columns, squeeze=False)
            for axes in panels.flat[len(frames) :]:
                axes.set_axis_off()
            for number, (axes, frame, told) in enumerate(zip(panels.flat, frames, time_labels(frames), strict=False)):
                image = renderer().image(self.scene(grid, body, frame, scale, camera, size))
                axes.imshow(image, origin="upper", extent=(-ratio, ratio, -1, 1), interpolation="antialiased")
                self.box(axes, camera, grid, ratio, number % columns == 0)
                axes.set_title(told)
            if scale is not None:
                color_bar(figure, scale, list(panels.flat))

        return Block(rows * (inches / ratio + 0.6 * CAPTION), draw), body.told


@dataclass(frozen=True)
class SurfaceView(SolidView):
    """The surface of what is seen: the boundary of the carried hole, or where the density has a value.

    Parameters
    ----------
    level
        The density on the surface. Default: the boundary of the carried hole or, without one, the density midway
        between the smallest and the largest of the first density that is shown.
    """

    level: float | None = None

    def body(self, stored: RunDirectory, first: Snapshot) -> Body:  # noqa: ARG002
        """The hole, or the smaller of the two parts that the density divides the box into; see :meth:`SolidView.body`.

        Raises
        ------
        InputError
            If the level is not a density that occurs.
        """
        if self.level is None and first.tracer is not None:
            return Body("boundary of the carried hole", _tracer, 0.5, str(BOUNDARY["colors"]))
        density = net(first)
        least, most = float(density.min()), float(density.max())
        if self.level is not None and not least < self.level < most:
            raise InputError(f"level = {self.level:g}: the first density is between {least:g} and {most:g}")
        level = (least + most) / 2 if self.level is None else self.level
        told = f"density = {short(level)}"
        if (density < level).mean() < 0.5:
            return Body(told, lambda frame: -net(frame), -level)
        return Body(told, net, level)

    def colored(self, values: Iterable[np.ndarray], signed: bool) -> Scale | None:  # noqa: ARG002
        """None: a surface has one colour; see :meth:`SolidView.colored`."""
        return None


@dataclass(frozen=True)
class VolumeView(SolidView):
    """All of a density, with an opacity that grows with its difference to the target, or with the density.

    Parameters
    ----------
    of
        ``difference`` to the target, or ``density``. Default: ``difference``, which shows holes and bumps.
    """

    of: str = "difference"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.of not in ("difference", "density"):
            raise InputError(f'of = "{self.of}": it must be difference or density')

    def body(self, stored: RunDirectory, first: Snapshot) -> Body:  # noqa: ARG002
        """The difference or the density; see :meth:`SolidView.body`."""
        if self.of == "density":
            return Body("volume of the density", net)
        target = stored.target
        return Body("volume of μ − ν", lambda frame: net(frame) - target)

    def colored(self, values: Iterable[np.ndarray], signed: bool) -> Scale:
        """The scale of the values; see :meth:`SolidView.colored`."""
        return self.scale(values, True, "μ − ν") if self.of == "difference" else self.scale(values, signed)


def opacities(scale: Scale) -> np.ndarray:
    """The colours of a scale with opacities that are 0 at the value 0, or else at the lower end; shape (N, 4)."""
    share = np.linspace(0, 1, COLORS)
    table = colormaps[scale.colormap](share)
    table[:, 3] = DENSE * (abs(2 * share - 1) if scale.low < 0 else share) ** STEEP
    return np.asarray(table)


def solid_obstacle(runs: Sequence[RunDirectory]) -> str:
    """Why the densities of some runs cannot be seen as solids; empty if they can."""
    if any(run.grid.dim != 3 or run.grid.sphere_dim is not None for run in runs):
        return "it shows runs in three dimensions"
    return missing()


def _tracer(frame: Snapshot) -> np.ndarray:
    assert frame.tracer is not None
    return frame.tracer

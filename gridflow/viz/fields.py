"""Draws a density on any domain."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeGuard

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import FigureBase
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse

from gridflow.domains.base import Domain
from gridflow.domains.sphere import SphereGrid
from gridflow.domains.torus import Grid
from gridflow.errors import InputError
from gridflow.viz.style import COLORMAP, EXACT, MEASURED

SIGNED_COLORMAP = "RdBu_r"
"""Colour map for densities of both signs: white at 0."""
MAP_ROWS = 400
"""Number of pixel rows of a map of the sphere, at least as many as a panel shows."""
PARALLELS, MERIDIANS = np.radians([-60, -30, 0, 30, 60]), np.radians(np.arange(-135, 181, 45))
"""Latitudes and longitudes of the graticule."""
GRATICULE: Any = {"color": "#8c8c8c", "linewidth": 0.4, "alpha": 0.6}
OUTLINE: Any = {"color": EXACT, "linewidth": 0.7}
OUTSIDE = -1
"""Index for pixels outside the domain."""


@dataclass(frozen=True)
class Scale:
    """The range of densities that all panels of a figure share."""

    high: float
    low: float = 0.0

    @classmethod
    def over(cls, densities: Iterable[np.ndarray], signed: bool = False) -> "Scale":
        """Return the range from 0 to the largest cell average of some densities; symmetric about 0 if ``signed``."""
        if not signed:
            return cls(max(float(density.max()) for density in densities))
        high = max(float(abs(density).max()) for density in densities)
        return cls(high, -high)

    @property
    def colormap(self) -> str:
        """Name of the colour map."""
        return SIGNED_COLORMAP if self.low < 0 else COLORMAP

    @property
    def label(self) -> str:
        """Label of the colour bar."""
        return "μ⁺ − μ⁻" if self.low < 0 else "density"


def is_line(grid: Domain) -> TypeGuard[Grid]:
    """Whether densities on a domain are drawn as lines rather than as images."""
    return isinstance(grid, Grid) and grid.dim == 1


def plane(grid: Grid, density: np.ndarray) -> np.ndarray:
    """Return the part of a density to draw: all of it in 1D and 2D, the mid-plane z = L/2 in 3D."""
    if grid.dim < 3:
        return density
    middle = grid.shape[2] // 2
    return density[:, :, middle] if grid.shape[2] % 2 else (density[:, :, middle - 1] + density[:, :, middle]) / 2


def cells_at(grid: SphereGrid, colatitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Return the flat index of the cell in each direction; OUTSIDE where a coordinate is NaN."""
    there = np.isfinite(colatitude + longitude)
    theta, phi = np.where(there, colatitude, 0.0), np.where(there, longitude, 0.0)
    ring = np.clip(np.searchsorted(grid.edges, theta, side="right") - 1, 0, grid.shape[0] - 1)
    along = np.rint(phi * (grid.shape[1] / (2 * np.pi))).astype(int) % grid.shape[1]
    return np.where(there, ring * grid.shape[1] + along, OUTSIDE)


def painted(cells: np.ndarray, density: np.ndarray) -> np.ndarray:
    """Return the density in the cell of every pixel; NaN outside the domain."""
    return np.where(cells == OUTSIDE, np.nan, density.ravel()[cells])


@lru_cache(maxsize=8)
def map_cells(grid: SphereGrid, rows: int = MAP_ROWS) -> np.ndarray:
    """Return the cell of each pixel of the Mollweide projection, shape (rows, 2 rows), southernmost row first.

    On a map of width 4 and height 2, ``y = sin t`` and ``x = (2λ/π) cos t``, where ``2t + sin 2t = π sin(latitude)``
    and λ is the longitude from −π to π. The projection preserves areas.
    """
    y = (2 * np.arange(rows)[:, None] + 1) / rows - 1
    x = (2 * np.arange(2 * rows)[None] + 1) / rows - 2
    t = np.arcsin(y)
    longitude = np.pi / 2 * x / np.cos(t)
    longitude[abs(longitude) > np.pi] = np.nan
    colatitude = np.arccos((2 * t + np.sin(2 * t)) / np.pi)
    cells = cells_at(grid, colatitude, longitude)
    cells.flags.writeable = False
    return cells


def draw(axes: Axes, grid: Domain, density: np.ndarray, scale: Scale) -> AxesImage | Line2D:
    """Draw a density: as a line in one dimension, else as an image with x to the right and y upwards.

    The sphere is drawn in the Mollweide projection, with north at the top, longitude 0 in the middle and π/2 to the
    right of it.

    Returns
    -------
    AxesImage or Line2D
        What was drawn, for :func:`redraw`.

    Raises
    ------
    InputError
        If the domain is a single cell, which has no picture.
    """
    if is_line(grid):
        (line,) = axes.plot(grid.centers(0), density, color=MEASURED)
        axes.set_xlim(0, grid.lengths[0])
        axes.set_ylim(1.05 * scale.low, 1.05 * scale.high)
        return line
    picture = _picture(grid)
    image = axes.imshow(
        picture.pixels(density),
        origin="lower",
        extent=picture.extent,
        vmin=scale.low,
        vmax=scale.high,
        cmap=scale.colormap,
        interpolation=picture.interpolation,
    )
    picture.finish(axes, image)
    clear(axes)
    return image


def redraw(artist: AxesImage | Line2D, grid: Domain, density: np.ndarray) -> None:
    """Show another density in an image or line made by :func:`draw`."""
    if isinstance(artist, Line2D):
        artist.set_ydata(density)
    else:
        artist.set_data(_picture(grid).pixels(density))


def panel_height(grid: Domain, width: float) -> float:
    """Return the height of a panel of a given width that preserves the aspect ratio of the domain."""
    if is_line(grid):
        return 1.1 * width
    left, right, bottom, top = _picture(grid).extent
    return width * (top - bottom) / (right - left)


def clear(axes: Axes) -> None:
    """Remove the ticks and frame of an image."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def color_bar(figure: FigureBase, scale: Scale, axes: list[Axes]) -> None:
    """Put the colour bar of a scale beside some axes of a figure."""
    mappable = ScalarMappable(Normalize(scale.low, scale.high), scale.colormap)
    bar = figure.colorbar(mappable, ax=axes, fraction=0.03, pad=0.01, aspect=25)
    bar.set_label(scale.label)
    bar.outline.set_visible(False)


class Picture(ABC):
    """How densities on a domain are drawn as an image.

    Attributes
    ----------
    extent
        Left, right, bottom and top of the image, in units of its axes.
    interpolation
        Interpolation between pixels, a matplotlib option.
    """

    extent: tuple[float, float, float, float]
    interpolation: str

    @abstractmethod
    def pixels(self, density: np.ndarray) -> np.ndarray:
        """Return the image of a density, lowest row first; NaN outside the domain."""

    def finish(self, axes: Axes, image: AxesImage) -> None:  # noqa: B027 - optional to override
        """Draw an overlay on the image."""


class PlanePicture(Picture):
    """A 2D torus, or the mid-plane of a 3D one, with x to the right and y upwards."""

    interpolation = "nearest"

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self.extent = (0.0, grid.lengths[0], 0.0, grid.lengths[1])

    def pixels(self, density: np.ndarray) -> np.ndarray:
        """Return one pixel per cell."""
        return plane(self._grid, density).T


class MapPicture(Picture):
    """The sphere in the Mollweide projection, with meridians and parallels."""

    extent = (-2.0, 2.0, -1.0, 1.0)
    interpolation = "antialiased"

    def __init__(self, grid: SphereGrid) -> None:
        self._grid = grid

    def pixels(self, density: np.ndarray) -> np.ndarray:
        """Return the density in the cell of each pixel."""
        return painted(map_cells(self._grid), density)

    def finish(self, axes: Axes, image: AxesImage) -> None:
        """Draw the outline of the map and its graticule."""
        _finish_map(axes, image)


PICTURES: dict[type[Domain], Callable[[Any], Picture]] = {Grid: PlanePicture, SphereGrid: MapPicture}
"""Picture class of each domain that has one."""


def _picture(grid: Domain) -> Picture:
    """Return the picture of a domain; InputError if it has none."""
    picture = grid.among(PICTURES)
    if picture is None:
        raise InputError(
            f"a density on {grid} is one number and has no picture; gridflow.viz.plot draws the run's curves"
        )
    return picture(grid)


def _finish_map(axes: Axes, image: AxesImage) -> None:
    """Clip a map to its outline and draw the graticule over it."""
    edge = Ellipse((0, 0), 4, 2, fill=False, clip_on=False, **OUTLINE)
    axes.add_patch(edge)
    image.set_clip_path(edge)
    t = np.linspace(-np.pi / 2, np.pi / 2, 91)
    for longitude in MERIDIANS[:-1]:
        axes.plot(2 * longitude / np.pi * np.cos(t), np.sin(t), **GRATICULE)
    for s in np.interp(np.sin(PARALLELS), (2 * t + np.sin(2 * t)) / np.pi, t):
        axes.plot([-2 * np.cos(s), 2 * np.cos(s)], [np.sin(s)] * 2, **GRATICULE)

"""How a density on each domain becomes an image: its pixels, its axes and what is drawn over it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeGuard

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.patches import Ellipse

from gridflow.domains.base import Domain
from gridflow.domains.sphere import SphereGrid
from gridflow.domains.torus import Grid
from gridflow.errors import InputError
from gridflow.viz.style import EXACT

NAMES = ("x", "y", "z")
"""Names of the axes of a torus."""
MAP_ROWS = 400
"""Number of pixel rows of a map of the sphere, at least as many as a panel shows."""
PARALLELS, MERIDIANS = np.radians([-60, -30, 0, 30, 60]), np.radians(np.arange(-135, 181, 45))
"""Latitudes and longitudes of the graticule."""
GRATICULE: Any = {"color": "#8c8c8c", "linewidth": 0.4, "alpha": 0.6}
OUTLINE: Any = {"color": EXACT, "linewidth": 0.7}
OUTSIDE = -1
"""Index for pixels outside the domain."""


def is_line(grid: Domain) -> TypeGuard[Grid]:
    """Whether densities on a domain are drawn as lines rather than as images."""
    return isinstance(grid, Grid) and grid.dim == 1


@dataclass(frozen=True)
class Cut:
    """The plane in which a 3-D domain is shown.

    Parameters
    ----------
    axis
        The axis across which it is cut, ``x``, ``y`` or ``z``.
    at
        Where (length). Default: in the middle.
    """

    axis: str = "z"
    at: float | None = None

    def __call__(self, grid: Grid, values: np.ndarray) -> np.ndarray:
        """Values in the plane, linear between the centres of the two nearest layers of cells; all of them in 2-D.

        Parameters
        ----------
        grid
            The grid.
        values
            Cell averages, shape ``grid.shape``.
        """
        if grid.dim < 3:
            return values
        number, place = NAMES.index(self.axis), self.place(grid)
        n, h = grid.shape[number], grid.spacing[number]
        below, share = divmod(place / h - 0.5, 1.0)
        lower, upper = (values.take(int(below + k) % n, axis=number) for k in (0, 1))
        return np.asarray(lower) if share == 0 else (1 - share) * lower + share * upper

    def place(self, grid: Grid) -> float:
        """Where the plane is; InputError if that is outside the domain."""
        length = grid.lengths[NAMES.index(self.axis)]
        if self.at is None:
            return length / 2
        if not 0 <= self.at <= length:
            raise InputError(f"at = {self.at:g}: {self.axis} must be between 0 and {length:g}")
        return self.at

    def axes(self, grid: Grid) -> tuple[int, int]:
        """Numbers of the axes to the right and upwards."""
        if grid.dim < 3:
            return 0, 1
        right, up = (number for number in range(3) if NAMES[number] != self.axis)
        return right, up

    def label(self, grid: Any) -> str:
        """``, z = 0.5`` in 3-D, else empty."""
        flat = grid.sphere_dim is None and grid.has_cells
        return f", {self.axis} = {self.place(grid):g}" if flat and grid.dim == 3 else ""


MIDDLE = Cut()


class Picture(ABC):
    """How densities on a domain are drawn as an image.

    Attributes
    ----------
    extent
        Left, right, bottom and top of the image, in units of its axes.
    interpolation
        Interpolation between pixels, a matplotlib option.
    names
        Names of the axes to the right and upwards, empty if they have none.
    """

    extent: tuple[float, float, float, float]
    interpolation: str
    names: tuple[str, ...] = ()

    @abstractmethod
    def pixels(self, density: np.ndarray) -> np.ndarray:
        """Return the image of a density, lowest row first; NaN outside the domain."""

    def finish(self, axes: Axes, image: AxesImage) -> None:  # noqa: B027 - optional to override
        """Draw an overlay on the image."""

    def around(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Coordinates of pixel centres along the two axes, and pixels there, far enough for lines to reach the edge."""
        left, right, bottom, top = self.extent
        pixels = self.pixels(values)
        rows, columns = pixels.shape
        x = left + (np.arange(columns) + 0.5) * (right - left) / columns
        y = bottom + (np.arange(rows) + 0.5) * (top - bottom) / rows
        return x, y, pixels


class PlanePicture(Picture):
    """A 2D torus, or a plane of a 3D one, with the first of its axes to the right and the second upwards."""

    interpolation = "nearest"

    def __init__(self, grid: Grid, cut: Cut = MIDDLE) -> None:
        self._grid, self._cut = grid, cut
        right, up = cut.axes(grid)
        self.extent = (0.0, grid.lengths[right], 0.0, grid.lengths[up])
        self.names = (NAMES[right], NAMES[up])

    def pixels(self, density: np.ndarray) -> np.ndarray:
        """Return one pixel per cell."""
        return self._cut(self._grid, density).T

    def around(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pixel centres and pixels with one more on every side, by periodicity."""
        x, y, pixels = super().around(values)
        x, y = (np.concatenate([[2 * c[0] - c[1]], c, [2 * c[-1] - c[-2]]]) for c in (x, y))
        return x, y, np.pad(pixels, 1, mode="wrap")


class MapPicture(Picture):
    """The sphere in the Mollweide projection, with meridians and parallels."""

    extent = (-2.0, 2.0, -1.0, 1.0)
    interpolation = "antialiased"

    def __init__(self, grid: SphereGrid, cut: Cut = MIDDLE) -> None:  # noqa: ARG002 - every picture may be given one
        self._grid = grid

    def pixels(self, density: np.ndarray) -> np.ndarray:
        """Return the density in the cell of each pixel."""
        return painted(map_cells(self._grid), density)

    def finish(self, axes: Axes, image: AxesImage) -> None:
        """Draw the outline of the map and its graticule."""
        edge = Ellipse((0, 0), 4, 2, fill=False, clip_on=False, **OUTLINE)
        axes.add_patch(edge)
        image.set_clip_path(edge)
        t = np.linspace(-np.pi / 2, np.pi / 2, 91)
        for longitude in MERIDIANS[:-1]:
            axes.plot(2 * longitude / np.pi * np.cos(t), np.sin(t), **GRATICULE)
        for s in np.interp(np.sin(PARALLELS), (2 * t + np.sin(2 * t)) / np.pi, t):
            axes.plot([-2 * np.cos(s), 2 * np.cos(s)], [np.sin(s)] * 2, **GRATICULE)


PICTURES: dict[type[Domain], Callable[[Any, Cut], Picture]] = {Grid: PlanePicture, SphereGrid: MapPicture}
"""Picture class of each domain that has one."""


def picture_of(grid: Domain, cut: Cut = MIDDLE) -> Picture:
    """Return the picture of a domain; InputError if it has none."""
    found = grid.among(PICTURES)
    if found is None:
        raise InputError(
            f"a density on {grid} is one number and has no picture; gridflow.viz.plot draws the run's curves"
        )
    return found(grid, cut)


def panel_height(grid: Domain, width: float, cut: Cut = MIDDLE) -> float:
    """Return the height of a panel of a given width that preserves the aspect ratio of the domain."""
    if is_line(grid):
        return 1.1 * width
    left, right, bottom, top = picture_of(grid, cut).extent
    return width * (top - bottom) / (right - left)


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

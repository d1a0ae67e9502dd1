"""Densities on the sphere, as globes and maps."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.image import AxesImage
from matplotlib.patches import Circle

from gridflow.domains.sphere import SphereGrid
from gridflow.runtime.schema import Snapshot
from gridflow.viz import artists
from gridflow.viz.pictures import GRATICULE, MERIDIANS, OUTLINE, PARALLELS, cells_at, painted
from gridflow.viz.scale import Scale, color_bar
from gridflow.viz.selection import net, time_labels

VIEW = (25.0, 30.0)
"""Elevation and azimuth of the viewpoint of a globe, in degrees."""
GLOBE_ROWS = 480
"""Number of pixel rows of a globe."""
LIGHT = np.array([-0.45, 0.5, 0.74])
"""Direction of the light: left, above and in front."""
SHADE = 0.3
"""Relative loss of brightness on the side away from the light; small, since colours represent the density."""


def globe(
    axes: Axes, grid: SphereGrid, density: np.ndarray, scale: Scale, view: tuple[float, float] = VIEW
) -> AxesImage:
    """Draw a density on a globe in orthographic projection, softly lit from the upper left.

    Parameters
    ----------
    axes
        Axes to draw on.
    grid
        Grid of the sphere.
    density
        Cell averages, shape ``grid.shape``.
    scale
        Range of densities of the colour scale.
    view
        Latitude and longitude of the centre of the visible hemisphere, in degrees.

    Returns
    -------
    AxesImage
        The pixels of the globe (red, green, blue, opacity) on ``[−1, 1]²``.
    """
    cells, light = _globe_cells(grid, view, GLOBE_ROWS)
    colors = colormaps[scale.colormap](scale.norm()(scale.drawn(painted(cells, density))))
    colors[..., :3] *= light[..., None]
    image = axes.imshow(colors, origin="lower", extent=(-1.0, 1.0, -1.0, 1.0), interpolation="antialiased")
    edge = Circle((0, 0), 1, fill=False, clip_on=False, **OUTLINE)
    axes.add_patch(edge)
    image.set_clip_path(edge)
    around, half = np.linspace(-np.pi, np.pi, 181), np.linspace(-np.pi / 2, np.pi / 2, 91)
    for latitude in PARALLELS:
        _line(axes, np.full_like(around, latitude), around, view)
    for longitude in MERIDIANS:
        _line(axes, half, np.full_like(half, longitude), view)
    artists.clear(axes)
    return image


def draw_sphere(
    figure: FigureBase, grid: SphereGrid, frames: Sequence[Snapshot], target: np.ndarray, scale: Scale
) -> None:
    """Draw densities over time, followed by the target, as globes with maps below them."""
    shown = [*zip(time_labels(frames), map(net, frames), strict=True), ("target", target)]
    above, below = figure.subplots(2, len(shown), height_ratios=(2, 1))
    for one, other, (name, density) in zip(above, below, shown, strict=True):
        globe(one, grid, density, scale)
        one.set_title(name)
        artists.density(other, grid, density, scale)
    color_bar(figure, scale, [*above, *below])


def _frame(view: tuple[float, float]) -> np.ndarray:
    """Return the unit vectors to the right, upwards and towards the viewer, as rows."""
    elevation, azimuth = np.radians(view)
    sin_e, cos_e, sin_a, cos_a = np.sin(elevation), np.cos(elevation), np.sin(azimuth), np.cos(azimuth)
    return np.array(
        [[-sin_a, cos_a, 0.0], [-sin_e * cos_a, -sin_e * sin_a, cos_e], [cos_e * cos_a, cos_e * sin_a, sin_e]]
    )


@lru_cache(maxsize=8)
def _globe_cells(grid: SphereGrid, view: tuple[float, float], rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the cell and the brightness of each pixel of a globe, both of shape (rows, rows), lowest row first."""
    across = (2 * np.arange(rows) + 1) / rows - 1
    right, up = np.meshgrid(across, across)
    depth = 1 - right**2 - up**2
    toward = np.sqrt(np.where(depth >= 0, depth, np.nan))
    x, y, z = np.einsum("ac,aij->cij", _frame(view), np.stack([right, up, toward]))
    cells = cells_at(grid, np.arctan2(np.hypot(x, y), z), np.arctan2(y, x))
    facing = np.einsum("a,aij->ij", LIGHT, np.stack([right, up, np.nan_to_num(toward)]))
    light = (
        1 - SHADE * np.clip(1 - facing, 0, 2) / 2
    )  # half as steep as Lambert's law, so that there is no sharp shadow
    for array in (cells, light):
        array.flags.writeable = False
    return cells, light


def _line(axes: Axes, latitude: np.ndarray, longitude: np.ndarray, view: tuple[float, float]) -> None:
    """Draw the visible part of a line on a globe."""
    cos = np.cos(latitude)
    right, up, toward = _frame(view) @ np.stack([cos * np.cos(longitude), cos * np.sin(longitude), np.sin(latitude)])
    axes.plot(np.where(toward >= 0, right, np.nan), up, **GRATICULE)

"""Drawing one density of any dimension on axes."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import FigureBase
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D

from gridflow.grid import Grid
from gridflow.viz.style import COLORMAP, MEASURED


@dataclass(frozen=True)
class Scale:
    """The range of density that all frames of a picture share."""

    high: float
    low: float = 0.0

    @classmethod
    def over(cls, densities: list[np.ndarray]) -> "Scale":
        """From 0 to the largest cell of some densities."""
        return cls(max(float(density.max()) for density in densities))


def plane(grid: Grid, density: np.ndarray) -> np.ndarray:
    """What is drawn of a density: itself in one and two dimensions, the mid-plane z = L/2 in three."""
    if grid.dim < 3:
        return density
    middle = grid.shape[2] // 2
    return density[:, :, middle] if grid.shape[2] % 2 else (density[:, :, middle - 1] + density[:, :, middle]) / 2


def draw(axes: Axes, grid: Grid, density: np.ndarray, scale: Scale) -> AxesImage | Line2D:
    """Draw a density: a line in one dimension, else an image with x to the right and y up."""
    shown = plane(grid, density)
    if grid.dim == 1:
        (line,) = axes.plot(grid.centers(0), shown, color=MEASURED)
        axes.set_xlim(0, grid.lengths[0])
        axes.set_ylim(scale.low, 1.05 * scale.high)
        return line
    image = axes.imshow(
        shown.T,
        origin="lower",
        extent=(0.0, grid.lengths[0], 0.0, grid.lengths[1]),
        vmin=scale.low,
        vmax=scale.high,
        cmap=COLORMAP,
        interpolation="nearest",
    )
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    return image


def redraw(artist: AxesImage | Line2D, grid: Grid, density: np.ndarray) -> None:
    """Show another density in a drawing made by :func:`draw`."""
    shown = plane(grid, density)
    if isinstance(artist, Line2D):
        artist.set_ydata(shown)
    else:
        artist.set_data(shown.T)


def panel_height(grid: Grid, width: float) -> float:
    """Height of a panel of a width that shows the torus at its own proportions."""
    return 1.1 * width if grid.dim == 1 else width * grid.lengths[1] / grid.lengths[0]


def color_bar(figure: FigureBase, scale: Scale, axes: list[Axes]) -> None:
    """Put the colour bar of a scale beside some axes of a figure."""
    mappable = ScalarMappable(Normalize(scale.low, scale.high), COLORMAP)
    bar = figure.colorbar(mappable, ax=axes, fraction=0.03, pad=0.01, aspect=25)
    bar.set_label("density")
    bar.outline.set_visible(False)

"""The stage of a movie: what stands still is drawn once, and each frame draws over it only what moves."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Drawing
from matplotlib.transforms import Bbox
from PIL import Image

from gridflow.viz.scale import Scale

STAMP = 3.0
"""Distance of a stamp above the axes, in points."""
STAMP_HEIGHT = 13.0
"""Height of the line of a stamp, in points."""


class Panel(ABC):
    """One run on a stage: its axes, and what is drawn on them at every frame."""

    def __init__(self, axes: Sequence[Axes], told: str) -> None:
        self.axes = list(axes)
        self.axes[0].set_title(told or " ", parse_math=False, pad=STAMP + (STAMP_HEIGHT if told else 0))

    @abstractmethod
    def draw(self, number: int, snapshot: int) -> None:
        """Draw the snapshot of an index for the frame of a number; earlier artists are gone."""

    def stamp(self, text: str) -> None:
        """Write what is told of the frame above the first axes."""
        self.axes[0].annotate(
            text, (0, 1), (0, STAMP), xycoords="axes fraction", textcoords="offset points", family="monospace",
            annotation_clip=False,
        ).set_in_layout(False)  # fmt: skip


class Stage:
    """A figure whose frames differ only in what its panels draw.

    Parameters
    ----------
    figure
        The figure, of a size in inches and a resolution that give the pixels of the movie, with its layout engine.
    panels
        The panels on it.
    snapshots
        For every frame, the index of the snapshot of each panel.
    stamps
        For each panel, the texts of all frames.
    """

    def __init__(
        self,
        figure: Drawing,
        panels: Sequence[Panel],
        snapshots: Sequence[tuple[int, ...]],
        stamps: Sequence[Sequence[str]],
    ) -> None:
        assert isinstance(figure.canvas, FigureCanvasAgg)
        self._canvas, self._panels, self._snapshots, self._stamps = figure.canvas, panels, snapshots, stamps
        self._axes = [axes for panel in panels for axes in panel.axes]
        self._still = {child for axes in self._axes for child in axes.get_children()}
        self._show(0)  # for the layout, which images and the limits of axes have a part in
        self._canvas.draw()
        figure.set_layout_engine("none")
        self._clear()
        self._canvas.draw()
        self._background = self._canvas.copy_from_bbox(figure.bbox)

    def frame(self, number: int) -> np.ndarray:
        """Return a frame: red, green, blue and opacity of its pixels, uint8 of shape (height, width, 4), top first."""
        self._canvas.restore_region(self._background)
        self._clear()
        self._show(number)
        for axes in self._axes:
            for artist in sorted(self._moving(axes), key=Artist.get_zorder):
                axes.draw_artist(artist)
        return np.array(self._canvas.buffer_rgba())

    def _show(self, number: int) -> None:
        for panel, snapshot, stamps in zip(self._panels, self._snapshots[number], self._stamps, strict=True):
            panel.draw(number, snapshot)
            panel.stamp(stamps[number])

    def _moving(self, axes: Axes) -> list[Artist]:
        return [child for child in axes.get_children() if child not in self._still]

    def _clear(self) -> None:
        for axes in self._axes:
            for artist in self._moving(axes):
                artist.remove()


class Pixels(Artist, ABC):
    """An image on a rectangle of axes, written straight into the pixels of a figure.

    Parameters
    ----------
    extent
        Left, right, bottom and top of the rectangle, in data units.
    """

    def __init__(self, extent: tuple[float, float, float, float]) -> None:
        super().__init__()
        self._extent = extent

    @abstractmethod
    def paint(self, part: np.ndarray) -> None:
        """Write pixels into a part of a figure, uint8 of shape (height, width, 4), top row first."""

    def draw(self, renderer: RendererBase) -> None:
        """Write the pixels."""
        assert self.axes is not None
        canvas = np.asarray(renderer.buffer_rgba())  # type: ignore[attr-defined]  # of Agg
        left, right, bottom, top = self._extent
        box = Bbox([[left, bottom], [right, top]]).transformed(self.axes.transData)
        self.paint(canvas[len(canvas) - round(box.y1) : len(canvas) - round(box.y0), round(box.x0) : round(box.x1)])


class Cells(Pixels):
    """The image of cells that :meth:`matplotlib.axes.Axes.imshow` draws, in a fraction of the time.

    Where pixels are smaller than cells, each has the colour of its cell; where they are larger, that of the average of
    its cells.

    Parameters
    ----------
    pixels
        Values, shape (rows, columns), lowest row first.
    extent
        Left, right, bottom and top of the rectangle, in data units.
    scale
        Range of values and their colours.
    """

    def __init__(self, pixels: np.ndarray, extent: tuple[float, float, float, float], scale: Scale) -> None:
        super().__init__(extent)
        self._pixels, self._scale = pixels, scale

    def paint(self, part: np.ndarray) -> None:
        """Write the colours; see :meth:`Pixels.paint`."""
        height, width, _ = part.shape
        values = Image.fromarray(np.ascontiguousarray(self._scale.drawn(self._pixels)[::-1], dtype=np.float32))
        rows, columns = self._pixels.shape
        values = values.resize((min(width, columns), min(height, rows)), Image.Resampling.BOX)
        colormap = colormaps[self._scale.colormap].with_extremes(bad="white")
        colors = colormap(self._scale.norm()(np.asarray(values)), bytes=True)
        down = ((np.arange(height) + 0.5) * len(colors) / height).astype(int)
        across = ((np.arange(width) + 0.5) * colors.shape[1] / width).astype(int)
        part[...] = colors.view(np.uint32)[..., 0][down[:, None], across].view(np.uint8).reshape(height, width, 4)


class Rendered(Pixels):
    """A picture with opacity that is rendered for the size of its rectangle.

    Parameters
    ----------
    render
        Function of a width and a height in pixels that returns red, green, blue and opacity, uint8 of shape
        (height, width, 4), top row first.
    extent
        Left, right, bottom and top of the rectangle, in data units.
    """

    def __init__(self, render: Callable[[int, int], np.ndarray], extent: tuple[float, float, float, float]) -> None:
        super().__init__(extent)
        self._render = render

    def paint(self, part: np.ndarray) -> None:
        """Lay the picture over what is there; see :meth:`Pixels.paint`."""
        height, width, _ = part.shape
        picture = self._render(width, height).astype(np.uint16)
        share = picture[..., 3:]
        part[..., :3] = (picture[..., :3] * share + part[..., :3] * (255 - share) + 127) // 255

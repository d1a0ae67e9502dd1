"""What is drawn in the browser as a picture that case files can name, and a density as a picture for the browser.

A picture is what ``[initial]`` and ``[target]`` of kind ``image`` read: dark is empty, white is full, up is the y axis.
"""

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from gridflow.errors import InputError

PIXELS = 512
"""Pixels along each side of a drawn picture, at least two for each cell."""
FINER = 2
"""Strokes are drawn with this many times more pixels and averaged, so that their edges are smooth."""
MOST_STROKES, MOST_POINTS = 200, 1000
"""Largest number of strokes of a drawing, and of points of a stroke."""
MOST_BYTES, MOST_SIDE = 600_000, 1024
"""Largest picture from the browser: bytes, and pixels along a side."""
FULL, EMPTY, FAINT = 255, 0, 64
"""Greys: of a full cell, of a hole, and of the background of a drawn target, whose mass is elsewhere."""


@dataclass(frozen=True)
class Stroke:
    """A line of a round brush on the torus.

    Parameters
    ----------
    points
        Positions (x, y) in shares of the periods, y upwards; any numbers, since the torus wraps.
    radius
        Radius of the brush in shares of the period.
    erases
        Whether it takes away what was drawn rather than draw.
    """

    points: tuple[tuple[float, float], ...]
    radius: float
    erases: bool = False

    @classmethod
    def received(cls, data: Any) -> "Stroke":
        """The stroke that a browser sent: a mapping of ``points``, ``radius`` and ``erases``.

        Raises
        ------
        InputError
            If it is anything else, or larger than allowed.
        """
        if not isinstance(data, Mapping) or not isinstance(data.get("points"), Sequence):
            raise InputError("stroke: it must have points, a radius and whether it erases")
        if not 1 <= len(data["points"]) <= MOST_POINTS:
            raise InputError(f"stroke of {len(data['points'])} points: from 1 to {MOST_POINTS} are allowed")
        try:
            points = tuple((float(x), float(y)) for x, y in data["points"])
            radius = float(data.get("radius", math.nan))
        except (TypeError, ValueError):
            raise InputError("stroke: its points must be pairs of numbers and its radius a number") from None
        if not all(abs(coordinate) <= 2 for point in points for coordinate in point):  # false for NaN too
            raise InputError("stroke: its points must lie within a period of the torus")
        if not 0.002 <= radius <= 0.5:
            raise InputError(f"stroke radius = {radius}: it must be from 0.002 to 0.5 of the period")
        return cls(points, radius, bool(data.get("erases")))


@dataclass
class Drawing:
    """A picture that strokes are drawn on.

    Parameters
    ----------
    paper, ink
        Greys before anything is drawn, and of a stroke.
    base
        Picture to draw on, instead of the plain paper.
    strokes
        What was drawn so far.
    """

    paper: int
    ink: int
    base: Image.Image | None = None
    strokes: list[Stroke] = field(default_factory=list)

    def add(self, stroke: Stroke) -> None:
        """Draw a stroke; InputError if the drawing has as many as are allowed."""
        if len(self.strokes) >= MOST_STROKES:
            raise InputError(f"{MOST_STROKES} strokes are drawn; clear the drawing to begin again")
        self.strokes.append(stroke)

    def copy(self) -> "Drawing":
        """Return a drawing that goes its own way from here."""
        return replace(self, strokes=list(self.strokes))

    def clear(self) -> None:
        """Take away everything."""
        self.base = None
        self.strokes.clear()

    def picture(self) -> Image.Image:
        """Return the drawing as grey pixels, its first row at the top; ``PIXELS`` along each side."""
        side = PIXELS * FINER
        drawn = Image.new("L", (side, side), 0)
        brush = ImageDraw.Draw(drawn)
        for stroke in self.strokes:
            _draw(brush, stroke, side)
        share = drawn.reduce(FINER)
        paper = Image.new("L", share.size, self.paper) if self.base is None else self.base.resize(share.size)
        return Image.composite(Image.new("L", share.size, self.ink), paper, share)


def _draw(brush: ImageDraw.ImageDraw, stroke: Stroke, side: int) -> None:
    """Draw a stroke and its copies in the neighbouring periods that reach into the picture."""
    grey = 0 if stroke.erases else 255
    radius = stroke.radius * side
    points = np.array(stroke.points) * [side, -side] + [0, side]
    points = np.concatenate([points[:1], points])  # a dot is a line too
    for shift in np.ndindex(5, 5):
        moved = points + (np.array(shift) - 2) * side
        if (moved.max(axis=0) < -radius).any() or (moved.min(axis=0) > side + radius).any():
            continue
        brush.line([tuple(point) for point in moved.tolist()], fill=grey, width=max(round(2 * radius), 1))
        for x, y in moved:
            brush.ellipse((x - radius, y - radius, x + radius, y + radius), fill=grey)


def received_picture(data: bytes) -> Image.Image:
    """Read a PNG file that a browser sent, as grey pixels.

    Raises
    ------
    InputError
        If it is not one, or larger than allowed; the pixels of a picture that is too large are not read.
    """
    if len(data) > MOST_BYTES:
        raise InputError(f"the picture has {len(data)} bytes; at most {MOST_BYTES} are allowed")
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as file:
            if max(file.size) > MOST_SIDE:
                raise InputError(
                    f"the picture has {file.width} x {file.height} pixels; at most {MOST_SIDE} along a side"
                )
            return file.convert("L")
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises on bad files
        if isinstance(error, InputError):
            raise
        raise InputError(f"the picture cannot be read: {error}") from None


def colored(density: np.ndarray, high: float, table: np.ndarray) -> bytes:
    """Return a density as a PNG file, one pixel for each cell, x to the right and y upwards.

    Parameters
    ----------
    density
        Cell averages, shape (nx, ny) (mass / volume).
    high
        Density of the brightest colour; cells above it have this colour.
    table
        Colours from empty to full, uint8 of shape (256, 3).
    """
    levels = np.minimum(density.T[::-1] * (255 / high), 255)
    image = Image.fromarray(np.rint(levels).astype(np.uint8))
    image.putpalette(table.tobytes())
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()

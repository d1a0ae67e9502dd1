"""Small pictures of densities for summaries, which need no drawing library."""

import io

import numpy as np
from PIL import Image, ImageDraw

from gridflow.domains.base import Domain

SIDE = 140
"""Largest width and height of a picture in pixels."""
EMPTY_TO_FULL = (
    "000004 0a0822 1d1146 36106a 50127c 691c81 822681 9c2e7f b63779 "
    "cf4170 e65163 f5695c fb8761 fea571 fec387 fde0a2 fcfdbf"
)
"""Evenly spaced colours of the map magma of the figures."""
BOTH_SIGNS = "053061 2166ac 4393c3 92c5de d1e5f0 f7f7f7 fddbc7 f4a582 d6604d b2182b 67001f"
"""The same of the map RdBu, blue for negative values and white for 0."""
LINE = (79, 58, 140)
SHARP = 3
"""Pixels drawn for one of a curve, which makes it smooth."""


def small(grid: Domain, density: np.ndarray) -> np.ndarray | None:
    """Return the values of the pixels of a small picture; None if the domain has no cells.

    Parameters
    ----------
    grid
        The domain.
    density
        Cell averages, shape ``grid.shape``.

    Returns
    -------
    ndarray or None
        Values from left to right, float32 of shape (n,), for a curve; or rows from top to bottom, shape (m, n). No
        side is longer than ``SIDE``.
    """
    if not grid.has_cells:
        return None
    values, aspect = grid.view(density)
    if values.ndim == 1:
        return _resized(values[np.newaxis], min(len(values), SIDE), 1)[0]
    return _resized(values, round(SIDE * min(1.0, aspect)), round(SIDE * min(1.0, 1 / aspect)))


def _resized(values: np.ndarray, width: int, height: int) -> np.ndarray:
    """Return means over pixels that are larger than cells; a smaller pixel has the value of its cell."""
    image = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    return np.asarray(image.resize((max(width, 1), max(height, 1)), Image.Resampling.BOX))


def png(pixels: np.ndarray, low: float, high: float) -> bytes:
    """Return a picture as the bytes of a PNG file.

    Parameters
    ----------
    pixels
        Values from :func:`small`.
    low, high
        Values of the first and the last colour; below 0 and above 0 for densities of both signs.
    """
    picture = _curve(pixels, low, high) if pixels.ndim == 1 else _map(pixels, low, high)
    held = io.BytesIO()
    picture.save(held, "PNG")
    return held.getvalue()


def _map(pixels: np.ndarray, low: float, high: float) -> Image.Image:
    anchors = np.array([tuple(bytes.fromhex(color)) for color in (BOTH_SIGNS if low < 0 else EMPTY_TO_FULL).split()])
    span = high - low if high > low else 1.0
    at = (pixels - low) / span * (len(anchors) - 1)
    colors = np.stack([np.interp(at, np.arange(len(anchors)), anchors[:, k]) for k in range(3)], axis=-1)
    return Image.fromarray(colors.round().astype(np.uint8))


def _curve(pixels: np.ndarray, low: float, high: float) -> Image.Image:
    width, height = SIDE * SHARP, SIDE * SHARP // 2
    picture = Image.new("RGB", (width, height), "white")
    span = 1.2 * (high - low) if high > low else 1.0  # a line at either end is not cut
    x = (np.arange(len(pixels)) + 0.5) * width / len(pixels)
    y = height * (11 / 12 - (pixels - low) / span)
    drawn = ImageDraw.Draw(picture)
    drawn.line([(float(a), float(b)) for a, b in zip(x, y, strict=True)], fill=LINE, width=2 * SHARP)
    return picture.resize((SIDE, SIDE // 2), Image.Resampling.BOX)

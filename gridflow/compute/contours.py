"""Volumes of regions where a field is negative, by contouring between the positions of its values.

Regions are found by linear interpolation on a line, by marching squares in two dimensions (contourpy) and by marching
cubes in three (scikit-image, Lewiner's tables).
"""

import math

import numpy as np

_NOT_BELOW = 1e-30
"""Stands for a field that equals the level, relative to its range: a number of single precision that is not 0."""


def above(field: np.ndarray, level: float, scale: float) -> np.ndarray:
    """(field − level) / scale in double precision, nowhere exactly 0.

    The scale does not matter to a contour, but the libraries' single precision does to small differences.
    """
    result = field.astype(float)
    result -= level
    result /= scale
    result[result == 0] = _NOT_BELOW
    return result


def periodic_volume(field: np.ndarray, level: float) -> float:
    """Volume of ``{field < level}`` on a torus, in units of a cell; the level is between the field's extrema."""
    box, whole = _crossed(field < np.float64(level))
    scale = max(level - float(field.min()), float(field.max()) - level)
    return whole + _INSIDE[field.ndim](above(field[box], level, scale))


def _crossed(below: np.ndarray) -> tuple[tuple[np.ndarray, ...], int]:
    """The smallest box between cell centres of the torus that the surface of a region lies in.

    Returns
    -------
    tuple of ndarray
        Index of the box, for use between brackets; it may reach across the seam of the torus.
    int
        Number of cells (of the dual grid) outside of the box that lie in the region.
    """
    box, whole = [], 0
    for axis in range(below.ndim):
        others = tuple(other for other in range(below.ndim) if other != axis)
        some, every = below.any(others), below.all(others)
        some, every = some | np.roll(some, -1), every & np.roll(every, -1)  # between a layer of centres and the next
        crossed = np.flatnonzero(some & ~every)
        gaps = np.diff(crossed, append=crossed[0] + some.size)
        last = int(gaps.argmax())
        start = crossed[(last + 1) % crossed.size]
        layers = np.arange(start, start + some.size - gaps[last] + 2) % some.size
        outside = np.delete(every, layers[:-1])
        whole += int(outside.sum()) * math.prod(n - 1 for n in below.shape[:axis]) * math.prod(below.shape[axis + 1 :])
        box.append(layers)
        below = below.take(layers, axis)
    return np.ix_(*box), whole


def _length(box: np.ndarray) -> float:
    left, right = box[:-1], box[1:]
    crossing = (left < 0) != (right < 0)
    span = np.where(crossing, abs(left) + abs(right), 1.0)
    share_left = np.where(crossing, abs(left) / span, 1.0)
    return float((share_left * (left < 0) + np.where(crossing, (1 - share_left) * (right < 0), 0.0)).sum())


def area(box: np.ndarray, across: np.ndarray | None = None, up: np.ndarray | None = None) -> float:
    """Area of the region; positions of columns and rows are whole numbers unless given."""
    from contourpy import FillType, contour_generator

    below = contour_generator(across, up, box, fill_type=FillType.ChunkCombinedOffset).filled(-np.inf, 0.0)
    points, offsets = below[0][0], below[1][0]
    if points is None or offsets is None:
        return 0.0
    x, y = points[:, 0], points[:, 1]
    twice = x[:-1] * y[1:] - x[1:] * y[:-1]
    twice[offsets[1:-1].astype(int) - 1] = 0.0  # no edge joins the end of one polygon to the start of the next
    return abs(float(twice.sum())) / 2


def _volume(box: np.ndarray) -> float:
    """Volume inside the closed level surface, by the divergence theorem for the field (0, 0, z).

    A layer of huge values around the box closes the surface: it cuts the edges to that layer within 1e−6 cells.
    """
    from skimage.measure import marching_cubes

    closed = np.pad(box, 1, constant_values=1e6)
    vertices, faces, _, _ = marching_cubes(closed, 0.0, allow_degenerate=True)
    a, b, c = (vertices[faces[:, corner]].astype(float) for corner in range(3))
    projected = ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
    return abs(float((projected * (a[:, 2] + b[:, 2] + c[:, 2]) / 3).sum()))


_INSIDE = {1: _length, 2: area, 3: _volume}

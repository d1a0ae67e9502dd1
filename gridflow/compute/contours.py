"""Volumes and borders of the regions where a field is negative, by contouring between sample positions.

Contours come from linear interpolation in one dimension, marching squares in two (contourpy) and marching cubes in
three (scikit-image, Lewiner's tables).
"""

import math
from typing import cast

import numpy as np

_NOT_BELOW = 1e-30
"""Replaces the value 0 of a scaled field: positive, and representable in single precision."""


def above(field: np.ndarray, level: float, scale: float) -> np.ndarray:
    """Return (field − level) / scale in double precision, with exact zeros made positive.

    Scaling does not move the contour, but it preserves small differences in libraries that work in single precision.
    """
    result = field.astype(float)
    result -= level
    result /= scale
    result[result == 0] = _NOT_BELOW
    return result


def periodic_volume(field: np.ndarray, level: float) -> float:
    """Volume of ``{field < level}`` on a torus, in units of one cell; requires min field < level ≤ max field."""
    box, whole = _crossed(field < np.float64(level))
    scale = max(level - float(field.min()), float(field.max()) - level)
    return whole + _INSIDE[field.ndim](above(field[box], level, scale))


def _crossed(below: np.ndarray) -> tuple[tuple[np.ndarray, ...], int]:
    """Find the smallest box between cell centres of the torus that contains the boundary of a region.

    Returns
    -------
    tuple of ndarray
        Open-mesh index of the box (as from ``numpy.ix_``); the box may wrap around the torus.
    int
        Number of dual cells outside the box that lie in the region.
    """
    box, whole = [], 0
    for axis in range(below.ndim):
        others = tuple(other for other in range(below.ndim) if other != axis)
        some, every = below.any(others), below.all(others)
        some, every = some | np.roll(some, -1), every & np.roll(every, -1)  # between adjacent layers of cell centres
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
    """Area of ``{box < 0}``; ``across`` and ``up`` are the positions of columns and rows, by default their indices."""
    from contourpy import FillType, contour_generator

    below = contour_generator(across, up, box, fill_type=FillType.ChunkCombinedOffset).filled(-np.inf, 0.0)
    points, offsets = below[0][0], below[1][0]
    if points is None or offsets is None:
        return 0.0
    x, y = points[:, 0], points[:, 1]
    twice = x[:-1] * y[1:] - x[1:] * y[:-1]
    twice[offsets[1:-1].astype(int) - 1] = 0.0  # the end of one polygon is not joined to the start of the next
    return abs(float(twice.sum())) / 2


def _volume(box: np.ndarray) -> float:
    """Volume enclosed by the level surface, by the divergence theorem for the field (0, 0, z).

    A layer of huge values around the box closes the surface, which cuts the edges to that layer within 1e−6 cells.
    """
    from skimage.measure import marching_cubes

    closed = np.pad(box, 1, constant_values=1e6)
    vertices, faces, _, _ = marching_cubes(closed, 0.0, allow_degenerate=True)
    a, b, c = (vertices[faces[:, corner]].astype(float) for corner in range(3))
    projected = ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
    return abs(float((projected * (a[:, 2] + b[:, 2] + c[:, 2]) / 3).sum()))


_INSIDE = {1: _length, 2: area, 3: _volume}


def inside(box: np.ndarray) -> float:
    """Volume of ``{box < 0}`` between the centres of a box of cells, in units of one cell."""
    return _INSIDE[box.ndim](box)


def polylines(box: np.ndarray, across: np.ndarray, up: np.ndarray) -> list[np.ndarray]:
    """The lines ``{box = 0}`` in two dimensions, each an array of points (across, up) of shape (points, 2).

    ``across`` and ``up`` are the positions of columns and rows.
    """
    from contourpy import LineType, contour_generator

    found = contour_generator(across, up, box, line_type=LineType.Separate).lines(0.0)
    return cast("list[np.ndarray]", found)  # as this type of line has it


def _ends(box: np.ndarray, spacing: tuple[float, ...]) -> float:  # noqa: ARG001 - points have no size
    return float(np.count_nonzero((box[1:] < 0) != (box[:-1] < 0)))


def _lines(box: np.ndarray, spacing: tuple[float, ...]) -> float:
    up, across = (np.arange(n) * h for n, h in zip(box.shape, spacing, strict=True))
    return float(sum(np.hypot(*np.diff(line, axis=0).T).sum() for line in polylines(box, across, up)))


def _surface(box: np.ndarray, spacing: tuple[float, ...]) -> float:
    from skimage.measure import marching_cubes, mesh_surface_area

    vertices, faces, _, _ = marching_cubes(box, 0.0, spacing=spacing)
    return float(mesh_surface_area(vertices, faces))


_BORDER = {1: _ends, 2: _lines, 3: _surface}


def border(box: np.ndarray, spacing: tuple[float, ...]) -> float:
    """Size of ``{box = 0}`` inside a box of cell centres: number of points, length of lines or area of surfaces.

    ``spacing`` is the width of a cell along each axis. The field must be negative somewhere and positive somewhere.
    """
    return _BORDER[box.ndim](box, spacing)


def intervals(x: np.ndarray, length: float, field: np.ndarray, level: float) -> list[tuple[float, float]]:
    """Intervals of a line of some period in which a field is above a value, linear between the centres of cells.

    Parameters
    ----------
    x
        Centres of the cells, shape (n,).
    length
        The period.
    field
        The field there, shape (n,).
    level
        The value.

    Returns
    -------
    list of tuple
        Their ends, ascending, within one period.
    """
    x = np.concatenate([[x[-1] - length], x, [x[0] + length]])
    values = np.pad(field, 1, mode="wrap") - level
    steps = np.flatnonzero((values[1:] < 0) != (values[:-1] < 0))
    crossings = x[steps] - values[steps] * np.diff(x)[steps] / np.diff(values)[steps]
    ends = np.concatenate([[0.0], crossings[(crossings > 0) & (crossings < length)], [length]])
    middles = np.interp((ends[1:] + ends[:-1]) / 2, x, values)
    return [(a, b) for a, b, middle in zip(ends, ends[1:], middles, strict=False) if middle > 0]


def surface(field: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Surface on which a field on a torus has a value, by marching cubes, within one period and half a cell around it.

    Parameters
    ----------
    field
        Cell averages, shape (nx, ny, nz).
    level
        The value.

    Returns
    -------
    vertices : ndarray
        Positions as shares of the periods, shape (vertices, 3).
    faces : ndarray
        Triangles as rows of three numbers of vertices, shape (faces, 3).
    """
    closed = np.pad(field.astype(float), 1, mode="wrap")
    if not closed.min() < level < closed.max():
        return np.zeros((0, 3)), np.zeros((0, 3), int)
    from skimage.measure import marching_cubes

    vertices, faces, _, _ = marching_cubes(closed, level, allow_degenerate=False)
    return (vertices - 0.5) / np.array(field.shape), faces

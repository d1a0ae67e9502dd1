"""Numbers read off a density: mass, extrema, distances to the target, volumes of holes."""

import math
from typing import Any

import numpy as np

from gridflow.domains.sphere import SphereGrid
from gridflow.domains.torus import Domain, Grid
from gridflow.equation.flow import Equation
from gridflow.errors import InputError


def mass(grid: Domain, density: np.ndarray) -> float:
    """∫ μ dx, the sum of cell averages times volumes, in double precision."""
    return grid.integral(density)


def kmd(flow: Equation[Any], density: np.ndarray) -> float:
    """Kernel mean discrepancy to the target, √(2E) (also called MMD)."""
    return float(np.sqrt(2 * flow.energy(density)))


def volume_below(grid: Domain, field: np.ndarray, level: float) -> float:
    """Volume of ``{field < level}`` by sub-cell contouring of the cell-centre values.

    The field is joined between cell centres: linearly on a line, by marching squares in two dimensions
    (contourpy), by marching cubes in three (scikit-image, Lewiner's tables). On the sphere by marching squares in
    longitude and height, a map that keeps areas, with the mean of the nearest ring at each pole.

    Parameters
    ----------
    field
        Values at cell centres, shape ``grid.shape``; for cell averages this is accurate to second order.
    level
        The level, in units of the field.

    Returns
    -------
    float
        Volume between 0 and that of the grid, in units of length^d.
    """
    field = grid.check(field, "the field")
    if np.isnan(level):
        raise InputError(f"level = {level}: it must be a number")
    lowest, highest = float(field.min()), float(field.max())
    if lowest >= level:
        return 0.0
    if highest < level:
        return grid.volume
    if isinstance(grid, SphereGrid):
        return _area_below_on_sphere(grid, field, level)
    if not isinstance(grid, Grid):
        raise InputError(f"volume_below needs a grid of cells, not {grid}")
    box, whole = _crossed(field < np.float64(level))
    above = field[box].astype(float)
    above -= level
    # the scale does not matter to a contour, but the libraries' single precision does to small differences
    above /= max(level - lowest, highest - level)
    above[above == 0] = _NOT_BELOW
    return (whole + _BELOW[grid.dim](above)) * grid.cell_volume


def _area_below_on_sphere(grid: SphereGrid, field: np.ndarray, level: float) -> float:
    """∫ dz dφ of ``{field < level}``, z the height: the map to (φ, z) keeps areas."""
    above = field.astype(float)
    above -= level
    above /= abs(above).max()
    above[above == 0] = _NOT_BELOW
    poles = above[[0, -1]].mean(axis=1, keepdims=True) * np.ones(grid.shape[1])
    closed = np.concatenate([poles[:1], above, poles[1:]])
    closed = np.concatenate([closed, closed[:, :1]], axis=1)
    heights = np.concatenate([[1.0], np.cos(grid.colatitudes), [-1.0]])
    longitudes = np.append(grid.longitudes, 2 * np.pi)
    return _area_below(closed, longitudes, heights)


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


_NOT_BELOW = 1e-30
"""Stands for a field that equals the level, relative to its range: a number of single precision that is not 0."""


def _length_below(box: np.ndarray) -> float:
    left, right = box[:-1], box[1:]
    crossing = (left < 0) != (right < 0)
    span = np.where(crossing, abs(left) + abs(right), 1.0)
    share_left = np.where(crossing, abs(left) / span, 1.0)
    return float((share_left * (left < 0) + np.where(crossing, (1 - share_left) * (right < 0), 0.0)).sum())


def _area_below(box: np.ndarray, across: np.ndarray | None = None, up: np.ndarray | None = None) -> float:
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


def _volume_below(box: np.ndarray) -> float:
    """Volume inside the closed level surface, by the divergence theorem for the field (0, 0, z).

    A layer of huge values around the box closes the surface: it cuts the edges to that layer within 1e−6 cells.
    """
    from skimage.measure import marching_cubes

    closed = np.pad(box, 1, constant_values=1e6)
    vertices, faces, _, _ = marching_cubes(closed, 0.0, allow_degenerate=True)
    a, b, c = (vertices[faces[:, corner]].astype(float) for corner in range(3))
    projected = ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
    return abs(float((projected * (a[:, 2] + b[:, 2] + c[:, 2]) / 3).sum()))


_BELOW = {1: _length_below, 2: _area_below, 3: _volume_below}


def fitted_order(spacings: np.ndarray, errors: np.ndarray) -> float:
    """Slope of log error against log spacing by least squares: the measured order of convergence."""
    spacings, errors = np.asarray(spacings, dtype=float), np.abs(np.asarray(errors, dtype=float))
    if spacings.shape != errors.shape or spacings.size < 2 or (errors == 0).any():
        raise InputError("a fitted order needs at least two spacings with errors that are not zero")
    return float(np.polyfit(np.log(spacings), np.log(errors), 1)[0])

"""Volume fractions of balls, boxes and shells in the cells of a grid.

A volume fraction is 0 in cells outside the region, 1 in cells inside it, and the exact covered share in cells that its
boundary cuts. Regions serve as the holes of :mod:`gridflow.densities.torus` and as the tracers that track them.
"""

import math
from collections.abc import Sequence
from itertools import pairwise, product

import numpy as np

from gridflow.arguments import takes_numbers
from gridflow.domains.torus import Grid, torus
from gridflow.errors import InputError, is_whole

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)


@takes_numbers
def ball(grid: Grid, radius: float, center: Sequence[float] | None = None) -> np.ndarray:
    """Volume fraction of the ball ``|x − center| < radius`` in each cell.

    Parameters
    ----------
    grid
        A periodic grid.
    radius
        Radius in units of length, positive and at most half the shortest period.
    center
        Centre, d numbers in units of length, taken modulo the periods. Default: the centre of the torus.

    Returns
    -------
    ndarray
        float64 of the grid's shape, values in [0, 1]. Exact to round-off in one and two dimensions; in three, the
        circle–rectangle area is integrated over each cut cell by Gauss quadrature (relative error of the
        volume below 1e−8).

    Raises
    ------
    InputError
        If the radius is not allowed or the centre has the wrong number of components.
    """
    grid = torus(grid, "ball")
    if not 0 < radius <= min(grid.lengths) / 2:
        raise InputError(
            f"radius = {radius}: it must be positive and at most half of the shortest period, {min(grid.lengths) / 2}"
        )
    fraction = np.zeros(grid.shape)
    _add_ball(fraction, grid, radius, _center(grid, center))
    return _at_most_one(fraction)


@takes_numbers
def box(grid: Grid, sides: Sequence[float] | float, center: Sequence[float] | None = None) -> np.ndarray:
    """Volume fraction of an axis-aligned box in each cell, exact.

    Parameters
    ----------
    grid
        A periodic grid.
    sides
        Side length along each axis, or one number for all; in units of length, positive and at most the period.
    center
        Centre, d numbers in units of length. Default: the centre of the torus.

    Returns
    -------
    ndarray
        float64 of the grid's shape, values in [0, 1].

    Raises
    ------
    InputError
        If a side is not allowed or a vector has the wrong number of components.
    """
    grid = torus(grid, "box")
    sides = grid.per_axis(sides)
    if len(sides) != grid.dim:
        raise InputError(f"box sides {sides} have {len(sides)} components; the grid has {grid.dim} dimensions")
    if any(not 0 < side <= length for side, length in zip(sides, grid.lengths, strict=True)):
        raise InputError(f"box sides {sides}: each must be positive and at most the period, {grid.lengths}")
    halves = tuple(side / 2 for side in sides)
    fraction = np.zeros(grid.shape)
    cells, edges = _window(grid, _center(grid, center), halves)
    np.add.at(fraction, cells, _box_in_cells(edges, halves))
    return _at_most_one(fraction)


@takes_numbers
def shell(grid: Grid, inner: float, outer: float, center: Sequence[float] | None = None) -> np.ndarray:
    """Volume fraction of the shell ``inner < |x − center| < outer`` in each cell; arguments as for :func:`ball`."""
    grid = torus(grid, "shell")
    if not 0 < inner < outer:
        raise InputError(f"shell radii inner = {inner}, outer = {outer}: they must satisfy 0 < inner < outer")
    return np.maximum(ball(grid, outer, center) - ball(grid, inner, center), 0.0)  # a thin shell, up to round-off


@takes_numbers
def lattice(grid: Grid, counts: Sequence[int] | int, radius: float) -> np.ndarray:
    """Volume fraction of balls centred on a rectangular lattice.

    Parameters
    ----------
    grid
        A periodic grid.
    counts
        Number of balls along each axis, or one number for all; at least 1 each.
    radius
        Radius of every ball; neighbours may touch but not overlap.

    Raises
    ------
    InputError
        If a count or the radius is not allowed.
    """
    grid = torus(grid, "lattice")
    counts = grid.per_axis(counts)
    if len(counts) != grid.dim or not all(is_whole(n, 1) for n in counts):
        raise InputError(f"lattice counts {counts}: {grid.dim} whole numbers of at least 1 are needed")
    pitch = tuple(length / n for length, n in zip(grid.lengths, counts, strict=True))
    if not 0 < radius <= min(pitch) / 2:
        raise InputError(
            f"radius = {radius}: it must be positive and at most half of the lattice pitch, {min(pitch) / 2}"
        )
    fraction = np.zeros(grid.shape)
    for site in product(*(range(n) for n in counts)):
        _add_ball(fraction, grid, radius, tuple((i + 0.5) * p for i, p in zip(site, pitch, strict=True)))
    return _at_most_one(fraction)


def _at_most_one(fraction: np.ndarray) -> np.ndarray:
    """Clip to 1, which the shares of one cell may exceed by round-off when they are added."""
    return np.minimum(fraction, 1.0, out=fraction)


def _center(grid: Grid, center: Sequence[float] | None) -> tuple[float, ...]:
    if center is None:
        return tuple(length / 2 for length in grid.lengths)
    position = tuple(float(x) for x in np.atleast_1d(center))
    if len(position) != grid.dim:
        raise InputError(f"center {position} has {len(position)} components; the grid has {grid.dim} dimensions")
    if not all(math.isfinite(x) for x in position):
        raise InputError(f"center {position}: every component must be finite")
    return tuple(x % length for x, length in zip(position, grid.lengths, strict=True))


def _window(
    grid: Grid, center: tuple[float, ...], reach: tuple[float, ...]
) -> tuple[tuple[np.ndarray, ...], list[np.ndarray]]:
    """Return the cells within reach of a centre, as indices on the torus, and their edges relative to the centre.

    A window as wide as the torus may contain a cell twice, once from either side.
    """
    indices, edges = [], []
    for x, r, n, h in zip(center, reach, grid.shape, grid.spacing, strict=True):
        first, last = math.floor((x - r) / h), math.ceil((x + r) / h)
        index = np.arange(first, last)
        indices.append(index % n)
        edges.append(np.append(index, last) * h - x)
    return np.ix_(*indices), edges


def _add_ball(fraction: np.ndarray, grid: Grid, radius: float, center: tuple[float, ...]) -> None:
    cells, edges = _window(grid, center, (radius,) * grid.dim)
    np.add.at(fraction, cells, _ball_in_cells(edges, radius))


def _overlap(edges: np.ndarray, half: np.ndarray | float) -> np.ndarray:
    """Length of each cell's overlap with [−half, half]."""
    inside = np.clip(edges, -half, half)
    return inside[..., 1:] - inside[..., :-1]


def _box_in_cells(edges: list[np.ndarray], halves: tuple[float, ...]) -> np.ndarray:
    shares = [_overlap(e, half) / np.diff(e) for e, half in zip(edges, halves, strict=True)]
    result = np.ones(())
    for share in shares:
        result = np.multiply.outer(result, share)
    return result


def _ball_in_cells(edges: list[np.ndarray], radius: float) -> np.ndarray:
    if len(edges) == 1:
        return _box_in_cells(edges, (radius,))
    # Exactly 1 inside and exactly 0 outside, decided by the farthest and nearest points of each cell.
    low, high = [e[:-1] for e in edges], [e[1:] for e in edges]
    far = [np.maximum(abs(a), abs(b)) for a, b in zip(low, high, strict=True)]
    near = [np.where((a < 0) & (b > 0), 0.0, np.minimum(abs(a), abs(b))) for a, b in zip(low, high, strict=True)]
    farthest, nearest = (_squared_distance(c) for c in (far, near))
    result = (farthest <= radius**2).astype(float)
    cut = np.nonzero((farthest > radius**2) & (nearest < radius**2))
    sides = [(a[i], b[i]) for a, b, i in zip(low, high, cut, strict=True)]
    (x0, x1), (y0, y1) = sides[:2]
    if len(edges) == 2:
        covered = _disc_in_rectangle(x0, x1, y0, y1, np.full(x0.shape, radius))
    else:
        covered = _ball_in_boxes(sides, radius)
    volume = math.prod(b - a for a, b in sides)
    result[cut] = np.clip(covered / volume, 0.0, 1.0)  # the quotient of geometric measures, up to round-off
    return result


def _squared_distance(components: list[np.ndarray]) -> np.ndarray:
    result = np.zeros(())
    for component in components:
        result = np.add.outer(result, component**2)
    return result


def _ball_in_boxes(sides: list[tuple[np.ndarray, np.ndarray]], radius: float) -> np.ndarray:
    """Volume of the part of each box inside a ball about the origin, by integrating the area of slices over z.

    The area of a slice is not smooth where the sphere passes an edge or a corner of the box, nor at the poles, so the
    integral is split there. Near such a height the area is a power series in the square root of the distance to it,
    which the substitution z ~ 3t² − 2t³ makes smooth.
    """
    (x0, x1), (y0, y1), (z0, z1) = sides
    on_axis = np.zeros_like(x0)
    breaks = [z0, z1]
    for x, y in product((x0, x1, on_axis), (y0, y1, on_axis)):
        height = np.sqrt(np.maximum(radius**2 - x**2 - y**2, 0.0))
        breaks += [np.clip(height, z0, z1), np.clip(-height, z0, z1)]
    covered = np.zeros_like(x0)
    for lower, upper in pairwise(np.sort(np.stack(breaks), axis=0)):
        some = upper > lower
        low, width = lower[some], (upper - lower)[some]
        left, right, near, far = x0[some], x1[some], y0[some], y1[some]
        for node, weight in zip(_NODES, _WEIGHTS, strict=True):
            t = (1 + node) / 2
            z = low + width * t**2 * (3 - 2 * t)
            slice_radius = np.sqrt(np.maximum((radius - z) * (radius + z), 0.0))
            covered[some] += 3 * weight * t * (1 - t) * width * _disc_in_rectangle(left, right, near, far, slice_radius)
    return covered


def _disc_in_rectangle(x0: np.ndarray, x1: np.ndarray, y0: np.ndarray, y1: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Area of the part of [x0, x1] × [y0, y1] inside the disc of radius r about the origin, elementwise and exact."""

    def quadrant(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Signed area of the part of the disc between the axes and the corner (x, y)."""
        sign = np.sign(x) * np.sign(y)
        a, b = np.minimum(abs(x), r), np.minimum(abs(y), r)
        height_at_a, width_at_b = np.sqrt((r - a) * (r + a)), np.sqrt((r - b) * (r + b))
        sector = r**2 * (np.arctan2(a, height_at_a) - np.arctan2(width_at_b, b))  # angles as accurate as the lengths
        under_arc = (sector + a * height_at_a + b * width_at_b) / 2
        return sign * np.where(height_at_a >= b, a * b, under_arc)

    return quadrant(x1, y1) - quadrant(x0, y1) - quadrant(x1, y0) + quadrant(x0, y0)

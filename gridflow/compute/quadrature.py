"""Averages of a function over the cells of a rectangular grid by quadrature."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

MOST_CELLS = 1 << 20
"""Cells that are evaluated at once."""
_BATCH = 1 << 16
"""Boxes into which cells are halved that are evaluated at once."""


class _Rule(NamedTuple):
    """Nodes in [−1, 1] and weights of sum 1."""

    nodes: np.ndarray
    weights: np.ndarray


def _gauss(points: int) -> _Rule:
    nodes, weights = np.polynomial.legendre.leggauss(points)
    return _Rule(nodes, weights / 2)


_POINTS_OF_PARTS = 3
"""Most nodes along each axis of the parts of a cell in three dimensions, where there are many parts."""
_SIMPSON = _Rule(np.array([-1.0, 0.0, 1.0]), np.array([1.0, 4.0, 1.0]) / 6)


def cell_averages(
    function: Callable[..., np.ndarray],
    edges: Sequence[np.ndarray],
    points: int,
    halvings: int = 0,
    settled: float = 1e-4,
) -> np.ndarray:
    """Average a function over every cell by Gauss–Legendre quadrature, and halve the cells where it has not settled.

    A cell is halved along every axis if Simpson's rule, whose nodes lie on its boundary, gives another average. Across
    a jump of the function the two differ by a share of its size, and where the function is smooth by the fourth power
    of the cell's width, so a jump costs work only in the cells that it cuts. In three dimensions parts of cells have at
    most three nodes per axis.

    Parameters
    ----------
    function
        Called as ``function(x_0, …, x_{d−1})`` with arrays that broadcast against each other.
    edges
        Edges of the cells along each axis, ascending, shape (n_a + 1,).
    points
        Nodes per cell and axis; the average is exact for polynomials of degree 2·points − 1.
    halvings
        How often a cell may be halved; 0 for the quadrature alone.
    settled
        Difference of the two averages, relative to the largest modulus of an average, up to which a cell is left as it
        is.

    Returns
    -------
    ndarray
        float64 of shape (n_0, …, n_{d−1}).
    """
    gauss = _gauss(points)
    finer = gauss if len(edges) < 3 else _gauss(min(points, _POINTS_OF_PARTS))
    shape = tuple(len(e) - 1 for e in edges)
    total = np.empty(shape)
    slabs = [_Slab.of(edges, rows) for rows in row_batches(shape)]
    for slab in slabs:
        total[slab.rows] = _averages(function, slab.middles, slab.halves, gauss, slab.shape)
    if halvings and np.isfinite(total).all():
        tolerance = settled * float(np.abs(total).max())
        for slab in slabs:
            part = total[slab.rows]
            rough = np.abs(part - _averages(function, slab.middles, slab.halves, _SIMPSON, slab.shape)) > tolerance
            middle, half = (
                np.stack([np.broadcast_to(a, slab.shape)[rough] for a in each]) for each in (slab.middles, slab.halves)
            )
            part[rough] = _halved(function, middle, half, finer, halvings, tolerance)
    return total


def row_batches(shape: tuple[int, ...]) -> list[slice]:
    """Divide the first axis of a grid so that a part has few enough cells for temporary arrays of their size."""
    rows = max(1, MOST_CELLS // math.prod(shape[1:]))
    return [slice(start, min(start + rows, shape[0])) for start in range(0, shape[0], rows)]


class _Slab(NamedTuple):
    """Some rows of the grid: middles and half widths of their cells, which broadcast, and their shape."""

    rows: slice
    middles: Sequence[np.ndarray]
    halves: Sequence[np.ndarray]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, edges: Sequence[np.ndarray], rows: slice) -> "_Slab":
        own = [edges[0][rows.start : rows.stop + 1], *edges[1:]]
        middles = np.meshgrid(*((e[1:] + e[:-1]) / 2 for e in own), indexing="ij", sparse=True)
        halves = np.meshgrid(*(np.diff(e) / 2 for e in own), indexing="ij", sparse=True)
        return cls(rows, middles, halves, tuple(len(e) - 1 for e in own))


def _averages(
    function: Callable[..., np.ndarray],
    middles: Sequence[np.ndarray] | np.ndarray,
    halves: Sequence[np.ndarray] | np.ndarray,
    rule: _Rule,
    shape: tuple[int, ...],
) -> np.ndarray:
    total = np.zeros(shape)
    for which in np.ndindex(*(len(rule.nodes),) * len(middles)):
        at = [x + half * rule.nodes[i] for x, half, i in zip(middles, halves, which, strict=True)]
        with np.errstate(invalid="ignore"):  # the caller sees what is not finite
            total += math.prod(rule.weights[i] for i in which) * np.asarray(function(*at))
    return total


def _halved(
    function: Callable[..., np.ndarray],
    middles: np.ndarray,
    halves: np.ndarray,
    rule: _Rule,
    halvings: int,
    tolerance: float,
) -> np.ndarray:
    """Averages over boxes, shape (boxes,), by those over their 2^d parts; both arrays have shape (d, boxes)."""
    dim, count = middles.shape
    signs = 2 * np.stack(np.meshgrid(*([0, 1],) * dim, indexing="ij")).reshape(dim, -1) - 1
    result = np.empty(count)
    for start in range(0, count, _BATCH >> dim):
        some = slice(start, start + (_BATCH >> dim))
        half = np.repeat(halves[:, some] / 2, 2**dim, axis=1)
        at = (middles[:, some, None] + signs[:, None] * halves[:, some, None] / 2).reshape(dim, -1)
        parts = _averages(function, at, half, rule, at.shape[1:])
        if halvings > 1:
            rough = np.abs(parts - _averages(function, at, half, _SIMPSON, at.shape[1:])) > tolerance
            parts[rough] = _halved(function, at[:, rough], half[:, rough], rule, halvings - 1, tolerance)
        result[some] = parts.reshape(-1, 2**dim).mean(axis=1)
    return result

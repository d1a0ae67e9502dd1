"""Averages of a function over the cells of a rectangular grid by quadrature."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

_BATCH = 1 << 16
"""Boxes that are evaluated at once."""


class _Rule(NamedTuple):
    """Nodes in [−1, 1] and weights of sum 1."""

    nodes: np.ndarray
    weights: np.ndarray


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
    of the cell's width, so a jump costs work only in the cells that it cuts.

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
    nodes, weights = np.polynomial.legendre.leggauss(points)
    gauss = _Rule(nodes, weights / 2)
    middles = np.meshgrid(*((e[1:] + e[:-1]) / 2 for e in edges), indexing="ij", sparse=True)
    halves = np.meshgrid(*(np.diff(e) / 2 for e in edges), indexing="ij", sparse=True)
    shape = tuple(len(e) - 1 for e in edges)
    total = _averages(function, middles, halves, gauss, shape)
    if halvings and np.isfinite(total).all():
        tolerance = settled * float(np.abs(total).max())
        rough = np.abs(total - _averages(function, middles, halves, _SIMPSON, shape)) > tolerance
        middle, half = (np.stack([np.broadcast_to(a, shape)[rough] for a in each]) for each in (middles, halves))
        total[rough] = _halved(function, middle, half, gauss, halvings, tolerance)
    return total


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

"""Shares of cells in which a function is negative, by linear interpolation on simplices."""

from collections.abc import Callable
from itertools import permutations, product

import numpy as np


def share_below(levels: np.ndarray) -> np.ndarray:
    """Share of each cell in which a function is negative.

    A cell is divided into parts, whose corners have the given values, and each part into simplices, on which the
    function is linear (Kuhn, *Some combinatorial lemmas in topology*, IBM J. Res. Dev. 4, 1960). The mean over the
    divisions that start from every corner keeps the symmetries of the cell.

    Parameters
    ----------
    levels
        Values at the corners of the parts, shape (cells, m_0 + 1, …, m_{d−1} + 1), d = 1, 2 or 3.

    Returns
    -------
    ndarray
        float64 of shape (cells,), in [0, 1]: exact for a linear function, otherwise of second order in the width of a
        part. A value of exactly 0 is a boundary and has no share of its own.
    """
    dim = levels.ndim - 1
    corners = {
        corner: levels[(slice(None), *(slice(1, None) if c else slice(None, -1) for c in corner))]
        for corner in product((0, 1), repeat=dim)
    }
    lowest, highest = (reduced(list(corners.values())) for reduced in (np.minimum.reduce, np.maximum.reduce))
    shares = ((lowest < 0) & (highest <= 0)).astype(float)
    cut = (lowest < 0) & (highest > 0)
    values = {corner: each[cut] for corner, each in corners.items()}
    simplices = _simplices(dim)
    total = np.zeros(np.count_nonzero(cut))
    for simplex in simplices:
        total += _share_of_simplex(np.sort(np.stack([values[vertex] for vertex in simplex]), axis=0))
    shares[cut] = total / len(simplices)
    return np.asarray(shares.mean(axis=tuple(range(1, dim + 1))))


def _simplices(dim: int) -> set[tuple[tuple[int, ...], ...]]:
    """The simplices of all divisions of a cube along its diagonals; each has the volume 1/d!."""
    found = set()
    for start in product((0, 1), repeat=dim):
        for order in permutations(range(dim)):
            corner, path = list(start), [start]
            for axis in order:
                corner[axis] = 1 - corner[axis]
                path.append(tuple(corner))
            found.add(min(tuple(path), tuple(path[::-1])))
    return found


def _share_of_simplex(v: np.ndarray) -> np.ndarray:
    """Share of a simplex in which the linear function with vertex values v[0] ≤ … ≤ v[d] is negative, elementwise.

    Every formula is a sum of products of shares of edges, so that nothing cancels.
    """
    negative = (v < 0).sum(axis=0)
    share = (negative == len(v)).astype(float)
    for count in range(1, len(v)):
        some = negative == count
        share[some] = _FORMULAS[len(v) - 1, count](*v[:, some])
    return share


def _edge(below: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Share of an edge, from its negative end, in which a linear function is negative."""
    return np.asarray(below / (below - above))


def _wedge(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Share of a tetrahedron with two negative vertices, as three tetrahedra."""
    ac, ad, bc, bd = _edge(a, c), _edge(a, d), _edge(b, c), _edge(b, d)
    return ac * ad + ac * (1 - ad) * bd + (1 - ac) * bc * bd


_FORMULAS: dict[tuple[int, int], Callable[..., np.ndarray]] = {
    (1, 1): _edge,
    (2, 1): lambda a, b, c: _edge(a, b) * _edge(a, c),
    (2, 2): lambda a, b, c: 1 - _edge(-c, -a) * _edge(-c, -b),
    (3, 1): lambda a, b, c, d: _edge(a, b) * _edge(a, c) * _edge(a, d),
    (3, 2): _wedge,
    (3, 3): lambda a, b, c, d: 1 - _edge(-d, -a) * _edge(-d, -b) * _edge(-d, -c),
}
"""Shares by dimension and number of negative vertices, of the vertex values in ascending order."""

"""A compiled pass over a density that computes the sums and extrema for a row of the time series."""

from functools import lru_cache
from typing import Any

import numpy as np

from solvers.loops.compilation import entry, line_function
from solvers.loops.lines import largest, pairwise_sum


@line_function
def row_sum(values, terms):
    """Return the sum of a row in double precision."""
    terms = terms[: values.size]
    for k in range(terms.size):
        terms[k] = values[k]
    return pairwise_sum(terms)


@line_function
def row_product(a, b, terms):
    """Return the inner product of two rows in double precision."""
    terms = terms[: a.size]
    for k in range(terms.size):
        terms[k] = np.float64(a[k]) * np.float64(b[k])
    return pairwise_sum(terms)


@line_function
def smallest(bits):
    """Return the smallest of numbers ≥ 0, given as unsigned integers; see :func:`solvers.loops.lines.largest`."""
    least = bits[0]
    for i in range(bits.size):
        least = min(least, bits[i])
    return least


@lru_cache
def totals() -> Any:
    """Return the compiled pass, for planes ``lo`` to ``hi``.

    The compiled function has the further arguments

    density, change
        Shapes (planes, rows, cells).
    potential
        V, in rows of at least as many numbers.
    terms
        Workspace, shape (cells,), double precision.
    mass, work
        Output, shapes (planes, rows): the sums of the density, and of V times the change.
    least, most
        Output, shapes (planes, rows): the smallest and the largest density, as bits.
    """

    @entry
    def run(lo, hi, density, change, potential, terms, mass, work, least, most):
        for i in range(lo, hi):
            for j in range(density.shape[1]):
                row = density[i, j]
                bits = row.view(least.dtype)
                mass[i, j] = row_sum(row, terms)
                work[i, j] = row_product(change[i, j], potential[i, j, : row.size], terms)
                least[i, j], most[i, j] = smallest(bits), largest(bits)

    return run

"""A compiled pass over a density that computes the sums and extrema of a row of the time series."""

from functools import lru_cache
from typing import Any

import numpy as np

from solvers.loops.compilation import SOURCES, entry, line_function
from solvers.loops.lines import largest, pairwise_sum


@line_function
def row_sum(values, terms):
    """Sum of a row in double precision."""
    terms = terms[: values.size]
    for k in range(terms.size):
        terms[k] = values[k]
    return pairwise_sum(terms)


@line_function
def row_product(a, b, terms):
    """Sum of the products of two rows in double precision."""
    terms = terms[: a.size]
    for k in range(terms.size):
        terms[k] = np.float64(a[k]) * np.float64(b[k])
    return pairwise_sum(terms)


@line_function
def smallest(bits):
    """Smallest of numbers ≥ 0 seen as whole numbers without a sign; see :func:`solvers.loops.lines.largest`."""
    least = bits[0]
    for i in range(bits.size):
        least = min(least, bits[i])
    return least


@lru_cache
def totals() -> Any:
    """The compiled pass, for planes from ``lo`` to ``hi``.

    It takes the density and its change, (planes, rows, cells), V in rows of at least as many numbers, a working line
    of doubles, and arrays (planes, rows) that get the sum of the density, of V times the change, and (as bits) the
    least and the largest density of every row.
    """
    stamp = SOURCES

    @entry
    def run(lo, hi, density, change, potential, terms, mass, work, least, most):
        assert stamp  # named here so that the code on disk is of these sources
        for i in range(lo, hi):
            for j in range(density.shape[1]):
                row = density[i, j]
                bits = row.view(least.dtype)
                mass[i, j] = row_sum(row, terms)
                work[i, j] = row_product(change[i, j], potential[i, j, : row.size], terms)
                least[i, j], most[i, j] = smallest(bits), largest(bits)

    return run

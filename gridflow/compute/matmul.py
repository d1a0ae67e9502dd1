"""Matrix products of inputs and neurons that give the same bits for any number of threads."""

import numpy as np

TILE = 64
"""Tile size. OpenBLAS multiplies with a single thread up to about TILE³ products. Beyond that it would split the work
and round differently for every number of threads."""
ENTRIES = 2**17
"""Number of entries of an inputs-by-neurons matrix that are processed at once."""


def product(left: np.ndarray, right: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Compute ``left @ right`` into ``out`` in tiles small enough for one BLAS thread each, which fixes the bits."""
    (rows, terms), columns = left.shape, right.shape[1]
    width = TILE**3 // (TILE * min(terms, TILE))
    for i in range(0, rows, TILE):
        for j in range(0, columns, width):
            tile = out[i : i + TILE, j : j + width]
            np.matmul(left[i : i + TILE, :TILE], right[:TILE, j : j + width], out=tile)
            for k in range(TILE, terms, TILE):
                tile += left[i : i + TILE, k : k + TILE] @ right[k : k + TILE, j : j + width]
    return out

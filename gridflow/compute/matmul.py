"""Products of matrices of inputs by neurons, with the same bits for any number of threads."""

import numpy as np

TILE = 64
"""OpenBLAS multiplies matrices with up to this number cubed of products by one thread: more it would share out, and
round in another order for every number of threads."""
ENTRIES = 2**17
"""Of a matrix of inputs by neurons worked on at once."""


def product(left: np.ndarray, right: np.ndarray, out: np.ndarray) -> np.ndarray:
    """The matrix product into ``out``, in tiles that one thread of the library multiplies: always the same bits."""
    (rows, terms), columns = left.shape, right.shape[1]
    width = TILE**3 // (TILE * min(terms, TILE))
    for i in range(0, rows, TILE):
        for j in range(0, columns, width):
            tile = out[i : i + TILE, j : j + width]
            np.matmul(left[i : i + TILE, :TILE], right[:TILE, j : j + width], out=tile)
            for k in range(TILE, terms, TILE):
                tile += left[i : i + TILE, k : k + TILE] @ right[k : k + TILE, j : j + width]
    return out

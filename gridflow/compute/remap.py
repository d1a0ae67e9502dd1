"""Conservative averages of cell values over the cells of a coarser grid."""

import numpy as np


def overlaps(fine: np.ndarray, coarse: np.ndarray, period: float | None = None) -> np.ndarray:
    """Length of each fine cell that lies in each coarse cell of an axis.

    Parameters
    ----------
    fine, coarse
        Ascending edges of the cells, shapes (n + 1,) and (m + 1,).
    period
        Period of the axis, for cells that may wrap around. Default: None, for an axis that ends.

    Returns
    -------
    ndarray
        Lengths, shape (m, n). Without gaps between the edges, each column sums to the width of its fine cell.
    """
    found = np.zeros((coarse.size - 1, fine.size - 1))
    for shift in (0.0,) if period is None else (-period, 0.0, period):
        low = np.maximum.outer(coarse[:-1], fine[:-1] + shift)
        high = np.minimum.outer(coarse[1:], fine[1:] + shift)
        found += np.maximum(high - low, 0.0)
    return found

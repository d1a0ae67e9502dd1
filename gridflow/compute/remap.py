"""Conservative averages of cell values over the cells of a coarser grid."""

import numpy as np
from scipy.sparse import coo_array, csr_array


def overlaps(fine: np.ndarray, coarse: np.ndarray, period: float | None = None) -> csr_array:
    """Length of each fine cell that lies in each coarse cell of an axis.

    Parameters
    ----------
    fine, coarse
        Ascending edges of the cells, shapes (n + 1,) and (m + 1,).
    period
        Period of the axis, for cells that may wrap around. Default: None, for an axis that ends.

    Returns
    -------
    csr_array
        Lengths, shape (m, n), of which at most n + m are not 0 on an axis that ends. Without gaps between the edges,
        each column sums to the width of its fine cell.
    """
    rows, columns, lengths = [], [], []
    for shift in (0.0,) if period is None else (-period, 0.0, period):
        moved = fine + shift
        cuts = np.union1d(moved, coarse)
        cuts = cuts[(cuts >= max(moved[0], coarse[0])) & (cuts <= min(moved[-1], coarse[-1]))]
        rows.append(np.searchsorted(coarse, cuts[:-1], side="right") - 1)
        columns.append(np.searchsorted(moved, cuts[:-1], side="right") - 1)
        lengths.append(np.diff(cuts))
    places = np.concatenate(rows), np.concatenate(columns)
    return coo_array((np.concatenate(lengths), places), (coarse.size - 1, fine.size - 1)).tocsr()

"""Numbers read off a density: mass, extrema, distances to the target, volumes of holes."""

import numpy as np
from contourpy import FillType, contour_generator
from skimage.measure import marching_cubes

from gridflow.errors import InputError
from gridflow.flow import Flow
from gridflow.grid import Grid


def mass(grid: Grid, density: np.ndarray) -> float:
    """∫ μ dx = Σ_i μ_i ∏h_a, summed in double precision."""
    return float(density.sum(dtype=float)) * grid.cell_volume


def kmd(flow: Flow, density: np.ndarray) -> float:
    """Kernel mean discrepancy to the target, √(2E) (also called MMD)."""
    return float(np.sqrt(2 * flow.energy(density)))


def volume_below(grid: Grid, field: np.ndarray, level: float) -> float:
    """Volume of ``{field < level}`` by sub-cell contouring of the cell-centre values.

    The field is joined between cell centres: linearly on a line, by marching squares in two dimensions
    (contourpy), by marching cubes in three (scikit-image, Lewiner's tables).

    Parameters
    ----------
    field
        Values at cell centres, shape ``grid.shape``; for cell averages this is accurate to second order.
    level
        The level, in units of the field.

    Returns
    -------
    float
        Volume between 0 and |T|, in units of length^d.
    """
    field = np.asarray(grid.check(field, "the field"), dtype=float)
    if np.isnan(level):
        raise InputError(f"level = {level}: it must be a number")
    above = field - level
    if above.min() >= 0:
        return 0.0
    if above.max() < 0:
        return grid.volume
    # the scale does not matter to a contour, but the libraries' single precision does to small differences
    above /= abs(above).max()
    above[above == 0] = _NOT_BELOW
    period = np.pad(above, [(0, 1)] * grid.dim, mode="wrap")  # one whole period from cell centre to cell centre
    return _BELOW[grid.dim](period) * grid.cell_volume


_NOT_BELOW = 1e-30
"""Stands for a field that equals the level, relative to its range: a number of single precision that is not 0."""


def _length_below(period: np.ndarray) -> float:
    left, right = period[:-1], period[1:]
    crossing = (left < 0) != (right < 0)
    span = np.where(crossing, abs(left) + abs(right), 1.0)
    share_left = np.where(crossing, abs(left) / span, 1.0)
    return float((share_left * (left < 0) + np.where(crossing, (1 - share_left) * (right < 0), 0.0)).sum())


def _area_below(period: np.ndarray) -> float:
    below = contour_generator(z=period, fill_type=FillType.ChunkCombinedOffset).filled(-np.inf, 0.0)
    points, offsets = below[0][0], below[1][0]
    if points is None or offsets is None:
        return 0.0
    x, y = points[:, 0], points[:, 1]
    twice = x[:-1] * y[1:] - x[1:] * y[:-1]
    twice[offsets[1:-1].astype(int) - 1] = 0.0  # no edge joins the end of one polygon to the start of the next
    return abs(float(twice.sum())) / 2


def _volume_below(period: np.ndarray) -> float:
    """Volume inside the closed level surface, by the divergence theorem for the field (0, 0, z).

    A layer of huge values around the period closes the surface: it cuts the edges to that layer within 1e−6 cells.
    """
    closed = np.pad(period, 1, constant_values=1e6)
    vertices, faces, _, _ = marching_cubes(closed, 0.0, allow_degenerate=True)
    a, b, c = (vertices[faces[:, corner]].astype(float) for corner in range(3))
    projected = ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
    return abs(float((projected * (a[:, 2] + b[:, 2] + c[:, 2]) / 3).sum()))


_BELOW = {1: _length_below, 2: _area_below, 3: _volume_below}


def fitted_order(spacings: np.ndarray, errors: np.ndarray) -> float:
    """Slope of log error against log spacing by least squares: the measured order of convergence."""
    spacings, errors = np.asarray(spacings, dtype=float), np.abs(np.asarray(errors, dtype=float))
    if spacings.shape != errors.shape or spacings.size < 2 or (errors == 0).any():
        raise InputError("a fitted order needs at least two spacings with errors that are not zero")
    return float(np.polyfit(np.log(spacings), np.log(errors), 1)[0])

"""Numbers read off a density: mass, extrema, distances to the target, volumes of holes."""

import numpy as np
from contourpy import FillType, contour_generator

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
    low, high = field.min(), field.max()
    if level <= low:
        return 0.0
    if level > high:
        return grid.volume
    period = np.pad(field, [(0, 1)] * grid.dim, mode="wrap")  # one whole period from cell centre to cell centre
    return _BELOW[grid.dim](period, level) * grid.cell_volume


def _length_below(period: np.ndarray, level: float) -> float:
    left, right = period[:-1] - level, period[1:] - level
    crossing = (left < 0) != (right < 0)
    span = np.where(crossing, abs(left) + abs(right), 1.0)
    share_left = np.where(crossing, abs(left) / span, 1.0)
    return float((share_left * (left < 0) + np.where(crossing, (1 - share_left) * (right < 0), 0.0)).sum())


def _area_below(period: np.ndarray, level: float) -> float:
    below = contour_generator(z=period, fill_type=FillType.ChunkCombinedOffset).filled(-np.inf, level)
    points, offsets = below[0][0], below[1][0]
    if points is None or offsets is None:
        return 0.0
    x, y = points[:, 0], points[:, 1]
    twice = x[:-1] * y[1:] - x[1:] * y[:-1]
    twice[offsets[1:-1].astype(int) - 1] = 0.0  # no edge joins the end of one polygon to the start of the next
    return abs(float(twice.sum())) / 2


def _volume_below_surface(period: np.ndarray, level: float) -> float:
    """Volume by the divergence theorem for the field (0, 0, z): only the level surface and the top lid carry flux.

    The side walls are parallel to the flux and the bottom lies at z = 0, so the surface need not be closed.
    """
    # imported here: it takes a second, and only three-dimensional holes need it
    from skimage.measure import marching_cubes

    vertices, faces, _, _ = marching_cubes(period, level, gradient_direction="descent", allow_degenerate=False)
    a, b, c = (vertices[faces[:, corner]].astype(float) for corner in range(3))
    projected = ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
    height = (a[:, 2] + b[:, 2] + c[:, 2]) / 3
    lid = period[:, :, -1]
    top = 0.0 if lid.min() >= level else _area_below(lid, level)
    return float((projected * height).sum()) + (period.shape[2] - 1) * top


_BELOW = {1: _length_below, 2: _area_below, 3: _volume_below_surface}


def fitted_order(spacings: np.ndarray, errors: np.ndarray) -> float:
    """Slope of log error against log spacing by least squares: the measured order of convergence."""
    spacings, errors = np.asarray(spacings, dtype=float), np.abs(np.asarray(errors, dtype=float))
    if spacings.shape != errors.shape or spacings.size < 2 or (errors == 0).any():
        raise InputError("a fitted order needs at least two spacings with errors that are not zero")
    return float(np.polyfit(np.log(spacings), np.log(errors), 1)[0])

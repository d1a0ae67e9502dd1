"""Numbers read off a density: mass, extrema, distances to the target, volumes of holes."""

from typing import Any

import numpy as np

from gridflow.domains.base import Domain
from gridflow.equation.flow import Equation
from gridflow.errors import InputError


def mass(grid: Domain, density: np.ndarray) -> float:
    """∫ μ dx, the sum of cell averages times volumes, in double precision."""
    return grid.integral(density)


def kmd(flow: Equation[Any], density: np.ndarray) -> float:
    """Kernel mean discrepancy to the target, √(2E) (also called MMD)."""
    return float(np.sqrt(2 * flow.energy(density)))


def volume_below(grid: Domain, field: np.ndarray, level: float) -> float:
    """Volume of ``{field < level}`` by sub-cell contouring of the cell-centre values.

    The field is joined between cell centres: linearly on a line, by marching squares in two dimensions
    (contourpy), by marching cubes in three (scikit-image, Lewiner's tables). On the sphere by marching squares in
    longitude and height, a map that keeps areas, with the mean of the nearest ring at each pole.

    Parameters
    ----------
    field
        Values at cell centres, shape ``grid.shape``; for cell averages this is accurate to second order.
    level
        The level, in units of the field.

    Returns
    -------
    float
        Volume between 0 and that of the grid, in units of length^d.
    """
    field = grid.check(field, "the field")
    if np.isnan(level):
        raise InputError(f"level = {level}: it must be a number")
    lowest, highest = float(field.min()), float(field.max())
    if lowest >= level:
        return 0.0
    if highest < level:
        return grid.volume
    return grid.contoured_volume(field, level)


def fitted_order(spacings: np.ndarray, errors: np.ndarray) -> float:
    """Slope of log error against log spacing by least squares: the measured order of convergence."""
    spacings, errors = np.asarray(spacings, dtype=float), np.abs(np.asarray(errors, dtype=float))
    if spacings.shape != errors.shape or spacings.size < 2 or (errors == 0).any():
        raise InputError("a fitted order needs at least two spacings with errors that are not zero")
    return float(np.polyfit(np.log(spacings), np.log(errors), 1)[0])

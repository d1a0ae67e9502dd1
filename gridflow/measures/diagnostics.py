"""Quantities computed from a density: mass, distance to the target, volumes of holes; orders of convergence."""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gridflow.arguments import takes_numbers
from gridflow.domains.base import Domain
from gridflow.equation.flow import Equation
from gridflow.errors import InputError
from gridflow.measures.holes import Hole, holes

__all__ = ["Hole", "crossing_time", "fitted_order", "holes", "kmd", "mass", "volume_below"]


def mass(grid: Domain, density: np.ndarray) -> float:
    """Mass ∫ μ dx of a density, summed in double precision.

    Parameters
    ----------
    grid
        Any domain.
    density
        Cell averages (mass / volume), shape ``grid.shape``.
    """
    return grid.integral(density)


def kmd(flow: Equation[Any], density: np.ndarray) -> float:
    """Kernel mean discrepancy to the target, √(2E), also called MMD.

    Parameters
    ----------
    flow
        The equation, which holds the kernel and the target.
    density
        Cell averages (mass / volume), shape ``flow.grid.shape``.

    Raises
    ------
    InputError
        If the density has the wrong shape or is not finite.
    """
    return float(np.sqrt(2 * flow.energy(density)))


@takes_numbers
def volume_below(grid: Domain, field: np.ndarray, level: float) -> float:
    """Volume of ``{field < level}`` by sub-cell contouring of the cell-centre values.

    The field is interpolated between cell centres: linearly in one dimension, by marching squares in two (contourpy)
    and by marching cubes in three (scikit-image, Lewiner's tables). On the sphere, marching squares act in longitude
    and height, an area-preserving map; the value at each pole is the mean of the nearest ring.

    Parameters
    ----------
    grid
        Any domain that is divided into cells.
    field
        Values at cell centres, shape ``grid.shape``. Cell averages give second-order accuracy.
    level
        The level, in units of the field.

    Returns
    -------
    float
        Volume between 0 and that of the grid (length^d).

    Raises
    ------
    InputError
        If the field has the wrong shape or is not finite, or the level is NaN.
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


@takes_numbers
def crossing_time(times: ArrayLike, values: ArrayLike, level: float) -> float:
    """Time at which a falling curve first reaches a level, by interpolation of its logarithm; infinite if it does not.

    Parameters
    ----------
    times, values
        Ascending times, and values ≥ 0 then, shapes (n,).
    level
        The level, positive.
    """
    times, values = np.asarray(times, dtype=float), np.asarray(values, dtype=float)
    below = np.flatnonzero(values <= level)
    if below.size == 0:
        return math.inf
    after = int(below[0])
    if after == 0:
        return float(times[0])
    (t0, t1), (v0, v1) = times[after - 1 : after + 1], values[after - 1 : after + 1]
    share = math.log(v0 / level) / math.log(v0 / v1) if v1 > 0 else 1.0
    return float(t0 + share * (t1 - t0))


def fitted_order(spacings: np.ndarray, errors: np.ndarray) -> float:
    """Measured order of convergence: the least-squares slope of log error against log spacing.

    Parameters
    ----------
    spacings, errors
        Grid spacings and errors, at least two of each; the sign of an error does not matter.

    Raises
    ------
    InputError
        If the shapes differ, there are fewer than two values, or an error is zero.
    """
    spacings, errors = np.asarray(spacings, dtype=float), np.abs(np.asarray(errors, dtype=float))
    if spacings.shape != errors.shape or spacings.size < 2 or (errors == 0).any():
        raise InputError("a fitted order needs at least two spacings with errors that are not zero")
    return float(np.polyfit(np.log(spacings), np.log(errors), 1)[0])

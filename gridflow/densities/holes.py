"""Constant densities with holes on the torus, exact cell averages of indicator functions.

The volume fraction of each hole is that of :mod:`gridflow.densities.regions`.
"""

from collections.abc import Sequence

import numpy as np

from gridflow.densities import regions
from gridflow.densities.base import normalize, register_density
from gridflow.domains.torus import Grid
from gridflow.equation.kernels.base import Positive


@register_density("ball_hole", region=regions.ball)
def ball_hole(grid: Grid, radius: Positive, center: Sequence[float] | None = None, mass: Positive = 1.0) -> np.ndarray:
    """A constant density with an empty ball; see :func:`gridflow.densities.regions.ball`.

    Parameters
    ----------
    grid
        A periodic grid.
    radius
        Radius in units of length, at most half of the shortest period.
    center
        Position of the centre, d numbers in units of length, taken modulo the periods. Default: the centre of the
        torus.
    mass
        Total mass ∫ μ dx.

    Returns
    -------
    ndarray
        Cell averages, float64 of shape ``grid.shape`` (mass / volume): 0 inside the hole, constant outside.

    Raises
    ------
    InputError
        If the radius or the centre is not allowed, or the mass is not positive.
    """
    return normalize(grid, 1 - regions.ball(grid, radius, center), mass)


@register_density("box_hole", region=regions.box)
def box_hole(
    grid: Grid, sides: Positive | Sequence[Positive], center: Sequence[float] | None = None, mass: Positive = 1.0
) -> np.ndarray:
    """A constant density with an empty axis-aligned box; see :func:`gridflow.densities.regions.box`.

    Parameters
    ----------
    grid
        A periodic grid.
    sides
        Side length along each axis in units of length, or one number for a cube; at most the period.
    center
        Position of the centre, d numbers in units of length, taken modulo the periods. Default: the centre of the
        torus.
    mass
        Total mass ∫ μ dx.

    Returns
    -------
    ndarray
        Cell averages, float64 of shape ``grid.shape`` (mass / volume): 0 inside the hole, constant outside.

    Raises
    ------
    InputError
        If a side or the centre is not allowed, or the mass is not positive.
    """
    return normalize(grid, 1 - regions.box(grid, sides, center), mass)


@register_density("shell_hole", region=regions.shell)
def shell_hole(
    grid: Grid, inner: Positive, outer: Positive, center: Sequence[float] | None = None, mass: Positive = 1.0
) -> np.ndarray:
    """A constant density with an empty shell; see :func:`gridflow.densities.regions.shell`.

    Parameters
    ----------
    grid
        A periodic grid.
    inner, outer
        Radii in units of length, ``0 < inner < outer``, ``outer`` at most half of the shortest period.
    center
        Position of the centre, d numbers in units of length, taken modulo the periods. Default: the centre of the
        torus.
    mass
        Total mass ∫ μ dx.

    Returns
    -------
    ndarray
        Cell averages, float64 of shape ``grid.shape`` (mass / volume): 0 inside the hole, constant outside.

    Raises
    ------
    InputError
        If the radii or the centre are not allowed, or the mass is not positive.
    """
    return normalize(grid, 1 - regions.shell(grid, inner, outer, center), mass)


@register_density("lattice_of_holes", region=regions.lattice)
def lattice_of_holes(grid: Grid, counts: int | Sequence[int], radius: Positive, mass: Positive = 1.0) -> np.ndarray:
    """A constant density with a lattice of empty balls; see :func:`gridflow.densities.regions.lattice`.

    Parameters
    ----------
    grid
        A periodic grid.
    counts
        Number of balls along each axis, or one number for all; at least 1 each.
    radius
        Radius of every ball in units of length, at most half of the lattice pitch.
    mass
        Total mass ∫ μ dx.

    Returns
    -------
    ndarray
        Cell averages, float64 of shape ``grid.shape`` (mass / volume): 0 inside the hole, constant outside.

    Raises
    ------
    InputError
        If a count or the radius is not allowed, or the mass is not positive.
    """
    return normalize(grid, 1 - regions.lattice(grid, counts, radius), mass)

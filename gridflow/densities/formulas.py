"""Densities from formulas, such as ``1 + 0.5*sin(2*pi*x)``, on every domain."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gridflow.compute.expressions import Formula, parse
from gridflow.densities.base import register_density
from gridflow.densities.sphere import from_function_on_sphere
from gridflow.densities.torus import from_function
from gridflow.domains.base import Domain
from gridflow.domains.sphere import SphereGrid
from gridflow.domains.torus import Grid
from gridflow.equation.kernels.base import Positive
from gridflow.errors import InputError

_HALVINGS = {1: 20, 2: 5, 3: 2}
"""How often a cell that a jump cuts is halved, by dimension: as often as costs about as much as the smooth cells do."""


class _Meaning(NamedTuple):
    """What a formula means on a domain: the names of its variables, and the averages of its function."""

    variables: Callable[..., list[str]]
    averages: Callable[..., np.ndarray]


def _lengths(grid: Grid) -> dict[str, float]:
    return {f"L{name}": length for name, length in zip("xyz", grid.lengths, strict=False)}


def _on_torus(grid: Grid, formula: Formula, mass: float) -> np.ndarray:
    def function(*at: np.ndarray) -> np.ndarray:
        return formula(**dict(zip("xyz", at, strict=False)), **_lengths(grid))

    return from_function(grid, function, mass, halvings=_HALVINGS[grid.dim])


def _on_sphere(grid: SphereGrid, formula: Formula, mass: float) -> np.ndarray:
    def function(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        theta, phi = np.arctan2(np.hypot(x, y), z), np.arctan2(y, x) % (2 * np.pi)
        return np.broadcast_to(formula(x=x, y=y, z=z, theta=theta, phi=phi), x.shape)

    return from_function_on_sphere(grid, function, mass, halvings=_HALVINGS[grid.dim])


_MEANINGS: dict[type[Domain], _Meaning] = {
    Grid: _Meaning(lambda grid: ["x", "y", "z"][: grid.dim] + list(_lengths(grid)), _on_torus),
    SphereGrid: _Meaning(lambda grid: ["x", "y", "z", "theta", "phi"], _on_sphere),  # noqa: ARG005 - by domain
}


@register_density("expression")
def from_expression(grid: Domain, expression: str, mass: Positive = 1.0) -> np.ndarray:
    """Cell averages of a formula, scaled to a mass.

    The averages are those of Gauss–Legendre quadrature. Cells in which it has not settled, such as those that a jump
    cuts, are halved several times along every axis.

    Parameters
    ----------
    grid
        Any domain with cells.
    expression
        The formula; see :func:`gridflow.compute.expressions.parse`. Its variables are the position x, y, z in units of
        length and the periods Lx, Ly, Lz, as many as there are dimensions. On the sphere they are the unit vector
        x, y, z, the colatitude theta in [0, π] and the longitude phi in [0, 2π).
    mass
        Total mass ∫ μ dx.

    Returns
    -------
    ndarray
        Cell averages, float64 of shape ``grid.shape`` (mass / volume).

    Raises
    ------
    InputError
        If a piece of the formula is not allowed, an average is negative or not finite, or the mass is not positive.
    """
    meaning = grid.one_of(_MEANINGS, "density by a formula")
    formula = parse(expression, meaning.variables(grid))
    try:
        return meaning.averages(grid, formula, mass)
    except InputError as error:
        raise InputError(f'expression = "{formula.text}": {error}') from None

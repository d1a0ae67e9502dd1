"""Densities on every domain: the constant one, sums and products."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from annotated_types import MinLen

from gridflow.densities.base import normalize, register_density
from gridflow.domains.base import Domain
from gridflow.equation.kernels.base import Positive

Terms = Annotated[Sequence[np.ndarray], MinLen(1)]


@register_density("uniform")
def uniform(grid: Domain, mass: Positive = 1.0) -> np.ndarray:
    """The constant density ``mass / |domain|``.

    Parameters
    ----------
    grid
        Any domain.
    mass
        Total mass ∫ μ dx.

    Returns
    -------
    ndarray
        Cell averages, float64 of shape ``grid.shape`` (mass / volume).

    Raises
    ------
    InputError
        If the mass is not positive.
    """
    return normalize(grid, np.ones(grid.shape), mass)


@register_density("sum")
def sum_of(grid: Domain, terms: Terms, mass: Positive = 1.0) -> np.ndarray:
    """A weighted sum of densities; each is weighted by its own mass.

    Parameters
    ----------
    grid
        Where the densities live.
    terms
        Cell averages, each of shape ``grid.shape``, ≥ 0; at least one.
    mass
        Total mass ∫ μ dx.

    Raises
    ------
    InputError
        If a term is not a density on the grid, or the mass is not positive.
    """
    return normalize(grid, np.sum(terms, axis=0), mass)


@register_density("product")
def product_of(grid: Domain, terms: Terms, mass: Positive = 1.0) -> np.ndarray:
    """A product of densities, cell by cell.

    Parameters
    ----------
    grid
        Where the densities live.
    terms
        Cell averages, each of shape ``grid.shape``, ≥ 0; at least one.
    mass
        Total mass ∫ μ dx.

    Raises
    ------
    InputError
        If a term is not a density on the grid, the product is 0 everywhere, or the mass is not positive.
    """
    return normalize(grid, np.prod(terms, axis=0), mass)

"""Gaussian kernels."""

import math
from dataclasses import dataclass

import numpy as np

from gridflow.arguments import takes_numbers
from gridflow.domains.base import Domain
from gridflow.domains.torus import torus
from gridflow.equation.kernels.base import Kernel, Positive
from gridflow.errors import InputError


@takes_numbers
@dataclass(frozen=True)
class Gaussian(Kernel, kind="gaussian"):
    """The Gaussian kernel ``K(x) = exp(−|x|² / (2 w²))``, summed over periods.

    ``K̂(ξ) = (2π w²)^{d/2} exp(−w² |ξ|² / 2)``.

    Parameters
    ----------
    width
        Bandwidth w in units of length, positive.

    Raises
    ------
    InputError
        If the width is not positive and finite.
    """

    width: Positive

    def __post_init__(self) -> None:
        if not (math.isfinite(self.width) and self.width > 0):
            raise InputError(f"Gaussian width = {self.width}: it must be positive")

    def multiplier(self, grid: Domain) -> np.ndarray:
        """Symbol K̂ on the half-spectrum, float64 of shape ``grid.spectral_shape``; InputError on a sphere."""
        grid = torus(grid, "a Gaussian kernel")
        xi_squared = grid.laplacian_symbol("spectral")
        return (2 * np.pi * self.width**2) ** (grid.dim / 2) * np.exp(-0.5 * self.width**2 * xi_squared)

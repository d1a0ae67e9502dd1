"""Matérn kernels."""

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
class Matern(Kernel, kind="matern"):
    """The Matérn kernel of smoothness ν and correlation length ℓ, periodised; K(0) = 1 before periodisation.

    ``K(x) = 2^{1−ν}/Γ(ν) z^ν K_ν(z)`` with ``z = √(2ν) |x| / ℓ``; ν = ½ is the Laplace kernel ``exp(−|x|/ℓ)``.
    ``K̂(ξ) = 2^d π^{d/2} Γ(ν + d/2) / Γ(ν) · (2ν/ℓ²)^ν · (2ν/ℓ² + |ξ|²)^{−ν−d/2}``.

    Parameters
    ----------
    nu
        Smoothness ν, positive.
    length
        Correlation length ℓ in units of length, positive.

    Raises
    ------
    InputError
        If a parameter is not positive and finite.

    References
    ----------
    Rasmussen and Williams, *Gaussian Processes for Machine Learning*, MIT Press 2006, equation 4.15.
    """

    nu: Positive
    length: Positive

    def __post_init__(self) -> None:
        if not (math.isfinite(self.nu) and self.nu > 0):
            raise InputError(f"Matérn nu = {self.nu}: it must be positive")
        if not (math.isfinite(self.length) and self.length > 0):
            raise InputError(f"Matérn length = {self.length}: it must be positive")

    def multiplier(self, grid: Domain) -> np.ndarray:
        """Symbol K̂ on the half-spectrum, float64 of shape ``grid.spectral_shape``; InputError on a sphere."""
        grid = torus(grid, "a Matérn kernel")
        half_dim = grid.dim / 2
        inverse_square = 2 * self.nu / self.length**2
        gammas = math.exp(math.lgamma(self.nu + half_dim) - math.lgamma(self.nu))
        decay = (1 + grid.laplacian_symbol("spectral") / inverse_square) ** -(self.nu + half_dim)
        return (4 * np.pi / inverse_square) ** half_dim * gammas * decay

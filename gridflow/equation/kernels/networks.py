"""Kernels of shallow networks."""

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le

from gridflow.domains.base import Domain
from gridflow.domains.sphere import area_of_sphere
from gridflow.equation.kernels.base import Kernel
from gridflow.errors import InputError


class OfActivation(Kernel):
    """What the kernels of shallow networks share: ``K(θ, θ') = ∫ σ(θ·x) σ(θ'·x) dρ(x)``, ρ uniform on S^d.

    An activation acts on a measure of directions as ``f(x) = ∫ σ(θ·x) dμ(θ)``, which multiplies harmonics of degree ℓ
    by the Funk–Hecke number λ_ℓ of σ; half the mean square of f is then ``½ Σ K̂_ℓ |μ_ℓm|²`` with K̂_ℓ = λ_ℓ² / |S^d|.
    """

    @abstractmethod
    def eigenvalues(self, dim: int, degrees: int) -> np.ndarray:
        """λ_0 … λ_{degrees−1} on S^dim."""

    def multiplier(self, grid: Domain) -> np.ndarray:
        """K̂; InputError unless the domain is a circle or a sphere."""
        if grid.sphere_dim is None:
            raise InputError(f"{self} lives on spheres, S¹ is Circle and S² is SphereGrid, not on {grid}")
        degrees = grid.spectral_shape[0]
        return self.scale(grid.dim) * self.eigenvalues(grid.dim, degrees) ** 2 / area_of_sphere(grid.dim)

    def scale(self, dim: int) -> float:  # noqa: ARG002 - depends on it for some
        """How many times as large K is for the inputs meant as for uniform ones on S^dim."""
        return 1.0


@dataclass(frozen=True)
class ReLU(OfActivation, kind="relu"):
    """The kernel of a shallow network with the activation ``σ(t) = max(t, 0)^α`` on S^d: half an arc-cosine kernel.

    Its symbol is 0 for degrees ℓ ≥ α + 2 with ℓ − α even (for ReLU itself the odd ones from 3 on), to which no loss can
    see, and falls like ℓ^{−2s}, s = (d + 2α + 1) / 2, at the others.

    Parameters
    ----------
    power
        α: 0 (a step), 1 (ReLU), 2 and more.
    inputs
        ``uniform`` on the unit sphere, or ``gaussian``, standard normal in R^{d+1}: the same kernel times E|x|^{2α}.

    References
    ----------
    Cho and Saul, NeurIPS 2009 (arc-cosine kernels); Bach, J. Mach. Learn. Res. 18 (2017) 19 (their harmonics);
    Chizat, Colombo, Colombo, Fernández-Real, arXiv:2603.01977.
    """

    power: Annotated[int, Ge(0), Le(8)] = 1
    inputs: Literal["uniform", "gaussian"] = "uniform"

    def __post_init__(self) -> None:
        if isinstance(self.power, bool) or not isinstance(self.power, int) or not 0 <= self.power <= 8:
            raise InputError(f"ReLU power = {self.power!r}: a whole number from 0 to 8 is needed")
        if self.inputs not in ("uniform", "gaussian"):
            raise InputError(f'ReLU inputs "{self.inputs}": allowed are "uniform" and "gaussian"')

    @property
    def label(self) -> str:
        """The activation."""
        return "ReLU" if self.power == 1 else f"ReLU to the power {self.power}"

    def order(self, dim: int) -> float:
        """s = (d + 2α + 1) / 2, the Riesz order with the same decay of the symbol."""
        return (dim + 2 * self.power + 1) / 2

    def activation(self, t: np.ndarray) -> np.ndarray:
        """σ(t)."""
        positive: np.ndarray = np.maximum(t, 0)
        return positive**self.power if self.power else (t > 0).astype(float)

    def eigenvalues(self, dim: int, degrees: int) -> np.ndarray:
        """λ_ℓ = |S^{d−1}| ∫_0^1 t^α P_ℓ(t) (1 − t²)^{(d−2)/2} dt, P_ℓ(1) = 1, in closed form.

        λ_0 and λ_1 are beta functions and ``λ_{ℓ+2} = λ_ℓ (α − ℓ) / (α + ℓ + d + 1)``.
        """
        result = np.zeros(max(degrees, 2))
        around = area_of_sphere(dim - 1) if dim > 1 else 2.0
        for degree in (0, 1):
            p, q = (self.power + 1 + degree) / 2, dim / 2
            result[degree] = around / 2 * math.exp(math.lgamma(p) + math.lgamma(q) - math.lgamma(p + q))
            later = np.arange(degree, degrees - 2, 2.0)
            ratios = (self.power - later) / (self.power + later + dim + 1)
            result[degree + 2 :: 2] = result[degree] * np.cumprod(ratios)
        return result[:degrees]

    def scale(self, dim: int) -> float:
        """E|x|^{2α} of the inputs."""
        if self.inputs == "uniform":
            return 1.0
        return math.prod(dim + 1 + 2 * j for j in range(self.power))

    def between(self, cosine: np.ndarray, dim: int) -> np.ndarray:
        """K of two directions of S^dim with θ·θ' = cosine, in closed form for α ≤ 2.

        ``J_α(φ) / (2π)`` over E|x|^{2α}, with J_0 = π − φ, J_1 = sin φ + (π − φ) cos φ and
        J_2 = 3 sin φ cos φ + (π − φ) (1 + 2 cos² φ).

        Raises
        ------
        InputError
            For α > 2.
        """
        return self._closed(np.asarray(cosine, dtype=float), dim, derivative=False)

    def slope(self, cosine: np.ndarray, dim: int) -> np.ndarray:
        """dK / d cosine: for α = 1 that of J_1 is π − φ, for α = 2 it is 4 J_1; α = 0 has none that is bounded."""
        return self._closed(np.asarray(cosine, dtype=float), dim, derivative=True)

    def _closed(self, cosine: np.ndarray, dim: int, derivative: bool) -> np.ndarray:
        if self.power > 2 or (derivative and self.power == 0):
            raise InputError(f"{self} has no closed form here; allowed are powers 0 to 2, with slopes 1 and 2")
        cosine = np.clip(cosine, -1.0, 1.0)
        angle = np.arccos(cosine)
        first = np.sqrt((1 - cosine) * (1 + cosine)) + (np.pi - angle) * cosine
        if derivative:
            found = np.pi - angle if self.power == 1 else 4 * first
        elif self.power == 0:
            found = np.pi - angle
        elif self.power == 1:
            found = first
        else:
            found = 3 * np.sqrt((1 - cosine) * (1 + cosine)) * cosine + (np.pi - angle) * (1 + 2 * cosine**2)
        gaussian = math.prod(dim + 1 + 2 * j for j in range(self.power))
        result: np.ndarray = found * (self.scale(dim) / gaussian / (2 * np.pi))
        return result


@dataclass(frozen=True)
class Activation(OfActivation):
    """The kernel of a shallow network with an activation of the user's own, for inputs uniform on the sphere.

    Parameters
    ----------
    function
        σ on [−1, 1], called with an array; smooth on either side of 0. Or, if ``given_numbers``, λ_ℓ as a function of
        an array of degrees, for the sphere it will be used on.
    given_numbers
        Whether the function gives the Funk–Hecke numbers themselves.
    """

    function: Callable[[np.ndarray], np.ndarray]
    given_numbers: bool = False

    def eigenvalues(self, dim: int, degrees: int) -> np.ndarray:
        """λ_ℓ, by Gauss quadrature on either side of 0 to 1e−14 of the largest for functions smooth there."""
        if self.given_numbers:
            found = np.broadcast_to(np.asarray(self.function(np.arange(degrees)), dtype=float), (degrees,))
        else:
            found = _funk_hecke(self.function, dim, degrees)
        if not np.isfinite(found).all():
            degree = int(np.argmin(np.isfinite(found)))
            raise InputError(f"the activation's number of degree {degree} is {found[degree]}; it must be finite")
        return found


def _funk_hecke(function: Callable[[np.ndarray], np.ndarray], dim: int, degrees: int) -> np.ndarray:
    """λ_ℓ = |S^{d−1}| ∫ σ(cos γ) P_ℓ(cos γ) sin^{d−1} γ dγ, by Gauss–Legendre in the angle γ on either side of π/2."""
    nodes, weights = np.polynomial.legendre.leggauss(degrees + 64)
    around = area_of_sphere(dim - 1) if dim > 1 else 2.0
    result = np.zeros(degrees)
    for middle in (np.pi / 4, 3 * np.pi / 4):
        angle = middle + np.pi / 4 * nodes
        t = np.cos(angle)
        weight = around * np.pi / 4 * weights * np.sin(angle) ** (dim - 1) * np.asarray(function(t), dtype=float)
        before, here = np.ones_like(t), t
        for degree in range(degrees):
            result[degree] += before @ weight
            ahead = ((2 * degree + dim + 1) * t * here - (degree + 1) * before) / (degree + dim)
            before, here = here, ahead
    return result

"""Kernels of shallow networks."""

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le

from gridflow.arguments import takes_numbers
from gridflow.domains.base import Domain
from gridflow.domains.sphere import area_of_sphere
from gridflow.equation.kernels.base import Kernel
from gridflow.errors import InputError, is_whole


class OfActivation(Kernel):
    """Base class of the kernels of shallow networks: ``K(θ, θ') = ∫ σ(θ·x) σ(θ'·x) dρ(x)``, ρ uniform on S^d.

    A network is ``f(x) = ∫ σ(θ·x) dμ(θ)`` with a measure μ of directions. This map multiplies harmonics of degree ℓ by
    the Funk–Hecke coefficient λ_ℓ of σ. Half the mean square of f is then ``½ Σ K̂_ℓ |μ_ℓm|²`` with K̂_ℓ = λ_ℓ² /
    |S^d|.
    """

    sees_all = False

    @abstractmethod
    def eigenvalues(self, dim: int, degrees: int) -> np.ndarray:
        """Funk–Hecke coefficients λ_0, …, λ_{degrees−1} on S^dim, float64 of shape (degrees,)."""

    def multiplier(self, grid: Domain) -> np.ndarray:
        """K̂; InputError unless the domain is a circle or a sphere."""
        if grid.sphere_dim is None:
            raise InputError(f"{self} lives on spheres, S¹ is Circle and S² is SphereGrid, not on {grid}")
        degrees = grid.spectral_shape[0]
        return self.scale(grid.dim) * self.eigenvalues(grid.dim, degrees) ** 2 / area_of_sphere(grid.dim)

    def scale(self, dim: int) -> float:  # noqa: ARG002 - some subclasses depend on it
        """Ratio of K for the intended distribution of inputs to K for uniform inputs on S^dim."""
        return 1.0


@takes_numbers
@dataclass(frozen=True)
class ReLU(OfActivation, kind="relu"):
    """The kernel of a shallow network with activation ``σ(t) = max(t, 0)^α`` on S^d: half an arc-cosine kernel.

    Its symbol vanishes for degrees ℓ ≥ α + 2 with ℓ − α even, so the loss cannot see those modes. For ReLU itself they
    are the odd degrees from 3 on. At the other degrees the symbol decays like ℓ^{−2s} with s = (d + 2α + 1) / 2.

    Parameters
    ----------
    power
        Exponent α, from 0 (a step) to 8. Default: 1 (ReLU).
    inputs
        ``uniform`` on the unit sphere (default), or ``gaussian``, standard normal in R^{d+1}, which multiplies the
        kernel by E|x|^{2α}.

    Raises
    ------
    InputError
        If an argument is not allowed.

    References
    ----------
    Cho and Saul, NeurIPS 2009 (arc-cosine kernels); Bach, J. Mach. Learn. Res. 18 (2017) 19 (their harmonics);
    Chizat, Colombo, Colombo, Fernández-Real, arXiv:2603.01977.
    """

    power: Annotated[int, Ge(0), Le(8)] = 1
    inputs: Literal["uniform", "gaussian"] = "uniform"

    def __post_init__(self) -> None:
        if not (is_whole(self.power, 0) and self.power <= 8):
            raise InputError(f"ReLU power = {self.power!r}: a whole number from 0 to 8 is needed")
        object.__setattr__(self, "power", int(self.power))
        if self.inputs not in ("uniform", "gaussian"):
            raise InputError(f'ReLU inputs "{self.inputs}": allowed are "uniform" and "gaussian"')

    @property
    def label(self) -> str:
        """Name of the activation."""
        return "ReLU" if self.power == 1 else f"ReLU to the power {self.power}"

    def order(self, dim: int) -> float:
        """Order s = (d + 2α + 1) / 2 of the Riesz kernel whose symbol decays at the same rate on S^dim."""
        return (dim + 2 * self.power + 1) / 2

    def activation(self, t: np.ndarray) -> np.ndarray:
        """Activation σ(t), element by element; returns an array of the same shape."""
        positive: np.ndarray = np.maximum(t, 0)
        return positive**self.power if self.power else (t > 0).astype(float)

    def eigenvalues(self, dim: int, degrees: int) -> np.ndarray:
        """Funk–Hecke coefficients λ_ℓ on S^dim in closed form, float64 of shape (degrees,).

        ``λ_ℓ = |S^{d−1}| ∫_0^1 t^α P_ℓ(t) (1 − t²)^{(d−2)/2} dt`` with P_ℓ(1) = 1. λ_0 and λ_1 are beta functions, and
        ``λ_{ℓ+2} = λ_ℓ (α − ℓ) / (α + ℓ + d + 1)``.
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
        """Moment E|x|^{2α} of the inputs; 1 for uniform ones."""
        if self.inputs == "uniform":
            return 1.0
        return math.prod(dim + 1 + 2 * j for j in range(self.power))

    def between(self, cosine: np.ndarray, dim: int) -> np.ndarray:
        """Kernel K(θ, θ') in closed form for α ≤ 2.

        ``J_α(φ) / (2π)`` divided by the Gaussian moment E|x|^{2α}, with φ the angle between θ and θ', J_0 = π − φ,
        J_1 = sin φ + (π − φ) cos φ and J_2 = 3 sin φ cos φ + (π − φ) (1 + 2 cos² φ).

        Parameters
        ----------
        cosine
            Values of θ·θ' for directions on S^dim, any shape.
        dim
            Dimension d of the sphere.

        Returns
        -------
        ndarray
            Float64, the shape of ``cosine``.

        Raises
        ------
        InputError
            If α > 2.

        References
        ----------
        Cho and Saul, NeurIPS 2009.
        """
        return self._closed(np.asarray(cosine, dtype=float), dim, derivative=False)

    def slope(self, cosine: np.ndarray, dim: int) -> np.ndarray:
        """Derivative of :meth:`between` in ``cosine``, for α = 1, where J_1' = π − φ, and α = 2, where J_2' = 4 J_1.

        Raises
        ------
        InputError
            If α > 2, or α = 0, where the derivative is unbounded.
        """
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
    """The kernel of a shallow network with a user-defined activation, for inputs uniform on the sphere.

    Parameters
    ----------
    function
        Activation σ on [−1, 1], called with an array; it must be smooth on either side of 0. If ``given_numbers``, it
        instead returns λ_ℓ for an array of degrees, for the sphere on which the kernel will be used.
    given_numbers
        Whether the function returns the Funk–Hecke coefficients themselves. Default: False.
    """

    function: Callable[[np.ndarray], np.ndarray]
    given_numbers: bool = False

    def eigenvalues(self, dim: int, degrees: int) -> np.ndarray:
        """Funk–Hecke coefficients λ_ℓ on S^dim, by Gauss quadrature on either side of 0.

        For functions smooth there, the error is 1e−14 relative to the largest coefficient.

        Returns
        -------
        ndarray
            Float64 of shape (degrees,).

        Raises
        ------
        InputError
            If a coefficient is not finite.
        """
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

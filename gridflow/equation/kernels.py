"""Positive-definite invariant kernels, each one symbol.

A kernel K acts on a function f on the torus as a multiplier, ``(K * f)^_k = K̂(ξ) f̂_k`` with
``K̂(ξ) = ∫ K(x) e^{−iξ·x} dx ≥ 0``. The kernel mean discrepancy of two densities is
``KMD² = |T| Σ_k K̂(ξ_k) |f̂_k|²`` with f their difference. On the sphere it is the same with spherical harmonics:
``(K * f)_ℓm = K̂_ℓ f_ℓm`` and ``KMD² = Σ K̂_ℓ |f_ℓm|²``.
"""

import ast
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from gridflow.domains.sphere import SphereGrid, area_of_sphere
from gridflow.domains.torus import Domain, Grid, torus
from gridflow.errors import InputError


class Kernel(Protocol):
    """Anything with a symbol on a domain."""

    def multiplier(self, grid: Domain) -> np.ndarray:
        """K̂ at the modes that the grid keeps, float64 of shape ``grid.spectral_shape``, ≥ 0.

        Those are the half-spectrum of a torus and the degrees ℓ of a sphere.
        """


def laplacian_symbol(grid: Domain, kind: Literal["mimetic", "spectral"]) -> np.ndarray:
    """Symbol λ of −Δ at the modes that a grid keeps, in 1 / length².

    ``mimetic`` is the symbol of the standard (2d + 1)-point stencil on a torus, ``Σ_a (2 sin(ξ_a h_a / 2) / h_a)²``;
    ``spectral`` is ``|ξ|²``, on the sphere ``ℓ (ℓ + 1)``.
    """
    if isinstance(grid, SphereGrid):
        if kind == "mimetic":
            raise InputError('the "mimetic" symbol is that of a uniform grid; on the sphere there is "spectral"')
        degrees = np.arange(grid.lmax + 1.0)
        return degrees * (degrees + 1)
    grid = torus(grid, "a Laplacian")
    result = np.zeros(grid.spectral_shape)
    for xi, h in zip(grid.wavevector(), grid.spacing, strict=True):
        result += (2 * np.sin(xi * h / 2) / h) ** 2 if kind == "mimetic" else xi**2
    return result


@dataclass(frozen=True)
class Riesz:
    """The Riesz kernel of order s: the potential solves ``(−Δ)^s V = μ − ν``, so ``K̂ = λ^{−s}``.

    s = 1 is the Coulomb kernel. Any s > 0 is allowed; the source paper treats s ≥ 1, and 0 < s < 1 is the range of
    fractional porous-medium flows.

    Parameters
    ----------
    s
        Order, positive.
    symbol
        Symbol λ of −Δ: ``spectral``, |ξ|², is exact for band-limited functions; ``mimetic`` is that of the standard
        stencil and makes the discrete Coulomb velocity by differences satisfy ∇·v = μ − ν exactly.

    References
    ----------
    Chizat, Colombo, Colombo, Fernández-Real, arXiv:2603.01977.
    """

    s: float
    symbol: Literal["mimetic", "spectral"] = "spectral"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.s) and self.s > 0):
            raise InputError(f"Riesz order s = {self.s}: it must be positive")
        if self.symbol not in ("mimetic", "spectral"):
            raise InputError(f'Riesz symbol "{self.symbol}": allowed are "mimetic" and "spectral"')

    def multiplier(self, grid: Domain) -> np.ndarray:
        """K̂ = λ^{−s} (length^{2s})."""
        laplacian = laplacian_symbol(grid, self.symbol)
        zero_mode = (0,) * laplacian.ndim
        laplacian[zero_mode] = 1.0
        result = laplacian**-self.s
        result[zero_mode] = 0.0  # (−Δ)^{−s} is defined on mean-free functions; V has mean zero
        return result


@dataclass(frozen=True)
class Gaussian:
    """The Gaussian kernel ``K(x) = exp(−|x|² / (2 w²))``, summed over periods.

    ``K̂(ξ) = (2π w²)^{d/2} exp(−w² |ξ|² / 2)``.

    Parameters
    ----------
    width
        Bandwidth w in units of length, positive.
    """

    width: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.width) and self.width > 0):
            raise InputError(f"Gaussian width = {self.width}: it must be positive")

    def multiplier(self, grid: Domain) -> np.ndarray:
        """K̂ on the half-spectrum."""
        grid = torus(grid, "a Gaussian kernel")
        xi_squared = laplacian_symbol(grid, "spectral")
        return (2 * np.pi * self.width**2) ** (grid.dim / 2) * np.exp(-0.5 * self.width**2 * xi_squared)


@dataclass(frozen=True)
class Matern:
    """The Matérn kernel of smoothness ν and correlation length ℓ with K(0) = 1 on the whole space, periodised.

    ``K(x) = 2^{1−ν}/Γ(ν) z^ν K_ν(z)`` with ``z = √(2ν) |x| / ℓ``; ν = ½ is the Laplace kernel ``exp(−|x|/ℓ)``.
    ``K̂(ξ) = 2^d π^{d/2} Γ(ν + d/2) / Γ(ν) · (2ν/ℓ²)^ν · (2ν/ℓ² + |ξ|²)^{−ν−d/2}``.

    Parameters
    ----------
    nu
        Smoothness, positive.
    length
        Correlation length in units of length, positive.

    References
    ----------
    Rasmussen and Williams, *Gaussian Processes for Machine Learning*, MIT Press 2006, equation 4.15.
    """

    nu: float
    length: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.nu) and self.nu > 0):
            raise InputError(f"Matérn nu = {self.nu}: it must be positive")
        if not (math.isfinite(self.length) and self.length > 0):
            raise InputError(f"Matérn length = {self.length}: it must be positive")

    def multiplier(self, grid: Domain) -> np.ndarray:
        """K̂ on the half-spectrum."""
        grid = torus(grid, "a Matérn kernel")
        half_dim = grid.dim / 2
        inverse_square = 2 * self.nu / self.length**2
        gammas = math.exp(math.lgamma(self.nu + half_dim) - math.lgamma(self.nu))
        decay = (1 + laplacian_symbol(grid, "spectral") / inverse_square) ** -(self.nu + half_dim)
        return (4 * np.pi / inverse_square) ** half_dim * gammas * decay


@dataclass(frozen=True)
class Symbol:
    """A kernel given by its own Fourier symbol.

    Parameters
    ----------
    function
        Called as ``function(xi_0, …, xi_{d−1})`` with the broadcastable wave-vector components (1 / length); returns
        K̂, real, ≥ 0 and even in ξ. A value that is not finite at ξ = 0 means a mean-free kernel, K̂(0) = 0. On the
        sphere it is called with the degrees ℓ alone.
    """

    function: Callable[..., np.ndarray]

    def multiplier(self, grid: Domain) -> np.ndarray:
        """K̂ at the modes; InputError where it is not real, finite, nonnegative and even."""
        on_sphere = isinstance(grid, SphereGrid)
        xi = (np.arange(grid.lmax + 1.0),) if isinstance(grid, SphereGrid) else torus(grid, "a symbol").wavevector()
        with np.errstate(all="ignore"):
            given = np.asarray(self.function(*xi))
            mirrored = given if on_sphere else np.asarray(self.function(*(-component for component in xi)))
        if np.iscomplexobj(given):
            raise InputError("the kernel's symbol must be real; the function returned complex values")
        try:
            result = np.array(np.broadcast_to(given, grid.spectral_shape), dtype=float)
            mirrored = np.array(np.broadcast_to(mirrored, grid.spectral_shape), dtype=float)
        except ValueError:
            raise InputError(
                f"the kernel's symbol has shape {given.shape}; it must broadcast to the modes, {grid.spectral_shape}"
            ) from None
        zero_mode = (0,) * result.ndim
        if not np.isfinite(result[zero_mode]):
            result[zero_mode] = mirrored[zero_mode] = 0.0  # a kernel singular at ξ = 0 acts on mean-free functions
        bad = ~np.isfinite(result) | (result < 0)
        if bad.any():
            mode = tuple(np.argwhere(bad)[0])
            at = [float(component.reshape(-1)[i]) for component, i in zip(xi, mode, strict=True)]
            raise InputError(f"the kernel's symbol is {result[mode]} at ξ = {at}; it must be finite and ≥ 0")
        if not np.allclose(result, mirrored, rtol=1e-12, atol=0.0):
            raise InputError("the kernel's symbol must be even, K̂(−ξ) = K̂(ξ), for the potential to be real")
        return result


class OfActivation(ABC):
    """What the kernels of shallow networks share: ``K(θ, θ') = ∫ σ(θ·x) σ(θ'·x) dρ(x)``, ρ uniform on S^d.

    An activation acts on a measure of directions as ``f(x) = ∫ σ(θ·x) dμ(θ)``, which multiplies harmonics of degree ℓ
    by the Funk–Hecke number λ_ℓ of σ; half the mean square of f is then ``½ Σ K̂_ℓ |μ_ℓm|²`` with K̂_ℓ = λ_ℓ² / |S^d|.
    """

    @abstractmethod
    def eigenvalues(self, dim: int, degrees: int) -> np.ndarray:
        """λ_0 … λ_{degrees−1} on S^dim."""

    def multiplier(self, grid: Domain) -> np.ndarray:
        """K̂; InputError unless the grid is a sphere or, for the circle, one axis of period 2π."""
        if isinstance(grid, Grid) and (grid.dim != 1 or not math.isclose(grid.lengths[0], 2 * math.pi, rel_tol=1e-12)):
            raise InputError(
                f"{self} lives on spheres: the circle is a grid of one axis with lengths = [{2 * math.pi!r}] (2π), "
                f"not one of periods {list(grid.lengths)}; S² is SphereGrid"
            )
        degrees = grid.spectral_shape[0]
        return self.scale(grid.dim) * self.eigenvalues(grid.dim, degrees) ** 2 / area_of_sphere(grid.dim)

    def scale(self, dim: int) -> float:  # noqa: ARG002 - depends on it for some
        """How many times as large K is for the inputs meant as for uniform ones on S^dim."""
        return 1.0


@dataclass(frozen=True)
class ReLU(OfActivation):
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

    power: int = 1
    inputs: Literal["uniform", "gaussian"] = "uniform"

    def __post_init__(self) -> None:
        if isinstance(self.power, bool) or not isinstance(self.power, int) or not 0 <= self.power <= 8:
            raise InputError(f"ReLU power = {self.power!r}: a whole number from 0 to 8 is needed")
        if self.inputs not in ("uniform", "gaussian"):
            raise InputError(f'ReLU inputs "{self.inputs}": allowed are "uniform" and "gaussian"')

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


def kernel_from(text: str) -> Kernel:
    """The kernel whose ``repr`` is given, as run directories keep it.

    Raises
    ------
    InputError
        If it is none of :class:`Riesz`, :class:`Gaussian`, :class:`Matern` and :class:`ReLU` (a function has no text).
    """
    known: dict[str, Callable[..., Kernel]] = {kind.__name__: kind for kind in (Riesz, Gaussian, Matern, ReLU)}
    try:
        call = ast.parse(text, mode="eval").body
        assert isinstance(call, ast.Call)
        assert isinstance(call.func, ast.Name)
        make = known[call.func.id]
        options = {keyword.arg or "": ast.literal_eval(keyword.value) for keyword in call.keywords}
    except (SyntaxError, AssertionError, KeyError, ValueError):
        raise InputError(f"the kernel {text} cannot be made again from its text; {', '.join(known)} can") from None
    return make(**options)

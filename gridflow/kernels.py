"""Positive-definite translation-invariant kernels, each one Fourier symbol.

A kernel K acts on a function f on the torus as a multiplier, ``(K * f)^_k = K̂(ξ) f̂_k`` with
``K̂(ξ) = ∫ K(x) e^{−iξ·x} dx ≥ 0``. The kernel mean discrepancy of two densities is
``KMD² = |T| Σ_k K̂(ξ_k) |f̂_k|²`` with f their difference.
"""

import ast
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from gridflow.errors import InputError
from gridflow.grid import Grid


class Kernel(Protocol):
    """Anything with a Fourier symbol on a grid."""

    def multiplier(self, grid: Grid) -> np.ndarray:
        """K̂ at the modes of the grid's half-spectrum, float64 of shape ``grid.spectral_shape``, ≥ 0."""


def laplacian_symbol(grid: Grid, kind: Literal["mimetic", "spectral"]) -> np.ndarray:
    """Symbol λ of −Δ on the half-spectrum, in 1 / length².

    ``mimetic`` is the symbol of the standard (2d + 1)-point stencil, ``Σ_a (2 sin(ξ_a h_a / 2) / h_a)²``;
    ``spectral`` is ``|ξ|²``.
    """
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

    def multiplier(self, grid: Grid) -> np.ndarray:
        """K̂ = λ^{−s} on the half-spectrum (length^{2s})."""
        laplacian = laplacian_symbol(grid, self.symbol)
        zero_mode = (0,) * grid.dim
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

    def multiplier(self, grid: Grid) -> np.ndarray:
        """K̂ on the half-spectrum."""
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

    def multiplier(self, grid: Grid) -> np.ndarray:
        """K̂ on the half-spectrum."""
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
        K̂, real, ≥ 0 and even in ξ. A value that is not finite at ξ = 0 means a mean-free kernel, K̂(0) = 0.
    """

    function: Callable[..., np.ndarray]

    def multiplier(self, grid: Grid) -> np.ndarray:
        """K̂ on the half-spectrum; InputError where it is not real, finite, nonnegative and even."""
        xi = grid.wavevector()
        with np.errstate(all="ignore"):
            given = np.asarray(self.function(*xi))
            mirrored = np.asarray(self.function(*(-component for component in xi)))
        if np.iscomplexobj(given):
            raise InputError("the kernel's symbol must be real; the function returned complex values")
        try:
            result = np.array(np.broadcast_to(given, grid.spectral_shape), dtype=float)
            mirrored = np.array(np.broadcast_to(mirrored, grid.spectral_shape), dtype=float)
        except ValueError:
            raise InputError(
                f"the kernel's symbol has shape {given.shape}; it must broadcast to the modes, {grid.spectral_shape}"
            ) from None
        zero_mode = (0,) * grid.dim
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


def kernel_from(text: str) -> Kernel:
    """The kernel whose ``repr`` is given, as run directories keep it.

    Raises
    ------
    InputError
        If it is none of :class:`Riesz`, :class:`Gaussian` and :class:`Matern` (a function has no text).
    """
    known: dict[str, Callable[..., Kernel]] = {kind.__name__: kind for kind in (Riesz, Gaussian, Matern)}
    try:
        call = ast.parse(text, mode="eval").body
        assert isinstance(call, ast.Call)
        assert isinstance(call.func, ast.Name)
        make = known[call.func.id]
        options = {keyword.arg or "": ast.literal_eval(keyword.value) for keyword in call.keywords}
    except (SyntaxError, AssertionError, KeyError, ValueError):
        raise InputError(f"the kernel {text} cannot be made again from its text; {', '.join(known)} can") from None
    return make(**options)

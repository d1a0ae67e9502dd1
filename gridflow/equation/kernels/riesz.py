"""Riesz kernels."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gridflow.arguments import takes_numbers
from gridflow.domains.base import Domain
from gridflow.equation.kernels.base import Kernel, Positive
from gridflow.errors import InputError


@takes_numbers
@dataclass(frozen=True)
class Riesz(Kernel, kind="riesz"):
    """The Riesz kernel of order s: the potential solves ``(−Δ)^s V = μ − ν``, so ``K̂ = λ^{−s}``.

    s = 1 is the Coulomb kernel. Any s > 0 is allowed. The reference below treats s ≥ 1; 0 < s < 1 gives fractional
    porous-medium flows.

    Parameters
    ----------
    s
        Order, positive.
    symbol
        Symbol λ of −Δ. ``spectral`` (default): |ξ|², exact for band-limited functions. ``mimetic``: the symbol of the
        standard stencil, with which the Coulomb velocity by differences satisfies ∇·v = μ − ν exactly on the grid.

    Raises
    ------
    InputError
        If an argument is not allowed.

    References
    ----------
    Chizat, Colombo, Colombo, Fernández-Real, arXiv:2603.01977.
    """

    s: Positive
    symbol: Literal["mimetic", "spectral"] = "spectral"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.s) and self.s > 0):
            raise InputError(f"Riesz order s = {self.s}: it must be positive")
        if self.symbol not in ("mimetic", "spectral"):
            raise InputError(f'Riesz symbol "{self.symbol}": allowed are "mimetic" and "spectral"')

    def multiplier(self, grid: Domain) -> np.ndarray:
        """Symbol K̂ = λ^{−s} (length^{2s}), 0 at the constant mode; float64 of shape ``grid.spectral_shape``."""
        laplacian = grid.laplacian_symbol(self.symbol)
        zero_mode = (0,) * laplacian.ndim
        laplacian[zero_mode] = 1.0
        result = laplacian**-self.s
        result[zero_mode] = 0.0  # (−Δ)^{−s} is defined on mean-free functions; V has mean zero
        return result

    def order(self, dim: int) -> float:  # noqa: ARG002 - the same in every dimension
        """The order s."""
        return self.s

    @property
    def laplacian(self) -> Literal["mimetic", "spectral"]:
        """The symbol of −Δ that it is made of."""
        return self.symbol

    @property
    def is_coulomb(self) -> bool:
        """Whether s = 1."""
        return self.s == 1

    @property
    def label(self) -> str:
        """The order, as ``s = …``."""
        return f"s = {self.s:g}"

"""Kernels given by a user-defined symbol."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gridflow.domains.base import Domain
from gridflow.equation.kernels.base import Kernel
from gridflow.errors import InputError


@dataclass(frozen=True)
class Symbol(Kernel):
    """A kernel given by its Fourier symbol.

    Parameters
    ----------
    function
        Called as ``function(xi_0, …, xi_{d−1})`` with the broadcastable components of the wave vector (1 / length).
        Returns K̂, which must be real, ≥ 0 and even in ξ. If the value at ξ = 0 is not finite, K̂(0) is set to 0 and
        the kernel acts on mean-free functions. On the sphere it is called with the degrees ℓ only.
    """

    function: Callable[..., np.ndarray]

    def multiplier(self, grid: Domain) -> np.ndarray:
        """Symbol K̂ at the modes, float64 of shape ``grid.spectral_shape``.

        Raises
        ------
        InputError
            If the function's values are not real, finite, nonnegative and even, or have the wrong shape.
        """
        xi = grid.symbol_arguments()
        with np.errstate(all="ignore"):
            given = np.asarray(self.function(*xi))
            mirrored = np.asarray(self.function(*(-component for component in xi))) if grid.mirrored_symbols else given
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

"""Positive-definite invariant kernels, each defined by its symbol.

On the torus a kernel K is a Fourier multiplier, ``(K * f)^_k = K̂(ξ) f̂_k`` with ``K̂(ξ) = ∫ K(x) e^{−iξ·x} dx ≥ 0``.
The kernel mean discrepancy of two densities with difference f is ``KMD² = |T| Σ_k K̂(ξ_k) |f̂_k|²``. On the sphere the
same holds with spherical harmonics: ``(K * f)_ℓm = K̂_ℓ f_ℓm`` and ``KMD² = Σ K̂_ℓ |f_ℓm|²``.

Every module of this package is imported here, so that each kernel with a ``kind`` is registered.
"""

from importlib import import_module
from pkgutil import iter_modules

from gridflow.equation.kernels.base import Kernel
from gridflow.equation.kernels.gaussian import Gaussian
from gridflow.equation.kernels.matern import Matern
from gridflow.equation.kernels.networks import Activation, OfActivation, ReLU
from gridflow.equation.kernels.riesz import Riesz
from gridflow.equation.kernels.symbol import Symbol

__all__ = ["Activation", "Gaussian", "Kernel", "Matern", "OfActivation", "ReLU", "Riesz", "Symbol"]

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)

"""Positive-definite invariant kernels, each one symbol.

A kernel K acts on a function f on the torus as a multiplier, ``(K * f)^_k = K̂(ξ) f̂_k`` with
``K̂(ξ) = ∫ K(x) e^{−iξ·x} dx ≥ 0``. The kernel mean discrepancy of two densities is
``KMD² = |T| Σ_k K̂(ξ_k) |f̂_k|²`` with f their difference. On the sphere it is the same with spherical harmonics:
``(K * f)_ℓm = K̂_ℓ f_ℓm`` and ``KMD² = Σ K̂_ℓ |f_ℓm|²``.

Every module of this folder is imported here, so that a kernel that names its kind is known wherever kernels are named.
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

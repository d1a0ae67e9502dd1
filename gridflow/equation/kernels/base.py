"""The base class of kernels: a symbol on a domain, and a kind that names it in case files and run directories."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Gt

from gridflow.domains.base import Domain
from gridflow.domains.torus import Grid
from gridflow.errors import InputError

Positive = Annotated[float, Gt(0)]
"""A parameter that must be positive; case files are checked against this annotation."""
ROUND_OFF = 1e-12
"""Relative difference of two values of a symbol that is attributed to round-off in the function that computes it."""


class Kernel(ABC):
    """A positive-definite invariant kernel.

    A subclass is a frozen dataclass of its parameters. If it declares a kind, as in
    ``class Riesz(Kernel, kind="riesz")``, case files can use it with its fields as keys, and run directories can
    restore it.

    Attributes
    ----------
    kind
        Name in case files; None for kernels that hold a function, which a file cannot store.
    sees_all
        Whether K̂ > 0 at all modes but the constant one. Otherwise a flow ignores those at which K̂ = 0.
    """

    kind: ClassVar[str | None] = None
    sees_all: ClassVar[bool] = True
    kinds: ClassVar[dict[str, type["Kernel"]]] = {}
    """Every kernel class that has a kind, by its kind."""

    def __init_subclass__(cls, kind: str | None = None, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.kind = kind
        if kind is not None:
            Kernel.kinds[kind] = cls

    @abstractmethod
    def multiplier(self, grid: Domain) -> np.ndarray:
        """Symbol K̂ of the kernel on a grid.

        Parameters
        ----------
        grid
            The domain. Its modes are the half-spectrum on a torus, and the degrees ℓ on a sphere.

        Returns
        -------
        ndarray
            K̂ ≥ 0, a new float64 array of shape ``grid.spectral_shape``.

        Raises
        ------
        InputError
            If the kernel is not defined on this kind of domain.
        """

    @property
    def label(self) -> str:
        """Short name for figure captions."""
        return repr(self)

    def order(self, dim: int) -> float | None:  # noqa: ARG002 - some subclasses depend on it
        """Order s of the Riesz kernel (−Δ)^(−s) that the theorems on rates know this kernel as.

        Parameters
        ----------
        dim
            Dimension of the domain.

        Returns
        -------
        float or None
            s, if K̂ is a multiple of λ^(−s) at the modes that the kernel sees, for ReLU kernels up to O(1/ℓ); None for
            other kernels, for which these theorems are not stated.
        """
        return None

    @property
    def laplacian(self) -> Literal["mimetic", "spectral"]:
        """Which symbol λ of −Δ the order refers to; see :class:`gridflow.Riesz`."""
        return "spectral"

    def edge_exponent(self, grid: Grid) -> float:
        """Exponent p of the density at the edge of a hole, where it rises like distance^p; 0 if the edge stays a jump.

        A jump moves with ∇·u = λ K̂ (μ − ν). If K̂ falls at least like |ξ|^(−2), λ K̂ is bounded, ∇·u is about as large as
        the jump and u is log-Lipschitz, so mass on either side stays there: p = 0. If λ K̂ grows like |ξ|^(2p), ∇·u is
        infinite at a jump, which at once becomes a front that is steep but continuous.

        If :meth:`order` is known, p = max(1 − s, 0). Otherwise p is taken from the symbol at the modes of the grid, the
        only ones that a scheme meets. Let M be the largest λ K̂ of all modes below some wave number. If M rises by no
        more in the last octave of wave numbers than in the one before, it levels off, and p = 0. Otherwise it rises by
        the factor 4^p, as a power does. So a length of the kernel counts as far as the grid resolves it: to cells much
        wider than a Gaussian it is a multiple of the identity, with p = 1. A grid of fewer than 8 cells along every
        axis has no such octaves, and p = 0.

        Parameters
        ----------
        grid
            The torus.

        Returns
        -------
        float
            p ≥ 0.

        Raises
        ------
        InputError
            If the kernel is not defined on this grid.

        References
        ----------
        Yudovich, USSR Comput. Math. Math. Phys. 3 (1963) 1407 (log-Lipschitz velocities); Biler, Imbert and Karch,
        Arch. Ration. Mech. Anal. 215 (2015) 497 (the profile (R² − |x|²)^(1 − s) for s < 1).
        """
        order = self.order(grid.dim)
        if order is not None:
            return max(1.0 - order, 0.0)
        response = self.multiplier(grid)
        response *= grid.laplacian_symbol(self.laplacian)
        coarse, middle, fine = (_largest_below(grid, response, share) for share in (1, 2, 4))
        if fine - middle <= middle - coarse + ROUND_OFF * fine:
            return 0.0
        return math.log2(fine / middle) / 2 if middle > 0 else math.inf

    @property
    def is_coulomb(self) -> bool:
        """Whether V solves −ΔV = μ − ν, so that all modes decay at the same rate."""
        return False

    def record(self) -> dict[str, Any] | None:
        """Kind and parameters as plain values, the inverse of :meth:`from_record`; None for a kernel without a kind."""
        if self.kind is None:
            return None
        return {"kind": self.kind} | {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]

    @staticmethod
    def from_record(record: Mapping[str, Any]) -> "Kernel":
        """Rebuild a kernel from its :meth:`record`; for an unknown kind, InputError lists the known ones."""
        parameters = dict(record)
        kind = parameters.pop("kind", None)
        if kind not in Kernel.kinds:
            raise InputError(f"kernel of kind {kind!r}: known are {', '.join(sorted(Kernel.kinds))}")
        return Kernel.kinds[kind](**parameters)


def _largest_below(grid: Grid, values: np.ndarray, eighths: int) -> float:
    """Largest value at the modes with |k_a| ≤ ``eighths`` ⌊n_a / 8⌋ along every axis, so that octaves are exact."""
    within = (abs(k) <= eighths * (n // 8) for k, n in zip(grid.mode_numbers, grid.shape, strict=True))
    return float(values[np.ix_(*within)].max())

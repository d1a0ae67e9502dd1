"""The base class of kernels: a symbol on a domain, and a kind that names it in case files and run directories."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Gt

from gridflow.domains.base import Domain
from gridflow.errors import InputError

Positive = Annotated[float, Gt(0)]
"""A parameter that must be positive; case files are checked against this annotation."""


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

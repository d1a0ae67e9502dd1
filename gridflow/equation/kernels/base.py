"""What every kernel is: a symbol on a domain, and a kind by which case files and run directories name it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Gt

from gridflow.domains.base import Domain
from gridflow.errors import InputError

Positive = Annotated[float, Gt(0)]
"""A parameter that must be positive; case files check it by this annotation."""


class Kernel(ABC):
    """A positive-definite invariant kernel.

    A subclass is a frozen dataclass of its parameters. One that names its kind, ``class Riesz(Kernel, kind="riesz")``,
    can be asked for in case files, whose keys are its fields, and is made again from run directories.

    Attributes
    ----------
    kind
        Name in case files; None for kernels that hold a function, which no file can.
    """

    kind: ClassVar[str | None] = None
    kinds: ClassVar[dict[str, type["Kernel"]]] = {}
    """Every kernel that has a kind, by it."""

    def __init_subclass__(cls, kind: str | None = None, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.kind = kind
        if kind is not None:
            Kernel.kinds[kind] = cls

    @abstractmethod
    def multiplier(self, grid: Domain) -> np.ndarray:
        """K̂ ≥ 0 at the modes that the grid keeps, float64 of shape ``grid.spectral_shape``.

        Those are the half-spectrum of a torus and the degrees ℓ of a sphere.

        Raises
        ------
        InputError
            If the kernel is not one on such a domain.
        """

    @property
    def label(self) -> str:
        """Short name for captions."""
        return repr(self)

    @property
    def is_coulomb(self) -> bool:
        """Whether V solves −ΔV = μ − ν, so that all modes decay at one rate."""
        return False

    def record(self) -> dict[str, Any] | None:
        """Kind and parameters as plain values, from which :meth:`from_record` makes it again; None without a kind."""
        if self.kind is None:
            return None
        return {"kind": self.kind} | {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]

    @staticmethod
    def from_record(record: Mapping[str, Any]) -> "Kernel":
        """The kernel of a :meth:`record`; InputError names the kinds there are."""
        parameters = dict(record)
        kind = parameters.pop("kind", None)
        if kind not in Kernel.kinds:
            raise InputError(f"kernel of kind {kind!r}: known are {', '.join(sorted(Kernel.kinds))}")
        return Kernel.kinds[kind](**parameters)

"""The unit circle S¹, on which networks with two inputs live."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gridflow.domains.torus import Grid
from gridflow.errors import InputError


@dataclass(frozen=True, init=False, repr=False)
class Circle(Grid, kind="circle"):
    """A uniform grid on the unit circle, with the angle of period 2π as its only axis.

    A circle is a one-dimensional :class:`Grid`, with the same modes, finite volumes and holes. In addition, its points
    are the directions of neurons with two inputs.

    Parameters
    ----------
    shape
        Number of cells, at least 4; an integer or a tuple of one.

    Raises
    ------
    InputError
        If the number of cells is not allowed, or more than one number is given.
    """

    def __init__(self, shape: int | tuple[int, ...]) -> None:
        if np.size(shape) != 1:
            raise InputError(f"circle shape {shape}: a circle has one axis")
        super().__init__(tuple(np.atleast_1d(shape).tolist()), (2 * math.pi,))

    def __repr__(self) -> str:
        return f"Circle(shape={self.shape})"

    def with_cells(self, shape: tuple[int, ...]) -> "Circle":
        """Return a circle with another number of cells."""
        return Circle(shape)

    def record(self) -> dict[str, Any]:
        """Return the kind, shape and period, to be recorded with a run."""
        return {"kind": "circle", **super().record()}

    @classmethod
    def _from_record(cls, record: Mapping[str, Any]) -> "Circle":
        return cls(tuple(record["shape"]))

    @property
    def sphere_dim(self) -> int | None:
        """Dimension of the sphere: 1."""
        return 1

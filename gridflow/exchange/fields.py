"""What all formats for fields over time have in common: which snapshots, which arrays, where the cells are."""

import math
from abc import ABC
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from gridflow.domains.base import Domain
from gridflow.equation.contract import NEGATIVE
from gridflow.errors import InputError
from gridflow.exchange.base import Format
from gridflow.runtime.schema import Snapshot
from gridflow.runtime.store import RunDirectory

FIELDS = ("density", "tracer", NEGATIVE)
"""Arrays of snapshots that have the shape of the grid."""


class Axis(NamedTuple):
    """Where cells are along one axis of an array.

    Attributes
    ----------
    name, units
        Name and units: ``x``, ``y``, ``z`` in ``length``, or ``latitude`` and ``longitude`` in degrees.
    centers
        Centres of the cells, ascending, shape (n,).
    letter
        X, Y or Z, as the conventions of netCDF name it.
    """

    name: str
    units: str
    centers: np.ndarray
    letter: str


def axes_of(grid: Domain) -> list[Axis]:
    """The axes of the arrays of a domain in their order; on the sphere latitude, from south to north, and longitude."""
    if grid.sphere_dim == 2 and grid.has_cells:
        colatitude, longitude = (coordinate.values for coordinate in grid.coordinates())
        south_to_north = 90 - np.degrees(colatitude[::-1])
        return [
            Axis("latitude", "degrees_north", south_to_north, "Y"),
            Axis("longitude", "degrees_east", np.degrees(longitude), "X"),
        ]
    return [Axis(each.name, each.units, each.values, each.name.upper()) for each in grid.coordinates()]


@dataclass(frozen=True)
class Fields(Format, ABC):
    """A format for the fields of a run at the times of its snapshots.

    Parameters
    ----------
    times
        Times to write; of each, the nearest snapshot. Default: all snapshots.
    every
        Write every n-th snapshot only, beginning with the first. Default: 1.
    """

    times: Sequence[float] | None = None
    every: int = 1

    on_sphere: ClassVar[bool] = True
    """Whether the format can hold fields on the sphere."""

    def __post_init__(self) -> None:
        if self.every < 1:
            raise InputError(f"every = {self.every}: it must be at least 1")
        if self.times is not None and not (len(self.times) and all(math.isfinite(time) for time in self.times)):
            raise InputError(f"times = {list(self.times)}: it must be one or more finite numbers")

    @classmethod
    def obstacle(cls, runs: Sequence[RunDirectory]) -> str:
        """Why it cannot be made of these runs; empty if it can."""
        (stored,) = runs
        if not stored.grid.has_cells:
            return "its density is a single number"
        if stored.grid.sphere_dim == 2 and not cls.on_sphere:
            return "it has no coordinates for the sphere; netcdf has"
        return "" if len(stored.times) else "it holds no snapshots yet"

    def chosen(self, stored: RunDirectory) -> list[int]:
        """Indices of the snapshots to write, ascending."""
        held = stored.times
        wanted = range(len(held)) if self.times is None else {int(abs(held - time).argmin()) for time in self.times}
        return sorted(wanted)[:: self.every]

    def frames(self, stored: RunDirectory) -> Iterator[Snapshot]:
        """Iterate over the snapshots to write, reading one at a time."""
        return (stored.snapshot(index=index) for index in self.chosen(stored))


def names_of(first: Snapshot) -> list[str]:
    """Names of the fields that the snapshots of a run have."""
    return [name for name in FIELDS if getattr(first, name) is not None]


def as_image(grid: Domain, values: np.ndarray) -> np.ndarray:
    """Return a field with x as the last axis, as image formats order them: (z, y, x), or (latitude, longitude)."""
    if grid.sphere_dim == 2:
        return np.ascontiguousarray(values[::-1])
    return np.ascontiguousarray(values.T)

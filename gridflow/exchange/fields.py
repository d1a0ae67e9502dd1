"""What all formats for fields over time have in common: which snapshots, which arrays, where the cells are."""

import math
from abc import ABC
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np

from gridflow.domains.base import Domain
from gridflow.errors import InputError, is_whole, whole_number
from gridflow.exchange.base import Format
from gridflow.runtime.schema import AXES_OF_POINTS, Snapshot
from gridflow.runtime.store import RunDirectory


class Axis(NamedTuple):
    """Where cells are along one axis of an array.

    Attributes
    ----------
    name, units
        Name and units: ``x``, ``y``, ``z`` in ``length``, or ``latitude`` and ``longitude`` in degrees.
    centers
        Centres of the cells, ascending, shape (n,).
    bounds
        Lower and upper ends of the cells, shape (n, 2), where they do not follow from the centres; else None.
    """

    name: str
    units: str
    centers: np.ndarray
    bounds: np.ndarray | None = None


def axes_of(grid: Any) -> list[Axis]:
    """The axes of the arrays of a domain in their order; on the sphere latitude, from south to north, and longitude."""
    if grid.sphere_dim == 2 and grid.has_cells:
        colatitude, longitude = (coordinate.values for coordinate in grid.coordinates())
        edges, east = 90 - np.degrees(grid.edges[::-1]), np.degrees(longitude)
        half = 180 / len(east)
        return [
            Axis("latitude", "degrees_north", 90 - np.degrees(colatitude[::-1]), np.stack([edges[:-1], edges[1:]], -1)),
            Axis("longitude", "degrees_east", east, np.stack([east - half, east + half], -1)),
        ]
    return [Axis(each.name, each.units, each.values) for each in grid.coordinates()]


@dataclass(frozen=True, eq=False)
class Frames:
    """The snapshots of a run that a file holds, in the order of time; none that the run writes meanwhile.

    Parameters
    ----------
    stored
        The run.
    indices
        Their positions among all snapshots, ascending.
    """

    stored: RunDirectory
    indices: Sequence[int]

    @cached_property
    def times(self) -> np.ndarray:
        """Their times, float64 of shape (T,)."""
        return self.stored.times[list(self.indices)]

    @cached_property
    def arrays(self) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
        """Shapes and types of the arrays of a snapshot; the widest type, if the run has gone on with another."""
        each = [self.stored.types(index) for index in self.indices]
        return {name: (each[0][name][0], np.result_type(*(one[name][1] for one in each))) for name in each[0]}

    @property
    def fields(self) -> list[str]:
        """Names of the arrays that have the shape of the grid."""
        return [name for name in self.arrays if name not in AXES_OF_POINTS]

    @property
    def points(self) -> list[str]:
        """Names of the other arrays, those of particles and neurons."""
        return [name for name in self.arrays if name in AXES_OF_POINTS]

    def __len__(self) -> int:
        return len(self.indices)

    def __iter__(self) -> Iterator[Snapshot]:
        """Iterate over the snapshots, reading one at a time; RunError if one is damaged."""
        return (self.stored.snapshot(index=index) for index in self.indices)


@dataclass(frozen=True)
class Fields(Format, ABC):
    """A format for the fields of a run at the times of its snapshots.

    Parameters
    ----------
    times
        Times to write; of each, the nearest snapshot. Default: all snapshots.
    index
        Positions in the order of time to write instead; negative values count from the end.
    every
        Write every n-th of these only, beginning with the first. Default: 1.
    """

    times: Sequence[float] | None = None
    index: Sequence[int] | None = None
    every: int = 1

    on_sphere: ClassVar[bool] = True
    """Whether the format can hold fields on the sphere."""

    def __post_init__(self) -> None:
        whole_number("every", self.every, 1)
        if self.times is not None and self.index is not None:
            raise InputError(f"times = {list(self.times)} and index = {list(self.index)}: one of them is allowed")
        if self.times is not None and not (len(self.times) and all(math.isfinite(time) for time in self.times)):
            raise InputError(f"times = {list(self.times)}: it must be one or more finite numbers")
        if self.index is not None and not (len(self.index) and all(is_whole(abs(one), 0) for one in self.index)):
            raise InputError(f"index = {list(self.index)}: it must be one or more whole numbers")

    @classmethod
    def obstacle(cls, runs: Sequence[RunDirectory]) -> str:
        """Why it cannot be made of these runs; empty if it can."""
        (stored,) = runs
        if not stored.grid.has_cells:
            return "its density is a single number"
        if stored.grid.sphere_dim == 2 and not cls.on_sphere:
            return "it has no coordinates for the sphere; netcdf has"
        return "" if len(stored.times) else "it holds no snapshots yet"

    def frames(self, stored: RunDirectory) -> Frames:
        """The snapshots of a run to write; InputError if it does not have one."""
        held = stored.times
        wanted = set(range(len(held)))
        if self.times is not None:
            wanted = {int(abs(held - time).argmin()) for time in self.times}
        elif self.index is not None:
            if outside := [one for one in self.index if not -len(held) <= one < len(held)]:
                raise InputError(f"index = {outside[0]}: {stored.path} holds {len(held)} snapshots")
            wanted = {one % len(held) for one in self.index}
        return Frames(stored, sorted(wanted)[:: self.every])


def as_image(grid: Domain, values: np.ndarray) -> np.ndarray:
    """Return a field with x as the last axis, as image formats order them: (z, y, x), or (latitude, longitude)."""
    if grid.sphere_dim == 2:
        return np.ascontiguousarray(values[::-1])
    return np.ascontiguousarray(values.T)

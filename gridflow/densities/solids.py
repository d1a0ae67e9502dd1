"""What a shape is: a signed distance that can be moved, rotated and combined, and its volume fractions.

A shape knows a level that is negative inside, positive outside, and changes by at most the distance between two points.
Unions, intersections and differences are minima and maxima of levels (Hart, *Sphere tracing*, The Visual Computer 12,
1996). On the torus every ball, box and so on is repeated with the periods before it is combined. The shapes themselves
are in :mod:`gridflow.densities.shapes`.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import product
from typing import Literal

import numpy as np

from gridflow.arguments import takes_numbers
from gridflow.compute.quadrature import row_batches
from gridflow.compute.simplices import share_below
from gridflow.domains.torus import Grid, torus
from gridflow.errors import InputError

Operation = Literal["union", "intersection", "difference"]
Positions = Sequence[np.ndarray]
_PARTS = {1: 64, 2: 16, 3: 4}
"""Parts along each axis into which a cell that a boundary may cut is divided, by dimension."""
_BATCH = 1 << 13
"""Cells that are divided at once."""
_MOST_PERIODS = 4
"""Largest reach of a shape from its centre, in units of the shortest period."""


@dataclass(frozen=True)
class Frame:
    """Where a shape stands on a torus: its point p is at ``turn @ p + shift``."""

    grid: Grid
    turn: np.ndarray
    shift: np.ndarray

    def then(self, turn: np.ndarray, shift: np.ndarray) -> "Frame":
        """The frame of a shape whose point p is at ``turn @ p + shift`` of this frame."""
        return Frame(self.grid, self.turn @ turn, self.turn @ shift + self.shift)


class Shape(ABC):
    """A region of the torus: ``a | b`` is the union, ``a & b`` the intersection and ``a - b`` the difference of two."""

    @abstractmethod
    def level(self, at: Positions, frame: Frame) -> np.ndarray:
        """Level at positions on the torus, one array per axis: negative inside."""

    @abstractmethod
    def middle(self, grid: Grid) -> np.ndarray:
        """The point about which the shape turns by default, shape (d,), in units of length."""

    def __or__(self, other: "Shape") -> "Shape":
        return Combined("union", self, other)

    def __and__(self, other: "Shape") -> "Shape":
        return Combined("intersection", self, other)

    def __sub__(self, other: "Shape") -> "Shape":
        return Combined("difference", self, other)

    @takes_numbers
    def rotated(
        self, degrees: float, axis: Sequence[float] | None = None, about: Sequence[float] | None = None
    ) -> "Shape":
        """Rotate the shape.

        Parameters
        ----------
        degrees
            Angle in degrees, counterclockwise; in three dimensions as seen from the tip of the axis.
        axis
            Direction of the axis of rotation in three dimensions, of any length but 0. Default: z.
        about
            Point that stays where it is, in units of length. Default: the centre of the shape, or that of the first of
            several combined.

        Returns
        -------
        Shape
            The rotated shape. In one dimension there is none, which is an error when a grid is known.
        """
        return Rotated(self, degrees, axis, about)

    @takes_numbers
    def moved(self, offset: Sequence[float] | float) -> "Shape":
        """Move the shape.

        Parameters
        ----------
        offset
            Displacement along each axis, in units of length.

        Returns
        -------
        Shape
            The moved shape.
        """
        return Moved(self, offset)

    def distance(self, grid: Grid, *at: np.ndarray) -> np.ndarray:
        """Level at positions: negative inside, positive outside, 0 on the boundary.

        Parameters
        ----------
        grid
            A periodic grid.
        at
            Positions along each axis, in units of length; arrays that broadcast against each other.

        Returns
        -------
        ndarray
            float64, broadcast from the positions, in units of length. The signed distance to the boundary of a ball,
            box, cylinder or torus; for an ellipsoid, and away from the boundary for combined shapes, a lower bound of
            its modulus.

        Raises
        ------
        InputError
            If the shape does not exist in this dimension, or a parameter is not allowed.
        """
        grid = torus(grid, "a shape")
        return self.level(np.broadcast_arrays(*at), Frame(grid, np.eye(grid.dim), np.zeros(grid.dim)))

    def fraction(self, grid: Grid) -> np.ndarray:
        """Volume fraction of the shape in each cell.

        A cell that the boundary may cut is divided into parts, and the distance is interpolated linearly on the
        simplices of every part. The error of the volume is of second order in the cells' width.

        Parameters
        ----------
        grid
            A periodic grid.

        Returns
        -------
        ndarray
            float64 of the grid's shape, values in [0, 1].

        Raises
        ------
        InputError
            If the shape does not exist in this dimension, or a parameter is not allowed.
        """
        grid = torus(grid, "a shape")
        fraction = np.empty(grid.shape)
        near = _diagonal(grid) / 2 * (1 + 1e-9)  # a distance may round
        for rows in row_batches(grid.shape):
            x, *others = grid.mesh()
            level = self.distance(grid, x[rows], *others)
            fraction[rows] = level < 0
            cut = np.nonzero(np.abs(level) <= near)
            for start in range(0, len(cut[0]), _BATCH):
                cells = tuple(index[start : start + _BATCH] for index in cut)
                cells = (cells[0] + rows.start, *cells[1:])
                fraction[cells] = share_below(self.distance(grid, *_corners(grid, cells)))
        return fraction


def _corners(grid: Grid, cells: tuple[np.ndarray, ...]) -> list[np.ndarray]:
    """Positions of the corners of all parts of cells, shape (cells, m + 1, …) along each axis."""
    parts = _PARTS[grid.dim]
    steps = np.meshgrid(*(np.arange(parts + 1) / parts,) * grid.dim, indexing="ij")
    return [
        (index.reshape(-1, *(1,) * grid.dim) + step) * h
        for index, step, h in zip(cells, steps, grid.spacing, strict=True)
    ]


_LEVELS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "union": np.minimum,
    "intersection": np.maximum,
    "difference": lambda one, other: np.maximum(one, -other),
}


@dataclass(frozen=True)
class Combined(Shape):
    """Two shapes combined; made by ``|``, ``&`` and ``-``."""

    operation: Operation
    first: Shape
    second: Shape

    def __post_init__(self) -> None:
        for each in (self.first, self.second):
            if not isinstance(each, Shape):
                raise InputError(f"a {self.operation} is that of two shapes; {each!r} is none")

    def level(self, at: Positions, frame: Frame) -> np.ndarray:
        """Minimum or maximum of the levels of both."""
        return _LEVELS[self.operation](self.first.level(at, frame), self.second.level(at, frame))

    def middle(self, grid: Grid) -> np.ndarray:
        """That of the first."""
        return self.first.middle(grid)


def combined(parts: Sequence[tuple[Operation, Shape]]) -> Shape:
    """Combine shapes from the first to the last, each with those before it; the first operation has no meaning."""
    (_, first), *others = parts
    return reduce(lambda shape, other: Combined(other[0], shape, other[1]), others, first)


@dataclass(frozen=True)
class Rotated(Shape):
    """A rotated shape; see :meth:`Shape.rotated`."""

    shape: Shape
    degrees: float
    axis: Sequence[float] | None
    about: Sequence[float] | None

    def level(self, at: Positions, frame: Frame) -> np.ndarray:
        """Level of the shape in its rotated frame."""
        turn, about = rotation(frame.grid.dim, self.degrees, self.axis), self.middle(frame.grid)
        return self.shape.level(at, frame.then(turn, about - turn @ about))

    def middle(self, grid: Grid) -> np.ndarray:
        """The point that stays where it is."""
        return self.shape.middle(grid) if self.about is None else vector("about", self.about, grid.dim)


@dataclass(frozen=True)
class Moved(Shape):
    """A moved shape; see :meth:`Shape.moved`."""

    shape: Shape
    offset: Sequence[float] | float

    def level(self, at: Positions, frame: Frame) -> np.ndarray:
        """Level of the shape in its moved frame."""
        return self.shape.level(at, frame.then(np.eye(frame.grid.dim), vector("offset", self.offset, frame.grid.dim)))

    def middle(self, grid: Grid) -> np.ndarray:
        """The moved one."""
        return self.shape.middle(grid) + vector("offset", self.offset, grid.dim)


@dataclass(frozen=True)
class Solid(Shape):
    """A shape that stands alone, repeated with the periods.

    Parameters
    ----------
    name
        Name in messages.
    center
        Centre in units of length. None: that of the torus.
    reach
        Function of the dimension: the largest distance of a point of the shape from its centre. Raises InputError if
        the shape is not allowed there.
    around
        Level at positions relative to the centre, along the shape's own axes; it changes by at most their distance.
    """

    name: str
    center: Sequence[float] | float | None
    reach: Callable[[int], float] = field(repr=False)
    around: Callable[[Positions], np.ndarray] = field(repr=False)

    def level(self, at: Positions, frame: Frame) -> np.ndarray:
        """Least level of the images that come near a position."""
        lengths, reach = frame.grid.lengths, self.reach(frame.grid.dim)
        if not reach <= _MOST_PERIODS * min(lengths):
            raise InputError(
                f"{self.name}: it reaches {reach:.6g} from its centre; at most {_MOST_PERIODS} times the shortest "
                f"period, {_MOST_PERIODS * min(lengths):.6g}, is allowed"
            )
        center = frame.turn @ self.middle(frame.grid) + frame.shift
        nearest = [(x - c + length / 2) % length - length / 2 for x, c, length in zip(at, center, lengths, strict=True)]
        # Images farther away than a cell's diagonal decide neither the sign nor the share of any cell.
        counts = [math.ceil((reach + _diagonal(frame.grid)) / length + 0.5) - 1 for length in lengths]
        levels = []
        for image in product(*(range(-count, count + 1) for count in counts)):
            offsets = [x - k * length for x, k, length in zip(nearest, image, lengths, strict=True)]
            levels.append(self.around([_dot(column, offsets) for column in frame.turn.T]))
        return np.asarray(np.minimum.reduce(levels))

    def middle(self, grid: Grid) -> np.ndarray:
        """The centre."""
        return np.array(grid.lengths) / 2 if self.center is None else vector("center", self.center, grid.dim)


def rotation(dim: int, degrees: float, axis: Sequence[float] | None) -> np.ndarray:
    """Matrix of a rotation, shape (d, d), by the formula of Rodrigues; see :meth:`Shape.rotated`.

    Raises
    ------
    InputError
        If there is no such rotation in d dimensions.
    """
    if not math.isfinite(degrees):
        raise InputError(f"rotation by {degrees} degrees: the angle must be finite")
    if dim == 1:
        raise InputError(f"rotation by {degrees} degrees: there is none in one dimension")
    quarters, rest = divmod(degrees, 90)
    quarter = int(quarters) % 4  # exact for whole quarter turns
    cos, sin = ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[quarter]
    c, s = math.cos(math.radians(rest)), math.sin(math.radians(rest))
    cos, sin = cos * c - sin * s, sin * c + cos * s
    if dim == 2:
        if axis is not None:
            raise InputError(f"axis = {list(axis)}: a rotation in the plane has none")
        return np.array([[cos, -sin], [sin, cos]])
    direction = vector("axis", (0.0, 0.0, 1.0) if axis is None else axis, 3)
    size = np.linalg.norm(direction)
    if size == 0:
        raise InputError(f"axis = {direction.tolist()}: it must not be 0")
    x, y, z = direction / size
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + sin * cross + (1 - cos) * (cross @ cross))


def vector(name: str, given: Sequence[float] | float, dim: int) -> np.ndarray:
    """Return d finite numbers as float64 of shape (d,); InputError, which names them, if they are not."""
    found = np.atleast_1d(np.asarray(given, dtype=float))
    if found.shape != (dim,) or not np.isfinite(found).all():
        raise InputError(f"{name} = {found.tolist()}: {dim} finite numbers are needed")
    return found


def _diagonal(grid: Grid) -> float:
    """Longest distance between two points of a cell."""
    return math.hypot(*grid.spacing)


def _dot(row: np.ndarray, at: Positions) -> np.ndarray:
    """Sum of positions with weights; weights of 0 leave no trace, so that whole cells stay whole."""
    terms = [x if weight == 1 else weight * x for weight, x in zip(row, at, strict=True) if weight != 0]
    return reduce(np.add, terms)

"""Balls, boxes and other shapes to combine, and densities that are constant inside and outside of one.

``shapes.ball(0.2) | shapes.box(0.3).rotated(30)`` is a union, ``&`` an intersection and ``-`` a difference. Lengths are
in the unit of the grid's, and angles in degrees. Every function here raises InputError if a size is not positive and
finite; what depends on the dimension is checked when a grid is known.
"""

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from gridflow.arguments import takes_numbers
from gridflow.densities.base import NonNegative, normalize, register_density
from gridflow.densities.solids import Positions, Shape, Solid
from gridflow.domains.torus import Grid
from gridflow.equation.kernels.base import Positive
from gridflow.errors import InputError

Center = Sequence[float] | float | None
Maker = TypeVar("Maker", bound=Callable[..., Shape])
SHAPES: dict[str, Callable[..., Shape]] = {}
"""The functions that make shapes, by the ``kind`` that case files know."""


def register_shape(make: Maker) -> Maker:
    """Register a function that makes a shape; case files then know its name, with its parameters as keys."""
    checked = takes_numbers(make)
    SHAPES[make.__name__] = checked
    return checked


@register_shape
def ball(radius: Positive, center: Center = None) -> Shape:
    """The ball of a radius: an interval, a disc or a ball.

    Parameters
    ----------
    radius
        Radius in units of length.
    center
        Centre, d numbers in units of length. Default: the centre of the torus.

    Returns
    -------
    Shape
        The ball, in any dimension.
    """
    radius = _positive("ball radius", radius)
    return Solid("ball", center, lambda dim: radius, lambda at: _norm(at) - radius)  # noqa: ARG005 - by dimension


@register_shape
def box(size: Positive | Sequence[Positive], center: Center = None) -> Shape:
    """The box of given sides.

    Parameters
    ----------
    size
        Side along each axis, or one number for all, in units of length.
    center
        Centre, d numbers in units of length. Default: the centre of the torus.

    Returns
    -------
    Shape
        The box, in any dimension.
    """
    sides = _sizes("box size", size)
    return Solid("box", center, lambda dim: math.hypot(*sides(dim)) / 2, lambda at: _to_box(at, sides(len(at))))


@register_shape
def ellipsoid(semiaxes: Sequence[Positive], center: Center = None) -> Shape:
    """The ellipse or ellipsoid of given semi-axes.

    Parameters
    ----------
    semiaxes
        Semi-axis along each axis, in units of length.
    center
        Centre, d numbers in units of length. Default: the centre of the torus.

    Returns
    -------
    Shape
        The ellipsoid, in any dimension.
    """
    axes = _sizes("ellipsoid semiaxes", semiaxes)

    def around(at: Positions) -> np.ndarray:
        own = axes(len(at))
        return (_norm([x / a for x, a in zip(at, own, strict=True)]) - 1) * min(own)

    return Solid("ellipsoid", center, lambda dim: max(axes(dim)), around)


@register_shape
def cylinder(radius: Positive, height: Positive, center: Center = None) -> Shape:
    """The cylinder along the z axis; rotate it for another axis.

    Parameters
    ----------
    radius
        Radius in units of length.
    height
        Length along the axis in units of length.
    center
        Centre, 3 numbers in units of length. Default: the centre of the torus.

    Returns
    -------
    Shape
        The cylinder, in three dimensions.
    """
    radius, height = _positive("cylinder radius", radius), _positive("cylinder height", height)

    def reach(dim: int) -> float:
        if dim != 3:
            raise InputError(f"a cylinder needs three dimensions, not {dim}; in two there are ball and box")
        return math.hypot(radius, height / 2)

    return Solid("cylinder", center, reach, lambda at: _to_box([_norm(at[:2]), at[2]], (2 * radius, height)))


@register_shape
def torus(radius: Positive, tube: Positive, center: Center = None) -> Shape:
    """The torus about the z axis, or in two dimensions the ring.

    Parameters
    ----------
    radius
        Radius of the middle of the tube in units of length.
    tube
        Radius of the tube in units of length.
    center
        Centre, d numbers in units of length. Default: the centre of the torus on which the density lives.

    Returns
    -------
    Shape
        The torus, in two or three dimensions.
    """
    radius, tube = _positive("torus radius", radius), _positive("torus tube", tube)

    def reach(dim: int) -> float:
        if dim == 1:
            raise InputError("a torus needs two or three dimensions, not 1")
        return radius + tube

    return Solid("torus", center, reach, lambda at: _norm([_norm(at[:2]) - radius, *at[2:]]) - tube)


def hole_of(grid: Grid, parts: Shape, inside: NonNegative = 0.0, outside: NonNegative = 1.0) -> np.ndarray | None:
    """Volume fraction of the empty part of :func:`from_shape` in each cell; None if no part is empty.

    Raises
    ------
    InputError
        For the reasons of :func:`from_shape`.
    """
    if inside > 0 and outside > 0:
        return None
    fraction = parts.fraction(grid)
    return fraction if inside == 0 else 1 - fraction


@register_density("shape", region=hole_of)
def from_shape(
    grid: Grid, parts: Shape, inside: NonNegative = 0.0, outside: NonNegative = 1.0, mass: Positive = 1.0
) -> np.ndarray:
    """A density with one value inside a shape and another one outside.

    Parameters
    ----------
    grid
        A periodic grid.
    parts
        The shape; in a case file the list of its parts, each of which is combined with those before it.
    inside, outside
        Relative values of the density, ≥ 0 and not both 0. By default the shape is a hole.
    mass
        Total mass ∫ μ dx.

    Returns
    -------
    ndarray
        Cell averages, float64 of shape ``grid.shape`` (mass / volume); see :meth:`Shape.fraction`.

    Raises
    ------
    InputError
        If it is no shape or not allowed on this grid, a value is negative, or the density is 0 everywhere.
    """
    if not isinstance(parts, Shape):
        raise InputError(f"parts = {parts!r}: it must be a shape, such as shapes.ball(0.2)")
    for name, value in (("inside", inside), ("outside", outside)):
        if not (math.isfinite(value) and value >= 0):
            raise InputError(f"{name} = {value}: it must be finite and at least 0")
    fraction = parts.fraction(grid)
    return normalize(grid, outside * (1 - fraction) + inside * fraction, mass)


def _positive(name: str, value: float) -> float:
    if not (math.isfinite(value) and value > 0):
        raise InputError(f"{name} = {value}: it must be positive and finite")
    return float(value)


def _sizes(name: str, given: float | Sequence[float]) -> Callable[[int], tuple[float, ...]]:
    """Check sizes, one for all axes or one for each; return them as a function of the dimension."""
    if np.ndim(given) > 1:
        raise InputError(f"{name} = {given}: it must be a number or a list of numbers")
    values = tuple(_positive(name, value) for value in np.atleast_1d(np.asarray(given, dtype=float)).tolist())

    def in_dimension(dim: int) -> tuple[float, ...]:
        if np.ndim(given) == 0:
            return values * dim
        if len(values) != dim:
            raise InputError(f"{name} = {list(values)}: {dim} numbers are needed, one for each dimension")
        return values

    return in_dimension


def _norm(components: Positions) -> np.ndarray:
    if len(components) == 1:
        return np.abs(components[0])
    return np.sqrt(sum(x**2 for x in components))


def _to_box(at: Positions, sides: Sequence[float]) -> np.ndarray:
    """Signed distance to the box of given sides about the origin."""
    beyond = [np.abs(x) - side / 2 for x, side in zip(at, sides, strict=True)]
    inside = np.minimum(np.maximum.reduce(beyond), 0.0)
    return np.asarray(_norm([np.maximum(x, 0.0) for x in beyond]) + inside)

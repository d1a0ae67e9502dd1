"""Initial and target densities on the sphere as cell averages.

Every function returns a float64 array of the grid's shape: the mass of each cell divided by its area, ≥ 0. For a smooth
density, the value at the cell centre is used. The centres are the nodes of a quadrature with the areas as weights, so
masses and harmonics are exact to round-off as far as the grid resolves the density. A position is a nonzero vector
(x, y, z) of any length. ``mass`` is always the total mass ∫ ρ of the result, 1 by default. Every function raises
InputError if an argument is not allowed.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le
from scipy.special import eval_legendre

from gridflow.arguments import takes_numbers
from gridflow.compute.harmonics import SphereTransform
from gridflow.compute.quadrature import cell_averages
from gridflow.densities.base import (
    Seed,
    check_random,
    from_array,
    normalize,
    one_plus_wave,
    register_density,
    sizes_and_shares,
)
from gridflow.domains.sphere import SphereGrid
from gridflow.equation.kernels.base import Positive
from gridflow.errors import InputError, whole_number

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)
_ROUND_OFF = 1e-12
"""Differences of volume fractions from 0 or 1 below this are round-off."""
_REFERENCE = SphereGrid((128, 256))
"""Grid on which the largest value of a random function is found."""


@takes_numbers
def cap(grid: SphereGrid, radius: float, center: Sequence[float]) -> np.ndarray:
    """Volume fraction of the spherical cap ``θ·c > cos(radius)`` in each cell.

    Exact in longitude. In colatitude, Gauss quadrature is split where the boundary of the cap touches a latitude; the
    error of the total area is 1e−10.

    Parameters
    ----------
    grid
        A grid on the sphere.
    radius
        Angle between the centre and the boundary, in radians, between 0 and π.
    center
        Centre (x, y, z), of any length but 0.

    Returns
    -------
    ndarray
        float64 of the grid's shape, values in [0, 1].

    Raises
    ------
    InputError
        If the radius is not allowed or the centre is not a direction.
    """
    if not 0 < radius < math.pi:
        raise InputError(f"cap radius = {radius}: it must be between 0 and π, in radian")
    x, y, z = _directions(center, "cap center")[0]
    middle, longitude = math.atan2(math.hypot(x, y), z), math.atan2(y, x)
    touching = sorted((abs(middle - radius), math.pi - abs(math.pi - middle - radius)))
    low, high = grid.edges[:-1], grid.edges[1:]
    bounds = [low, *(np.clip(at, low, high) for at in touching), high]
    step = 2 * math.pi / grid.shape[1]
    sides = (np.arange(grid.shape[1] + 1) - 0.5) * step - longitude
    covered, whole = np.zeros(grid.shape), np.zeros(grid.shape[0])
    for start, end in pairwise(bounds):
        for node, weight in zip(_NODES, _WEIGHTS, strict=True):
            # Near both ends this substitution turns a square-root singularity into a smooth function.
            angle = math.pi / 4 * (1 + node)
            theta = start + (end - start) * math.sin(angle) ** 2
            share = np.sin(theta) * (end - start) * (math.pi / 4 * math.sin(2 * angle) * weight)
            half = _half_chord(theta, middle, radius)
            covered += share[:, None] * np.diff(_within(sides[None] + half[:, None], 2 * half[:, None]), axis=1)
            whole += share
    fraction = covered / (whole * step)[:, None]
    fraction[fraction < _ROUND_OFF] = 0.0
    fraction[fraction > 1 - _ROUND_OFF] = 1.0
    return fraction


@register_density("cap_hole", region=cap)
def cap_hole(grid: SphereGrid, radius: Positive, center: Sequence[float], mass: Positive = 1.0) -> np.ndarray:
    """A constant density with an empty cap; see :func:`cap`.

    Parameters
    ----------
    grid
        A grid on the sphere.
    radius
        Angle between the centre of the cap and its boundary, in radians, between 0 and π.
    center
        Centre of the cap, a vector (x, y, z) of any length but 0.
    mass
        Total mass ∫ μ dx.

    Returns
    -------
    ndarray
        Cell averages, float64 of shape ``grid.shape`` (mass / area).

    Raises
    ------
    InputError
        If the radius or the centre is not allowed, or the mass is not positive.
    """
    return normalize(grid, 1 - cap(grid, radius, center), mass)


@register_density("bumps")
def bumps(
    grid: SphereGrid,
    centers: Sequence[Sequence[float]] | Sequence[float],
    concentrations: Positive | Sequence[Positive],
    weights: Sequence[float] | None = None,
    mass: Positive = 1.0,
) -> np.ndarray:
    """Sum of von Mises–Fisher bumps ``exp(κ (θ·c − 1))`` of width about 1/√κ.

    Parameters
    ----------
    grid
        A grid on the sphere.
    centers
        Directions, shape (bumps, 3), or (3,) for one bump.
    concentrations
        Concentration κ of each bump, or one number for all, positive.
    weights
        Relative masses, ≥ 0. Default: equal.
    mass
        Total mass ∫ μ dx.

    Returns
    -------
    ndarray
        Cell averages, float64 of shape ``grid.shape`` (mass / area).

    Raises
    ------
    InputError
        If a shape is wrong, a concentration is not positive, a weight is negative, or the mass is not positive.
    """
    places = _directions(centers, "bump centers")
    kappas, shares = sizes_and_shares("bump", len(places), ("concentrations", concentrations), weights)
    peaks = shares * kappas / -np.expm1(-2 * kappas)
    density = np.zeros(grid.shape)
    for place, kappa, peak in zip(places, kappas, peaks, strict=True):
        density += peak * np.exp(kappa * (grid.points @ place - 1))
    return normalize(grid, density, mass)


@register_density("harmonic")
def harmonic(
    grid: SphereGrid,
    degree: Annotated[int, Ge(1)],
    amplitude: Annotated[float, Ge(-1), Le(1)] = 0.5,
    axis: Sequence[float] = (0.0, 0.0, 1.0),
    mass: Positive = 1.0,
) -> np.ndarray:
    """``1 + A P_ℓ(θ·a)`` with the Legendre polynomial P_ℓ, scaled to a mass.

    Parameters
    ----------
    grid
        A grid on the sphere.
    degree
        Degree ℓ ≥ 1.
    amplitude
        Amplitude A, between −1 and 1. Default: 0.5.
    axis
        a, a vector (x, y, z) of any length but 0.
    mass
        Total mass ∫ μ dx.

    Returns
    -------
    ndarray
        Cell averages, float64 of shape ``grid.shape`` (mass / area).

    Raises
    ------
    InputError
        If the degree, the amplitude or the axis is not allowed, or the mass is not positive.
    """
    degree = whole_number("harmonic degree", degree, 1)
    if not abs(amplitude) <= 1:
        raise InputError(f"harmonic amplitude = {amplitude}: a density needs a value between -1 and 1")
    (pole,) = _directions(axis, "harmonic axis")
    wave = eval_legendre(degree, np.clip(grid.points @ pole, -1, 1))
    return normalize(grid, 1 + amplitude * np.clip(wave, -1, 1), mass)  # |P_ℓ| ≤ 1, which rounding may exceed


@register_density("random_harmonics")
def random_sobolev_on_sphere(
    grid: SphereGrid,
    r: float,
    amplitude: Positive = 0.5,
    seed: Seed = 0,
    degrees: Literal["all", "even"] | Sequence[int] | Callable[[int], bool] = "all",
    mass: Positive = 1.0,
) -> np.ndarray:
    """Random density on the borderline of H^r: ``1 + A f / m`` with ``Σ_m |f_ℓm|² = ℓ^{−2r−1}``.

    The harmonics of a degree depend only on the seed and the degree, and m is the largest ``|f|`` on a fixed reference
    grid. Refining the grid therefore keeps every mode and adds finer ones. The values are those at the cell centres,
    from which the grid's quadrature recovers the harmonics of f exactly.

    Parameters
    ----------
    grid
        A grid on the sphere.
    r
        Sobolev regularity; the function is in H^q for every q < r.
    amplitude
        Amplitude A, positive. Near 1, the finest modes may make the density negative, which is an error. Default: 0.5.
    seed
        Non-negative integer. Default: 0.
    degrees
        The degrees ℓ ≥ 1 that are present: ``all``, ``even``, their numbers, or a predicate of ℓ.
    mass
        Total mass ∫ μ dx.

    Returns
    -------
    ndarray
        Cell averages, float64 of shape ``grid.shape`` (mass / area).

    Raises
    ------
    InputError
        If a parameter is not allowed or the density is negative somewhere.
    """
    check_random("random_harmonics", amplitude, seed)
    chosen = _chosen(degrees)
    largest = abs(_random_wave(_REFERENCE, r, seed, chosen)).max()
    if largest == 0:
        raise InputError(f"random_harmonics degrees leave none of 1 to {_REFERENCE.lmax}")
    wave = _random_wave(grid, r, seed, chosen)
    return normalize(grid, one_plus_wave("random_harmonics", amplitude, wave, largest), mass)


@takes_numbers
def from_function_on_sphere(
    grid: SphereGrid,
    function: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    mass: float | None = None,
    points: int = 3,
    halvings: int = 0,
) -> np.ndarray:
    """Cell averages of a function by Gauss–Legendre quadrature in height and longitude in every cell.

    Parameters
    ----------
    grid
        A grid on the sphere.
    function
        Called as ``function(x, y, z)`` with arrays of one shape, the components of unit vectors; returns the density
        (mass / area), ≥ 0, in an array of that shape.
    mass
        Total mass ∫ μ dx; None keeps the function's own.
    points
        Quadrature points per cell and direction.
    halvings
        How often a cell in which the quadrature has not settled, such as one that a jump cuts, is halved in both
        directions. Default: 0.

    Returns
    -------
    ndarray
        Cell averages, float64 of shape ``grid.shape`` (mass / area).

    Raises
    ------
    InputError
        If ``points`` is below 1, or a value of the function is negative or not finite.
    """
    points = whole_number("points", points, 1)
    averages = _averages(grid, function, points, halvings)
    return from_array(grid, averages) if mass is None else normalize(grid, averages, mass)


def _averages(grid: SphereGrid, function: Callable[..., np.ndarray], points: int, halvings: int) -> np.ndarray:
    """Averages over the cells, which are rectangles in height and longitude, an area-preserving map."""

    def on_map(down: np.ndarray, phi: np.ndarray) -> np.ndarray:
        z, phi = np.broadcast_arrays(-down, phi)
        radius = np.sqrt((1 - z) * (1 + z))
        return np.asarray(function(radius * np.cos(phi), radius * np.sin(phi), z))

    sides = (np.arange(grid.shape[1] + 1) - 0.5) * (2 * math.pi / grid.shape[1])
    return cell_averages(on_map, [-np.cos(grid.edges), sides], points, halvings)


def _directions(given: Sequence[Sequence[float]] | Sequence[float], name: str) -> np.ndarray:
    """Return unit vectors, shape (count, 3)."""
    vectors = np.atleast_2d(np.asarray(given, dtype=float))
    if vectors.ndim != 2 or vectors.shape[1] != 3:
        raise InputError(f"{name} have shape {np.shape(given)}; vectors (x, y, z) are needed")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        raise InputError(f"{name} {vectors.tolist()}: every vector must be finite and not 0")
    return np.asarray(vectors / lengths)


def _half_chord(theta: np.ndarray, middle: float, radius: float) -> np.ndarray:
    """Half the range of longitudes that a cap covers at each colatitude."""
    scale = np.sin(theta) * math.sin(middle)
    beyond = math.cos(radius) - np.cos(theta) * math.cos(middle)
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = np.where(scale > 0, beyond / scale, np.copysign(np.inf, beyond))
    return np.arccos(np.clip(cosine, -1.0, 1.0))


def _within(angle: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Length of the part of [0, angle] inside the intervals of the given width that start at 0, ±2π, …"""
    turns = np.floor(angle / (2 * math.pi))
    return turns * width + np.minimum(angle - turns * (2 * math.pi), width)


def _chosen(degrees: str | Sequence[int] | Callable[[int], bool]) -> Callable[[int], bool]:
    if callable(degrees):
        return degrees
    if isinstance(degrees, str):
        if degrees not in ("all", "even"):
            raise InputError(f'degrees "{degrees}": allowed are "all", "even", numbers, or a function of one')
        return lambda degree: degrees == "all" or degree % 2 == 0
    numbers = {int(degree) for degree in degrees}
    return lambda degree: degree in numbers


def _random_wave(grid: SphereGrid, r: float, seed: int, chosen: Callable[[int], bool]) -> np.ndarray:
    """Values at the cell centres of a random function with ``Σ_m |f_ℓm|² = ℓ^{−2r−1}``."""
    transform = SphereTransform(grid)
    coefficients = np.zeros(transform.count, complex)
    starts = np.flatnonzero(transform.degree == transform.order)  # index of ℓ = m for every order m
    for degree in filter(chosen, range(1, grid.lmax + 1)):
        real, imaginary = np.random.default_rng((seed, degree)).standard_normal((2, degree + 1))
        imaginary[0] = 0.0
        values = (real + 1j * imaginary) * (degree ** (-r - 0.5) / math.sqrt(2 * (real @ real + imaginary @ imaginary)))
        values[0] *= math.sqrt(2)  # every other coefficient represents two, m and −m
        held = min(degree, grid.mmax) + 1
        coefficients[starts[:held] + degree - np.arange(held)] = values[:held]
    return transform.synthesise(coefficients).copy()

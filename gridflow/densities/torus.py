"""Smooth and random densities on the torus as cell averages.

Every function returns a float64 array of shape ``grid.shape``: the mass of each cell divided by its volume, ≥ 0. Add
and multiply them as arrays and scale the result with :func:`gridflow.normalize`.
"""

import math
from collections.abc import Callable, Sequence
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from gridflow.arguments import takes_numbers
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
from gridflow.domains.torus import Grid, torus
from gridflow.equation.kernels.base import Positive
from gridflow.errors import InputError, whole_number


@register_density("cosine")
def cosine(
    grid: Grid,
    amplitude: Annotated[float, Ge(-1), Le(1)] = 0.9,
    modes: int | Sequence[int] = 1,
    mass: Positive = 1.0,
) -> np.ndarray:
    """``1 + A ∏_a cos(2π m_a x_a / L_a)`` scaled to a mass; exact cell averages.

    Parameters
    ----------
    grid
        A periodic grid.
    amplitude
        Amplitude A, between −1 and 1. Default: 0.9.
    modes
        m_a along each axis, or one number for all; 0 means constant along that axis.
    mass
        Total mass ∫ μ dx.

    Returns
    -------
    ndarray
        Cell averages, float64 of shape ``grid.shape`` (mass / volume).

    Raises
    ------
    InputError
        If the amplitude or the number of modes is not allowed, or the mass is not positive.
    """
    grid = torus(grid, "cosine")
    modes = grid.per_axis(modes)
    if len(modes) != grid.dim:
        raise InputError(f"cosine modes {modes}: the grid has {grid.dim} dimensions")
    if not abs(amplitude) <= 1:
        raise InputError(f"cosine amplitude = {amplitude}: a density needs a value between -1 and 1")
    wave = np.ones(())
    for axis, mode in enumerate(modes):
        average = np.sinc(mode / grid.shape[axis]) * np.cos(2 * np.pi * mode * grid.centers(axis) / grid.lengths[axis])
        wave = np.multiply.outer(wave, average)
    return normalize(grid, 1 + amplitude * wave, mass)


@register_density("gaussian")
def gaussian(
    grid: Grid,
    centers: Sequence[Sequence[float]] | Sequence[float],
    widths: Positive | Sequence[Positive],
    weights: Sequence[float] | None = None,
    mass: Positive = 1.0,
) -> np.ndarray:
    """Sum of periodised Gaussian bumps; exact cell averages.

    Parameters
    ----------
    grid
        A periodic grid.
    centers
        Positions in units of length, shape (bumps, d), or (d,) for one bump.
    widths
        Standard deviation of each bump in units of length, or one for all.
    weights
        Relative masses, ≥ 0. Default: equal.
    mass
        Total mass ∫ μ dx.

    Returns
    -------
    ndarray
        Cell averages, float64 of shape ``grid.shape`` (mass / volume).

    Raises
    ------
    InputError
        If a shape is wrong, a width is not positive, a weight is negative, a number is not finite, or the mass is not
        positive.
    """
    grid = torus(grid, "gaussian")
    positions = np.atleast_2d(np.asarray(centers, dtype=float))
    if positions.ndim != 2 or positions.shape[1] != grid.dim:
        raise InputError(f"gaussian centers have shape {positions.shape}; (bumps, {grid.dim}) is needed")
    sigmas, shares = sizes_and_shares("gaussian", len(positions), ("widths", widths), weights)
    if not np.isfinite(positions).all():
        raise InputError(f"gaussian centers are not finite: {positions.tolist()}")
    density = np.zeros(grid.shape)
    for position, sigma, share in zip(positions, sigmas, shares, strict=True):
        bump = np.array(share)
        for axis in range(grid.dim):
            bump = np.multiply.outer(bump, _wrapped_normal(grid, axis, position[axis], sigma))
        density += bump
    return normalize(grid, density, mass)


@register_density("random_sobolev")
def random_sobolev(grid: Grid, r: float, amplitude: Positive = 0.5, seed: Seed = 0, mass: Positive = 1.0) -> np.ndarray:
    """A random density at the border of H^r: ``1 + A f / m`` with ``|f̂_k| = |k|^{−r−d/2}`` and random phases.

    The phase of a mode depends only on the seed and the mode number, and m is the largest ``|f|`` on a fixed reference
    grid. Refining the grid therefore keeps every mode and adds finer ones. Modes with |k_a| ≥ n_a/2 are left out. The
    values are cell averages.

    Parameters
    ----------
    grid
        A periodic grid.
    r
        Sobolev regularity; the function is in H^q for every q < r.
    amplitude
        Amplitude A, positive. Near 1, the finest modes may make the density negative, which is an error. Default: 0.5.
    seed
        Non-negative integer.
    mass
        Total mass ∫ μ dx.

    Returns
    -------
    ndarray
        Cell averages, float64 of shape ``grid.shape`` (mass / volume).

    Raises
    ------
    InputError
        If a parameter is not allowed or the density is negative somewhere.
    """
    grid = torus(grid, "random_sobolev")
    check_random("random_sobolev", amplitude, seed)
    reference = Grid((_REFERENCE_CELLS[grid.dim],) * grid.dim)
    largest = abs(_sobolev_wave(reference, r, seed)).max()
    return normalize(grid, one_plus_wave("random_sobolev", amplitude, _sobolev_wave(grid, r, seed), largest), mass)


@takes_numbers
def from_function(
    grid: Grid, function: Callable[..., np.ndarray], mass: float | None = None, points: int = 4, halvings: int = 0
) -> np.ndarray:
    """Cell averages of a function by Gauss–Legendre quadrature in every cell.

    Parameters
    ----------
    grid
        A periodic grid.
    function
        Called as ``function(x_0, …, x_{d−1})`` with broadcastable positions in units of length; returns the density,
        ≥ 0.
    mass
        Total mass ∫ μ dx; None keeps the function's own.
    points
        Quadrature points per cell and axis; the average is exact for polynomials of degree 2·points − 1.
    halvings
        How often a cell in which the quadrature has not settled, such as one that a jump cuts, is halved along every
        axis. The function is then also called with positions of shape (boxes,). Default: 0.

    Returns
    -------
    ndarray
        Cell averages, float64 of shape ``grid.shape`` (mass / volume).

    Raises
    ------
    InputError
        If ``points`` is below 1, or a value of the function is negative or not finite.
    """
    grid = torus(grid, "from_function")
    points = whole_number("points", points, 1)
    total = cell_averages(function, [grid.edges(axis) for axis in range(grid.dim)], points, halvings)
    return from_array(grid, total) if mass is None else normalize(grid, total, mass)


def _wrapped_normal(grid: Grid, axis: int, center: float, sigma: float) -> np.ndarray:
    """Cell averages along one axis of the periodised normal density with mean ``center``."""
    length, h = grid.lengths[axis], grid.spacing[axis]
    images = math.ceil(9 * sigma / length) + 1  # in double precision the normal density vanishes beyond 9 σ
    offset = (center % length) / (math.sqrt(2) * sigma)
    scale = 1 / (math.sqrt(2) * sigma)
    density = np.zeros(grid.shape[axis])
    for image in range(-images, images + 1):
        z = (grid.edges(axis) + image * length) * scale - offset
        # Differences of erfc on either side of the mean preserve the relative accuracy of the tails.
        tail = np.array([math.erfc(abs(x)) for x in z])
        below, above = tail[1:] - tail[:-1], tail[:-1] - tail[1:]
        astride = 2 - tail[1:] - tail[:-1]
        density += np.where(z[1:] <= 0, below, np.where(z[:-1] >= 0, above, astride)) / (2 * h)
    return density


_REFERENCE_CELLS = {1: 4096, 2: 128, 3: 32}


def _sobolev_wave(grid: Grid, r: float, seed: int) -> np.ndarray:
    """Cell averages of Σ_k |k|^{−r−d/2} e^{i(k·x + phase)} over the grid's resolved modes."""
    modes = grid.mode_numbers
    radius = np.sqrt(sum(grid.along(a, k) ** 2 for a, k in enumerate(modes)))
    radius[(0,) * grid.dim] = 1.0
    average = np.ones(())
    resolved = np.ones((), dtype=bool)
    for k, n in zip(modes, grid.shape, strict=True):
        average = np.multiply.outer(average, np.sinc(k / n) * np.exp(1j * np.pi * k / n))
        resolved = np.logical_and.outer(resolved, 2 * abs(k) < n)
    coefficients = radius ** (-r - grid.dim / 2) * np.exp(2j * np.pi * _mode_noise(modes, seed)) * average
    coefficients[~resolved] = 0
    coefficients[(0,) * grid.dim] = 0
    return np.fft.irfftn(coefficients * grid.size, s=grid.shape, axes=tuple(range(grid.dim)))


def _mode_noise(modes: tuple[np.ndarray, ...], seed: int) -> np.ndarray:
    """One number in [0, 1) per mode, a hash of the seed and the mode number; odd under ξ → −ξ (modulo 1).

    The SplitMix64 finaliser (Steele, Lea and Flood, OOPSLA 2014) is applied to the mode numbers one after the other.
    """
    leading = np.zeros((), dtype=int)
    for k in modes:  # the sign of the first nonzero component selects which of k and −k is hashed
        leading = np.where(leading[..., None] == 0, np.sign(k).astype(int), leading[..., None])
    state = np.full(leading.shape, np.uint64((0x9E3779B97F4A7C15 * (int(seed) + 1)) & 0xFFFFFFFFFFFFFFFF))
    for axis, k in enumerate(modes):
        component = k.reshape([-1 if a == axis else 1 for a in range(len(modes))]).astype(np.int64) * leading
        state = _splitmix(state ^ component.astype(np.uint64))
    return leading * (state >> np.uint64(11)).astype(float) / 2.0**53


def _splitmix(x: np.ndarray) -> np.ndarray:
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))

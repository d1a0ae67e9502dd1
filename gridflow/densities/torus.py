"""Initial and target densities as cell averages.

Every function returns a float64 array of the grid's shape: the mass of each cell divided by its volume, ≥ 0. Densities
can be added and multiplied as arrays and the result scaled by :func:`normalize`. ``mass`` is always the total mass
∫ ρ dx of the result, 1 by default. Every function raises InputError if an argument is not allowed.
"""

import math
from collections.abc import Callable, Sequence
from os import PathLike

import numpy as np
from PIL import Image

from gridflow.densities import regions
from gridflow.domains.base import Domain
from gridflow.domains.torus import Grid, torus
from gridflow.errors import InputError
from gridflow.particles.clouds import checked_particles, deposit


def normalize(grid: Domain, density: np.ndarray, mass: float = 1.0) -> np.ndarray:
    """Scale a density to a given mass, ``∫ μ dx = mass``.

    Parameters
    ----------
    density
        Cell averages (mass / volume), shape ``grid.shape``, ≥ 0.
    mass
        Total mass ∫ ρ dx of the result, positive. Default: 1.

    Raises
    ------
    InputError
        If the density is negative or not finite somewhere or has no mass, or if ``mass`` is not positive.
    """
    if not (math.isfinite(mass) and mass > 0):
        raise InputError(f"mass = {mass}: it must be positive")
    density = from_array(grid, density)
    total = grid.integral(density)
    if total == 0:
        raise InputError("the density has no mass to normalise: it is 0 in every cell")
    return density * (mass / total)


def from_array(grid: Domain, values: np.ndarray) -> np.ndarray:
    """Copy cell averages from an array; InputError if the shape is wrong or a value is negative or not finite."""
    return grid.check_density(values, "the density").copy()


def uniform(grid: Domain, mass: float = 1.0) -> np.ndarray:
    """Constant density mass / |T| on any domain; ``mass`` is the total mass ∫ ρ dx, 1 by default."""
    return normalize(grid, np.ones(grid.shape), mass)


def cosine(grid: Grid, amplitude: float = 0.9, modes: Sequence[int] | int = 1, mass: float = 1.0) -> np.ndarray:
    """``1 + A ∏_a cos(2π m_a x_a / L_a)``, scaled to a mass; exact cell averages.

    Parameters
    ----------
    amplitude
        Amplitude A, between −1 and 1. Default: 0.9.
    modes
        Mode number m_a along each axis, or one number for all; 0 means constant along that axis. Default: 1.
    mass
        Total mass ∫ ρ dx. Default: 1.
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


def gaussian(
    grid: Grid,
    centers: Sequence[Sequence[float]] | Sequence[float],
    widths: Sequence[float] | float,
    weights: Sequence[float] | None = None,
    mass: float = 1.0,
) -> np.ndarray:
    """Sum of periodised Gaussian bumps; exact cell averages.

    Parameters
    ----------
    centers
        Positions, in units of length; shape (bumps, d), or (d,) for one bump.
    widths
        Standard deviation of each bump, or one number for all, in units of length.
    weights
        Relative masses, ≥ 0. Default: equal.
    mass
        Total mass ∫ ρ dx. Default: 1.
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


def ball_hole(grid: Grid, radius: float, center: Sequence[float] | None = None, mass: float = 1.0) -> np.ndarray:
    """Constant density of total mass ``mass`` outside an empty ball; see :func:`gridflow.densities.regions.ball`."""
    return normalize(grid, 1 - regions.ball(grid, radius, center), mass)


def box_hole(
    grid: Grid, sides: Sequence[float] | float, center: Sequence[float] | None = None, mass: float = 1.0
) -> np.ndarray:
    """Constant density of total mass ``mass`` outside an empty box; see :func:`gridflow.densities.regions.box`."""
    return normalize(grid, 1 - regions.box(grid, sides, center), mass)


def shell_hole(
    grid: Grid, inner: float, outer: float, center: Sequence[float] | None = None, mass: float = 1.0
) -> np.ndarray:
    """Constant density of total mass ``mass`` outside an empty shell; see :func:`gridflow.densities.regions.shell`."""
    return normalize(grid, 1 - regions.shell(grid, inner, outer, center), mass)


def lattice_of_holes(grid: Grid, counts: Sequence[int] | int, radius: float, mass: float = 1.0) -> np.ndarray:
    """Constant density of total mass ``mass`` outside empty balls; see :func:`gridflow.densities.regions.lattice`."""
    return normalize(grid, 1 - regions.lattice(grid, counts, radius), mass)


def random_sobolev(grid: Grid, r: float, amplitude: float = 0.5, seed: int = 0, mass: float = 1.0) -> np.ndarray:
    """Random density on the borderline of H^r: ``1 + A f / m`` with ``|f̂_k| = |k|^{−r−d/2}`` and random phases.

    The phase of a mode depends only on the seed and the mode number, and m is the largest ``|f|`` on a fixed reference
    grid. Refining the grid therefore keeps every mode and adds finer ones. Modes with |k_a| ≥ n_a/2 are left out. The
    values are cell averages.

    Parameters
    ----------
    r
        Sobolev regularity; the function is in H^q for every q < r.
    amplitude
        Amplitude A, positive. Near 1, the finest modes may make the density negative, which is an error. Default: 0.5.
    seed
        Non-negative integer. Default: 0.
    mass
        Total mass ∫ ρ dx. Default: 1.

    Raises
    ------
    InputError
        If a parameter is not allowed or the density is negative somewhere.
    """
    grid = torus(grid, "random_sobolev")
    check_random("random_sobolev", amplitude, seed)
    reference = Grid((_REFERENCE_CELLS[grid.dim],) * grid.dim)
    largest = abs(_sobolev_wave(reference, r, seed)).max()
    return normalize(grid, waved("random_sobolev", amplitude, _sobolev_wave(grid, r, seed), largest), mass)


def from_function(
    grid: Grid, function: Callable[..., np.ndarray], mass: float | None = None, points: int = 4
) -> np.ndarray:
    """Cell averages of a function by Gauss–Legendre quadrature in every cell.

    Parameters
    ----------
    function
        Called as ``function(x_0, …, x_{d−1})`` with broadcastable positions; returns the density, ≥ 0.
    mass
        Total mass ∫ ρ dx to scale to. Default: None, which does not scale.
    points
        Quadrature points per cell and axis; exact for polynomials of degree 2·points − 1. Default: 4.
    """
    grid = torus(grid, "from_function")
    nodes, weights = np.polynomial.legendre.leggauss(points)
    total = np.zeros(grid.shape)
    for which in np.ndindex(*(points,) * grid.dim):
        at = [x + h / 2 * nodes[i] for x, h, i in zip(grid.mesh(), grid.spacing, which, strict=True)]
        total += math.prod(weights[i] / 2 for i in which) * np.asarray(function(*at))
    return from_array(grid, total) if mass is None else normalize(grid, total, mass)


def from_image(grid: Grid, path: str | PathLike[str], mass: float = 1.0) -> np.ndarray:
    """Convert a picture to a density on a 2-D grid: black is empty, white is full, and the picture's top is up in y.

    The picture is stretched over the torus and averaged exactly over each cell. Transparent pixels count as white.

    Parameters
    ----------
    path
        File in any format that Pillow reads.
    mass
        Total mass ∫ ρ dx. Default: 1.
    """
    grid = torus(grid, "from_image")
    if grid.dim != 2:
        raise InputError(f"from_image needs a 2-D grid; this one has {grid.dim} dimensions")
    try:
        with Image.open(path) as file:
            picture: Image.Image = file
            if file.has_transparency_data:
                rgba = file.convert("RGBA")
                picture = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
            pixels = np.asarray(picture.convert("F"), dtype=float)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:  # what Pillow raises on bad files
        raise InputError(f"image {path} cannot be read: {error}") from None
    shading = pixels[::-1].T
    across = [_shares(n, m) for n, m in zip(grid.shape, shading.shape, strict=True)]
    return normalize(grid, across[0] @ shading @ across[1].T, mass)


def from_particles(
    grid: Grid, positions: np.ndarray, weights: np.ndarray | None = None, mass: float | None = 1.0
) -> np.ndarray:
    """Deposit particles by cloud-in-cell: each is spread over a box the size of a cell, centred on it.

    Parameters
    ----------
    positions
        Shape (N, d), in units of length; wrapped onto the torus.
    weights
        Masses, shape (N,), ≥ 0. Default: 1 / N each.
    mass
        Total mass ∫ ρ dx to scale to; None keeps the sum of the weights. Default: 1.
    """
    grid = torus(grid, "from_particles")
    density = deposit(grid, *checked_particles(grid.dim, positions, weights))
    return density if mass is None else normalize(grid, density, mass)


def sizes_and_shares(
    kind: str, bumps: int, sizes: tuple[str, Sequence[float] | float], weights: Sequence[float] | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the positive size and the weight ≥ 0 of each bump; InputError names ``kind`` and the size's name."""
    name, given = sizes
    found = []
    for what, values in ((name, given), ("weights", 1.0 if weights is None else weights)):
        array = np.asarray(values, dtype=float)
        if array.shape not in ((), (bumps,)):
            raise InputError(f"{kind} {what} have shape {array.shape}; one number or {bumps} are needed")
        found.append(np.broadcast_to(array, (bumps,)))
    size, share = found
    if not (np.isfinite(size) & (size > 0)).all():
        raise InputError(f"{kind} {name} {size.tolist()} must be positive and finite")
    if not (np.isfinite(share) & (share >= 0)).all():
        raise InputError(f"{kind} weights ≥ 0 are needed, not {share.tolist()}")
    return size, share


def check_random(kind: str, amplitude: float, seed: int) -> None:
    """Raise InputError, naming the kind, unless the amplitude is positive and the seed is not negative."""
    if not amplitude > 0:
        raise InputError(f"{kind} amplitude = {amplitude}: it must be positive")
    if seed < 0:
        raise InputError(f"{kind} seed = {seed}: it must be a non-negative integer")


def waved(kind: str, amplitude: float, wave: np.ndarray, largest: float) -> np.ndarray:
    """Return ``1 + A f / m``; if it is negative somewhere, InputError names the kind and the largest allowed A."""
    density: np.ndarray = 1 + amplitude / largest * wave
    if density.min() < 0:
        most = amplitude / (1 - density.min())
        digit = 10.0 ** (math.floor(math.log10(most)) - 2)
        raise InputError(
            f"{kind} amplitude = {amplitude}: the density reaches {density.min():.3g} < 0; "
            f"at most {math.floor(most / digit) * digit:.3g} keeps it ≥ 0 on this grid"
        )
    return density


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


def _shares(cells: int, pixels: int) -> np.ndarray:
    """Matrix (cells, pixels) with the share of each cell that each pixel covers."""
    cell = np.arange(cells + 1) / cells
    pixel = np.arange(pixels + 1) / pixels
    low = np.maximum(cell[:-1, None], pixel[None, :-1])
    high = np.minimum(cell[1:, None], pixel[None, 1:])
    return np.maximum(high - low, 0.0) * cells


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
    state = np.full(leading.shape, np.uint64((0x9E3779B97F4A7C15 * (seed + 1)) & 0xFFFFFFFFFFFFFFFF))
    for axis, k in enumerate(modes):
        component = k.reshape([-1 if a == axis else 1 for a in range(len(modes))]).astype(np.int64) * leading
        state = _splitmix(state ^ component.astype(np.uint64))
    return leading * (state >> np.uint64(11)).astype(float) / 2.0**53


def _splitmix(x: np.ndarray) -> np.ndarray:
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))

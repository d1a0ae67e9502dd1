"""Densities read from files: images, arrays, particles and the measures of networks."""

from pathlib import Path

import numpy as np
from PIL import Image

from gridflow.arguments import takes_numbers
from gridflow.densities.base import FilePath, normalize, register_density
from gridflow.domains.base import Domain
from gridflow.domains.torus import Grid, torus
from gridflow.equation.kernels.base import Positive
from gridflow.errors import InputError
from gridflow.networks.measures import measure_from_network
from gridflow.networks.weights import from_state_dict, load_weights
from gridflow.particles.clouds import checked_particles, deposit


@register_density("image")
def from_image(grid: Grid, path: FilePath, mass: Positive = 1.0) -> np.ndarray:
    """A picture as a density on a 2-D grid: dark is empty, white is full; the picture's up is the y axis.

    The picture is stretched over the torus and averaged over each cell, pixel areas counted exactly. Transparent pixels
    count as white.

    Parameters
    ----------
    grid
        A 2-D periodic grid.
    path
        The image file, of any format that Pillow reads.
    mass
        Total mass ∫ μ dx.

    Returns
    -------
    ndarray
        Cell averages, float64 of shape ``grid.shape`` (mass / volume).

    Raises
    ------
    InputError
        If the grid is not 2-D, the file cannot be read, or the picture is all dark.
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


@takes_numbers
def from_particles(
    grid: Grid, positions: np.ndarray, weights: np.ndarray | None = None, mass: float | None = 1.0
) -> np.ndarray:
    """Deposit particles by cloud-in-cell: each spreads over a box of one cell's size around its position.

    Parameters
    ----------
    grid
        A periodic grid.
    positions
        Shape (N, d), in units of length; wrapped onto the torus.
    weights
        Masses, shape (N,), ≥ 0. Default: 1 / N each.
    mass
        Total mass ∫ μ dx; None keeps the sum of the weights.

    Returns
    -------
    ndarray
        Cell averages, float64 of shape ``grid.shape`` (mass / volume).

    Raises
    ------
    InputError
        If a shape is wrong, a position is not finite, or a weight is negative or not finite.
    """
    grid = torus(grid, "from_particles")
    density = deposit(grid, *checked_particles(grid.dim, positions, weights))
    return density if mass is None else normalize(grid, density, mass)


@register_density("array")
def from_array_file(grid: Domain, path: FilePath, mass: Positive = 1.0) -> np.ndarray:
    """Read cell averages from an ``.npy`` file and scale them to a mass.

    Parameters
    ----------
    grid
        Any domain.
    path
        The file; an array of shape ``grid.shape``, ≥ 0.
    mass
        Total mass ∫ μ dx.

    Raises
    ------
    InputError
        If the file cannot be read or is not a density on the grid.
    """
    return normalize(grid, _load(path), mass)


@register_density("particles")
def from_particle_file(grid: Grid, path: FilePath, mass: Positive = 1.0) -> np.ndarray:
    """Read positions of particles from an ``.npy`` file and deposit them; see :func:`from_particles`.

    Parameters
    ----------
    grid
        A periodic grid.
    path
        The file; an array of shape (N, d) in units of length.
    mass
        Total mass ∫ μ dx.

    Raises
    ------
    InputError
        If the file cannot be read or does not hold positions in d dimensions.
    """
    return from_particles(grid, _load(path), mass=mass)


@register_density("network")
def from_network_file(grid: Domain, path: FilePath, mass: Positive | None = None, negative: bool = False) -> np.ndarray:
    """Read a network and make the measure of its output weights; see :func:`gridflow.measure_from_network`.

    Parameters
    ----------
    grid
        The circle or a sphere.
    path
        The file: ``.npz`` as written by :func:`gridflow.networks.save_weights`, or a ``state_dict`` of PyTorch.
    mass
        Total mass ∫ μ dx. None keeps the network's own.
    negative
        Whether the measure of the negative output weights is wanted, rather than that of the positive ones.

    Raises
    ------
    InputError
        If the file cannot be read or its network does not live on the grid.
    """
    file = Path(path)
    weights = load_weights(file) if file.suffix == ".npz" else from_state_dict(file)
    measure = measure_from_network(grid, weights)[negative]
    return measure if mass is None else normalize(grid, measure, mass)


def _load(path: FilePath) -> np.ndarray:
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None
    except ValueError:
        raise InputError(f"{path} is not a .npy file of numbers") from None


def _shares(cells: int, pixels: int) -> np.ndarray:
    """Matrix (cells, pixels) of the share of each cell that each pixel covers."""
    cell = np.arange(cells + 1) / cells
    pixel = np.arange(pixels + 1) / pixels
    low = np.maximum(cell[:-1, None], pixel[None, :-1])
    high = np.minimum(cell[1:, None], pixel[None, 1:])
    return np.maximum(high - low, 0.0) * cells

"""Densities read from files: images, arrays, particles and the measures of networks."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from gridflow.arguments import takes_numbers
from gridflow.densities.arrays import on_grid, read_field
from gridflow.densities.base import FilePath, normalize, register_density
from gridflow.domains.base import Domain
from gridflow.domains.torus import Grid, torus
from gridflow.equation.kernels.base import Positive
from gridflow.errors import InputError
from gridflow.networks.measures import measure_from_network
from gridflow.networks.weights import from_state_dict, load_weights
from gridflow.particles.clouds import checked_particles, deposit

_WHITE_OF_16_BITS = 65535.0


@register_density("image")
def from_image(grid: Grid, path: FilePath, mass: Positive = 1.0) -> np.ndarray:
    """A picture as a density on a 2-D grid: dark is empty, white is full; the picture's up is the y axis.

    The picture is stretched over the torus and averaged over each cell, pixel areas counted exactly. It is turned as
    its camera says, and transparent pixels count as white.

    Parameters
    ----------
    grid
        A 2-D periodic grid.
    path
        The image file, of any format that Pillow reads, or TIFF of any numbers.
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
    shading = _pixels(Path(path))[::-1].T
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
def from_file(
    grid: Domain,
    path: FilePath,
    variable: str | None = None,
    time_index: int | None = None,
    mass: Positive = 1.0,
) -> np.ndarray:
    """Read cell averages from a file and scale them to a mass.

    Readable are ``.npy``, ``.npz``, ``.csv``, ``.mat``, ``.nc`` (netCDF 3 and 4, such as the snapshots of a run),
    ``.h5``, ``.vti``, ``.vtk``, ``.vtkhdf`` and ``.tif``; see :mod:`gridflow.densities.formats`.

    Parameters
    ----------
    grid
        Any domain with cells.
    path
        The file; an array of shape ``grid.shape``, ≥ 0. Axes with names may be in any order.
    variable
        Name of the array in a file of several. Default: the only one that fits, or ``density``.
    time_index
        Which time to take of an array over several, from 0 or, if negative, from the end. Default: the only one.
    mass
        Total mass ∫ μ dx.

    Returns
    -------
    ndarray
        Cell averages, float64 of shape ``grid.shape`` (mass / volume).

    Raises
    ------
    InputError
        If the file cannot be read or is not a density on the grid; one line that names the file.
    """
    file, dim = Path(path), len(grid.shape)
    field = read_field(file, (dim, dim + 1), variable)
    try:
        return normalize(grid, on_grid(grid, field, time_index), mass)
    except InputError as error:
        raise InputError(f"{file}: {error}") from None


@register_density("particles")
def from_particle_file(grid: Grid, path: FilePath, variable: str | None = None, mass: Positive = 1.0) -> np.ndarray:
    """Read positions of particles from a file and deposit them; see :func:`from_particles`.

    Parameters
    ----------
    grid
        A periodic grid.
    path
        The file; an array of shape (N, d) in units of length, in a format of :func:`from_file`.
    variable
        Name of the array in a file of several. Default: the only one of two axes.
    mass
        Total mass ∫ μ dx.

    Raises
    ------
    InputError
        If the file cannot be read or does not hold positions in d dimensions.
    """
    file = Path(path)
    positions = read_field(file, (2,) if grid.dim > 1 else (1, 2), variable).values
    try:
        return from_particles(grid, positions, mass=mass)
    except InputError as error:
        raise InputError(f"{file}: {error}") from None


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


def _pixels(path: Path) -> np.ndarray:
    """Brightness of a picture, float64 of shape (rows, columns), from the top; InputError if it cannot be read."""
    try:
        with Image.open(path) as file:
            picture: Image.Image = ImageOps.exif_transpose(file)
            clear = picture.info.get("transparency")
            if picture.mode.startswith("I"):  # 16 bits of grey, of which one value may be transparent
                grey = np.asarray(picture, dtype=float)
                return grey if clear is None else np.where(grey == clear, _WHITE_OF_16_BITS, grey)
            if picture.has_transparency_data:
                rgba = picture.convert("RGBA")
                picture = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
            return np.asarray(picture.convert("F"), dtype=float)
    except UnidentifiedImageError as error:
        if path.suffix.lower() not in (".tif", ".tiff"):
            raise InputError(f"image {path} cannot be read: {error}") from None
        return _picture_of_numbers(path)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:  # what Pillow raises on bad files
        raise InputError(f"image {path} cannot be read: {error}") from None


def _picture_of_numbers(path: Path) -> np.ndarray:
    """Values of a TIFF of numbers that Pillow does not know, such as float64."""
    field = read_field(path, (2,))
    if field.axes != ("y", "x"):
        raise InputError(f"image {path} has shape {field.values.shape}; one page of one channel is needed")
    return np.asarray(field.values[::-1], dtype=float)


def _shares(cells: int, pixels: int) -> np.ndarray:
    """Matrix (cells, pixels) of the share of each cell that each pixel covers."""
    cell = np.arange(cells + 1) / cells
    pixel = np.arange(pixels + 1) / pixels
    low = np.maximum(cell[:-1, None], pixel[None, :-1])
    high = np.minimum(cell[1:, None], pixel[None, 1:])
    return np.maximum(high - low, 0.0) * cells

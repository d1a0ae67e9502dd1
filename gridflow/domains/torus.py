"""Cell-centred periodic grids, and what they share with every other domain that densities live on."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from gridflow.errors import InputError

FEWEST_CELLS = 4
"""Cells an axis needs for the reconstruction stencils not to meet themselves."""


class Coordinate(NamedTuple):
    """Positions of the cells along one axis of an array, with what a file says of them."""

    name: str
    values: np.ndarray
    units: str
    meaning: str


class Domain(ABC):
    """Cells on which densities are told, as arrays of cell averages.

    Attributes
    ----------
    shape
        Of an array with one number per cell.
    spectral_shape
        Of the array that holds a kernel's symbol; its first element is that of the constant mode.
    """

    shape: tuple[int, ...]

    @property
    @abstractmethod
    def spectral_shape(self) -> tuple[int, ...]:
        """Shape of a kernel's symbol."""

    @property
    @abstractmethod
    def dim(self) -> int:
        """Number of dimensions d."""

    @abstractmethod
    def mode_multiplicity(self) -> np.ndarray:
        """How many modes each element of a symbol stands for, broadcastable to the spectral shape."""

    @property
    @abstractmethod
    def volume(self) -> float:
        """Volume of the whole domain."""

    @abstractmethod
    def integral(self, values: np.ndarray) -> float:
        """∫ f dx of cell averages, summed in double precision."""

    @property
    @abstractmethod
    def cell_volumes(self) -> np.ndarray:
        """Volume of every cell, broadcastable to the shape."""

    @abstractmethod
    def coordinates(self) -> tuple[Coordinate, ...]:
        """Where the cells are, along every axis of an array."""

    @abstractmethod
    def record(self) -> dict[str, Any]:
        """What a manifest keeps, from which :func:`gridflow.domains.sphere.domain_from` makes the domain again."""

    @property
    def size(self) -> int:
        """Number of cells."""
        return math.prod(self.shape)

    def check(self, values: np.ndarray, name: str) -> np.ndarray:
        """Return ``values`` as an array, or raise InputError unless it has the grid's shape and is finite."""
        values = np.asarray(values)
        if values.shape != self.shape:
            raise InputError(f"{name} has shape {values.shape}; the grid has {self.shape}")
        if not np.isfinite(values).all():
            cell = np.argwhere(~np.isfinite(values))[0].tolist()
            raise InputError(f"{name} is not finite: {values[tuple(cell)]} in cell {cell}")
        return values

    def check_density(self, values: np.ndarray, name: str) -> np.ndarray:
        """Return ``values`` as a float64 array, or raise InputError unless it fits the grid, is finite and ≥ 0."""
        density = np.asarray(self.check(values, name), dtype=float)
        if density.min() < 0:
            cell = np.argwhere(density < 0)[0].tolist()
            raise InputError(f"{name} is negative: {density[tuple(cell)]} in cell {cell}; a density is ≥ 0")
        return density


@dataclass(frozen=True)
class Grid(Domain):
    """A uniform grid of cells on the flat torus ``[0, L_0) × … × [0, L_{d−1})``, d = 1, 2 or 3.

    Cell ``i`` along axis ``a`` covers ``[i h_a, (i+1) h_a)`` with ``h_a = L_a / n_a`` and is centred at
    ``(i + ½) h_a``. Arrays on the grid are ``ij``-ordered: the first axis is x. Face ``i`` of axis ``a`` is the
    upper face of cell ``i``, at ``(i + 1) h_a``.

    Parameters
    ----------
    shape
        Number of cells along each axis, at least 4 each, even or odd. A single integer means one dimension.
    lengths
        Period along each axis, in units of length. Default: 1 along every axis.

    Raises
    ------
    InputError
        If a number of cells or a length is not allowed, or the two do not match.
    """

    shape: tuple[int, ...]
    lengths: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        given = tuple(np.atleast_1d(self.shape).tolist())
        if not 1 <= len(given) <= 3:
            raise InputError(f"grid shape {given} has {len(given)} axes; 1, 2 or 3 are allowed")
        if any(not isinstance(n, int | np.integer) or n < FEWEST_CELLS for n in given):
            raise InputError(f"grid shape {given}: every axis needs a whole number of at least {FEWEST_CELLS} cells")
        lengths = tuple(np.atleast_1d(self.lengths).tolist())
        lengths = tuple(float(length) for length in lengths) or (1.0,) * len(given)
        if len(lengths) != len(given):
            raise InputError(f"grid lengths {lengths} do not match the {len(given)} axes of shape {given}")
        if any(not math.isfinite(length) or length <= 0 for length in lengths):
            raise InputError(f"grid lengths {lengths}: every length must be positive and finite")
        object.__setattr__(self, "shape", tuple(int(n) for n in given))
        object.__setattr__(self, "lengths", lengths)

    @property
    def dim(self) -> int:
        """Number of dimensions d."""
        return len(self.shape)

    @property
    def spacing(self) -> tuple[float, ...]:
        """Cell widths h_a."""
        return tuple(length / n for length, n in zip(self.lengths, self.shape, strict=True))

    @property
    def cell_volume(self) -> float:
        """Volume of one cell, ∏ h_a."""
        return math.prod(self.spacing)

    @property
    def volume(self) -> float:
        """Volume of the torus, |T| = ∏ L_a."""
        return math.prod(self.lengths)

    @property
    def spectral_shape(self) -> tuple[int, ...]:
        """Shape of the half-spectrum of a real array: the last axis keeps n//2 + 1 modes."""
        return (*self.shape[:-1], self.shape[-1] // 2 + 1)

    def centers(self, axis: int) -> np.ndarray:
        """Cell centres along one axis, shape (n,)."""
        return (np.arange(self.shape[axis]) + 0.5) * self.spacing[axis]

    def edges(self, axis: int) -> np.ndarray:
        """Positions of the n + 1 cell edges along one axis, from 0 to L."""
        return np.arange(self.shape[axis] + 1) * self.spacing[axis]

    def mesh(self) -> tuple[np.ndarray, ...]:
        """Cell centres as d broadcastable arrays."""
        return tuple(self.along(axis, self.centers(axis)) for axis in range(self.dim))

    def along(self, axis: int, values: np.ndarray) -> np.ndarray:
        """Reshape a vector so that it broadcasts along one axis."""
        return values.reshape([-1 if a == axis else 1 for a in range(self.dim)])

    def wavevector(self) -> tuple[np.ndarray, ...]:
        """Components ξ_a = 2π k_a / L_a of the half-spectrum, d broadcastable arrays (1 / length)."""
        return tuple(
            self.along(axis, 2 * np.pi * k / length)
            for axis, (k, length) in enumerate(zip(self.mode_numbers, self.lengths, strict=True))
        )

    @cached_property
    def mode_numbers(self) -> tuple[np.ndarray, ...]:
        """Integer mode numbers k_a of the half-spectrum along each axis, in storage order."""
        full = [np.fft.fftfreq(n, 1 / n) for n in self.shape[:-1]]
        return (*full, np.arange(self.shape[-1] // 2 + 1, dtype=float))

    def mode_multiplicity(self) -> np.ndarray:
        """How many modes of the full spectrum each stored one stands for: 1 or 2, broadcastable."""
        twice = np.full(self.spectral_shape[-1], 2.0)
        twice[0] = 1.0
        if self.shape[-1] % 2 == 0:
            twice[-1] = 1.0
        return self.along(self.dim - 1, twice)

    def per_axis(self, values: ArrayLike) -> tuple[Any, ...]:
        """One number for every axis as d numbers; a sequence as it is."""
        given = np.asarray(values)
        return (given.item(),) * self.dim if given.ndim == 0 else tuple(given.tolist())

    def integral(self, values: np.ndarray) -> float:
        """∫ f dx = Σ_i f_i ∏h_a, summed in double precision."""
        return float(values.sum(dtype=float)) * self.cell_volume

    @property
    def cell_volumes(self) -> np.ndarray:
        """∏ h_a, the same for every cell."""
        return np.array(self.cell_volume)

    def coordinates(self) -> tuple[Coordinate, ...]:
        """Cell centres along x, y and z."""
        return tuple(
            Coordinate(name, self.centers(axis), "length", f"cell centres along {name}")
            for axis, name in enumerate("xyz"[: self.dim])
        )

    def record(self) -> dict[str, Any]:
        """Shape and periods."""
        return {"shape": list(self.shape), "lengths": list(self.lengths)}


def torus(grid: Domain, what: str) -> Grid:
    """The grid, if it is one of a torus; InputError, naming what needs it, otherwise."""
    if not isinstance(grid, Grid):
        raise InputError(f"{what} needs a periodic grid, not {grid}")
    return grid

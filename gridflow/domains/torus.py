"""Uniform grids on the flat torus."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gridflow.compute import contours
from gridflow.compute.fft import SerialTransform
from gridflow.compute.threads import count
from gridflow.domains.base import Coordinate, Domain, LaplacianKind
from gridflow.errors import InputError

FEWEST_CELLS = 4
"""Cells an axis needs for the reconstruction stencils not to meet themselves."""


@dataclass(frozen=True)
class Grid(Domain, kind="torus"):
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

    def with_cells(self, shape: tuple[int, ...]) -> "Grid":
        """The same domain with other numbers of cells along its axes."""
        return type(self)(shape, self.lengths)

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

    @classmethod
    def _from_record(cls, record: Mapping[str, Any]) -> "Grid":
        return cls(tuple(record["shape"]), tuple(record["lengths"]))

    def laplacian_symbol(self, kind: LaplacianKind = "spectral") -> np.ndarray:
        """``|ξ|²``, or ``Σ_a (2 sin(ξ_a h_a / 2) / h_a)²``, the symbol of the standard (2d + 1)-point stencil."""
        result = np.zeros(self.spectral_shape)
        for xi, h in zip(self.wavevector(), self.spacing, strict=True):
            result += (2 * np.sin(xi * h / 2) / h) ** 2 if kind == "mimetic" else xi**2
        return result

    def symbol_arguments(self) -> tuple[np.ndarray, ...]:
        """The components of ξ on the half-spectrum."""
        return self.wavevector()

    @property
    def mirrored_symbols(self) -> bool:
        """True: K̂(−ξ) = K̂(ξ)."""
        return True

    def mode_power(self, values: np.ndarray, deconvolve: bool = False) -> np.ndarray:
        """``|T| |f̂_k|²`` on the half-spectrum, twice where a mode stands for two."""
        transform = SerialTransform(self, np.float64, count(None, self.size))
        field, spectrum = transform.field(), transform.spectrum()
        field[...] = values
        transform.forward(field, spectrum)
        power = (spectrum.modes.real**2 + spectrum.modes.imag**2) * (self.volume / self.size**2)
        power *= self.mode_multiplicity()
        power[(0,) * self.dim] = 0.0
        if deconvolve:
            for axis, (k, n) in enumerate(zip(self.mode_numbers, self.shape, strict=True)):
                power /= self.along(axis, np.sinc(k / n)) ** 2
        return power

    def shell_numbers(self) -> np.ndarray:
        """|ξ| in units of the smallest wave number, rounded."""
        return np.rint(np.sqrt(self.laplacian_symbol()) / self.first_wavenumber).astype(int)

    @property
    def first_wavenumber(self) -> float:
        """2π / max L."""
        return 2 * math.pi / max(self.lengths)

    @property
    def nyquist(self) -> float:
        """π / max h."""
        return math.pi / max(self.spacing)

    @property
    def finest_wavenumber(self) -> float:
        """π / max h."""
        return self.nyquist

    def contoured_volume(self, field: np.ndarray, level: float) -> float:
        """Volume by linear interpolation on a line, marching squares in two dimensions, marching cubes in three."""
        return contours.periodic_volume(field, level) * self.cell_volume

    def widened(self, cells: np.ndarray) -> np.ndarray:
        """The cells within two cells along every axis."""
        for _ in range(2):
            for axis in range(cells.ndim):
                cells = cells | np.roll(cells, 1, axis) | np.roll(cells, -1, axis)
        return cells


def torus(grid: Domain, what: str) -> Grid:
    """The grid, if it is one of a torus; InputError, naming what needs it, otherwise."""
    if not isinstance(grid, Grid):
        raise InputError(f"{what} needs a periodic grid, not {grid}")
    return grid

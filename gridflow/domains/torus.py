"""Uniform grids on the flat torus."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gridflow.arguments import Numbers
from gridflow.compute import contours
from gridflow.compute.fft import SerialTransform
from gridflow.compute.remap import overlaps
from gridflow.compute.threads import count
from gridflow.domains.base import Coordinate, Domain, LaplacianKind, fewer
from gridflow.errors import InputError, is_whole

PERIODS = Numbers("a number", listed=True)
"""What the lengths of a grid may be: in one dimension also a number."""
FEWEST_CELLS = 4
"""Smallest number of cells along an axis; with fewer, a reconstruction stencil would overlap itself."""


@dataclass(frozen=True)
class Grid(Domain, kind="torus"):
    """A uniform grid of cells on the flat torus ``[0, L_0) × … × [0, L_{d−1})``, d = 1, 2 or 3.

    Cell ``i`` along axis ``a`` covers ``[i h_a, (i+1) h_a)`` with ``h_a = L_a / n_a`` and is centred at
    ``(i + ½) h_a``. Arrays on the grid are ``ij``-ordered: the first axis is x. Face ``i`` of axis ``a`` is the
    upper face of cell ``i``, at ``(i + 1) h_a``.

    Parameters
    ----------
    shape
        Number of cells along each axis, at least 4, even or odd. A single integer means one dimension.
    lengths
        Period along each axis, in units of length. Default: 1 along every axis.

    Raises
    ------
    InputError
        If a number of cells or a length is not allowed, or ``shape`` and ``lengths`` do not match.
    """

    shape: tuple[int, ...]
    lengths: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        given = tuple(np.atleast_1d(self.shape).tolist())
        if not 1 <= len(given) <= 3:
            raise InputError(f"grid shape {given} has {len(given)} axes; 1, 2 or 3 are allowed")
        if not all(is_whole(n, FEWEST_CELLS) for n in given):
            raise InputError(f"grid shape {given}: every axis needs a whole number of at least {FEWEST_CELLS} cells")
        if not PERIODS.allow(self.lengths):
            raise InputError(f"grid lengths = {self.lengths!r}: it must be {PERIODS}")
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
        """Cell widths h_a = L_a / n_a, in units of length."""
        return tuple(length / n for length, n in zip(self.lengths, self.shape, strict=True))

    @property
    def cell_volume(self) -> float:
        """Volume of one cell, ∏ h_a (length^d)."""
        return math.prod(self.spacing)

    @property
    def volume(self) -> float:
        """Volume of the torus, |T| = ∏ L_a (length^d)."""
        return math.prod(self.lengths)

    @property
    def spectral_shape(self) -> tuple[int, ...]:
        """Shape of the half-spectrum of a real array: the last axis has n//2 + 1 modes."""
        return (*self.shape[:-1], self.shape[-1] // 2 + 1)

    def with_cells(self, shape: tuple[int, ...]) -> "Grid":
        """The same domain with other numbers of cells along its axes."""
        return type(self)(shape, self.lengths)

    def centers(self, axis: int) -> np.ndarray:
        """Cell centres along one axis, shape (n,), in units of length."""
        return (np.arange(self.shape[axis]) + 0.5) * self.spacing[axis]

    def edges(self, axis: int) -> np.ndarray:
        """Cell edges along one axis, shape (n + 1,), from 0 to L, in units of length."""
        return np.arange(self.shape[axis] + 1) * self.spacing[axis]

    def mesh(self) -> tuple[np.ndarray, ...]:
        """Cell centres as d broadcastable arrays, one per axis, in units of length."""
        return tuple(self.along(axis, self.centers(axis)) for axis in range(self.dim))

    def along(self, axis: int, values: np.ndarray) -> np.ndarray:
        """Reshape a vector of shape (n,) so that it broadcasts along one axis."""
        return values.reshape([-1 if a == axis else 1 for a in range(self.dim)])

    def wavevector(self) -> tuple[np.ndarray, ...]:
        """Components ξ_a = 2π k_a / L_a on the half-spectrum, as d broadcastable arrays (1 / length)."""
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
        """Number of full-spectrum modes each stored mode represents, 1 or 2; broadcastable to the half-spectrum."""
        twice = np.full(self.spectral_shape[-1], 2.0)
        twice[0] = 1.0
        if self.shape[-1] % 2 == 0:
            twice[-1] = 1.0
        return self.along(self.dim - 1, twice)

    def per_axis(self, values: ArrayLike) -> tuple[Any, ...]:
        """Return one value per axis as a tuple of length d: a number is repeated, a sequence is converted as it is."""
        given = np.asarray(values)
        return (given.item(),) * self.dim if given.ndim == 0 else tuple(given.tolist())

    def integral(self, values: np.ndarray) -> float:
        """Integral ∫ f dx = Σ_i f_i ∏ h_a of cell averages of shape ``shape``, summed in double precision."""
        return float(values.sum(dtype=float)) * self.cell_volume

    @property
    def cell_volumes(self) -> np.ndarray:
        """Volume of a cell, ∏ h_a, shape (): all cells have the same."""
        return np.array(self.cell_volume)

    def view(self, values: np.ndarray) -> tuple[np.ndarray, float]:
        """A curve, or x to the right and y upwards; in three dimensions the cut through the middle of z."""
        if self.dim == 1:
            return values, 1.0
        plane = values if self.dim == 2 else values[:, :, self.shape[2] // 2]
        return plane.T[::-1], self.lengths[0] / self.lengths[1]

    def coordinates(self) -> tuple[Coordinate, ...]:
        """Cell centres along x, y and z."""
        return tuple(
            Coordinate(name, self.centers(axis), "length", f"cell centres along {name}")
            for axis, name in enumerate("xyz"[: self.dim])
        )

    def record(self) -> dict[str, Any]:
        """Shape and periods of the grid."""
        return {"shape": list(self.shape), "lengths": list(self.lengths)}

    @classmethod
    def _from_record(cls, record: Mapping[str, Any]) -> "Grid":
        return cls(tuple(record["shape"]), tuple(record["lengths"]))

    def laplacian_symbol(self, kind: LaplacianKind = "spectral") -> np.ndarray:
        """Symbol of −Δ on the half-spectrum (1 / length²).

        Parameters
        ----------
        kind
            ``spectral`` (default): ``|ξ|²``. ``mimetic``: ``Σ_a (2 sin(ξ_a h_a / 2) / h_a)²``, the symbol of the
            standard (2d + 1)-point stencil.

        Returns
        -------
        ndarray
            A new float64 array of shape ``spectral_shape``.
        """
        result = np.zeros(self.spectral_shape)
        for xi, h in zip(self.wavevector(), self.spacing, strict=True):
            result += (2 * np.sin(xi * h / 2) / h) ** 2 if kind == "mimetic" else xi**2
        return result

    def symbol_arguments(self) -> tuple[np.ndarray, ...]:
        """The components of ξ on the half-spectrum."""
        return self.wavevector()

    @property
    def mirrored_symbols(self) -> bool:
        """True: the symbol of a real potential satisfies K̂(−ξ) = K̂(ξ)."""
        return True

    def mode_power(self, values: np.ndarray, deconvolve: bool = False) -> np.ndarray:
        """Power ``|T| |f̂_k|²`` on the half-spectrum, doubled where a stored mode represents two; 0 for the mean.

        Parameters
        ----------
        values
            Cell values f, shape ``shape``.
        deconvolve
            Whether f holds cell averages, whose modes are divided by ``∏_a sinc(k_a / n_a)``. Default: False.

        Returns
        -------
        ndarray
            Float64 of shape ``spectral_shape``.
        """
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
        """Wave number |ξ| of each mode in units of the smallest one, rounded; int of shape ``spectral_shape``."""
        return np.rint(np.sqrt(self.laplacian_symbol()) / self.first_wavenumber).astype(int)

    @property
    def first_wavenumber(self) -> float:
        """Smallest nonzero wave number, 2π / max L (1 / length)."""
        return 2 * math.pi / max(self.lengths)

    @property
    def nyquist(self) -> float:
        """Nyquist wave number of the widest cells, π / max h (1 / length)."""
        return math.pi / max(self.spacing)

    @property
    def finest_wavenumber(self) -> float:
        """Largest wave number resolved along every axis, π / max h (1 / length)."""
        return self.nyquist

    def contoured_volume(self, field: np.ndarray, level: float) -> float:
        """Volume of ``{field < level}``: linear interpolation in 1D, marching squares in 2D, marching cubes in 3D."""
        return contours.periodic_volume(field, level) * self.cell_volume

    def coarsened(self, cells: int) -> "Grid":
        """The same torus with at most about ``cells`` cells; itself if it has no more."""
        return self if self.size <= cells else self.with_cells(fewer(self.shape, cells))

    def averages_on(self, coarse: "Grid", values: np.ndarray) -> np.ndarray:
        """Averages of cell values over the cells of a coarser grid; see :meth:`Domain.averages_on`."""
        result = np.asarray(values, dtype=float)
        for axis in range(self.dim):
            shares = overlaps(self.edges(axis), coarse.edges(axis)) / coarse.spacing[axis]
            moved = np.moveaxis(result, axis, 0)
            means = (shares @ moved.reshape(len(moved), -1)).reshape(-1, *moved.shape[1:])
            result = np.moveaxis(means, 0, axis)
        return np.ascontiguousarray(result)

    def lost_on(self, coarse: "Grid") -> np.ndarray:
        """Mask of the modes with ``|k_a| ≥ m_a / 2`` along an axis that has fewer cells m_a on the coarser grid."""
        lost = np.zeros(self.spectral_shape, bool)
        for axis, (k, n, m) in enumerate(zip(self.mode_numbers, self.shape, coarse.shape, strict=True)):
            if m < n:
                lost |= self.along(axis, 2 * abs(k) >= m)
        return lost

    def widened(self, cells: np.ndarray) -> np.ndarray:
        """Mark the cells within two cells of a marked one along each axis, diagonals included."""
        for _ in range(2):
            for axis in range(cells.ndim):
                cells = cells | np.roll(cells, 1, axis) | np.roll(cells, -1, axis)
        return cells

    def nearest(self, marked: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distances to the nearest marked cells across the periods, and which they are; see :meth:`Domain.nearest`."""
        from scipy.spatial import KDTree  # imported here because it loads slowly

        return KDTree(marked * self.spacing, boxsize=self.lengths).query(cells * self.spacing)


def torus(grid: Domain, what: str) -> Grid:
    """Return ``grid`` if it is a torus; otherwise raise InputError, which names ``what`` as needing one."""
    if not isinstance(grid, Grid):
        raise InputError(f"{what} needs a periodic grid, not {grid}")
    return grid

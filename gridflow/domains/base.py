"""The interface of every domain that a density can live on."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar

import numpy as np

from gridflow.errors import InputError

LaplacianKind = Literal["mimetic", "spectral"]
T = TypeVar("T")
FEWEST_COARSE = 8
"""Smallest number of cells to which an axis is coarsened."""


def fewer(shape: tuple[int, ...], cells: int) -> tuple[int, ...]:
    """Return even numbers of cells along the axes, in the proportions of ``shape``, with about ``cells`` in total."""
    share = (cells / math.prod(shape)) ** (1 / len(shape))
    return tuple(n if n <= FEWEST_COARSE else max(2 * round(n * share / 2), FEWEST_COARSE) for n in shape)


class Coordinate(NamedTuple):
    """Positions of the cells along one array axis, with the metadata that is written to files."""

    name: str
    values: np.ndarray
    units: str
    meaning: str


class Domain(ABC):
    """A domain divided into cells; a density on it is an array of cell averages.

    A domain answers every question that depends on its geometry. A subclass declares its ``kind``, as in
    ``class Line(Domain, kind="line")``, and is registered under it.

    Attributes
    ----------
    kind
        Name of the domain in run directories and case files.
    shape
        Shape of an array with one number per cell.
    has_cells
        Whether a density is more than one number. Case files know the domains that have cells.
    measure
        What the size of a part of the domain is called: volume, or area on a sphere.
    """

    kind: ClassVar[str]
    kinds: ClassVar[dict[str, type["Domain"]]] = {}
    """Every domain class by its kind."""
    shape: tuple[int, ...]
    has_cells: ClassVar[bool] = True
    measure: ClassVar[str] = "volume"

    def __init_subclass__(cls, kind: str, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.kind = kind
        Domain.kinds[kind] = cls

    @staticmethod
    def from_record(record: Mapping[str, Any]) -> "Domain":
        """Rebuild a domain from its :meth:`record`; a record without a kind is a torus."""
        return Domain.kinds[record.get("kind", "torus")]._from_record(record)

    @classmethod
    def among(cls, table: Mapping[type["Domain"], T]) -> T | None:
        """The entry of a table by class for this domain: its own, or that of the nearest base class, or None."""
        return next((table[each] for each in cls.__mro__ if each in table), None)

    def one_of(self, table: Mapping[type["Domain"], T], what: str) -> T:
        """Like :meth:`among`, but InputError, which says that there is no such ``what`` here, instead of None."""
        found = self.among(table)
        if found is None:
            raise InputError(f"there is no {what} on {self}")
        return found

    @classmethod
    @abstractmethod
    def _from_record(cls, record: Mapping[str, Any]) -> "Domain":
        """Rebuild a domain of this kind from its record."""

    @property
    @abstractmethod
    def spectral_shape(self) -> tuple[int, ...]:
        """Shape of a kernel's symbol; the first element is the constant mode."""

    @property
    @abstractmethod
    def dim(self) -> int:
        """Number of dimensions d."""

    @abstractmethod
    def mode_multiplicity(self) -> np.ndarray:
        """Number of modes that each element of a symbol represents, broadcastable to ``spectral_shape``."""

    @property
    @abstractmethod
    def volume(self) -> float:
        """Volume of the whole domain (length^d)."""

    @abstractmethod
    def integral(self, values: np.ndarray) -> float:
        """Integral ∫ f dx of cell averages of shape ``shape``, summed in double precision."""

    @property
    @abstractmethod
    def cell_volumes(self) -> np.ndarray:
        """Volume of every cell (length^d), broadcastable to ``shape``."""

    def view(self, values: np.ndarray) -> tuple[np.ndarray, float]:
        """Return what a small picture shows of values of cells, and its width over its height.

        Parameters
        ----------
        values
            One value per cell, shape ``shape``.

        Returns
        -------
        ndarray
            Values from left to right, shape (n,), to be drawn as a curve, or rows from top to bottom, shape (m, n).
        float
            Width over height of the rows; 1 for a curve.
        """
        return values.reshape(-1), 1.0

    @abstractmethod
    def coordinates(self) -> tuple[Coordinate, ...]:
        """Positions of the cells along every array axis."""

    @abstractmethod
    def record(self) -> dict[str, Any]:
        """Plain values that describe the domain in a run's manifest; :meth:`from_record` is the inverse."""

    @abstractmethod
    def laplacian_symbol(self, kind: LaplacianKind = "spectral") -> np.ndarray:
        """Symbol λ ≥ 0 of −Δ at every mode.

        Parameters
        ----------
        kind
            ``spectral``: the symbol of the continuous operator. ``mimetic``: the symbol of the standard
            finite-difference stencil on a uniform grid.

        Returns
        -------
        ndarray
            A new float64 array of shape ``spectral_shape`` (1 / length²).

        Raises
        ------
        InputError
            If the domain has no such symbol.
        """

    @abstractmethod
    def symbol_arguments(self) -> tuple[np.ndarray, ...]:
        """Arguments of a symbol: arrays broadcastable over the modes, such as the components of ξ."""

    @property
    @abstractmethod
    def mirrored_symbols(self) -> bool:
        """Whether the symbol of a real potential must be even in its arguments."""

    @abstractmethod
    def mode_power(self, values: np.ndarray, deconvolve: bool = False) -> np.ndarray:
        """Contribution of every mode to ``∫ (f − mean)² dx``.

        Parameters
        ----------
        values
            Cell values f, shape ``shape``.
        deconvolve
            Whether f holds cell averages. Each mode is then divided by the factor that averaging over a cell has
            multiplied it by, where that factor is known. Default: False.

        Returns
        -------
        ndarray
            Float64 of shape ``spectral_shape``; 0 for the constant mode.
        """

    @abstractmethod
    def shell_numbers(self) -> np.ndarray:
        """Index of the wave-number shell of each mode, int of shape ``spectral_shape``."""

    @property
    @abstractmethod
    def first_wavenumber(self) -> float:
        """Smallest nonzero wave number (1 / length)."""

    @property
    @abstractmethod
    def nyquist(self) -> float:
        """Nyquist wave number π / h of the widest cells (1 / length)."""

    @property
    @abstractmethod
    def finest_wavenumber(self) -> float:
        """Largest wave number resolved in every direction (1 / length)."""

    @abstractmethod
    def contoured_volume(self, field: np.ndarray, level: float) -> float:
        """Volume of ``{field < level}`` by sub-cell contouring of cell-centre values; min field < level ≤ max field."""

    @abstractmethod
    def widened(self, cells: np.ndarray) -> np.ndarray:
        """Mark the cells within two cells of the marked ones, bool of shape ``shape``."""

    @abstractmethod
    def nearest(self, marked: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the nearest of some marked cells for each of some other cells.

        Parameters
        ----------
        marked, cells
            Indices of at least one cell, and of the others, shapes (m, axes) and (n, axes).

        Returns
        -------
        distances : ndarray
            Distances of the centres, shape (n,) (length); on the sphere those of chords.
        which : ndarray
            Places among the marked cells, int of shape (n,).
        """

    @abstractmethod
    def coarsened(self, cells: int) -> "Domain":
        """The same domain with at most about ``cells`` cells, in the same proportions; itself if it has no more."""

    @abstractmethod
    def averages_on(self, coarse: Any, values: np.ndarray) -> np.ndarray:
        """Average cell values over the cells of a coarser grid of the same domain.

        Parameters
        ----------
        coarse
            That grid; see :meth:`coarsened`.
        values
            Cell averages, shape ``shape``.

        Returns
        -------
        ndarray
            Cell averages of shape ``coarse.shape``, float64. The integral stays the same, and values ≥ 0 stay ≥ 0.
        """

    @abstractmethod
    def lost_on(self, coarse: Any) -> np.ndarray:
        """Mask of the modes that a coarser grid of the same domain does not resolve, shape ``spectral_shape``."""

    @property
    def sphere_dim(self) -> int | None:
        """Dimension d if the domain is the unit sphere S^d, on which networks live; None otherwise."""
        return None

    @property
    def size(self) -> int:
        """Number of cells."""
        return math.prod(self.shape)

    def check(self, values: np.ndarray, name: str) -> np.ndarray:
        """Return ``values`` as an array of cell values.

        Parameters
        ----------
        values
            Array-like of shape ``shape``.
        name
            What to call it in an error message.

        Raises
        ------
        InputError
            If the shape is wrong, or a value is not a finite real number.
        """
        values = np.asarray(values)
        if values.dtype.kind not in "biuf":
            raise InputError(f"{name} has numbers of type {values.dtype}; real numbers are needed")
        if values.shape != self.shape:
            raise InputError(f"{name} has shape {values.shape}; the grid has {self.shape}")
        if not np.isfinite(values).all():
            cell = np.argwhere(~np.isfinite(values))[0].tolist()
            raise InputError(f"{name} is not finite: {values[tuple(cell)]} in cell {cell}")
        return values

    def check_density(self, values: np.ndarray, name: str) -> np.ndarray:
        """Return ``values`` as a float64 density.

        Parameters
        ----------
        values
            Array-like of shape ``shape``, mass / volume.
        name
            What to call it in an error message.

        Raises
        ------
        InputError
            If the shape is wrong, or a value is not finite or negative.
        """
        density = np.asarray(self.check(values, name), dtype=float)
        if density.min() < 0:
            cell = np.argwhere(density < 0)[0].tolist()
            raise InputError(f"{name} is negative: {density[tuple(cell)]} in cell {cell}; a density is ≥ 0")
        return density

"""What every domain that densities live on can answer."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar

import numpy as np

from gridflow.errors import InputError

LaplacianKind = Literal["mimetic", "spectral"]
T = TypeVar("T")


class Coordinate(NamedTuple):
    """Positions of the cells along one axis of an array, with what a file says of them."""

    name: str
    values: np.ndarray
    units: str
    meaning: str


class Domain(ABC):
    """A domain divided into cells; a density on it is an array of cell averages.

    A domain answers every question that depends on its geometry. A subclass names its ``kind`` and is then found by it:
    ``class Line(Domain, kind="line")``.

    Attributes
    ----------
    kind
        Name in run directories and case files.
    shape
        Shape of an array with one number per cell.
    has_cells
        Whether a density is more than one number. Case files know the domains that have cells.
    """

    kind: ClassVar[str]
    kinds: ClassVar[dict[str, type["Domain"]]] = {}
    """Every domain by its kind."""
    shape: tuple[int, ...]
    has_cells: ClassVar[bool] = True

    def __init_subclass__(cls, kind: str, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.kind = kind
        Domain.kinds[kind] = cls

    @staticmethod
    def from_record(record: Mapping[str, Any]) -> "Domain":
        """The domain whose :meth:`record` is given; one without a kind is a torus."""
        return Domain.kinds[record.get("kind", "torus")]._from_record(record)

    @classmethod
    def among(cls, table: Mapping[type["Domain"], T]) -> T | None:
        """The entry of a table by class for this domain: its own, or that of the nearest base class, or None."""
        return next((table[each] for each in cls.__mro__ if each in table), None)

    @classmethod
    @abstractmethod
    def _from_record(cls, record: Mapping[str, Any]) -> "Domain":
        """A domain of this kind from its record."""

    @property
    @abstractmethod
    def spectral_shape(self) -> tuple[int, ...]:
        """Shape of a kernel's symbol; its first element belongs to the constant mode."""

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
        """What a run's manifest keeps of the domain; :meth:`from_record` makes it again."""

    @abstractmethod
    def laplacian_symbol(self, kind: LaplacianKind = "spectral") -> np.ndarray:
        """Symbol λ ≥ 0 of −Δ at every mode (1 / length²), float64 of shape ``spectral_shape``; a new array.

        ``spectral`` is that of the domain itself; ``mimetic`` is that of the standard stencil on a uniform grid.

        Raises
        ------
        InputError
            If the domain has no such symbol.
        """

    @abstractmethod
    def symbol_arguments(self) -> tuple[np.ndarray, ...]:
        """What a symbol is a function of: broadcastable arrays over the modes, such as the components of ξ."""

    @property
    @abstractmethod
    def mirrored_symbols(self) -> bool:
        """Whether a symbol of a real potential must be even in its arguments."""

    @abstractmethod
    def mode_power(self, values: np.ndarray, deconvolve: bool = False) -> np.ndarray:
        """Contribution of every mode to ``∫ (f − mean)²``, shape ``spectral_shape``; 0 for the mean.

        ``deconvolve`` divides by what averaging over cells takes from a mode, where that is known.
        """

    @abstractmethod
    def shell_numbers(self) -> np.ndarray:
        """Number of the shell of wave numbers that each mode is in, int of shape ``spectral_shape``."""

    @property
    @abstractmethod
    def first_wavenumber(self) -> float:
        """The smallest wave number but 0 (1 / length)."""

    @property
    @abstractmethod
    def nyquist(self) -> float:
        """The wave number π / h of the widest cells (1 / length)."""

    @property
    @abstractmethod
    def finest_wavenumber(self) -> float:
        """The largest wave number that every direction has (1 / length)."""

    @abstractmethod
    def contoured_volume(self, field: np.ndarray, level: float) -> float:
        """Volume of ``{field < level}`` by sub-cell contouring of cell-centre values; the level is between extrema."""

    @abstractmethod
    def widened(self, cells: np.ndarray) -> np.ndarray:
        """The cells within two cells of those marked, bool of the shape."""

    @property
    def sphere_dim(self) -> int | None:
        """d if the domain is the unit sphere S^d, on which networks live; None otherwise."""
        return None

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

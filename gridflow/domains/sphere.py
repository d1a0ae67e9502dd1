"""Spheres as domains of densities: S² in cells, and S^d of any dimension as a single one.

The sphere has radius 1. Cells of S² lie on the latitudes of Gauss–Legendre quadrature, and the boundaries between them
where the quadrature's weights add up: a ring between two boundaries has exactly the area that the weight gives it, and
its latitude lies inside it (the separation theorem of Chebyshev, Markov and Stieltjes). So the sum over cells of area
times value is at once the mass of a finite-volume method and a quadrature that is exact for all harmonics of degree
below 2 n_θ: masses, harmonic coefficients and energies agree to round-off, which equidistant latitudes do not give.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from scipy.spatial import KDTree
from scipy.special import roots_legendre

from gridflow.compute import contours
from gridflow.compute.harmonics import SphereTransform
from gridflow.domains.base import Coordinate, Domain, LaplacianKind
from gridflow.errors import InputError

FEWEST_RINGS = 4


def area_of_sphere(dim: int) -> float:
    """|S^d| = 2 π^{(d+1)/2} / Γ((d+1)/2): 2π, 4π, 2π², …"""
    half = (dim + 1) / 2
    return 2 * math.pi**half / math.gamma(half)


@dataclass(frozen=True)
class SphereGrid(Domain, kind="sphere"):
    """Cells on the unit sphere S²: rings of colatitude θ, each cut into equal cells of longitude φ.

    Cell (j, i) is centred at (θ_j, φ_i), φ_i = 2π i / n_φ, with cos θ_j the nodes of Gauss–Legendre quadrature, θ
    ascending from the north pole. Arrays are ordered (colatitude, longitude).

    Parameters
    ----------
    shape
        Numbers (n_θ, n_φ) of rings and of cells of each, at least 4; n_φ even, so that every cell has one opposite
        across a pole.

    Raises
    ------
    InputError
        If a number of cells is not allowed.
    """

    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        given = tuple(np.atleast_1d(self.shape).tolist())
        whole = all(isinstance(n, int) and n >= FEWEST_RINGS for n in given)
        if len(given) != 2 or not whole or given[1] % 2:
            raise InputError(
                f"sphere shape {given}: it needs whole numbers of rings and of cells along each, both at least "
                f"{FEWEST_RINGS} and the second even, for example (64, 128)"
            )
        object.__setattr__(self, "shape", given)

    @property
    def dim(self) -> int:
        """2."""
        return 2

    @property
    def volume(self) -> float:
        """4π."""
        return 4 * math.pi

    @property
    def lmax(self) -> int:
        """Largest degree ℓ of the harmonics that the cells resolve, n_θ − 1."""
        return self.shape[0] - 1

    @property
    def mmax(self) -> int:
        """Largest order m of the harmonics that the cells resolve."""
        return min(self.lmax, self.shape[1] // 2 - 1)

    @property
    def spectral_shape(self) -> tuple[int, ...]:
        """A symbol has one number for each degree ℓ = 0 … lmax."""
        return (self.lmax + 1,)

    def mode_multiplicity(self) -> np.ndarray:
        """2ℓ + 1 of every degree."""
        return 2 * np.arange(self.lmax + 1.0) + 1

    @cached_property
    def _quadrature(self) -> tuple[np.ndarray, np.ndarray]:
        nodes, weights = roots_legendre(self.shape[0])
        return (nodes - nodes[::-1])[::-1] / 2, (weights + weights[::-1]) / 2  # the same on both hemispheres, exactly

    @cached_property
    def colatitudes(self) -> np.ndarray:
        """θ_j of the cells' centres, shape (n_θ,), ascending."""
        return np.arccos(self._quadrature[0])

    @cached_property
    def edges(self) -> np.ndarray:
        """Colatitudes of the n_θ + 1 boundaries between rings, from 0 to π."""
        heights = 1 - np.cumsum(self._quadrature[1])[: self.shape[0] // 2]
        north = np.arccos(heights)
        middle = [] if self.shape[0] % 2 else [math.pi / 2]
        north = north if self.shape[0] % 2 else north[:-1]
        return np.concatenate([[0.0], north, middle, math.pi - north[::-1], [math.pi]])

    @cached_property
    def longitudes(self) -> np.ndarray:
        """φ_i of the cells' centres, shape (n_φ,), from 0."""
        return np.arange(self.shape[1]) * (2 * math.pi / self.shape[1])

    @cached_property
    def areas(self) -> np.ndarray:
        """Area of a cell of each ring, shape (n_θ, 1); all cells together have 4π."""
        return (self._quadrature[1] * (2 * math.pi / self.shape[1]))[:, None]

    @cached_property
    def points(self) -> np.ndarray:
        """Unit vectors (x, y, z) of the cells' centres, shape (n_θ, n_φ, 3)."""
        theta, phi = self.colatitudes[:, None], self.longitudes[None]
        return np.stack(
            [np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.broadcast_to(np.cos(theta), self.shape)],
            axis=-1,
        )

    def integral(self, values: np.ndarray) -> float:
        """∫ f over the sphere, Σ_j area_j Σ_i f_ji."""
        return float(values.sum(axis=1, dtype=float) @ self.areas[:, 0])

    @property
    def cell_volumes(self) -> np.ndarray:
        """The areas."""
        return self.areas

    def coordinates(self) -> tuple[Coordinate, ...]:
        """Colatitude and longitude of the cells."""
        return (
            Coordinate("colatitude", self.colatitudes, "radian", "colatitude of the cells' centres"),
            Coordinate("longitude", self.longitudes, "radian", "longitude of the cells' centres"),
        )

    def record(self) -> dict[str, Any]:
        """The shape, and that this is a sphere."""
        return {"kind": "sphere", "shape": list(self.shape)}

    @classmethod
    def _from_record(cls, record: Mapping[str, Any]) -> "SphereGrid":
        return cls(tuple(record["shape"]))

    def laplacian_symbol(self, kind: LaplacianKind = "spectral") -> np.ndarray:
        """ℓ (ℓ + 1); there is no mimetic one."""
        if kind == "mimetic":
            raise InputError('the "mimetic" symbol is that of a uniform grid; on the sphere there is "spectral"')
        degrees = np.arange(self.lmax + 1.0)
        return degrees * (degrees + 1)

    def symbol_arguments(self) -> tuple[np.ndarray, ...]:
        """The degrees ℓ."""
        return (np.arange(self.lmax + 1.0),)

    @property
    def mirrored_symbols(self) -> bool:
        """False: degrees have no sign."""
        return False

    def mode_power(self, values: np.ndarray, deconvolve: bool = False) -> np.ndarray:  # noqa: ARG002 - centre values
        """``Σ_m |f_ℓm|²`` of every degree."""
        harmonics = SphereTransform(self)
        power = harmonics.power(harmonics.analyse(values))
        power[0] = 0.0
        return power

    def shell_numbers(self) -> np.ndarray:
        """The degrees."""
        return np.arange(self.lmax + 1)

    @property
    def first_wavenumber(self) -> float:
        """1."""
        return 1.0

    @property
    def nyquist(self) -> float:
        """n_θ, the wave number π / h of rings about h = π / n_θ wide."""
        return float(self.shape[0])

    @property
    def finest_wavenumber(self) -> float:
        """The largest degree."""
        return float(self.lmax)

    def contoured_volume(self, field: np.ndarray, level: float) -> float:
        """∫ dz dφ by marching squares in longitude and height z, a map that keeps areas; a pole is its ring's mean."""
        below = contours.above(field, level, max(level - float(field.min()), float(field.max()) - level))
        poles = below[[0, -1]].mean(axis=1, keepdims=True) * np.ones(self.shape[1])
        closed = np.concatenate([poles[:1], below, poles[1:]])
        closed = np.concatenate([closed, closed[:, :1]], axis=1)
        heights = np.concatenate([[1.0], np.cos(self.colatitudes), [-1.0]])
        return contours.area(closed, np.append(self.longitudes, 2 * np.pi), heights)

    def widened(self, cells: np.ndarray) -> np.ndarray:
        """The cells within 2.5 widths of a ring, in distance."""
        distance, _ = KDTree(self.points[cells]).query(self.points)
        return np.asarray(distance < 2.5 * np.pi / self.shape[0])

    @property
    def sphere_dim(self) -> int | None:
        """2."""
        return 2


@dataclass(frozen=True)
class WholeSphere(Domain, kind="whole sphere"):
    """S^d as a single cell: the domain of networks with so many inputs that no grid could hold their measure.

    Parameters
    ----------
    dimension
        d ≥ 1, one less than the number of inputs.
    """

    dimension: int
    has_cells: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not (isinstance(self.dimension, int | np.integer) and self.dimension >= 1):
            raise InputError(f"a sphere of dimension {self.dimension}: a whole number of at least 1 is needed")
        object.__setattr__(self, "dimension", int(self.dimension))

    @property
    def dim(self) -> int:
        """d."""
        return self.dimension

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]
        """(1,)."""
        return (1,)

    @property
    def spectral_shape(self) -> tuple[int, ...]:
        """(1,): the constant mode."""
        return (1,)

    def mode_multiplicity(self) -> np.ndarray:
        """1, of the constant."""
        return np.ones(1)

    @property
    def volume(self) -> float:
        """|S^d|."""
        return area_of_sphere(self.dim)

    def integral(self, values: np.ndarray) -> float:
        """The one value times |S^d|."""
        return float(values.sum(dtype=float)) * self.volume

    @property
    def cell_volumes(self) -> np.ndarray:
        """|S^d|."""
        return np.array(self.volume)

    def coordinates(self) -> tuple[Coordinate, ...]:
        """Nothing that says where."""
        return (Coordinate("sphere", np.zeros(1), "1", "the whole sphere"),)

    def record(self) -> dict[str, Any]:
        """The dimension."""
        return {"kind": "whole sphere", "dim": self.dim}

    @classmethod
    def _from_record(cls, record: Mapping[str, Any]) -> "WholeSphere":
        return cls(int(record["dim"]))

    def laplacian_symbol(self, kind: LaplacianKind = "spectral") -> np.ndarray:  # noqa: ARG002 - of a constant
        """0, of the constant."""
        return np.zeros(1)

    def symbol_arguments(self) -> tuple[np.ndarray, ...]:
        """The degree 0."""
        return (np.zeros(1),)

    @property
    def mirrored_symbols(self) -> bool:
        """False."""
        return False

    def mode_power(self, values: np.ndarray, deconvolve: bool = False) -> np.ndarray:  # noqa: ARG002
        """None: InputError."""
        raise InputError(f"modes need a grid of cells, not {self}")

    def shell_numbers(self) -> np.ndarray:
        """0."""
        return np.zeros(1, int)

    @property
    def first_wavenumber(self) -> float:
        """1."""
        return 1.0

    @property
    def nyquist(self) -> float:
        """1."""
        return 1.0

    @property
    def finest_wavenumber(self) -> float:
        """0."""
        return 0.0

    def contoured_volume(self, field: np.ndarray, level: float) -> float:  # noqa: ARG002
        """None: InputError."""
        raise InputError(f"volume_below needs a grid of cells, not {self}")

    def widened(self, cells: np.ndarray) -> np.ndarray:
        """The one cell, if it is marked."""
        return cells

    @property
    def sphere_dim(self) -> int | None:
        """d."""
        return self.dim

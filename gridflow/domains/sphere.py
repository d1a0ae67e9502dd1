"""Spheres as domains of densities: S² divided into cells, and S^d of any dimension as a single cell.

The spheres have radius 1. Cell centres of S² lie on Gauss–Legendre latitudes. The boundaries between rings are placed
where the cumulative quadrature weights fall. Each ring then has exactly the area given by its weight, and its latitude
lies inside it (the separation theorem of Chebyshev, Markov and Stieltjes). The sum of area times value over the cells
is thus both the mass of a finite-volume method and a quadrature that is exact for all harmonics of degree below 2 n_θ.
Masses, harmonic coefficients and energies therefore agree to round-off, which they would not on equidistant latitudes.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from scipy.special import roots_legendre

from gridflow.compute import contours
from gridflow.compute.harmonics import SphereTransform
from gridflow.compute.remap import overlaps
from gridflow.domains.base import Coordinate, Domain, LaplacianKind, fewer
from gridflow.errors import InputError, is_whole

FEWEST_RINGS = 4
"""Smallest number of rings, and of cells per ring."""


def area_of_sphere(dim: int) -> float:
    """Area of the unit sphere, |S^d| = 2 π^{(d+1)/2} / Γ((d+1)/2): 2π, 4π, 2π², … for d = 1, 2, 3, …"""
    half = (dim + 1) / 2
    return 2 * math.pi**half / math.gamma(half)


@dataclass(frozen=True)
class SphereGrid(Domain, kind="sphere"):
    """Cells on the unit sphere S²: rings of colatitude θ, each divided into equal cells of longitude φ.

    Cell (j, i) is centred at (θ_j, φ_i) with φ_i = 2π i / n_φ. The cos θ_j are the Gauss–Legendre nodes; θ increases
    from the north pole. Arrays are ordered (colatitude, longitude).

    Parameters
    ----------
    shape
        Numbers (n_θ, n_φ) of rings and of cells per ring, each at least 4. n_φ must be even, so that every cell has an
        opposite one across the pole.

    Raises
    ------
    InputError
        If a number of cells is not allowed.
    """

    shape: tuple[int, ...]
    measure: ClassVar[str] = "area"

    def __post_init__(self) -> None:
        given = tuple(np.atleast_1d(self.shape).tolist())
        whole = all(is_whole(n, FEWEST_RINGS) for n in given)
        if len(given) != 2 or not whole or given[1] % 2:
            raise InputError(
                f"sphere shape {given}: it needs whole numbers of rings and of cells along each, both at least "
                f"{FEWEST_RINGS} and the second even, for example (64, 128)"
            )
        object.__setattr__(self, "shape", given)

    @property
    def dim(self) -> int:
        """Dimension of the domain, 2."""
        return 2

    @property
    def volume(self) -> float:
        """Area of the sphere, 4π."""
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
        """Shape (n_θ,) of a symbol: one value for each degree ℓ = 0 … lmax."""
        return (self.lmax + 1,)

    def mode_multiplicity(self) -> np.ndarray:
        """Number of harmonics of each degree, 2ℓ + 1, shape (n_θ,)."""
        return 2 * np.arange(self.lmax + 1.0) + 1

    @cached_property
    def _quadrature(self) -> tuple[np.ndarray, np.ndarray]:
        nodes, weights = roots_legendre(self.shape[0])
        return (nodes - nodes[::-1])[::-1] / 2, (weights + weights[::-1]) / 2  # exactly symmetric about the equator

    @cached_property
    def colatitudes(self) -> np.ndarray:
        """Colatitudes θ_j of the cell centres, shape (n_θ,), ascending, in radians."""
        return np.arccos(self._quadrature[0])

    @cached_property
    def edges(self) -> np.ndarray:
        """Colatitudes of the ring boundaries, shape (n_θ + 1,), from 0 to π, in radians."""
        heights = 1 - np.cumsum(self._quadrature[1])[: self.shape[0] // 2]
        north = np.arccos(heights)
        middle = [] if self.shape[0] % 2 else [math.pi / 2]
        north = north if self.shape[0] % 2 else north[:-1]
        return np.concatenate([[0.0], north, middle, math.pi - north[::-1], [math.pi]])

    @cached_property
    def longitudes(self) -> np.ndarray:
        """Longitudes φ_i of the cell centres, shape (n_φ,), from 0, in radians."""
        return np.arange(self.shape[1]) * (2 * math.pi / self.shape[1])

    @cached_property
    def areas(self) -> np.ndarray:
        """Area of one cell of each ring, shape (n_θ, 1); the areas of all cells sum to 4π."""
        return (self._quadrature[1] * (2 * math.pi / self.shape[1]))[:, None]

    @cached_property
    def points(self) -> np.ndarray:
        """Unit vectors (x, y, z) of the cell centres, shape (n_θ, n_φ, 3)."""
        theta, phi = self.colatitudes[:, None], self.longitudes[None]
        return np.stack(
            [np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.broadcast_to(np.cos(theta), self.shape)],
            axis=-1,
        )

    def integral(self, values: np.ndarray) -> float:
        """Integral ∫ f over the sphere, Σ_j area_j Σ_i f_ji, of values of shape ``shape``."""
        return float(values.sum(axis=1, dtype=float) @ self.areas[:, 0])

    @property
    def cell_volumes(self) -> np.ndarray:
        """The :attr:`areas`."""
        return self.areas

    def view(self, values: np.ndarray) -> tuple[np.ndarray, float]:
        """A map with the longitude to the right and the north pole at the top."""
        return values, 2.0

    def coordinates(self) -> tuple[Coordinate, ...]:
        """Colatitudes and longitudes of the cell centres."""
        return (
            Coordinate("colatitude", self.colatitudes, "radian", "colatitude of the cells' centres"),
            Coordinate("longitude", self.longitudes, "radian", "longitude of the cells' centres"),
        )

    def record(self) -> dict[str, Any]:
        """Kind and shape of the domain."""
        return {"kind": "sphere", "shape": list(self.shape)}

    @classmethod
    def _from_record(cls, record: Mapping[str, Any]) -> "SphereGrid":
        return cls(tuple(record["shape"]))

    def laplacian_symbol(self, kind: LaplacianKind = "spectral") -> np.ndarray:
        """Symbol ℓ (ℓ + 1) of −Δ, shape (n_θ,); InputError for ``mimetic``, which the sphere does not have."""
        if kind == "mimetic":
            raise InputError('the "mimetic" symbol is that of a uniform grid; on the sphere there is "spectral"')
        degrees = np.arange(self.lmax + 1.0)
        return degrees * (degrees + 1)

    def symbol_arguments(self) -> tuple[np.ndarray, ...]:
        """The degrees ℓ, shape (n_θ,)."""
        return (np.arange(self.lmax + 1.0),)

    @property
    def mirrored_symbols(self) -> bool:
        """False, because degrees have no sign."""
        return False

    def mode_power(self, values: np.ndarray, deconvolve: bool = False) -> np.ndarray:  # noqa: ARG002 - centre values
        """Power ``Σ_m |f_ℓm|²`` of every degree, shape (n_θ,); 0 for ℓ = 0. ``deconvolve`` has no effect."""
        harmonics = SphereTransform(self)
        power = harmonics.power(harmonics.analyse(values))
        power[0] = 0.0
        return power

    def shell_numbers(self) -> np.ndarray:
        """The degrees ℓ, int of shape (n_θ,)."""
        return np.arange(self.lmax + 1)

    @property
    def first_wavenumber(self) -> float:
        """Smallest nonzero degree, 1."""
        return 1.0

    @property
    def nyquist(self) -> float:
        """Number of rings n_θ, which is the wave number π / h for rings of mean width h = π / n_θ."""
        return float(self.shape[0])

    @property
    def finest_wavenumber(self) -> float:
        """Largest degree, n_θ − 1."""
        return float(self.lmax)

    def contoured_volume(self, field: np.ndarray, level: float) -> float:
        """Area of ``{field < level}`` by marching squares in longitude φ and height z, an area-preserving map.

        The value at a pole is the mean of the nearest ring.
        """
        return contours.area(*self._unrolled(field, level))

    def contoured_length(self, field: np.ndarray, level: float) -> float:
        """Length of ``{field = level}``: that of the arcs of great circles between the points of the same contour."""
        length = 0.0
        for line in contours.polylines(*self._unrolled(field, level)):
            phi, z = line.T
            ring = np.sqrt(np.maximum(1 - z**2, 0.0))  # 1 − z² is at least 0 but for round-off
            points = np.stack([ring * np.cos(phi), ring * np.sin(phi), z], axis=-1)
            chords = np.linalg.norm(np.diff(points, axis=0), axis=1)
            length += float(2 * np.arcsin(chords / 2).sum())
        return length

    def _unrolled(self, field: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the scaled field − level with the poles and a repeated meridian, its longitudes and its heights."""
        below = contours.above(field, level, max(level - float(field.min()), float(field.max()) - level))
        poles = below[[0, -1]].mean(axis=1, keepdims=True) * np.ones(self.shape[1])
        closed = np.concatenate([poles[:1], below, poles[1:]])
        closed = np.concatenate([closed, closed[:, :1]], axis=1)
        heights = np.concatenate([[1.0], np.cos(self.colatitudes), [-1.0]])
        return closed, np.append(self.longitudes, 2 * np.pi), heights

    def widened(self, cells: np.ndarray) -> np.ndarray:
        """Mark the cells within a chordal distance of 2.5 π / n_θ of a marked one, bool of shape ``shape``."""
        from scipy.spatial import KDTree  # imported here because it loads slowly

        distance, _ = KDTree(self.points[cells]).query(self.points)
        return np.asarray(distance < 2.5 * np.pi / self.shape[0])

    def nearest(self, marked: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Chords to the nearest marked cells, and which they are; see :meth:`Domain.nearest`."""
        from scipy.spatial import KDTree  # imported here because it loads slowly

        return KDTree(self.points[tuple(marked.T)]).query(self.points[tuple(cells.T)])

    def coarsened(self, cells: int) -> "SphereGrid":
        """The sphere with at most about ``cells`` cells; itself if it has no more."""
        return self if self.size <= cells else SphereGrid(fewer(self.shape, cells))

    def averages_on(self, coarse: "SphereGrid", values: np.ndarray) -> np.ndarray:
        """Averages of cell values over the cells of a coarser grid; see :meth:`Domain.averages_on`."""
        rings = overlaps(-np.cos(self.edges), -np.cos(coarse.edges))
        rings = rings / rings.sum(axis=1)[:, np.newaxis]
        mine, theirs = ((np.arange(grid.shape[1] + 1) - 0.5) * (2 * np.pi / grid.shape[1]) for grid in (self, coarse))
        around = overlaps(mine, theirs, 2 * np.pi) / (2 * np.pi / coarse.shape[1])
        return np.asarray(rings @ np.asarray(values, dtype=float) @ around.T)

    def lost_on(self, coarse: "SphereGrid") -> np.ndarray:
        """Mask of the degrees beyond those of the coarser grid."""
        return np.arange(self.lmax + 1) > coarse.lmax

    @property
    def sphere_dim(self) -> int | None:
        """Dimension of the sphere, 2."""
        return 2


@dataclass(frozen=True)
class WholeSphere(Domain, kind="whole sphere"):
    """S^d as a single cell: the domain of networks with too many inputs for any grid to hold their measure.

    Parameters
    ----------
    dimension
        Dimension d ≥ 1, one less than the number of inputs.

    Raises
    ------
    InputError
        If the dimension is not a whole number of at least 1.
    """

    dimension: int
    has_cells: ClassVar[bool] = False
    measure: ClassVar[str] = "area"

    def __post_init__(self) -> None:
        if not is_whole(self.dimension, 1):
            raise InputError(f"a sphere of dimension {self.dimension}: a whole number of at least 1 is needed")
        object.__setattr__(self, "dimension", int(self.dimension))

    @property
    def dim(self) -> int:
        """Dimension d of the sphere."""
        return self.dimension

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]
        """Shape (1,): a single cell."""
        return (1,)

    @property
    def spectral_shape(self) -> tuple[int, ...]:
        """Shape (1,): only the constant mode."""
        return (1,)

    def mode_multiplicity(self) -> np.ndarray:
        """Array [1.0]: the one mode represents itself."""
        return np.ones(1)

    @property
    def volume(self) -> float:
        """Area of the sphere, |S^d|."""
        return area_of_sphere(self.dim)

    def integral(self, values: np.ndarray) -> float:
        """Integral: the single value times |S^d|."""
        return float(values.sum(dtype=float)) * self.volume

    @property
    def cell_volumes(self) -> np.ndarray:
        """Area of the one cell, |S^d|, shape ()."""
        return np.array(self.volume)

    def coordinates(self) -> tuple[Coordinate, ...]:
        """A placeholder coordinate, since the single cell has no position."""
        return (Coordinate("sphere", np.zeros(1), "1", "the whole sphere"),)

    def record(self) -> dict[str, Any]:
        """Kind and dimension of the domain."""
        return {"kind": "whole sphere", "dim": self.dim}

    @classmethod
    def _from_record(cls, record: Mapping[str, Any]) -> "WholeSphere":
        return cls(int(record["dim"]))

    def laplacian_symbol(self, kind: LaplacianKind = "spectral") -> np.ndarray:  # noqa: ARG002 - of a constant
        """Symbol of −Δ at the constant mode, [0.0]."""
        return np.zeros(1)

    def symbol_arguments(self) -> tuple[np.ndarray, ...]:
        """The degree 0, shape (1,)."""
        return (np.zeros(1),)

    @property
    def mirrored_symbols(self) -> bool:
        """False, because degrees have no sign."""
        return False

    def mode_power(self, values: np.ndarray, deconvolve: bool = False) -> np.ndarray:  # noqa: ARG002
        """Raise InputError: a single cell has no modes."""
        raise InputError(f"modes need a grid of cells, not {self}")

    def shell_numbers(self) -> np.ndarray:
        """Shell index of the constant mode, [0]."""
        return np.zeros(1, int)

    @property
    def first_wavenumber(self) -> float:
        """Smallest nonzero degree of the sphere, 1; the single cell does not resolve it."""
        return 1.0

    @property
    def nyquist(self) -> float:
        """Nominal Nyquist wave number, 1."""
        return 1.0

    @property
    def finest_wavenumber(self) -> float:
        """Largest resolved degree, 0."""
        return 0.0

    def contoured_volume(self, field: np.ndarray, level: float) -> float:  # noqa: ARG002
        """Raise InputError: a single cell cannot be contoured."""
        raise InputError(f"volume_below needs a grid of cells, not {self}")

    def widened(self, cells: np.ndarray) -> np.ndarray:
        """Return the mask unchanged; the single cell has no neighbours."""
        return cells

    def nearest(self, marked: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:  # noqa: ARG002
        """Distance 0 to the single cell."""
        return np.zeros(len(cells)), np.zeros(len(cells), int)

    def coarsened(self, cells: int) -> "WholeSphere":  # noqa: ARG002 - there is nothing to coarsen
        """The domain itself."""
        return self

    def averages_on(self, coarse: "WholeSphere", values: np.ndarray) -> np.ndarray:  # noqa: ARG002
        """The value itself."""
        return np.asarray(values, dtype=float)

    def lost_on(self, coarse: "WholeSphere") -> np.ndarray:  # noqa: ARG002
        """[False]: no mode is lost."""
        return np.zeros(1, bool)

    @property
    def sphere_dim(self) -> int | None:
        """Dimension d of the sphere."""
        return self.dim

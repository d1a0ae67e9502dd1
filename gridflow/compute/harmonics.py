"""Spherical harmonic transforms between the cells of a sphere, points anywhere on it and harmonic coefficients.

``f_ℓm = ∫ f Y*_ℓm`` with orthonormal Y, held for m ≥ 0 in order of m and then ℓ, as all of the field does; f is real.
The transforms are those of ducc0 (Reinecke 2020), which give the same bits for any number of threads on a grid.
"""

from typing import Any, Protocol

import numpy as np

from gridflow.compute.threads import count
from gridflow.errors import InputError


def _sht() -> Any:
    try:
        from ducc0.sht import experimental  # here, so that what needs no sphere does not load it
    except ImportError:
        raise InputError("the sphere needs ducc0, which is not installed: pip install 'gridflow[sphere]'") from None
    return experimental


class Rings(Protocol):
    """What a transform must know of a sphere in rings of cells."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of rings and of cells in each."""

    @property
    def size(self) -> int:
        """Number of cells."""

    @property
    def lmax(self) -> int:
        """Largest degree that the cells resolve."""

    @property
    def mmax(self) -> int:
        """Largest order that the cells resolve."""

    @property
    def areas(self) -> np.ndarray:
        """Area of a cell of each ring, shape (rings, 1)."""


class Harmonics:
    """The harmonics up to degrees lmax and orders mmax, and sums over their coefficients.

    Parameters
    ----------
    lmax, mmax
        Largest degree and order; mmax ≤ lmax. Default of the second: lmax.

    Attributes
    ----------
    degree, order
        ℓ and m of every coefficient, shape (count,).
    """

    def __init__(self, lmax: int, mmax: int | None = None) -> None:
        self.lmax, self.mmax = lmax, lmax if mmax is None else mmax
        self.degree = np.concatenate([np.arange(m, lmax + 1) for m in range(self.mmax + 1)])
        self.order = np.concatenate([np.full(lmax + 1 - m, m) for m in range(self.mmax + 1)])
        # How ducc0 rounds what it makes of its last degree depends on where in memory its tables happen to lie, so it
        # works to one degree more, which is 0 going in and left out coming back.
        self._last = np.cumsum(np.arange(lmax + 2, lmax + 1 - self.mmax, -1)) - 1
        self._kept = np.delete(np.arange(self._last[-1] + 1), self._last)
        self._wide = np.zeros((1, self._last[-1] + 1), complex)

    @property
    def count(self) -> int:
        """Number of coefficients held."""
        return self.degree.size

    def _widened(self, coefficients: np.ndarray) -> np.ndarray:
        """Coefficients with the degree lmax + 1, which is 0, shape (1, …); in a buffer."""
        self._wide[0, self._kept] = coefficients
        self._wide[0, self._last] = 0
        return self._wide

    def power(self, coefficients: np.ndarray) -> np.ndarray:
        """Σ_m |f_ℓm|² of each degree, shape (lmax + 1,); all together are ∫ f²."""
        squared = coefficients.real**2 + coefficients.imag**2
        squared[self.order > 0] *= 2
        return np.bincount(self.degree, squared, self.lmax + 1)


class SphereTransform(Harmonics):
    """Transforms between the cells of a grid and the harmonics that it resolves; buffers are kept.

    Parameters
    ----------
    grid
        The cells.
    threads
        How many to use; the result does not depend on it. Default: as many as the grid is worth.
    """

    def __init__(self, grid: Rings, threads: int | None = None) -> None:
        super().__init__(grid.lmax, grid.mmax)
        self._sht = _sht()
        self.grid = grid
        self.threads = count(threads, 8 * grid.size)  # a cell of a harmonic transform costs more than one of an FFT
        self._map = np.zeros((1, *grid.shape))
        self._coefficients = np.zeros(self.count, complex)
        self._options = {
            "spin": 0,
            "lmax": self.lmax + 1,
            "mmax": self.mmax,
            "geometry": "GL",
            "nthreads": self.threads,
        }

    def analyse(self, values: np.ndarray) -> np.ndarray:
        """f_ℓm of cell values, ``Σ area f Y*``, exact for what the grid resolves; in a buffer until the next call."""
        np.multiply(values, self.grid.areas, out=self._map[0])
        self._sht.adjoint_synthesis_2d(map=self._map, alm=self._wide, **self._options)
        return np.take(self._wide[0], self._kept, out=self._coefficients, mode="clip")  # which needs no buffer

    def synthesise(self, coefficients: np.ndarray) -> np.ndarray:
        """Values at the cells' centres, shape ``grid.shape``; in a buffer until the next call."""
        self._sht.synthesis_2d(alm=self._widened(coefficients), map=self._map, **self._options)
        result: np.ndarray = self._map[0]
        return result

    def gradient(self, coefficients: np.ndarray) -> np.ndarray:
        """∂_θ f and ∂_φ f / sin θ at the cells' centres, shape (2, *grid.shape)."""
        found: np.ndarray = self._sht.synthesis_2d(
            alm=self._widened(coefficients),
            ntheta=self.grid.shape[0],
            nphi=self.grid.shape[1],
            **self._options | {"spin": 1, "mode": "DERIV1"},
        )
        return found


class PointTransform(Harmonics):
    """Transforms between points anywhere on the sphere and harmonics, by ducc0's non-uniform ones.

    Parameters
    ----------
    lmax
        Largest degree.
    accuracy
        Error, relative in L², at least 1e−12.
    threads
        How many to use.
    """

    def __init__(self, lmax: int, accuracy: float = 1e-10, threads: int | None = None) -> None:
        super().__init__(lmax)
        self._sht = _sht()
        if not 1e-12 <= accuracy <= 0.1:
            raise InputError(f"accuracy = {accuracy}: it must be between 1e-12 and 0.1")
        self._options = {"lmax": lmax + 1, "mmax": lmax, "epsilon": accuracy}
        self._wanted = threads
        self._where = np.zeros((0, 2))

    def place(self, points: np.ndarray) -> None:
        """Set the points: vectors of any length but 0, shape (N, 3)."""
        x, y, z = points.T
        longitude = np.arctan2(y, x)
        longitude[longitude < 0] += 2 * np.pi
        self._where = np.stack([np.arctan2(np.hypot(x, y), z), longitude], axis=1)
        self._options["nthreads"] = count(self._wanted, 8 * len(points))

    def analyse(self, masses: np.ndarray) -> np.ndarray:
        """``Σ_j c_j Y*_ℓm(x_j)`` of masses, shape (N,)."""
        found: np.ndarray = self._sht.adjoint_synthesis_general(
            map=np.ascontiguousarray(masses, float)[None], spin=0, loc=self._where, **self._options
        )
        return found[0, self._kept]

    def synthesise(self, coefficients: np.ndarray) -> np.ndarray:
        """Values at the points, shape (N,)."""
        found: np.ndarray = self._sht.synthesis_general(
            alm=self._widened(coefficients), spin=0, loc=self._where, **self._options
        )
        return found[0]

    def gradient(self, coefficients: np.ndarray) -> np.ndarray:
        """Gradients along the sphere at the points, as vectors of space tangential to it, shape (N, 3)."""
        along: np.ndarray = self._sht.synthesis_general(
            alm=self._widened(coefficients), spin=1, loc=self._where, mode="DERIV1", **self._options
        )
        (theta, phi), (south, east) = self._where.T, along
        sin, cos, sin_phi, cos_phi = np.sin(theta), np.cos(theta), np.sin(phi), np.cos(phi)
        return np.stack(
            [south * cos * cos_phi - east * sin_phi, south * cos * sin_phi + east * cos_phi, -south * sin], axis=1
        )

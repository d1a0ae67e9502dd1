"""Spherical harmonic transforms between cells of a sphere, scattered points and harmonic coefficients.

Coefficients are ``f_ℓm = ∫ f Y*_ℓm`` with orthonormal Y. Since f is real, only m ≥ 0 is stored, ordered by m and then
ℓ, as is usual. The transforms are those of ducc0 (Reinecke 2020). On a grid they give the same bits for any number of
threads.
"""

from typing import Any, Protocol

import numpy as np

from gridflow.compute.threads import count
from gridflow.errors import InputError


def _sht() -> Any:
    try:
        from ducc0.sht import experimental  # imported here so that code without spheres does not load it
    except ImportError:
        raise InputError("the sphere needs ducc0, which is not installed: pip install 'gridflow[sphere]'") from None
    return experimental


class RingLayout(Protocol):
    """What a transform needs to know about a sphere divided into rings of cells."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rings and number of cells per ring."""

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
    """The harmonics up to degree lmax and order mmax, and sums over their coefficients.

    Parameters
    ----------
    lmax, mmax
        Largest degree and order, mmax ≤ lmax. Default mmax: lmax.

    Attributes
    ----------
    degree, order
        ℓ and m of every stored coefficient, shape (count,).
    """

    def __init__(self, lmax: int, mmax: int | None = None) -> None:
        self.lmax, self.mmax = lmax, lmax if mmax is None else mmax
        self.degree = np.concatenate([np.arange(m, lmax + 1) for m in range(self.mmax + 1)])
        self.order = np.concatenate([np.full(lmax + 1 - m, m) for m in range(self.mmax + 1)])
        # The round-off of ducc0 in its last degree depends on the memory addresses of its tables. The transforms
        # therefore use one more degree, which is zero on input and dropped on output.
        self._last = np.cumsum(np.arange(lmax + 2, lmax + 1 - self.mmax, -1)) - 1
        self._kept = np.delete(np.arange(self._last[-1] + 1), self._last)
        self._wide = np.zeros((1, self._last[-1] + 1), complex)

    @property
    def count(self) -> int:
        """Number of stored coefficients."""
        return self.degree.size

    def _widened(self, coefficients: np.ndarray) -> np.ndarray:
        """Append the degree lmax + 1, filled with zeros; shape (1, …), in a buffer."""
        self._wide[0, self._kept] = coefficients
        self._wide[0, self._last] = 0
        return self._wide

    def power(self, coefficients: np.ndarray) -> np.ndarray:
        """Return Σ_m |f_ℓm|² of each degree, shape (lmax + 1,); the sum over degrees is ∫ f²."""
        squared = coefficients.real**2 + coefficients.imag**2
        squared[self.order > 0] *= 2
        return np.bincount(self.degree, squared, self.lmax + 1)


class SphereTransform(Harmonics):
    """Transforms between the cells of a grid and the harmonics that it resolves; buffers are reused.

    Parameters
    ----------
    grid
        The cells.
    threads
        Number of threads; the result does not depend on it. Default: chosen by the size of the grid.
    """

    def __init__(self, grid: RingLayout, threads: int | None = None) -> None:
        super().__init__(grid.lmax, grid.mmax)
        self._sht = _sht()
        self.grid = grid
        self.threads = count(threads, 8 * grid.size)  # a harmonic transform costs more per cell than an FFT
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
        """Return f_ℓm of cell values, ``Σ area f Y*``, exact for resolved harmonics; valid until the next call."""
        np.multiply(values, self.grid.areas, out=self._map[0])
        self._sht.adjoint_synthesis_2d(map=self._map, alm=self._wide, **self._options)
        return np.take(self._wide[0], self._kept, out=self._coefficients, mode="clip")  # "clip" avoids a buffered copy

    def synthesise(self, coefficients: np.ndarray) -> np.ndarray:
        """Return values at the cell centres, shape ``grid.shape``; valid until the next call."""
        self._sht.synthesis_2d(alm=self._widened(coefficients), map=self._map, **self._options)
        result: np.ndarray = self._map[0]
        return result

    def gradient(self, coefficients: np.ndarray) -> np.ndarray:
        """Return ∂_θ f and ∂_φ f / sin θ at the cell centres, shape (2, *grid.shape)."""
        found: np.ndarray = self._sht.synthesis_2d(
            alm=self._widened(coefficients),
            ntheta=self.grid.shape[0],
            nphi=self.grid.shape[1],
            **self._options | {"spin": 1, "mode": "DERIV1"},
        )
        return found

    def divergence(self, field: np.ndarray) -> np.ndarray:
        """Return the coefficients of −∇·w of a tangent field w, the adjoint of :meth:`gradient`.

        Parameters
        ----------
        field
            Components along θ and φ at the cell centres, shape (2, *grid.shape).
        """
        found = self._sht.adjoint_synthesis_2d(
            map=field * self.grid.areas, **self._options | {"spin": 1, "mode": "DERIV1"}
        )
        return np.asarray(found[0, self._kept])


class PointTransform(Harmonics):
    """Transforms between scattered points on the sphere and harmonics, by ducc0's non-uniform transforms.

    Parameters
    ----------
    lmax
        Largest degree.
    accuracy
        Relative L² error, at least 1e−12. Default: 1e−10.
    threads
        Number of threads. Default: chosen by the number of points.

    Raises
    ------
    InputError
        If ducc0 is not installed or the accuracy is not allowed.
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
        """Set the points: nonzero vectors of any length, shape (N, 3)."""
        x, y, z = points.T
        longitude = np.arctan2(y, x)
        longitude[longitude < 0] += 2 * np.pi
        self._where = np.stack([np.arctan2(np.hypot(x, y), z), longitude], axis=1)
        self._options["nthreads"] = count(self._wanted, 8 * len(points))

    def analyse(self, masses: np.ndarray) -> np.ndarray:
        """Return ``Σ_j c_j Y*_ℓm(x_j)`` of masses of shape (N,)."""
        found: np.ndarray = self._sht.adjoint_synthesis_general(
            map=np.ascontiguousarray(masses, float)[None], spin=0, loc=self._where, **self._options
        )
        return found[0, self._kept]

    def synthesise(self, coefficients: np.ndarray) -> np.ndarray:
        """Return the values at the points, shape (N,)."""
        found: np.ndarray = self._sht.synthesis_general(
            alm=self._widened(coefficients), spin=0, loc=self._where, **self._options
        )
        return found[0]

    def gradient(self, coefficients: np.ndarray) -> np.ndarray:
        """Return the surface gradients at the points as tangent vectors in R³, shape (N, 3)."""
        along: np.ndarray = self._sht.synthesis_general(
            alm=self._widened(coefficients), spin=1, loc=self._where, mode="DERIV1", **self._options
        )
        (theta, phi), (south, east) = self._where.T, along
        sin, cos, sin_phi, cos_phi = np.sin(theta), np.cos(theta), np.sin(phi), np.cos(phi)
        return np.stack(
            [south * cos * cos_phi - east * sin_phi, south * cos * sin_phi + east * cos_phi, -south * sin], axis=1
        )

"""The scheme of ``plain_numpy`` as a user of numba and pyfftw would write it: one loop nest, two threads.

For float64 and float32, in two and three dimensions: a plane is a cube of one layer.
"""

import os

# pyfftw and numba each bring an OpenMP runtime; its threads must not spin between calls, or they fight for the cores
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

from functools import cache

import numba
import numpy as np
import plain_numpy
import pyfftw

THREADS = 2
numba.set_num_threads(min(THREADS, numba.config.NUMBA_NUM_THREADS))
parallel = numba.njit(parallel=True, fastmath=True, cache=True)


# compiled loops carry no annotations: numba infers their types
@numba.njit(inline="always")
def _half_slope(behind, ahead):
    product = behind * ahead
    return product / (behind + ahead) if product > 0 else 0 * product


@numba.njit(inline="always")
def _gain(v, mu, n, p0, p1, p2, p3, p4):
    """What the cell p2 gains along an axis of n cells, on which it is the middle one of five."""
    m1, m2, m3 = mu[p1], mu[p2], mu[p3]
    d1, d2, d3, d4 = m1 - mu[p0], m2 - m1, m3 - m2, mu[p4] - m3
    u1, u2 = v[p1] - v[p2], v[p2] - v[p3]
    half = _half_slope(d2, d3)
    below = m1 + _half_slope(d1, d2) if u1 > 0 else m2 - half
    above = m2 + half if u2 > 0 else m3 - _half_slope(d3, d4)
    return (u1 * below - u2 * above) * n * n


@parallel
def _blend(out, a, old, b, mu, c, v):
    nx, ny, nz = mu.shape
    x, y, z = mu.dtype.type(nx), mu.dtype.type(ny), mu.dtype.type(nz)
    for row in numba.prange(nx * ny):
        i, j = row // ny, row % ny
        i0, i1, i3, i4 = (i - 2) % nx, (i - 1) % nx, (i + 1) % nx, (i + 2) % nx
        j0, j1, j3, j4 = (j - 2) % ny, (j - 1) % ny, (j + 1) % ny, (j + 2) % ny
        for k in range(nz):
            k0, k1 = k - 2 if k > 1 else k - 2 + nz, k - 1 if k > 0 else nz - 1
            k3, k4 = k + 1 if k < nz - 1 else 0, k + 2 if k < nz - 2 else k + 2 - nz
            gain = _gain(v, mu, z, (i, j, k0), (i, j, k1), (i, j, k), (i, j, k3), (i, j, k4))
            gain += _gain(v, mu, y, (i, j0, k), (i, j1, k), (i, j, k), (i, j3, k), (i, j4, k))
            if nx > 1:
                gain += _gain(v, mu, x, (i0, j, k), (i1, j, k), (i, j, k), (i3, j, k), (i4, j, k))
            out[i, j, k] = a * old[i, j, k] + b * mu[i, j, k] + c * gain


@parallel
def _largest_rate(v):
    nx, ny, nz = v.shape
    x, y, z = v.dtype.type(nx), v.dtype.type(ny), v.dtype.type(nz)
    largest = np.zeros(nx * ny, v.dtype)
    for row in numba.prange(nx * ny):
        i, j = row // ny, row % ny
        for k in range(nz):
            here, across = v[i, j, k], v[i, j, k + 1 if k < nz - 1 else 0]
            rate = abs(here - across) * z * z
            rate += abs(here - v[i, (j + 1) % ny, k]) * y * y + abs(here - v[(i + 1) % nx, j, k]) * x * x
            largest[row] = max(largest[row], rate)
    return largest.max()


@parallel
def _subtract(values, number, out):
    for i in numba.prange(values.size):
        out[i] = values[i] - number


@parallel
def _multiply(values, factors):
    for i in numba.prange(values.size):
        values[i] *= factors[i]


def _cube(array: np.ndarray) -> np.ndarray:
    return array.reshape((1,) * (3 - array.ndim) + array.shape)


class Workspace:
    """Buffers and planned transforms for one shape and precision."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype) -> None:
        symbol = plain_numpy.inverse_laplacian(shape)
        self.real = pyfftw.empty_aligned(shape, dtype)
        self.modes = pyfftw.empty_aligned(symbol.shape, np.result_type(dtype, np.complex64))
        self.symbol = (symbol / self.real.size).astype(dtype)
        self.tendency = np.zeros(shape, dtype)
        axes, flags = tuple(range(len(shape))), ("FFTW_ESTIMATE", "FFTW_DESTROY_INPUT")
        self.forward = pyfftw.FFTW(self.real, self.modes, axes, "FFTW_FORWARD", flags, THREADS)
        self.backward = pyfftw.FFTW(self.modes, self.real, axes, "FFTW_BACKWARD", flags, THREADS)


workspace = cache(Workspace)


def potential(mu: np.ndarray) -> np.ndarray:
    """V at cell centres, valid until the next call."""
    work = workspace(mu.shape, mu.dtype)
    _subtract(mu.reshape(-1), mu.dtype.type(1), work.real.reshape(-1))
    work.forward.execute()
    _multiply(work.modes.reshape(-1), work.symbol.reshape(-1))
    work.backward.execute()
    return work.real


def stable_dt(v: np.ndarray) -> float:
    """Longest step for the velocity of the potential v."""
    return float(plain_numpy.step_for(_largest_rate(_cube(v))))


def blend(out: np.ndarray, a: float, old: np.ndarray, b: float, mu: np.ndarray, c: float, v: np.ndarray) -> None:
    """``out = a old + b μ + c ∂_t μ``, the one operation of a Runge–Kutta stage."""
    real = mu.dtype.type
    _blend(_cube(out), real(a), _cube(old), real(b), _cube(mu), real(c), _cube(v))


def rhs(mu: np.ndarray) -> np.ndarray:
    """∂_t μ, valid until the next call."""
    tendency = workspace(mu.shape, mu.dtype).tendency
    blend(tendency, 0.0, mu, 0.0, mu, 1.0, potential(mu))
    return tendency


def run(mu: np.ndarray, t_end: float) -> np.ndarray:
    """μ at ``t_end``."""
    return plain_numpy.integrate(mu, t_end, potential, blend, stable_dt)

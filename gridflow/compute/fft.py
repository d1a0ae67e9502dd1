"""Real fast Fourier transforms on a grid."""

import math
import os
import sys
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Protocol
from zlib import crc32

import numpy as np

from gridflow.compute import threads as pool


@contextmanager
def _hidden(package: str) -> Iterator[None]:
    """Make imports of a package fail for a while, unless it is loaded already."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]


# pyfftw loads dask, if it is installed, for an interface that is not used here; that takes half a second
with _hidden("dask"):
    import pyfftw  # after gridflow.compute.threads, which tells its OpenMP runtime how to wait

_LOADED_BY = os.getpid()
_CACHE_LINE = 64
"""Size of a cache line in bytes."""


class Cells(Hashable, Protocol):
    """What a transform needs to know about a grid."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of cells along each axis."""

    @property
    def spectral_shape(self) -> tuple[int, ...]:
        """Shape of the half-spectrum."""

    @property
    def dim(self) -> int:
        """Number of axes."""


class Spectrum:
    """A buffer that holds a half-spectrum or, after a backward transform, the real field in the same memory.

    Rows are padded to whole cache lines, and rows and planes to an odd number of them. With power-of-two strides a
    column of modes would map to only a few cache sets: a pair of transforms of 256³ values took four times as long.

    Attributes
    ----------
    modes
        Complex view of shape ``grid.spectral_shape``.
    values
        Real view of the same memory, shape ``grid.shape``.
    lines
        All of the memory as a contiguous real array (planes, rows, numbers), padding included. In one dimension the
        field is one row of one plane; in two dimensions it is one row in every plane.
    """

    def __init__(self, grid: Cells, dtype: np.dtype) -> None:
        planes, rows, _ = as_planes(grid.shape)
        modes = grid.spectral_shape[-1]
        per_line = _CACHE_LINE // (2 * dtype.itemsize)
        lines = -(-modes // per_line) | 1
        more = 0 if dtype == np.float64 else 2  # measured: without them 256³ takes twice as long in single precision
        rows_held = (rows | 1) + more if rows > 1 else 1
        self.lines = _zeros((planes, rows_held, 2 * lines * per_line), dtype)
        self.modes = self.lines.view(np.result_type(dtype, np.complex64))[:, :rows, :modes].reshape(grid.spectral_shape)
        self.values = self.lines[:, :rows, : grid.shape[-1]].reshape(grid.shape)
        assert np.shares_memory(self.modes, self.values)


def _zeros(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return zeros aligned to a cache line; the memory is not committed before it is written to."""
    size = math.prod(shape) * dtype.itemsize
    memory = np.zeros(size + _CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % _CACHE_LINE
    return memory[start : start + size].view(dtype).reshape(shape)


def as_planes(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return a 1D, 2D or 3D shape as (planes, rows, cells per row)."""
    planes = shape[0] if len(shape) > 1 else 1
    rows = shape[1] if len(shape) > 2 else 1
    return planes, rows, shape[-1]


class Transform(Protocol):
    """A real FFT pair on a grid; neither direction is normalised."""

    threads: int

    def field(self) -> np.ndarray:
        """Return a new contiguous real array of the grid's shape for ``forward``, filled with zeros."""

    def spectrum(self) -> Spectrum:
        """Return a new buffer for modes, filled with zeros."""

    def forward(self, values: np.ndarray, spectrum: Spectrum) -> None:
        """Transform an array made by ``field`` into ``spectrum.modes``."""

    def backward(self, spectrum: Spectrum) -> None:
        """Transform ``spectrum.modes`` into ``spectrum.values``, in place."""

    def halo(self, lines: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the ghost planes, ``depth`` on each side, below and above an array (planes, rows, numbers)."""


class SerialTransform:
    """The real FFT pair of a single process, planned by FFTW.

    Plans use FFTW_ESTIMATE on aligned buffers. Unlike measured plans, they give the same bits in every process, which a
    bit-identical restart requires. A multi-threaded plan is used only if it gives the same bits as a single-threaded
    one; this is tested once for each shape.

    Parameters
    ----------
    grid
        Grid of the real array.
    dtype
        float64 (default) or float32.
    threads
        Number of threads; see :func:`gridflow.compute.threads.count`. Default: 1.
    """

    def __init__(self, grid: Cells, dtype: np.dtype | type = np.float64, threads: int = 1) -> None:
        self._grid = grid
        self._dtype = np.dtype(dtype)
        forked = os.getpid() != _LOADED_BY  # a forked process has no FFTW threads and would wait for them forever
        alone = grid.dim == 1 or pool.FFTW_MAY_SPIN or forked
        self.threads = 1 if alone else _reproducible_threads(grid, self._dtype, threads)
        self._forward, self._backward = _plans(grid, self._dtype, self.threads)

    def field(self) -> np.ndarray:
        """Return a new contiguous real array of the grid's shape for ``forward``, filled with zeros."""
        return _zeros(self._grid.shape, self._dtype)

    def spectrum(self) -> Spectrum:
        """Return a new buffer for modes, filled with zeros."""
        return Spectrum(self._grid, self._dtype)

    def forward(self, values: np.ndarray, spectrum: Spectrum) -> None:
        """Transform an array made by ``field`` into ``spectrum.modes``; the array is not changed."""
        self._forward.update_arrays(values, spectrum.modes)
        self._forward.execute()

    def backward(self, spectrum: Spectrum) -> None:
        """Transform ``spectrum.modes`` into ``spectrum.values``, in place."""
        self._backward.update_arrays(spectrum.modes, spectrum.values)
        self._backward.execute()

    def halo(self, lines: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the periodic ghost planes; these are views unless the array has fewer than ``depth`` planes."""
        planes = len(lines)
        if planes >= depth:
            return lines[planes - depth :], lines[:depth]
        around = np.arange(depth)
        return lines[(around - depth) % planes], lines[around % planes]


def _plans(grid: Cells, dtype: np.dtype, threads: int) -> tuple[pyfftw.FFTW, pyfftw.FFTW]:
    values, spectrum = _zeros(grid.shape, dtype), Spectrum(grid, dtype)
    axes = tuple(range(grid.dim))
    forward = pyfftw.FFTW(values, spectrum.modes, axes=axes, flags=("FFTW_ESTIMATE",), threads=threads)
    backward = pyfftw.FFTW(
        spectrum.modes,
        spectrum.values,
        axes=axes,
        direction="FFTW_BACKWARD",
        flags=("FFTW_ESTIMATE", "FFTW_DESTROY_INPUT"),
        threads=threads,
    )
    return forward, backward


@lru_cache
def _reproducible_threads(grid: Cells, dtype: np.dtype, threads: int) -> int:
    """Return ``threads`` if plans for that many reproduce the bits of single-threaded ones on random data, else 1."""
    if threads == 1:
        return 1
    values = _zeros(grid.shape, dtype)
    values[...] = np.random.default_rng(0).random(grid.shape, dtype=dtype)
    spectrum = Spectrum(grid, dtype)
    seen = set()
    for number in (1, threads):
        forward, backward = _plans(grid, dtype, number)
        forward.update_arrays(values, spectrum.modes)
        forward.execute()
        after = crc32(spectrum.lines.data)
        backward.update_arrays(spectrum.modes, spectrum.values)
        backward.execute()
        seen.add((after, crc32(spectrum.lines.data)))
        spectrum.lines.fill(0)
    return threads if len(seen) == 1 else 1

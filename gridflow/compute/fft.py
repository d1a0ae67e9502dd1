"""Real fast Fourier transforms on a grid."""

import math
import os
from collections.abc import Hashable
from functools import lru_cache
from typing import Protocol
from zlib import crc32

import numpy as np

from gridflow.compute import threads as pool

# isort: split
import pyfftw  # after gridflow.compute.threads, which tells its OpenMP runtime how to wait

_LOADED_BY = os.getpid()
_CACHE_LINE = 64
"""Bytes."""


class Cells(Hashable, Protocol):
    """What a transform must know of a grid."""

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
    """A buffer that holds a half-spectrum and, after a backward transform, the real field in its place.

    Its rows are padded to whole cache lines, and rows and planes to an odd number of them: strides that are powers of
    two would map a whole column of modes to a few sets of the cache (a pair of transforms of 256³ values took four
    times as long).

    Attributes
    ----------
    modes
        Complex view of shape ``grid.spectral_shape``.
    values
        Real view of shape ``grid.shape``, of the same memory.
    lines
        All of the memory as a contiguous real array (planes, rows, numbers), padding included; the field of one
        dimension is one row of one plane, of two dimensions one row in every plane.
    """

    def __init__(self, grid: Cells, dtype: np.dtype) -> None:
        planes, rows, _ = as_planes(grid.shape)
        modes = grid.spectral_shape[-1]
        per_line = _CACHE_LINE // (2 * dtype.itemsize)
        lines = -(-modes // per_line) | 1
        more = 0 if dtype == np.float64 else 2  # measured: without them 256³ in single precision takes twice as long
        rows_held = (rows | 1) + more if rows > 1 else 1
        self.lines = _zeros((planes, rows_held, 2 * lines * per_line), dtype)
        self.modes = self.lines.view(np.result_type(dtype, np.complex64))[:, :rows, :modes].reshape(grid.spectral_shape)
        self.values = self.lines[:, :rows, : grid.shape[-1]].reshape(grid.shape)
        assert np.shares_memory(self.modes, self.values)


def _zeros(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array of zeros that begins at a cache line and takes no memory before it is written to."""
    size = math.prod(shape) * dtype.itemsize
    memory = np.zeros(size + _CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % _CACHE_LINE
    return memory[start : start + size].view(dtype).reshape(shape)


def as_planes(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """A shape of one, two or three dimensions as (planes, rows, cells in a row)."""
    planes = shape[0] if len(shape) > 1 else 1
    rows = shape[1] if len(shape) > 2 else 1
    return planes, rows, shape[-1]


class Transform(Protocol):
    """A real FFT pair on a grid; neither direction normalises."""

    threads: int

    def field(self) -> np.ndarray:
        """A new real array of the grid's shape that ``forward`` can read, contiguous, zero."""

    def spectrum(self) -> Spectrum:
        """A new buffer for modes, zero."""

    def forward(self, values: np.ndarray, spectrum: Spectrum) -> None:
        """Transform an array made by ``field`` into ``spectrum.modes``."""

    def backward(self, spectrum: Spectrum) -> None:
        """Transform ``spectrum.modes`` into ``spectrum.values``, in place."""

    def halo(self, lines: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray]:
        """The planes below the first and above the last of an array (planes, rows, numbers), ``depth`` of each."""


class SerialTransform:
    """The real FFT pair of one process, planned by FFTW.

    Plans are FFTW_ESTIMATE on aligned buffers of our own: unlike measured plans they give the same last bits in
    every process, which a bit-identical restart needs. A plan for several threads is used only if it gives the bits of
    that for one, which is tried out once for each shape.

    Parameters
    ----------
    grid
        Where the real array lives.
    dtype
        float64 or float32.
    threads
        How many to use; see :func:`gridflow.compute.threads.count`.
    """

    def __init__(self, grid: Cells, dtype: np.dtype | type = np.float64, threads: int = 1) -> None:
        self._grid = grid
        self._dtype = np.dtype(dtype)
        forked = os.getpid() != _LOADED_BY  # where FFTW's threads are not, and waiting for them would never end
        alone = grid.dim == 1 or pool.FFTW_MAY_SPIN or forked
        self.threads = 1 if alone else _reproducible_threads(grid, self._dtype, threads)
        self._forward, self._backward = _plans(grid, self._dtype, self.threads)

    def field(self) -> np.ndarray:
        """A new real array of the grid's shape that ``forward`` can read, contiguous, zero."""
        return _zeros(self._grid.shape, self._dtype)

    def spectrum(self) -> Spectrum:
        """A new buffer for modes, zero."""
        return Spectrum(self._grid, self._dtype)

    def forward(self, values: np.ndarray, spectrum: Spectrum) -> None:
        """Transform an array made by ``field`` into ``spectrum.modes``; the array stays as it is."""
        self._forward.update_arrays(values, spectrum.modes)
        self._forward.execute()

    def backward(self, spectrum: Spectrum) -> None:
        """Transform ``spectrum.modes`` into ``spectrum.values``, in place."""
        self._backward.update_arrays(spectrum.modes, spectrum.values)
        self._backward.execute()

    def halo(self, lines: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray]:
        """The planes around the torus; views of the array itself unless it has fewer planes than that."""
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
    """The number given if its plans and those of one thread have the same bits on random numbers, else 1."""
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

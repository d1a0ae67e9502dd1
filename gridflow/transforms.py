"""Real fast Fourier transforms on a grid."""

from typing import Protocol

import numpy as np
import pyfftw

from gridflow.grid import Grid


class Transform(Protocol):
    """A real FFT pair that owns its two buffers.

    ``forward`` reads ``real`` and fills ``spectrum``; ``backward`` reads ``spectrum``, destroys it and fills
    ``real``. Neither normalises: a round trip multiplies by the number of cells, and callers fold the inverse of
    that number into their symbol.
    """

    real: np.ndarray
    spectrum: np.ndarray

    def forward(self) -> None:
        """Transform ``real`` into ``spectrum``."""

    def backward(self) -> None:
        """Transform ``spectrum`` into ``real``; the spectrum is destroyed."""


class SerialTransform:
    """The real FFT pair of one process, planned by FFTW.

    Plans are FFTW_ESTIMATE on aligned buffers of our own: unlike measured plans they give the same last bits in
    every process, which a bit-identical restart needs.

    Parameters
    ----------
    grid
        Where the real array lives.
    dtype
        float64 or float32.
    """

    def __init__(self, grid: Grid, dtype: np.dtype | type = np.float64) -> None:
        dtype = np.dtype(dtype)
        complex_dtype = np.result_type(dtype, np.complex64)
        self.real = pyfftw.zeros_aligned(grid.shape, dtype=dtype)
        self.spectrum = pyfftw.zeros_aligned(grid.spectral_shape, dtype=complex_dtype)
        axes = tuple(range(grid.dim))
        self._forward = pyfftw.FFTW(self.real, self.spectrum, axes=axes, flags=("FFTW_ESTIMATE",))
        self._backward = pyfftw.FFTW(
            self.spectrum,
            self.real,
            axes=axes,
            direction="FFTW_BACKWARD",
            flags=("FFTW_ESTIMATE", "FFTW_DESTROY_INPUT"),
        )

    def forward(self) -> None:
        """Transform ``real`` into ``spectrum``."""
        self._forward.execute()

    def backward(self) -> None:
        """Transform ``spectrum`` into ``real``; the spectrum is destroyed."""
        self._backward.execute()

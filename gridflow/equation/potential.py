"""The potential of a density on a periodic grid, and what else follows from multiplying its Fourier modes."""

from functools import cached_property

import numpy as np

from gridflow.compute.fft import SerialTransform
from gridflow.compute.threads import count
from gridflow.domains.torus import Grid


class PotentialField:
    """Workspace for repeated evaluation of V = K * (μ − ν) and of the energy.

    Parameters
    ----------
    grid
        The periodic grid.
    symbol
        Symbol K̂ of the kernel, shape ``grid.spectral_shape``.
    """

    def __init__(self, grid: Grid, symbol: np.ndarray) -> None:
        self._grid, self._symbol = grid, symbol
        self._transform = SerialTransform(grid, np.float64, count(None, grid.size))
        self._deviation = self._transform.field()
        self._spectrum = self._transform.spectrum()

    def potential(self, density: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return V at cell centres, in a buffer valid until the next call."""
        np.subtract(density, target, out=self._deviation)
        return self._multiplied(self._symbol)

    def filtered(self, values: np.ndarray, factors: np.ndarray) -> np.ndarray:
        """Return the function whose modes are multiplied, in a buffer valid until the next call."""
        self._deviation[...] = values
        return self._multiplied(factors)

    def transported(self, carrier: np.ndarray, deviation: np.ndarray, growth: float) -> tuple[np.ndarray, np.ndarray]:
        """Return ``−∇·(w ∇K f) + β w K f`` and K f, in new arrays."""
        potential = self.filtered(deviation, self._symbol).copy()
        loss = growth * carrier * potential
        for derivative in self._derivatives:
            flux = carrier * self.filtered(potential, derivative)
            loss -= self.filtered(flux, derivative)
        return loss, potential

    @cached_property
    def _squares(self) -> tuple[np.ndarray, np.ndarray]:
        """Two buffers of the shape of the half-spectrum."""
        return np.empty(self._grid.spectral_shape), np.empty(self._grid.spectral_shape)

    @cached_property
    def _derivatives(self) -> list[np.ndarray]:
        """Symbols iξ_a of the derivatives along the axes; 0 at Nyquist modes."""
        grid = self._grid
        return [
            np.where(2 * abs(grid.along(axis, k)) < n, 1j * xi, 0.0)
            for axis, (k, n, xi) in enumerate(zip(grid.mode_numbers, grid.shape, grid.wavevector(), strict=True))
        ]

    def _multiplied(self, factors: np.ndarray) -> np.ndarray:
        """Multiply the modes of the buffered function and return its values, in a buffer."""
        self._transform.forward(self._deviation, self._spectrum)
        self._spectrum.modes[...] *= factors
        self._transform.backward(self._spectrum)
        self._spectrum.values[...] /= self._grid.size
        return self._spectrum.values

    def energy(self, density: np.ndarray, target: np.ndarray) -> float:
        """Return ½ |T| Σ_k K̂ |f̂_k|² with f = μ − ν."""
        modes, grid = self._deviation_modes(density, target), self._grid
        power, squared = self._squares
        np.square(modes.real, out=power)
        np.square(modes.imag, out=squared)
        power += squared
        power *= self._symbol
        power *= grid.mode_multiplicity()
        return float(0.5 * grid.volume / grid.size**2 * power.sum())

    def _deviation_modes(self, density: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return the unnormalised half-spectrum of μ − ν."""
        np.subtract(density, target, out=self._deviation)
        self._transform.forward(self._deviation, self._spectrum)
        return self._spectrum.modes

"""Fourier coefficients of densities and of particles on the same modes.

The coefficients are ``f̂_k = (1/|T|) ∫ f e^{−iξ_k·x} dx`` at all modes of a :class:`gridflow.Grid`, in the order of
``numpy.fft.fftn``. A density is taken to be the trigonometric polynomial with its cell averages. The Nyquist modes,
2 |k_a| = n_a, are left out, because a grid determines only one phase of them.
"""

import numpy as np

from gridflow.compute.nonuniform import NonuniformTransform
from gridflow.domains.torus import Grid
from gridflow.equation.kernels import Kernel
from gridflow.errors import InputError


def numbers(grid: Grid) -> tuple[np.ndarray, ...]:
    """Integer mode numbers k_a of all modes, as d broadcastable arrays."""
    return tuple(grid.along(axis, np.fft.fftfreq(n, 1 / n)) for axis, n in enumerate(grid.shape))


def wave_vectors(grid: Grid) -> tuple[np.ndarray, ...]:
    """Wave-vector components ξ_a = 2π k_a / L_a of all modes, as d broadcastable arrays (1 / length)."""
    return tuple(2 * np.pi * k / length for k, length in zip(numbers(grid), grid.lengths, strict=True))


def paired(grid: Grid) -> np.ndarray:
    """Mask of the modes whose mirror image −k is also on the grid: all but the Nyquist modes, 2 |k_a| = n_a."""
    held = np.ones(grid.shape, bool)
    for k, n in zip(numbers(grid), grid.shape, strict=True):
        held &= 2 * abs(k) < n
    return held


def whole_symbol(kernel: Kernel, grid: Grid) -> np.ndarray:
    """Symbol K̂ on the full spectrum, float64 of shape ``grid.shape``; 0 at Nyquist modes."""
    half = kernel.multiplier(grid)
    result = np.empty(grid.shape)
    kept = grid.spectral_shape[-1]
    result[..., :kept] = half
    if kept < grid.shape[-1]:
        mirrored = half[..., 1 : grid.shape[-1] - kept + 1]
        for axis, n in enumerate(grid.shape[:-1]):
            mirrored = np.take(mirrored, -np.arange(n) % n, axis=axis)
        result[..., kept:] = mirrored[..., ::-1]
    result[~paired(grid)] = 0.0
    return result


def of_density(grid: Grid, averages: np.ndarray, modes: Grid | None = None) -> np.ndarray:
    """Fourier coefficients of the trigonometric polynomial with the given cell averages.

    Parameters
    ----------
    grid
        The grid of the cell averages.
    averages
        Cell averages, shape ``grid.shape``.
    modes
        A grid on the same torus that defines the modes; those that ``grid`` lacks are 0. Default: ``grid``.

    Returns
    -------
    ndarray
        Complex of shape ``modes.shape``.
    """
    modes = modes or grid
    if not np.allclose(modes.lengths, grid.lengths, rtol=1e-12):
        raise InputError(f"modes on a torus of periods {modes.lengths} of a density on one of {grid.lengths}")
    found = np.fft.fftn(grid.check(averages, "the density")) / grid.size
    found[~paired(grid)] = 0.0
    for k, n in zip(numbers(grid), grid.shape, strict=True):
        found *= np.exp(-1j * np.pi * k / n) / np.sinc(k / n)
    if modes.shape == grid.shape:
        return found
    result = np.zeros(modes.shape, complex)
    common = [min(n, m) for n, m in zip(grid.shape, modes.shape, strict=True)]
    chosen = [np.arange(-((c - 1) // 2), (c - 1) // 2 + 1) for c in common]
    result[np.ix_(*chosen)] = found[np.ix_(*chosen)]
    return result


def to_density(grid: Grid, coefficients: np.ndarray) -> np.ndarray:
    """Cell averages of the trigonometric polynomial with given coefficients, shape ``grid.shape``; may be negative."""
    modes = np.where(paired(grid), coefficients, 0)
    for k, n in zip(numbers(grid), grid.shape, strict=True):
        modes = modes * np.exp(1j * np.pi * k / n) * np.sinc(k / n)
    return np.fft.ifftn(modes * grid.size).real


def of_particles(
    grid: Grid, positions: np.ndarray, weights: np.ndarray, accuracy: float = 1e-10, threads: int | None = None
) -> np.ndarray:
    """Fourier coefficients of ``Σ_j w_j δ_{x_j}`` at the modes of a grid, by a non-uniform FFT, without any binning.

    Parameters
    ----------
    grid
        The grid that defines the modes.
    positions, weights
        Shapes (N, d) and (N,).
    accuracy
        Relative L² error of the transform. Default: 1e−10.
    threads
        Number of threads. Default: all available cores.

    Returns
    -------
    ndarray
        Complex of shape ``grid.shape``.
    """
    transform = NonuniformTransform(grid.lengths, grid.shape, len(positions), accuracy, threads=threads)
    transform.place(positions)
    return transform.to_modes(weights) / grid.volume


def discrepancy(grid: Grid, symbol: np.ndarray, difference: np.ndarray) -> float:
    """KMD² = |T| Σ_k K̂_k |f̂_k|² of the coefficients f̂ of a difference."""
    return float(grid.volume * (symbol * (difference.real**2 + difference.imag**2)).sum())


def sampling_noise(grid: Grid, symbol: np.ndarray, coefficients: np.ndarray, count: float) -> float:
    """Expected KMD² between a density and N independent samples of it, each of mass M / N.

    ``(|T| / N) Σ_k K̂_k (M² / |T|² − |μ̂_k|²)``, the sum of the variances of the modes.

    Parameters
    ----------
    grid
        The grid that defines the modes.
    symbol, coefficients
        K̂_k and μ̂_k at the modes, shape ``grid.shape``.
    count
        Number of samples N.
    """
    mean = float(coefficients.real[(0,) * grid.dim])
    spread = mean**2 - (coefficients.real**2 + coefficients.imag**2)
    return float(grid.volume / count * (symbol * spread).sum())


def effective_count(weights: np.ndarray) -> float:
    """Number of equal weights with the same sampling noise as the given ones, (Σ w)² / Σ w² (Kish 1965)."""
    return float(weights.sum() ** 2 / np.square(weights).sum())

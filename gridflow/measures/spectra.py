"""Fourier coefficients of densities and of particles on the same modes.

``f̂_k = (1/|T|) ∫ f e^{−iξ_k·x} dx`` for the modes of a :class:`gridflow.Grid`, all of them, in the order of
``numpy.fft.fftn``. A density given by cell averages is the trigonometric polynomial that has these averages; modes with
2 |k| = n, of which a grid knows only one phase, are left out.
"""

import numpy as np

from gridflow.compute.nonuniform import NonuniformTransform
from gridflow.domains.torus import Grid
from gridflow.equation.kernels import Kernel
from gridflow.errors import InputError


def numbers(grid: Grid) -> tuple[np.ndarray, ...]:
    """Integer mode numbers k_a along each axis, d broadcastable arrays over all modes."""
    return tuple(grid.along(axis, np.fft.fftfreq(n, 1 / n)) for axis, n in enumerate(grid.shape))


def wave_vectors(grid: Grid) -> tuple[np.ndarray, ...]:
    """ξ_a = 2π k_a / L_a, d broadcastable arrays over all modes (1 / length)."""
    return tuple(2 * np.pi * k / length for k, length in zip(numbers(grid), grid.lengths, strict=True))


def paired(grid: Grid) -> np.ndarray:
    """Of every mode whether its mirror image is one too: all but those with 2 |k_a| = n_a; bool."""
    held = np.ones(grid.shape, bool)
    for k, n in zip(numbers(grid), grid.shape, strict=True):
        held &= 2 * abs(k) < n
    return held


def whole_symbol(kernel: Kernel, grid: Grid) -> np.ndarray:
    """K̂ at all modes, float64 of shape ``grid.shape``; 0 where a mode's mirror image is not one."""
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
    """Coefficients of the trigonometric polynomial with given cell averages, complex of the shape of ``modes``.

    Parameters
    ----------
    averages
        Shape ``grid.shape``.
    modes
        A grid on the same torus that says which modes; those that ``grid`` lacks are 0. Default: ``grid``.
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
    """Cell averages of the trigonometric polynomial with given coefficients, of shape ``grid.shape``; may be < 0."""
    modes = np.where(paired(grid), coefficients, 0)
    for k, n in zip(numbers(grid), grid.shape, strict=True):
        modes = modes * np.exp(1j * np.pi * k / n) * np.sinc(k / n)
    return np.fft.ifftn(modes * grid.size).real


def of_particles(
    grid: Grid, positions: np.ndarray, weights: np.ndarray, accuracy: float = 1e-10, threads: int | None = None
) -> np.ndarray:
    """Coefficients of ``Σ_j w_j δ_{x_j}`` for the modes of a grid, by a non-uniform FFT: nothing is binned.

    Parameters
    ----------
    positions, weights
        Shapes (N, d) and (N,).
    accuracy
        Error of the transform, relative in L².
    """
    transform = NonuniformTransform(grid.lengths, grid.shape, len(positions), accuracy, threads=threads)
    transform.place(positions)
    return transform.to_modes(weights) / grid.volume


def discrepancy(grid: Grid, symbol: np.ndarray, difference: np.ndarray) -> float:
    """KMD² = |T| Σ_k K̂_k |f̂_k|² of a difference given by its coefficients."""
    return float(grid.volume * (symbol * (difference.real**2 + difference.imag**2)).sum())


def sampling_noise(grid: Grid, symbol: np.ndarray, coefficients: np.ndarray, count: float) -> float:
    """Mean of KMD² between a density and N independent samples of it, each of mass M / N.

    ``(|T| / N) Σ_k K̂_k (M² / |T|² − |μ̂_k|²)``, the variance of each mode summed.

    Parameters
    ----------
    symbol, coefficients
        K̂_k and μ̂_k at the modes of ``grid``.
    count
        N.
    """
    mean = float(coefficients.real[(0,) * grid.dim])
    spread = mean**2 - (coefficients.real**2 + coefficients.imag**2)
    return float(grid.volume / count * (symbol * spread).sum())


def effective_count(weights: np.ndarray) -> float:
    """Number of equal weights whose sampling noise is that of given ones, (Σ w)² / Σ w² (Kish 1965)."""
    return float(weights.sum() ** 2 / np.square(weights).sum())

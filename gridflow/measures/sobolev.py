"""Homogeneous Sobolev norms, shell spectra and the regularity of a function on a grid.

Norms are ``‖f‖²_{Ḣ^r} = |T| Σ_{k≠0} |ξ_k|^{2r} |f̂_k|²`` for any real r; r = −s of f = μ − ν is the kernel mean
discrepancy of the Riesz kernel of order s. Modes are those of the numbers on the grid. Numbers that are cell averages
of a function have modes smaller than its own by ``∏_a sinc(k_a / n_a)``, up to (2/π)^d at the last ones: nothing to a
norm of a smooth function, a factor in the last shells of a rough one, which ``deconvolve=True`` takes out.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from gridflow.domains.base import Domain
from gridflow.errors import InputError


def norm(
    grid: Domain,
    f: np.ndarray,
    r: float,
    symbol: Literal["spectral", "mimetic"] = "spectral",
    deconvolve: bool = False,
) -> float:
    """‖f‖_{Ḣ^r} of the mean-free part of f.

    Parameters
    ----------
    f
        Shape ``grid.shape``.
    r
        Any real number.
    symbol
        What stands for |ξ|²: itself, or the symbol of the standard stencil.
    deconvolve
        Whether f are cell averages of the function whose norm is asked for.
    """
    weights = grid.laplacian_symbol(symbol)
    weights[(0,) * weights.ndim] = 1.0
    return float(np.sqrt((mode_power(grid, f, deconvolve) * weights**r).sum()))


def mode_power(grid: Domain, f: np.ndarray, deconvolve: bool = False) -> np.ndarray:
    """|T| |f̂_k|² of every mode but the mean's, which is 0, on the half-spectrum, twice where a mode stands for two.

    On the sphere Σ_m |f_ℓm|² of every degree. Its sum is ‖f − mean‖² in L².
    """
    return grid.mode_power(grid.check(f, "the function"), deconvolve)


@dataclass(frozen=True)
class Shells:
    """Power by wave number, in shells one fundamental wave number 2π / max L wide.

    Attributes
    ----------
    wavenumber
        Root mean square of |ξ| over the modes of each shell (1 / length).
    power
        Σ |T| |f̂_k|² over the shell; all shells together give ‖f − mean‖² in L².
    modes
        Number of modes of the full spectrum in each shell.
    """

    wavenumber: np.ndarray
    power: np.ndarray
    modes: np.ndarray


def shell_spectrum(grid: Domain, f: np.ndarray, deconvolve: bool = False) -> Shells:
    """The power of a function by wave number; shells without a mode are left out. A shell of the sphere is a degree."""
    power = mode_power(grid, f, deconvolve)
    squared = grid.laplacian_symbol("spectral")
    shell = grid.shell_numbers().ravel()
    twice = np.broadcast_to(grid.mode_multiplicity(), grid.spectral_shape).ravel()
    modes = np.bincount(shell, twice)
    total, weighted = (
        np.bincount(shell, power.ravel()),
        np.bincount(shell, (squared * twice.reshape(squared.shape)).ravel()),
    )
    held = np.flatnonzero(modes > 0)
    held = held[held > 0]
    return Shells(np.sqrt(weighted[held] / modes[held]), total[held], modes[held])


NEXT_TO_NOTHING = 1e-16
"""Share of the power: what quadrature leaves in the fine modes of a smooth function's cell averages."""
LEAST_POWER = 1e-24
"""Ratio of the powers of modes across the shells that no power law is told from a faster decay by."""


@dataclass(frozen=True)
class Regularity:
    """How fast the modes of a function fall: |f̂_k| ~ |k|^{−r−d/2} puts it at the border of H^r.

    Attributes
    ----------
    r
        Fitted order; infinite for a function whose modes fall faster than any power that the grid could show.
    error
        Its standard error, from the scatter of the shells about the line.
    """

    r: float
    error: float


def regularity(grid: Domain, f: np.ndarray, seen: np.ndarray | None = None) -> Regularity:
    """Estimate r from the cell averages of a function.

    The line is fitted to the logarithm of the mean power of a mode, from the third shell to two thirds of the last wave
    number that every axis has. A function is smooth if modes fall to round-off before, or twice as fast in the upper
    half of the shells as in the lower, or to next to nothing in the lower half already. What is rough beneath something
    smooth, so that modes fall twice as fast in the lower half, is fitted in the upper half alone.

    Parameters
    ----------
    seen
        Of every whole wave number on a circle, or degree on a sphere, whether it counts: those to which a kernel is
        not 0. Default: all.

    Raises
    ------
    InputError
        If the function is constant, or the grid has fewer than eight shells to fit.
    """
    shells = shell_spectrum(grid, f, deconvolve=True)
    first, last = grid.first_wavenumber, 2 / 3 * grid.nyquist
    used = (shells.wavenumber > 2.5 * first) & (shells.wavenumber <= last)
    if seen is not None:
        used &= seen[1 : used.size + 1]
    if used.sum() < 8:
        raise InputError(
            f"a grid of shape {grid.shape} has too few shells of modes to fit a regularity to; 8 are needed"
        )
    total = shells.power.sum()
    if not total > 0:
        raise InputError("the function is constant: it has no modes to fit a regularity to")
    amplitude = shells.power[used] / shells.modes[used]
    wavenumber, weight = np.log(shells.wavenumber[used]), np.sqrt(shells.modes[used])
    round_off = 1e-28 * (np.abs(f).max() ** 2 * grid.volume) / grid.size
    if (amplitude <= round_off).any():
        return Regularity(np.inf, 0.0)
    half = wavenumber.size // 2
    slopes = [
        np.polyfit(wavenumber[part], np.log(amplitude[part]), 1, w=weight[part])[0]
        for part in (slice(None, half), slice(half, None))
    ]
    if slopes[1] < 2 * min(slopes[0], -grid.dim):
        return Regularity(np.inf, 0.0)
    if slopes[0] < 2 * min(slopes[1], -grid.dim):
        if shells.power[used][half:].sum() < NEXT_TO_NOTHING * total:
            return Regularity(np.inf, 0.0)
        wavenumber, amplitude, weight = wavenumber[half:], amplitude[half:], weight[half:]
    (slope, _), covariance = np.polyfit(wavenumber, np.log(amplitude), 1, w=weight, cov=True)
    if slope * (wavenumber[-1] - wavenumber[0]) < np.log(LEAST_POWER):
        return Regularity(np.inf, 0.0)
    return Regularity(-(slope + grid.dim) / 2, float(np.sqrt(covariance[0, 0])) / 2)

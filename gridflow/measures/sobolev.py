"""Homogeneous Sobolev norms, shell spectra and the regularity of a function on a grid.

The norms are ``‖f‖²_{Ḣ^r} = |T| Σ_{k≠0} |ξ_k|^{2r} |f̂_k|²`` for any real r. With r = −s and f = μ − ν this is the
kernel mean discrepancy of the Riesz kernel of order s. The coefficients are those of the grid values. If these are cell
averages, a mode is smaller than that of the underlying function by ``∏_a sinc(k_a / n_a)``, down to (2/π)^d at the
highest modes. This does not matter for the norm of a smooth function, but it does for the last shells of a rough one;
``deconvolve=True`` removes the factor.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gridflow.arguments import takes_numbers
from gridflow.domains.base import Domain
from gridflow.equation.kernels import Kernel
from gridflow.errors import InputError


@takes_numbers
def norm(
    grid: Domain,
    f: np.ndarray,
    r: float,
    symbol: Literal["spectral", "mimetic"] = "spectral",
    deconvolve: bool = False,
) -> float:
    """Homogeneous Sobolev norm ‖f‖_{Ḣ^r} of the mean-free part of f.

    Parameters
    ----------
    grid
        The domain.
    f
        Values of f, shape ``grid.shape``.
    r
        Order, any real number.
    symbol
        Symbol used for |ξ|²: ``spectral`` (default), |ξ|² itself, or ``mimetic``, that of the standard stencil.
    deconvolve
        Whether f holds cell averages of the function whose norm is wanted. Default: False.

    Raises
    ------
    InputError
        If f has the wrong shape or is not finite, or the domain lacks the symbol.
    """
    weights = grid.laplacian_symbol(symbol)
    weights[(0,) * weights.ndim] = 1.0
    return float(np.sqrt((mode_power(grid, f, deconvolve) * weights**r).sum()))


def mode_power(grid: Domain, f: np.ndarray, deconvolve: bool = False) -> np.ndarray:
    """Contribution of every mode to ‖f − mean‖² in L².

    On the torus this is |T| |f̂_k|² on the half-spectrum, doubled where a stored mode represents two. On the sphere it
    is Σ_m |f_ℓm|² of every degree.

    Parameters
    ----------
    grid
        The domain.
    f
        Values of f, shape ``grid.shape``.
    deconvolve
        Whether f holds cell averages, whose modes are divided by the sinc factor of the averaging. Default: False.

    Returns
    -------
    ndarray
        Float64 of shape ``grid.spectral_shape``; 0 for the constant mode.

    Raises
    ------
    InputError
        If f has the wrong shape or is not finite.
    """
    return grid.mode_power(grid.check(f, "the function"), deconvolve)


@dataclass(frozen=True)
class Shells:
    """Power by wave number, in shells of width 2π / max L, the fundamental wave number.

    Attributes
    ----------
    wavenumber
        Root mean square of |ξ| over the modes of each shell (1 / length).
    power
        Σ |T| |f̂_k|² over each shell; the sum over all shells is ‖f − mean‖² in L².
    modes
        Number of full-spectrum modes in each shell.
    """

    wavenumber: np.ndarray
    power: np.ndarray
    modes: np.ndarray


def shell_spectrum(grid: Domain, f: np.ndarray, deconvolve: bool = False) -> Shells:
    """Power of a function by wave number; empty shells are omitted. On the sphere a shell is a degree.

    Parameters
    ----------
    grid, f, deconvolve
        As for :func:`mode_power`.

    Raises
    ------
    InputError
        If f has the wrong shape or is not finite.
    """
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


DIP = 0.03
"""Share of the power of both neighbours below which the power of a shell is a dip, as of a wave that vanishes there."""
FEWEST_SHELLS, RATIO = 4, 1.3
"""Smallest number of shells in a group, and ratio of its ends, if the power oscillates from shell to shell."""
FEWEST_GROUPS = 5
"""Number of groups below which every shell counts on its own."""
NEXT_TO_NOTHING = 1e-16
"""Negligible share of the power: what quadrature errors leave in the fine modes of smooth cell averages."""
LEAST_POWER = 1e-24
"""Smallest ratio of power per mode, from the last fitted shell to the first, that still counts as a power law."""


@dataclass(frozen=True)
class Regularity:
    """Regularity of a function: |f̂_k| ~ |k|^{−r−d/2} puts it on the borderline of H^r.

    Attributes
    ----------
    r
        Fitted order; infinite if the modes decay faster than any power law the grid could resolve.
    error
        Standard error of r, from the scatter of the shells about the fit.
    """

    r: float
    error: float


def regularity(grid: Domain, f: np.ndarray, seen: np.ndarray | None = None) -> Regularity:
    """Estimate the regularity r of a function from its cell averages.

    A straight line is fitted to the logarithm of the mean power per mode, from the third shell to two thirds of the
    Nyquist wave number of the widest cells. The function counts as smooth if its modes reach
    round-off before that, or decay twice as fast in the upper half of the shells as in the lower. If they decay twice
    as fast in the lower half, the function is smooth if the power in the upper half is negligible. Otherwise a rough
    part lies beneath a smooth one, and only the upper half is fitted.

    Parameters
    ----------
    grid
        The domain.
    f
        Cell averages, shape ``grid.shape``.
    seen
        Mask of the whole wave numbers on a circle, or of the degrees on a sphere, at which the kernel does not vanish;
        the others are ignored. Default: all.

    Returns
    -------
    Regularity
        The order r and its standard error.

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
    wavenumber, amplitude, weight = _grouped(shells.wavenumber[used], shells.power[used], shells.modes[used])
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
        if (amplitude * weight**2)[half:].sum() < NEXT_TO_NOTHING * total:
            return Regularity(np.inf, 0.0)
        wavenumber, amplitude, weight = wavenumber[half:], amplitude[half:], weight[half:]
    (slope, _), covariance = np.polyfit(wavenumber, np.log(amplitude), 1, w=weight, cov=True)
    if slope * (wavenumber[-1] - wavenumber[0]) < np.log(LEAST_POWER):
        return Regularity(np.inf, 0.0)
    return Regularity(-(float(slope) + grid.dim) / 2, float(np.sqrt(covariance[0, 0])) / 2)


def _grouped(wavenumber: np.ndarray, power: np.ndarray, modes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Power per mode of the shells or, where it oscillates, over groups of neighbouring ones.

    The modes of a hole oscillate and may vanish in some shells, which says nothing about its regularity.

    Returns
    -------
    logarithms, amplitudes, weights
        Logarithm of the wave number, power per mode, and root of the number of modes of each, shapes (groups,).
    """
    group = np.arange(wavenumber.size)
    amplitude = power / modes
    if (amplitude[1:-1] < DIP * np.minimum(amplitude[:-2], amplitude[2:])).any():
        groups, first = np.zeros(wavenumber.size, int), 0
        for number in range(1, wavenumber.size):
            full = number - first >= FEWEST_SHELLS and wavenumber[number] > RATIO * wavenumber[first]
            first = number if full else first
            groups[number] = groups[number - 1] + full
        group = groups if groups[-1] + 1 >= FEWEST_GROUPS else group
    total = np.bincount(group, modes)
    middle = np.bincount(group, np.log(wavenumber) * modes) / total
    return middle, np.bincount(group, power) / total, np.sqrt(total)


@dataclass(frozen=True)
class SobolevKernel(Kernel):
    """The kernel with symbol λ^r, whose energy is ½ ‖μ − ν‖² in the homogeneous Sobolev space of order r.

    Parameters
    ----------
    r
        Order of the norm.
    symbol
        Symbol λ of −Δ: ``spectral`` or ``mimetic``.
    """

    r: float
    symbol: Any

    def multiplier(self, grid: Domain) -> np.ndarray:
        """λ^r, and 0 for the mean; shape ``grid.spectral_shape``."""
        squared = grid.laplacian_symbol(self.symbol)
        squared.flat[0] = 1.0
        result = squared**self.r
        result.flat[0] = 0.0
        return np.asarray(result)

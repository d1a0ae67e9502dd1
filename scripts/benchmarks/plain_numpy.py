"""What a user would write with numpy and scipy: MUSCL finite volumes for ∂_t μ = ∇·(μ∇V), −ΔV = μ − 1, by array rolls.

On the unit square or cube, second order in space and time, positive and mass-conserving. The other scripts of this
folder share the formulas where they can: ``xp`` is the array module.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from scipy import fft

WORKERS = 2
CFL = 0.4
LONGEST_STEP = 0.1


@cache
def inverse_laplacian(shape: tuple[int, ...]) -> np.ndarray:
    """1 / λ on the half-spectrum, λ the symbol of the (2d + 1)-point −Δ; 0 for the mean."""
    frequencies = [*(fft.fftfreq(n) for n in shape[:-1]), fft.rfftfreq(shape[-1])]
    waves = np.meshgrid(*frequencies, indexing="ij", sparse=True)
    symbol = sum((2 * n * np.sin(np.pi * k)) ** 2 for n, k in zip(shape, waves, strict=True))
    symbol[(0,) * len(shape)] = np.inf
    return 1 / symbol


def potential(mu: np.ndarray) -> np.ndarray:
    """V at cell centres."""
    modes = fft.rfftn(mu - 1, workers=WORKERS)
    modes *= inverse_laplacian(mu.shape)
    return fft.irfftn(modes, mu.shape, workers=WORKERS, overwrite_x=True)


def half_slope(behind: Any, ahead: Any, xp: Any = np) -> Any:
    """Half of van Leer's limited slope, ab / (a + b) where the differences a and b agree in sign."""
    product = behind * ahead
    monotone = product > 0
    return xp.where(monotone, product / xp.where(monotone, behind + ahead, 1), 0)


def tendency(mu: Any, v: Any, xp: Any = np) -> Any:
    """∂_t μ for the potential v."""
    total = xp.zeros_like(mu)
    for axis, n in enumerate(mu.shape):
        u = (v - xp.roll(v, -1, axis)) * n
        behind = mu - xp.roll(mu, 1, axis)
        half = half_slope(behind, xp.roll(behind, -1, axis), xp)
        flux = u * xp.where(u > 0, mu + half, xp.roll(mu - half, -1, axis))
        total += (xp.roll(flux, 1, axis) - flux) * n
    return total


def largest_rate(v: Any, xp: Any = np) -> Any:
    """Largest Σ_a |u_a| / h_a over the cells, for the potential v."""
    return sum(abs(v - xp.roll(v, -1, axis)) * n**2 for axis, n in enumerate(v.shape)).max()


def step_for(rate: Any, xp: Any = np) -> Any:
    """Longest step for the largest rate at which the flow crosses cells."""
    return CFL / xp.maximum(rate, CFL / LONGEST_STEP)


def stable_dt(v: np.ndarray) -> float:
    """Longest step for the velocity of the potential v."""
    return float(step_for(largest_rate(v)))


def rhs(mu: np.ndarray) -> np.ndarray:
    """∂_t μ."""
    return tendency(mu, potential(mu))


def blend(out: np.ndarray, a: float, old: np.ndarray, b: float, mu: np.ndarray, c: float, v: np.ndarray) -> None:
    """``out = a old + b μ + c ∂_t μ``, the one operation of a Runge–Kutta stage."""
    out[...] = a * old + b * mu + c * tendency(mu, v)


def integrate(
    mu: np.ndarray,
    t_end: float,
    potential: Callable[[np.ndarray], np.ndarray],
    blend: Callable[..., None],
    stable_dt: Callable[[np.ndarray], float],
) -> np.ndarray:
    """SSP Runge–Kutta of second order from time 0 to ``t_end``."""
    mu, first = mu.copy(), np.empty_like(mu)
    time = 0.0
    while time < t_end:
        v = potential(mu)
        dt = min(stable_dt(v), t_end - time)
        blend(first, 0.0, mu, 1.0, mu, dt, v)
        blend(mu, 0.5, mu, 0.5, first, 0.5 * dt, potential(first))
        time += dt
    return mu


def run(mu: np.ndarray, t_end: float) -> np.ndarray:
    """μ at ``t_end``."""
    return integrate(mu, t_end, potential, blend, stable_dt)

"""How fast a measured energy falls: local exponents, fits with their uncertainty, and where a fit means something."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gridflow.compute.fft import SerialTransform
from gridflow.domains.torus import Grid
from gridflow.equation.flow import Equation, Flow
from gridflow.errors import InputError
from gridflow.theory.laws import Window

PARTS = 4
"""Into how many parts of equal length a window is cut to see how much a fitted slope varies."""


@dataclass(frozen=True)
class Fit:
    """A fitted law of decay.

    Attributes
    ----------
    exponent
        p of ``E ~ t^{−p}``, or the rate λ of ``E ~ e^{−λt}`` (1 / time).
    error
        Its standard error, from the slopes in parts of the window: residuals of a smooth curve are not independent,
        so their scatter about one line would make it far too small.
    amplitude
        E of the law at t = 1 (power), or at t = 0 (exponential).
    window
        Where it was fitted.
    """

    exponent: float
    error: float
    amplitude: float
    window: Window


def local_exponents(times: np.ndarray, energies: np.ndarray, width: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """−d log E / d log t along a curve.

    Parameters
    ----------
    times, energies
        One each per row; rows that are not positive are left out.
    width
        Width of the span of log t, in e-foldings of t, over which each slope is fitted.

    Returns
    -------
    tuple of ndarray
        Times, and the exponent at each; times with fewer than three rows in their span are left out.
    """
    log_time, log_energy = _logarithms(times, energies)
    places, slopes = [], []
    for center in log_time:
        near = abs(log_time - center) <= width / 2
        if near.sum() >= 3:
            places.append(center)
            slopes.append(-float(np.polyfit(log_time[near] - center, log_energy[near], 1)[0]))
    return np.exp(np.array(places)), np.array(slopes)


def fit_power(times: np.ndarray, energies: np.ndarray, window: Window) -> Fit:
    """Fit ``E = A t^{−p}`` in a window by least squares of the logarithms, evenly in log t.

    Raises
    ------
    InputError
        If the window holds fewer than eight rows.
    """
    log_time, log_energy = _logarithms(times, energies)
    return _fit(log_time, log_energy, math.log(window.start), math.log(window.end), window)


def fit_exponential(times: np.ndarray, energies: np.ndarray, window: Window) -> Fit:
    """Fit ``E = A e^{−λt}`` in a window by least squares of log E, evenly in t; InputError as :func:`fit_power`."""
    held = np.asarray(energies) > 0
    return _fit(np.asarray(times)[held], np.log(np.asarray(energies)[held]), window.start, window.end, window)


def _logarithms(times: np.ndarray, energies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    times, energies = np.asarray(times, dtype=float), np.asarray(energies, dtype=float)
    if times.shape != energies.shape:
        raise InputError(f"{times.size} times and {energies.size} energies do not match")
    held = (times > 0) & (energies > 0)
    return np.log(times[held]), np.log(energies[held])


def _fit(x: np.ndarray, y: np.ndarray, low: float, high: float, window: Window) -> Fit:
    inside = (x >= low) & (x <= high)
    if inside.sum() < 8:
        raise InputError(
            f"the window from t = {window.start:.4g} to {window.end:.4g} holds {int(inside.sum())} rows and a fit "
            "needs 8: record rows more often (output.series_every), or run on"
        )
    # rows may lie anyhow: an even sample of the curve gives every part of it the same weight
    even = np.linspace(x[inside][0], x[inside][-1], 256)
    curve = np.interp(even, x, y)
    slope, height = np.polyfit(even, curve, 1)
    parts = [np.polyfit(a, b, 1)[0] for a, b in zip(np.split(even, PARTS), np.split(curve, PARTS), strict=True)]
    error = float(np.std(parts, ddof=1)) / math.sqrt(PARTS)
    return Fit(-float(slope), error, math.exp(height), window)


def round_off_energy(flow: Equation[Any], largest: float, dtype: str = "float64") -> float:
    """The energy of what rounding does to a density: white noise of 16 roundings of its largest value.

    ``½ |T| (16 ε max μ)² Σ_k K̂ / N``: some roundings for every operation of a step, alike in every mode.

    Parameters
    ----------
    flow
        The equation.
    largest
        max μ.
    dtype
        The solver's precision.
    """
    noise = 16 * float(np.finfo(dtype).eps) * largest
    total = float((flow.symbol * flow.grid.mode_multiplicity()).sum())
    return 0.5 * flow.grid.volume * noise**2 * total / flow.grid.size


def seen_window(times: np.ndarray, energies: np.ndarray, floor: float) -> Window:
    """The part of a measured curve after its start and above its round-off.

    Parameters
    ----------
    times, energies
        The curve, shapes (rows,).
    floor
        Energy of round-off, see :func:`round_off_energy`; the window ends where the energy is ten thousand times as
        much (the KMD a hundred times), so that it moves a slope by less than a hundredth.
    """
    times, energies = np.asarray(times, dtype=float), np.asarray(energies, dtype=float)
    moving = times > 0
    if not moving.any():
        raise InputError("a curve needs rows after time 0")
    sunk = np.flatnonzero(moving & (energies < 1e4 * floor))
    if sunk.size:
        return Window(float(times[moving][0]), float(times[max(sunk[0] - 1, 0)]), "the run's first row", "round-off")
    return Window(float(times[moving][0]), float(times[-1]), "the run's first row", "the run's end")


def numerical_share(flow: Flow, density: np.ndarray, dissipation: float) -> float:
    """The share of a scheme's −dE/dt that is not the flow's, ``(measured − exact) / measured``.

    It is the scheme's own diffusion (positive) or the error of its transport (of either sign).

    Parameters
    ----------
    flow
        The equation.
    density
        Cell averages at the time.
    dissipation
        −dE/dt of the scheme there, as in the series.
    """
    return (dissipation - exact_dissipation(flow, density)) / dissipation if dissipation else 0.0


def exact_dissipation(flow: Flow, density: np.ndarray) -> float:
    """−dE/dt of the flow at the band-limited function with given cell averages, E being the energy of its averages.

    ``∫ μ ∇V·∇W dx + β ∫ μ V W dx``, where W is V averaged over a cell twice: once since E sees averages of μ, once
    since their change is an average. On a grid with twice as many points along every axis the sum of a product of three
    such functions has no aliases, so the integral is exact.
    """
    grid = flow.grid
    density = grid.check(density, "the density")
    transform = SerialTransform(grid)
    values, spectrum = transform.field(), transform.spectrum()
    average, signed = np.ones(grid.spectral_shape, complex), np.ones(grid.spectral_shape, bool)
    for axis, (k, n) in enumerate(zip(grid.mode_numbers, grid.shape, strict=True)):
        average *= grid.along(axis, np.sinc(k / n) * np.exp(1j * np.pi * k / n))  # of points at cell corners
        signed &= grid.along(axis, 2 * abs(k) < n)  # a Nyquist mode has no derivative

    def modes(field: np.ndarray) -> np.ndarray:
        values[...] = field
        transform.forward(values, spectrum)
        return np.where(signed, spectrum.modes / grid.size / average, 0.0)

    fine = grid.with_cells(tuple(2 * n for n in grid.shape))
    mu, v = _refined(grid, fine, modes(density)), modes(density - flow.target) * flow.symbol
    w = v * abs(average) ** 2
    total = 0.0
    if flow.growth:
        total += flow.growth * float((mu * _refined(grid, fine, v) * _refined(grid, fine, w)).sum())
    for xi in grid.wavevector():
        total += float((mu * _refined(grid, fine, 1j * xi * v) * _refined(grid, fine, 1j * xi * w)).sum())
    return total * fine.cell_volume


def _refined(grid: Grid, fine: Grid, modes: np.ndarray) -> np.ndarray:
    """Values at the points of a finer grid of the function with these modes."""
    transform = SerialTransform(fine)
    spectrum = transform.spectrum()
    where = [np.rint(k).astype(int) % m for k, m in zip(grid.mode_numbers, fine.shape, strict=True)]
    spectrum.modes[np.ix_(*where)] = modes
    transform.backward(spectrum)
    return spectrum.values

"""Decay of a measured energy: local exponents, fits with uncertainties, and the window in which a fit is meaningful."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gridflow.arguments import takes_numbers
from gridflow.compute.fft import SerialTransform
from gridflow.domains.torus import Grid
from gridflow.equation.contract import round_off
from gridflow.equation.flow import Equation, Flow
from gridflow.errors import InputError
from gridflow.theory.laws import Window

PARTS = 4
"""Number of equal parts of a window whose separate slopes give the uncertainty of a fit."""


@dataclass(frozen=True)
class Fit:
    """A fitted decay law.

    Attributes
    ----------
    exponent
        p in ``E ~ t^{−p}``, or the rate λ in ``E ~ e^{−λt}`` (1 / time).
    error
        Standard error of the exponent, from the slopes in parts of the window. The residuals of a smooth curve are not
        independent, so an error estimated from their scatter about one line would be far too small.
    amplitude
        E of the fitted law at t = 1 (power) or at t = 0 (exponential).
    window
        Window of the fit.
    """

    exponent: float
    error: float
    amplitude: float
    window: Window


@takes_numbers
def local_exponents(times: np.ndarray, energies: np.ndarray, width: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Local exponents −d log E / d log t along a curve.

    Parameters
    ----------
    times, energies
        Times and energies, shapes (rows,). Rows in which either is not positive are ignored.
    width
        Width, in log t, of the interval over which each slope is fitted.

    Returns
    -------
    times : ndarray
        The times whose interval contains at least three rows.
    exponents : ndarray
        The local exponent at each of them, same shape.

    Raises
    ------
    InputError
        If the shapes differ.
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
    """Fit ``E = A t^{−p}`` in a window, by least squares of log E with equal weight per unit of log t.

    Parameters
    ----------
    times, energies
        Times and energies, shapes (rows,). Rows in which either is not positive are ignored.
    window
        Window of the fit.

    Returns
    -------
    Fit
        The exponent p with its error, and the amplitude A.

    Raises
    ------
    InputError
        If the shapes differ, or the window contains fewer than eight rows.
    """
    log_time, log_energy = _logarithms(times, energies)
    return _fit(log_time, log_energy, math.log(window.start), math.log(window.end), window)


def fit_exponential(times: np.ndarray, energies: np.ndarray, window: Window) -> Fit:
    """Fit ``E = A e^{−λt}`` in a window, by least squares of log E with equal weight per unit of t.

    Parameters
    ----------
    times, energies
        Times and energies, shapes (rows,). Rows whose energy is not positive are ignored.
    window
        Window of the fit.

    Returns
    -------
    Fit
        The rate λ (1 / time) with its error, and the amplitude A.

    Raises
    ------
    InputError
        If the window contains fewer than eight rows.
    """
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
    # rows may be spaced unevenly: resample the curve so that every part has the same weight
    even = np.linspace(x[inside][0], x[inside][-1], 256)
    curve = np.interp(even, x, y)
    slope, height = np.polyfit(even, curve, 1)
    parts = [np.polyfit(a, b, 1)[0] for a, b in zip(np.split(even, PARTS), np.split(curve, PARTS), strict=True)]
    error = float(np.std(parts, ddof=1)) / math.sqrt(PARTS)
    return Fit(-float(slope), error, math.exp(height), window)


@takes_numbers
def round_off_energy(flow: Equation[Any], largest: float, dtype: str = "float64") -> float:
    """Estimate the energy of round-off in a density.

    The round-off is modelled as white noise, 16 roundings of max μ; see :func:`gridflow.equation.contract.round_off`.
    Its energy is ``½ |T| (16 ε max μ)² Σ_k K̂ / N`` on N cells.

    Parameters
    ----------
    flow
        The equation.
    largest
        max μ (mass / volume).
    dtype
        The solver's precision.

    Returns
    -------
    float
        The energy, in the units of :meth:`gridflow.Flow.energy`.
    """
    noise = round_off(dtype) * largest
    total = float((flow.symbol * flow.grid.mode_multiplicity()).sum())
    return 0.5 * flow.grid.volume * noise**2 * total / flow.grid.size


@takes_numbers
def seen_window(times: np.ndarray, energies: np.ndarray, floor: float) -> Window:
    """Return the part of a measured curve that is after time 0 and above round-off.

    Parameters
    ----------
    times, energies
        Times and energies, shapes (rows,).
    floor
        Energy of round-off; see :func:`round_off_energy`. The window ends where the energy falls below 10⁴ times this
        value (the KMD below a hundred times its own), so that round-off changes a slope by less than one per cent.

    Raises
    ------
    InputError
        If there is no row after time 0.
    """
    times, energies = np.asarray(times, dtype=float), np.asarray(energies, dtype=float)
    moving = times > 0
    if not moving.any():
        raise InputError("a curve needs rows after time 0")
    sunk = np.flatnonzero(moving & (energies < 1e4 * floor))
    if sunk.size:
        return Window(float(times[moving][0]), float(times[max(sunk[0] - 1, 0)]), "the run's first row", "round-off")
    return Window(float(times[moving][0]), float(times[-1]), "the run's first row", "the run's end")


@takes_numbers
def numerical_share(flow: Flow, density: np.ndarray, dissipation: float) -> float:
    """Fraction of a scheme's dissipation −dE/dt that is numerical, ``(measured − exact) / measured``.

    Numerical diffusion contributes a positive share; errors of the transport contribute with either sign.

    Parameters
    ----------
    flow
        The equation.
    density
        Cell averages, shape ``grid.shape`` (mass / volume).
    dissipation
        −dE/dt of the scheme at this density (energy / time), as in the series. If it is 0, so is the result.

    Returns
    -------
    float
        The fraction, at most 1; negative where the scheme dissipates less than the flow.

    Raises
    ------
    InputError
        If the shape of the density is wrong.
    """
    return (dissipation - exact_dissipation(flow, density)) / dissipation if dissipation else 0.0


def exact_dissipation(flow: Flow, density: np.ndarray) -> float:
    """Dissipation −dE/dt of the flow at the band-limited function with given cell averages.

    E is the energy of the cell averages. The result is ``∫ μ ∇V·∇W dx + β ∫ μ V W dx``, where W is V averaged over a
    cell twice: once because E depends on cell averages of μ, and once because their change is itself a cell average. On
    a grid with twice as many points along every axis, products of three band-limited functions are summed without
    aliasing errors, so the integral is exact.

    Parameters
    ----------
    flow
        The equation.
    density
        Cell averages, shape ``grid.shape`` (mass / volume).

    Raises
    ------
    InputError
        If the shape of the density is wrong.
    """
    grid = flow.grid
    density = grid.check(density, "the density")
    transform = SerialTransform(grid)
    values, spectrum = transform.field(), transform.spectrum()
    average, signed = np.ones(grid.spectral_shape, complex), np.ones(grid.spectral_shape, bool)
    for axis, (k, n) in enumerate(zip(grid.mode_numbers, grid.shape, strict=True)):
        average *= grid.along(axis, np.sinc(k / n) * np.exp(1j * np.pi * k / n))  # from values at cell corners
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
    """Values of the function with these modes at the points of a finer grid."""
    transform = SerialTransform(fine)
    spectrum = transform.spectrum()
    where = [np.rint(k).astype(int) % m for k, m in zip(grid.mode_numbers, fine.shape, strict=True)]
    spectrum.modes[np.ix_(*where)] = modes
    transform.backward(spectrum)
    return spectrum.values

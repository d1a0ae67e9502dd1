"""Compiled passes of exponential Runge–Kutta steps over half-spectra.

A stage is the state plus an increment, ``dt (c φ_1(c z) R_1 + Σ_m Σ_l w_ml φ_l(c z) D_m)`` for each mode. Here
``z = −a ω dt`` is the linear part, R the tendency, and ``D_m = R_m − R_1 + a ω · increment_m`` the change of the
remainder (tendency minus linear part) since the start of the step. Half-spectra are arrays (planes, rows, numbers) of
alternating real and imaginary parts.
"""

import math
from functools import lru_cache
from typing import Any

import numpy as np

from solvers.loops.compilation import entry, line_function, piece
from solvers.loops.spectra import full_sum
from solvers.loops.totals import row_product

_TAYLOR = tuple(1 / math.factorial(j) for j in range(3, 20))
"""Taylor coefficients of φ_3; the next one is 1/20!."""


@piece
def phi(z):
    """Return φ_1, φ_2, φ_3 of z ≤ 0, ``φ_l(z) = (φ_{l−1}(z) − 1/(l−1)!) / z`` with φ_0 = exp, each to a few roundings.

    For |z| < 1 the recurrence suffers from cancellation. There it is used backwards, starting from the series of φ_3.
    """
    if z < -1.0:
        first = np.expm1(z) / z
        second = (first - 1.0) / z
        return first, second, (second - 0.5) / z
    third = 0.0
    for j in range(len(_TAYLOR) - 1, -1, -1):
        third = third * z + _TAYLOR[j]
    second = z * third + 0.5
    return z * second + 1.0, second, third


@piece
def doubled(z, first, second, third):
    """Return φ_l(2z) = (Σ_j φ_j(z) / (l − j)! + e^z φ_l(z)) / 2^l for l = 1, 2, 3 and z ≤ 0, without cancellation."""
    decay = 1.0 + z * first
    return (
        0.5 * (decay * first + first),
        0.25 * (decay * second + first + second),
        0.125 * (decay * third + 0.5 * first + second + third),
    )


@piece
def _combine(count, whole, weights, table, rates, half, changes, k):
    """Return φ_1, φ_2, φ_3 of a mode, and real and imaginary part of Σ_m Σ_l w_ml φ_l D_m, ``count`` differences."""
    first, second, third = table[0, k], table[1, k], table[2, k]
    if whole:
        first, second, third = doubled(half * rates[k], first, second, third)
    re, im = 0.0, 0.0
    if count > 0:
        weight = weights[0][0] * first + weights[0][1] * second + weights[0][2] * third
        re, im = weight * changes[0][2 * k], weight * changes[0][2 * k + 1]
    if count > 1:
        weight = weights[1][0] * first + weights[1][1] * second + weights[1][2] * third
        re, im = re + weight * changes[1][2 * k], im + weight * changes[1][2 * k + 1]
    if count > 2:
        weight = weights[2][0] * first + weights[2][1] * second + weights[2][2] * third
        re, im = re + weight * changes[2][2 * k], im + weight * changes[2][2 * k + 1]
    return first, second, third, re, im


@line_function
def _add_row(old, change, scale, new):
    """Write a line plus a scaled line; return how many of the sums are not ≥ 0."""
    bad = 0
    for k in range(old.size):
        value = old[k] + scale * change[k]
        new[k] = value
        bad += 0 if value >= 0 else 1
    return bad


@lru_cache
def tabulate() -> Any:
    """Return the compiled pass that fills a table with φ_l(half · rate), for planes ``lo`` to ``hi``.

    The compiled function has the further arguments

    rate
        ω, shape (planes, rows, modes).
    half
        −a dt / 2.
    table
        Output, shape (planes, rows, 3, modes).
    """

    @entry
    def run(lo, hi, rate, half, table):
        for i in range(lo, hi):
            for j in range(rate.shape[1]):
                for k in range(rate.shape[2]):
                    first, second, third = phi(half * rate[i, j, k])
                    table[i, j, 0, k], table[i, j, 1, k], table[i, j, 2, k] = first, second, third

    return run


@lru_cache
def stage(count: int, whole: bool) -> Any:
    """Return the compiled pass that computes the increment of a stage, for planes ``lo`` to ``hi``.

    It is specialised by the number of earlier differences, and by the node: c = 1 if ``whole``, else ½. The compiled
    function has the further arguments

    rate, half, table, dt
        ω, −a dt / 2, the table of :func:`tabulate`, and the step.
    weights
        Three weights for each of three differences.
    tendency, differences
        Half-spectra of R_1 and of three differences D.
    increment, kept
        Output: half-spectra of the increment, and of a ω times the increment.
    """

    @entry
    def run(lo, hi, rate, half, table, dt, weights, tendency, differences, increment, kept):
        scale, linear = dt if whole else 0.5 * dt, -2.0 * half / dt
        for i in range(lo, hi):
            for j in range(rate.shape[1]):
                rates, row, out, keep = rate[i, j], tendency[i, j], increment[i, j], kept[i, j]
                changes = (differences[0][i, j], differences[1][i, j], differences[2][i, j])
                for k in range(rates.size):
                    first, _, _, re, im = _combine(count, whole, weights, table[i, j], rates, half, changes, k)
                    re, im = dt * re + scale * first * row[2 * k], dt * im + scale * first * row[2 * k + 1]
                    out[2 * k], out[2 * k + 1] = re, im
                    keep[2 * k], keep[2 * k + 1] = linear * rates[k] * re, linear * rates[k] * im

    return run


@lru_cache
def difference() -> Any:
    """Return the compiled pass that computes the difference D of a stage, for planes ``lo`` to ``hi``.

    The compiled function has the further arguments

    modes, scale
        Half-spectrum of the tendency at the stage, and the number to scale it by.
    tendency
        R_1.
    kept
        Input: a ω times the increment. Output: D.
    """

    @entry
    def run(lo, hi, modes, scale, tendency, kept):
        for i in range(lo, hi):
            for j in range(kept.shape[1]):
                new, row, keep = modes[i, j], tendency[i, j], kept[i, j]
                for k in range(keep.size):
                    keep[k] += scale * new[k] - row[k]

    return run


@lru_cache
def conclude() -> Any:
    """Return the compiled pass that estimates the error of a step, for planes ``lo`` to ``hi``.

    The compiled function has the further arguments

    rate, half, table, dt
        As for :func:`stage`.
    weights, last
        Weights of the error estimate for the three differences, and for that of the new state.
    tendency, differences
        Half-spectra of R_1 and of the differences D.
    modes, scale
        Half-spectrum of the tendency at the new state, and the number to scale it by.
    kept
        Input: a ω times the increment of the last stage. Output: the scaled tendency at the new state.
    has_nyquist
        Whether the halved axis has a Nyquist mode.
    terms
        Workspace, shape (modes,).
    power
        Output, shape (planes,): Σ |error|² over the modes of every plane.
    """

    @entry
    def run(
        lo,
        hi,
        rate,
        half,
        table,
        dt,
        weights,
        last,
        tendency,
        differences,
        modes,
        scale,
        kept,
        has_nyquist,
        terms,
        power,
    ):
        for i in range(lo, hi):
            terms[:] = 0
            for j in range(rate.shape[1]):
                rates, row, new, keep = rate[i, j], tendency[i, j], modes[i, j], kept[i, j]
                changes = (differences[0][i, j], differences[1][i, j], differences[2][i, j])
                for k in range(rates.size):
                    first, second, third, re, im = _combine(3, True, weights, table[i, j], rates, half, changes, k)
                    weight = last[0] * first + last[1] * second + last[2] * third
                    end_re, end_im = scale * new[2 * k], scale * new[2 * k + 1]
                    re += weight * (keep[2 * k] + end_re - row[2 * k])
                    im += weight * (keep[2 * k + 1] + end_im - row[2 * k + 1])
                    keep[2 * k], keep[2 * k + 1] = end_re, end_im
                    terms[k] += dt * dt * (re * re + im * im)
            power[i] = full_sum(terms, has_nyquist)

    return run


@lru_cache
def add() -> Any:
    """Return the compiled pass that adds a scaled increment to a density, for planes ``lo`` to ``hi``.

    The compiled function has the further arguments

    density
        Shape (planes, rows, cells).
    increment, scale
        The increment, whose rows may be longer than those of the density, and the number to scale it by.
    new
        Output, shape (planes, rows, cells).
    bad
        Output, shape (planes, rows): the number of cells that are not ≥ 0.
    """

    @entry
    def run(lo, hi, density, increment, scale, new, bad):
        for i in range(lo, hi):
            for j in range(density.shape[1]):
                bad[i, j] = _add_row(density[i, j], increment[i, j], scale, new[i, j])

    return run


@lru_cache
def squared_distance() -> Any:
    """Return the compiled pass that sums (μ − ν)² over every row in double precision, for planes ``lo`` to ``hi``.

    The compiled function has the further arguments

    density, target
        μ and ν, shapes (planes, rows, cells).
    terms
        Workspace, shape (2 cells,).
    sums
        Output, shape (planes, rows).
    """

    @entry
    def run(lo, hi, density, target, terms, sums):
        for i in range(lo, hi):
            for j in range(density.shape[1]):
                row, other = density[i, j], target[i, j]
                for k in range(row.size):
                    terms[k] = np.float64(row[k]) - np.float64(other[k])
                sums[i, j] = row_product(terms[: row.size], terms[: row.size], terms[row.size :])

    return run

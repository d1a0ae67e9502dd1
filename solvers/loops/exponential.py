"""Compiled passes of exponential Runge–Kutta steps over half-spectra.

A stage is the state plus an increment, ``dt (c φ_1(c z) R_1 + Σ_m Σ_l w_ml φ_l(c z) D_m)`` mode by mode, where
``z = −a ω dt`` is the linear part, R the tendency, and ``D_m = R_m − R_1 + a ω · increment_m`` what the remainder
(tendency less linear part) has changed since the start of the step. Spectra are arrays (planes, rows, numbers) of real
and imaginary parts in turn.
"""

import math
from functools import lru_cache
from typing import Any

import numpy as np

from solvers.loops.compilation import SOURCES, entry, line_function, piece
from solvers.loops.spectra import full_sum
from solvers.loops.totals import row_product

_TAYLOR = tuple(1 / math.factorial(j) for j in range(3, 20))
"""Coefficients of φ_3; the next term is below 1/20! at |z| = 1."""


@piece
def phi(z):
    """φ_1, φ_2, φ_3 of a z ≤ 0, ``φ_l(z) = (φ_{l−1}(z) − 1/(l−1)!) / z``, φ_0 = exp, each to a few roundings.

    The recurrence loses a digit for each φ only as |z| falls below 1; there it runs backwards, from the series of φ_3.
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
    """φ_1, φ_2, φ_3 of 2z from those of z ≤ 0, without cancellation: Σ_j φ_j / (l − j)! + e^z φ_l, over 2^l."""
    decay = 1.0 + z * first
    return (
        0.5 * (decay * first + first),
        0.25 * (decay * second + first + second),
        0.125 * (decay * third + 0.5 * first + second + third),
    )


@piece
def _combine(count, whole, weights, table, rates, half, changes, k):
    """φ_1 of a mode, and the real and the imaginary part of Σ_m Σ_l w_ml φ_l D_m over ``count`` differences."""
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
    """Add a scaled line to another; return how many of the sums are not ≥ 0."""
    bad = 0
    for k in range(old.size):
        value = old[k] + scale * change[k]
        new[k] = value
        bad += 0 if value >= 0 else 1
    return bad


@lru_cache
def tabulate() -> Any:
    """The compiled pass that fills a table (planes, rows, 3, modes) with φ_l(half · rate), for planes ``lo`` to ``hi``.

    It takes the rates ω, the number ``half`` = −a dt / 2, and the table.
    """
    stamp = SOURCES

    @entry
    def run(lo, hi, rate, half, table):
        assert stamp  # named here so that the code on disk is of these sources
        for i in range(lo, hi):
            for j in range(rate.shape[1]):
                for k in range(rate.shape[2]):
                    first, second, third = phi(half * rate[i, j, k])
                    table[i, j, 0, k], table[i, j, 1, k], table[i, j, 2, k] = first, second, third

    return run


@lru_cache
def stage(count: int, whole: bool) -> Any:
    """The compiled pass that works a stage's increment out, for planes from ``lo`` to ``hi``.

    It is made for the number of differences before the stage, and for c = 1 or ½. It takes ω, the number −a dt / 2, the
    table, dt, a tuple of three weights for each of three differences, R_1 and the differences, the spectrum that gets
    the increment, and one that gets a ω times it.
    """
    stamp = SOURCES

    @entry
    def run(lo, hi, rate, half, table, dt, weights, tendency, differences, increment, kept):
        assert stamp
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
    """The compiled pass that adds a new tendency less R_1 to what the stage kept, which makes it the stage's D.

    It takes the modes of the tendency and the number to scale them by, R_1, and what is added to.
    """
    stamp = SOURCES

    @entry
    def run(lo, hi, modes, scale, tendency, kept):
        assert stamp
        for i in range(lo, hi):
            for j in range(kept.shape[1]):
                new, row, keep = modes[i, j], tendency[i, j], kept[i, j]
                for k in range(keep.size):
                    keep[k] += scale * new[k] - row[k]

    return run


@lru_cache
def conclude() -> Any:
    """The compiled pass that estimates the error of a step once the tendency at its end is known.

    It takes what :func:`stage` does up to dt; the weights of the estimate for the differences, and for the end; R_1 and
    the differences; the modes of the tendency at the end and the number to scale them by; what the last
    stage kept, in whose place the scaled tendency is written; whether there is a Nyquist mode; a working line; and an
    array that gets Σ |error|² of every plane.
    """
    stamp = SOURCES

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
        assert stamp
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
    """The compiled pass that adds a scaled increment to a density, rows of it longer than the cells.

    It takes the density, the increment, the scale, where to write, and an array (planes, rows) that gets the number of
    cells in every row that are not ≥ 0.
    """
    stamp = SOURCES

    @entry
    def run(lo, hi, density, increment, scale, new, bad):
        assert stamp
        for i in range(lo, hi):
            for j in range(density.shape[1]):
                bad[i, j] = _add_row(density[i, j], increment[i, j], scale, new[i, j])

    return run


@lru_cache
def squared_distance() -> Any:
    """The compiled pass that sums (μ − ν)² over every row, in double precision.

    It takes μ, −ν, a working line, and an array (planes, rows) for the sums.
    """
    stamp = SOURCES

    @entry
    def run(lo, hi, density, target, terms, sums):
        assert stamp
        for i in range(lo, hi):
            for j in range(density.shape[1]):
                row, other = density[i, j], target[i, j]
                for k in range(row.size):
                    terms[k] = np.float64(row[k]) - np.float64(other[k])
                sums[i, j] = row_product(terms[: row.size], terms[: row.size], terms[row.size :])

    return run

"""Compiled passes over half-spectra: one multiplication by a kernel's symbol, with the energy summed on the way.

A half-spectrum is an array (planes, rows, numbers) of real and imaginary parts in turn, the halved axis last; rows may
be longer than the modes in them (see :class:`gridflow.transforms.Spectrum`).
"""

from functools import lru_cache
from typing import Any

import numpy as np

from solvers.loops.compilation import SOURCES, entry, line_function, piece
from solvers.loops.lines import pairwise_sum


@line_function
def weighted_power(row, symbol, has_nyquist, terms):
    """Σ symbol · |mode|² over a row of the full spectrum, in double precision.

    Modes of the halved axis stand for two each; the first and, if the number of cells is even, the last for one.
    """
    modes = symbol.size
    for k in range(modes):
        re, im = np.float64(row[2 * k]), np.float64(row[2 * k + 1])
        terms[k] = np.float64(symbol[k]) * (re * re + im * im)
    once = terms[0] + (terms[modes - 1] if has_nyquist else 0.0)
    return 2 * pairwise_sum(terms[:modes]) - once


@line_function
def subtract(some, row):
    """Subtract a line from another."""
    for k in range(some.size):
        row[k] -= some[k]


@line_function
def scale_modes(symbol, scale, row):
    """Multiply modes by a real symbol and a number."""
    for k in range(symbol.size):
        factor = symbol[k] * scale
        row[2 * k] *= factor
        row[2 * k + 1] *= factor


@line_function
def turn_modes(row, symbol, re, im, out):
    """Write modes times a real symbol and one complex number."""
    for k in range(symbol.size):
        a, b, factor = row[2 * k], row[2 * k + 1], symbol[k]
        out[2 * k] = factor * (a * re - b * im)
        out[2 * k + 1] = factor * (a * im + b * re)


@line_function
def turn_along(symbol, factors, row):
    """Multiply modes by a real symbol and a complex number each, given as real and imaginary parts in turn."""
    for k in range(symbol.size):
        a, b, factor = row[2 * k], row[2 * k + 1], symbol[k]
        re, im = factors[2 * k], factors[2 * k + 1]
        row[2 * k] = factor * (a * re - b * im)
        row[2 * k + 1] = factor * (a * im + b * re)


@piece
def _deviation(row, minus, i, j, uniform):
    """Make the modes of μ those of μ − ν; a uniform ν has none but the mean, which the caller subtracts."""
    if not uniform:
        subtract(minus[i, j], row[: minus.shape[2]])


@lru_cache
def to_potential(uniform: bool) -> Any:
    """The compiled pass that turns modes of μ into those of V, for planes from ``lo`` to ``hi``.

    It takes the half-spectrum, K̂, the modes of ν (anything if ν is uniform), the number that normalises the
    transforms, whether the halved axis has a Nyquist mode, whether to measure, a working line of doubles, and an array
    (planes, rows) that gets Σ K̂ |f̂|² of every row if so.
    """
    stamp = SOURCES

    @entry
    def run(lo, hi, spectrum, symbol, minus, scale, has_nyquist, measure, terms, power):
        assert stamp  # named here so that the code on disk is of these sources
        for i in range(lo, hi):
            for j in range(symbol.shape[1]):
                row, weights = spectrum[i, j], symbol[i, j]
                _deviation(row, minus, i, j, uniform)
                if measure:
                    power[i, j] = weighted_power(row, weights, has_nyquist, terms)
                scale_modes(weights, scale, row)

    return run


@lru_cache
def to_velocity(dim: int, uniform: bool) -> Any:
    """The compiled pass that turns modes of μ into those of the face velocity along every axis.

    It takes what :func:`to_potential` does, but for a tuple of ``dim`` spectra, of which the last holds the modes of
    μ, and after ``minus`` a tuple of each axis' factor (real and imaginary parts in turn, normalisation included) for
    its mode numbers; that of the last axis stands last.
    """
    stamp = SOURCES

    @entry
    def run(lo, hi, spectra, symbol, minus, factors, has_nyquist, measure, terms, power):
        assert stamp
        for i in range(lo, hi):
            for j in range(symbol.shape[1]):
                row, weights = spectra[dim - 1][i, j], symbol[i, j]
                _deviation(row, minus, i, j, uniform)
                if measure:
                    power[i, j] = weighted_power(row, weights, has_nyquist, terms)
                if dim > 1:
                    turn_modes(row, weights, factors[0][2 * i], factors[0][2 * i + 1], spectra[0][i, j])
                if dim > 2:
                    turn_modes(row, weights, factors[1][2 * j], factors[1][2 * j + 1], spectra[1][i, j])
                turn_along(weights, factors[dim - 1], row)

    return run

"""Compiled passes over half-spectra: one multiplication by a kernel's symbol, with the energy summed on the way.

A half-spectrum is an array (planes, rows, numbers) of real and imaginary parts in turn, the halved axis last; rows may
be longer than the modes in them (see :class:`gridflow.compute.fft.Spectrum`).
"""

from functools import lru_cache
from typing import Any

import numpy as np

from solvers.loops.compilation import SOURCES, entry, line_function, piece
from solvers.loops.lines import pairwise_sum


@line_function
def add_power(row, symbol, terms):
    """Add symbol · |mode|² of a row to a line, in double precision."""
    for k in range(symbol.size):
        re, im = np.float64(row[2 * k]), np.float64(row[2 * k + 1])
        terms[k] += np.float64(symbol[k]) * (re * re + im * im)


@line_function
def full_sum(terms, has_nyquist):
    """Sum over a full axis of a line of its half, which is destroyed.

    Modes of the halved axis stand for two each; the first and, if the number of cells is even, the last for one.
    """
    once = terms[0] + (terms[terms.size - 1] if has_nyquist else 0.0)
    return 2 * pairwise_sum(terms) - once


@line_function
def subtract(some, row):
    """Subtract one line from another."""
    for k in range(some.size):
        row[k] -= some[k]


@line_function
def scale_modes(symbol, scale, row):
    """Multiply modes by a real symbol and a number."""
    for k in range(symbol.size):
        factor = symbol[k] * scale
        row[2 * k] *= factor
        row[2 * k + 1] *= factor


@piece
def turn_modes(dim, symbol, first, second, last, row, out0, out1):
    """Multiply modes by a real symbol and by a complex number for each axis, given as real and imaginary parts in turn.

    The last axis has a number for every mode, whose product takes the place of the modes; of the other axes all modes
    of a row have the same.
    """
    for k in range(symbol.size):
        factor = symbol[k]
        re, im = factor * row[2 * k], factor * row[2 * k + 1]
        if dim > 1:
            out0[2 * k] = re * first[0] - im * first[1]
            out0[2 * k + 1] = re * first[1] + im * first[0]
        if dim > 2:
            out1[2 * k] = re * second[0] - im * second[1]
            out1[2 * k + 1] = re * second[1] + im * second[0]
        row[2 * k] = re * last[2 * k] - im * last[2 * k + 1]
        row[2 * k + 1] = re * last[2 * k + 1] + im * last[2 * k]


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
    that gets Σ K̂ |f̂|² of every plane if so.
    """
    stamp = SOURCES

    @entry
    def run(lo, hi, spectrum, symbol, minus, scale, has_nyquist, measure, terms, power):
        assert stamp  # named here so that the code on disk is of these sources
        for i in range(lo, hi):
            terms[:] = 0
            for j in range(symbol.shape[1]):
                row, weights = spectrum[i, j], symbol[i, j]
                _deviation(row, minus, i, j, uniform)
                if measure:
                    add_power(row, weights, terms)
                scale_modes(weights, scale, row)
            if measure:
                power[i] = full_sum(terms, has_nyquist)

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
            terms[:] = 0
            for j in range(symbol.shape[1]):
                row, weights = spectra[dim - 1][i, j], symbol[i, j]
                _deviation(row, minus, i, j, uniform)
                if measure:
                    add_power(row, weights, terms)
                along0, along1 = factors[0][2 * i : 2 * i + 2], factors[dim // 2][2 * j : 2 * j + 2]
                out0, out1 = spectra[0][i, j], spectra[dim // 2][i, j]
                turn_modes(
                    dim, weights, (along0[0], along0[1]), (along1[0], along1[1]), factors[dim - 1], row, out0, out1
                )
            if measure:
                power[i] = full_sum(terms, has_nyquist)

    return run

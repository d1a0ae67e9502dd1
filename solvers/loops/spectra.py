"""Compiled passes over half-spectra: multiplication by the symbol of a kernel, with the energy summed in the same pass.

A half-spectrum is an array (planes, rows, numbers) of alternating real and imaginary parts, the halved axis last. Rows
may be longer than the modes in them; see :class:`gridflow.compute.fft.Spectrum`.
"""

from functools import lru_cache
from typing import Any

import numpy as np

from solvers.loops.compilation import entry, line_function, piece
from solvers.loops.lines import pairwise_sum


@line_function
def add_power(row, symbol, terms):
    """Add symbol · |mode|² of a row to a line in double precision."""
    for k in range(symbol.size):
        re, im = np.float64(row[2 * k]), np.float64(row[2 * k + 1])
        terms[k] += np.float64(symbol[k]) * (re * re + im * im)


@line_function
def full_sum(terms, has_nyquist):
    """Return the sum over all modes of an axis, given the line of its half-spectrum; the line is overwritten.

    Each mode of the half-spectrum counts twice, except the first and, if there is one, the Nyquist mode.
    """
    once = terms[0] + (terms[terms.size - 1] if has_nyquist else 0.0)
    return 2 * pairwise_sum(terms) - once


@line_function
def subtract(some, row):
    """Subtract a line from the beginning of a row in place."""
    for k in range(some.size):
        row[k] -= some[k]


@line_function
def scale_modes(symbol, scale, row):
    """Multiply modes by a real symbol and a number in place."""
    for k in range(symbol.size):
        factor = symbol[k] * scale
        row[2 * k] *= factor
        row[2 * k + 1] *= factor


@piece
def turn_modes(dim, symbol, first, second, last, row, out0, out1):
    """Multiply modes by a real symbol and, for each axis, by a complex factor (real and imaginary part).

    Along the last axis every mode has its own factor, and the product replaces the modes. Along the other axes all
    modes of a row have the same factor.
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
    """Subtract the modes of ν from those of μ; if ν is uniform, the caller has subtracted its mean."""
    if not uniform:
        subtract(minus[i, j], row[: minus.shape[2]])


@lru_cache
def to_potential(uniform: bool) -> Any:
    """Return the compiled pass that converts modes of μ to those of V in place, for planes ``lo`` to ``hi``.

    The compiled function has the further arguments

    spectrum
        Input: the half-spectrum of μ. Output: that of V.
    symbol, minus
        K̂, and the half-spectrum of ν, which is unused if ν is uniform.
    scale
        Number that normalises the transforms.
    has_nyquist
        Whether the halved axis has a Nyquist mode.
    measure, terms, power
        Whether to compute Σ K̂ |f̂|² of every plane, workspace for it, shape (modes,), and the output, shape (planes,).
    """

    @entry
    def run(lo, hi, spectrum, symbol, minus, scale, has_nyquist, measure, terms, power):
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
    """Return the compiled pass that converts modes of μ to those of the face velocities, for planes ``lo`` to ``hi``.

    The compiled function has the arguments of :func:`to_potential`, with two differences

    spectra
        Tuple of ``dim`` half-spectra in place of one. Input: μ in the last. Output: the velocity along each axis.
    factors
        In place of ``scale``: a tuple with the factor of each axis for its mode numbers, as alternating real and
        imaginary parts, including the normalisation.
    """

    @entry
    def run(lo, hi, spectra, symbol, minus, factors, has_nyquist, measure, terms, power):
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

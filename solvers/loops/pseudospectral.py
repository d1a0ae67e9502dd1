"""Compiled passes of the pseudo-spectral right-hand side: gradients of modes, products, and divergences.

Half-spectra are arrays (planes, rows, numbers) of alternating real and imaginary parts, the halved axis last. ``Kept``
describes the modes that the 2/3 rule keeps: some planes and rows, and the first modes of each of these rows.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from solvers.loops.compilation import entry, line_function, piece
from solvers.loops.lines import largest
from solvers.loops.spectra import full_sum


class Kept(NamedTuple):
    """The modes with 3 |k| < n along every axis, and their wavenumbers.

    In one dimension there is one plane with one row, in two there is one row in every plane; the wavenumbers along the
    missing axes are 0.
    """

    planes: np.ndarray
    rows: np.ndarray
    along_planes: np.ndarray
    along_rows: np.ndarray
    along_last: np.ndarray
    """Only for the modes that are kept in a row."""


@line_function
def _clear(row):
    """Set a line to zero."""
    for k in range(row.size):
        row[k] = 0


@piece
def _slopes(dim, v_re, v_im, along0, along1, last, out0, out1, out2, k):
    """Write i ξ_a times a mode for every axis a; the last axis is written to the third spectrum."""
    if dim > 1:
        out0[2 * k], out0[2 * k + 1] = -along0 * v_im, along0 * v_re
    if dim > 2:
        out1[2 * k], out1[2 * k + 1] = -along1 * v_im, along1 * v_re
    out2[2 * k], out2[2 * k + 1] = -last * v_im, last * v_re


@lru_cache
def gradients(dim: int, growth: bool) -> Any:
    """Return the compiled pass from modes of μ to those of ∇V and, with growth, V, for planes ``lo`` to ``hi``.

    The compiled function has the further arguments

    kept
        The :class:`Kept` modes.
    start, increment
        Half-spectra of μ at the start of a step, and of an increment to add.
    symbol, target
        K̂, and the half-spectrum of ν.
    scale
        Number that normalises the transforms.
    density, slopes, potential
        Output, all modes: the half-spectra of μ, of ∂_a V for every axis (a tuple), and, with growth, of V.
    """

    @entry
    def run(lo, hi, kept, start, increment, symbol, target, scale, density, slopes, potential):
        number = kept.along_last.size
        for i in range(lo, hi):
            for j in range(symbol.shape[1]):
                out, of_v = density[i, j], potential[i, j]
                out0, out1, out2 = slopes[0][i, j], slopes[dim // 2][i, j], slopes[dim - 1][i, j]
                begin = 0
                if kept.planes[i] & kept.rows[j]:
                    first, more, minus, weights = start[i, j], increment[i, j], target[i, j], symbol[i, j]
                    along0, along1, last = kept.along_planes[i], kept.along_rows[j], kept.along_last
                    for k in range(number):
                        re, im = first[2 * k] + more[2 * k], first[2 * k + 1] + more[2 * k + 1]
                        factor = weights[k] * scale
                        v_re, v_im = factor * (re - minus[2 * k]), factor * (im - minus[2 * k + 1])
                        out[2 * k], out[2 * k + 1] = scale * re, scale * im
                        if growth:
                            of_v[2 * k], of_v[2 * k + 1] = v_re, v_im
                        _slopes(dim, v_re, v_im, along0, along1, last[k], out0, out1, out2, k)
                    begin = 2 * number
                _clear(out[begin:])
                _clear(out2[begin:])
                if dim > 1:
                    _clear(out0[begin:])
                if dim > 2:
                    _clear(out1[begin:])
                if growth:
                    _clear(of_v[begin:])

    return run


@lru_cache
def multiply() -> Any:
    """Return the compiled pass that multiplies a field by the density, for planes ``lo`` to ``hi``.

    The compiled function has the further arguments

    density, field
        μ and the field, in rows of at least as many numbers as there are cells. If ``measuring``, the field is replaced
        by its magnitude.
    product
        Output, shape (planes, rows, cells), contiguous.
    measuring, tops
        If True, the largest magnitude of the field in every row is written to ``tops``, shape (planes, rows), as bits;
        see :func:`solvers.loops.lines.largest`.
    """

    @entry
    def run(lo, hi, density, field, product, measuring, tops):
        for i in range(lo, hi):
            for j in range(product.shape[1]):
                out = product[i, j]
                mu, row = density[i, j, : out.size], field[i, j, : out.size]
                for k in range(out.size):
                    out[k] = mu[k] * row[k]
                if measuring:
                    for k in range(row.size):
                        row[k] = abs(row[k])
                    tops[i, j] = largest(row.view(tops.dtype))

    return run


@lru_cache
def divergence(dim: int, growth: bool) -> Any:
    """Return the compiled pass from fluxes to the tendency ``Σ_a ∂_a (μ ∂_a V) − β μ V``, for planes ``lo`` to ``hi``.

    The compiled function has the further arguments

    kept
        The :class:`Kept` modes.
    fluxes, source
        Half-spectra of μ ∂_a V for every axis (a tuple), and of μ V, which is used only with growth.
    beta
        β.
    tendency
        Output, all modes: the half-spectrum of the tendency.
    """

    @entry
    def run(lo, hi, kept, fluxes, source, beta, tendency):
        number = kept.along_last.size
        for i in range(lo, hi):
            for j in range(tendency.shape[1]):
                out, begin = tendency[i, j], 0
                if kept.planes[i] & kept.rows[j]:
                    row0, row1, row2 = fluxes[0][i, j], fluxes[dim // 2][i, j], fluxes[dim - 1][i, j]
                    along0, along1, last, grown = (
                        kept.along_planes[i], kept.along_rows[j], kept.along_last, source[i, j],
                    )  # fmt: skip
                    for k in range(number):
                        re, im = -last[k] * row2[2 * k + 1], last[k] * row2[2 * k]
                        if dim > 1:
                            re, im = re - along0 * row0[2 * k + 1], im + along0 * row0[2 * k]
                        if dim > 2:
                            re, im = re - along1 * row1[2 * k + 1], im + along1 * row1[2 * k]
                        if growth:
                            re, im = re - beta * grown[2 * k], im - beta * grown[2 * k + 1]
                        out[2 * k], out[2 * k + 1] = re, im
                    begin = 2 * number
                _clear(out[begin:])

    return run


@lru_cache
def weigh() -> Any:
    """Return the compiled pass that multiplies the sum of two half-spectra by real factors, planes ``lo`` to ``hi``.

    The compiled function has the further arguments

    modes, more
        The two half-spectra.
    factors, scale
        Real factor of every mode, shape (planes, rows, modes), and a number to multiply by.
    out
        Output; may be one of the two half-spectra.
    """

    @entry
    def run(lo, hi, modes, more, factors, scale, out):
        for i in range(lo, hi):
            for j in range(factors.shape[1]):
                row, other, weights, to = modes[i, j], more[i, j], factors[i, j], out[i, j]
                for k in range(weights.size):
                    factor = weights[k] * scale
                    re, im = row[2 * k] + other[2 * k], row[2 * k + 1] + other[2 * k + 1]
                    to[2 * k], to[2 * k + 1] = factor * re, factor * im

    return run


@lru_cache
def measure() -> Any:
    """Return the compiled pass that sums ``w |f̂|²``, ``w Re f̂* R̂`` and ``|f̂|²`` over planes ``lo`` to ``hi``.

    Here f = μ − ν. The compiled function has the further arguments

    modes, target, tendency
        Half-spectra of μ, of ν and of the tendency R.
    weights
        w, shape (planes, rows, modes), for the first modes of every row. A Nyquist mode must not be among them, since
        it has no conjugate partner.
    terms
        Workspace, shape (3, modes).
    sums
        Output, shape (3, planes).
    """

    @entry
    def run(lo, hi, modes, target, tendency, weights, terms, sums):
        for i in range(lo, hi):
            energy, work, square = terms[0], terms[1], terms[2]
            energy[:], work[:], square[:] = 0, 0, 0
            for j in range(weights.shape[1]):
                row, minus, change, factors = modes[i, j], target[i, j], tendency[i, j], weights[i, j]
                for k in range(factors.size):
                    re, im = np.float64(row[2 * k] - minus[2 * k]), np.float64(row[2 * k + 1] - minus[2 * k + 1])
                    power = re * re + im * im
                    square[k] += power
                    energy[k] += factors[k] * power
                    work[k] += factors[k] * (re * change[2 * k] + im * change[2 * k + 1])
            for number in range(3):
                sums[number, i] = full_sum(terms[number], False)

    return run

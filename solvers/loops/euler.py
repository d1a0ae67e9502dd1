"""The compiled Euler step of every scheme: a stage of a Runge–Kutta scheme in one pass over the cells."""

from functools import lru_cache
from typing import Any

from solvers.loops import monotone, sharp
from solvers.loops.compilation import SOURCES, entry
from solvers.loops.planes import tile_of
from solvers.loops.stages import HIGH_ORDER, Given, Variant, Written


@lru_cache
def euler_step(variant: Variant) -> Any:
    """The compiled step of a variant, for planes from ``lo`` to ``hi``.

    It takes

    rows_at_once
        See :func:`solvers.loops.planes.tile_rows`.
    work
        (LINES, :func:`solvers.loops.planes.line_size`) finite numbers, such as were left in it.
    field
        What is advanced.
    velocity
        A tuple of the face velocities of each axis, or of the potential alone.
    other
        V or μ for the source and V for the bound by growth; else anything.
    old, new
        The Runge–Kutta scheme's old state and what to write, (planes, rows, cells).
    step
        The :class:`solvers.loops.stages.Step`.
    rates, tops
        For every plane and tile, get the largest rate of loss and the largest new value as bits, see
        :func:`solvers.loops.lines.largest`.
    """
    dim, scheme, spectral = variant
    high_order = scheme == HIGH_ORDER
    stamp = SOURCES

    @entry
    def step_planes(lo, hi, rows_at_once, work, field, velocity, other, old, new, step, rates, tops):
        assert stamp  # named here so that the code on disk is of these sources
        given, written = Given(field, velocity, other, old), Written(new, rates, tops)
        for index in range(rates.shape[1]):
            tile = tile_of(index, rows_at_once, new)
            if high_order:
                sharp.march(dim, spectral, tile, (lo, hi), work, given, step, written)
            else:
                monotone.march(dim, scheme, spectral, tile, (lo, hi), work, given, step, written)

    return step_planes

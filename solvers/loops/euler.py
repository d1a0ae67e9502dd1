"""The compiled Euler step of every scheme: a Runge–Kutta stage in one pass over the cells."""

from functools import lru_cache
from typing import Any

from solvers.loops import monotone, sharp
from solvers.loops.compilation import entry
from solvers.loops.planes import tile_of
from solvers.loops.stages import HIGH_ORDER, Given, Variant, Written


@lru_cache
def euler_step(variant: Variant) -> Any:
    """Return the compiled step of a variant, for planes ``lo`` to ``hi``.

    The compiled function has the further arguments

    rows_at_once
        Rows of a tile; see :func:`solvers.loops.planes.tile_rows`.
    work
        Workspace, shape (LINES, :func:`solvers.loops.planes.line_size`); any finite numbers.
    field
        The field to advance.
    velocity
        Tuple of the face velocities along each axis, or of the potential alone.
    other
        V or μ for the source, and V for the growth bound; unused otherwise.
    old, new
        Old state of the Runge–Kutta scheme, and the stage to write; shapes (planes, rows, cells).
    step
        The :class:`solvers.loops.stages.Step`.
    rates, tops
        Output, shapes (planes, tiles): the largest rate of loss and the largest new value, as bits; see
        :func:`solvers.loops.lines.largest`.
    """
    dim, scheme, spectral = variant
    high_order = scheme == HIGH_ORDER

    @entry
    def step_planes(lo, hi, rows_at_once, work, field, velocity, other, old, new, step, rates, tops):
        given, written = Given(field, velocity, other, old), Written(new, rates, tops)
        for index in range(rates.shape[1]):
            tile = tile_of(index, rows_at_once, new)
            if high_order:
                sharp.march(dim, spectral, tile, (lo, hi), work, given, step, written)
            else:
                monotone.march(dim, scheme, spectral, tile, (lo, hi), work, given, step, written)

    return step_planes

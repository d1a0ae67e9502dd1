"""A compiled look at a density and its velocity that sets the bounds on the step."""

from functools import lru_cache
from typing import Any

from solvers.loops.compilation import SOURCES, entry, line_function, piece
from solvers.loops.lines import largest, pairwise_sum
from solvers.loops.planes import Tile, load, row_start
from solvers.loops.stages import Variant, face_velocities, largest_in_rows, loss_rate, stride

HALO = 1
LINES = 2 + 2 + 1 + 6 + 2
"""Lines of working memory of a thread."""


@line_function
def add_face_power(here, there, velocity, total):
    """Add u² times the sum of the two cells that share the face."""
    for i in range(total.size):
        total[i] += (here[i] + there[i]) * velocity[i] * velocity[i]


@piece
def _march(variant, tile, lo, hi, work, field, velocity, other, step, rates, tops, decay):
    dim = variant.dim
    pitch, size = tile.cells + 2 * HALO, work.shape[1]
    here, potential, beside, both_faces = work[0:2], work[2:4], work[4], (work[5:8], work[8:11])
    power, rate = work[11], work[12]
    first = lo - 1 if dim > 1 else lo
    load(field, first, tile, HALO, here[first % 2])
    for plane in range(first, hi):
        middle, above = here[plane % 2], here[(plane + 1) % 2]
        faces, below = both_faces[plane % 2], both_faces[(plane + 1) % 2][0]
        face_velocities(
            dim, variant.spectral, velocity, plane, tile, HALO, step.inverse, plane == first, potential, faces
        )
        if dim > 1:
            load(field, plane + 1, tile, HALO, above)
            if plane < lo:
                continue
        power[:] = 0
        if dim > 1:
            add_face_power(middle, above, faces[0], power)
        for axis in range(1 if dim > 1 else 0, dim):
            away = stride(axis, dim, pitch)
            add_face_power(middle[:-away], middle[away:], faces[axis][:-away], power[:-away])
        if variant.bounded_by_growth:
            load(other, plane, tile, HALO, beside)
        loss_rate(variant, step, size, pitch, below, faces, beside, rate)
        rates[plane, tile.number] = largest_in_rows(tile, HALO, rate, rates)
        total = 0.0
        for j in range(tile.rows):
            start = row_start(j, tile, HALO)
            total += pairwise_sum(power[start : start + tile.cells])
        decay[plane, tile.number] = total / 2
        tile_values = field.inner[plane, tile.first : tile.first + tile.rows].reshape(-1)
        tops[plane, tile.number] = largest(tile_values.view(tops.dtype))


@lru_cache
def survey(variant: Variant) -> Any:
    """The compiled survey of a variant (its scheme and source do not matter), for planes from ``lo`` to ``hi``.

    It takes what the steps take (see :func:`solvers.loops.monotone.euler_step`) but for the arrays of the stage, and
    an array (planes, tiles) that gets Σ_faces μ̄ u², μ̄ the mean of the two cells that share the face. ``rates`` and
    ``tops`` get the largest rate of loss and the largest density.
    """
    dim, scheme, spectral, source, by_growth, by_tracer = variant
    stamp = SOURCES

    @entry
    def run(lo, hi, rows_at_once, work, field, velocity, other, step, rates, tops, decay):
        assert stamp  # named here so that the code on disk is of these sources
        made_for = Variant(dim, scheme, spectral, source, by_growth, by_tracer)
        rows, cells = field.inner.shape[1], field.inner.shape[2]
        for index in range(rates.shape[1]):
            first = index * rows_at_once
            tile = Tile(index, first, min(rows_at_once, rows - first), rows, cells)
            _march(made_for, tile, lo, hi, work, field, velocity, other, step, rates, tops, decay)

    return run

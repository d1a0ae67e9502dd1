"""A compiled survey of a density and its velocity, from which the bounds on the step follow."""

from functools import lru_cache
from typing import Any

from solvers.loops.compilation import SOURCES, entry, piece
from solvers.loops.lines import largest, pairwise_sum
from solvers.loops.planes import Layout, kept_lines, line_of, lines_of, load, tile_of
from solvers.loops.stages import clear_halo, face_velocities, largest_rate, load_signed, loss_rate

HALO = 1
_layout = Layout()
_DENSITY, _POTENTIAL, _OTHER = _layout.ring(planes=2), _layout.ring(planes=2), _layout.ring()
_VELOCITY = _layout.rings(planes=2)
_POWER, _RATE = _layout.ring(), _layout.ring()
LINES = _layout.size
"""Lines of working memory of a thread."""


@piece
def _face_power(dim, pitch, here, above, faces, power):
    """Sum of u² times the two cells that share the face, over the upper faces of each cell of a line."""
    size = power.size - (pitch if dim == 3 else 1)
    m, after, power = here[:size], here[1 : size + 1], power[:size]
    u, last = faces[0][:size], faces[dim - 1][:size]
    if dim == 1:
        for i in range(size):
            power[i] = (m[i] + after[i]) * last[i] * last[i]
    elif dim == 2:
        for i in range(size):
            power[i] = (m[i] + above[i]) * u[i] * u[i] + (m[i] + after[i]) * last[i] * last[i]
    else:
        beside, v = here[pitch : size + pitch], faces[1][:size]
        for i in range(size):
            across = (m[i] + above[i]) * u[i] * u[i] + (m[i] + beside[i]) * v[i] * v[i]
            power[i] = across + (m[i] + after[i]) * last[i] * last[i]


@piece
def _march(dim, spectral, tile, lo, hi, work, field, velocity, other, step, rates, tops, decay):
    pitch, size = tile.cells + 2 * HALO, work.shape[1]
    here, potential = kept_lines(work, _DENSITY), kept_lines(work, _POTENTIAL)
    both_faces = lines_of(work, _VELOCITY, 0), lines_of(work, _VELOCITY, 1)
    beside, power, rate = line_of(work, _OTHER, lo), line_of(work, _POWER, lo), line_of(work, _RATE, lo)
    first = lo - 1 if dim > 1 else lo
    load(field, first, tile, HALO, here[first % 2])
    for plane in range(first, hi):
        middle, above = here[plane % 2], here[(plane + 1) % 2]
        faces, below = both_faces[plane % 2], both_faces[(plane + 1) % 2][0]
        of_velocity = potential[plane % 2], potential[(plane + 1) % 2]
        face_velocities(dim, spectral, velocity, plane, tile, HALO, step, plane == first, of_velocity, faces)
        if dim > 1:
            load(field, plane + 1, tile, HALO, above)
            if plane < lo:
                continue
        if step.bounded_by_growth:
            load_signed(step, other, plane, tile, HALO, beside)
        loss_rate(dim, step, size, pitch, below, faces, beside, rate)
        rates[plane, tile.number] = largest_rate(tile, HALO, rate, rates)
        _face_power(dim, pitch, middle, above, faces, power)
        clear_halo(tile, HALO, power)
        decay[plane, tile.number] = pairwise_sum(power) / 2
        tile_values = field.inner[plane, tile.first : tile.first + tile.rows].reshape(-1)
        tops[plane, tile.number] = largest(tile_values.view(tops.dtype))


@lru_cache
def survey(dim: int, spectral: bool) -> Any:
    """The compiled survey in d dimensions, for velocities of one kind, for planes from ``lo`` to ``hi``.

    It takes what the steps take (see :func:`solvers.loops.euler.euler_step`) but for the arrays of the stage, and
    an array (planes, tiles) that gets Σ_faces μ̄ u², μ̄ the mean of the two cells that share the face. ``rates`` and
    ``tops`` get the largest rate of loss and the largest density.
    """
    stamp = SOURCES

    @entry
    def run(lo, hi, rows_at_once, work, field, velocity, other, step, rates, tops, decay):
        assert stamp  # named here so that the code on disk is of these sources
        for index in range(rates.shape[1]):
            tile = tile_of(index, rows_at_once, field.inner)
            _march(dim, spectral, tile, lo, hi, work, field, velocity, other, step, rates, tops, decay)

    return run

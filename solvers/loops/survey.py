"""A compiled survey of a density and its velocity, which determines the bounds on the step."""

from functools import lru_cache
from typing import Any

from solvers.loops.compilation import entry, piece
from solvers.loops.lines import largest, pairwise_sum
from solvers.loops.planes import Layout, kept_lines, line_of, lines_of, load, tile_of
from solvers.loops.stages import clear_halo, face_velocities, largest_rate, loss_rate

HALO = 1
_layout = Layout()
_DENSITY, _POTENTIAL, _OTHER = _layout.ring(planes=2), _layout.ring(planes=2), _layout.ring()
_VELOCITY = _layout.rings(planes=2)
_POWER, _RATE = _layout.ring(), _layout.ring()
LINES = _layout.size
"""Number of workspace lines of a thread."""


@piece
def _face_power(dim, pitch, here, above, faces, power):
    """Sum u² times the two cell averages at the face over the upper faces of each cell of a line."""
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
        face_velocities(dim, spectral, velocity, plane, tile, HALO, step, plane == first, potential, faces)
        if dim > 1:
            load(field, plane + 1, tile, HALO, above)
            if plane < lo:
                continue
        if step.bounded_by_growth:
            load(other, plane, tile, HALO, beside)
        loss_rate(dim, step, size, pitch, below, faces, beside, rate)
        rates[plane, tile.number] = largest_rate(tile, HALO, rate, rates)
        _face_power(dim, pitch, middle, above, faces, power)
        clear_halo(tile, HALO, power)
        decay[plane, tile.number] = pairwise_sum(power) / 2
        tile_values = field.inner[plane, tile.first : tile.first + tile.rows].reshape(-1)
        tops[plane, tile.number] = largest(tile_values.view(tops.dtype))


@lru_cache
def survey(dim: int, spectral: bool) -> Any:
    """Return the compiled survey in ``dim`` dimensions for one kind of velocity, for planes ``lo`` to ``hi``.

    The compiled function has the arguments of the steps (see :func:`solvers.loops.euler.euler_step`) except ``old`` and
    ``new``; ``tops`` receives the largest density. In addition, it has

    decay
        Output, shape (planes, tiles): Σ_faces μ̄ u², where μ̄ is the mean of the two cells at the face.
    """

    @entry
    def run(lo, hi, rows_at_once, work, field, velocity, other, step, rates, tops, decay):
        for index in range(rates.shape[1]):
            tile = tile_of(index, rows_at_once, field.inner)
            _march(dim, spectral, tile, lo, hi, work, field, velocity, other, step, rates, tops, decay)

    return run

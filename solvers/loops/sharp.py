"""The sharp scheme, and fifth-order WENO, made positive by flux-corrected transport.

Along each axis a cell has two candidates for its values at its own two faces, a fifth-order polynomial (WENO-Z) and a
tanh jump (THINC), and takes the one with the smaller jumps to its neighbours' polynomials. A face takes the value of
its donor; the flux gets its correction across the flow. What this flux carries beyond first-order upwind is then
limited, only where a cell would otherwise become negative.

:func:`march` goes through the planes. Each stage works a few planes ahead of the next, so that all that lies between
the density and its next value stays in the cache. It looks at the planes around its own, p:

=====================  ====================================  =======================
stage                  result                                planes that it looks at
=====================  ====================================  =======================
load                   DENSITY                               p
polynomials across     SMOOTH                                p − 2 to p + 2
choice across          CHOSEN                                p − 1 to p + 1
velocities, and face   VELOCITY, FACE (axes in the plane)    p
values in the plane
flux across            FACE (first axis), UPWIND, EXCESS     p and p + 1
flux in the plane      UPWIND, EXCESS                        p − 1 to p + 1
prediction, limiter    PREDICTED, KEPT                       p − 1 and p
correction             the new values                        p − 1 to p + 1
=====================  ====================================  =======================

So the new value of a cell depends on 5 planes below it and on 5 above; along the axes in the plane it is the same.
"Across" is along the first of several axes, which planes are stacked along. One dimension has a single plane, and all
its stages are at that plane.
"""

from typing import NamedTuple

import numpy as np

from solvers.loops.compilation import piece
from solvers.loops.limiter import correct, limit
from solvers.loops.lines import (
    copy,
    least_variation,
    split_flux,
    upwind_value,
    weno,
)
from solvers.loops.planes import Layout, line_of, lines_of, load, part
from solvers.loops.stages import (
    NO_SOURCE,
    face_velocities,
    finish,
    largest_rate,
    loss_rate,
    stride,
    subtract_source,
    transport,
)

HALO = 5
"""Cells on either side that the new value of a cell depends on beyond its neighbour: see the stages above."""

LEFT, RIGHT = range(2)
"""The lower and the upper face of a cell along an axis."""

_layout = Layout()
DENSITY = _layout.ring(planes=5)
POTENTIAL = _layout.ring(planes=2)
"""Of the velocity, if that is made of differences."""
OTHER = _layout.ring()
"""What the source and the bounds depend on."""
SMOOTH = _layout.ring(planes=3, lines=2)
"""Polynomial values of the cells at their faces across the planes."""
CHOSEN = _layout.ring(planes=2, lines=2)
"""Chosen values of the cells at their faces across the planes."""
SMOOTH_WITHIN, CHOSEN_WITHIN = _layout.ring(lines=2), _layout.ring(lines=2)
"""The same along an axis in the plane; the next axis takes their place."""
VELOCITY = _layout.ring(planes=3, lines=3)
"""On the upper faces of the cells, along each axis; so are the next three."""
FACE = _layout.ring(planes=3, lines=3)
"""Values of the density."""
UPWIND = _layout.ring(planes=2, lines=3)
"""First-order fluxes, times Δt / h."""
EXCESS = _layout.ring(planes=3, lines=3)
"""What the high-order fluxes carry beyond them."""
PREDICTED = _layout.ring(planes=2)
"""The Euler step with first-order fluxes."""
CHANGE = _layout.ring(planes=2)
"""The same less the density, if the change alone is asked for."""
KEPT = _layout.ring(planes=3)
"""The share of the excess out of each cell that leaves it ≥ 0."""
RESULT, NOTHING = _layout.ring(), _layout.ring()
LINES = _layout.size
"""Lines of working memory of a thread."""


class Memory(NamedTuple):
    """The working memory, and how cells lie in its lines.

    Only face values along the second of three axes look at the three outermost rows of the halo; all else leaves them
    out, see :func:`_near`.
    """

    lines: np.ndarray
    dim: int
    on: int
    """How many planes the next plane is away: 1, or 0 in one dimension."""
    pitch: int
    """From a cell to its neighbour in the next row."""
    edge: int
    """Numbers in the three outermost rows of three dimensions; else 0."""


@piece
def _memory(dim, tile, lines):
    pitch = tile.cells + 2 * HALO
    return Memory(lines, dim, 1 if dim > 1 else 0, pitch, 3 * pitch if dim == 3 else 0)


@piece
def _line(memory, ring, plane, number):
    """A whole line of a plane."""
    return line_of(memory.lines, ring, plane, number)


@piece
def _near(memory, ring, plane, number):
    """A line of a plane without the outermost rows of its halo."""
    line = line_of(memory.lines, ring, plane, number)
    return line[memory.edge : line.size - memory.edge]


@piece
def _axes(memory, ring, plane):
    """Three lines of a plane, one for each axis, without the outermost rows."""
    return _near(memory, ring, plane, 0), _near(memory, ring, plane, 1), _near(memory, ring, plane, 2)


# Face velocities and face values


@piece
def _velocities(memory, variant, tile, plane, given, step, first):
    potential = _line(memory, POTENTIAL, plane, 0), _line(memory, POTENTIAL, plane + 1, 0)
    velocities = lines_of(memory.lines, VELOCITY, plane)
    face_velocities(
        variant.dim, variant.spectral, given.velocity, plane, tile, HALO, step.inverse, first, potential, velocities
    )


@piece
def _choose(sharpen, before, here, after, smooth_before, smooth_left, smooth_right, smooth_after, left, right):
    """The values of each cell at its own faces; see :func:`solvers.loops.lines.least_variation`."""
    if sharpen:
        least_variation(before, here, after, smooth_before, smooth_left, smooth_right, smooth_after, left, right)
    else:
        copy(smooth_left, left)
        copy(smooth_right, right)


@piece
def _polynomials_across(memory, step, plane):
    weno(
        _near(memory, DENSITY, plane - 2, 0),
        _near(memory, DENSITY, plane - 1, 0),
        _near(memory, DENSITY, plane, 0),
        _near(memory, DENSITY, plane + 1, 0),
        _near(memory, DENSITY, plane + 2, 0),
        step.tiny,
        _near(memory, SMOOTH, plane, LEFT),
        _near(memory, SMOOTH, plane, RIGHT),
    )


@piece
def _choice_across(memory, step, plane):
    _choose(
        step.sharpen,
        _near(memory, DENSITY, plane - 1, 0),
        _near(memory, DENSITY, plane, 0),
        _near(memory, DENSITY, plane + 1, 0),
        _near(memory, SMOOTH, plane - 1, RIGHT),
        _near(memory, SMOOTH, plane, LEFT),
        _near(memory, SMOOTH, plane, RIGHT),
        _near(memory, SMOOTH, plane + 1, LEFT),
        _near(memory, CHOSEN, plane, LEFT),
        _near(memory, CHOSEN, plane, RIGHT),
    )


@piece
def _faces_within(memory, step, plane, axis):
    """Face values along an axis in the plane: polynomials, choice and donor of every face."""
    s, edge = stride(axis, memory.dim, memory.pitch), memory.edge if axis == 2 else 0
    size = memory.lines.shape[1] - edge
    here = _line(memory, DENSITY, plane, 0)
    smooth_left, smooth_right = _line(memory, SMOOTH_WITHIN, 0, LEFT), _line(memory, SMOOTH_WITHIN, 0, RIGHT)
    left, right = _line(memory, CHOSEN_WITHIN, 0, LEFT), _line(memory, CHOSEN_WITHIN, 0, RIGHT)
    cells = edge + 2 * s, size - 2 * s  # two more on either side
    weno(
        part(here, cells, -2 * s),
        part(here, cells, -s),
        part(here, cells, 0),
        part(here, cells, s),
        part(here, cells, 2 * s),
        step.tiny,
        part(smooth_left, cells, 0),
        part(smooth_right, cells, 0),
    )
    cells = edge + 3 * s, size - 3 * s
    _choose(
        step.sharpen,
        part(here, cells, -s),
        part(here, cells, 0),
        part(here, cells, s),
        part(smooth_right, cells, -s),
        part(smooth_left, cells, 0),
        part(smooth_right, cells, 0),
        part(smooth_left, cells, s),
        part(left, cells, 0),
        part(right, cells, 0),
    )
    faces = edge + 3 * s, size - 4 * s  # one less than the cells
    velocity, face = _line(memory, VELOCITY, plane, axis), _line(memory, FACE, plane, axis)
    upwind_value(part(velocity, faces, 0), part(right, faces, 0), part(left, faces, s), part(face, faces, 0))


# Fluxes


@piece
def _flux_across(memory, step, plane):
    """Face values and fluxes along the first of several axes; across the flow are the axes in the plane."""
    velocity, face = _near(memory, VELOCITY, plane, 0), _near(memory, FACE, plane, 0)
    upwind_value(velocity, _near(memory, CHOSEN, plane, RIGHT), _near(memory, CHOSEN, plane + 1, LEFT), face)
    far = memory.pitch if memory.dim == 3 else 1
    faces = far, face.size - far
    split_flux(
        memory.dim - 1,
        part(_near(memory, DENSITY, plane, 0), faces, 0),
        part(_near(memory, DENSITY, plane + 1, 0), faces, 0),
        part(velocity, faces, 0),
        part(face, faces, 0),
        (
            (part(velocity, faces, -1), part(velocity, faces, 1)),
            (part(velocity, faces, -far), part(velocity, faces, far)),
        ),
        ((part(face, faces, -1), part(face, faces, 1)), (part(face, faces, -far), part(face, faces, far))),
        step.ratio[0],
        step.vacuum,
        part(_near(memory, UPWIND, plane, 0), faces, 0),
        part(_near(memory, EXCESS, plane, 0), faces, 0),
    )


@piece
def _flux_within(memory, step, plane, axis):
    """Fluxes along an axis in the plane; across the flow are the first axis and the other one in the plane."""
    before, after = plane - memory.on, plane + memory.on
    s, t = stride(axis, memory.dim, memory.pitch), memory.pitch if axis == 2 else 1  # along the flow, and across it
    here = _near(memory, DENSITY, plane, 0)
    velocity, face = _near(memory, VELOCITY, plane, axis), _near(memory, FACE, plane, axis)
    u_before, u_after = _near(memory, VELOCITY, before, axis), _near(memory, VELOCITY, after, axis)
    q_before, q_after = _near(memory, FACE, before, axis), _near(memory, FACE, after, axis)
    faces = t, here.size - max(s, t)
    split_flux(
        memory.dim - 1,
        part(here, faces, 0),
        part(here, faces, s),
        part(velocity, faces, 0),
        part(face, faces, 0),
        ((part(u_before, faces, 0), part(u_after, faces, 0)), (part(velocity, faces, -t), part(velocity, faces, t))),
        ((part(q_before, faces, 0), part(q_after, faces, 0)), (part(face, faces, -t), part(face, faces, t))),
        step.ratio[axis],
        step.vacuum,
        part(_near(memory, UPWIND, plane, axis), faces, 0),
        part(_near(memory, EXCESS, plane, axis), faces, 0),
    )


# Update


@piece
def _note_rates(memory, step, tile, plane, rates):
    """Note the largest share of what it holds that a cell of a plane loses per time."""
    size, below = memory.lines.shape[1], _line(memory, VELOCITY, plane - memory.on, 0)
    velocities, rate = lines_of(memory.lines, VELOCITY, plane), _line(memory, RESULT, plane, 0)
    loss_rate(memory.dim, step, size, memory.pitch, below, velocities, _line(memory, OTHER, plane, 0), rate)
    rates[plane, tile.number] = largest_rate(tile, HALO, rate, rates)


@piece
def _predict(memory, step, plane, start, ring):
    """Fill a ring's line with ``start`` less the divergence of the first-order fluxes, and less what the source takes."""
    dim, pitch, below, predicted = memory.dim, memory.pitch, plane - memory.on, _near(memory, ring, plane, 0)
    flux_below, fluxes = _near(memory, UPWIND, below, 0), _axes(memory, UPWIND, plane)
    transport(dim, predicted.size, pitch, start, flux_below, fluxes, predicted)
    here, other = _near(memory, DENSITY, plane, 0), _near(memory, OTHER, plane, 0)
    velocity_below, velocities = _near(memory, VELOCITY, below, 0), _axes(memory, VELOCITY, plane)
    subtract_source(dim, step, predicted.size, pitch, velocity_below, velocities, other, here, predicted)


@piece
def _limit(memory, step, plane):
    limit(
        memory.dim,
        memory.pitch,
        step.vacuum,
        _near(memory, PREDICTED, plane, 0),
        _near(memory, EXCESS, plane - memory.on, 0),
        _axes(memory, EXCESS, plane),
        _near(memory, KEPT, plane, 0),
    )


@piece
def _correct(memory, step, plane):
    correct(
        memory.dim,
        memory.pitch,
        _near(memory, CHANGE, plane, 0) if step.change else _near(memory, PREDICTED, plane, 0),
        _near(memory, EXCESS, plane - memory.on, 0),
        _axes(memory, EXCESS, plane),
        _near(memory, KEPT, plane - memory.on, 0),
        _near(memory, KEPT, plane, 0),
        _near(memory, KEPT, plane + memory.on, 0),
        _near(memory, RESULT, plane, 0),
    )


@piece
def march(variant, tile, planes, work, given, step, written):
    """Advance a tile of the planes between two; see :func:`solvers.loops.euler.euler_step`."""
    dim, (lo, hi), memory = variant.dim, planes, _memory(variant.dim, tile, work)
    on = memory.on
    nothing = _near(memory, NOTHING, 0, 0)
    nothing[:] = 0
    for plane in range(lo - 10 * on, hi):
        load(given.field, plane + 5 * on, tile, HALO, _line(memory, DENSITY, plane + 5 * on, 0))
        if dim > 1 and plane + 3 >= lo - 3:
            _polynomials_across(memory, step, plane + 3)
        if dim > 1 and plane + 2 >= lo - 2:
            _choice_across(memory, step, plane + 2)
        ahead = plane + 2 * on
        if ahead >= lo - 2 * on:
            _velocities(memory, variant, tile, ahead, given, step, ahead == lo - 2 * on)
            for axis in range(on, dim):
                _faces_within(memory, step, ahead, axis)
        if dim > 1 and plane + 1 >= lo - 2:
            _flux_across(memory, step, plane + 1)
        ahead = plane + on
        if ahead >= lo - on:
            for axis in range(on, dim):
                _flux_within(memory, step, ahead, axis)
            if step.source != NO_SOURCE or step.bounded_by_growth:
                load(given.other, ahead, tile, HALO, _line(memory, OTHER, ahead, 0))
            if lo <= ahead < hi:
                _note_rates(memory, step, tile, ahead, written.rates)
            _predict(memory, step, ahead, _near(memory, DENSITY, ahead, 0), PREDICTED)
            if step.change:
                _predict(memory, step, ahead, nothing, CHANGE)
            _limit(memory, step, ahead)
        if plane >= lo:
            _correct(memory, step, plane)
            finish(step.blend, plane, tile, HALO, _line(memory, RESULT, plane, 0), given.old, written)

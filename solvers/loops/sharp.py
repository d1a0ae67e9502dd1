"""The sharp scheme, and fifth-order WENO, made positive by flux-corrected transport.

Along each axis, a cell has two candidates for the values at its two faces: a fifth-order polynomial (WENO-Z) and a tanh
profile (THINC). It takes the candidate with the smaller jumps to the polynomials of its neighbours. Where the edges of
holes are continuous, only the cell at the foot of an edge may take the tanh profile. A face takes the value of its
donor cell, and the flux gets a transverse correction. The excess of this flux over first-order upwind is
limited, but only where a cell would otherwise become negative.

:func:`march` proceeds through the planes. Each stage works a few planes ahead of the next, so that all intermediate
results stay in the cache. The stages, the ring buffers of :mod:`solvers.loops.sharp_memory` that they fill for a plane
p, and the planes that they read for it are:

===========================  =====================================  ==============
stage                        fills                                  reads
===========================  =====================================  ==============
load                         DENSITY                                p
polynomials across           SMOOTH_LEFT, SMOOTH_RIGHT              p − 2 to p + 2
choice across                LEFT, RIGHT                            p − 1 to p + 1
velocities                   VELOCITY                               p
faces within                 FACE along the axes in the plane       p
flux across                  FACE, UPWIND, EXCESS along the first   p and p + 1
flux within                  UPWIND, EXCESS along the others        p − 1 to p + 1
rates, prediction, limiter   PREDICTED, CHANGE, KEPT                p − 1 and p
correction                   the new values                         p − 1 to p + 1
===========================  =====================================  ==============

The new value of a cell therefore depends on 5 planes below it and 5 above, and likewise along the axes in the plane.
"Across" means along the first of several axes, along which the planes are stacked; "within" means along an axis in the
plane. In one dimension there is a single plane, on which all stages work at once.
"""

from solvers.loops import sharp_memory as rings
from solvers.loops.compilation import body, piece
from solvers.loops.limiter import correct, limit
from solvers.loops.lines import copy, least_variation, split_flux, upwind_value, weno
from solvers.loops.planes import kept_lines, lines_of, load, part
from solvers.loops.sharp_memory import Memory, axes, line, near
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
"""Number of ghost cells on either side; see the stages above."""
LINES = rings.LINES
"""Number of workspace lines of a thread."""


# Face velocities and face values


@piece
def _velocities(dim, spectral, memory, tile, plane, velocity, step, first):
    """Compute the velocities on the upper faces of a plane's cells; ``first`` says whether it is the first plane."""
    potential = kept_lines(memory.lines, rings.POTENTIAL)
    velocities = lines_of(memory.lines, rings.VELOCITY, plane)
    face_velocities(dim, spectral, velocity, plane, tile, HALO, step, first, potential, velocities)


@piece
def _choose(foot, before, here, after, smooth_before, smooth_left, smooth_right, smooth_after, left, right):
    """Choose the values of each cell at its faces; see :func:`solvers.loops.lines.least_variation`."""
    if foot > 0:
        least_variation(foot, before, here, after, smooth_before, smooth_left, smooth_right, smooth_after, left, right)
    else:
        copy(smooth_left, left)
        copy(smooth_right, right)


@piece
def _polynomials_across(memory, step, plane):
    """Compute the polynomial candidates across the planes."""
    weno(
        near(memory, rings.DENSITY, plane - 2),
        near(memory, rings.DENSITY, plane - 1),
        near(memory, rings.DENSITY, plane),
        near(memory, rings.DENSITY, plane + 1),
        near(memory, rings.DENSITY, plane + 2),
        step.tiny,
        near(memory, rings.SMOOTH_LEFT, plane),
        near(memory, rings.SMOOTH_RIGHT, plane),
    )


@piece
def _choice_across(memory, step, plane):
    """Choose between the two candidates of each cell across the planes."""
    _choose(
        step.foot,
        near(memory, rings.DENSITY, plane - 1),
        near(memory, rings.DENSITY, plane),
        near(memory, rings.DENSITY, plane + 1),
        near(memory, rings.SMOOTH_RIGHT, plane - 1),
        near(memory, rings.SMOOTH_LEFT, plane),
        near(memory, rings.SMOOTH_RIGHT, plane),
        near(memory, rings.SMOOTH_LEFT, plane + 1),
        near(memory, rings.LEFT, plane),
        near(memory, rings.RIGHT, plane),
    )


@piece
def _faces_within(dim, memory, step, plane, axis):
    """Compute the face values along an axis in the plane: polynomials, choice, and donor value of every face."""
    s, edge = stride(axis, dim, memory.pitch), memory.edge if axis == 2 else 0
    size = memory.lines.shape[1] - edge
    here = line(memory, rings.DENSITY, plane)
    smooth_left, smooth_right = (
        line(memory, rings.SMOOTH_LEFT_WITHIN, plane),
        line(memory, rings.SMOOTH_RIGHT_WITHIN, plane),
    )
    left, right = line(memory, rings.LEFT_WITHIN, plane), line(memory, rings.RIGHT_WITHIN, plane)
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
        step.foot,
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
    velocity, face = line(memory, rings.VELOCITY[axis], plane), line(memory, rings.FACE[axis], plane)
    upwind_value(part(velocity, faces, 0), part(right, faces, 0), part(left, faces, s), part(face, faces, 0))


# Fluxes


@piece
def _flux_across(dim, memory, step, plane):
    """Compute face values and fluxes along the first of several axes; the axes in the plane are transverse."""
    velocity, face = near(memory, rings.VELOCITY[0], plane), near(memory, rings.FACE[0], plane)
    upwind_value(velocity, near(memory, rings.RIGHT, plane), near(memory, rings.LEFT, plane + 1), face)
    far = memory.pitch if dim == 3 else 1
    faces = far, face.size - far
    split_flux(
        dim - 1,
        part(near(memory, rings.DENSITY, plane), faces, 0),
        part(near(memory, rings.DENSITY, plane + 1), faces, 0),
        part(velocity, faces, 0),
        part(face, faces, 0),
        (
            (part(velocity, faces, -1), part(velocity, faces, 1)),
            (part(velocity, faces, -far), part(velocity, faces, far)),
        ),
        ((part(face, faces, -1), part(face, faces, 1)), (part(face, faces, -far), part(face, faces, far))),
        step.ratio[0],
        step.vacuum,
        part(near(memory, rings.UPWIND[0], plane), faces, 0),
        part(near(memory, rings.EXCESS[0], plane), faces, 0),
    )


@piece
def _flux_within(dim, memory, step, plane, axis):
    """Compute fluxes along an axis in the plane; the first axis and the other one in the plane are transverse."""
    before, after = plane - memory.on, plane + memory.on
    s, t = (
        stride(axis, dim, memory.pitch),
        memory.pitch if axis == 2 else 1,
    )  # strides along the flux and transverse to it
    here = near(memory, rings.DENSITY, plane)
    velocity, face = near(memory, rings.VELOCITY[axis], plane), near(memory, rings.FACE[axis], plane)
    u_before, u_after = near(memory, rings.VELOCITY[axis], before), near(memory, rings.VELOCITY[axis], after)
    q_before, q_after = near(memory, rings.FACE[axis], before), near(memory, rings.FACE[axis], after)
    faces = t, here.size - max(s, t)
    split_flux(
        dim - 1,
        part(here, faces, 0),
        part(here, faces, s),
        part(velocity, faces, 0),
        part(face, faces, 0),
        ((part(u_before, faces, 0), part(u_after, faces, 0)), (part(velocity, faces, -t), part(velocity, faces, t))),
        ((part(q_before, faces, 0), part(q_after, faces, 0)), (part(face, faces, -t), part(face, faces, t))),
        step.ratio[axis],
        step.vacuum,
        part(near(memory, rings.UPWIND[axis], plane), faces, 0),
        part(near(memory, rings.EXCESS[axis], plane), faces, 0),
    )


# Update


@piece
def _note_rates(dim, memory, step, tile, plane, rates):
    """Record the largest relative rate of loss of the cells of a plane."""
    size, below = memory.lines.shape[1], line(memory, rings.VELOCITY[0], plane - memory.on)
    velocities, rate = lines_of(memory.lines, rings.VELOCITY, plane), line(memory, rings.RESULT, plane)
    loss_rate(dim, step, size, memory.pitch, below, velocities, line(memory, rings.OTHER, plane), rate)
    rates[plane, tile.number] = largest_rate(tile, HALO, rate, rates)


@piece
def _predict(dim, memory, step, plane, start, ring):
    """Fill a ring's line with ``start`` minus the divergence of the first-order fluxes and the loss to the source."""
    pitch, below, predicted = memory.pitch, plane - memory.on, near(memory, ring, plane)
    flux_below, fluxes = near(memory, rings.UPWIND[0], below), axes(memory, rings.UPWIND, plane)
    transport(dim, predicted.size, pitch, start, flux_below, fluxes, predicted)
    here, other = near(memory, rings.DENSITY, plane), near(memory, rings.OTHER, plane)
    velocity_below, velocities = near(memory, rings.VELOCITY[0], below), axes(memory, rings.VELOCITY, plane)
    subtract_source(dim, step, predicted.size, pitch, velocity_below, velocities, other, here, predicted)


@piece
def _limit(dim, memory, step, plane):
    """Compute the shares of their excess outflow that the cells of a plane may give, such that they stay ≥ 0."""
    limit(
        dim,
        memory.pitch,
        step.vacuum,
        near(memory, rings.PREDICTED, plane),
        near(memory, rings.EXCESS[0], plane - memory.on),
        axes(memory, rings.EXCESS, plane),
        near(memory, rings.KEPT, plane),
    )


@piece
def _correct(dim, memory, step, plane):
    """Compute the Euler step of a plane: its prediction minus the divergence of the limited excess fluxes."""
    correct(
        dim,
        memory.pitch,
        near(memory, rings.CHANGE, plane) if step.change else near(memory, rings.PREDICTED, plane),
        near(memory, rings.EXCESS[0], plane - memory.on),
        axes(memory, rings.EXCESS, plane),
        near(memory, rings.KEPT, plane - memory.on),
        near(memory, rings.KEPT, plane),
        near(memory, rings.KEPT, plane + memory.on),
        near(memory, rings.RESULT, plane),
    )


@body
def march(dim, spectral, tile, planes, work, given, step, written):
    """Advance a tile of the given range of planes; see :func:`solvers.loops.euler.euler_step`.

    Each stage begins at the first plane that a later stage needs. The density is therefore loaded from plane lo − 5 on.
    """
    (lo, hi), (field, velocity, other, old), (new, rates, tops) = planes, given, written
    on, pitch = 1 if dim > 1 else 0, tile.cells + 2 * HALO
    memory = Memory(work, on, pitch, 3 * pitch if dim == 3 else 0)
    nothing = near(memory, rings.NOTHING, lo)
    nothing[:] = 0
    for plane in range(lo - 10 * on, hi):
        load(field, plane + 5 * on, tile, HALO, line(memory, rings.DENSITY, plane + 5 * on))
        if dim > 1 and plane + 3 >= lo - 3:
            _polynomials_across(memory, step, plane + 3)
        if dim > 1 and plane + 2 >= lo - 2:
            _choice_across(memory, step, plane + 2)
        ahead = plane + 2 * on
        if ahead >= lo - 2 * on:
            _velocities(dim, spectral, memory, tile, ahead, velocity, step, ahead == lo - 2 * on)
            for axis in range(on, dim):
                _faces_within(dim, memory, step, ahead, axis)
        if dim > 1 and plane + 1 >= lo - 2:
            _flux_across(dim, memory, step, plane + 1)
        ahead = plane + on
        if ahead >= lo - on:
            for axis in range(on, dim):
                _flux_within(dim, memory, step, ahead, axis)
            if step.source != NO_SOURCE or step.bounded_by_growth:
                load(other, ahead, tile, HALO, line(memory, rings.OTHER, ahead))
            if lo <= ahead < hi:
                _note_rates(dim, memory, step, tile, ahead, rates)
            _predict(dim, memory, step, ahead, near(memory, rings.DENSITY, ahead), rings.PREDICTED)
            if step.change:
                _predict(dim, memory, step, ahead, nothing, rings.CHANGE)
            _limit(dim, memory, step, ahead)
        if plane >= lo:
            _correct(dim, memory, step, plane)
            finish(step.blend, plane, tile, HALO, line(memory, rings.RESULT, plane), old, new, tops)

"""Compiled Euler steps of the sharp scheme, and of fifth-order WENO, made positive by flux-corrected transport.

Along each axis a cell has two candidates for its values at its own two faces, a fifth-order polynomial (WENO-Z) and a
tanh jump (THINC), and takes the one with the smaller jumps to its neighbours' polynomials. A face takes the value of
its donor; the flux gets its correction across the flow. What this flux carries beyond first-order upwind is then
limited, only where a cell would otherwise become negative.

Planes go through these stages one after another, each a few planes ahead of the next, so that all that lies between the
density and its next value stays in the cache.
"""

from functools import lru_cache
from typing import Any

from solvers.loops.compilation import SOURCES, entry, piece
from solvers.loops.lines import (
    add_outflow,
    largest,
    least_variation,
    limit,
    share_kept,
    split_flux,
    upwind_value,
    weno,
)
from solvers.loops.planes import Tile, load
from solvers.loops.stages import (
    NO_SOURCE,
    Variant,
    face_velocities,
    finish,
    largest_in_rows,
    loss_rate,
    stride,
    subtract_source,
    transport,
)

WENO, SHARP = 10, 11
"""The schemes by the number that the compiled code knows them by."""
HALO = 5
"""Cells on either side that the new value of a cell depends on beyond its neighbour: see the stages below."""
LINES = 5 + 6 + 3 + 2 + 2 + 2 + 9 + 1 + 6 + 2 + 3 + 6 + 4 + 5 + 3 + 3
"""Lines of working memory of a thread."""


@piece
def _inner(line, edge):
    """A line without so much at either end."""
    return line[edge : line.size - edge]


@piece
def _choose(scheme, before, here, after, smooth_before, smooth_left, smooth_right, smooth_after, left, right):
    """The values of each cell at its own faces; see :func:`solvers.loops.lines.least_variation`."""
    if scheme == SHARP:
        least_variation(before, here, after, smooth_before, smooth_left, smooth_right, smooth_after, left, right)
    else:
        left[:] = smooth_left
        right[:] = smooth_right


@piece
def _reconstruct(scheme, s, tiny, here, velocity, smooth, left, right, face):
    """Face values along an axis within the planes, s numbers from one cell to the next."""
    size = here.size
    weno(
        here[: size - 4 * s],
        here[s : size - 3 * s],
        here[2 * s : size - 2 * s],
        here[3 * s : size - s],
        here[4 * s :],
        tiny,
        smooth[0][2 * s : size - 2 * s],
        smooth[1][2 * s : size - 2 * s],
    )
    _choose(
        scheme,
        here[2 * s : size - 4 * s],
        here[3 * s : size - 3 * s],
        here[4 * s : size - 2 * s],
        smooth[1][2 * s : size - 4 * s],
        smooth[0][3 * s : size - 3 * s],
        smooth[1][3 * s : size - 3 * s],
        smooth[0][4 * s : size - 2 * s],
        left[3 * s : size - 3 * s],
        right[3 * s : size - 3 * s],
    )
    upwind_value(
        velocity[3 * s : size - 4 * s],
        right[3 * s : size - 4 * s],
        left[4 * s : size - 3 * s],
        face[3 * s : size - 4 * s],
    )


@piece
def _march(variant, tile, lo, hi, work, field, velocity, other, old, new, step, rates, tops):
    """Advance a tile of the planes from lo to hi; see :func:`euler_step`.

    The stages, and the planes or cells that each looks at: candidates 2 on either side; the choice 1 more; a face the
    two cells that share it, and its neighbours across; what a cell keeps its faces; the limited flux two cells. So the
    new value of a cell depends on 5 cells below it and on 5 above.
    """
    dim, scheme = variant.dim, variant.scheme
    pitch, size = tile.cells + 2 * HALO, work.shape[1]
    edge = 3 * pitch if dim == 3 else 0  # rows that only reconstructions along the second axis look at
    on = 1 if dim > 1 else 0  # whether there is a first axis that planes are stacked along
    at = 0
    here = work[at : at + 5]
    at += 5
    stacked = (work[at], work[at + 1]), (work[at + 2], work[at + 3]), (work[at + 4], work[at + 5])
    at += 6
    chosen_right = work[at], work[at + 1]
    chosen_left = work[at + 2]
    at += 3
    within = work[at], work[at + 1]
    at += 2
    left, right = work[at], work[at + 1]
    at += 2
    potential = work[at : at + 2]
    at += 2
    faces = work[at : at + 3], work[at + 3 : at + 6], work[at + 6 : at + 9]
    at += 9
    face0 = work[at]
    at += 1
    face = work[at : at + 3], work[at + 3 : at + 6]  # axes 1 and 2, three planes each
    at += 6
    low0 = work[at], work[at + 1]
    at += 2
    low = work[at : at + 3]
    at += 3
    excess0 = work[at], work[at + 1]
    excess = work[at + 2 : at + 4], work[at + 4 : at + 6]
    at += 6
    euler = work[at], work[at + 1]
    keep = work[at + 2], work[at + 3]
    at += 4
    limited0 = work[at], work[at + 1]
    limited = work[at + 2 : at + 5]
    at += 5
    leaving, beside, high = work[at], work[at + 1], work[at + 2]
    at += 3
    changes, nothing = (work[at], work[at + 1]), work[at + 2]
    nothing[:] = 0

    for plane in range(lo - 10 * on, hi):
        load(field, plane + 5 * on, tile, HALO, here[(plane + 5 * on) % 5])
        ahead, next_ = plane + 2 * on, plane + on  # where the reconstruction and the limiter are
        if dim > 1:
            if plane >= lo - 6:
                weno(
                    _inner(here[(plane + 1) % 5], edge),
                    _inner(here[(plane + 2) % 5], edge),
                    _inner(here[(plane + 3) % 5], edge),
                    _inner(here[(plane + 4) % 5], edge),
                    _inner(here[plane % 5], edge),
                    step.tiny,
                    _inner(stacked[plane % 3][0], edge),
                    _inner(stacked[plane % 3][1], edge),
                )
            if plane >= lo - 4:
                smooth = stacked[(plane - 1) % 3]
                _choose(
                    scheme,
                    _inner(here[(plane + 1) % 5], edge),
                    _inner(here[ahead % 5], edge),
                    _inner(here[(plane + 3) % 5], edge),
                    _inner(stacked[(plane - 2) % 3][1], edge),
                    _inner(smooth[0], edge),
                    _inner(smooth[1], edge),
                    _inner(stacked[plane % 3][0], edge),
                    _inner(chosen_left, edge),
                    _inner(chosen_right[ahead % 2], edge),
                )
        if plane < lo - 4 * on:
            continue
        first = plane == lo - 4 * on
        faces_ahead = faces[ahead % 3]
        face_velocities(dim, variant.spectral, velocity, ahead, tile, HALO, step.inverse, first, potential, faces_ahead)
        for axis in range(on, dim):
            s, skip = stride(axis, dim, pitch), edge if axis == 2 else 0
            _reconstruct(
                scheme,
                s,
                step.tiny,
                _inner(here[ahead % 5], skip),
                _inner(faces_ahead[axis], skip),
                (_inner(within[0], skip), _inner(within[1], skip)),
                _inner(left, skip),
                _inner(right, skip),
                _inner(face[axis - on][ahead % 3], skip),
            )
        if plane < lo - 3 * on:
            continue
        u_next, middle = faces[next_ % 3], here[next_ % 5]
        if dim > 1:
            u, q, t = u_next[0], face0, pitch if dim == 3 else 1
            upwind_value(
                _inner(u, edge), _inner(chosen_right[next_ % 2], edge), _inner(chosen_left, edge), _inner(q, edge)
            )
            split_flux(
                dim - 1,
                middle[t : size - t],
                here[ahead % 5][t : size - t],
                u[t : size - t],
                q[t : size - t],
                ((u[t - 1 : size - t - 1], u[t + 1 : size - t + 1]), (u[: size - 2 * t], u[2 * t :])),
                ((q[t - 1 : size - t - 1], q[t + 1 : size - t + 1]), (q[: size - 2 * t], q[2 * t :])),
                step.ratio[0],
                step.vacuum,
                low0[next_ % 2][t : size - t],
                excess0[next_ % 2][t : size - t],
            )
        if plane < lo - 2 * on:
            continue
        for axis in range(on, dim):
            s, t = stride(axis, dim, pitch), pitch if axis == 2 else 1  # along the flow, and across it in the plane
            u, q = u_next[axis], face[axis - on][next_ % 3]
            u_, q_ = faces[plane % 3][axis], face[axis - on][plane % 3]
            u__, q__ = faces_ahead[axis], face[axis - on][ahead % 3]
            end = size - max(s, t)
            split_flux(
                dim - 1,
                middle[t:end],
                middle[t + s : end + s],
                u[t:end],
                q[t:end],
                ((u_[t:end], u__[t:end]), (u[: end - t], u[2 * t : end + t])),
                ((q_[t:end], q__[t:end]), (q[: end - t], q[2 * t : end + t])),
                step.ratio[axis],
                step.vacuum,
                low[axis][t:end],
                excess[axis - on][next_ % 2][t:end],
            )
        if variant.source != NO_SOURCE or variant.bounded_by_growth:
            load(other, next_, tile, HALO, beside)
        below = faces[plane % 3][0]
        if lo <= next_ < hi:
            loss_rate(variant, step, size, pitch, below, u_next, beside, high)
            rates[next_, tile.number] = largest_in_rows(tile, HALO, high, rates)
        lows = low0[next_ % 2] if dim > 1 else low[0], low[1], low[2]
        transport(dim, size, pitch, middle, low0[plane % 2], lows, euler[next_ % 2])
        if variant.source != NO_SOURCE:
            subtract_source(variant, step, size, pitch, below, u_next, beside, middle, euler[next_ % 2])
        if step.change:
            transport(dim, size, pitch, nothing, low0[plane % 2], lows, changes[next_ % 2])
            if variant.source != NO_SOURCE:
                subtract_source(variant, step, size, pitch, below, u_next, beside, middle, changes[next_ % 2])
        leaving[:] = 0
        if dim > 1:
            add_outflow(excess0[plane % 2], excess0[next_ % 2], leaving)
        for axis in range(on, dim):
            s, e = stride(axis, dim, pitch), excess[axis - on][next_ % 2]
            add_outflow(e[: size - s], e[s:], leaving[s:])
        share_kept(euler[next_ % 2], leaving, step.vacuum, keep[next_ % 2])
        if plane < lo - on:
            continue
        if dim > 1:
            limit(excess0[plane % 2], keep[plane % 2], keep[next_ % 2], limited0[plane % 2])
        if plane < lo:
            continue
        kept = keep[plane % 2]
        for axis in range(on, dim):
            s = stride(axis, dim, pitch)
            limit(excess[axis - on][plane % 2][: size - s], kept[: size - s], kept[s:], limited[axis][: size - s])
        excesses = limited0[plane % 2] if dim > 1 else limited[0], limited[1], limited[2]
        unlimited = changes[plane % 2] if step.change else euler[plane % 2]
        transport(dim, size, pitch, unlimited, limited0[next_ % 2], excesses, high)
        finish(step.blend, plane, tile, HALO, high, old, new)
        written = new[plane, tile.first : tile.first + tile.rows].reshape(-1)
        tops[plane, tile.number] = largest(written.view(tops.dtype))


@lru_cache
def euler_step(variant: Variant) -> Any:
    """The compiled step of a variant; it takes what :func:`solvers.loops.monotone.euler_step` does."""
    dim, scheme, spectral, source, by_growth, by_tracer = variant
    stamp = SOURCES

    @entry
    def step_planes(lo, hi, rows_at_once, work, field, velocity, other, old, new, step, rates, tops):
        assert stamp  # named here so that the code on disk is of these sources
        made_for = Variant(dim, scheme, spectral, source, by_growth, by_tracer)
        rows, cells = new.shape[1], new.shape[2]
        for index in range(rates.shape[1]):
            first = index * rows_at_once
            tile = Tile(index, first, min(rows_at_once, rows - first), rows, cells)
            _march(made_for, tile, lo, hi, work, field, velocity, other, old, new, step, rates, tops)

    return step_planes

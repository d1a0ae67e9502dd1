"""The sharp scheme, and fifth-order WENO, made positive by flux-corrected transport.

Along each axis a cell has two candidates for its values at its own two faces, a fifth-order polynomial (WENO-Z) and a
tanh jump (THINC), and takes the one with the smaller jumps to its neighbours' polynomials. A face takes the value of
its donor; the flux gets its correction across the flow. What this flux carries beyond first-order upwind is then
limited, only where a cell would otherwise become negative.

Planes go through these stages one after another, each a few planes ahead of the next, so that all that lies between the
density and its next value stays in the cache.
"""

from solvers.loops.compilation import piece
from solvers.loops.lines import (
    copy,
    largest,
    least_variation,
    limited,
    outflow,
    share_kept,
    split_flux,
    upwind_value,
    weno,
)
from solvers.loops.planes import load
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
"""Cells on either side that the new value of a cell depends on beyond its neighbour: see the stages below."""
FULL_LINES = 5 + 2 + 2 + 2 + 9 + 6 + 2
SHORT_LINES = 6 + 3 + 1 + 2 + 3 + 3 + 4 + 2 + 3 + 2 + 1
LINES = FULL_LINES + SHORT_LINES
"""Lines of working memory of a thread, in the order in which :func:`march` takes them."""


@piece
def _inner(line, edge):
    """A line without so much at either end."""
    return line[edge : line.size - edge]


@piece
def _choose(sharpen, before, here, after, smooth_before, smooth_left, smooth_right, smooth_after, left, right):
    """The values of each cell at its own faces; see :func:`solvers.loops.lines.least_variation`."""
    if sharpen:
        least_variation(before, here, after, smooth_before, smooth_left, smooth_right, smooth_after, left, right)
    else:
        copy(smooth_left, left)
        copy(smooth_right, right)


@piece
def _reconstruct(sharpen, s, tiny, here, velocity, smooth, left, right, face):
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
        sharpen,
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
def _shares(dim, pitch, vacuum, low, below, excess, keep):
    """Write what share of its excess outflow each cell of a line may give."""
    size, skip = keep.size, pitch if dim == 3 else 1
    keep, low, f = keep[skip:], low[skip:], excess[0][skip:]
    if dim == 1:
        f_ = excess[0][: size - 1]
        for i in range(keep.size):
            keep[i] = share_kept(low[i], outflow(f[i], f_[i]), vacuum)
    elif dim == 2:
        f_, g, g_ = below[1:], excess[1][1:], excess[1][: size - 1]
        for i in range(keep.size):
            keep[i] = share_kept(low[i], outflow(f[i], f_[i]) + outflow(g[i], g_[i]), vacuum)
    else:
        f_, g, g_ = below[skip:], excess[1][skip:], excess[1][: size - skip]
        h, h_ = excess[2][skip:], excess[2][skip - 1 : size - 1]
        for i in range(keep.size):
            leaving = outflow(f[i], f_[i]) + outflow(g[i], g_[i]) + outflow(h[i], h_[i])
            keep[i] = share_kept(low[i], leaving, vacuum)


@piece
def _correct(dim, pitch, low, below, excess, keep_below, keep, keep_above, out):
    """Write a line of cells less the divergence of their limited excess fluxes."""
    skip = pitch if dim == 3 else 1
    size = out.size - skip
    out, low, k, f = out[skip:size], low[skip:size], keep[skip:size], excess[0][skip:size]
    k1, k1_ = keep[skip + 1 : size + 1], keep[skip - 1 : size - 1]  # neighbours along the last axis
    if dim == 1:
        f_ = excess[0][skip - 1 : size - 1]
        for i in range(out.size):
            out[i] = low[i] - (limited(f[i], k[i], k1[i]) - limited(f_[i], k1_[i], k[i]))
        return
    f_, k0, k0_ = below[skip:size], keep_above[skip:size], keep_below[skip:size]
    g, g_ = excess[dim - 1][skip:size], excess[dim - 1][skip - 1 : size - 1]
    if dim == 2:
        for i in range(out.size):
            along0 = limited(f[i], k[i], k0[i]) - limited(f_[i], k0_[i], k[i])
            out[i] = low[i] - (along0 + (limited(g[i], k[i], k1[i]) - limited(g_[i], k1_[i], k[i])))
    else:
        h, h_ = excess[1][skip:size], excess[1][: size - skip]
        k2, k2_ = keep[2 * skip : size + skip], keep[: size - skip]
        for i in range(out.size):
            along0 = limited(f[i], k[i], k0[i]) - limited(f_[i], k0_[i], k[i])
            along1 = limited(h[i], k[i], k2[i]) - limited(h_[i], k2_[i], k[i])
            out[i] = low[i] - (along0 + along1 + (limited(g[i], k[i], k1[i]) - limited(g_[i], k1_[i], k[i])))


@piece
def march(dim, spectral, tile, lo, hi, work, field, velocity, other, old, new, step, rates, tops):
    """Advance a tile of the planes from lo to hi; see :func:`solvers.loops.euler.euler_step`.

    The stages, and the planes or cells that each looks at: candidates 2 on either side; the choice 1 more; a face the
    two cells that share it, and its neighbours across; what a cell keeps its faces; the limited flux two cells. So the
    new value of a cell depends on 5 cells below it and on 5 above. Only reconstructions along the second of three axes
    look at the three outermost rows of the halo, so the others leave them out: their lines are shorter.
    """
    pitch, size = tile.cells + 2 * HALO, work.shape[1]
    edge = 3 * pitch if dim == 3 else 0
    short = size - 2 * edge
    on = 1 if dim > 1 else 0  # whether there is a first axis that planes are stacked along
    numbers = work.reshape(-1)
    full = numbers[: FULL_LINES * size].reshape(FULL_LINES, size)
    here, within, left, right = full[0:5], (full[5], full[6]), full[7], full[8]
    potential, faces = full[9:11], (full[11:14], full[14:17], full[17:20])
    face = full[20:23], full[23:26]  # axes within the planes, three planes each
    beside, result = full[26], full[27]
    near = numbers[FULL_LINES * size :][: SHORT_LINES * short].reshape(SHORT_LINES, short)
    stacked, chosen_right, chosen_left = (near[0:2], near[2:4], near[4:6]), near[6:8], near[8]
    face0, low0, low, excess0 = near[9], near[10:12], near[12:15], near[15:18]
    excess = near[18:20], near[20:22]
    euler, keep, changes, nothing = near[22:24], near[24:27], near[27:29], near[29]
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
                    stacked[plane % 3][0],
                    stacked[plane % 3][1],
                )
            if plane >= lo - 4:
                smooth = stacked[(plane - 1) % 3]
                _choose(
                    step.sharpen,
                    _inner(here[(plane + 1) % 5], edge),
                    _inner(here[ahead % 5], edge),
                    _inner(here[(plane + 3) % 5], edge),
                    stacked[(plane - 2) % 3][1],
                    smooth[0],
                    smooth[1],
                    stacked[plane % 3][0],
                    chosen_left,
                    chosen_right[ahead % 2],
                )
        if plane < lo - 4 * on:
            continue
        first = plane == lo - 4 * on
        faces_ahead = faces[ahead % 3]
        face_velocities(dim, spectral, velocity, ahead, tile, HALO, step.inverse, first, potential, faces_ahead)
        for axis in range(on, dim):
            s, skip = stride(axis, dim, pitch), edge if axis == 2 else 0
            _reconstruct(
                step.sharpen,
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
        middle = _inner(here[next_ % 5], edge)
        if dim > 1:
            u, q, t = _inner(faces[next_ % 3][0], edge), face0, pitch if dim == 3 else 1
            upwind_value(u, chosen_right[next_ % 2], chosen_left, q)
            split_flux(
                dim - 1,
                middle[t : short - t],
                _inner(here[ahead % 5], edge)[t : short - t],
                u[t : short - t],
                q[t : short - t],
                ((u[t - 1 : short - t - 1], u[t + 1 : short - t + 1]), (u[: short - 2 * t], u[2 * t :])),
                ((q[t - 1 : short - t - 1], q[t + 1 : short - t + 1]), (q[: short - 2 * t], q[2 * t :])),
                step.ratio[0],
                step.vacuum,
                low0[next_ % 2][t : short - t],
                excess0[next_ % 3][t : short - t],
            )
        if plane < lo - 2 * on:
            continue
        for axis in range(on, dim):
            s, t = stride(axis, dim, pitch), pitch if axis == 2 else 1  # along the flow, and across it in the plane
            u, q = _inner(faces[next_ % 3][axis], edge), _inner(face[axis - on][next_ % 3], edge)
            u_, q_ = _inner(faces[plane % 3][axis], edge), _inner(face[axis - on][plane % 3], edge)
            u__, q__ = _inner(faces_ahead[axis], edge), _inner(face[axis - on][ahead % 3], edge)
            end = short - max(s, t)
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
        if step.source != NO_SOURCE or step.bounded_by_growth:
            load(other, next_, tile, HALO, beside)
        if lo <= next_ < hi:
            loss_rate(dim, step, size, pitch, faces[plane % 3][0], faces[next_ % 3], beside, result)
            rates[next_, tile.number] = largest_rate(tile, HALO, result, rates)
        below = _inner(faces[plane % 3][0], edge)
        within_next = faces[next_ % 3]
        faces_next = _inner(within_next[0], edge), _inner(within_next[1], edge), _inner(within_next[2], edge)
        lows = low0[next_ % 2] if dim > 1 else low[0], low[1], low[2]
        excesses = excess0[next_ % 3] if dim > 1 else excess[0][0], excess[0][next_ % 2], excess[1][next_ % 2]
        given = _inner(beside, edge)
        transport(dim, short, pitch, middle, low0[plane % 2], lows, euler[next_ % 2])
        subtract_source(dim, step, short, pitch, below, faces_next, given, middle, euler[next_ % 2])
        if step.change:
            transport(dim, short, pitch, nothing, low0[plane % 2], lows, changes[next_ % 2])
            subtract_source(dim, step, short, pitch, below, faces_next, given, middle, changes[next_ % 2])
        _shares(dim, pitch, step.vacuum, euler[next_ % 2], excess0[plane % 3], excesses, keep[next_ % 3])
        if plane < lo:
            continue
        _correct(
            dim,
            pitch,
            changes[plane % 2] if step.change else euler[plane % 2],
            excess0[(plane - 1) % 3],
            (excess0[plane % 3] if dim > 1 else excess[0][0], excess[0][plane % 2], excess[1][plane % 2]),
            keep[(plane - 1) % 3],
            keep[plane % 3],
            keep[next_ % 3],
            _inner(result, edge),
        )
        finish(step.blend, plane, tile, HALO, result, old, new)
        written = new[plane, tile.first : tile.first + tile.rows].reshape(-1)
        tops[plane, tile.number] = largest(written.view(tops.dtype))

"""Parts common to the compiled Euler steps: velocities, bounds on the step, sources and Runge–Kutta blending.

Alternatives inside a loop over cells are constants of the compiled code. Alternatives that are chosen once per line are
flags of the step, so that a run compiles a single step.
"""

from typing import NamedTuple

import numpy as np

from solvers.loops.compilation import piece
from solvers.loops.lines import descend, largest, negate, outflow
from solvers.loops.planes import Field, load, row_start

HIGH_ORDER = 10
"""Number of the scheme of :mod:`solvers.loops.sharp` in the compiled code, in addition to those of the limiters."""
NO_SOURCE, GROWTH, DILATION = range(3)
"""Source terms: none, −β V μ of growth, and χ (∇·u − Λ μ) for the volume fraction of an advected hole."""


class Variant(NamedTuple):
    """Constants by which a compiled step is specialised; each variant is compiled separately."""

    dim: int
    scheme: int
    """``UPWIND``, the number of a limiter, or ``HIGH_ORDER``."""
    spectral: bool
    """Whether face velocities are given; otherwise they are computed as differences of the potential."""


class Step(NamedTuple):
    """Parameters of an Euler step in the working precision; those of the axes are triples in any dimension."""

    sign: np.floating
    """1 for a density that moves with −∇V, −1 for one that moves with ∇V."""
    dt: np.floating
    blend: np.floating
    """α: the stage is α times the old state and 1 − α times the Euler step."""
    ratio: tuple[np.floating, np.floating, np.floating]
    """Δt / h."""
    inverse: tuple[np.floating, np.floating, np.floating]
    """1 / h."""
    strength: np.floating
    """β of the growth source, or Λ for an advected hole."""
    growth: np.floating
    """β."""
    weight: np.floating
    """Inverse of the share of its volume that a cell may lose in a step."""
    vacuum: np.floating
    """Density below which a cell gives nothing to its neighbours."""
    tiny: np.floating
    """Added to the smoothness indicators."""
    change: bool
    """Whether to write only Δt times the tendency; then α is 0."""
    source: int
    """``NO_SOURCE``, ``GROWTH`` or ``DILATION``."""
    bounded_by_growth: bool
    bounded_by_tracer: bool
    foot: np.floating
    """Largest share of its larger neighbour that a cell with a jump may hold: 1 if edges stay jumps, 0 for no jumps."""


class Given(NamedTuple):
    """Input of an Euler step."""

    field: Field
    """The field to advance."""
    velocity: tuple[Field, ...]
    """The face velocities along each axis, or the potential alone."""
    other: Field
    """V or μ for the source, and V for the growth bound; unused otherwise."""
    old: np.ndarray
    """Old state of the Runge–Kutta scheme, shape (planes, rows, cells)."""


class Written(NamedTuple):
    """Output of an Euler step."""

    new: np.ndarray
    """The stage, shape (planes, rows, cells)."""
    rates: np.ndarray
    """Largest rate of loss, as bits, shape (planes, tiles); see :func:`solvers.loops.lines.largest`."""
    tops: np.ndarray
    """Largest new value, likewise."""


@piece
def stride(axis, dim, pitch):
    """Return the distance in a padded plane to the neighbour along an axis within the plane."""
    return pitch if dim == 3 and axis == 1 else 1


@piece
def face_velocities(dim, spectral, velocity, plane, tile, halo, step, first, potential, faces):
    """Fill ``faces[axis]`` with the velocities on the upper faces of a plane's cells.

    ``potential`` are two lines for V on this plane and the next, in a ring. The former is already loaded unless this is
    the first plane.
    """
    if spectral:
        for axis in range(dim):
            load(velocity[axis], plane, tile, halo, faces[axis])
            if step.sign < 0:
                negate(faces[axis])
        return
    here, next_ = potential[plane % 2], potential[(plane + 1) % 2]
    if dim == 1 or first:
        load(velocity[0], plane, tile, halo, here)
    if dim > 1:
        load(velocity[0], plane + 1, tile, halo, next_)
        descend(here, next_, step.sign * step.inverse[0], faces[0])
    for axis in range(0 if dim == 1 else 1, dim):
        away = stride(axis, dim, tile.cells + 2 * halo)
        descend(here[:-away], here[away:], step.sign * step.inverse[axis], faces[axis][:-away])


@piece
def loss_rate(dim, step, size, pitch, below, faces, potential, rate):
    """Compute an upper bound for the relative rate of loss of each cell of a line, for the bounds that the step needs.

    The loss by transport counts ``step.weight`` times: it must not exceed the share that the reconstruction allows.
    ``below`` contains the velocities on the lower faces of the first axis.
    """
    h0, h1, h2 = step.inverse[0] * step.weight, step.inverse[1] * step.weight, step.inverse[2] * step.weight
    skip = pitch if dim == 3 else 1  # cells without a neighbour in the line
    rate, u = rate[skip:size], faces[0][skip:size]
    if dim == 1:
        u_ = faces[0][: size - 1]
        for i in range(rate.size):
            rate[i] = h0 * outflow(u[i], u_[i])
    elif dim == 2:
        u_, v, v_ = below[1:size], faces[1][1:size], faces[1][: size - 1]
        for i in range(rate.size):
            rate[i] = h0 * outflow(u[i], u_[i]) + h1 * outflow(v[i], v_[i])
    else:
        u_, v, v_ = below[skip:size], faces[1][skip:size], faces[1][: size - skip]
        w, w_ = faces[2][skip:size], faces[2][skip - 1 : size - 1]
        for i in range(rate.size):
            rate[i] = h0 * outflow(u[i], u_[i]) + h1 * outflow(v[i], v_[i]) + h2 * outflow(w[i], w_[i])
    zero = step.dt - step.dt
    if step.bounded_by_growth:
        value = potential[skip:size]
        for i in range(rate.size):
            rate[i] += step.growth * max(step.sign * value[i], zero)
    if step.bounded_by_tracer:
        for i in range(skip, size):
            rate[i - skip] += max(-divergence(dim, step.inverse, i, pitch, below, faces), zero)


@piece
def divergence(dim, inverse, i, pitch, below, faces):
    """Return ∇·u in the i-th cell of a line."""
    last = faces[dim - 1]
    if dim == 1:
        return (last[i] - last[i - 1]) * inverse[0]
    change = (faces[0][i] - below[i]) * inverse[0] + (last[i] - last[i - 1]) * inverse[dim - 1]
    return change if dim == 2 else change + (faces[1][i] - faces[1][i - pitch]) * inverse[1]


@piece
def subtract_source(dim, step, size, pitch, below, faces, other, here, euler):
    """Subtract Δt times the loss of each cell of a line to the source.

    The loss is β V μ, with V in ``other``, or, for an advected hole, χ (Λ μ − ∇·u), with μ in ``other``.
    """
    skip = pitch if dim == 3 else 1
    if step.source == GROWTH:
        strength = step.sign * step.strength
        for i in range(skip, size):
            euler[i] -= step.dt * (strength * other[i]) * here[i]
    elif step.source == DILATION:
        for i in range(skip, size):
            rate = step.strength * other[i] - divergence(dim, step.inverse, i, pitch, below, faces)
            euler[i] -= step.dt * rate * here[i]


@piece
def transport(dim, size, pitch, here, below, fluxes, euler):
    """Write a line of cells minus the divergence of their fluxes, which already contain Δt / h."""
    skip = pitch if dim == 3 else 1
    euler, m, f = euler[skip:size], here[skip:size], fluxes[0][skip:size]
    if dim == 1:
        f_ = fluxes[0][: size - 1]
        for i in range(euler.size):
            euler[i] = m[i] - (f[i] - f_[i])
    elif dim == 2:
        f_, g, g_ = below[1:size], fluxes[1][1:size], fluxes[1][: size - 1]
        for i in range(euler.size):
            euler[i] = m[i] - ((f[i] - f_[i]) + (g[i] - g_[i]))
    else:
        f_, g, g_ = below[skip:size], fluxes[1][skip:size], fluxes[1][: size - skip]
        h, h_ = fluxes[2][skip:size], fluxes[2][skip - 1 : size - 1]
        for i in range(euler.size):
            euler[i] = m[i] - ((f[i] - f_[i]) + (g[i] - g_[i]) + (h[i] - h_[i]))


@piece
def finish(blend, plane, tile, halo, euler, old, new, tops):
    """Write a tile of the stage, ``E + α (old − E)`` with the Euler step E, and record its largest value.

    If the step obeys its bounds, E ≥ 0; and the blend of two values ≥ 0 is ≥ 0. Both hold in floating point.
    """
    for j in range(tile.rows):
        start = row_start(j, tile, halo)
        value = euler[start : start + tile.cells]
        before, after = old[plane, tile.first + j], new[plane, tile.first + j]
        for k in range(after.size):
            after[k] = value[k] + blend * (before[k] - value[k])
    values = new[plane, tile.first : tile.first + tile.rows].reshape(-1)
    tops[plane, tile.number] = largest(values.view(tops.dtype))


@piece
def clear_halo(tile, halo, line):
    """Set all numbers of a line to 0, except those of the tile's own cells."""
    end = 0
    for j in range(tile.rows):
        start = row_start(j, tile, halo)
        line[end:start] = 0
        end = start + tile.cells
    line[end:] = 0


@piece
def largest_rate(tile, halo, rate, bits):
    """Return the largest of a line of rates, as bits of the type of ``bits``; the halo of the line is cleared."""
    clear_halo(tile, halo, rate)
    return largest(rate.view(bits.dtype))

"""The compiled passes over a sphere with rings of cells: harmonics to potential, potential to tendency, and a stage.

In every ring, a number of neighbouring cells is joined to a parcel: a power of two, which is 1 away from the poles. No
fluxes are computed inside a parcel. Its cells have the same tendency, and a stage replaces them by the mean of the
parcel with a limited slope along the ring. Areas, lengths of faces and fluxes are divided by the longitude Δφ of a
cell.

References
----------
Zhang, Sorathia, Lyon, Merkin and Wiltberger, J. Comput. Phys. 376 (2019) 276 (averages along rings).
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from solvers.loops.compilation import entry, line_function, piece
from solvers.loops.lines import VANLEER, copy, descend, half_slope, largest, limited_flux, outflow
from solvers.loops.totals import row_product

LINES = 9
"""Number of workspace lines of a thread, each :data:`HALO` elements longer than a ring."""
HALO = 4


class Rings(NamedTuple):
    """Geometry: arrays with one number per ring or, for southern faces, per ring except the last."""

    area: np.ndarray
    """Area of a cell."""
    south: np.ndarray
    """Length of a southern face."""
    per_south: np.ndarray
    """Inverse distance to the next ring."""
    east: np.ndarray
    """Length of a face between neighbours along the ring, divided by Δφ."""
    per_east: np.ndarray
    """Inverse distance between neighbours along the ring."""
    joined: np.ndarray
    """Number of cells of a parcel."""
    lean_south: np.ndarray
    """Offset of a southern face from the midpoint of its rings, as a share of the way to the next face polewards."""
    per_poleward: np.ndarray
    """Inverse distance between the two rings of that next face."""
    lean_east: np.ndarray
    """Offset of the centre of an eastern face from its ring, as a share of the way to the next ring polewards."""
    per_east_poleward: np.ndarray
    """Inverse distance between neighbours along that next ring; negative across the pole, where east becomes west."""
    across: float
    """Position of the stencil point beyond a pole, as a share of the distance to the ring on the opposite side."""


class TendencyStep(NamedTuple):
    """Parameters of a tendency."""

    sign: float
    """1 for a density that moves with −∇V, −1 for one that moves with ∇V."""
    growth: float
    """β."""
    vacuum: float
    """Density below which a cell gives nothing to its neighbours."""


@line_function
def beyond_pole(ring, share, line):
    """Write the values on a ring beyond a pole, interpolated between the last ring and its opposite side."""
    half = ring.size // 2
    for i in range(half):
        here, opposite = ring[i], ring[half + i]
        line[i] = here + share * (opposite - here)
        line[half + i] = opposite + share * (here - opposite)


@line_function
def parcel_means(ring, joined, line):
    """Compute the means of the parcels of a ring, with two periodic neighbours at either end."""
    parcels = ring.size // joined
    if joined == 1:
        copy(ring, line[2 : parcels + 2])
    else:
        for q in range(parcels):
            total = 0.0
            for i in range(q * joined, (q + 1) * joined):
                total += ring[i]
            line[q + 2] = total / joined
    line[0], line[1] = line[parcels], line[parcels + 1]
    line[parcels + 2], line[parcels + 3] = line[2], line[3]


@line_function
def descend_along(potential, joined, inverse_spacing, velocity):
    """Compute −∂V on the western faces of the parcels of a ring; the first is repeated at the end."""
    cells = potential.size
    velocity[0] = (potential[cells - 1] - potential[0]) * inverse_spacing
    if joined == 1:
        descend(potential[:-1], potential[1:], inverse_spacing, velocity[1:cells])
    else:
        for q in range(1, cells // joined):
            velocity[q] = (potential[q * joined - 1] - potential[q * joined]) * inverse_spacing
    velocity[cells // joined] = velocity[0]


@line_function
def lean(share, towards, line):
    """Move the numbers of a line by a share of the way towards those of another."""
    for i in range(line.size):
        line[i] += share * (towards[i] - line[i])


@piece
def ring_beyond(values, j, line):
    """Return a ring or, beyond a pole, the opposite side of the first or last ring, which is written to ``line``."""
    if 0 <= j < values.shape[0]:
        return values[j]
    beyond_pole(values[min(max(j, 0), values.shape[0] - 1)], 1.0, line)
    return line


@piece
def south_velocity(rings, sign, potential, j, other, line, velocity):
    """Compute the velocity on southern faces by differences of V; off the midpoint, with linear interpolation."""
    descend(potential[j], potential[j + 1], sign * rings.per_south[j], velocity)
    if rings.lean_south[j] > 0:
        north = j if 2 * (j + 1) <= potential.shape[0] else j + 2
        above, below = ring_beyond(potential, north - 1, line), ring_beyond(potential, north, line)
        descend(above, below, sign * rings.per_poleward[j], other)
        lean(rings.lean_south[j], other, velocity)


@piece
def east_velocity(rings, sign, potential, j, other, line, velocity):
    """Compute the velocity on the western faces of the parcels of a ring likewise; the first is repeated at the end."""
    descend_along(potential[j], rings.joined[j], sign * rings.per_east[j], velocity)
    if rings.lean_east[j] > 0:
        poleward = ring_beyond(potential, j - 1 if 2 * j < potential.shape[0] else j + 1, line)
        descend_along(poleward, rings.joined[j], sign * rings.per_east_poleward[j], other)
        lean(rings.lean_east[j], other, velocity)


@piece
def growth_of(step, value, here):
    """Return the loss of a cell per time by growth; a cell below ``vacuum`` loses nothing, see :func:`limited_flux`."""
    loss = (step.sign * step.growth * value) * here
    return loss if (here >= step.vacuum) | (loss < 0) else 0.0


@line_function
def change_cells(step, per_area, here, value, north, south, along, change, rate):
    """Compute the tendency of the cells of a ring, and the relative rate of loss of each."""
    west, east = along[: here.size], along[1 : here.size + 1]
    for i in range(here.size):
        loss = growth_of(step, value[i], here[i])
        leaving = (outflow(south[i], north[i]) + outflow(east[i], west[i])) * per_area + max(loss, 0.0)
        change[i] = -(((south[i] - north[i]) + (east[i] - west[i])) * per_area + loss)
        rate[i] = leaving / here[i] if leaving > 0 else 0.0


@line_function
def change_parcels(step, per_area, joined, here, mean, value, north, south, along, change, rate):
    """Compute the same for a ring whose cells are joined to parcels."""
    for q in range(here.size // joined):
        net, leaving = along[q + 1] - along[q], outflow(along[q + 1], along[q])
        grown = lost = 0.0
        cells = range(q * joined, (q + 1) * joined)
        for i in cells:
            net += south[i] - north[i]
            leaving += outflow(south[i], north[i])
            loss = growth_of(step, value[i], here[i])
            grown += loss
            lost += max(loss, 0.0)
        leaving = (leaving * per_area + lost) / joined
        rate[q] = leaving / mean[q + 2] if leaving > 0 else 0.0
        for i in cells:
            change[i] = -(net * per_area + grown) / joined


@lru_cache
def tendency(limiter: int) -> Any:
    """Return the compiled pass that computes ∂_t μ with a slope limiter, for rings ``lo`` to ``hi``.

    The compiled function has the further arguments

    rings, step
        The :class:`Rings` and the :class:`TendencyStep`.
    work
        Workspace, shape (LINES, cells per ring + HALO).
    density, potential
        μ and V, shapes (rings, cells).
    change
        Output, shape (rings, cells): ∂_t μ.
    rates, tops
        Output, shapes (rings,): the largest relative rate of loss of a parcel, and the largest density, as bits; see
        :func:`solvers.loops.lines.largest`.
    decay
        Output, shape (rings,): −Σ V ∂_t μ area over a ring, times the sign of the density.
    """

    @entry
    def run(lo, hi, rings, step, work, density, potential, change, rates, tops, decay):
        last, cells = density.shape[0] - 1, density.shape[1]
        beyond, velocity, other = work[0, :cells], work[1, :cells], work[2, :cells]
        fluxes = work[3, :cells], work[4, :cells]
        fluxes[(lo + 1) % 2][:] = 0
        for j in range(max(lo - 1, 0), hi):
            here, value, north, south = density[j], potential[j], fluxes[(j + 1) % 2], fluxes[j % 2]
            if j < last:
                south_velocity(rings, step.sign, potential, j, other, beyond, velocity)
                if j == 0:
                    beyond_pole(here, rings.across, beyond)
                elif j + 1 == last:
                    beyond_pole(density[last], rings.across, beyond)
                before = beyond if j == 0 else density[j - 1]
                after = beyond if j + 1 == last else density[j + 2]
                limited_flux(
                    limiter, before, here, density[j + 1], after, velocity, rings.south[j], step.vacuum, south
                )  # fmt: skip
            else:
                south[:] = 0
            if j < lo:
                continue
            per_area, joined = 1 / rings.area[j], rings.joined[j]
            faces = cells // joined + 1
            mean, rate = work[5], work[6, : faces - 1]
            speed, along = work[7, :faces], work[8, :faces]
            parcel_means(here, joined, mean)
            east_velocity(rings, step.sign, potential, j, work[2, :faces], beyond, speed)
            limited_flux(
                limiter, mean[:faces], mean[1 : faces + 1], mean[2 : faces + 2], mean[3 : faces + 3],
                speed, rings.east[j], step.vacuum, along,
            )  # fmt: skip
            if joined == 1:
                change_cells(step, per_area, here, value, north, south, along, change[j], rate)
            else:
                change_parcels(step, per_area, joined, here, mean, value, north, south, along, change[j], rate)
            rates[j], tops[j] = largest(rate.view(rates.dtype)), largest(here.view(tops.dtype))
            decay[j] = -step.sign * rings.area[j] * row_product(change[j], value, velocity)

    return run


@lru_cache
def stage() -> Any:
    """Return the compiled Runge–Kutta stage, ``α old + (1 − α) (μ + Δt ∂_t μ)``, for rings ``lo`` to ``hi``.

    The compiled function has the further arguments

    joined, work
        ``joined`` of the :class:`Rings`, and the workspace as for :func:`tendency`.
    density, change, old
        μ, ∂_t μ and the old state, shapes (rings, cells).
    new
        Output, shape (rings, cells); may be ``density``.
    dt, blend
        Δt and α.
    tops
        Output, shape (rings,): the largest new value, as bits.
    """

    @entry
    def run(lo, hi, joined, work, density, change, old, new, dt, blend, tops):
        mean = work[5]
        for j in range(lo, hi):
            here, slope, before, after, width = density[j], change[j], old[j], new[j], joined[j]
            if width == 1:
                for i in range(here.size):
                    value = here[i] + dt * slope[i]
                    after[i] = value + blend * (before[i] - value)
            else:
                parcels = here.size // width
                parcel_means(here, width, mean)
                for q in range(parcels):
                    mean[q + 2] += dt * slope[q * width]
                mean[1], mean[parcels + 2] = mean[parcels + 1], mean[2]
                for q in range(parcels):
                    value = mean[q + 2]
                    rise = half_slope(VANLEER, value - mean[q + 1], mean[q + 3] - value)
                    for i in range(width):  # ``width`` is a power of two, so positions are exact and symmetric
                        k, place = q * width + i, (2 * i + 1 - width) / width
                        euler = value + place * rise
                        after[k] = euler + blend * (before[k] - euler)
            tops[j] = largest(after.view(tops.dtype))

    return run


@lru_cache
def respond() -> Any:
    """Return the compiled pass that multiplies the coefficients of spherical harmonics by a symbol K̂_ℓ in place.

    It also writes ½ Σ_ℓ K̂_ℓ |f_ℓm|² for every order m ≥ 0 to ``energies``, orders ±m together.
    """

    @entry
    def run(symbol, coefficients, energies):
        start = 0
        for m in range(energies.size):
            total = 0.0
            for degree in range(m, symbol.size):
                value = coefficients[start + degree - m]
                total += symbol[degree] * (value.real * value.real + value.imag * value.imag)
                coefficients[start + degree - m] = value * symbol[degree]
            start += symbol.size - m
            energies[m] = total if m > 0 else total / 2

    return run

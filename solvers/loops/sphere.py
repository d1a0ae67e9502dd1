"""The compiled passes over a sphere in rings of cells: harmonics to potential, potential to tendency, and a stage.

In every ring so many neighbouring cells are joined to a parcel, a power of two; away from the poles it is one. No
flux is worked out inside a parcel, whose cells change alike and are then given the parcel's mean and a limited slope of
the means along the ring. Areas, lengths of faces and fluxes are those per longitude Δφ of a cell.

References
----------
Zhang, Sorathia, Lyon, Merkin and Wiltberger, J. Comput. Phys. 376 (2019) 276 (averages along rings).
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from solvers.loops.compilation import SOURCES, entry, line_function, piece
from solvers.loops.lines import VANLEER, copy, descend, half_slope, largest, limited_flux, outflow
from solvers.loops.totals import row_product

LINES = 9
"""Lines of working memory of a thread, each of :data:`HALO` numbers more than a ring has cells."""
HALO = 4


class Rings(NamedTuple):
    """Geometry of the rings, arrays of a number for each ring, or for each but the last for its southern faces."""

    area: np.ndarray
    """Of a cell."""
    south: np.ndarray
    """Length of a southern face."""
    per_south: np.ndarray
    """1 / distance to the next ring."""
    east: np.ndarray
    """Length of a face between neighbours along the ring, over Δφ."""
    per_east: np.ndarray
    """1 / distance between neighbours along the ring."""
    joined: np.ndarray
    """Cells of a parcel."""
    lean_south: np.ndarray
    """How far towards the next southern faces on the side of the pole a face lies from the middle between its rings."""
    per_poleward: np.ndarray
    """1 / distance between the rings of those faces."""
    lean_east: np.ndarray
    """How far towards the next ring on the side of the pole the middle of a face along the ring lies from the ring."""
    per_east_poleward: np.ndarray
    """1 / distance between neighbours along that ring; negative if it lies across the pole, where east is west."""
    across: float
    """How far into the ring opposite, as a share of the distance to it, the stencil's point beyond a pole lies."""


class Step(NamedTuple):
    """Parameters of a tendency."""

    sign: float
    """1 for a density that moves with −∇V, −1 for one that moves with ∇V."""
    growth: float
    """β."""
    vacuum: float
    """Smallest density that gives anything to its neighbours."""


@line_function
def beyond_pole(ring, share, line):
    """A ring on the other side of a pole, as far from the last as its neighbour, between it and the ring opposite."""
    half = ring.size // 2
    for i in range(half):
        here, opposite = ring[i], ring[half + i]
        line[i] = here + share * (opposite - here)
        line[half + i] = opposite + share * (here - opposite)


@line_function
def parcel_means(ring, joined, line):
    """Means of the parcels of a ring, with the two neighbours beyond either end."""
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
    """Velocity −∂V on the western faces of the parcels of a ring, and again on the first."""
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
    """Move numbers by a share of the way to others."""
    for i in range(line.size):
        line[i] += share * (towards[i] - line[i])


@piece
def ring_beyond(values, j, line):
    """A ring, or the one opposite of the first or last if there is none of that number; in ``line`` then."""
    if 0 <= j < values.shape[0]:
        return values[j]
    beyond_pole(values[min(max(j, 0), values.shape[0] - 1)], 1.0, line)
    return line


@piece
def south_velocity(rings, sign, potential, j, other, line, velocity):
    """Velocity on the southern faces of a ring, by differences of V between rings; with lean, linear between those."""
    descend(potential[j], potential[j + 1], sign * rings.per_south[j], velocity)
    if rings.lean_south[j] > 0:
        north = j if 2 * (j + 1) <= potential.shape[0] else j + 2
        above, below = ring_beyond(potential, north - 1, line), ring_beyond(potential, north, line)
        descend(above, below, sign * rings.per_poleward[j], other)
        lean(rings.lean_south[j], other, velocity)


@piece
def east_velocity(rings, sign, potential, j, other, line, velocity):
    """Velocity on the western faces of the parcels of a ring, and again on the first; likewise."""
    descend_along(potential[j], rings.joined[j], sign * rings.per_east[j], velocity)
    if rings.lean_east[j] > 0:
        poleward = ring_beyond(potential, j - 1 if 2 * j < potential.shape[0] else j + 1, line)
        descend_along(poleward, rings.joined[j], sign * rings.per_east_poleward[j], other)
        lean(rings.lean_east[j], other, velocity)


@piece
def growth_of(step, value, here):
    """What a cell loses per time by growth; one below ``vacuum`` loses nothing, see :func:`limited_flux`."""
    loss = (step.sign * step.growth * value) * here
    return loss if (here >= step.vacuum) | (loss < 0) else 0.0


@line_function
def change_cells(step, per_area, here, value, north, south, along, change, rate):
    """Tendency of the cells of a ring, and which share of what it holds each gives away per time."""
    west, east = along[: here.size], along[1 : here.size + 1]
    for i in range(here.size):
        loss = growth_of(step, value[i], here[i])
        leaving = (outflow(south[i], north[i]) + outflow(east[i], west[i])) * per_area + max(loss, 0.0)
        change[i] = -(((south[i] - north[i]) + (east[i] - west[i])) * per_area + loss)
        rate[i] = leaving / here[i] if leaving > 0 else 0.0


@line_function
def change_parcels(step, per_area, joined, here, mean, value, north, south, along, change, rate):
    """The same of a ring whose cells are joined."""
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
    """The compiled ∂_t μ with a limiter's slopes, for rings from ``lo`` to ``hi``.

    It takes

    rings, step
        The :class:`Rings` and the :class:`Step`.
    work
        (LINES, cells of a ring + HALO) numbers.
    density, potential
        μ and V, (rings, cells).
    change
        Gets ∂_t μ.
    rates, tops
        For every ring, get the largest share of what it holds that a parcel gives away per time, and the largest
        density, as bits, see :func:`solvers.loops.lines.largest`.
    decay
        For every ring, gets −Σ V ∂_t μ area, with the sign of V that the density moves with.
    """
    stamp = SOURCES

    @entry
    def run(lo, hi, rings, step, work, density, potential, change, rates, tops, decay):
        assert stamp  # named here so that the code on disk is of these sources
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
    """The compiled Runge–Kutta stage, ``α old + (1 − α) (μ + Δt ∂_t μ)``, for rings from ``lo`` to ``hi``.

    It takes ``joined`` of the rings, ``work`` as :func:`tendency` does, the density, its ∂_t μ, the old state, where
    to write (the density itself if it may go), Δt and α; ``tops`` gets the bits of the largest number of every ring.
    """
    stamp = SOURCES

    @entry
    def run(lo, hi, joined, work, density, change, old, new, dt, blend, tops):
        assert stamp
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
                    for i in range(width):  # positions are sums and quotients by powers of two: symmetric to the bit
                        k, place = q * width + i, (2 * i + 1 - width) / width
                        euler = value + place * rise
                        after[k] = euler + blend * (before[k] - euler)
            tops[j] = largest(after.view(tops.dtype))

    return run


@lru_cache
def respond() -> Any:
    """The compiled product of harmonics with a kernel's symbol, which are multiplied in place.

    ``energies`` gets ½ Σ_ℓ K̂_ℓ |f_ℓm|² of every order m, of m < 0 with that of −m.
    """
    stamp = SOURCES

    @entry
    def run(symbol, coefficients, energies):
        assert stamp
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

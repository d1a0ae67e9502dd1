"""Compiled loops of the finite-volume scheme.

An array of any dimension is viewed as ``(outer, n, inner)`` with the axis of the stencil in the middle, so one loop
serves every axis of every dimension without a copy. Face ``i`` lies between cells ``i`` and ``i + 1`` (periodically).
"""

from collections.abc import Callable

import numpy as np
from numba import njit

LIMITERS = ("minmod", "vanleer", "mc", "superbee")
"""Slope limiters by name; their position is the number that the compiled code knows them by."""

UPWIND = -1
"""Stands for a slope of zero in the place of a limiter's number."""


def along(array: np.ndarray, axis: int) -> np.ndarray:
    """View an array as (outer, n, inner) with one axis in the middle."""
    outer = int(np.prod(array.shape[:axis]))
    return array.reshape(outer, array.shape[axis], -1)


def flat(array: np.ndarray) -> np.ndarray:
    """View an array as one line of cells."""
    return array.reshape(-1)


@njit(cache=True)
def weigh_spectrum(spectrum, multiplier, has_nyquist, out):
    """Write ``multiplier · spectrum`` and return ``Σ multiplier |spectrum|²`` over the full spectrum.

    Arrays are (rows, m): the halved axis last. Its interior modes stand for two; the first and, if the number of cells
    is even, the last stand for themselves.
    """
    rows, m = spectrum.shape
    total = 0.0
    for r in range(rows):
        row = 0.0
        for k in range(m):
            z = spectrum[r, k]
            power = multiplier[r, k] * (np.float64(z.real) * z.real + np.float64(z.imag) * z.imag)
            row += power if k == 0 or (has_nyquist and k == m - 1) else 2 * power
            out[r, k] = multiplier[r, k] * z
        total += row
    return total


@njit(cache=True)
def weigh_along(spectrum, factor, out):
    """Write ``factor[i] · spectrum[:, i, :]``: multiply by a symbol of one wave-vector component."""
    outer, n, inner = spectrum.shape
    for o in range(outer):
        for i in range(n):
            for k in range(inner):
                out[o, i, k] = factor[i] * spectrum[o, i, k]


@njit(cache=True)
def descend(potential, inverse_spacing, velocity):
    """Velocity −∂V on faces by differences."""
    outer, n, inner = potential.shape
    for o in range(outer):
        for i in range(n):
            upper = i + 1 if i + 1 < n else 0
            for k in range(inner):
                velocity[o, i, k] = (potential[o, i, k] - potential[o, upper, k]) * inverse_spacing


@njit(cache=True)
def add_rates(density, velocity, inverse_spacing, leaving, entering):
    """Add the share of its volume that leaves and enters each cell per time; return Σ_faces μ̄ u².

    μ̄ is the mean of the two cells that share the face.
    """
    outer, n, inner = velocity.shape
    dissipation = 0.0
    for o in range(outer):
        for i in range(n):
            upper = i + 1 if i + 1 < n else 0
            for k in range(inner):
                u = velocity[o, i, k]
                up, down = max(u, 0) * inverse_spacing, max(-u, 0) * inverse_spacing
                leaving[o, i, k] += up
                leaving[o, upper, k] += down
                entering[o, i, k] += down
                entering[o, upper, k] += up
                dissipation += (np.float64(density[o, i, k]) + density[o, upper, k]) * u * u
    return dissipation / 2


@njit(cache=True)
def largest_rate(leaving, entering, weight, compression):
    """Largest ``weight · leaving + compression · (entering − leaving)₊`` over all cells (flat arrays)."""
    largest = 0.0
    for i in range(leaving.size):
        rate = weight * leaving[i] + compression * max(entering[i] - leaving[i], 0)
        largest = max(largest, rate)
    return largest


@njit(cache=True)
def largest_rate_with_sink(leaving, entering, weight, compression, potential, growth):
    """As :func:`largest_rate` with the sink ``growth · V₊`` added."""
    largest = 0.0
    for i in range(leaving.size):
        rate = weight * leaving[i] + compression * max(entering[i] - leaving[i], 0) + growth * max(potential[i], 0)
        largest = max(largest, rate)
    return largest


@njit(cache=True)
def add_reaction(density, potential, growth, outgoing, incoming):
    """Add the growth term −β V μ: a sink where V > 0, a source where V < 0 (flat arrays)."""
    for i in range(density.size):
        outgoing[i] += growth * max(potential[i], 0) * density[i]
        incoming[i] += growth * max(-potential[i], 0) * density[i]


@njit(cache=True)
def add_dilation(fraction, velocity, inverse_spacing, outgoing, incoming):
    """Add χ ∇·u, which turns the conservative transport of χ into ∂_t χ + u·∇χ = 0."""
    outer, n, inner = fraction.shape
    for o in range(outer):
        for i in range(n):
            lower = i - 1 if i > 0 else n - 1
            for k in range(inner):
                change = (velocity[o, i, k] - velocity[o, lower, k]) * inverse_spacing * fraction[o, i, k]
                incoming[o, i, k] += max(change, 0)
                outgoing[o, i, k] += max(-change, 0)


@njit(cache=True)
def add_product(factor, a, b, total):
    """Add ``factor · a · b`` to a total (flat arrays)."""
    for i in range(total.size):
        total[i] += factor * a[i] * b[i]


@njit(cache=True)
def advance(new, old, current, outgoing, incoming, dt, blend):
    """Write ``E + blend (old − E)`` with the Euler step ``E = current − Δt outgoing + Δt incoming`` (flat arrays).

    In this form E ≥ 0 whenever Δt · outgoing ≤ current, and the blend of two values ≥ 0 is ≥ 0, both in floating point.
    """
    for i in range(new.size):
        euler = current[i] - dt * outgoing[i] + dt * incoming[i]
        new[i] = euler + blend * (old[i] - euler)


@njit(cache=True)
def limited_slope(limiter, a, b):
    """The slope a limiter makes of two one-sided differences; 0 at an extremum, at most 2 min(|a|, |b|)."""
    if not ((a > 0 and b > 0) or (a < 0 and b < 0)):
        return a * 0
    sign = np.sign(a)
    a, b = min(abs(a), abs(b)), max(abs(a), abs(b))
    if limiter == 0:
        return sign * a
    if limiter == 1:
        return sign * (2 * a / (1 + a / b))  # the harmonic mean, without a product that could underflow
    if limiter == 2:
        return sign * min(2 * a, a / 2 + b / 2)
    return sign * min(2 * a, b)


def upwind_exchange(limiter: int) -> Callable[..., None]:
    """Compile the upwind fluxes of one slope limiter.

    The result is called as ``exchange(values, velocity, inverse_spacing, vacuum, outgoing, incoming)`` on
    (outer, n, inner) views and adds what leaves and enters each cell per time. What leaves one cell is, bit for bit,
    what enters its neighbour. A face value lies between the two cells that share the face. A donor below ``vacuum``
    gives nothing: so close to the smallest normal number products lose their relative accuracy, and with it positivity.
    """

    @njit(cache=True)
    def exchange(values, velocity, inverse_spacing, vacuum, outgoing, incoming):
        outer, n, inner = values.shape
        for o in range(outer):
            for i in range(n):
                lower = i - 1 if i > 0 else n - 1
                upper = i + 1 if i + 1 < n else 0
                beyond = upper + 1 if upper + 1 < n else 0
                for k in range(inner):
                    u = velocity[o, i, k]
                    here, there = values[o, i, k], values[o, upper, k]
                    if limiter == UPWIND:
                        face = here if u > 0 else there
                        donor = face
                    else:
                        donor = here if u > 0 else there
                        near = there if u > 0 else here
                        far = values[o, lower, k] if u > 0 else values[o, beyond, k]
                        face = donor + limited_slope(limiter, donor - far, near - donor) / 2
                        face = min(max(face, min(here, there)), max(here, there))
                    if donor < vacuum:
                        face = face * 0
                    up, down = max(u, 0) * inverse_spacing * face, max(-u, 0) * inverse_spacing * face
                    outgoing[o, i, k] += up
                    incoming[o, upper, k] += up
                    outgoing[o, upper, k] += down
                    incoming[o, i, k] += down

    return exchange

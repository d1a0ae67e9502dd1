"""Compiled Euler steps of first-order upwind and of MUSCL with a slope limiter."""

from functools import lru_cache
from typing import Any

from solvers.loops.compilation import SOURCES, entry, piece
from solvers.loops.lines import largest, limited_flux
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

HALO = 2
"""Cells on either side of a face that a face value looks at."""
LINES = 4 + 2 + 1 + 1 + 6 + 6 + 1
"""Lines of working memory of a thread."""


@piece
def _march(variant, tile, lo, hi, work, field, velocity, other, old, new, step, rates, tops):
    """Advance a tile of the planes from lo to hi; see :func:`euler_step`."""
    dim, cells = variant.dim, tile.cells
    pitch, size = cells + 2 * HALO, work.shape[1]
    here, potential, beside, euler, nothing = work[0:4], work[4:6], work[6], work[7], work[20]
    both_faces, both_fluxes = (work[8:11], work[11:14]), (work[14:17], work[17:20])
    nothing[:] = 0
    first = lo - 1 if dim > 1 else lo
    if dim > 1:
        for plane in range(first - 1, first + 2):
            load(field, plane, tile, HALO, here[plane % 4])
    for plane in range(first, hi):
        middle, faces, fluxes = here[plane % 4], both_faces[plane % 2], both_fluxes[plane % 2]
        faces_below, flux_below = both_faces[(plane + 1) % 2][0], both_fluxes[(plane + 1) % 2][0]
        face_velocities(
            dim, variant.spectral, velocity, plane, tile, HALO, step.inverse, plane == first, potential, faces
        )
        if dim > 1:
            above, beyond = here[(plane + 1) % 4], here[(plane + 2) % 4]
            load(field, plane + 2, tile, HALO, beyond)
            limited_flux(
                variant.scheme,
                here[(plane - 1) % 4],
                middle,
                above,
                beyond,
                faces[0],
                step.ratio[0],
                step.vacuum,
                fluxes[0],
            )
            if plane < lo:
                continue
        else:
            load(field, plane, tile, HALO, middle)
        for axis in range(1 if dim > 1 else 0, dim):
            away = stride(axis, dim, pitch)
            limited_flux(
                variant.scheme,
                middle[: size - 3 * away],
                middle[away : size - 2 * away],
                middle[2 * away : size - away],
                middle[3 * away :],
                faces[axis][away : size - 2 * away],
                step.ratio[axis],
                step.vacuum,
                fluxes[axis][away : size - 2 * away],
            )
        if variant.source != NO_SOURCE or variant.bounded_by_growth:
            load(other, plane, tile, HALO, beside)
        loss_rate(variant, step, size, pitch, faces_below, faces, beside, euler)
        rates[plane, tile.number] = largest_in_rows(tile, HALO, euler, rates)
        transport(dim, size, pitch, nothing if step.change else middle, flux_below, fluxes, euler)
        if variant.source != NO_SOURCE:
            subtract_source(variant, step, size, pitch, faces_below, faces, beside, middle, euler)
        finish(step.blend, plane, tile, HALO, euler, old, new)
        written = new[plane, tile.first : tile.first + tile.rows].reshape(-1)
        tops[plane, tile.number] = largest(written.view(tops.dtype))


@lru_cache
def euler_step(variant: Variant) -> Any:
    """The compiled step of a variant, for planes from ``lo`` to ``hi``.

    It takes

    rows_at_once
        See :func:`solvers.loops.planes.tile_rows`.
    work
        (LINES, :func:`solvers.loops.planes.line_size`) finite numbers, such as were left in it.
    field
        What is advanced.
    velocity
        A tuple of the face velocities of each axis, or of the potential alone.
    other
        V or μ for the source and V for the bound by growth; else anything.
    old, new
        The Runge–Kutta scheme's old state and what to write, (planes, rows, cells).
    rates, tops
        For every plane and tile, get the largest rate of loss and the largest new value as bits, see
        :func:`solvers.loops.lines.largest`.
    """
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

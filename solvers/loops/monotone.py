"""First-order upwind, and MUSCL with a slope limiter."""

from solvers.loops.compilation import piece
from solvers.loops.lines import limited_flux
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

HALO = 2
"""Number of cells on either side of a face that its value depends on."""
LINES = 4 + 2 + 1 + 1 + 6 + 6 + 1
"""Number of workspace lines of a thread."""


@piece
def march(dim, scheme, spectral, tile, planes, work, given, step, written):
    """Advance a tile of the planes between two; see :func:`solvers.loops.euler.euler_step`."""
    (lo, hi), field = planes, given.field
    pitch, size = tile.cells + 2 * HALO, work.shape[1]
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
        of_velocity = potential[plane % 2], potential[(plane + 1) % 2]
        face_velocities(
            dim, spectral, given.velocity, plane, tile, HALO, step.inverse, plane == first, of_velocity, faces
        )
        if dim > 1:
            above, beyond = here[(plane + 1) % 4], here[(plane + 2) % 4]
            load(field, plane + 2, tile, HALO, beyond)
            limited_flux(
                scheme,
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
                scheme,
                middle[: size - 3 * away],
                middle[away : size - 2 * away],
                middle[2 * away : size - away],
                middle[3 * away :],
                faces[axis][away : size - 2 * away],
                step.ratio[axis],
                step.vacuum,
                fluxes[axis][away : size - 2 * away],
            )
        if step.source != NO_SOURCE or step.bounded_by_growth:
            load(given.other, plane, tile, HALO, beside)
        loss_rate(dim, step, size, pitch, faces_below, faces, beside, euler)
        written.rates[plane, tile.number] = largest_rate(tile, HALO, euler, written.rates)
        transport(dim, size, pitch, nothing if step.change else middle, flux_below, fluxes, euler)
        subtract_source(dim, step, size, pitch, faces_below, faces, beside, middle, euler)
        finish(step.blend, plane, tile, HALO, euler, given.old, written)

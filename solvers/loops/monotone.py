"""First-order upwind, and MUSCL with a slope limiter."""

from solvers.loops.compilation import piece
from solvers.loops.lines import limited_flux
from solvers.loops.planes import Layout, kept_lines, line_of, lines_of, load
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
"""Number of ghost cells on either side: the cells on which a face value depends."""
_layout = Layout()
_DENSITY, _POTENTIAL, _OTHER = _layout.ring(planes=4), _layout.ring(planes=2), _layout.ring()
_EULER = _layout.ring()
_VELOCITY, _FLUX = _layout.rings(planes=2), _layout.rings(planes=2)
_NOTHING = _layout.ring()
LINES = _layout.size
"""Number of workspace lines of a thread."""


@piece
def march(dim, scheme, spectral, tile, planes, work, given, step, written):
    """Advance a tile of the given range of planes; see :func:`solvers.loops.euler.euler_step`."""
    (lo, hi), (field, velocity, other, old), (new, rates, tops) = planes, given, written
    pitch, size = tile.cells + 2 * HALO, work.shape[1]
    here, potential = kept_lines(work, _DENSITY), kept_lines(work, _POTENTIAL)
    both_faces = lines_of(work, _VELOCITY, 0), lines_of(work, _VELOCITY, 1)
    both_fluxes = lines_of(work, _FLUX, 0), lines_of(work, _FLUX, 1)
    beside, euler, nothing = line_of(work, _OTHER, lo), line_of(work, _EULER, lo), line_of(work, _NOTHING, lo)
    nothing[:] = 0
    first = lo - 1 if dim > 1 else lo
    if dim > 1:
        for plane in range(first - 1, first + 2):
            load(field, plane, tile, HALO, here[plane % 4])
    for plane in range(first, hi):
        middle, faces, fluxes = here[plane % 4], both_faces[plane % 2], both_fluxes[plane % 2]
        faces_below, flux_below = both_faces[(plane + 1) % 2][0], both_fluxes[(plane + 1) % 2][0]
        face_velocities(dim, spectral, velocity, plane, tile, HALO, step, plane == first, potential, faces)
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
            load(other, plane, tile, HALO, beside)
        loss_rate(dim, step, size, pitch, faces_below, faces, beside, euler)
        rates[plane, tile.number] = largest_rate(tile, HALO, euler, rates)
        transport(dim, size, pitch, nothing if step.change else middle, flux_below, fluxes, euler)
        subtract_source(dim, step, size, pitch, faces_below, faces, beside, middle, euler)
        finish(step.blend, plane, tile, HALO, euler, old, new, tops)

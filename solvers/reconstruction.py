"""Reconstructions: how much of what a cell holds crosses its faces.

A reconstruction turns cell averages and face velocities into what leaves and enters every cell per unit time. The
solver knows nothing else of it, so a scheme with wider stencils, corrections across the flow or its own positivity
limiter fits in the same place.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gridflow.errors import InputError
from gridflow.grid import Grid
from solvers import stencils
from solvers.stencils import along

Exchange = Callable[[np.ndarray, np.ndarray, float, np.ndarray, np.ndarray], None]
"""``exchange(values, velocity, dt, outgoing, incoming)`` overwrites the last two with rates of loss and gain."""


@dataclass(frozen=True)
class Reconstruction:
    """A way to reconstruct face values and the step it allows.

    Parameters
    ----------
    outflow_limit
        Largest share of its volume that may leave a cell in one forward Euler step for the cell to stay ≥ 0.
    exchange
        The fluxes.
    """

    outflow_limit: float
    exchange: Exchange


def upwind(grid: Grid, dtype: np.dtype) -> Reconstruction:
    """First-order upwind: a face takes the donor cell's value, so a cell may lose all it holds but no more."""
    return Reconstruction(1.0, _axis_by_axis(grid, dtype, stencils.UPWIND))


def muscl(grid: Grid, dtype: np.dtype, limiter: str) -> Reconstruction:
    """Second-order MUSCL with a slope limiter.

    A limited slope keeps face values ≤ 2 μ_i, so a cell may lose half of its volume in one step.

    References
    ----------
    van Leer, J. Comput. Phys. 32 (1979) 101; Sweby, SIAM J. Numer. Anal. 21 (1984) 995 (limiters).
    """
    return Reconstruction(0.5, _axis_by_axis(grid, dtype, stencils.LIMITERS.index(limiter)))


def reconstruction(name: str, grid: Grid, dtype: np.dtype, limiter: str) -> Reconstruction:
    """Look a reconstruction up by its name; InputError names the ones there are."""
    if limiter not in stencils.LIMITERS:
        raise InputError(f'limiter "{limiter}": allowed are {", ".join(stencils.LIMITERS)}')
    if name == "upwind":
        return upwind(grid, dtype)
    if name == "muscl":
        return muscl(grid, dtype, limiter)
    raise InputError(f'reconstruction "{name}": allowed are muscl, upwind')


def _axis_by_axis(grid: Grid, dtype: np.dtype, limiter: int) -> Exchange:
    compiled = stencils.upwind_exchange(limiter)
    limits = np.finfo(dtype)
    vacuum = dtype.type(limits.tiny / limits.eps)
    inverse_spacing = [dtype.type(1 / h) for h in grid.spacing]

    def exchange(
        values: np.ndarray, velocity: np.ndarray, dt: float, outgoing: np.ndarray, incoming: np.ndarray
    ) -> None:
        del dt  # these fluxes do not depend on the step
        outgoing.fill(0)
        incoming.fill(0)
        for axis, inverse in enumerate(inverse_spacing):
            compiled(
                along(values, axis),
                along(velocity[axis], axis),
                inverse,
                vacuum,
                along(outgoing, axis),
                along(incoming, axis),
            )

    return exchange

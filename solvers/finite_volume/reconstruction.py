"""Reconstructions of face values by name, with the properties that the compiled steps need."""

from collections.abc import Callable
from dataclasses import dataclass

from gridflow.errors import InputError
from solvers.loops import lines, monotone, sharp
from solvers.loops.stages import HIGH_ORDER

LIMITERS = {"vanleer": lines.VANLEER, "minmod": lines.MINMOD, "mc": lines.MC, "superbee": lines.SUPERBEE}


@dataclass(frozen=True)
class Reconstruction:
    """A reconstruction of face values from cell averages.

    Attributes
    ----------
    scheme
        Number of the scheme in the compiled loops.
    halo, lines
        Number of ghost cells and planes on either side, and of workspace lines per thread.
    outflow_limit
        Largest share of its volume that may leave a cell in one forward Euler step such that the cell stays ≥ 0.
    velocity
        Default kind of velocity.
    squares
        Whether squares of densities are formed, which restricts the range of densities.
    sharpen
        Whether cells may contain a jump.
    limited
        Whether the slopes are those of a limiter.
    """

    scheme: int
    halo: int
    lines: int
    outflow_limit: float
    velocity: str
    squares: bool
    sharpen: bool
    limited: bool = False


def _monotone(scheme: int, outflow_limit: float, limited: bool) -> Reconstruction:
    return Reconstruction(
        scheme, monotone.HALO, monotone.LINES, outflow_limit, "difference",
        squares=False, sharpen=False, limited=limited,
    )  # fmt: skip


def _high_order(sharpen: bool) -> Reconstruction:
    return Reconstruction(HIGH_ORDER, sharp.HALO, sharp.LINES, 0.25, "spectral", squares=True, sharpen=sharpen)


RECONSTRUCTIONS: dict[str, Callable[[int], Reconstruction]] = {
    "sharp": lambda _: _high_order(sharpen=True),
    "weno5": lambda _: _high_order(sharpen=False),
    "muscl": lambda limiter: _monotone(limiter, 0.5, limited=True),
    "upwind": lambda _: _monotone(lines.UPWIND, 1.0, limited=False),
}
"""Reconstructions by name, as functions of the number of a slope limiter.

With ``upwind``, a face takes the average of its donor cell, so a cell stays ≥ 0 as long as at most its whole volume
leaves it. ``muscl`` adds half of a limited slope, which keeps face values ≤ 2 μ_i, so at most half of the volume may
leave (van Leer, J. Comput. Phys. 32 (1979) 101; Sweby, SIAM J. Numer. Anal. 21 (1984) 995). ``sharp`` and ``weno5``
(see :mod:`solvers.loops.sharp`) stay ≥ 0 for any step allowed for upwind; a quarter of it is needed for an accurate
plateau around holes.
"""


def reconstruction(name: str, limiter: str) -> Reconstruction:
    """Return a reconstruction by name; for an unknown name or limiter, InputError lists all."""
    if limiter not in LIMITERS:
        raise InputError(f'limiter "{limiter}": allowed are {", ".join(LIMITERS)}')
    if name not in RECONSTRUCTIONS:
        raise InputError(f'reconstruction "{name}": allowed are {", ".join(RECONSTRUCTIONS)}')
    return RECONSTRUCTIONS[name](LIMITERS[limiter])


def foot_share(exponent: float) -> float:
    """Return the largest share of its larger neighbour's average that a cell with the foot of a front holds.

    A front that rises like C x^p from x = 0 has in its first two cells the averages C h^p / (p + 1) and 2^(p + 1) − 1
    times as much if the foot lies between cells. If the foot lies inside the first cell, this has a smaller share.

    Parameters
    ----------
    exponent
        p ≥ 0, see :meth:`gridflow.equation.kernels.Kernel.edge_exponent`.

    Returns
    -------
    float
        1 / (2^(p + 1) − 1): 1 for jumps, p = 0, for which any share is possible; 0.73 for p = ¼.
    """
    return 1 / (2.0 ** (exponent + 1) - 1)

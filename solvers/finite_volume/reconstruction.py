"""Reconstructions by name: what the compiled steps know one by, and what it needs and allows."""

from collections.abc import Callable
from dataclasses import dataclass

from gridflow.errors import InputError
from solvers.loops import lines, monotone, sharp
from solvers.loops.stages import HIGH_ORDER

LIMITERS = {"vanleer": lines.VANLEER, "minmod": lines.MINMOD, "mc": lines.MC, "superbee": lines.SUPERBEE}


@dataclass(frozen=True)
class Reconstruction:
    """How face values are made of cell averages.

    Attributes
    ----------
    scheme
        The number that the compiled loops know it by.
    halo, lines
        Cells and planes around that a step looks at, and lines of working memory of a thread.
    outflow_limit
        Largest share of its volume that may leave a cell in one forward Euler step for the cell to stay ≥ 0.
    velocity
        The velocity it is meant for.
    squares
        Whether it forms squares of densities, which have a smaller range.
    sharpen
        Whether a cell may hold a jump.
    """

    scheme: int
    halo: int
    lines: int
    outflow_limit: float
    velocity: str
    squares: bool
    sharpen: bool


def _monotone(scheme: int, outflow_limit: float) -> Reconstruction:
    return Reconstruction(
        scheme, monotone.HALO, monotone.LINES, outflow_limit, "difference", squares=False, sharpen=False
    )


def _high_order(sharpen: bool) -> Reconstruction:
    return Reconstruction(HIGH_ORDER, sharp.HALO, sharp.LINES, 0.25, "spectral", squares=True, sharpen=sharpen)


RECONSTRUCTIONS: dict[str, Callable[[int], Reconstruction]] = {
    "sharp": lambda _: _high_order(sharpen=True),
    "weno5": lambda _: _high_order(sharpen=False),
    "muscl": lambda limiter: _monotone(limiter, 0.5),
    "upwind": lambda _: _monotone(lines.UPWIND, 1.0),
}
"""Every reconstruction by its name, given the number of a slope limiter.

``upwind`` takes the donor's average, so that a cell may lose all it holds but no more. ``muscl`` adds half of a limited
slope, which keeps face values ≤ 2 μ_i, so that a cell may lose half of its volume (van Leer, J. Comput. Phys. 32 (1979)
101; Sweby, SIAM J. Numer. Anal. 21 (1984) 995). ``sharp`` and ``weno5`` are those of :mod:`solvers.loops.sharp`; they
stay ≥ 0 for any step that upwind allows, and a quarter of that keeps the plateau around holes right.
"""


def reconstruction(name: str, limiter: str) -> Reconstruction:
    """Look a reconstruction up by its name; InputError names the ones there are."""
    if limiter not in LIMITERS:
        raise InputError(f'limiter "{limiter}": allowed are {", ".join(LIMITERS)}')
    if name not in RECONSTRUCTIONS:
        raise InputError(f'reconstruction "{name}": allowed are {", ".join(RECONSTRUCTIONS)}')
    return RECONSTRUCTIONS[name](LIMITERS[limiter])

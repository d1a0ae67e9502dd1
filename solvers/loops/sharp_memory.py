"""The workspace of the sharp scheme: which intermediate results are kept, and for how many planes.

The stages of :mod:`solvers.loops.sharp` read and write these rings.
"""

from typing import NamedTuple

import numpy as np

from solvers.loops.compilation import piece
from solvers.loops.planes import Layout, line_of

_layout = Layout()
DENSITY = _layout.ring(planes=5)
POTENTIAL = _layout.ring(planes=2)
"""V, where the velocity is made of its differences."""
OTHER = _layout.ring()
"""Further field that the source and the bounds on the step depend on."""
SMOOTH_LEFT, SMOOTH_RIGHT = _layout.ring(planes=3), _layout.ring(planes=3)
"""Polynomial values of the cells at their faces to the plane below and to the plane above."""
LEFT, RIGHT = _layout.ring(), _layout.ring(planes=2)
"""The values that the cells chose there."""
SMOOTH_LEFT_WITHIN, SMOOTH_RIGHT_WITHIN = _layout.ring(), _layout.ring()
"""Polynomial values at the lower and upper faces along an axis in the plane. The next axis takes their place."""
LEFT_WITHIN, RIGHT_WITHIN = _layout.ring(), _layout.ring()
"""The values that the cells chose there."""
VELOCITY = _layout.rings(planes=3)
"""On the upper faces of the cells along each axis, as are the next three."""
FACE = _layout.ring(), _layout.ring(planes=3), _layout.ring(planes=3)
"""Values of the density. Fluxes within a plane need those of the planes beside it too."""
UPWIND = _layout.ring(planes=2), _layout.ring(), _layout.ring()
"""First-order fluxes, times Δt / h. Those across the planes enter the plane above too."""
EXCESS = _layout.ring(planes=3), _layout.ring(planes=2), _layout.ring(planes=2)
"""What the high-order fluxes carry beyond the first-order ones."""
PREDICTED = _layout.ring(planes=2)
"""The Euler step with first-order fluxes."""
CHANGE = _layout.ring(planes=2)
"""The same less the density, if the change alone is asked for."""
KEPT = _layout.ring(planes=3)
"""The share of the excess out of each cell that leaves it ≥ 0."""
RESULT, NOTHING = _layout.ring(), _layout.ring()
LINES = _layout.size
"""Number of workspace lines of a thread."""


class Memory(NamedTuple):
    """The working memory, and how cells lie in its lines."""

    lines: np.ndarray
    on: int
    """How many planes the next plane is away: 1, or 0 in one dimension."""
    pitch: int
    """From a cell to its neighbour in the next row."""
    edge: int
    """Numbers in the three outermost rows of the halo in three dimensions; else 0. Only face values along the second
    axis look at these rows. All else leaves them out."""


@piece
def line(memory, ring, plane):
    """The whole line of a plane."""
    return line_of(memory.lines, ring, plane)


@piece
def near(memory, ring, plane):
    """The line of a plane without the outermost rows of its halo."""
    whole = line_of(memory.lines, ring, plane)
    return whole[memory.edge : whole.size - memory.edge]


@piece
def axes(memory, rings, plane):
    """The lines of the three axes, likewise."""
    return near(memory, rings[0], plane), near(memory, rings[1], plane), near(memory, rings[2], plane)

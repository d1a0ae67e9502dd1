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
"""V, if the velocity is computed by differences."""
OTHER = _layout.ring()
"""Further field on which the source and the bounds on the step depend."""
SMOOTH_LEFT, SMOOTH_RIGHT = _layout.ring(planes=3), _layout.ring(planes=3)
"""Polynomial values of the cells at their faces towards the plane below and the plane above."""
LEFT, RIGHT = _layout.ring(), _layout.ring(planes=2)
"""The values chosen there."""
SMOOTH_LEFT_WITHIN, SMOOTH_RIGHT_WITHIN = _layout.ring(), _layout.ring()
"""Polynomial values at the lower and upper faces along an axis in the plane; the next axis overwrites them."""
LEFT_WITHIN, RIGHT_WITHIN = _layout.ring(), _layout.ring()
"""The values chosen there."""
VELOCITY = _layout.rings(planes=3)
"""Velocities on the upper faces of the cells along each axis; the next three are on these faces, too."""
FACE = _layout.ring(), _layout.ring(planes=3), _layout.ring(planes=3)
"""Face values of the density. Fluxes within a plane also need those of the adjacent planes."""
UPWIND = _layout.ring(planes=2), _layout.ring(), _layout.ring()
"""First-order fluxes, times Δt / h. Those across the planes also enter the plane above."""
EXCESS = _layout.ring(planes=3), _layout.ring(planes=2), _layout.ring(planes=2)
"""Excess of the high-order fluxes over the first-order ones, times Δt / h."""
PREDICTED = _layout.ring(planes=2)
"""The Euler step with first-order fluxes."""
CHANGE = _layout.ring(planes=2)
"""The same minus the density, if only the change is wanted."""
KEPT = _layout.ring(planes=3)
"""Share of the excess outflow of each cell that keeps it ≥ 0."""
RESULT, NOTHING = _layout.ring(), _layout.ring()
LINES = _layout.size
"""Number of workspace lines of a thread."""


class Memory(NamedTuple):
    """The workspace, and the arrangement of cells in its lines."""

    lines: np.ndarray
    on: int
    """Distance to the next plane: 1, or 0 in one dimension."""
    pitch: int
    """Distance in a line from a cell to its neighbour in the next row."""
    edge: int
    """Number of elements in the three outermost rows of the halo in three dimensions; else 0. Only face values along
    the second axis depend on these rows; everything else skips them."""


@piece
def line(memory, ring, plane):
    """Return the whole line of a plane."""
    return line_of(memory.lines, ring, plane)


@piece
def near(memory, ring, plane):
    """Return the line of a plane without the outermost rows of its halo."""
    whole = line_of(memory.lines, ring, plane)
    return whole[memory.edge : whole.size - memory.edge]


@piece
def axes(memory, rings, plane):
    """Return the lines of the three axes, without the outermost rows."""
    return near(memory, rings[0], plane), near(memory, rings[1], plane), near(memory, rings[2], plane)

"""The same equation on fewer cells."""

from typing import Any

from gridflow.equation.flow import Equation


def coarsened(flow: Equation[Any], cells: int) -> Equation[Any]:
    """Return the same equation on a grid of at most about ``cells`` cells; itself if it has no more."""
    grid = flow.grid.coarsened(cells)
    if grid == flow.grid:
        return flow
    return Equation.on(grid, flow.kernel, flow.grid.averages_on(grid, flow.target), flow.growth)

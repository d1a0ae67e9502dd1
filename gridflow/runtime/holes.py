"""What the series of a run records of its holes: their volume with its law, and each hole by itself."""

import math
from collections.abc import Mapping

import numpy as np

from gridflow.domains.base import Domain
from gridflow.equation.contract import TRACER, Solver, State
from gridflow.measures import diagnostics
from gridflow.measures.holes import EDGE, Components, Hole, components
from gridflow.theory import HoleBounds, HoleLaw, uniform_background

MOST = 8
"""Largest number of holes that have columns of their own."""
FEWEST_CELLS = 3
"""Width in cells below which a hole gets no columns of its own."""


class HoleRecorder:
    """Measures the holes of a run.

    The hole is ``{χ > ½}`` of the volume fraction χ that the solver carries. Without one it is ``{μ < c(t)/2}``, but
    only for s = 1, a constant target and a constant density c(t) outside the hole: elsewhere no level of the density is
    known to be the border of the hole, and nothing is recorded.

    Parameters
    ----------
    solver
        Solver of the run.
    first
        State at time 0.
    initial
        Density at time 0, from which the laws start.
    carries
        Whether the states of the run have a volume fraction.
    """

    def __init__(self, solver: Solver, first: State, initial: np.ndarray, carries: bool) -> None:
        flow, on_grid = solver.flow, solver.representation.on_grid
        self._carries = carries
        self._law = HoleLaw.of(flow, initial) if on_grid else None
        self._volume_law, self._bounds = self._law, None
        low, high = float(flow.target.min()), float(flow.target.max())
        self._varies = low < high
        if carries and TRACER in first.arrays:
            volume = flow.grid.integral(first.arrays[TRACER])
            background = uniform_background(flow)
            if self._law is None and background is not None:
                self._volume_law = HoleLaw(volume, flow.grid.volume, background)
            if background is None and flow.kernel.is_coulomb and not flow.growth:
                self._bounds = HoleBounds(volume, low, high)

    @property
    def law(self) -> HoleLaw | None:
        """The law of the hole and of the plateau around it, if it holds."""
        return self._law

    def row(
        self, solver: Solver, state: State, density: np.ndarray, before: Mapping[str, float]
    ) -> tuple[dict[str, float], dict[str, float]]:
        """Measure the holes.

        Parameters
        ----------
        solver, state
            The solver and its state.
        density
            Its density, shape ``grid.shape`` (mass / volume).
        before
            The row before; empty at the start.

        Returns
        -------
        measured, exact : dict of str to float
            Columns, and those of them that obey a law.
        """
        grid, exact = solver.flow.grid, dict[str, float]()
        plateau = math.nan if self._law is None else float(self._law.plateau(state.time))
        if self._volume_law is not None:
            exact["hole_volume"] = float(self._volume_law(state.time))
        if self._carries:
            fraction = state.arrays[TRACER]
            row = {"hole_volume": grid.volume - diagnostics.volume_below(grid, fraction, EDGE)}
            if self._law is not None:
                row["contour_volume"] = diagnostics.volume_below(grid, density, plateau / 2)
                exact["contour_volume"] = exact["hole_volume"]
            if self._varies:
                row["hole_target"] = grid.integral(fraction * solver.flow.target)
            if self._bounds is not None:
                least, most = self._bounds(state.time)
                row |= {"hole_volume_least": float(least), "hole_volume_most": float(most)}
        elif self._law is not None:
            row = {"hole_volume": diagnostics.volume_below(grid, density, plateau / 2)}
            fraction = 1 - density / plateau
        else:
            return {}, {}
        return row | numbered(grid, components(grid, fraction), before), exact


def column(number: int, what: str) -> str:
    """Name of a column of a single hole."""
    return f"hole{number}_{what}"


def numbered(grid: Domain, found: Components, before: Mapping[str, float]) -> dict[str, float]:
    """Return the number of holes and the columns of each; those of the row ``before`` keep their numbers.

    A hole is the one that contains the deepest cell of a hole of the row before, or the nearest within half its width.
    If it contains those of several, they have merged, and it is the largest of these.
    """
    numbers = [number for number in range(1, MOST + 1) if before.get(column(number, "within"), math.nan) >= 0]
    within = {number: int(before[column(number, "within")]) for number in numbers}
    volumes = {number: before.get(column(number, "volume"), math.nan) for number in numbers}
    places: dict[int, list[int]] = {}
    for number in numbers:
        if within[number] == number:
            cell = np.unravel_index(int(before[column(number, "cell")]), grid.shape)
            place = found.near(tuple(int(k) for k in cell), volumes[number] ** (1 / grid.dim) / 2)
            places.setdefault(place, []).append(number)
    owners = {place: max(those, key=lambda one: (volumes[one], -one)) for place, those in places.items() if place}
    now = {number: owners.get(place, 0) for place, those in places.items() for number in those}
    for number in numbers:  # those that had merged before follow the hole that contains them
        now.setdefault(number, now.get(within[number], 0))
    for place in range(1, found.count + 1):
        if len(now) < MOST and place not in owners and found.cells[place] >= FEWEST_CELLS**grid.dim:
            owners[place] = new = len(now) + 1
            now[new] = new
    row: dict[str, float] = {"holes": found.count}
    measured = {number: found.hole(place) for place, number in owners.items()}
    for number, container in sorted(now.items()):
        row[column(number, "within")] = container
        if number in measured:
            row |= {column(number, what): value for what, value in _values(grid, measured[number]).items()}
        elif container == 0:
            row[column(number, "volume")] = 0.0
    return row


def _values(grid: Domain, hole: Hole) -> dict[str, float]:
    return {
        "volume": hole.volume,
        "perimeter": hole.perimeter,
        "elongation": hole.elongation,
        "cell": float(np.ravel_multi_index(hole.deepest, grid.shape)),
        **dict(zip("xyz", hole.centroid, strict=False)),
    }

"""Errors at the front of a hole for s < 1, against a second scheme extrapolated from fine grids."""

from functools import lru_cache

import numpy as np

import gridflow as gf
from solvers import FiniteVolume

SIZES, FINE = (256, 512, 1024, 2048), (8192, 16384)
TIMES = tuple(0.05 * k for k in range(1, 9))


def _densities(cells: int, s: float, reconstruction: str) -> np.ndarray:
    """The density at all times, shape (times, cells), from an empty interval of length ½."""
    grid = gf.Grid((cells,))
    flow = gf.Flow(grid, gf.Riesz(s), gf.uniform(grid))
    solver = FiniteVolume(flow, reconstruction, tolerance=1e-6, threads=1)
    state = solver.initialize(gf.ball_hole(grid, 0.25))
    found = []
    for until in TIMES:
        while state.time < until:
            solver.step(state, until)
        found.append(solver.density(state).copy())
    return np.array(found)


def _coarsened(values: np.ndarray, cells: int) -> np.ndarray:
    fine, coarse = gf.Grid((values.shape[1],)), gf.Grid((cells,))
    return np.array([fine.averages_on(coarse, row) for row in values])


@lru_cache
def _reference(s: float) -> np.ndarray:
    coarse, fine = (_coarsened(_densities(cells, s, "muscl"), SIZES[-1]) for cells in FINE)
    return 2 * fine - coarse


def errors(s: float, reconstruction: str) -> list[float]:
    """Mean L¹ errors on the four grids, and the order fitted to them."""
    found = [abs(_densities(n, s, reconstruction) - _coarsened(_reference(s), n)).mean() for n in SIZES]
    return [*map(float, found), float(gf.diagnostics.fitted_order(1 / np.array(SIZES), np.array(found)))]

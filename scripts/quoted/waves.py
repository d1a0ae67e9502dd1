"""The order in space of a smooth wave, and what the tolerance of the time scheme makes of it."""

import numpy as np

import gridflow as gf
from solvers import FiniteVolume, Spectral

SIZES, FINE = (32, 64, 128, 256), 1024


def _density(cells: int, s: float, time: float, tolerance: float, method: type) -> np.ndarray:
    grid = gf.Grid((cells,))
    solver = method(gf.Flow(grid, gf.Riesz(s), gf.uniform(grid)), tolerance=tolerance)
    state = solver.initialize(gf.cosine(grid, 0.5))
    while state.time < time:
        solver.step(state, time)
    return np.array(solver.density(state))


def order(s: float, time: float, tolerance: float) -> float:
    """Order of the largest error on 32 to 256 cells, against the spectral method on 1024."""
    reference = _density(FINE, s, time, 1e-11, Spectral)
    errors = [
        abs(_density(n, s, time, tolerance, FiniteVolume) - reference.reshape(n, -1).mean(axis=1)).max() for n in SIZES
    ]
    return float(gf.diagnostics.fitted_order(1 / np.array(SIZES), np.array(errors)))

"""Power laws over many decades of time, at a cost that grows like the logarithm of it."""

import numpy as np
import pytest

import gridflow as gf
from solvers import FiniteVolume


def energies(flow, start, times, **options):
    """The energy at some times, the number of steps, and that of exponential ones."""
    solver = FiniteVolume(flow, **options)
    state = solver.initialize(start)
    found = []
    for until in times:
        while state.time < until:
            solver.step(state, until)
        found.append(flow.energy(solver.density(state)))
    return np.array(found), state.step, state.control.get("exponential_steps", 0)


@pytest.mark.long
@pytest.mark.parametrize("reconstruction", ["sharp", "muscl"])
def test_a_whole_curve_agrees_with_small_explicit_steps(reconstruction):
    """s = 2, 512 cells, to t = 3e5, where E has fallen by thirteen orders of magnitude."""
    grid = gf.Grid((512,))
    flow, times = gf.Flow(grid, gf.Riesz(2), gf.uniform(grid)), np.geomspace(1, 3e5, 12)
    start = gf.random_sobolev(grid, 1.0)
    curve, steps, exponential = energies(flow, start, times, reconstruction=reconstruction)
    reference, many, _ = energies(
        flow, start, times, reconstruction=reconstruction, integrator="ssprk3", tolerance=1e-7
    )
    assert steps <= 400
    assert exponential > 20
    assert many > 4000
    # the tolerance is 1e−5 per step or e-folding of the KMD; some 250 of them, twice for the energy
    assert curve == pytest.approx(reference, rel=5e-3)


@pytest.mark.parametrize(("s", "cells", "until"), [(3.0, 256, 1e8), (2.0, 512, 3e5), (2.0, 512, 3e7)])
def test_time_costs_few_steps(s, cells, until):
    grid = gf.Grid((cells,))
    flow = gf.Flow(grid, gf.Riesz(s), gf.uniform(grid))
    _, steps, _ = energies(flow, gf.random_sobolev(grid, 1.0), [until])
    assert steps <= 400

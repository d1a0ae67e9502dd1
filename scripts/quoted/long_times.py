"""Long times: steps of `auto` beside those of `ssprk3`, the bounds on a step, and the curve of the energy."""

from functools import cache
from typing import Any

import numpy as np

import gridflow as gf
from gridflow.cases.reading import load_case
from quoted.bundled import written
from solvers import FiniteVolume


@cache
def rough(s: float, cells: int, until: float, **options: Any) -> list[int]:
    """Steps, and exponential steps among them, from a rough start that is random1d's, with no stop before the end."""
    grid = gf.Grid((cells,))
    solver = FiniteVolume(gf.Flow(grid, gf.Riesz(s), gf.uniform(grid)), **options)
    state = solver.initialize(gf.random_sobolev(grid, 1.0))
    while state.time < until:
        solver.step(state, until)
    return [state.step, int(state.control.get("exponential_steps", 0))]


def steps(until: float) -> list[int]:
    """Steps of auto, of them exponential, and steps of ssprk3, for s = 2 on 512 cells."""
    return [*rough(2.0, 512, until), rough(2.0, 512, until, integrator="ssprk3")[0]]


def steps_of_third_order() -> list[float]:
    """The same for s = 3 on 256 cells to 1e8; those of ssprk3 by the relaxation bound at the uniform density."""
    grid, until = gf.Grid((256,)), 1e8
    flow = gf.Flow(grid, gf.Riesz(3.0), gf.uniform(grid))
    solver = FiniteVolume(flow)
    state = solver.initialize(gf.uniform(grid))
    return [*rough(3.0, 256, until), until / (0.9 * solver.bounds(state).relaxation)]


def curve() -> float:
    """Largest difference, in per cent, of the energy along the curve from that of explicit steps at 1e−7."""
    grid = gf.Grid((512,))
    flow, curves = gf.Flow(grid, gf.Riesz(2), gf.uniform(grid)), []
    for options in ({}, {"integrator": "ssprk3", "tolerance": 1e-7}):
        solver = FiniteVolume(flow, **options)
        state, energies = solver.initialize(gf.random_sobolev(grid, 1.0)), []
        for until in np.geomspace(1, 3e5, 12):
            while state.time < until:
                solver.step(state, until)
            energies.append(flow.energy(solver.density(state)))
        curves.append(np.array(energies))
    return float(100 * abs(curves[0] / curves[1] - 1).max())


def bounds_of_growth() -> list[float]:
    """What growth alone, transport and relaxation allow at the start of relu-circle, and ten units of time later."""
    with written("relu-circle") as path:
        solver, initial = load_case(path).build(path.parent)
    flow = solver.flow
    state, found = solver.initialize(initial), []
    for until in (0.0, 10.0):
        while state.time < until:
            solver.step(state, until)
        bounds = solver.bounds(state)
        growth = 1 / (flow.growth * float(np.maximum(flow.potential(solver.density(state)), 0).max()))
        found += [growth, bounds.positivity, bounds.relaxation]
    return found

"""What every solver promises: the protocol, that a state given to ``restore`` is copied, and when a step may end."""

import math

import numpy as np
import pytest

import gridflow as gf
import solvers
from gridflow.domains.sphere import SphereGrid
from gridflow.equation.contract import Solver, State
from gridflow.equation.flow import SphereFlow
from gridflow.equation.kernels import ReLU
from gridflow.networks.measures import random_weights

CIRCLE, TORUS, SPHERE = gf.Circle(32), gf.Grid((16,)), SphereGrid((8, 16))


def flow_of(grid, make=gf.Flow, kernel=None, growth=0.0):
    return make(grid, kernel or gf.Riesz(1.5), np.full(grid.shape, 1 / grid.volume), growth)


def particles():
    positions = np.random.default_rng(1).random((50, 1))
    return solvers.Particles(flow_of(TORUS), positions, np.full(50, 0.02))


def network(**options):
    flow = flow_of(CIRCLE, kernel=ReLU(), growth=2.0)
    return solvers.Network(flow, random_weights(20, 2), **options)


MADE = {
    "FiniteVolume": lambda: solvers.FiniteVolume(flow_of(TORUS), reconstruction="muscl", velocity="difference"),
    "FiniteVolume exponential": lambda: solvers.FiniteVolume(flow_of(TORUS), integrator="etdrk4"),
    "FiniteVolume of both signs": lambda: solvers.FiniteVolume(
        flow_of(CIRCLE, kernel=ReLU(), growth=2.0),
        negative=np.full(32, 0.1),
        reconstruction="muscl",
        velocity="difference",
    ),
    "SphereFiniteVolume": lambda: solvers.SphereFiniteVolume(flow_of(SPHERE, SphereFlow)),
    "Spectral": lambda: solvers.Spectral(flow_of(TORUS)),
    "Particles": particles,
    "Network": network,
    "Network on samples": lambda: network(loss="empirical", samples=30, integrator="euler", learning_rate=0.1),
}


def begun(solver):
    """A state away from equilibrium, from any solver."""
    grid = solver.flow.grid
    waved = 1 + 0.5 * np.cos(np.arange(grid.size).reshape(grid.shape) * (2 * np.pi / grid.shape[-1]))
    return solver.initialize(waved / waved.mean() / grid.volume)


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_a_restored_state_is_a_copy(make):
    state = begun(make())
    given = State({name: array.copy() for name, array in state.arrays.items()}, control=dict(state.control))
    before, control = {name: array.tobytes() for name, array in given.arrays.items()}, dict(given.control)
    solver = make()
    restored = solver.restore(given)
    for _ in range(3):
        solver.diagnose(restored)
        solver.step(restored, 1e9)
    assert {name: array.tobytes() for name, array in given.arrays.items()} == before
    assert (given.control, given.step) == (control, 0)
    for name, array in given.arrays.items():
        assert not np.shares_memory(array, restored.arrays[name])
        assert name == "weights" or (restored.arrays[name] != array).any()


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_a_solver_has_what_the_protocol_names(make):
    solver = make()
    for name in vars(Solver):
        assert name.startswith("_") or hasattr(solver, name), name
    solver.compile()


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
@pytest.mark.parametrize("until", [0.0, -1.0, math.nan])
def test_a_step_ends_later_than_it_begins(make, until):
    state = begun(solver := make())
    before = {name: array.tobytes() for name, array in state.arrays.items()}
    with pytest.raises(gf.InputError, match=r"^until = .*: it must be later than the time 0 of the state$"):
        solver.step(state, until)
    assert ({name: array.tobytes() for name, array in state.arrays.items()}, state.time, state.step) == (before, 0, 0)


def test_every_solver_is_tried_here():
    assert {name.split()[0] for name in MADE} == set(solvers.__all__)

"""What was evaluated is what a stage is made from, as long as its velocity is in place and no longer."""

import numpy as np
import pytest

import gridflow as gf
from solvers import FiniteVolume, SphereFiniteVolume

CIRCLE, SPHERE = gf.Grid((32,)), gf.SphereGrid((8, 16))


def on_circle():
    return FiniteVolume(gf.Flow(CIRCLE, gf.Riesz(1), gf.uniform(CIRCLE)), integrator="ssprk2")


def on_circle_with_both_signs():
    flow = gf.Flow(CIRCLE, gf.Riesz(1), gf.cosine(CIRCLE, 0.5), growth=1.0)
    return FiniteVolume(flow, negative=gf.uniform(CIRCLE, mass=0.4), integrator="ssprk2")


def on_sphere():
    return SphereFiniteVolume(gf.SphereFlow(SPHERE, gf.Riesz(1), gf.uniform(SPHERE)), integrator="ssprk2")


@pytest.fixture(params=[on_circle, on_circle_with_both_signs, on_sphere], ids=lambda make: make.__name__)
def begun(request):
    solver = request.param()
    grid = solver.flow.grid
    return solver, solver.initialize(gf.normalize(grid, 1 + np.random.default_rng(1).random(grid.shape)))


def advance(space, at, state):
    space.advance(at, state.arrays, space.stages[0], 1e-4, 0.0)


def test_what_was_evaluated_before_the_last_is_refused(begun):
    solver, state = begun
    space = solver._space
    look = space.look(state)
    advance(space, look, state)
    stage = space.evaluate(space.stages[0], state.time)
    with pytest.raises(RuntimeError, match="no longer in place"):
        advance(space, look, state)
    advance(space, space.evaluate(state.arrays, state.time), state)
    with pytest.raises(RuntimeError, match="no longer in place"):
        advance(space, stage, state)


def test_arrays_that_a_stage_was_written_over_are_refused(begun):
    solver, state = begun
    space = solver._space
    look = space.look(state)
    space.advance(look, state.arrays, state.arrays, 0.0, 1.0)  # which one dimension allows, and the sphere
    with pytest.raises(RuntimeError, match="no longer in place"):
        advance(space, look, state)


def test_a_state_is_evaluated_again_only_if_a_number_has_changed(begun):
    solver, state = begun
    space, density = solver._space, state.arrays["density"]
    look = space.look(state)
    assert space.look(state) is look
    density[..., 0] *= 1.5
    assert space.look(state) is not look
    with pytest.raises(RuntimeError, match="no longer in place"):
        advance(space, look, state)


def test_after_a_step_the_state_before_it_is_not_taken_for_the_new_one(begun):
    solver, state = begun
    before = solver._space.look(state)
    solver.step(state, 1e9)
    after = solver._space.look(state)
    assert after is not before
    assert after.energy < before.energy

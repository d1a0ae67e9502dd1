"""What is predicted before a run, against the run."""

import math
from pathlib import Path

import numpy as np
import pytest

import gridflow as gf
from gridflow.cases.reading import load_case
from gridflow.studies.prediction import predict_run
from solvers import FiniteVolume, SphereFiniteVolume

CASES = Path(gf.__file__).parent / "cases" / "templates"
SMOOTH = ("bumps2d", "cosine1d", "random1d", "random2d", "random3d")
CERTIFIED = ("bumps2d", "cosine1d")
"""Those with s = 1, for which a certificate is known before the run."""


@pytest.mark.parametrize("share", [1e-2, 1e-6])
@pytest.mark.parametrize("name", SMOOTH)
def test_times_and_steps_of_the_smooth_cases(name, share):
    """Time within a factor 2, which is what is asked of linear theory; steps within 2, whose bounds it carries on."""
    solver, initial = load_case(CASES / f"{name}.toml").build(CASES)
    found = predict_run(solver, initial, share)
    state = solver.initialize(initial)
    while solver.diagnose(state)["energy"] > found.goal:
        solver.step(state, math.inf)
    assert 0.5 < found.time / state.time < 2
    assert 0.5 < found.steps / state.step < 2
    if name in CERTIFIED:
        assert state.time <= found.certified
        assert not found.not_certified
    else:
        assert found.certified is None
        assert "needs s = 1" in found.not_certified
    assert found.hypotheses


def flow(kernel, target=None, shape=(64,), growth=0.0):
    grid = gf.Grid(shape)
    return gf.Flow(grid, kernel, gf.uniform(grid) if target is None else target(grid), growth)


def prediction(problem, start, share=1e-3, **options):
    return predict_run(FiniteVolume(problem, **options), start, share)


def test_a_rough_start_has_a_power_law():
    problem = flow(gf.Riesz(2), shape=(256,))
    found = prediction(problem, gf.random_sobolev(problem.grid, 1.0, 0.3))
    assert found.exponent == pytest.approx(3.0)
    assert found.rate is None
    assert (found.regularity, found.regularity_error) == pytest.approx((1.0, 0.0), abs=1e-9)
    assert found.theorem.startswith("s > 1: local convergence at a power of time")
    assert found.doubts == ()
    assert "needs s = 1; the flow has s = 2" in found.not_certified


def test_a_smooth_start_falls_faster():
    problem = flow(gf.Riesz(2))
    found = prediction(problem, gf.cosine(problem.grid, 0.3))
    assert found.exponent is None
    assert found.regularity == math.inf
    assert "faster than every power" in found.theorem


def test_a_coulomb_start_has_a_rate_and_a_certificate():
    problem = flow(gf.Riesz(1), lambda grid: gf.cosine(grid, 0.5))
    found = prediction(problem, gf.cosine(problem.grid, -0.3))
    assert found.rate == pytest.approx(2 * problem.target.min())
    certificate = gf.theory.CoulombCertificate.of(problem, gf.cosine(problem.grid, -0.3))
    assert found.certified == certificate.time_to(found.goal)


def test_what_fails_is_said():
    coulomb, riesz = flow(gf.Riesz(1)), flow(gf.Riesz(2))
    hole = gf.ball_hole(coulomb.grid, 0.2)
    assert "the hole law" in prediction(coulomb, hole).doubts[0]
    assert "the initial density has a hole" in prediction(coulomb, hole).not_certified
    assert "which fills only from its edges" in prediction(riesz, hole).doubts[0]
    assert "far from the target" in prediction(riesz, gf.gaussian(riesz.grid, [0.5], 0.1)).doubts[0]
    empty = flow(gf.Riesz(2), lambda grid: gf.ball_hole(grid, 0.2))
    found = prediction(empty, gf.uniform(empty.grid), 1e-9)
    assert "none applies: the target is 0 somewhere" in found.theorem
    assert all(words in doubt for words, doubt in zip(("far", "target vanishes", "never"), found.doubts, strict=True))
    assert len(found.doubts) == 3
    assert (found.time, found.steps) == (math.inf, math.inf)
    other = prediction(flow(gf.Gaussian(0.2)), gf.cosine(coulomb.grid, 0.3))
    assert "none applies: the power law needs a Riesz kernel" in other.theorem
    with pytest.raises(gf.InputError, match=r"tol = 1\.0: it must be between 0 and 1"):
        prediction(coulomb, gf.cosine(coulomb.grid), 1.0)
    with pytest.raises(gf.InputError, match="nothing to predict"):
        prediction(coulomb, np.array(coulomb.target))


@pytest.mark.parametrize("integrator", ["auto", "ssprk3"])
def test_steps_of_either_kind_of_integrator(integrator):
    """Half a thousand explicit steps for half that with exponential ones, and both within a factor 2."""
    problem = flow(gf.Riesz(2), shape=(128,))
    start = gf.random_sobolev(problem.grid, 1.0, 0.3)
    solver = FiniteVolume(problem, integrator=integrator)
    found = predict_run(solver, start, 1e-10)
    state = solver.initialize(start)
    while solver.diagnose(state)["energy"] > found.goal:
        solver.step(state, math.inf)
    assert 0.5 < found.steps / state.step < 2
    assert (state.step > 400) == (integrator == "ssprk3")


CIRCLE = gf.Circle(256)


def network(target, start, growth=2.0, kernel=None):
    flow = gf.Flow(CIRCLE, kernel or gf.ReLU(), target, growth)
    return FiniteVolume(flow), start


def test_a_rough_start_of_a_network_has_a_power_of_time():
    uniform = gf.uniform(CIRCLE, mass=6.0)
    for power, s in ((1, 2.0), (2, 3.0)):
        start = gf.random_sobolev(CIRCLE, 1.0, 0.2, seed=2, mass=6.0)
        found = predict_run(*network(uniform, start, kernel=gf.ReLU(power)), 1e-3)
        assert found.exponent == pytest.approx((1 + s) / (s - 1), rel=0.01)
        assert found.theorem.startswith(f"s = {s:g} on the modes that a network sees")
        assert found.doubts == ()


def test_what_the_loss_cannot_see_is_told():
    """Modes 3 and 2 of equal amplitude: half of it, and the loss is that of mode 2 alone."""
    angle = CIRCLE.centers(0)
    seen = 1 + 0.1 * np.cos(2 * angle)
    both = seen + 0.1 * np.cos(3 * angle)
    found, alone = (predict_run(*network(np.ones(256), start), 1e-3) for start in (both, seen))
    assert found.invisible == pytest.approx(0.5, abs=1e-3)
    assert alone.invisible == pytest.approx(0.0, abs=1e-12)
    assert found.energy == pytest.approx(alone.energy, rel=1e-12)
    assert found.time == pytest.approx(alone.time, rel=1e-9)


def test_independent_neurons_are_noise_of_regularity_minus_half_the_dimension():
    uniform = gf.uniform(CIRCLE, mass=6.0)
    start = gf.cosine(CIRCLE, 0.5, 2, mass=6.0)
    few, many, none = (predict_run(*network(uniform, start), 1e-4, neurons) for neurons in (100, 10_000, None))
    assert (few.regularity, few.exponent) == (-0.5, pytest.approx(1.5))
    assert few.time > many.time > none.time


def test_where_linear_theory_says_nothing_of_a_network():
    empty = gf.gaussian(CIRCLE, [1.0], 0.2, mass=6.0)
    start = gf.uniform(CIRCLE, mass=6.0)
    found = predict_run(*network(empty, start), 1e-3)
    assert np.isnan(found.time)
    assert np.isnan(found.steps)
    assert "linearisation is not valid there" in found.doubts[-1]
    assert found.exponent is None
    both_signs = predict_run(*network(np.cos(CIRCLE.centers(0)), start), 1e-3)
    assert np.isnan(both_signs.time)
    assert "growth = 0" in predict_run(*network(start, gf.cosine(CIRCLE, 0.5, 2, mass=6.0), growth=0.0), 1e-3).doubts[0]
    hole = predict_run(*network(start, gf.ball_hole(CIRCLE, 0.5, [1.0], mass=6.0)), 1e-3)
    assert hole.exponent is None
    assert "the initial density has a hole" in hole.theorem


def test_a_smooth_and_a_rough_start_on_the_sphere():
    grid = gf.SphereGrid((48, 96))
    flow = gf.SphereFlow(grid, gf.ReLU(), gf.uniform(grid), growth=2.0)
    smooth = (gf.sphere_densities.bumps(grid, [1, 0, 1], 8.0) + gf.uniform(grid)) / 2
    found = predict_run(SphereFiniteVolume(flow), smooth, 1e-3)
    assert found.exponent is None
    assert found.regularity == np.inf
    rough = gf.sphere_densities.random_sobolev_on_sphere(grid, 0.5, 0.3, degrees="even")
    found = predict_run(SphereFiniteVolume(flow), rough, 1e-3)
    assert found.exponent == pytest.approx(3 / 1.5, rel=0.05)
    assert found.invisible == pytest.approx(0.0, abs=1e-12)
    assert 0.5 < found.steps / run_until(SphereFiniteVolume(flow), rough, found.goal) < 2


def run_until(solver, start, goal):
    """Steps that a run takes until its energy is below a value."""
    return gf.run(solver, start, 1e6, callbacks=[gf.stop_when_energy_below(goal, gf.EverySteps(1))]).steps

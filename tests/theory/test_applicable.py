"""What of theory applies to a flow from a start: one answer, before a run and after it."""

import math

import numpy as np
import pytest

import gridflow as gf
from gridflow.decay.measured import rates
from gridflow.studies.prediction import predict_run
from gridflow.theory import ExponentialRate, PowerLaw, SmoothDecay
from gridflow.theory.applicable import Applicable
from solvers import FiniteVolume

CIRCLE = gf.Circle(64)
MASS = 2 * math.pi


def flow(kernel, shape=(64,), growth=0.0):
    grid = gf.Grid(shape)
    return gf.Flow(grid, kernel, gf.uniform(grid), growth)


def training(target=None):
    return gf.Flow(CIRCLE, gf.ReLU(), gf.uniform(CIRCLE, mass=MASS) if target is None else target, 2.0)


def rough(grid, mass=1.0):
    return gf.random_sobolev(grid, 1.0, 0.3, mass=mass)


def test_the_kind_of_law_follows_from_kernel_and_start():
    coulomb, riesz = flow(gf.Riesz(1)), flow(gf.Riesz(2))
    assert Applicable.of(coulomb, rough(coulomb.grid)).law == ExponentialRate(1.0)
    law = Applicable.of(riesz, rough(riesz.grid)).law
    assert isinstance(law, PowerLaw)
    assert (law.s, law.r) == pytest.approx((2.0, 1.0))
    assert Applicable.of(riesz, gf.cosine(riesz.grid, 0.3)).law == SmoothDecay(2.0)
    assert Applicable.of(riesz, rough(riesz.grid), r=3.0).law == PowerLaw(2.0, 3.0)


def test_what_cannot_be_told_would_be_told_by_r():
    small = flow(gf.Riesz(2), (16, 16))
    found = Applicable.of(small, rough(small.grid))
    assert (found.law, found.regularity, found.unknown_regularity) == (None, None, True)
    assert found.no_law == "the grid is too small to fit the regularity of the initial density"
    edge = flow(gf.Riesz(2), (48,))
    found = Applicable.of(edge, gf.ball_hole(edge.grid, 0.2, [0.33]))
    assert found.unknown_regularity
    assert found.no_law.startswith("the regularity of the initial density cannot be fitted (r = ")
    other = flow(gf.Gaussian(0.2), (16, 16))
    found = Applicable.of(other, rough(other.grid))
    assert not found.unknown_regularity  # no r makes up for a kernel that no law is known of
    assert "needs a Riesz kernel" in found.no_law


def test_a_start_that_differs_by_a_constant_is_smooth():
    found = Applicable.of(training(), gf.uniform(CIRCLE, mass=MASS / 2))
    assert found.regularity.r == math.inf
    assert isinstance(found.law, SmoothDecay)


def test_an_obstacle_keeps_both_law_and_linear_theory_away_unless_r_is_given():
    hole = gf.ball_hole(CIRCLE, 0.5, [1.0], mass=MASS)
    found = Applicable.of(training(), hole)
    assert found.no_law == found.no_linear
    assert "the initial density has a hole" in found.no_law
    found = Applicable.of(training(), hole, r=0.5)
    assert found.law == PowerLaw(2.0, 0.5)
    assert found.linear is None
    plain = Applicable.of(training(), rough(CIRCLE, MASS), unlike="nothing is known of it")
    assert (plain.law, plain.linear, plain.no_law, plain.no_linear) == (None, None, *["nothing is known of it"] * 2)
    assert "two densities of opposite sign" in Applicable.of(training(), hole, signed=True).no_law


STARTS = {
    "coulomb": (lambda: flow(gf.Riesz(1)), lambda grid: rough(grid)),
    "rough": (lambda: flow(gf.Riesz(2)), lambda grid: rough(grid)),
    "smooth": (lambda: flow(gf.Riesz(2)), lambda grid: gf.cosine(grid, 0.3)),
    "small grid": (lambda: flow(gf.Riesz(2), (16, 16)), lambda grid: rough(grid)),
    "another kernel": (lambda: flow(gf.Gaussian(0.2)), lambda grid: rough(grid)),
    "a network's hole": (training, lambda grid: gf.ball_hole(grid, 0.5, [1.0], mass=MASS)),
    "a network's target of both signs": (
        lambda: training(1 + 1.5 * np.cos(CIRCLE.centers(0))),
        lambda grid: rough(grid, MASS),
    ),
}
WITH_A_LAW = ("coulomb", "rough")


@pytest.mark.parametrize("name", STARTS)
def test_predictions_and_rates_say_the_same(name, tmp_path):
    make, start = STARTS[name]
    problem = make()
    initial = start(problem.grid)
    solver = FiniteVolume(problem, "muscl")
    before = predict_run(solver, initial, 1e-3)
    gf.run(solver, initial, 1e-2, store=tmp_path / "a.run")
    after = rates(tmp_path / "a.run")
    assert (before.rate if after.is_exponential else before.exponent) == after.predicted
    assert before.regularity == (None if after.regularity is None else after.regularity.r)
    assert math.isnan(before.tiers[1].time) == (after.linear is None)
    if name in WITH_A_LAW:
        assert after.no_law == ""
        assert not before.theorem.startswith("none applies")
    elif name == "smooth":  # a theorem, but no power of time
        assert "faster than every power of time" in after.no_law
        assert "faster than every power of time" in before.theorem
    else:
        assert after.no_law
        assert before.theorem == f"none applies: {after.no_law.removesuffix('; give its r')}"


def test_of_two_densities_both_say_the_same(tmp_path):
    half = gf.uniform(CIRCLE, mass=MASS / 2)
    problem, initial = training(), rough(CIRCLE, MASS)
    before = predict_run(FiniteVolume(problem, negative=half), initial, 1e-3)
    gf.run(FiniteVolume(problem, negative=half), initial, 1e-2, store=tmp_path / "a.run")
    after = rates(tmp_path / "a.run")
    assert before.theorem == f"none applies: {after.no_law}"
    assert (after.predicted, after.linear, after.shares) == (None, None, None)

"""Two measures that one potential moves in opposite senses."""

import numpy as np
import pytest

import gridflow as gf
from gridflow.equation.contract import DENSITY, NEGATIVE
from gridflow.equation.kernels import ReLU
from solvers import FiniteVolume

GRID = gf.Circle(96)
ANGLE = GRID.centers(0)
TEACHER = np.sin(2 * ANGLE) + 0.4 * np.cos(ANGLE)
STRUCTURAL = {"reconstruction": "muscl", "velocity": "difference"}


def problem(kernel=None):
    flow = gf.Flow(GRID, kernel or ReLU(), TEACHER, growth=2.0)
    return flow, 1 + 0.9 * np.cos(ANGLE - 1), np.where(abs(ANGLE - 3) < 0.8, 0.0, 1.0)


def solver(**options):
    flow, positive, negative = problem()
    advanced = FiniteVolume(flow, negative=negative, **options)
    return advanced, advanced.initialize(positive)


def energy(state):
    flow = problem()[0]
    return flow.energy(state.arrays[DENSITY] - state.arrays[NEGATIVE])


EULER = STRUCTURAL | {"integrator": "euler", "cfl": 1.0, "tolerance": 1e9}


@pytest.mark.parametrize("options", [STRUCTURAL, EULER, {}], ids=str)
def test_both_stay_positive_and_the_energy_falls(options):
    advanced, state = solver(**options)
    before = energy(state)
    for _ in range(60):
        advanced.step(state, 1e9)
        assert min(state.arrays[name].min() for name in (DENSITY, NEGATIVE)) >= 0
        assert energy(state) <= before * (1 + 1e-12)
        before = energy(state)
    assert before < 0.5 * energy(solver()[1])


def test_the_numbers_are_those_of_the_definitions():
    advanced, state = solver(**STRUCTURAL)
    found = advanced.diagnose(state)
    positive, negative = state.arrays[DENSITY].copy(), state.arrays[NEGATIVE].copy()
    assert found["mass"] == pytest.approx(GRID.integral(positive - negative), rel=1e-13)
    assert (found["min"], found["max"]) == (0.0, max(positive.max(), negative.max()))
    assert found["energy"] == pytest.approx(energy(state), rel=1e-13)
    dt = 1e-6
    loss = energy(state)
    advanced.step(state, dt)  # −dE/dt within dt² of the second difference
    assert found["dissipation"] == pytest.approx((loss - energy(state)) / dt, rel=1e-5)


def test_the_negative_measure_sees_the_mirror_image():
    """Exchanging the two and turning the teacher's sign over changes nothing."""
    _, positive, negative = problem()
    mirrored = FiniteVolume(gf.Flow(GRID, ReLU(), -TEACHER, growth=2.0), negative=positive, **STRUCTURAL)
    other = mirrored.initialize(negative)
    advanced, state = solver(**STRUCTURAL)
    for _ in range(10):
        until = state.time + 0.02
        advanced.step(state, until)
        mirrored.step(other, until)
        assert state.time == other.time == until
    assert state.arrays[DENSITY] == pytest.approx(other.arrays[NEGATIVE], rel=1e-11)
    assert state.arrays[NEGATIVE] == pytest.approx(other.arrays[DENSITY], rel=1e-11)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_growth_bounds_the_step_of_the_density_that_it_takes_from(sign):
    """V is constant, so that only growth moves mass: from one density, at the rate β |V|."""
    flow = gf.Flow(GRID, ReLU(), np.full(96, -3 * sign), growth=2.0)
    advanced = FiniteVolume(flow, negative=np.ones(96), **STRUCTURAL)
    found = advanced.bounds(advanced.initialize(np.ones(96))).positivity
    v = flow.potential(np.zeros(96))
    assert (sign * v > 0).all()
    assert found == pytest.approx(1 / (2.0 * abs(v[0])), rel=1e-12)


def test_without_a_negative_measure_it_is_the_flow_itself():
    flow = gf.Flow(GRID, ReLU(), 1 + 0.5 * TEACHER / abs(TEACHER).max(), growth=2.0)
    pair, single = FiniteVolume(flow, negative=np.zeros(96)), FiniteVolume(flow, integrator="ssprk3")
    both, one = (made.initialize(1 + 0.8 * np.cos(ANGLE)) for made in (pair, single))
    for until in np.arange(1, 21) / 50:
        pair.step(both, until)
        single.step(one, until)
        assert both.time == one.time == until
    assert both.arrays[DENSITY] == pytest.approx(one.arrays[DENSITY], rel=1e-12)
    assert (both.arrays[NEGATIVE] == 0).all()


def test_it_converges_with_second_order():
    reference, errors = None, []
    for n in (384, 24, 48, 96):
        grid = gf.Circle(n)
        nu = gf.from_function(grid, lambda x: 1 + np.sin(2 * x)) - 1
        flow = gf.Flow(grid, ReLU(), nu, growth=2.0)
        advanced = FiniteVolume(flow, negative=gf.from_function(grid, lambda x: 1 + 0.5 * np.sin(x)), tolerance=1e-8)
        state = advanced.initialize(gf.from_function(grid, lambda x: 1 + 0.5 * np.cos(x)))
        while state.time < 1.0:
            advanced.step(state, 1.0)
        both = np.stack([state.arrays[DENSITY], state.arrays[NEGATIVE]])
        if reference is None:
            reference = both
        else:
            errors.append(abs(both - reference.reshape(2, n, -1).mean(axis=2)).max())
    assert gf.diagnostics.fitted_order([1 / 24, 1 / 48, 1 / 96], errors) > 1.9


def test_a_run_resumes_to_the_same_bits_and_keeps_both(tmp_path):
    def run(name, t_end, **options):
        advanced, _ = solver()
        return gf.run(
            advanced, problem()[1], t_end, store=tmp_path / name, snapshots=gf.EveryTime(0.5), snapshot_dtype="float64",
            checkpoints=gf.EverySteps(3), **options,
        )  # fmt: skip

    whole = run("whole.run", 2.0)
    run("parts.run", 1.0)
    parts = run("parts.run", 2.0, resume=True)
    for name in (DENSITY, NEGATIVE):
        assert (whole.state.arrays[name] == parts.state.arrays[name]).all()
    stored = gf.open_run(tmp_path / "parts.run")
    assert (stored.snapshot(index=-1).negative == whole.state.arrays[NEGATIVE]).all()
    assert (stored.started[NEGATIVE] == problem()[2]).all()
    assert stored.verify() == []


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: FiniteVolume(gf.Flow(GRID, ReLU(), 1 + 0 * ANGLE), negative=0 * ANGLE),
            "growth = 0.0: densities of both",
        ),
        (lambda: FiniteVolume(problem()[0], negative=-np.ones(96)), "the negative density is negative: -1.0 in cell"),
        (lambda: solver(integrator="etdrk4"), 'integrator "etdrk4" cannot carry a second density: allowed are auto'),
        (lambda: solver(tracer=np.zeros(96)), "a tracer cannot be combined with a negative density"),
    ],
)
def test_what_is_not_allowed(make, message):
    with pytest.raises(gf.InputError, match=message):
        make()


def test_a_run_of_one_density_does_not_go_on_with_two(tmp_path):
    flow, positive, negative = problem()
    one, two = FiniteVolume(flow, integrator="ssprk3"), FiniteVolume(flow, integrator="ssprk3", negative=negative)
    never = gf.EverySteps(10**6)

    def fails(run):  # noqa: ARG001
        raise gf.RunError("before the first checkpoint")

    with pytest.raises(gf.RunError):
        gf.run(
            one,
            positive,
            0.1,
            store=tmp_path / "one.run",
            checkpoints=never,
            callbacks=[gf.Callback(fails, never, at_start=True)],
        )
    with pytest.raises(gf.InputError, match="was run with cells, not cells of two densities; only the same problem"):
        gf.run(two, positive, 0.1, store=tmp_path / "one.run", resume=True)


def test_arrays_of_the_caller_are_copied():
    flow, positive, negative = problem()
    made = FiniteVolume(flow, negative=negative)
    negative[:] = 5.0
    assert made.initialize(positive).arrays[NEGATIVE].max() == 1


@pytest.mark.parametrize("integrator", ["euler", "ssprk2", "ssprk3"])
def test_looking_at_a_state_changes_nothing(integrator):
    """After an odd number of steps too, when the arrays of the state and those of a stage have changed places."""
    (looked, state), (alone, other) = (solver(integrator=integrator) for _ in range(2))
    for _ in range(5):
        looked.step(state, 1e9)
        alone.step(other, 1e9)
        looked.diagnose(state)
        looked.stable_dt(state)
    for name in (DENSITY, NEGATIVE):
        assert (state.arrays[name] == other.arrays[name]).all()

"""Training is a run like all others: what it keeps, its threads, stores, interruptions and snapshots."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gridflow as gf
from gridflow.domains.sphere import SphereGrid, WholeSphere
from gridflow.equation.contract import INNER, OUTER
from gridflow.equation.flow import Equation
from gridflow.equation.kernels import ReLU
from gridflow.errors import InputError, RunError
from gridflow.networks.measures import Weights, measure_from_network, network_from_measure, random_weights
from solvers.points.network import Network

CIRCLE = gf.Circle(128)
SPHERE = SphereGrid((12, 24))
DOMAINS = pytest.mark.parametrize("grid", [CIRCLE, SPHERE, WholeSphere(4)], ids=["circle", "sphere", "many inputs"])
TRAININGS = {
    "population": {},
    "descent": {"integrator": "euler", "learning_rate": 0.07},
    "samples": {"loss": "empirical", "samples": 300, "learning_rate": 0.07, "noise": 0.1, "seed": 3},
    "batches": {"loss": "empirical", "samples": 300, "batch": 20, "learning_rate": 0.07, "noise": 0.1, "seed": 3},
    "online": {"loss": "empirical", "batch": 20, "learning_rate": 0.07, "noise": 0.1, "seed": 3},
}


def problem(grid, kernel=None):
    teacher = random_weights(6, grid.dim + 1, seed=5, scale=2.0)
    positive, negative = measure_from_network(grid, teacher)
    return Equation.on(grid, kernel or ReLU(), positive - negative, growth=2.0), teacher


def solver(grid, count=200, balanced=True, **options):
    flow, teacher = problem(grid)
    return Network(flow, random_weights(count, grid.dim + 1, seed=1, balanced=balanced), teacher=teacher, **options)


def advanced(made, until):
    state = made.initialize()
    while state.time < until:
        made.step(state, until)
    return state


@DOMAINS
def test_gradient_flow_keeps_the_balance_and_lowers_the_loss(grid):
    """|w|² − a² drifts by the error of the steps alone, and dE/dt is the dissipation."""
    made = solver(grid, balanced=False, tolerance=1e-8)
    state = made.initialize()
    before = made.weights(state).balance
    rows = [{**made.diagnose(state), "time": 0.0}]
    while state.time < 3:
        made.step(state, min(3, state.time + 0.1))
        rows.append({**made.diagnose(state), "time": state.time})
    assert abs(made.weights(state).balance - before).max() < 1e-6
    energy, time, loss = (np.array([row[name] for row in rows]) for name in ("energy", "time", "dissipation"))
    assert (np.diff(energy) < 0).all()
    assert energy[0] - energy[-1] == pytest.approx(np.trapezoid(loss, time), rel=1e-2)


def test_signs_of_balanced_output_weights_stay():
    made = solver(CIRCLE)
    state = advanced(made, 3.0)
    assert (np.sign(state.arrays[OUTER]) == np.sign(made.initialize().arrays[OUTER])).all()


@DOMAINS
@pytest.mark.parametrize("training", ["population", "samples", "online"])
def test_the_bits_do_not_depend_on_threads(grid, training):
    states = [advanced(solver(grid, 1500, threads=threads, **TRAININGS[training]), 0.2) for threads in (1, 2)]
    for name in (INNER, OUTER):
        assert (states[0].arrays[name] == states[1].arrays[name]).all()


def test_the_bits_do_not_depend_on_pieces_of_the_sphere_worked_on_at_once():
    states = [advanced(solver(SPHERE, 2**14 + 100, threads=threads, integrator="rk23"), 0.05) for threads in (1, 2)]
    assert (states[0].arrays[INNER] == states[1].arrays[INNER]).all()


def test_the_bits_do_not_depend_on_the_threads_of_matrix_products():
    """Which the library reads at its start; with 300 inputs it would split sums that are not in blocks."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from test_network_runs import *;"
        "flow, teacher = problem(WholeSphere(299));"
        "w = random_weights(500, 300, seed=1);"
        "made = [Network(flow, w, teacher=teacher, **TRAININGS[name]) for name in ('descent', 'samples')];"
        "print([Weights(*advanced(one, 0.14).arrays.values()).sha256 for one in made])"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code, Path(__file__).parent],
            env=os.environ | {"OPENBLAS_NUM_THREADS": number},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for number in ("1", "2")
    }
    assert len(found) == 1


def run(store, training, grid=CIRCLE, **options):
    schedule = {"snapshots": gf.EveryTime(0.25), "series": gf.EverySteps(2), "checkpoints": gf.EverySteps(3)}
    return gf.run(solver(grid, **TRAININGS[training]), t_end=1.0, store=store, **schedule | options)


def contents(path):
    files = ("snapshots/*.nc", "series.h5", "problem.nc")
    return {p.relative_to(path): p.read_bytes() for pattern in files for p in sorted(path.glob(pattern))}


@pytest.mark.parametrize(
    ("training", "grid"), [(name, CIRCLE) for name in TRAININGS] + [("population", SPHERE), ("samples", WholeSphere(4))]
)
def test_an_interrupted_training_resumes_to_the_same_bytes(tmp_path, training, grid):
    run(tmp_path / "whole.run", training, grid)

    def fail(live):
        if live.steps == 4:
            raise RunError("a wire was pulled")

    with pytest.raises(RunError, match="wire"):
        run(tmp_path / "cut.run", training, grid, callbacks=[gf.Callback(fail, gf.EverySteps(1))])
    run(tmp_path / "cut.run", training, grid, resume=True)
    assert contents(tmp_path / "cut.run") == contents(tmp_path / "whole.run")
    assert gf.open_run(tmp_path / "cut.run").verify() == []


def test_only_the_same_network_resumes(tmp_path):
    run(tmp_path / "a.run", "samples")
    flow, teacher = problem(CIRCLE)
    other = Network(flow, random_weights(200, 2, seed=2), teacher=teacher, **TRAININGS["samples"])
    with pytest.raises(InputError, match="sha256 = "):
        gf.run(other, t_end=1.0, store=tmp_path / "a.run", resume=True)


def test_snapshots_hold_weights_and_their_measure(tmp_path):
    done = run(tmp_path / "a.run", "samples", snapshot_dtype="float64")
    stored = gf.open_run(tmp_path / "a.run")
    last = stored.snapshot(index=-1)
    assert (last.inner_weights == done.state.arrays[INNER]).all()
    assert (last.outer_weights == done.state.arrays[OUTER]).all()
    weights = Weights(last.inner_weights, last.outer_weights)
    positive, negative = measure_from_network(CIRCLE, weights)
    assert (last.density == positive).all()
    assert (last.negative == negative).all()
    assert stored.series["mass"][-1] == pytest.approx(weights.masses.sum(), rel=1e-12)
    assert stored.series["empirical_loss"][-1] < 0.7 * stored.series["empirical_loss"][0]
    settings = stored.manifest["solver"]
    assert settings["weights_sha256"] == random_weights(200, 2, seed=1).sha256
    assert settings["samples"] == 300


def test_a_network_of_one_sign_has_one_density(tmp_path):
    density = 1 + 0.8 * np.cos(CIRCLE.centers(0))
    flow = gf.Flow(CIRCLE, ReLU(), np.ones(128), growth=2.0)
    made = Network(flow, network_from_measure(CIRCLE, density, 300))
    done = gf.run(made, density, 0.5, store=tmp_path / "a.run")
    stored = gf.open_run(tmp_path / "a.run")
    assert stored.snapshot(index=-1).negative is None
    assert (stored.initial == density).all()
    assert "empirical_loss" not in done.series
    assert (np.diff(done.series["energy"]) < 0).all()


def test_descent_shortens_only_the_step_that_lands():
    made = solver(CIRCLE, **TRAININGS["descent"])
    state = made.initialize()
    lengths = []
    while state.time < 0.5:
        made.step(state, 0.5)
        lengths.append(state.dt)
    assert state.time == 0.5
    assert lengths[:7] == [0.07] * 7
    assert lengths[7:] == [pytest.approx(0.01)]


def test_small_steps_of_descent_are_the_gradient_flow():
    flow = advanced(solver(CIRCLE), 1.0)
    errors = []
    for rate in (0.02, 0.01):
        descent = advanced(solver(CIRCLE, integrator="euler", learning_rate=rate), 1.0)
        errors.append(abs(descent.arrays[INNER] - flow.arrays[INNER]).max())
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.1)


def test_online_descent_lowers_the_loss_over_all_inputs():
    """Of which it never sees a sample twice; the noise of the labels is not part of it."""
    made = solver(CIRCLE, loss="empirical", batch=100, learning_rate=0.1, noise=0.05, seed=2)
    done = gf.run(made, t_end=40.0)
    assert done.series["energy"][-1] < done.series["energy"][0] / 50
    assert "empirical_loss" not in done.series


def test_many_samples_train_as_the_population():
    """The loss of 20000 samples without noise over all inputs, within what m and n leave."""
    whole = gf.run(solver(CIRCLE, integrator="euler", learning_rate=0.1), t_end=5.0)
    found = gf.run(solver(CIRCLE, loss="empirical", samples=20000, learning_rate=0.1), t_end=5.0)
    np.testing.assert_allclose(found.series["energy"], whole.series["energy"], rtol=0.02)


def test_memory_is_predicted_within_a_factor():
    """Of what a solver of many neurons allocates; the transforms' own grids are outside Python's count."""
    import tracemalloc

    flow, _ = problem(CIRCLE)
    for options, samples in (({}, 0), (TRAININGS["samples"] | {"samples": 1000}, 1000)):
        weights = random_weights(20_000, 2)
        tracemalloc.start()
        made = Network(flow, weights, **options)
        made.step(made.initialize(), 0.01)
        _, used = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert used < Network.memory(20_000, (128,), samples) < 2 * used

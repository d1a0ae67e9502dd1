"""gridflow train, and what predict says of networks."""

import json

import numpy as np
import pytest
from matplotlib.figure import Figure
from shell import gridflow

import gridflow as gf
from gridflow.cases.reading import load_case, parse_case
from gridflow.measures.diagnostics import crossing_time
from gridflow.networks.measures import random_weights, save_weights
from gridflow.studies.prediction import first_energy, predict_run
from gridflow.studies.training import expect, members
from gridflow.theory import LinearDecay
from gridflow.viz.training import Curve, draw_losses

SMALL = ("--set", "grid.shape=[64]", "--set", "time.t_end=20.0", "--set", "training.widths=[40, 160]")
FEW = ("--set", "training.samples=200", "--set", "output.snapshot_log={first=0.1, last=20.0, count=6}")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("train")
    gridflow("new", "relu-circle", folder=folder)
    done = gridflow("train", "relu-circle.toml", *SMALL, *FEW, "--quiet", "--json", folder=folder)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout), done.stderr


def test_it_trains_every_width_beside_the_limit(trained):
    folder, facts, said = trained
    assert [run["label"] for run in facts["runs"]] == [
        "infinitely wide",
        "m = 40",
        "m = 40, 200 samples",
        "m = 160",
        "m = 160, 200 samples",
    ]
    for name in ("limit", "population-40", "samples-40", "population-160", "samples-160"):
        assert gf.open_run(folder / "relu-circle.train" / f"{name}.run").status == "finished"
    assert (folder / "relu-circle.train" / "training.png").stat().st_size > 20_000
    assert "training.png" in said


def test_the_times_are_those_of_the_runs_and_of_theory(trained):
    folder, facts, _ = trained
    limit = facts["runs"][0]
    series = gf.open_run(folder / "relu-circle.train" / "limit.run").series
    assert limit["first"] == series["energy"][0]
    assert facts["goal"] == pytest.approx(1e-4 * limit["first"])
    assert limit["time"] == pytest.approx(crossing_time(series["time"], series["energy"], facts["goal"]))
    assert limit["predicted"] == pytest.approx(facts["prediction"]["time"])
    assert 0.7 < limit["predicted"] / limit["time"] < 1.4
    # the wider of two random starts is expected at the goal first
    assert facts["runs"][1]["predicted"] > facts["runs"][3]["predicted"] > limit["predicted"]
    assert limit["times_limit"] == pytest.approx(1.0)
    assert facts["prediction"]["exponent"] == pytest.approx(3.0, rel=0.02)


def test_again_it_reads_what_is_there_and_goes_on_with_what_is_not(trained):
    folder, facts, _ = trained
    runs = folder / "relu-circle.train"
    before = {path: path.stat().st_mtime_ns for path in runs.rglob("*.h5")}
    again = gridflow("train", "relu-circle.toml", *SMALL, *FEW, "--quiet", "--json", folder=folder)
    repeated = json.loads(again.stdout)
    for each in (repeated, facts):
        for tier in each["prediction"]["tiers"]:
            tier.pop("seconds", None)
    assert repeated == facts
    assert {path: path.stat().st_mtime_ns for path in runs.rglob("*.h5")} == before


def test_another_case_does_not_go_on(trained):
    folder, _, _ = trained
    other = gridflow("train", "relu-circle.toml", *SMALL, *FEW, "--set", "target.seed=9", "--quiet", folder=folder)
    assert other.returncode == 2
    assert (
        "limit.run is a run of another case, [target] differs; choose another folder (out), or remove it"
        in other.stderr
    )


def test_a_training_goes_on_to_a_later_time(tmp_path):
    gridflow("new", "relu-teacher", folder=tmp_path)
    options = ["--set", "grid.shape=[32]", "--set", "training.widths=[10]", "--quiet"]
    for until in (1.0, 2.0):
        done = gridflow("train", "relu-teacher.toml", *options, "--set", f"time.t_end={until}", folder=tmp_path)
        assert done.returncode == 0, done.stderr
        for name in ("limit", "population-10"):
            assert gf.open_run(tmp_path / "relu-teacher.train" / f"{name}.run").series["time"][-1] == until


def test_a_file_behind_the_case_that_changed_is_noticed(tmp_path):
    (tmp_path / "case.toml").write_text(
        CASE.replace("[initial]", "[target]\nkind = 'network'\npath = 'net.npz'\nmass = 1.0\n[initial]")
        + "[training]\nwidths = [10]\n"
    )
    for seed in (0, 1):
        save_weights(tmp_path / "net.npz", random_weights(300, 2, seed))
        done = gridflow("train", "case.toml", "--quiet", folder=tmp_path)
        assert done.returncode == (2 if seed else 0), done.stderr
    assert "a file that its target is read from differs" in done.stderr


def test_a_network_that_diverges_is_left_out(tmp_path):
    (tmp_path / "case.toml").write_text(CASE + "[training]\nwidths = [20]\nsamples = 30\nlearning_rate = 400.0\n")
    options = ("--set", "output.snapshot_every=5000.0", "--set", "time.t_end=20000.0", "--set", "initial.mass=5.0")
    done = gridflow("train", "case.toml", "--quiet", *options, folder=tmp_path)
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if "left out" in line]
    assert "samples-20 failed and is left out" in line
    assert not [line for line in done.stderr.splitlines() if "overflow encountered" in line]
    assert (tmp_path / "case.train" / "training.png").exists()


def test_a_teacher_with_a_hole_on_the_sphere(tmp_path):
    gridflow("new", "relu-sphere", folder=tmp_path)
    changes = [
        "grid.shape=[16, 32]",
        "time.t_end=2.0",
        "training.widths=[30]",
        "training.samples=50",
        "training.batch=20",
        "output.snapshot_log={first=0.1, last=2.0, count=4}",
        "initial={kind='cap_hole', radius=0.7, center=[1.0, 0.0, 0.3]}",
    ]
    options = [part for change in changes for part in ("--set", change)]
    done = gridflow("train", "relu-sphere.toml", *options, "--quiet", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "not reached" in done.stdout
    predicted = gridflow("predict", "relu-sphere.toml", *options, folder=tmp_path)
    assert "the initial density has a hole" in " ".join(predicted.stdout.split())
    assert "invisible" in predicted.stdout


def test_predict_knows_the_start_of_a_random_network(tmp_path):
    gridflow("new", "relu-circle", folder=tmp_path)
    network = "solver={kind='network', count=300, start='random'}"
    for solver, exponent in (("flow.growth=2.0", 3.0), (network, 1.5)):
        done = gridflow("predict", "relu-circle.toml", "--set", solver, "--json", folder=tmp_path)
        found = json.loads(done.stdout)
        assert found["exponent"] == pytest.approx(exponent, rel=0.01)
        assert 0 < found["invisible"] < 0.2
    without = gridflow("predict", "relu-circle.toml", "--set", "flow.growth=0.0", "--json", folder=tmp_path)
    assert "growth = 0: that of a network in training is 2" in json.loads(without.stdout)["doubts"]
    whole = json.loads(gridflow("predict", "relu-circle.toml", "--json", folder=tmp_path).stdout)
    assert whole["goal"] == pytest.approx(1e-4 * whole["energy"])  # the tolerance of [training]
    assert {
        f"m = {width}": time for width, time in gf.predict(tmp_path / "relu-circle.toml").networks.items()
    } == whole["networks"]
    assert whole["networks"]["m = 30"] > whole["networks"]["m = 3000"] > whole["time"]


def test_rates_knows_the_start_of_a_random_network(trained):
    folder, _, _ = trained
    for name, exponent in (("limit", 3.0), ("population-160", 1.5)):
        done = gridflow("rates", folder / "relu-circle.train" / f"{name}.run", "--json")
        assert json.loads(done.stdout)["predicted"] == pytest.approx(exponent, rel=0.02)


def test_only_a_pilot_run_predicts_two_signs_and_unbalanced_weights(tmp_path):
    gridflow("new", "relu-circle", folder=tmp_path)
    signs = ("--set", "negative={kind='uniform', mass=2.0}")
    unbalanced = ("--set", "solver={kind='network', count=50, balance=3.0}")
    for options, words in ((signs, "two densities of opposite sign"), (unbalanced, "the weights are not balanced")):
        found = json.loads(gridflow("predict", "relu-circle.toml", *options, "--json", folder=tmp_path).stdout)
        assert found["answer"] == "pilot run"
        assert found["time"] > 0
        assert [tier["time"] for tier in found["tiers"][:2]] == [None, None]
        assert found["exponent"] is None
        assert words in found["theorem"]


def test_an_unbalanced_network_is_expected_at_the_goal_of_the_limit(tmp_path):
    """Its own first loss is four times that of the limit, so that the same share of it is another loss.

    The pilot run is this network itself on the population loss, with larger steps.
    """
    gridflow("new", "relu-circle", folder=tmp_path)
    table = {"widths": [40], "start": "random", "balance": 1.0, "tolerance": 0.05}
    case = load_case(tmp_path / "relu-circle.toml", set={"grid.shape": [128], "training": table})
    limit, network = members(case)
    prediction = predict_run(*limit.case.build(tmp_path), 0.05)
    expected = expect(network, tmp_path)
    assert first_energy(expected.solver, expected.initial) > 3 * prediction.energy
    stop = gf.stop_when_energy_below(prediction.goal)
    run = gf.run(expected.solver, expected.initial, 100.0, callbacks=[stop], progress=False)
    assert expected.time_to(prediction) == pytest.approx(run.crossing, rel=0.05)


CASE = """
[grid]
kind = "circle"
shape = [32]
[kernel]
kind = "relu"
[initial]
kind = "uniform"
[flow]
growth = 2.0
[time]
t_end = 1.0
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "training: this table is required, with widths = \\[...\\]"),
        ("[training]\nwidths = []", "training.widths = \\[\\]: it must not be empty"),
        ("[training]\nwidths = [5, 5]", "widths = \\[5, 5\\]: a width is repeated"),
        ("[training]\nwidths = [5]\nsamples = 5\nbatch = 9\nlearning_rate = 0.1", "batch = 9: at most samples = 5"),
        ("[training]\nwidths = [10]\nsamples = 5", "training: learning_rate: training on samples needs this key"),
        ("[training]\nwidths = [10]\npopulation = false", "population = false: set samples"),
        ("[training]\nwidths = [10]\ntolerance = 2.0", "training.tolerance = 2.0"),
    ],
)
def test_what_is_not_a_training(text, message):
    with pytest.raises(gf.InputError, match=message):
        members(parse_case(CASE + text, "case.toml"))


def test_the_networks_are_as_the_case_says():
    start = {"start": "random", "balance": 1.5, "seed": 3}
    taught = {"samples": 50, "batch": 20, "learning_rate": 0.1, "noise": 0.2}
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in (start | taught).items())
    limit, population, empirical = members(parse_case(f"{CASE}[training]\nwidths = [10]\n{lines}", "case.toml"))
    assert limit.case.solver.kind == "finite_volume"
    common = {"kind": "network", "count": 10} | start
    assert population.case.solver.model_dump(exclude_defaults=True) == common
    assert empirical.case.solver.model_dump(exclude_defaults=True) == common | taught | {"loss": "empirical"}


def test_a_flow_without_growth_is_not_a_limit():
    with pytest.raises(gf.InputError, match=r"flow.growth = 0: the limit of networks in training has growth = 2.0"):
        members(parse_case(CASE.replace("growth = 2.0", "growth = 0.0") + "[training]\nwidths = [10]", "case.toml"))


def test_a_network_is_not_a_limit():
    text = CASE.replace("[flow]\ngrowth = 2.0", "[solver]\nkind = 'network'\ncount = 5")
    with pytest.raises(gf.InputError, match=r'solver.kind = "network": set the solver of the limit'):
        members(parse_case(text + "[training]\nwidths = [10]", "case.toml"))


def test_when_a_curve_reaches_a_value():
    times, energies = np.array([0.0, 1.0, 2.0, 3.0]), np.array([1.0, 1e-1, 1e-2, 1e-3])
    assert crossing_time(times, energies, 10**-1.5) == pytest.approx(1.5)
    assert crossing_time(times, energies, 2.0) == 0.0
    assert crossing_time(times, energies, 1e-4) == np.inf


def test_the_figure_shows_every_loss_and_linear_theory(trained):
    folder, facts, _ = trained
    names = ("limit", "population-40", "samples-40")
    paths = [folder / "relu-circle.train" / f"{name}.run" for name in names]
    stored = [gf.open_run(path) for path in paths]
    linear = LinearDecay.of(stored[0].flow, stored[0].initial)
    runs = [Curve(path, name, linear if name == "limit" else None) for path, name in zip(paths, names, strict=True)]
    axes = Figure().subplots()
    draw_losses(axes, stored, runs, facts["goal"])
    drawn = {line.get_label(): line for line in axes.get_lines()}
    assert set(names) <= set(drawn)
    assert (drawn["population-40"].get_linestyle(), drawn["samples-40"].get_linestyle()) == ("-", "--")
    assert drawn["population-40"].get_color() is drawn["samples-40"].get_color()
    series = stored[1].series
    assert (drawn["population-40"].get_ydata() == series["energy"][series["time"] > 0]).all()
    (curve,) = [line for line in axes.get_lines() if line.get_linestyle() == ":" and len(line.get_xdata()) > 2]
    assert curve.get_ydata() == pytest.approx(linear(curve.get_xdata()))
    (dot,) = [line for line in axes.get_lines() if len(line.get_xdata()) == 1]
    assert (dot.get_xdata()[0], dot.get_ydata()[0]) == (linear.time_to(facts["goal"]), facts["goal"])

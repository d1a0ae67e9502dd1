"""The benchmark: what it measures fits together. No test asserts a time."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import gridflow as gf
from gridflow.cli.main import app
from gridflow.errors import InputError
from gridflow.studies import benchmark
from solvers import FiniteVolume


@pytest.mark.parametrize("scheme", ["upwind", "sharp", "spectral"])
def test_measurements_fit_together(scheme):
    row = benchmark.measure((16, 12), scheme, threads=1)
    assert set(row["seconds"]) == {"pair", "transforms", "rhs", "step", "diagnose"}
    assert all(seconds > 0 for seconds in row["seconds"].values())
    assert row["cells_per_second"] == pytest.approx(16 * 12 / row["seconds"]["rhs"])
    # a pair is two transforms; sharp needs one forward and two inverse ones, spectral two and three
    own = {"upwind": 2, "sharp": 3, "spectral": 5}[scheme]
    assert row["rhs_per_plain_transforms"] == pytest.approx(row["rhs_per_pair"] * 2 / own)
    assert row["threads"] == 1
    assert row["rounds"] >= 5


def test_ratios_are_medians_over_rounds():
    times = {"a": [1.0, 4.0, 9.0], "b": [1.0, 2.0, 3.0]}
    assert benchmark.ratio(times, "a", "b") == 2.0


def test_a_right_hand_side_is_an_euler_step():
    grid = gf.Grid((24, 20))
    solver = FiniteVolume(gf.Flow(grid, gf.Riesz(1), gf.uniform(grid)), "muscl", integrator="euler")
    state = solver.initialize(gf.cosine(grid))
    dt = solver.stable_dt(state) / 2
    reached = solver.euler(state, dt).copy()
    solver.step(state, dt)
    assert (solver.density(state) == reached).all()


def test_the_command_writes_what_it_shows_and_replaces_nothing(tmp_path):
    path = tmp_path / "bench.json"
    arguments = ["bench", "--shape", "12,10", "--scheme", "muscl", "--threads", "1", "--json", str(path)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    content = json.loads(path.read_text())
    assert content["machine"]["cores"] >= 1
    assert content["bandwidth"] > 0
    (row,) = content["results"]
    assert (row["shape"], row["scheme"]) == ([12, 10], "muscl")
    assert np.isfinite(row["rhs_per_pair"])
    again = CliRunner().invoke(app, arguments)
    assert isinstance(again.exception, InputError)
    assert "pass --force" in str(again.exception)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--shape", "12x10"], "--shape 12x10: write it as whole numbers with commas"),
        (["--shape", "12,2"], "every axis needs a whole number of at least 4"),
        (["--shape", "12,12", "--scheme", "weno"], 'reconstruction "weno": allowed are sharp, weno5, muscl, upwind'),
        (["--shape", "12,12", "--dtype", "int8"], "dtype 'int8': allowed are float64 and float32"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    done = CliRunner().invoke(app, ["bench", *arguments])
    assert isinstance(done.exception, InputError)
    assert message in str(done.exception)

"""Python can do what the commands do."""

from pathlib import Path

import numpy as np
import pytest

import gridflow as gf

CASE = """
[grid]
shape = [24]
[kernel]
kind = "riesz"
s = 1.0
[initial]
kind = "cosine"
amplitude = 0.5
[time]
t_end = 0.2
"""


@pytest.fixture
def case(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "small.toml"
    path.write_text(CASE)
    return path


def test_a_case_is_run_and_goes_on(case):
    run = gf.run_case(case, set={"kernel.s": 1.5, "initial": {"kind": "cosine", "amplitude": 0.25}})
    stored = gf.open_run("small.run")
    assert (run.time, stored.kernel) == (0.2, gf.Riesz(1.5))
    assert stored.initial.max() == pytest.approx(1.25, rel=1e-2)
    assert gf.resume_case("small.run", 0.3).time == 0.3
    with pytest.raises(gf.InputError, match=r"small\.run exists"):
        gf.run_case(case)


@pytest.mark.parametrize("shape", [[], [0], [8, 8, 8, 8]])
def test_a_grid_that_cannot_be_made_is_named(case, shape):
    with pytest.raises(gf.InputError, match=rf"grid shape \({', '.join(map(str, shape))},?\)"):
        gf.run_case(case, set={"grid.shape": shape})
    assert not Path("small.run").exists()


def test_a_loaded_case_is_run(case):
    loaded = gf.load_case(case, set={"grid.shape": [32]})
    assert loaded.grid.shape == [32]
    run = gf.run_case(loaded, "other.run")
    assert run.density.shape == (32,)
    with pytest.raises(gf.InputError, match="needs out"):
        gf.run_case(loaded)
    with pytest.raises(gf.InputError, match="set is for case files"):
        gf.run_case(loaded, "third.run", set={"kernel.s": 2.0})


def test_what_is_predicted_and_measured(case):
    found = gf.predict(case, 1e-2)
    assert found.rate == pytest.approx(2.0)  # E ~ exp(−2 a t) with a = 1
    assert gf.predict(gf.load_case(case), 1e-2) == found
    gf.run_case(case, set={"time.t_end": 3.0})
    assert gf.rates("small.run").predicted == pytest.approx(2.0)


def test_a_sweep_over_a_mapping(case):
    rows = gf.sweep(case, {"kernel.s": [1.0, 2.0]}, set={"time.t_end": 0.05}, jobs=1)
    assert [(row["kernel.s"], row["status"]) for row in rows] == [(1.0, "finished"), (2.0, "finished")]
    assert np.isfinite([row["energy"] for row in rows]).all()


def test_a_key_that_has_moved_is_named(case):
    with pytest.raises(gf.InputError, match=r"solver\.growth = 2\.0: this key is flow\.growth now: write \[flow\]"):
        gf.load_case(case, set={"solver.growth": 2.0})


@pytest.mark.parametrize(
    ("changes", "shape", "s"),
    [
        ({"kernel.s": np.int64(2), "grid.shape": np.array([32])}, [32], 2.0),
        ({"kernel": {"kind": "riesz", "s": np.float32(1.5)}, "grid.shape": (np.int32(16),)}, [16], 1.5),
    ],
)
def test_changes_are_values_and_those_of_numpy_are_plain(case, changes, shape, s):
    loaded = gf.load_case(case, set=changes)
    assert (loaded.grid.shape, loaded.kernel.s) == (shape, s)
    assert gf.load_case(case, set=changes).to_toml() == loaded.to_toml()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda case: gf.load_case(case, set={"kernel.s": None}), "set kernel.s = None: it must be a number, a string"),
        (lambda case: gf.predict(case, set={"initial": {"amplitude": 1j}}), "set initial.amplitude = 1j: it must be"),
        (lambda case: gf.run_case(case, set={"grid.shape": [8, None]}), "set grid.shape.1 = None: it must be a number"),
        (lambda case: gf.run_case(case, set={"kernel.": 1}), "set 'kernel.': a key is written table.key"),
        (lambda case: gf.train(case, set=["kernel.s=2"]), "set = ['kernel.s=2']: it must be a mapping"),
        (lambda case: gf.sweep(case, {"kernel.s": []}), "over kernel.s = []: it must be a list of values"),
        (lambda case: gf.sweep(case, {"kernel.s": "1,2"}), "over kernel.s = '1,2': it must be a list of values"),
        (lambda case: gf.sweep(case, {"kernel.s": [1, np.int64(1)]}), "over kernel.s = [1, 1]: a value is repeated"),
        (lambda case: gf.sweep(case, {"kernel.s": [1, None]}), "over kernel.s.1 = None: it must be a number"),
        (lambda case: gf.sweep(case, ["kernel.s=1,2"]), "over = ['kernel.s=1,2']: it must name keys and their values"),
    ],
)
def test_what_is_no_change_is_named_in_one_line(case, call, message):
    with pytest.raises(gf.InputError) as caught:
        call(case)
    assert str(caught.value).startswith(message)
    assert len(str(caught.value).splitlines()) == 1

"""Outputs are found by the suffix of the file."""

import csv

import numpy as np
import pytest

import gridflow as gf
from gridflow.viz.outputs import Output
from solvers import FiniteVolume


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    grid = gf.Grid((16,))
    path = tmp_path_factory.mktemp("outputs") / "cosine.run"
    solver = FiniteVolume(gf.Flow(grid, gf.Riesz(1), gf.uniform(grid)), reconstruction="upwind", velocity="difference")
    gf.run(solver, gf.cosine(grid), 0.1, store=path)
    return path


def test_a_table_holds_the_series_to_the_last_bit(run, tmp_path):
    file = gf.export(run, tmp_path / "series.csv")
    with file.open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    series = gf.open_run(run).series
    assert list(rows[0]) == list(series)
    for name, column in series.items():
        assert np.array([float(row[name]) for row in rows]).tolist() == column.tolist()


def test_the_suffix_chooses_the_output(run, tmp_path):
    assert gf.export(run, tmp_path / "run.png").read_bytes() == gf.plot(run, tmp_path / "same.png").read_bytes()
    with pytest.raises(gf.InputError, match=r'ending "\.xyz" is not one of .*\.csv'):
        gf.export(run, tmp_path / "run.xyz")


def test_two_outputs_cannot_have_one_suffix():
    with pytest.raises(AssertionError, match="csv"):
        type("Other", (Output,), {"write": None}, kind="other", suffixes=(".csv",))
    assert "other" not in Output.kinds

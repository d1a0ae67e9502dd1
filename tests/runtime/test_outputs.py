"""Outputs of runs are found by their command, kind and domain, and get the options that they have."""

import csv
from dataclasses import dataclass

import numpy as np
import pytest

import gridflow as gf
from gridflow.domains.base import Domain
from gridflow.exchange import Format
from gridflow.runtime.outputs import Output, chosen_output, opened
from solvers import FiniteVolume


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    grid = gf.Grid((16,))
    path = tmp_path_factory.mktemp("outputs") / "cosine.run"
    solver = FiniteVolume(gf.Flow(grid, gf.Riesz(1), gf.uniform(grid)), reconstruction="upwind", velocity="difference")
    gf.run(solver, gf.cosine(grid), 0.1, store=path)
    return path


@pytest.fixture
def sketch():
    """Outputs of a command of their own, forgotten after the test."""

    class Sketch(Output, command="sketch", suffixes=(".xyz",)):
        pass

    @dataclass(frozen=True)
    class Line(Sketch, kind="line"):
        """A line."""

        width: float = 1.0

    @dataclass(frozen=True)
    class Round(Sketch, kind="line", domain=gf.Circle):
        """A line on the circle."""

    @dataclass(frozen=True)
    class Never(Sketch, kind="never"):
        """Nothing."""

        @classmethod
        def obstacle(cls, runs):  # noqa: ARG003
            return "it is a test"

    yield Sketch
    del Output.registered["sketch"]


def test_a_table_holds_the_series_to_the_last_bit(run, tmp_path):
    file = gf.export(run, tmp_path / "series.csv")
    with file.open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    series = gf.open_run(run).series
    assert list(rows[0]) == list(series)
    for name, column in series.items():
        assert np.array([float(row[name]) for row in rows]).tolist() == column.tolist()


def test_a_kind_has_the_class_of_the_nearest_domain(sketch, run):
    runs = opened(run, "a sketch")
    assert sketch.found("line", runs).__name__ == "Line"
    assert gf.Circle(16).among(Output.registered["sketch"]["line"]).__name__ == "Round"
    assert [each.kind for each in sketch.possible(runs)] == ["line"]
    assert sketch.kinds() == {"line": "A line.", "never": "Nothing."}


def test_what_cannot_be_made_is_refused_with_what_can(sketch, run):
    runs = opened(run, "a sketch")
    with pytest.raises(gf.InputError, match='sketch has no kind "dot"; it has line, never'):
        sketch.found("dot", runs)
    with pytest.raises(gf.InputError, match=r'sketch cannot make "never" of .*cosine\.run: it is a test'):
        sketch.found("never", runs)
    with pytest.raises(gf.InputError, match='colour = red: sketch of the kind "line" has no such option; it has width'):
        sketch.found("line", runs).with_options({"colour": "red", "width": None})
    assert sketch.found("line", runs).with_options({"width": 2.0, "colour": None}).width == 2.0
    with pytest.raises(gf.InputError, match=r"runs = \[\]: a sketch needs at least one"):
        opened([], "a sketch")


def test_two_outputs_cannot_have_one_kind_on_one_domain(sketch):
    with pytest.raises(AssertionError, match="sketch has the kind line for Domain already"):
        type("Other", (sketch,), {}, kind="line")
    assert Domain in Output.registered["sketch"]["line"]


def test_a_file_gets_a_free_name_and_nothing_is_overwritten(sketch, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = opened(run, "a sketch")
    kind = sketch.found("line", runs)
    assert str(chosen_output(None, runs, kind)) == "cosine_line.xyz"
    (tmp_path / "cosine_line.xyz").touch()
    assert str(chosen_output(None, runs, kind)) == "cosine_line_2.xyz"
    assert str(chosen_output(None, runs * 3, kind)) == "cosine_and_2_more_line.xyz"


def test_the_suffix_or_the_name_chooses_the_format(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(gf.export(run, to="csv")) == "cosine_csv.csv"
    with pytest.raises(gf.InputError, match=r'ending "\.xyz" is not one of .*\.csv'):
        gf.export(run, tmp_path / "run.xyz")
    with pytest.raises(gf.InputError, match=r"an export needs a file or a format: to = .*csv"):
        gf.export(run)
    assert "csv" in Format.kinds()

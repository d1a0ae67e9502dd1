"""Reports are whole files that need nothing else, say what is in the runs, and why what is missing is."""

import base64
import json
import re
import zlib
from html.parser import HTMLParser

import numpy as np
import pytest
from shell import gridflow
from stored import stored_run

import gridflow as gf
from gridflow.reports import page
from gridflow.reports.base import Subject, placed
from gridflow.reports.films import encoded, timeline
from gridflow.runtime.outputs import Output
from gridflow.viz import Scale
from solvers import FiniteVolume

VOID = {"meta", "input", "br", "link", "img", "hr"}
EVIL = "<script>alert('x')</script> $\\alpha \\n$ & \"q\" </title>"
GRID = gf.Grid((12, 12))


class Reader(HTMLParser):
    """The elements of a page, which must be closed in the reverse order of being opened."""

    def __init__(self, path):
        super().__init__()
        self.open, self.seen, self.texts = [], [], {}
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.texts[self.open[-1]] = self.texts.get(self.open[-1], "") + data

    def data(self, kind):
        """What the scripts get of a section."""
        return json.loads(re.search(rf'id="data-{kind}">(.*?)</script>', self.rawdata_of).group(1))

    def feed(self, text):
        self.rawdata_of = text
        super().feed(text)


@pytest.fixture(scope="module")
def hole(tmp_path_factory):
    """A real run: a hole with a tracer."""
    path = tmp_path_factory.mktemp("reports") / "hole.run"
    solver = FiniteVolume(gf.Flow(GRID, gf.Riesz(1), gf.uniform(GRID)), tracer=gf.regions.ball(GRID, 0.3))
    gf.run(
        solver, gf.ball_hole(GRID, 0.3), 0.5, store=path, snapshots=gf.EveryTime(0.1), record={"title": EVIL}, case=EVIL
    )
    return path


def test_a_report_is_one_whole_file_without_references(hole, tmp_path):
    path = gf.report(hole, tmp_path / "report.html")
    read = Reader(path)
    sections = [attributes["id"] for tag, attributes in read.seen if tag == "section"]
    assert sections == ["summary", "laws", "densities", "curves"]
    assert "://" not in read.rawdata_of
    links = [value for _, held in read.seen for name, value in held.items() if name in ("src", "href")]
    assert links == ["#content"]
    assert not [tag for tag, _ in read.seen if tag in ("link", "iframe", "object", "base")]
    policy = next(held["content"] for _, held in read.seen if held.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    assert ("html", {"lang": "en"}) in read.seen
    nameless = [held for tag, held in read.seen if held.get("role") == "img" and not held.get("aria-label")]
    assert nameless == []


def test_what_a_case_says_is_shown_and_never_run(hole, tmp_path):
    read = Reader(gf.report(hole, tmp_path / "report.html", title=EVIL))
    assert read.texts["title"] == read.texts["h1"] == EVIL
    assert EVIL in read.texts["code"]
    kinds = [held.get("id") or held.get("type") for tag, held in read.seen if tag == "script"]
    assert kinds == ["data-densities", "data-curves", "data-page", "plotly", None]


def test_the_curves_are_those_of_the_series(hole, tmp_path):
    series = gf.open_run(hole).series
    panels = {each["id"]: each for each in Reader(gf.report(hole, tmp_path / "r.html")).data("curves")["panels"]}
    assert {"energy", "density", "hole", "ratio", "dissipation", "mass", "steps"} == set(panels)
    (energy,) = [trace for trace in panels["energy"]["traces"] if trace["told"] == "measured"]
    assert np.array(energy["x"]) == pytest.approx(series["time"], rel=1e-6)
    assert np.array(energy["y"]) == pytest.approx(series["energy"], rel=1e-6)
    law = next(trace for trace in panels["hole"]["traces"] if trace["told"] == "law")
    assert np.array(law["y"]) == pytest.approx(law["y"][0] * np.exp(-series["time"]), rel=1e-6)  # |H_0| e^{−at}, a = 1


def unpacked(text, dtype):
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype)


def test_the_boundary_is_that_of_the_hole(hole, tmp_path):
    """A circle about the middle whose area falls like e^{−t}, within half a cell."""
    data = Reader(gf.report(hole, tmp_path / "r.html")).data("densities")
    (film,) = data["films"]
    points = -0.2 + 1.4 * unpacked(film["points"], "<u2").reshape(-1, 2) / 65535
    lengths = [sum(lines) for lines in film["lines"]]
    assert len(lengths) == len(data["times"])
    for time, around in zip(data["times"], np.split(points, np.cumsum(lengths)[:-1]), strict=True):
        radii = np.hypot(*(around - 0.5).T)
        assert radii == pytest.approx(0.3 * np.exp(-time / 2), abs=0.5 / 12)


@pytest.mark.parametrize("log", [False, True])
def test_frames_can_be_read_to_half_a_step_of_their_scale(log):
    frames = np.random.default_rng(1).uniform(0.01, 3.0, (4, 5, 6))
    frames[2, 1, 3] = np.nan
    scale = Scale.over(frames, log=log)
    codes = np.cumsum(unpacked(encoded(list(frames), scale), np.uint8).reshape(frames.shape), axis=0) % 256
    share = (codes - 1.0) / 254
    low, high = np.log([scale.low, scale.high]) if log else (scale.low, scale.high)
    error = (low + share * (high - low)) - (np.log(frames) if log else frames)
    assert codes[2, 1, 3] == 0
    assert np.isnan(frames).sum() == 1
    assert np.nanmax(abs(error)) <= 0.5001 * (high - low) / 254


def test_positions_beyond_a_period_are_stored_to_a_thousandth_of_a_cell():
    places = np.array([[-0.1, 0.0], [1.0, 1.1]])
    assert -0.2 + 1.4 * placed(places) / 65535 == pytest.approx(places, abs=1.4 / 65535)


def test_runs_are_matched_by_time_and_not_by_number(tmp_path):
    """One run has densities at 0, 1, 2, the other at 0, 0.5, …, 4: after its end the first shows its last."""
    flat = [{"density": np.ones(GRID.shape)}] * 9
    first = stored_run(tmp_path / "a.run", GRID, gf.Riesz(1), flat[:3])
    second = stored_run(tmp_path / "b.run", GRID, gf.Riesz(2), flat, np.arange(9) / 2)
    assert timeline([Subject(first).times, Subject(second).times], 60) == pytest.approx(np.arange(9) / 2)
    data = Reader(gf.report([first, second], tmp_path / "two.html")).data("densities")
    slow, fast = data["films"]
    assert data["times"] == [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4]
    assert fast["which"] == list(range(9))
    assert (slow["which"][::2], slow["ended"]) == ([0, 1, 2, 2, 2], [False] * 5 + [True] * 4)
    few = Reader(gf.report([first, second], tmp_path / "few.html", frames=3)).data("densities")
    assert few["times"] == [0, 2, 4]


ONE, HALF = np.ones(GRID.shape), np.full(GRID.shape, 0.5)
SPHERE, CIRCLE, CUBE = gf.SphereGrid((8, 16)), gf.Circle(16), gf.Grid((6, 6, 6))
UNFINISHED = {
    "has begun": ({"frames": [], "rows": False, "status": "running"}, ["curves: there are no series", "no densities"]),
    "one density": (
        {"frames": [{"density": ONE}], "rows": False, "status": "running"},
        ["curves: there are no series"],
    ),
    "constant": ({"frames": [{"density": ONE}] * 2}, []),
    "failed": (
        {"frames": [{"density": ONE}, {"density": ONE * np.nan}], "status": "failed"},
        ["failed", "it is a test"],
    ),
    "circle": (
        {"grid": CIRCLE, "kernel": gf.ReLU(), "frames": [{"density": np.ones(16), "negative": np.full(16, 0.5)}]},
        [],
    ),
    "sphere": (
        {"grid": SPHERE, "kernel": gf.ReLU(), "frames": [{"density": np.zeros((8, 16)), "negative": np.ones((8, 16))}]},
        ["a logarithmic scale cannot show values of both signs"],
    ),
    "particles": (
        {"frames": [{"density": ONE, "positions": np.array([[0.2, 1.7]]), "weights": np.ones(1)}] * 2},
        [],
    ),
    "cube": ({"grid": CUBE, "frames": [{"density": np.linspace(0, 2, 216).reshape(6, 6, 6)}] * 2}, ["drag to turn"]),
    "a single cell": (
        {"grid": gf.WholeSphere(5), "kernel": gf.ReLU(), "frames": [{"density": np.ones(1)}] * 2},
        ["densities: a density on a single cell is one number"],
    ),
}
"""Runs of every kind, and what their reports say."""


@pytest.mark.parametrize("kind", UNFINISHED)
def test_every_run_has_a_report_that_says_what_is_missing(kind, tmp_path):
    given, told = UNFINISHED[kind]
    run = stored_run(tmp_path / "it.run", **({"grid": GRID, "kernel": gf.Riesz(1)} | given))
    read = Reader(gf.report(run, tmp_path / "it.html"))
    assert [line for line in told if line.lower() not in read.rawdata_of.lower()] == []
    assert "Mass conserved" in read.texts["th"]


def test_what_cannot_be_is_refused_with_one_line(hole, tmp_path, monkeypatch):
    for wrong, line in (
        ({"frames": 0}, "frames = 0: at least 1 is needed"),
        ({"colour": "red"}, "colour = red: report of the kind .* has no such option; it has frames, solid"),
    ):
        with pytest.raises(gf.InputError, match=line):
            gf.report(hole, tmp_path / "r.html", **wrong)
    with pytest.raises(gf.InputError, match=r'the ending "\.txt" is not one of \.html'):
        gf.report(hole, tmp_path / "r.txt")
    monkeypatch.setattr(page, "find_spec", lambda _: None)
    with pytest.raises(gf.InputError, match=r"a report needs the package plotly: pip install 'gridflow\[report\]'"):
        gf.report(hole, tmp_path / "r.html")
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_a_report_or_prints_verdicts(hole, tmp_path):
    assert gridflow("report", hole, folder=tmp_path).stdout == "hole_report.html\n"
    assert (tmp_path / "hole_report.html").exists()
    found = json.loads(gridflow("report", hole, "--json", folder=tmp_path).stdout)
    assert [verdict["outcome"] for verdict in found[str(hole)]][:3] == ["pass"] * 3


def test_a_section_of_a_users_own_is_in_its_place(hole, tmp_path):
    from dataclasses import dataclass

    from gridflow.reports import Section

    try:

        @dataclass(frozen=True)
        class Note(Section, kind="note"):
            """A note."""

            heading, order = "A note", 15

            def html(self, runs):
                return f"<p>{len(runs)} noted</p>"

        read = Reader(gf.report(hole, tmp_path / "r.html"))
    finally:
        del Output.registered["report"]["note"]
    order = [held["id"] for tag, held in read.seen if tag == "section"]
    assert order == ["summary", "laws", "note", "densities", "curves"]
    assert "1 noted" in read.texts["p"]


@pytest.mark.long
def test_sixty_frames_of_65536_cells_are_less_than_eight_megabytes(tmp_path):
    """Even of rough densities, which are compressed badly."""
    grid = gf.Grid((256, 256))
    start = gf.random_sobolev(grid, r=0.0, amplitude=0.5, seed=1)
    other = gf.random_sobolev(grid, r=0.0, amplitude=0.5, seed=2)
    frames = [{"density": (1 - share) * start + share * other} for share in np.linspace(0, 1, 60)]
    run = stored_run(tmp_path / "large.run", grid, gf.Riesz(1), frames)
    assert gf.report(run, tmp_path / "large.html").stat().st_size < 8e6

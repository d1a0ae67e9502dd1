"""The volume of a hole in the series of a run, and the several holes that keep their numbers."""

import json
import warnings

import numpy as np
import pytest

import gridflow as gf
from gridflow.decay import hole_columns, hole_events
from gridflow.measures.holes import components
from gridflow.runtime.holes import numbered
from gridflow.runtime.schema import column_label, publish_hdf5, read_series, write_series
from solvers import FiniteVolume, Spectral, SphereFiniteVolume


def uneven(grid, low=3.5e-4, high=3.0):
    """A target from a hundredth of a thousandth to 3: nearly empty in the middle, where the hole is."""
    x = 0.5 + 0.5 * np.cos(2 * np.pi * grid.mesh()[0]) * np.ones(grid.shape)
    return low + (high - low) * x**4


@pytest.mark.parametrize("s", [1, 1.5, 2])
@pytest.mark.parametrize("varies", [False, True])
def test_one_column_is_the_hole_for_every_kernel_and_target(s, varies):
    """From the start, also where the target is nearly empty."""
    grid = gf.Grid((48, 48))
    target = uneven(grid) if varies else gf.uniform(grid)
    hole = gf.regions.ball(grid, 0.2)
    start = gf.normalize(grid, 1 - hole, mass=grid.integral(target))
    flow = gf.Flow(grid, gf.Riesz(s), target)
    series = gf.run(FiniteVolume(flow), start, 1.0 if s == 1 else 5.0, series=gf.EverySteps(4)).series
    assert series["hole_volume"][0] == pytest.approx(np.pi * 0.04, rel=0.01)
    assert s > 1 or (np.diff(series["hole_volume"]) < 0).all()  # for s > 1 a hole may widen where there is no target
    assert (series["holes"] == 1).all()
    assert series["hole1_volume"] == pytest.approx(series["hole_volume"], rel=1e-9)
    columns = hole_columns(series)
    assert columns.measured == "hole_volume"
    assert (columns.exact is None) == (s != 1 or varies)
    assert (columns.bounds is None) == (s != 1 or not varies)
    if columns.exact:
        assert series["hole_volume"] == pytest.approx(series[columns.exact], rel=0.03)  # of a disc seven cells wide
        assert series["contour_volume"] == pytest.approx(series["hole_volume"], rel=1e-3)
    if columns.bounds:
        below, above = (series[name] for name in columns.bounds)
        assert (below * 0.98 < series["hole_volume"]).all()
        assert (series["hole_volume"] < above * 1.02).all()
    assert ("contour_volume" in series) == (s == 1 and not varies)
    assert hole_events(series) == []


def test_where_no_level_of_the_density_is_the_hole_none_is_recorded():
    grid = gf.Grid((32, 32))
    start = gf.ball_hole(grid, 0.3)
    law, other = gf.Flow(grid, gf.Riesz(1), gf.uniform(grid)), gf.Flow(grid, gf.Riesz(2), gf.uniform(grid))
    for make in (lambda flow: FiniteVolume(flow, tracer=False), lambda flow: FiniteVolume(flow, integrator="etdrk4")):
        series = gf.run(make(law), start, 0.1).series
        assert series["hole_volume"] == pytest.approx(series["hole_volume_exact"], rel=0.01)
        assert series["holes"][0] == 1
        assert hole_columns(gf.run(make(other), start, 0.1).series) is None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        assert hole_columns(gf.run(Spectral(other), start, 0.01).series) is None
    assert hole_columns(gf.run(FiniteVolume(other), gf.cosine(grid), 0.1).series) is None


def discs(grid, *balls):
    return np.maximum.reduce([gf.regions.ball(grid, radius, center) for radius, center in balls])


def test_holes_keep_their_numbers_as_they_move_merge_part_and_are_filled():
    grid = gf.Grid((64, 64))
    rows = [
        [(0.15, (0.3, 0.3)), (0.12, (0.7, 0.35)), (0.08, (0.5, 0.95))],
        [(0.15, (0.33, 0.3)), (0.12, (0.67, 0.35)), (0.09, (0.5, 0.98))],
        [(0.15, (0.4, 0.3)), (0.12, (0.6, 0.35)), (0.1, (0.5, 0.02))],  # two overlap, one passes the end of the period
        [(0.15, (0.4, 0.3)), (0.12, (0.6, 0.35)), (0.06, (0.1, 0.7))],  # one that is too far off to be the same
        [(0.1, (0.4, 0.3))],
        [],
    ]
    columns, before = [], {}
    for balls in rows:
        fraction = discs(grid, *balls) if balls else np.zeros(grid.shape)
        before = numbered(grid, components(grid, fraction), before)
        columns.append(before)
    series = {name: np.array([row.get(name, np.nan) for row in columns]) for name in sorted(set().union(*columns))} | {
        "time": np.arange(6.0)
    }
    assert series["holes"].tolist() == [3, 3, 2, 2, 1, 0]
    assert series["hole1_within"].tolist() == [1, 1, 1, 1, 1, 0]
    assert series["hole2_within"].tolist() == [2, 2, 1, 1, 1, 0]
    assert series["hole3_y"][:3] == pytest.approx([0.95, 0.98, 0.02], abs=2e-3)
    assert np.isnan(series["hole2_volume"][2:5]).all()
    assert series["hole2_volume"][5] == 0
    assert [str(event) for event in hole_events(series)] == [
        "hole 2 merged with hole 1 between t = 1 and 2",
        "hole 3 was filled between t = 2 and 3",
        "hole 4 appeared between t = 2 and 3",
        "hole 4 was filled between t = 3 and 4",
        "hole 1 was filled between t = 4 and 5",
    ]


def test_a_run_with_a_lattice_of_holes_is_the_same_after_an_interrupt(tmp_path):
    """Numbers, and all bytes of the series: what is known of the row before comes from the series itself."""
    grid = gf.Grid((40, 40))
    target = gf.normalize(grid, 1 + 0.8 * np.sin(2 * np.pi * grid.mesh()[0]) * np.ones(grid.shape))
    flow, start = gf.Flow(grid, gf.Riesz(1), target), gf.lattice_of_holes(grid, (2, 2), 0.15)

    def run(name, stop=(), **more):
        gf.run(FiniteVolume(flow), start, 3.0, store=tmp_path / name, series=gf.EverySteps(3), callbacks=stop, **more)
        return (tmp_path / name / "series.h5").read_bytes()

    whole = run("whole.run")
    stops = [gf.Callback(lambda each: each.stop("here") if each.state.step == 10 else None, gf.EverySteps(1))]
    run("cut.run", stops, checkpoints=gf.EverySteps(4))
    series = gf.open_run(tmp_path / "cut.run").series
    assert series["holes"].tolist() == [4] * len(series["time"])
    assert run("cut.run", resume=True) != whole  # the row at which it was stopped is kept
    cut, series = gf.open_run(tmp_path / "cut.run").series, gf.open_run(tmp_path / "whole.run").series
    same = np.isin(cut["step"], series["step"])
    assert set(cut) == set(series)
    for name, values in series.items():
        assert np.array_equal(cut[name][same], values, equal_nan=True), name
    assert series["hole4_volume"][0] > 0


def test_holes_of_the_sphere_have_columns():
    grid = gf.SphereGrid((32, 64))
    caps = [gf.sphere_densities.cap(grid, 0.6, center) for center in ((1, 0, 0.1), (-1, 0.5, 0), (0, 0, 1))]
    flow = gf.SphereFlow(grid, gf.Riesz(2), gf.uniform(grid))
    series = gf.run(SphereFiniteVolume(flow), gf.normalize(grid, 1 - sum(caps)), 3.0).series
    assert series["holes"][0] == 3
    volumes = [series[f"hole{number}_volume"][0] for number in (1, 2, 3)]
    assert volumes == pytest.approx([2 * np.pi * (1 - np.cos(0.6))] * 3, rel=0.03)
    assert sum(volumes) == pytest.approx(series["hole_volume"][0], rel=1e-9)
    assert np.abs(series["hole1_x"] ** 2 + series["hole1_y"] ** 2 + series["hole1_z"] ** 2 - 1).max() < 1e-12
    assert series["hole_volume"][-1] < series["hole_volume"][0]


def test_a_run_begun_without_a_tracer_goes_on_without_one(tmp_path):
    grid = gf.Grid((32, 32))
    flow, start = gf.Flow(grid, gf.Riesz(1.5), gf.uniform(grid)), gf.ball_hole(grid, 0.3)
    gf.run(FiniteVolume(flow, tracer=False), start, 1.0, store=tmp_path / "old.run")
    manifest = tmp_path / "old.run" / "manifest.json"
    facts = json.loads(manifest.read_text())
    assert facts["solver"].pop("tracer") is False  # which older versions did not record
    manifest.write_text(json.dumps(facts))
    run = gf.run(FiniteVolume(flow), start, 2.0, store=tmp_path / "old.run", resume=True)
    plain = gf.run(FiniteVolume(flow, tracer=False), start, 2.0, store=tmp_path / "new.run")
    assert run.status == "finished"
    assert "tracer" not in run.state.arrays
    assert "hole_volume" not in run.series
    assert run.series["energy"][-1] == pytest.approx(plain.series["energy"][-1], rel=1e-6)
    with pytest.raises(gf.InputError, match="tracer = False, not True"):
        gf.run(FiniteVolume(flow, tracer=True), start, 3.0, store=tmp_path / "new.run", resume=True)


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        (
            {"hole_volume": 2.0, "tracer_volume": 1.0, "tracer_volume_exact": 3.0, "tracer_target": 4.0},
            {"contour_volume": 2.0, "hole_volume": 1.0, "hole_volume_exact": 3.0, "hole_target": 4.0},
        ),
        ({"hole_volume": 2.0, "hole_volume_exact": 3.0}, {"hole_volume": 2.0, "hole_volume_exact": 3.0}),
        ({"hole_volume": 2.0}, {"contour_volume": 2.0}),
        ({"hole_volume": 2.0, "holes": 1.0}, {"hole_volume": 2.0, "holes": 1.0}),
    ],
    ids=["both", "law", "contour", "present"],
)
def test_a_series_of_an_older_version_has_the_present_names(stored, read, tmp_path, monkeypatch):
    monkeypatch.setattr("gridflow.runtime.schema.column_label", lambda name, measure: (measure, name))
    columns = {name: np.array([value]) for name, value in (stored | {"time": 0.0}).items()}
    publish_hdf5(tmp_path / "series.h5", lambda file: write_series(file, columns, "volume"))
    found = {name: float(values[0]) for name, values in read_series(tmp_path / "series.h5").items()}
    assert found == read | {"time": 0.0}


def test_every_column_has_units_and_a_meaning():
    assert column_label("hole12_perimeter", "area") == ("area / length", "size of the border of hole 12")
    assert column_label("hole_volume_least", "area") == (
        "area",
        "lower bound of the law of: contoured area of the hole",
    )
    assert column_label("hole_volume_ratio", "area")[0] == "1"

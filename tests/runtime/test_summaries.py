"""What a notebook shows of a run."""

import base64
import io
import re

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

import gridflow as gf
from gridflow.equation.contract import State
from gridflow.runtime import thumbnails
from gridflow.runtime.summaries import Summary
from gridflow.runtime.writer import RunWriter
from solvers import FiniteVolume


def pictures(html):
    """Colours of the pictures in a page, each of shape (height, width, 3)."""
    found = re.findall(r'src="data:image/png;base64,([^"]*)"', html)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) for data in found]


def begun(path, grid, title=""):
    manifest = {
        "gridflow": "0", "versions": {}, "grid": grid.record(), "solver": {"solver": "FiniteVolume"}, "t_end": 2.0,
        "problem": {"kernel": "Riesz(s=1.0)", "growth": 0.0}, "record": {"title": title},
    }  # fmt: skip
    return RunWriter.create(path, manifest, {"initial": np.ones(grid.shape), "target": np.ones(grid.shape)})


def test_a_run_and_its_directory_show_the_same_facts(tmp_path):
    grid = gf.Grid((16, 16))
    solver = FiniteVolume(gf.Flow(grid, gf.Riesz(1.0), gf.uniform(grid)), reconstruction="upwind")
    run = gf.run(solver, gf.ball_hole(grid, 0.25), 0.2, store=tmp_path / "a.run", progress=False)
    stored = gf.open_run(tmp_path / "a.run")
    first, last = run.series["energy"][[0, -1]]
    for html in (run._repr_html_(), stored._repr_html_()):
        assert len(pictures(html)) == 2
        for fact in ("finished", "Grid(shape=(16, 16)", "Riesz(s=1.0", "upwind", "0.2 of 0.2"):
            assert fact in html
        assert f"{first:.4g} → {last:.4g}" in html
        assert f">{run.steps}<" in html
        assert "volume of the hole" in html
        assert f"{np.abs(run.series['mass_ratio'] - 1).max():.1e}" in html
    assert (pictures(run._repr_html_())[0] == pictures(stored._repr_html_())[0]).all()
    assert "finished" in repr(run)
    assert "finished" in repr(stored)


def test_a_run_that_has_only_begun_is_shown_and_texts_are_escaped(tmp_path):
    begun(tmp_path / "a.run", gf.Grid((8, 8)), "<script>alert(1)</script>").close()
    html = gf.open_run(tmp_path / "a.run")._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "0 of 2" in html
    assert pictures(html) == []


def test_damaged_files_are_said_to_be(tmp_path):
    with_both = begun(tmp_path / "a.run", gf.Grid((8, 8)))
    with_both.write_snapshot(State({}, 0.0, 0), {"density": np.ones((8, 8))}, "float64")
    with_both.close()
    (tmp_path / "a.run" / "series.h5").write_bytes(b"x")
    victim = next((tmp_path / "a.run" / "snapshots").glob("*.nc"))
    victim.write_bytes(victim.read_bytes()[:200])
    html = gf.open_run(tmp_path / "a.run")._repr_html_()
    assert html.count("is damaged") == 2
    assert pictures(html) == []


def test_a_picture_has_x_to_the_right_and_y_upwards_or_the_north_at_the_top():
    torus = gf.Grid((10, 20), (1.0, 2.0))
    density = np.zeros(torus.shape)
    density[7, 2] = 1.0  # x right of the middle, y low
    pixels = thumbnails.small(torus, density)
    assert pixels.shape == (140, 70)
    row, column = (axis.mean() + 0.5 for axis in np.nonzero(pixels))
    assert (column / 70, 1 - row / 140) == pytest.approx((0.75, 0.125))
    sphere = gf.SphereGrid((8, 16))
    north = np.zeros(sphere.shape)
    north[0] = 1.0
    pixels = thumbnails.small(sphere, north)
    assert pixels.shape == (70, 140)
    assert pixels[0].all()
    assert not pixels[-1].any()
    box = gf.Grid((6, 6, 6))
    middle = np.zeros(box.shape)
    middle[:, :, 3] = 1.0
    assert thumbnails.small(box, middle).all()
    assert thumbnails.small(gf.WholeSphere(9), np.ones(1)) is None


def test_many_cells_are_averaged():
    grid = gf.Grid((560, 560))
    density = np.random.default_rng(0).random(grid.shape)
    pixels = thumbnails.small(grid, density)
    assert pixels.shape == (140, 140)
    assert pixels[-1, 0] == pytest.approx(density[:4, :4].mean(), rel=1e-6)  # of float32


@pytest.mark.parametrize(("low", "name"), [(0.0, "magma"), (-1.0, "RdBu_r")])
def test_colours_are_those_of_the_figures(low, name):
    """Between the anchors the colours are linear, which is off by a few of 255 steps."""
    values = np.linspace(low, 1.0, 141, dtype=np.float32)[np.newaxis]
    drawn = np.asarray(Image.open(io.BytesIO(thumbnails.png(values, low, 1.0)))).astype(float)
    wanted = 255 * mpl.colormaps[name]((values - low) / (1 - low))[..., :3]
    assert abs(drawn - wanted).max() < 6


def test_a_density_of_both_signs_is_white_at_zero_and_a_small_undershoot_is_empty():
    density = np.array([[-1e-6, 0.0], [0.5, 1.0]], dtype=np.float32)
    (one,) = pictures(Summary("", [], [("", density)]).html())
    assert one[0, 0].tolist() == one[0, 1].tolist() == [0, 0, 4]
    assert one[1, 1].tolist() == [0xFC, 0xFD, 0xBF]
    (both,) = pictures(Summary("", [], [("", density)], signed=True).html())
    assert both[0, 1].min() >= 0xF7
    assert both[1, 1].tolist() == [0x67, 0, 0x1F]


def test_a_curve_is_high_where_the_density_is():
    grid = gf.Grid((200,))
    pixels = thumbnails.small(grid, np.where(np.arange(200) < 100, 1.0, 0.0))
    image = np.asarray(Image.open(io.BytesIO(thumbnails.png(pixels, 0.0, 1.0)))).astype(float).min(axis=2)
    rows = image.argmin(axis=0)
    assert image.shape == (70, 140)
    assert (rows[:65] < 10).all()
    assert (rows[75:] > 60).all()

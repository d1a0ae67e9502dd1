"""Figures: right places, one scale, honest files."""

import numpy as np
import pytest
from PIL import Image

import gridflow as gf
from gridflow import viz
from gridflow.files import publishing
from gridflow.viz import artists, figures, pictures, style
from solvers import FiniteVolume


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One small run in each dimension."""
    folder = tmp_path_factory.mktemp("viz")
    for dim, cells in ((1, 64), (2, 32), (3, 12)):
        grid = gf.Grid((cells,) * dim)
        flow = gf.Flow(grid, gf.Riesz(1), gf.uniform(grid))
        solver = FiniteVolume(flow, tracer=gf.regions.ball(grid, 0.25))
        gf.run(solver, gf.ball_hole(grid, 0.25), 0.5, store=folder / f"{dim}.run", snapshots=gf.EveryTime(0.1))
    return folder


def colors(path):
    with Image.open(path) as picture:
        return len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)), picture.size


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_a_figure_of_a_run_in_every_dimension(runs, tmp_path, dim):
    path = tmp_path / "run.png"
    viz.plot(runs / f"{dim}.run", path)
    count, (width, height) = colors(path)
    assert count > 50
    assert width > 1000
    assert height > 500
    assert list(tmp_path.iterdir()) == [path]


def test_x_is_to_the_right_and_y_is_up():
    """A bump at x = 0.75, y = 0.2 of a torus of periods 1 and 2 is right of the middle and near the bottom."""
    grid = gf.Grid((40, 60), (1.0, 2.0))
    density = gf.gaussian(grid, [0.75, 0.2], 0.05)
    figure = style.new_figure(4, 8)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    image = artists.density(axes, grid, density)
    assert image.get_extent() == [0, 1, 0, 2]
    figure.canvas.draw()
    bright = np.asarray(figure.canvas.buffer_rgba())[..., :3].sum(axis=2)
    down, right = np.unravel_index(bright.argmax(), bright.shape)
    assert right / bright.shape[1] == pytest.approx(0.75, abs=0.05)
    assert down / bright.shape[0] == pytest.approx(1 - 0.2 / 2, abs=0.05)


def test_three_dimensions_are_shown_by_the_plane_in_the_middle():
    for cells in (6, 7):
        grid = gf.Grid((4, 5, cells))
        density = np.broadcast_to(np.arange(cells), grid.shape)
        assert pictures.Cut()(grid, density) == pytest.approx((cells - 1) / 2)


def test_all_frames_share_the_scale_of_the_largest():
    scale = viz.Scale.over([np.array([0.0, 2.0]), np.array([0.5, 3.0])])
    assert (scale.low, scale.high) == (0.0, 3.0)


def test_side_by_side(runs, tmp_path):
    figure = viz.plot([runs / "2.run", runs / "2.run"], tmp_path / "two.png", titles=["first", "second"])
    assert colors(tmp_path / "two.png")[0] > 50
    assert {"first", "second"} <= {axes.get_ylabel() for part in figure.subfigs for axes in part.axes}
    with pytest.raises(gf.InputError, match="1 titles for 2 runs"):
        viz.plot([runs / "2.run", runs / "2.run"], titles=["first"])


def test_bad_outputs_and_runs_are_named(runs, tmp_path):
    with pytest.raises(gf.InputError, match=r'output run\.doc: the ending "\.doc" is not one of \.png'):
        viz.plot(runs / "2.run", "run.doc")
    with pytest.raises(gf.InputError, match="there is no folder"):
        viz.plot(runs / "2.run", tmp_path / "nowhere" / "run.png")
    with pytest.raises(gf.InputError, match="is not a run directory"):
        viz.plot(tmp_path, tmp_path / "run.png")


@pytest.mark.parametrize("ending", [".png", ".mp4"])
def test_a_failure_leaves_no_half_written_file(tmp_path, ending):
    """And a full disk is one line that names the file."""
    path = tmp_path / f"run{ending}"

    def write():
        with publishing(path, keep_ending=ending == ".mp4") as file:
            file.write_bytes(b"half")
            raise OSError("full")

    with pytest.raises(gf.RunError, match=rf"cannot write .*run{ending}: full"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_on_a_line_what_is_shaded_is_the_hole(runs):
    stored = gf.open_run(runs / "1.run")
    axes = style.new_figure(3, 2).subplots()
    figures.draw_hole(axes, stored, stored.snapshot(index=0), viz.view.View())
    (span,) = axes.patches
    assert (span.get_x(), span.get_x() + span.get_width()) == pytest.approx((0.25, 0.75), abs=0.5 / 64)


def test_a_run_with_a_start_alone_can_be_drawn(tmp_path):
    grid = gf.Grid((16, 16))
    flow = gf.Flow(grid, gf.Riesz(1), gf.cosine(grid, 0.5))
    stop = gf.Callback(lambda run: run.stop("at once"), gf.EverySteps(1), at_start=True)
    gf.run(FiniteVolume(flow), gf.uniform(grid), 1.0, store=tmp_path / "a.run", callbacks=[stop])
    assert len(gf.open_run(tmp_path / "a.run").times) == 1
    viz.plot(tmp_path / "a.run", tmp_path / "a.png")
    assert (tmp_path / "a.png").exists()

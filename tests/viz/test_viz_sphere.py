"""Pictures of the sphere and of the circle: every pixel shows the cell it lies in."""

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

import gridflow as gf
from gridflow import viz
from gridflow.domains.sphere import SphereGrid, WholeSphere
from gridflow.equation import kernels
from gridflow.equation.contract import State
from gridflow.runtime.schema import Snapshot, checksum
from gridflow.runtime.writer import RunWriter
from gridflow.viz import artists, circle, pictures, selection, sphere, style
from gridflow.viz.neurons import smoothed

CIRCLE = gf.Circle(64)
SPHERE = SphereGrid((12, 24))


def cap(grid, center, radius):
    """1 within an angle of a direction, else 0."""
    center = np.array(center, dtype=float)
    return (grid.points @ (center / np.linalg.norm(center)) > np.cos(radius)).astype(float)


def write_run(path, grid, kernel, target, frames):
    """A run directory with snapshots of given fields at the times 0, 1, 2, …"""
    start = frames[0]["density"]
    problem = {"kernel": repr(kernel), "growth": 2.0}
    problem |= {"target_sha256": checksum(target), "initial_sha256": checksum(start)}
    manifest = {"gridflow": "", "versions": {}, "grid": grid.record(), "problem": problem, "solver": {}}
    manifest |= {"t_end": 1.0, "record": {}}
    writer = RunWriter.create(path, manifest, {"initial": start, "target": target})
    for number, held in enumerate(frames):
        writer.write_snapshot(State({}, float(number), number), held, "float64")
    names = ("step", "time", "dt", "mass", "min", "max", "energy", "kmd", "dissipation")
    rows = np.arange(1.0, 1 + len(frames))
    writer.write_series({name: rows - 1 if name == "time" else 1 / rows for name in names})
    writer.close()
    return path


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Small runs with a picture of every kind."""
    folder = tmp_path_factory.mktemp("viz_sphere")
    flat, bump = np.full(SPHERE.shape, 0.1), cap(SPHERE, [1, 0, 0], 0.5)
    write_run(folder / "sphere.run", SPHERE, gf.Riesz(1), flat, [{"density": bump}, {"density": flat}])
    frames = [{"density": bump, "negative": flat}, {"density": flat, "negative": bump}]
    write_run(folder / "signed.run", SPHERE, kernels.ReLU(), flat - 0.5 * bump, frames)
    wave = 1 + np.cos(CIRCLE.centers(0))
    write_run(folder / "circle.run", CIRCLE, kernels.ReLU(), wave, [{"density": 1 + 0 * wave}, {"density": wave}])
    frames = [{"density": wave, "negative": 0.5 * wave}]
    write_run(folder / "circle_signed.run", CIRCLE, kernels.ReLU(), wave - 1, frames)
    line = gf.Grid((64,), (2 * np.pi,))  # a torus of the same length
    write_run(folder / "line.run", line, gf.Riesz(1), wave, [{"density": wave}])
    return folder


def new_axes():
    return style.new_figure(4, 2).subplots()


@pytest.mark.parametrize("shape", [(12, 24), (7, 10)])
def test_directions_find_their_cells(shape):
    grid = SphereGrid(shape)
    everywhere = np.meshgrid(grid.colatitudes, grid.longitudes, indexing="ij")
    assert (pictures.cells_at(grid, *everywhere).ravel() == np.arange(grid.size)).all()
    inside = np.concatenate([grid.edges[:-1] + 1e-9, grid.edges[1:] - 1e-9])
    assert (
        pictures.cells_at(grid, inside, np.zeros(2 * shape[0])) // shape[1] == np.tile(np.arange(shape[0]), 2)
    ).all()


def test_the_seam_belongs_to_the_cells_on_it_and_the_poles_to_the_outer_rings():
    half = np.pi / 24
    around = np.array([-0.9, 0.0, 0.9, 1.1, -1.1]) * half
    for turns in (-2 * np.pi, 0.0, 2 * np.pi):
        cells = pictures.cells_at(SPHERE, np.full(5, 1e-3), around + turns)
        assert cells.tolist() == [0, 0, 0, 1, 23]
    assert (pictures.cells_at(SPHERE, np.array([0.0, np.pi]), np.zeros(2)) // 24).tolist() == [0, 11]
    assert pictures.cells_at(SPHERE, np.array([1.0]), np.array([np.nan])).tolist() == [pictures.OUTSIDE]


def test_a_map_keeps_areas_and_is_an_ellipse():
    cells = pictures.map_cells(SPHERE)
    shown = cells[cells != pictures.OUTSIDE]
    assert shown.size / cells.size == pytest.approx(np.pi / 4, rel=1e-3)
    share = np.bincount(shown, minlength=SPHERE.size).reshape(SPHERE.shape) / shown.size
    assert share == pytest.approx(np.broadcast_to(SPHERE.areas, SPHERE.shape) / (4 * np.pi), rel=0.06)
    assert pictures.map_cells(SPHERE) is cells


@pytest.mark.parametrize(
    ("center", "across", "up"),
    [
        ([0, 0, 1], 0.0, 1.0),
        ([0, 0, -1], 0.0, -1.0),
        ([1, 0, 0], 0.0, 0.0),
        ([0, 1, 0], 1.0, 0.0),
        ([0, -1, 0], -1.0, 0.0),
    ],
)
def test_a_cap_is_where_it_should_be_on_the_map(center, across, up):
    grid = SphereGrid((48, 96))
    image = artists.density(new_axes(), grid, cap(grid, center, 0.2), viz.Scale(1.0))
    assert image.get_extent() == [-2, 2, -1, 1]
    row, column = (where.mean() for where in np.nonzero(image.get_array().filled(0) == 1))
    assert (column + 0.5) / 200 - 2 == pytest.approx(across, abs=0.02)
    assert (row + 0.5) / 200 - 1 == pytest.approx(up, abs=0.1)
    assert image.get_array().mask[[0, 0, -1, -1], [0, -1, 0, -1]].all()


def test_a_cap_across_the_seam_is_on_both_ends_of_the_map():
    grid = SphereGrid((48, 96))
    image = artists.density(new_axes(), grid, cap(grid, [-1, 0, 0], 0.3), viz.Scale(1.0))
    shown = image.get_array().filled(0)
    assert shown[:, :100].sum() == pytest.approx(shown[:, -100:].sum(), rel=0.02)
    assert shown[:, 100:-100].sum() == 0
    artists.redraw(image, grid, np.zeros(grid.shape))
    assert image.get_array().max() == 0


@pytest.mark.parametrize("view", [(25.0, 30.0), (-40.0, 200.0), (90.0, 0.0)])
def test_a_globe_shows_the_side_that_faces_the_eye(view):
    grid = SphereGrid((48, 96))
    elevation, azimuth = np.radians(view)
    level = np.cos(elevation)
    toward = np.array([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)])
    for center, seen in ((toward, True), (-toward, False)):
        image = sphere.globe(new_axes(), grid, cap(grid, center, 0.3), viz.Scale(1.0), view)
        pixels = image.get_array()
        bright = np.nonzero(pixels[..., 0] > 0.6)
        assert (bright[0].size > 0) == seen
        if seen:
            assert np.mean(bright, axis=1) == pytest.approx(sphere.GLOBE_ROWS / 2, abs=3)
        assert (pixels[[0, 0, -1, -1], [0, -1, 0, -1], 3] == 0).all()


def test_a_globe_has_north_up_and_east_to_the_right():
    grid = SphereGrid((48, 96))
    for center, (row, column) in (([1, 0, 1], (0.85, 0.5)), ([1, 1, 0], (0.5, 0.85)), ([1, -1, -1], (0.21, 0.21))):
        image = sphere.globe(new_axes(), grid, cap(grid, center, 0.1), viz.Scale(1.0), (0.0, 0.0))
        bright = np.mean(np.nonzero(image.get_array()[..., 0] > 0.6), axis=1) / sphere.GLOBE_ROWS
        assert bright == pytest.approx([row, column], abs=0.02)


def test_shading_is_slight_and_leaves_the_hue():
    image = sphere.globe(new_axes(), SPHERE, np.full(SPHERE.shape, 0.7), viz.Scale(1.0))
    pixels = image.get_array()
    shade = pixels[pixels[..., 3] > 0][:, :3] / colormaps[style.COLORMAP](0.7)[:3]
    assert np.ptp(shade, axis=1).max() < 1e-6
    assert 1 - sphere.SHADE < shade.min() < shade.max() <= 1


def test_rows_of_globes_and_maps_end_with_the_target():
    densities = [np.full(SPHERE.shape, value) for value in (1.0, 2.0, 3.0)]
    frames = [Snapshot(float(n), n, density) for n, density in enumerate(densities[:2])]
    figure = style.new_figure(6, 4)
    sphere.draw_sphere(figure, SPHERE, frames, densities[2], viz.Scale.over(densities))
    assert [axes.get_title() for axes in figure.axes[:3]] == ["t = 0", "t = 1", "target"]
    assert [axes.images[0].get_array().max() for axes in figure.axes[3:6]] == [1, 2, 3]
    assert {axes.images[0].get_clim() for axes in figure.axes[3:6]} == {(0, 3)}


def test_two_signs_are_drawn_as_a_difference_on_a_diverging_scale():
    positive, negative = cap(SPHERE, [0, 0, 1], 0.5), 2 * cap(SPHERE, [0, 0, -1], 0.5)
    difference = selection.net(Snapshot(0.0, 0, positive, negative=negative))
    scale = viz.Scale.over([difference], signed=True)
    assert (scale.low, scale.high, scale.colormap) == (-2, 2, style.SIGNED_COLORMAP)
    image = artists.density(new_axes(), SPHERE, difference, scale)
    assert (image.get_array().min(), image.get_array().max()) == (-2, 1)
    assert image.cmap.name == style.SIGNED_COLORMAP
    assert viz.Scale.over([positive]).colormap == style.COLORMAP


def test_signs_are_told_by_the_snapshots_or_the_target(runs):
    told = {path.stem: selection.is_signed(gf.open_run(path)) for path in runs.glob("*.run")}
    assert told == {"sphere": False, "signed": True, "circle": False, "circle_signed": True, "line": False}


def test_a_circle_is_drawn_around_the_unit_circle():
    angle = CIRCLE.centers(0)
    frames = [Snapshot(0.0, 0, np.ones(64), negative=np.full(64, 0.25)), Snapshot(3.0, 1, 1 + np.cos(angle))]
    target = np.where(angle < np.pi, 1.0, -0.5)
    axes = style.new_figure(3, 3).add_subplot(projection="polar")
    circle.draw_circle(axes, CIRCLE, frames, target, viz.Scale(2.0))
    zero, first, inward, last, aim = axes.get_lines()
    assert (zero.get_ydata() == 1).all()
    for line in (first, inward, last, aim):
        assert line.get_xdata() == pytest.approx(np.append(angle, angle[0]))
        assert line.get_ydata()[-1] == line.get_ydata()[0]
    per_density = first.get_ydata()[0] - 1
    assert inward.get_ydata() == pytest.approx(1 - 0.25 * per_density)
    assert last.get_ydata()[:-1] == pytest.approx(1 + per_density * (1 + np.cos(angle)))
    assert aim.get_ydata()[:-1] == pytest.approx(1 + per_density * target)
    assert (inward.get_linestyle(), aim.get_linestyle()) == (":", "--")
    assert [line.get_label() for line in (first, last, aim)] == ["t = 0", "t = 3", "target"]
    dark, light = (sum(line.get_color()[:3]) for line in (first, last))
    assert dark < light


def test_a_negative_density_does_not_pass_the_middle_of_the_circle():
    frames = [Snapshot(0.0, 0, np.ones(64), negative=np.full(64, 5.0))]
    axes = style.new_figure(3, 3).add_subplot(projection="polar")
    circle.draw_circle(axes, CIRCLE, frames, np.zeros(64), viz.Scale(5.0))
    assert min(line.get_ydata().min() for line in axes.get_lines()) == pytest.approx(1 - circle.INWARD)


def test_a_line_of_the_same_length_is_no_circle(runs):
    found = {path.stem: circle.on_circle(gf.open_run(path)) for path in runs.glob("*.run")}
    assert found == {"sphere": False, "signed": False, "circle": True, "circle_signed": True, "line": False}


@pytest.mark.parametrize("name", ["signed", "circle_signed"])
def test_figures_of_runs(runs, tmp_path, name):
    viz.plot(runs / f"{name}.run", tmp_path / "run.png")
    with Image.open(tmp_path / "run.png") as picture:
        assert len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)) > 50


def test_a_movie_of_a_sphere_has_one_frame_per_snapshot_unless_the_globe_turns(runs, tmp_path):
    with Image.open(viz.movie(runs / "sphere.run", tmp_path / "run.gif")) as picture:
        assert picture.n_frames == 2
    options = {"orbit": 1, "seconds": 1, "fps": 4, "size": (160, 120), "dpi": 30}
    with Image.open(viz.movie(runs / "sphere.run", tmp_path / "turned.gif", **options)) as picture:
        assert picture.n_frames == 4  # the globe turns between two snapshots, too


def test_side_by_side_and_fewer_frames(runs, tmp_path):
    both = [runs / "sphere.run", runs / "signed.run"]
    viz.plot(both, tmp_path / "two.png")
    viz.plot(runs / "sphere.run", tmp_path / "one.png", frames=1)
    assert len(list(tmp_path.iterdir())) == 2
    with pytest.raises(gf.InputError, match="frames = 0: at least 1 is needed"):
        viz.plot(runs / "sphere.run", tmp_path / "none.png", frames=0)


def test_of_a_sphere_in_a_single_cell_there_are_curves_but_no_picture(tmp_path):
    one = np.ones(1)
    path = write_run(tmp_path / "whole.run", WholeSphere(9), kernels.ReLU(), one, [{"density": one}] * 3)
    viz.plot(path, tmp_path / "whole.png")
    assert (tmp_path / "whole.png").exists()
    assert selection.title(gf.open_run(path)) == "whole.run   (ReLU, the sphere of 9 dimensions, not finished)"
    with pytest.raises(gf.InputError, match=r'movie cannot make "densities" of .*: its density is a single number'):
        viz.movie(path, tmp_path / "a.gif")
    with pytest.raises(gf.InputError, match=r'plot cannot make "densities" of .*: its density is a single'):
        viz.plot(path, kind="densities")


@pytest.mark.parametrize("grid", [gf.Circle(200), SphereGrid((32, 64))], ids=["circle", "sphere"])
def test_the_density_of_a_network_is_smoothed_over_a_few_of_its_neurons(grid):
    weights = gf.network_from_measure(grid, gf.uniform(grid), 60)
    density = gf.measure_from_network(grid, weights)[0]
    frame = Snapshot(0.0, 0, density, inner_weights=weights.inner, outer_weights=weights.outer)
    shown = smoothed(grid, frame).density
    assert grid.integral(shown) == pytest.approx(grid.integral(density), rel=1e-12)
    assert abs(shown / shown.mean() - 1).max() < 0.15 < abs(density / density.mean() - 1).max()
    bare = Snapshot(0.0, 0, density)
    assert smoothed(grid, bare) is bare

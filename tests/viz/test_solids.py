"""Surfaces, volumes, slices and projections in three dimensions: the right shape, the right way round."""

import importlib.util
import math

import numpy as np
import pytest
from PIL import Image

import gridflow as gf
from gridflow import viz
from gridflow.viz import movies, solid_figures, solid_scenes, solids
from gridflow.viz.solid_scenes import Camera, Scene
from solvers import FiniteVolume

LENGTHS = (1.0, 1.5, 0.75)


@pytest.fixture(scope="module")
def rendered():
    if reason := solid_scenes.obstacle_to_rendering():
        pytest.skip(reason)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small run in three dimensions whose start is as the others are not: mass at x = 0.2, y = 1.2, z = 0.6."""
    grid = gf.Grid((10, 15, 8), LENGTHS)
    start = gf.normalize(grid, gf.gaussian(grid, [0.2, 1.2, 0.6], 0.12) + 0.2)
    path = tmp_path_factory.mktemp("solids") / "bump.run"
    solver = FiniteVolume(gf.Flow(grid, gf.Riesz(1), gf.uniform(grid)))
    gf.run(solver, start, 0.2, store=path, snapshots=gf.EveryTime(0.1))
    return path


def away_from(grid, center):
    """Distance of the cells from a point, on the torus."""
    squares = 0.0
    for x, place, length in zip(grid.mesh(), center, grid.lengths, strict=True):
        squares = squares + (np.mod(x - place + length / 2, length) - length / 2) ** 2
    return np.sqrt(squares)


@pytest.mark.parametrize("cells", [16, 32])
def test_the_surface_of_a_ball_encloses_its_volume_to_second_order(cells):
    """Linear interpolation of the distance d errs by h² |d''| / 8 ≤ h² / (8 r) in each of three directions."""
    pytest.importorskip("pyvista")
    grid, radius = gf.Grid((cells, cells + 4, cells), (1.0, 1.2, 1.0)), 0.3
    mesh = solids.surface_mesh(grid, -away_from(grid, [0.5, 0.6, 0.5]), -radius)
    h = max(grid.spacing)
    shift = 3 * h**2 / (8 * radius)
    assert mesh.volume == pytest.approx(4 / 3 * math.pi * radius**3, abs=4 * math.pi * radius**2 * shift)
    assert mesh.is_manifold


def test_a_ball_across_the_border_is_cut_at_the_border():
    """Around a corner there are eight parts of it, whose caps lie on the faces of the box."""
    pytest.importorskip("pyvista")
    grid = gf.Grid((24, 20, 22), LENGTHS)
    mesh = solids.surface_mesh(grid, -away_from(grid, [0, 0, 0]), -0.3)
    points = np.asarray(mesh.points)
    assert points.min(axis=0) == pytest.approx(0, abs=1e-6)
    assert points.max(axis=0) == pytest.approx(LENGTHS, rel=1e-6)
    octant = points[(points < np.array(LENGTHS) / 2).all(axis=1)]
    assert np.linalg.norm(octant, axis=1) == pytest.approx(0.3, abs=0.02)
    assert len(mesh.split_bodies()) == 8
    empty = solids.surface_mesh(grid, np.zeros(grid.shape), 1.0)
    assert empty.n_points == 0


@pytest.mark.usefixtures("rendered")
@pytest.mark.parametrize("azimuth", [-60.0, 140.0])
def test_a_ball_is_rendered_where_the_camera_projects_it(azimuth):
    grid, center = gf.Grid((20, 30, 15), LENGTHS), [0.25, 1.2, 0.55]
    (camera,) = Camera.around(grid.lengths, 1.5, [azimuth], 25.0)
    field = -away_from(grid, center)
    clipped = [
        solid_scenes.renderer().image(Scene(grid, field, camera, (300, 200), level=-0.12, clip=clip, color="#ff0000"))
        for clip in (None, (2, 0.3))
    ]
    red = (clipped[0][..., 3] > 128) & (clipped[0][..., 0] > 2.0 * clipped[0][..., 1])
    down, right = (places.mean() for places in np.nonzero(red))
    x, y = camera.project(np.array([center]), grid.lengths)[0]
    assert (right, down) == pytest.approx((150 + 100 * x, 100 - 100 * y), abs=3)
    cut = clipped[1]
    assert not ((cut[..., 3] > 128) & (cut[..., 0] > 2.0 * cut[..., 1])).any()  # it lies above z = 0.3
    corners = camera.project(solid_scenes.box_corners(LENGTHS), LENGTHS)
    assert corners[:, 1].max() == pytest.approx(-corners[:, 1].min(), abs=1e-3)
    assert abs(corners / (1.5, 1)).max() == pytest.approx(solid_scenes.MARGIN, abs=1e-3)


@pytest.mark.parametrize("kind", ["slices", "projections"])
def test_images_across_each_axis_have_the_other_axes_to_the_right_and_upwards(run, kind):
    """The bump is where it is along both axes of each image."""
    figure = viz.plot(run, kind=kind, frames=1)
    place = {"x": 0.2, "y": 1.2, "z": 0.6}
    seen = []
    for part in figure.subfigs:
        axes = part.axes[0]
        (image,) = axes.images
        across, up = axes.get_xlabel(), axes.get_ylabel()
        left, right, bottom, top = image.get_extent()
        assert (right - left, top - bottom) == (LENGTHS["xyz".index(across)], LENGTHS["xyz".index(up)])
        row, column = np.unravel_index(image.get_array().argmax(), image.get_array().shape)
        rows, columns = image.get_array().shape
        assert (column + 0.5) / columns * right == pytest.approx(place[across], abs=0.6 * right / columns)
        assert (row + 0.5) / rows * top == pytest.approx(place[up], abs=0.6 * top / rows)
        seen.append(across + up)
    assert seen == ["yz", "xz", "xy"]


def test_a_projection_integrates_the_density(run):
    stored = gf.open_run(run)
    grid, density = stored.grid, stored.initial
    for axis in range(3):
        pixels = solid_figures.Projections().field(grid, density, axis)
        area = grid.cell_volume / grid.spacing[axis]
        assert pixels.sum() * area == pytest.approx(grid.integral(density), rel=1e-12)


@pytest.mark.usefixtures("rendered")
def test_figures_and_movies_of_solids(run, tmp_path):
    for kind in ("surface", "volume"):
        path = tmp_path / f"{kind}.png"
        viz.plot(run, path, kind, frames=2, clip=True, background="black")
        with Image.open(path) as picture:
            assert len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)) > 100
        options = {"size": (160, 120), "dpi": 30, "seconds": 1, "fps": 3, "orbit": 1}
        with Image.open(viz.movie(run, tmp_path / f"{kind}.gif", kind, **options)) as picture:
            assert picture.n_frames == 3
    with pytest.raises(gf.InputError, match="level = 100: the first density is between"):
        viz.plot(run, kind="surface", level=100)
    with pytest.raises(gf.InputError, match='background = "red": it must be white or black'):
        viz.plot(run, kind="volume", background="red")


def test_without_pyvista_a_plane_is_shown_and_one_line_says_how_to_get_more(run, tmp_path, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pyvista" else found(name))
    solid_scenes.obstacle_to_rendering.cache_clear()
    with pytest.warns(UserWarning, match=r"^PyVista is not installed; pip install 'gridflow\[viz3d\]' .*; showing a"):
        viz.movie(run, tmp_path / "a.gif", size=(160, 120), dpi=30)
    assert (tmp_path / "a.gif").exists()
    assert set(movies.kinds_of_movies(run)) == {"densities"}
    with pytest.raises(gf.InputError, match=r'plot cannot make "surface" of .*: PyVista is not installed; pip install'):
        viz.plot(run, kind="surface")
    monkeypatch.undo()
    solid_scenes.obstacle_to_rendering.cache_clear()


def test_a_crash_of_the_renderer_is_one_line(monkeypatch):
    """As of a graphics library without a driver, which ends the process."""
    monkeypatch.setattr(solid_scenes, "RENDERER", "import os, sys; print('no driver', file=sys.stderr); os.abort()")
    crashed = solid_scenes.Renderer()
    grid = gf.Grid((4, 4, 4))
    scene = Scene(grid, np.zeros(grid.shape), Camera(0.0, 0.0, 3.0), (16, 16), level=1.0)
    with pytest.raises(gf.RunError, match=r"^surfaces and volumes cannot be rendered here: no driver$"):
        crashed.image(scene)
    crashed.close()

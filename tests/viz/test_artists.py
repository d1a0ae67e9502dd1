"""The parts that figures are composed of: what is drawn is where it is, and of the size that it has."""

import warnings

import numpy as np
import pytest
from matplotlib.figure import Figure

import gridflow as gf
from gridflow import viz
from gridflow.runtime.schema import Snapshot
from gridflow.viz import artists, curves, selection
from gridflow.viz.panels import heading
from solvers import FiniteVolume, Particles

GRID = gf.Grid((40, 60), (1.0, 2.0))
FLOW = gf.Flow(GRID, gf.Riesz(1), gf.uniform(GRID))


def new_axes():
    return Figure().subplots()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A hole in one dimension whose title is mathematics to matplotlib, with a snapshot every 0.1."""
    path = tmp_path_factory.mktemp("artists") / "hole $x^2 \\frac.run"
    grid = gf.Grid((64,))
    solver = FiniteVolume(gf.Flow(grid, gf.Riesz(1), gf.uniform(grid)), tracer=gf.regions.ball(grid, 0.2))
    gf.run(solver, gf.ball_hole(grid, 0.2), 0.5, store=path, snapshots=gf.EveryTime(0.1))
    return gf.open_run(path)


def test_a_hole_on_a_line_is_shaded_between_its_edges_across_the_border_too():
    grid = gf.Grid((50,), (2.0,))
    share = gf.regions.ball(grid, 0.3, [1.9])
    spans = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in viz.hole(new_axes(), grid, share)]
    # edges are found to a fraction of a cell, 0.04
    np.testing.assert_allclose(spans, [(0.0, 0.2), (1.6, 2.0)], atol=0.02)


def test_the_outline_of_a_disc_is_its_circle_and_continues_across_the_border():
    share = gf.regions.ball(GRID, 0.3, [0.0, 1.0])
    axes = new_axes()
    viz.density(axes, GRID, share)
    lines = viz.hole(axes, GRID, share)
    vertices = np.concatenate([path.vertices for path in lines.get_paths()])
    across = np.abs(vertices[:, 0] - np.round(vertices[:, 0]))
    np.testing.assert_allclose(np.hypot(across, vertices[:, 1] - 1.0), 0.3, atol=GRID.spacing[0] / 2)
    assert vertices[:, 0].min() < 0 < 1 < vertices[:, 0].max()
    assert axes.get_xlim() == (0, 1)


def test_streamlines_run_down_the_potential():
    density = gf.gaussian(GRID, [0.3, 0.8], 0.15)
    v = FLOW.potential(density)
    segments = np.array(viz.streamlines(new_axes(), FLOW, density).get_segments())
    ends = np.floor(np.mod(segments, GRID.lengths) / GRID.spacing).astype(int) % GRID.shape
    drop = v[tuple(ends[:, 0].T)] - v[tuple(ends[:, 1].T)]
    # segments are shorter than a cell, so that most stay in one and the others step to the next one down
    assert (drop > 0).sum() > 20 * (drop < 0).sum()
    with pytest.raises(gf.InputError, match="streamlines are drawn on a torus of 2 or 3 dimensions"):
        viz.streamlines(new_axes(), gf.Flow(gf.Grid((8,)), gf.Riesz(1), np.ones(8)), np.ones(8))


def test_potential_and_difference_are_on_scales_about_zero():
    density = gf.gaussian(GRID, [0.3, 0.8], 0.15)
    for image, values in (
        (viz.potential(new_axes(), FLOW, density), FLOW.potential(density)),
        (viz.difference(new_axes(), GRID, density, FLOW.target), density - FLOW.target),
    ):
        np.testing.assert_array_equal(image.get_array(), values.T)
        assert image.norm.vmin == -image.norm.vmax == -abs(values).max()


def test_a_cut_is_linear_between_layers_and_names_its_axes():
    grid = gf.Grid((4, 6, 8), (1.0, 2.0, 3.0))
    x, y, z = (grid.along(axis, grid.centers(axis)) for axis in range(3))
    field = x + 10 * y + 100 * z
    np.testing.assert_allclose(viz.Cut("z", 1.3)(grid, field), (x + 10 * y + 130)[..., 0], rtol=1e-14)
    np.testing.assert_allclose(viz.Cut("x", 0.5)(grid, field), (0.5 + 10 * y + 100 * z)[0], rtol=1e-14)
    axes = new_axes()
    image = viz.density(axes, grid, field, cut=viz.Cut("y"))
    assert (axes.get_xlabel(), axes.get_ylabel(), image.get_extent()) == ("x", "z", [0, 1, 0, 3])
    with pytest.raises(gf.InputError, match=r"at = 4: z must be between 0 and 3"):
        viz.Cut("z", 4.0)(grid, field)


def test_scales_show_what_is_beyond_them_and_survive_constants_and_nan():
    values = np.array([0.0, 1e-9, 1.0, 4.0, np.nan])
    log = viz.Scale.over([values], log=True)
    assert (log.low, log.high, log.beyond) == (4e-6, 4.0, "min")
    assert log.drawn(values)[0] == 4e-6
    assert viz.Scale.over([values], limits=(0.0, 2.0)).beyond == "max"
    assert viz.Scale.over([np.zeros(3)]).high == 1.0
    with pytest.raises(gf.InputError, match="logarithmic scale cannot show values of both signs"):
        viz.Scale.over([values], signed=True, log=True)
    with pytest.raises(gf.InputError, match='cmap = "grue": matplotlib has no such colour map'):
        viz.Scale(1.0, cmap="grue")


def test_numbers_have_the_digits_that_neighbours_need():
    assert selection.distinct([0.0, 1.0, 1000.0]) == ["0", "1", "1e+03"]
    assert selection.distinct([1000.1, 1000.2, 1000.4]) == ["1000.1", "1000.2", "1000.4"]
    assert selection.distinct([0.5, 0.5]) == ["0.5", "0.5"]


def test_a_spectrum_has_the_power_of_its_mode():
    """The mode a cos(2π·3x) has power a²/2 |T| on the 2 modes of its shell on a line."""
    grid = gf.Grid((64,))
    line = viz.spectrum(new_axes(), grid, 1 + 0.2 * np.cos(6 * np.pi * grid.centers(0)), np.ones(64))
    at = np.argmax(line.get_ydata())
    assert line.get_xdata()[at] == pytest.approx(6 * np.pi)
    assert line.get_ydata()[at] == pytest.approx(0.02 / 2)


def test_space_and_time_have_a_row_for_each_snapshot(run):
    frames = list(run.snapshots())
    mesh = viz.spacetime(new_axes(), run, frames)
    np.testing.assert_array_equal(mesh.get_array(), [frame.density for frame in frames])
    np.testing.assert_allclose(mesh.get_coordinates()[:-1, 0, 1], run.times)


def test_the_volume_of_a_hole_is_beside_its_law(run):
    measured, law = viz.hole_volume(new_axes(), run)
    np.testing.assert_allclose(law.get_ydata(), 0.4 * np.exp(-measured.get_xdata()), rtol=1e-12)
    ratio = viz.hole_ratio(new_axes(), run)
    np.testing.assert_allclose(ratio.get_ydata(), measured.get_ydata() / law.get_ydata(), rtol=1e-12)


def test_time_is_logarithmic_for_powers_of_it_and_for_early_changes():
    time = np.linspace(0, 100, 201)
    assert curves.wants_log_time({"time": time, "energy": 1 / (1 + time) ** 2})
    assert curves.wants_log_time({"time": time, "energy": 1e-3 + np.exp(-time)})
    assert not curves.wants_log_time({"time": time, "energy": np.exp(-time / 10)})


def test_paths_of_particles_break_at_the_border():
    trail = np.array([[[0.9, 0.5]], [[1.1, 0.5]], [[1.3, 0.5]]])  # at 0.9, 0.1, 0.3 of the first period
    axes = new_axes()
    points = viz.particles(axes, gf.Grid((8, 8)), trail[-1], trail)
    np.testing.assert_allclose(points.get_offsets(), [[0.3, 0.5]])
    (paths,) = (each for each in axes.collections if each is not points)
    np.testing.assert_allclose(np.array(paths.get_segments())[:, :, 0], [[0.9, 1.1], [0.1, 0.3]])


def test_particles_are_points_in_the_overview(tmp_path):
    grid = gf.Grid((16, 16))
    solver = Particles(gf.Flow(grid, gf.Riesz(2), gf.uniform(grid)), *gf.sample(grid, gf.uniform(grid), 50, seed=1))
    gf.run(solver, gf.uniform(grid), 0.1, store=tmp_path / "p.run", snapshots=gf.EveryTime(0.05))
    figure = viz.plot(tmp_path / "p.run", kind="densities")
    drawn = [axes for part in figure.subfigs for axes in part.axes]
    counts = [max(len(each.get_offsets()) for each in axes.collections) for axes in drawn if axes.collections]
    assert counts[:3] == [50, 50, 50]


@pytest.mark.parametrize(
    "kind", ["overview", "densities", "curves", "difference", "potential", "spacetime", "spectrum"]
)
@pytest.mark.parametrize("columns", [None, 1])
def test_every_kind_is_drawn_with_a_title_as_it_is(run, tmp_path, kind, columns):
    """Dollars and backslashes are not mathematics, on paper neither."""
    figure = viz.plot(run, tmp_path / "a.pdf", kind, columns=columns)
    assert "$x^2 \\frac" in figure.get_suptitle().replace("\n", " ")
    assert figure.get_size_inches()[0] == pytest.approx(3.4 if columns else figure.get_size_inches()[0])
    assert kind in viz.kinds(run)


def test_a_long_title_is_cut_to_what_fits():
    figure = Figure(figsize=(4, 3))
    text = heading(figure, "word " * 100, 4.0).get_text()
    assert text.count("\n") == 1
    assert text.endswith("…")


def test_options_that_are_not_allowed_are_named(run):
    for options, told in (
        ({"axis": "w"}, 'axis = "w": it must be one of x, y, z'),
        ({"times": []}, r"times = \[\]: it must be one or more finite numbers"),
        ({"limits": (2, 1)}, "limits = 2, 1: the first must be below the second"),
        ({"limits": (0, 1), "log": True}, "on a logarithmic scale both must be positive"),
        ({"columns": 3}, "columns = 3: it must be 1 or 2"),
        ({"dpi": 1}, "dpi = 1: it must be between 10 and 2400"),
        ({"colour": "red"}, 'colour = red: plot of the kind "overview" has no such option; it has axis'),
    ):
        with pytest.raises(gf.InputError, match=told):
            viz.plot(run, **options)


def test_a_density_that_is_constant_or_not_finite_can_be_drawn():
    for values in (np.zeros(GRID.shape), np.full(GRID.shape, np.nan)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            figure = Figure()
            viz.density(figure.subplots(), GRID, values)
            figure.canvas.draw()


def test_frames_of_runs_are_matched_by_time():
    class Stored:
        def __init__(self, times):
            self.times, self.path, self.grid = np.array(times), "a.run", gf.Grid((4,))

        def snapshot(self, index):
            return Snapshot(self.times[index], index, np.ones(4))

    runs = [Stored([0.0, 1.0, 2.0, 3.0, 4.0]), Stored([0.0, 0.9, 2.1])]
    times = selection.common_times(runs, 5)
    assert times == [0.0, 1.0, 2.0]
    assert [frame.time for frame in selection.nearest(runs[1], times)] == [0.0, 0.9, 2.1]


def test_artists_use_no_figure_of_pyplot():
    import matplotlib.pyplot as plt

    artists.density(new_axes(), GRID, np.ones(GRID.shape))
    assert plt.get_fignums() == []


def test_each_hole_has_its_curve_and_its_number(tmp_path):
    grid = gf.Grid((32, 32))
    small, large = gf.ball_hole(grid, 0.12, [0.25, 0.5]), gf.ball_hole(grid, 0.2, [0.7, 0.5])
    start = gf.normalize(grid, small * large)
    gf.run(FiniteVolume(gf.Flow(grid, gf.Riesz(1), gf.uniform(grid))), start, 0.3, store=tmp_path / "two.run")
    figure = viz.plot(tmp_path / "two.run", kind="holes")
    places, volumes, *_ = figure.subfigs[0].axes
    first = {line.get_label(): line.get_ydata()[0] for line in volumes.get_lines()}
    # half a cell along the border of a disc
    for name, radius in (("hole 1", 0.2), ("hole 2", 0.12)):
        assert first[name] == pytest.approx(np.pi * radius**2, abs=np.pi * radius / 32)
    at = {text.get_text(): text.get_position() for text in places.texts}
    np.testing.assert_allclose([at["1"], at["2"]], [[0.7, 0.5], [0.25, 0.5]], atol=1 / 64)

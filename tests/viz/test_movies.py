"""Movies: the right snapshots at the right times, the right pixels, honest files."""

import re
import shutil
import stat
import subprocess

import numpy as np
import pytest
from PIL import Image

import gridflow as gf
from gridflow import viz
from gridflow.viz import film_files, film_times, films, movies, style
from gridflow.viz.film_stage import Cells
from solvers import FiniteVolume

SMALL = {"size": (160, 120), "dpi": 30}
"""Options that make a movie quick."""


def made(path, dim, snapshots, t_end=0.5, cells=16):
    grid = gf.Grid((cells,) * dim)
    solver = FiniteVolume(gf.Flow(grid, gf.Riesz(1), gf.uniform(grid)), tracer=gf.regions.ball(grid, 0.25))
    gf.run(solver, gf.ball_hole(grid, 0.25), t_end, store=path, snapshots=snapshots)
    return path


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A line, and two planes that store other times until other ends."""
    folder = tmp_path_factory.mktemp("movies")
    return {
        "line": made(folder / "line.run", 1, gf.EveryTime(0.1)),
        "plane": made(folder / "plane.run", 2, gf.EveryTime(0.1)),
        "other": made(folder / "other.run", 2, gf.EveryTime(0.25), 1.0),
    }


def paced(*paths, spacing=None, span=None, seconds=None, fps=None):
    return film_times.pace([gf.open_run(path) for path in paths], spacing, span, seconds, fps)


def film_of(*paths, **options):
    opened = [gf.open_run(path) for path in paths]
    movie = movies.Densities(**(SMALL | options))
    pace = film_times.pace(opened, movie.spacing, movie.span, movie.seconds, movie.fps)
    return films.Film(movie, tuple(opened), pace, film_times.stamps(opened, pace), movie.survey(opened, pace))


def frames_of(path):
    """Width, height, rate and the decoded frames of an mp4."""
    command = [film_files.ffmpeg(), "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    width, height, fps = map(int, re.search(rb"yuv420p.*?, (\d+)x(\d+).*?, (\d+) fps", done.stderr).groups())
    return (width, height, fps), np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width, 3)


def test_frames_of_runs_are_matched_by_time(runs):
    """Times 0, 0.1 … 0.5 of one run beside 0, 0.25, 0.5, 0.75, 1 of the other, until the first of them ends."""
    found = paced(runs["plane"], runs["other"])
    assert found.times == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert found.snapshots == ((0, 0), (1, 0), (2, 1), (3, 1), (4, 2), (5, 2))
    stored = [gf.open_run(runs[name]) for name in ("plane", "other")]
    stamps = film_times.stamps(stored, found)
    assert [stamp.split()[2] for stamp in stamps[1]] == ["0.00", "0.00", "0.25", "0.25", "0.50", "0.50"]
    assert len({len(stamp) for each in stamps for stamp in each}) == 1
    energies = [float(stamp.split()[-1]) for stamp in stamps[0]]
    flow = stored[0].flow
    assert energies == pytest.approx([flow.energy(frame.density) for frame in stored[0].snapshots()], rel=6e-3)


def test_a_run_that_stands_still_beside_another_is_named(runs, tmp_path):
    """A run that has only its first and its last snapshot is; one that shows half as many as the other is not."""
    pair = [runs["other"], runs["plane"]]
    stored = [gf.open_run(path) for path in pair]
    assert film_times.standing_still(stored, paced(*pair)) == ""  # 3 beside 6
    coarse = tmp_path / "coarse.run"
    shutil.copytree(runs["other"], coarse)
    for between in sorted((coarse / "snapshots").glob("*.nc"))[1:-1]:
        between.unlink()
    with pytest.warns(UserWarning, match=r"coarse\.run has few snapshots: 2 are shown beside 6 of .*plane\.run, and"):
        viz.movie([coarse, runs["plane"]], tmp_path / "a.gif", span=(0, 0.52), **SMALL)


def test_the_rate_of_time_is_what_was_asked_for(runs):
    linear = paced(runs["plane"], seconds=2, fps=10, span=(0.1, 0.4))
    assert len(linear.times) == 20
    assert np.ptp(np.diff(linear.times)) < 1e-12
    log = paced(runs["plane"], spacing="log", seconds=1, fps=6)
    assert log.times[0] == 0
    assert np.divide(log.times[2:], log.times[1:-1]) == pytest.approx(5 ** (1 / 4))  # from 0.1 to 0.5 in four steps
    assert paced(runs["other"], spacing="snapshots").times == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert paced(runs["other"]).fps == film_times.SLOWEST


def test_runs_without_a_time_in_common_are_refused(runs, tmp_path):
    late = tmp_path / "late.run"
    shutil.copytree(runs["plane"], late)
    for early in sorted((late / "snapshots").glob("*.nc"))[:-1]:
        early.unlink()
    start = tmp_path / "start.run"
    shutil.copytree(runs["plane"], start)
    for other in sorted((start / "snapshots").glob("*.nc"))[1:]:
        other.unlink()
    with pytest.raises(gf.InputError, match=r"no time in common: .*start\.run ends at t = 0, .* begins at t = 0\.5"):
        paced(late, start)
    assert paced(start).times == (0.0,)


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ([0, 0.25, 0.5], ["0.00", "0.25", "0.50"]),
        ([9.5, 10, 10.5], [" 9.5", "10.0", "10.5"]),
        ([1, 1.0001, 1.0001], ["1.0000", "1.0001", "1.0001"]),
        ([1e-4, 1, 1e6], ["1.00e-04", "1.00e+00", "1.00e+06"]),
    ],
)
def test_stamps_have_the_digits_that_neighbours_need_and_one_width(numbers, told):
    assert film_times.steady(numbers) == told


def test_frames_do_not_depend_on_the_number_of_processes_or_on_what_was_drawn_before(runs):
    film = film_of(runs["plane"], runs["other"])
    with style.look():
        alone, shared = list(film.pictures(1)), list(film.pictures(2))
        last = film.stage().frame(film.distinct[-1])
    assert len(alone) == 6
    assert all(np.array_equal(one, other) for one, other in zip(alone, shared, strict=True))
    assert np.array_equal(last, alone[-1])
    assert not np.array_equal(alone[0], alone[-1])


def test_pixels_have_the_colours_of_their_cells_where_matplotlib_draws_them():
    """Also if cells are smaller than pixels: then of their average."""
    values = np.arange(12.0).reshape(3, 4)
    scale = viz.Scale(11.0, cmap="gray")

    def drawn(add):
        figure = style.new_figure(2, 1.5)
        figure.set_layout_engine("none")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, 4), ylim=(0, 3))
        axes.set_axis_off()
        add(axes)
        figure.canvas.draw()
        return np.asarray(figure.canvas.buffer_rgba())[..., 0].astype(int)

    def expected(axes):
        place = {"origin": "lower", "extent": (0, 4, 0, 3), "aspect": "auto", "interpolation": "nearest"}
        axes.imshow(values, norm=scale.norm(), cmap="gray", **place)

    whole = drawn(lambda axes: axes.add_artist(Cells(values, (0, 4, 0, 3), scale)))
    assert abs(whole - drawn(expected)).max() <= 1
    fine = np.kron(
        values, np.tile([[0.0, 2.0], [2.0, 0.0]], (50, 50))
    )  # four in each pixel, which average to the values
    assert abs(drawn(lambda axes: axes.add_artist(Cells(fine, (0, 4, 0, 3), scale))) - whole).max() <= 1


def test_an_mp4_has_the_frames_the_size_and_the_colours(runs, tmp_path):
    options = {"seconds": 1, "fps": 12, "size": (320, 200), "dpi": 40}
    facts, frames = frames_of(viz.movie(runs["plane"], tmp_path / "a.mp4", **options))
    assert facts == (320, 200, 12)
    assert len(frames) == 12
    film = film_of(runs["plane"], **options)
    with style.look():
        drawn = film.stage().frame(0)[..., :3]
    corner = np.s_[2:12, -12:-2]
    assert abs(frames[0][corner].astype(int) - drawn[corner]).max() <= 2  # white stays white
    assert abs(frames[0].astype(int) - drawn).mean() < 4  # the colours of half of the pixels are blurred over four
    assert list(tmp_path.iterdir()) == [tmp_path / "a.mp4"]


def test_a_gif_has_one_frame_per_snapshot_its_length_and_one_palette(runs, tmp_path):
    with Image.open(viz.movie(runs["line"], tmp_path / "a.gif", fps=8, **SMALL)) as picture:
        assert picture.n_frames == 6
        durations = []
        for number in range(6):
            picture.seek(number)
            durations.append(picture.info["duration"])
        assert sum(durations) == pytest.approx(1000 * 6 / 8, abs=5)
        assert picture.convert("RGB").getpixel((1, 1)) == (255, 255, 255)
    with Image.open(viz.movie(runs["line"], tmp_path / "b.gif", fps=10, seconds=3, **SMALL)) as picture:
        durations = [(picture.seek(number), picture.info["duration"])[1] for number in range(picture.n_frames)]
        assert sum(durations) == 3000
    with pytest.raises(gf.InputError, match="fps = 60: a gif has 50 frames per second at most"):
        viz.movie(runs["line"], tmp_path / "c.gif", fps=60, **SMALL)


def test_without_ffmpeg_a_gif_is_written_and_said_so(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(movies, "ffmpeg", lambda: None)
    with pytest.warns(UserWarning, match=r"there is no ffmpeg .*: writing .*run\.gif instead"):
        path = viz.movie(runs["plane"], tmp_path / "run.mp4", **SMALL)
    assert path == tmp_path / "run.gif"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("reads", [0, 1])
def test_an_encoder_that_fails_loses_no_frame(runs, tmp_path, monkeypatch, reads):
    """At once or in the middle; the frames are the same as without it, and one line says where they are."""
    broken = tmp_path / "broken"
    broken.write_text(f"#!/bin/sh\nhead -c {reads * 30_000} >/dev/null\necho unknown codec >&2\nexit 3\n")
    broken.chmod(broken.stat().st_mode | stat.S_IXUSR)
    for module in (movies, film_files):
        monkeypatch.setattr(module, "ffmpeg", lambda: str(broken))
    with pytest.raises(gf.RunError) as error:
        viz.movie(runs["plane"], tmp_path / "run.mp4", seconds=1, fps=8, **SMALL)
    folder = tmp_path / "run_frames"
    assert str(error.value) == (
        f"cannot write {tmp_path / 'run.mp4'}: ffmpeg ended with code 3 (unknown codec); the 8 frames are in {folder}"
    )
    kept = sorted(folder.iterdir())
    assert [path.name for path in kept] == [f"{number:06d}.png" for number in range(1, 9)]
    film = film_of(runs["plane"], seconds=1, fps=8)
    with style.look():
        last = list(film.pictures(1))[-1]
    with Image.open(kept[-1]) as picture:
        assert np.array_equal(np.asarray(picture), last[..., :3])
    assert sorted(tmp_path.iterdir()) == [broken, folder]


def test_a_full_disk_is_one_line_and_leaves_nothing(runs, tmp_path, monkeypatch):
    full = tmp_path / "full"
    full.write_text("#!/bin/sh\necho 'av_interleaved_write_frame(): No space left on device' >&2\nexit 1\n")
    full.chmod(full.stat().st_mode | stat.S_IXUSR)
    for module in (movies, film_files):
        monkeypatch.setattr(module, "ffmpeg", lambda: str(full))
    with pytest.raises(gf.RunError, match=r"^cannot write .*run\.mp4: ffmpeg: .*No space left on device$"):
        viz.movie(runs["plane"], tmp_path / "run.mp4", **SMALL)
    assert list(tmp_path.iterdir()) == [full]


def test_bad_options_are_named(runs, tmp_path):
    for options, told in (
        ({"fps": 0}, "fps = 0: it must be positive"),
        ({"spacing": "square"}, 'spacing = "square": it must be one of linear, log, snapshots'),
        ({"span": (1, 1)}, "span = 1, 1: the first time must be before the last"),
        ({"size": (101, 100)}, "size = 101x100: width and height must be even"),
        ({"seconds": 1, "fps": 1, "spacing": "snapshots"}, "with spacing = snapshots give only one"),
        ({"jobs": 0}, "jobs"),
        ({"orbit": 1}, 'orbit = 1: movie of the kind "densities" has no such option'),
    ):
        with pytest.raises(gf.InputError, match=told):
            viz.movie(runs["plane"], tmp_path / "a.gif", **options)
    with pytest.raises(gf.InputError, match=r'the ending "\.png" is not one of \.mp4, \.gif'):
        viz.movie(runs["plane"], tmp_path / "run.png")
    with pytest.raises(gf.InputError, match=r"runs = \[\]: a movie needs at least one"):
        viz.movie([], tmp_path / "run.gif")
    with pytest.raises(gf.InputError, match="their densities are drawn in different ways"):
        viz.movie([runs["line"], runs["plane"]], tmp_path / "run.gif")
    with pytest.raises(gf.RunError, match=r"cannot write .*File name too long"):
        viz.movie(runs["plane"], tmp_path / f"{'long' * 64}.mp4", **SMALL)
    assert list(tmp_path.iterdir()) == []


def test_a_movie_of_one_snapshot_of_a_constant(tmp_path):
    """And a title that mathematics could misread."""
    grid = gf.Grid((16, 16))
    flow = gf.Flow(grid, gf.Riesz(1), gf.cosine(grid, 0.5))
    stop = gf.Callback(lambda run: run.stop("at once"), gf.EverySteps(1), at_start=True)
    path = tmp_path / "$ \\frac{.run"
    gf.run(FiniteVolume(flow), gf.uniform(grid), 1.0, store=path, callbacks=[stop])
    with Image.open(viz.movie(path, tmp_path / "a.gif", **SMALL)) as picture:
        assert picture.n_frames == 1

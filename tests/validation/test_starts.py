"""Particles drawn from a run and written for other codes."""

import numpy as np
import pytest
from shell import gridflow

import gridflow as gf
from gridflow.validation.starts import FORMATS, sample_run, write_particles
from gridflow.validation.trajectories import placed, read
from solvers import FiniteVolume, SphereFiniteVolume


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    grid = gf.Grid((12, 10), (1.0, 2.0))
    solver = FiniteVolume(gf.Flow(grid, gf.Riesz(1.0), gf.uniform(grid)), reconstruction="upwind")
    path = tmp_path_factory.mktemp("starts") / "a.run"
    start = gf.gaussian(grid, [[0.3, 0.7]], 0.2)
    gf.run(solver, start, 0.2, store=path, snapshots=gf.EveryTime(0.1), snapshot_dtype="float64", progress=False)
    return path


@pytest.mark.parametrize("name", [f"a{suffix}" for suffix in FORMATS if suffix != ".npy"])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_what_is_written_is_read(name, dim, tmp_path):
    """Boxes of unequal sides; GSD has single precision, masses in units of its own and no time."""
    if (name, dim) == ("a.gsd", 1):
        with pytest.raises(gf.InputError, match="GSD has two or three dimensions"):
            write_particles(tmp_path / name, gf.Grid((8,)), np.ones((3, 1)), np.ones(3))
        assert list(tmp_path.iterdir()) == []
        return
    rng = np.random.default_rng(0)
    grid = gf.Grid((8,) * dim, (1.0, 2.0, 0.5)[:dim])
    positions, weights = rng.random((5, dim)) * grid.lengths, rng.random(5) + 0.1
    write_particles(tmp_path / name, grid, positions, weights, 0.7)
    found = placed(read(tmp_path / name), grid)
    single = name == "a.gsd"
    at, held = found.frame(0)
    assert found.keeps_order
    assert found.times.tolist() == [0.0 if single else 0.7]
    np.testing.assert_allclose(at, positions, rtol=0, atol=5e-7 if single else 1e-15)
    np.testing.assert_allclose(held, weights / weights.sum() if single else weights, rtol=5e-7 if single else 1e-15)


def test_the_particles_are_those_of_the_density_that_was_asked_for(run, tmp_path):
    stored = gf.open_run(run)
    wanted = {
        (): (stored.initial, 0.0),
        ("--time", "0.1"): (stored.snapshot(time=0.1).density, 0.1),
        ("--index", "-1"): (stored.snapshot(index=-1).density, 0.2),
    }
    for number, (words, (density, time)) in enumerate(wanted.items()):
        output = tmp_path / f"{number}.npz"
        options = ("--method", "quasi-random", "--weights", "density", "--seed", "7")
        done = gridflow("sample", run, "-N", "64", "-o", output, *words, *options)
        assert (done.returncode, done.stdout) == (0, f"{output}\n"), done.stderr
        positions, weights = gf.sample(stored.grid, density, 64, "quasi-random", "density", 7)
        with np.load(output) as held:
            assert (held["positions"][0] == positions).all()
            assert (held["weights"] == weights).all()
            assert held["times"][0] == pytest.approx(time, rel=1e-12)


def test_positions_alone(run, tmp_path):
    stored = gf.open_run(run)
    positions = np.load(sample_run(run, 10, tmp_path / "a.npy"))
    assert (positions == gf.sample(stored.grid, stored.initial, 10)[0]).all()
    with pytest.raises(gf.InputError, match=r"a \.npy file holds positions alone, and the weights are not equal"):
        sample_run(run, 10, tmp_path / "b.npy", weights="density")
    assert not (tmp_path / "b.npy").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-N", "0", "-o", "x.npz"), "count = 0: a sample needs a whole number of particles of at least 1"),
        (
            ("-N", "9", "-o", "x.npz", "--method", "quiet"),
            'sampling method "quiet": allowed are independent, stratified',
        ),
        (("-N", "9", "-o", "x.npz", "--weights", "even"), 'weights "even": allowed are equal and density'),
        (("-N", "9", "-o", "x.npz", "--time", "0.15"), "no snapshot at time 0.15; the nearest of 3"),
        (("-N", "9", "-o", "x.npz", "--time", "0.1", "--index", "1"), "snapshot needs either time= or index="),
        (("-N", "9", "-o", "x.docx"), 'output x.docx: the ending ".docx" is not one of .npz, .npy'),
        (("-N", "9", "-o", "there.npz"), "there.npz exists; choose another -o or pass --force"),
    ],
)
def test_what_is_wrong_is_one_line(run, words, told, tmp_path):
    (tmp_path / "there.npz").touch()
    done = gridflow("sample", run, *words, folder=tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"gridflow: {told}")
    assert [path.name for path in tmp_path.iterdir()] == ["there.npz"]


def test_a_sphere_and_a_density_of_both_signs_are_refused(tmp_path):
    sphere = gf.SphereGrid((6, 12))
    flow = gf.SphereFlow(sphere, gf.Riesz(1.0), gf.uniform(sphere), growth=1.0)
    gf.run(SphereFiniteVolume(flow), gf.uniform(sphere), 0.01, store=tmp_path / "sphere.run", progress=False)
    with pytest.raises(gf.InputError, match="sampling by particles needs a periodic grid, not SphereGrid"):
        sample_run(tmp_path / "sphere.run", 10, tmp_path / "x.npz")
    grid = gf.Grid((8,))
    signed = FiniteVolume(
        gf.Flow(grid, gf.Riesz(1.0), gf.uniform(grid), growth=1.0),
        reconstruction="upwind",
        negative=0.5 * gf.uniform(grid),
    )
    gf.run(signed, gf.uniform(grid), 0.01, store=tmp_path / "signed.run", progress=False)
    for options in ({}, {"index": -1}):
        with pytest.raises(gf.InputError, match="has a second density"):
            sample_run(tmp_path / "signed.run", 10, tmp_path / "x.npz", **options)

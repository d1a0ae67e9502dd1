"""Runs of particles are runs like all others: stored, read, interrupted, resumed to the same bytes, made from cases."""

import math
import warnings

import numpy as np
import pytest

import gridflow as gf
from gridflow.cases.reading import parse_case
from gridflow.errors import InputError, RunError
from solvers import FiniteVolume, Particles

CASE = """
[grid]
shape = [24, 20]
lengths = [1.0, 1.3]
[kernel]
kind = "riesz"
s = 1.5
[initial]
kind = "gaussian"
centers = [0.4, 0.6]
widths = 0.2
[solver]
kind = "particles"
count = 300
sampling = "stratified"
seed = 7
[flow]
growth = 0.5
[time]
t_end = 1.0
"""


def problem(growth=0.0):
    grid = gf.Grid((24, 20), (1.0, 1.3))
    return gf.Flow(grid, gf.Riesz(1.5), gf.uniform(grid), growth), gf.gaussian(grid, [0.4, 0.6], 0.2)


def solver(growth=0.0, count=40000, **options):
    flow, start = problem(growth)
    return Particles(flow, *gf.sample(flow.grid, start, count), **options)


def run(store, growth=0.5, **options):
    schedule = {"snapshots": gf.EveryTime(0.1), "series": gf.EverySteps(2), "checkpoints": gf.EverySteps(3)}
    return gf.run(solver(growth, 500), t_end=1.0, store=store, **schedule | options)


def contents(path):
    files = ("snapshots/*.nc", "series.h5", "problem.nc")
    return {p.relative_to(path): p.read_bytes() for pattern in files for p in sorted(path.glob(pattern))}


@pytest.mark.parametrize("growth", [0.0, 0.5])
def test_the_bits_do_not_depend_on_threads(growth):
    states = []
    for threads in (1, 2):
        advanced = solver(growth, threads=threads)
        state = advanced.initialize()
        for _ in range(2):
            advanced.step(state, math.inf)
        states.append(state)
    for name, array in states[0].arrays.items():
        assert (array == states[1].arrays[name]).all()


def test_an_interrupted_run_resumes_to_the_same_bytes(tmp_path):
    run(tmp_path / "whole.run")

    def fail(live):
        if live.steps == 7:
            raise RunError("a wire was pulled")

    with pytest.raises(RunError, match="wire"):
        run(tmp_path / "cut.run", callbacks=[gf.Callback(fail, gf.EverySteps(1))])
    run(tmp_path / "cut.run", resume=True)
    assert contents(tmp_path / "cut.run") == contents(tmp_path / "whole.run")
    assert gf.open_run(tmp_path / "cut.run").verify() == []


def test_only_the_same_particles_resume(tmp_path):
    run(tmp_path / "a.run")
    flow, start = problem(0.5)
    other = Particles(flow, *gf.sample(flow.grid, start, 500, seed=1))
    with pytest.raises(InputError, match="problem initial_sha256 = "):
        gf.run(other, t_end=1.0, store=tmp_path / "a.run", resume=True)


def test_snapshots_hold_particles_and_their_deposit(tmp_path):
    done = run(tmp_path / "a.run", snapshot_dtype="float64")
    stored = gf.open_run(tmp_path / "a.run")
    last = stored.snapshot(index=-1)
    assert (last.positions == done.state.arrays["positions"]).all()
    assert (last.weights == done.state.arrays["weights"]).all()
    assert (last.density == gf.deposit(stored.grid, last.positions, last.weights)).all()
    assert (last.positions >= 0).all()
    assert (last.positions < stored.grid.lengths).all()
    assert stored.series["mass"][-1] == pytest.approx(last.weights.sum(), rel=1e-14)
    assert stored.manifest["versions"]["finufft"]
    xarray = pytest.importorskip("xarray")
    with xarray.open_mfdataset(str(tmp_path / "a.run/snapshots/*.nc"), engine="h5netcdf") as data:
        assert data.positions.dims == ("time", "particle", "axis")
        assert data.weights.dims == ("time", "particle")
        assert (data.positions.values[-1] == last.positions).all()


def test_energy_falls_and_no_law_of_densities_is_told(tmp_path):
    """A start with empty cells is no hole when particles leave them; the density that they stand for is kept."""
    flow, start = problem()
    hole = gf.ball_hole(flow.grid, 0.3)
    positions, weights = gf.sample(flow.grid, hole, 500)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        done = gf.run(Particles(flow, positions, weights), hole, 1.0, store=tmp_path / "a.run", series=gf.EverySteps(1))
    assert (np.diff(done.series["energy"]) < 0).all()
    assert "hole_volume" not in done.series
    assert "min_exact" not in done.series
    assert (gf.open_run(tmp_path / "a.run").initial == hole).all()
    with pytest.raises(InputError, match="mass 2"):
        gf.run(Particles(flow, positions, weights), 2 * start, 1.0)


def test_a_case_makes_the_sample_it_names(tmp_path):
    case = parse_case(CASE, "case.toml")
    made, start = case.build(tmp_path)
    positions, weights = gf.sample(made.flow.grid, start, 300, "stratified", seed=7)
    state = made.initialize(start)
    assert (state.arrays["positions"] == positions).all()
    assert (state.arrays["weights"] == weights).all()
    assert made.flow.growth == 0.5
    assert case.seeds() == {"solver": 7}
    assert case.memory() > 250e6
    fewer, _ = parse_case(CASE, "case.toml", {"solver.modes": [8, 9]}).build(tmp_path)
    assert fewer.settings()["modes"] == [8, 9]
    with pytest.raises(InputError, match=r"solver\.count: this key is required"):
        parse_case(CASE.replace("count = 300\n", ""), "case.toml")


def test_memory_is_predicted_within_a_factor():
    """Of what a solver of many particles allocates with its plans; FINUFFT's own grids are outside Python's count."""
    import tracemalloc

    flow, start = problem(0.5)
    drawn = gf.sample(flow.grid, start, 200_000)
    tracemalloc.start()
    made = Particles(flow, *drawn)
    state = made.initialize()
    made.step(state, math.inf)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < Particles.memory(200_000, (24, 20), growth=True) < 2 * used


def test_particles_and_grid_agree_on_the_growth_of_mass():
    """β > 0: the mass of finite volumes and of particles, both off by little; the particles' by N^−1/2 or less."""
    flow, start = problem(0.5)
    start = 0.5 * start
    positions, weights = gf.sample(flow.grid, start, 20000, "quasi-random")
    grid = gf.run(FiniteVolume(flow), start, 2.0)
    cloud = gf.run(Particles(flow, positions, weights), t_end=2.0)
    changed = grid.series["mass"][-1] - 0.5
    assert abs(changed) > 0.001
    assert cloud.series["mass"][-1] - 0.5 == pytest.approx(changed, rel=0.01)

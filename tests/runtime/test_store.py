"""The run directory as its readers see it."""

import contextlib
import os
import sys
import threading
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray

import gridflow as gf
from gridflow.equation.contract import State
from gridflow.files import publish, publish_folder
from gridflow.runtime import schema
from gridflow.runtime.writer import RunWriter
from solvers import FiniteVolume

GRID = gf.Grid((12, 8, 10), (1.0, 2.0, 0.5))


def solver(s=1.0, **options):
    return FiniteVolume(gf.Flow(GRID, gf.Riesz(s), gf.uniform(GRID)), **options)


def start():
    """No symmetry at all, so that a swapped or flipped axis shows."""
    return gf.gaussian(GRID, [[0.2, 0.5, 0.1], [0.7, 1.2, 0.3]], [0.15, 0.3], [1.0, 2.0])


@pytest.fixture
def stored(tmp_path):
    run = gf.run(solver(), start(), t_end=0.2, store=tmp_path / "a.run", snapshots=gf.EveryTime(0.05))
    return run, gf.open_run(tmp_path / "a.run")


def test_snapshots_by_time_and_by_index(stored):
    run, opened = stored
    assert opened.times == pytest.approx([0.0, 0.05, 0.1, 0.15, 0.2], rel=1e-15)
    last = opened.snapshot(time=0.2)
    assert last.step == run.steps
    assert (last.density == run.density.astype("float32")).all()
    assert (opened.snapshot(index=-1).density == last.density).all()
    assert (opened.snapshot(index=0).density == start().astype("float32")).all()
    assert [s.time for s in opened.snapshots()] == opened.times.tolist()
    with pytest.raises(gf.InputError, match=r"no snapshot at time 0\.12; the nearest of 5 from 0 to 0\.2 is at 0\.1"):
        opened.snapshot(time=0.12)
    with pytest.raises(gf.InputError, match=r"index 5: .* holds 5 snapshots"):
        opened.snapshot(index=5)
    with pytest.raises(gf.InputError, match="either time= or index="):
        opened.snapshot()


def test_an_open_run_sees_snapshots_that_come_and_go(stored, tmp_path):
    """Also after it has listed them: a run in progress publishes more."""
    run, opened = stored
    last = sorted((opened.path / "snapshots").glob("*.nc"))[-1]
    last.rename(tmp_path / "later.nc")
    assert opened.times == pytest.approx([0.0, 0.05, 0.1, 0.15], rel=1e-15)
    (tmp_path / "later.nc").rename(last)
    assert opened.times == pytest.approx([0.0, 0.05, 0.1, 0.15, 0.2], rel=1e-15)
    assert opened.snapshot(index=-1).step == run.steps


def test_problem_and_facts(stored):
    _, opened = stored
    assert (opened.target == gf.uniform(GRID)).all()
    assert (opened.initial == start()).all()
    assert opened.grid == GRID
    assert opened.status == "finished"
    assert opened.case is None
    assert set(opened.manifest["versions"]) >= {"python", "numpy", "pyfftw", "h5py", "numba"}
    assert opened.manifest["solver"]["reconstruction"] == "sharp"
    assert opened.manifest["representation"] == {"kind": "cells", "signed": False}
    assert opened.manifest["solver"]["limiter"] is None  # only muscl has one
    assert opened.verify() == []


def test_series_are_those_of_the_run(stored):
    run, opened = stored
    assert set(opened.series) == set(run.series)
    for name, values in run.series.items():
        assert np.array_equal(opened.series[name], values)


def test_xarray_sees_the_values_at_the_right_places_and_times(stored):
    run, opened = stored
    with xarray.open_mfdataset(str(opened.path / "snapshots" / "*.nc"), engine="h5netcdf") as data:
        assert data.density.dims == ("time", "x", "y", "z")
        assert data.density.shape == (5, *GRID.shape)
        last = data.density.sel(time=0.2, method="nearest")
        x, y, z = (GRID.centers(axis)[index] for axis, index in enumerate((3, 5, 7)))
        assert float(last.sel(x=x, y=y, z=z)) == np.float32(run.density[3, 5, 7])
        assert data.density.attrs["units"] == "mass / volume"
        assert data.x.attrs["long_name"] == "cell centres along x"
        assert data.time.values == pytest.approx(opened.times)
    with xarray.open_dataset(opened.path / "series.h5", engine="h5netcdf") as series:
        assert series.energy.dims == ("time",)
        assert float(series.energy[-1]) == run.series["energy"][-1]


@pytest.mark.parametrize(
    ("grid", "axes"),
    [
        (gf.Grid((9,), (2.0,)), ("x",)),
        (gf.Grid((6, 8), (1.0, 0.5)), ("x", "y")),
        (GRID, ("x", "y", "z")),
        (gf.SphereGrid((6, 12)), ("colatitude", "longitude")),
    ],
)
@pytest.mark.parametrize("lazy", [True, False])
def test_a_run_as_a_dataset_and_a_table_has_its_values(grid, axes, lazy, tmp_path, monkeypatch):
    """Written as the files of a run, every cell with a number of its own; with dask and without."""
    fields = [np.arange(np.prod(grid.shape)).reshape(grid.shape) + 1.5 * k for k in range(3)]
    manifest = {
        "gridflow": "0", "versions": {}, "grid": grid.record(), "solver": {"solver": "FiniteVolume"}, "t_end": 0.3,
        "problem": {"kernel": "Riesz(s=1.0)", "growth": 0.0}, "record": {"title": "three"},
    }  # fmt: skip
    with contextlib.closing(
        RunWriter.create(tmp_path / "a.run", manifest, {"initial": fields[0], "target": fields[2]})
    ) as writer:
        for step, field in enumerate(fields):
            writer.write_snapshot(State({}, 0.1 * step, 7 * step), {"density": field}, "float64")
        writer.write_series({"time": np.array([0.0, 0.1]), "step": np.array([0, 7]), "energy": np.array([2.0, 1.0])})
    if not lazy:
        monkeypatch.setitem(sys.modules, "dask", None)
    stored = gf.open_run(tmp_path / "a.run")
    data = stored.to_xarray()
    assert (data.density.chunks is not None) == lazy
    assert data.density.dims == ("time", *axes)
    assert data.density.dtype == np.float64
    assert (data.density.values == np.array(fields)).all()
    assert (data.initial.values == fields[0]).all()
    assert (data.target.values == fields[2]).all()
    assert data.step.values.tolist() == [0, 7, 14]
    assert (data.time.values == stored.times).all()
    for axis, coordinate in zip(axes, grid.coordinates(), strict=True):
        assert (data[axis].values == coordinate.values).all()
        assert data[axis].attrs["units"] == coordinate.units
    assert data.density.attrs["units"] == f"mass / {'area' if 'longitude' in axes else 'volume'}"
    assert (data.attrs["title"], data.attrs["kernel"]) == ("three", "Riesz(s=1.0)")
    frame = stored.series_frame()
    assert frame.index.name == "time"
    assert frame.index.tolist() == [0.0, 0.1]
    assert frame.energy.tolist() == [2.0, 1.0]
    assert frame.attrs["units"]["energy"] == "energy"


def test_a_damaged_snapshot_is_found_by_the_dataset_when_it_is_needed(stored):
    _, opened = stored
    victim = sorted((opened.path / "snapshots").glob("*.nc"))[2]
    with h5py.File(victim, "r+") as file:
        file["density"][0, 0, 0, 0] += 1
    data = opened.to_xarray()
    data.density[1].load()
    with pytest.raises(gf.RunError, match=r"is damaged: the checksum of /density does not match"):
        data.density[2].load()


def test_what_datasets_need_is_named(stored, monkeypatch):
    _, opened = stored
    monkeypatch.setitem(sys.modules, "xarray", None)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(gf.InputError, match=r"to_xarray needs xarray.*pip install 'gridflow\[xarray\]'"):
        opened.to_xarray()
    with pytest.raises(gf.InputError, match=r"series_frame needs pandas.*pip install 'gridflow\[xarray\]'"):
        opened.series_frame()


def test_defaults_of_precision_and_compression(stored, tmp_path):
    _, opened = stored
    with h5py.File(next((opened.path / "snapshots").glob("*.nc"))) as file:
        assert file["density"].dtype == np.float32
        assert (file["density"].compression, file["density"].compression_opts, file["density"].shuffle) == (
            "gzip",
            1,
            True,
        )
    with h5py.File(opened.checkpoints()[0]) as file:
        assert file["state/density"].dtype == np.float64
        assert file["state/density"].compression is None
    exact = gf.run(solver(), start(), t_end=0.1, store=tmp_path / "b.run", snapshot_dtype="float64")
    assert (gf.open_run(tmp_path / "b.run").snapshot(time=0.1).density == exact.density).all()


def test_forty_snapshots_by_default(tmp_path):
    gf.run(solver(), start(), t_end=4.0, store=tmp_path / "a.run")
    opened = gf.open_run(tmp_path / "a.run")
    assert len(opened.times) == 41
    assert opened.snapshot(time=2.0).time == pytest.approx(2.0, rel=1e-15)


def test_the_two_newest_checkpoints_are_kept(tmp_path):
    run = gf.run(solver(), start(), t_end=0.5, store=tmp_path / "a.run", checkpoints=gf.EverySteps(2))
    kept = [int(path.stem) for path in gf.open_run(tmp_path / "a.run").checkpoints()]
    assert kept == [run.steps, (run.steps - 1) // 2 * 2]


def test_nothing_is_overwritten_unasked(stored, tmp_path):
    _, opened = stored
    with pytest.raises(gf.InputError, match=r"a\.run exists; resume it, choose another name, or pass force=True"):
        gf.run(solver(), start(), t_end=0.1, store=opened.path)
    gf.run(solver(), start(), t_end=0.1, store=opened.path, force=True)
    assert gf.open_run(opened.path).times[-1] == 0.1
    other = tmp_path / "mine"
    other.mkdir()
    (other / "thesis.tex").write_text("x")
    with pytest.raises(gf.InputError, match="is not a run directory; it will not be replaced"):
        gf.run(solver(), start(), t_end=0.1, store=other, force=True)
    assert (other / "thesis.tex").exists()
    with pytest.raises(gf.InputError, match="is not a run directory"):
        gf.open_run(tmp_path / "nothing")


def test_resume_starts_anew_without_a_run_and_refuses_another_problem(stored, tmp_path):
    _, opened = stored
    first = gf.run(solver(), start(), t_end=0.1, store=tmp_path / "new.run", resume=True)
    assert first.status == "finished"
    with pytest.raises(gf.InputError, match=r"was run with problem .*only the same problem resumes"):
        gf.run(solver(s=2.0), start(), t_end=0.4, store=opened.path, resume=True)
    with pytest.raises(gf.InputError, match=r"was run with solver .*only the same problem resumes"):
        gf.run(solver(cfl=0.5), start(), t_end=0.4, store=opened.path, resume=True)
    with pytest.raises(gf.InputError, match="was run with problem"):
        gf.run(solver(), gf.uniform(GRID), t_end=0.4, store=opened.path, resume=True)


def test_a_finished_run_goes_on_to_a_later_time(stored):
    run, opened = stored
    further = gf.run(solver(s=1), start(), t_end=0.4, store=opened.path, resume=True, snapshots=gf.EveryTime(0.05))
    assert further.time == 0.4
    assert further.steps > run.steps
    assert gf.open_run(opened.path).times == pytest.approx(np.arange(9) * 0.05)
    assert (np.diff(further.series["time"]) > 0).all()


def test_a_checkpoint_holds_all_of_a_state(tmp_path):
    arrays = {"density": np.random.default_rng(0).random((3, 4)), "tracer": np.zeros((3, 4), np.float32)}
    given = State(arrays, 0.7, 12, 0.1, {"proposal": 0.3, "wait": 2.0})
    schema.publish_hdf5(tmp_path / "a.h5", lambda file: schema.write_checkpoint(file, given))
    found = schema.read_checkpoint(tmp_path / "a.h5")
    assert (found.time, found.step, found.dt, found.control) == (given.time, given.step, given.dt, given.control)
    assert found.arrays.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found.arrays[name].dtype == array.dtype
        assert np.array_equal(found.arrays[name], array)


def test_one_writer_at_a_time(stored):
    _, opened = stored
    writer = RunWriter(opened.path)
    with pytest.raises(gf.InputError, match="is being written by another process"):
        RunWriter(opened.path)
    writer.close()
    RunWriter(opened.path).close()


def test_tracers_are_stored_beside_the_density(tmp_path):
    grid = gf.Grid((32,))
    flow = gf.Flow(grid, gf.Riesz(1), gf.uniform(grid))
    run = gf.run(
        FiniteVolume(flow, tracer=gf.regions.ball(grid, 0.2)),
        gf.ball_hole(grid, 0.2),
        t_end=0.1,
        store=tmp_path / "a.run",
    )
    found = gf.open_run(tmp_path / "a.run").snapshot(time=0.1).tracer
    assert (found == run.state.arrays["tracer"].astype("float32")).all()


def test_a_file_is_flushed_then_renamed_then_its_folder_flushed(tmp_path, monkeypatch):
    """What a crash of the machine leaves depends on this order, which no test that kills a process can see."""
    calls = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (calls.append("fsync"), fsync(descriptor)))
    monkeypatch.setattr(Path, "replace", lambda path, target: (calls.append("rename"), replace(path, target)))
    publish(tmp_path / "file", lambda file: file.write(b"content"))
    assert calls == ["fsync", "rename", "fsync"]
    assert (tmp_path / "file").read_bytes() == b"content"


@pytest.mark.parametrize("exists", [False, True])
def test_a_folder_is_flushed_then_renamed_then_its_parent_flushed(tmp_path, monkeypatch, exists):
    calls, flushed = [], os.fsync
    new, old, path = (tmp_path / name for name in ("new", "old", "path"))
    (new / "within").mkdir(parents=True)
    if exists:
        path.mkdir()
    rename, folders = Path.rename, [folder.stat().st_ino for folder in (new, new / "within", tmp_path)]
    monkeypatch.setattr(os, "fsync", lambda handle: (calls.append(os.fstat(handle).st_ino), flushed(handle)))
    monkeypatch.setattr(Path, "rename", lambda source, target: (calls.append(target), rename(source, target)))
    publish_folder(new, path, old if exists else None)
    assert calls == [*folders[:2], *([old] if exists else []), path, folders[2]]
    assert [each.exists() for each in (path / "within", old, new)] == [True, exists, False]
    with pytest.raises(gf.RunError, match=f"cannot write {path}"):
        publish_folder(new, path)


@pytest.mark.parametrize("shape", [(37,), (13, 29), (7, 11, 13)], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [8, 100, 1000, 2**20])
def test_compressed_chunks_are_what_hdf5_reads(tmp_path, monkeypatch, shape, dtype, size):
    """Chunks of one cell, of some, of rows that do not divide the grid, and of all."""
    monkeypatch.setattr(schema, "CHUNK_BYTES", size)
    grid = gf.Grid(shape)
    values = np.random.default_rng(1).random(shape).astype(dtype)
    for name in ("a.nc", "b.nc"):
        schema.publish_hdf5(
            tmp_path / name, lambda file: schema.write_fields(file, grid, {"density": values}, State({}, 0.5, 3))
        )
    assert (schema.read_snapshot(tmp_path / "a.nc").density == values).all()
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()


def test_a_checkpoint_waits_for_the_snapshots_before_it(tmp_path, monkeypatch):
    """Whatever is published while the thread is slow, the checkpoint is the last of its step."""
    published = []

    def slowly(path, write):
        if path.suffix == ".nc" and path.parent.name == "snapshots":
            time.sleep(0.02)
        publish(path, write)
        published.append((path.parent.name, path.stem))

    monkeypatch.setattr(schema, "publish", slowly)
    gf.run(solver(), start(), t_end=0.2, store=tmp_path / "a.run", checkpoints=gf.EverySteps(1))
    for place, (folder, step) in enumerate(published):
        if folder == "checkpoints":
            assert not [s for f, s in published[place:] if f == "snapshots" and s <= step]
    assert {folder for folder, _ in published} >= {"snapshots", "checkpoints"}


def test_the_run_goes_on_while_a_snapshot_is_written(tmp_path, monkeypatch):
    """And what is written is the density of the snapshot's time, not what the run has made of it since."""
    began = {}

    def wait_for_steps(path, write):
        if path.parent.name == "snapshots" and int(path.stem) == 2:
            began["two"] = threading.current_thread() is not threading.main_thread()
            assert moved_on.wait(10)
        publish(path, write)

    moved_on = threading.Event()
    go = gf.Callback(lambda run: run.steps >= 3 and moved_on.set(), gf.EverySteps(1))
    monkeypatch.setattr(schema, "publish", wait_for_steps)
    seen = {}
    keep = gf.Callback(lambda run: seen.setdefault(run.steps, run.density.astype("float32")), gf.EverySteps(1))
    gf.run(
        solver(), start(), t_end=0.4, store=tmp_path / "a.run", snapshots=gf.EverySteps(2), callbacks=[go, keep],
        checkpoints=gf.EverySteps(1000),
    )  # fmt: skip
    assert began["two"]
    for snapshot in gf.open_run(tmp_path / "a.run").snapshots():
        assert snapshot.step == 0 or (snapshot.density == seen[snapshot.step]).all()


def test_no_thread_outlives_a_run_that_fails(tmp_path):
    def fail(_):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError):
        gf.run(solver(), start(), t_end=0.2, store=tmp_path / "a.run", callbacks=[gf.Callback(fail, gf.EverySteps(1))])
    assert not [thread for thread in threading.enumerate() if thread.name == "gridflow-background"]
    assert len(gf.open_run(tmp_path / "a.run").times) == 2  # of the start and of the step that failed
    assert not list((tmp_path / "a.run").rglob("*.part"))

"""A packed run is the run: every reader finds in one file what it finds in the directory."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray
from shell import gridflow

import gridflow as gf
from gridflow.files import publish
from gridflow.runtime import schema
from gridflow.runtime.writer import RunWriter
from gridflow.validation.trajectories import read
from solvers import Network, Particles

CASE = """
[grid]
shape = [16, 12]
lengths = [1.0, 2.0]

[kernel]
kind = "riesz"
s = 1.0

[initial]
kind = "ball_hole"
radius = 0.25

[target]
kind = "uniform"

[solver]
reconstruction = "upwind"
velocity = "difference"
tracer = true

[time]
t_end = 0.4

[output]
snapshot_every = 0.1
"""
OLD = Path(__file__).parent / "version_0_1"


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packing")
    (folder / "hole.toml").write_text(CASE, encoding="utf-8")
    gf.run_case(folder / "hole.toml", folder / "hole.run")
    return folder / "hole.run"


@pytest.fixture
def packed(directory, tmp_path):
    return gf.pack(directory, tmp_path / "hole.h5")


def same(one, other):
    """Whether two runs hold the same, to the last bit."""
    for name in ("manifest", "case", "status", "grid", "kernel"):
        assert getattr(one, name) == getattr(other, name)
    assert one.series.keys() == other.series.keys()
    assert all(np.array_equal(one.series[name], other.series[name]) for name in one.series)
    assert one.started.keys() == other.started.keys()
    assert all(np.array_equal(one.started[name], other.started[name]) for name in one.started)
    assert one.times.tolist() == other.times.tolist()
    for mine, theirs in zip(one.snapshots(), other.snapshots(), strict=True):
        for name, values in vars(mine).items():
            assert np.array_equal(values, getattr(theirs, name)), name
            assert np.asarray(values).dtype == np.asarray(getattr(theirs, name)).dtype
    for mine, theirs in zip(one.checkpoints(), other.checkpoints(), strict=True):
        one_state, other_state = schema.read_checkpoint(mine), schema.read_checkpoint(theirs)
        assert one_state.control == other_state.control
        assert one_state.arrays.keys() == other_state.arrays.keys()
        assert all(np.array_equal(one_state.arrays[name], other_state.arrays[name]) for name in one_state.arrays)


def test_a_packed_run_and_an_unpacked_one_hold_what_the_directory_does(directory, packed, tmp_path):
    same(gf.open_run(packed), gf.open_run(directory))
    assert gf.open_run(packed).snapshot(index=-1).tracer is not None
    assert gf.open_run(packed).verify() == []
    unpacked = gf.unpack(packed, tmp_path / "again.run")
    same(gf.open_run(unpacked), gf.open_run(directory))
    assert gf.pack(directory, tmp_path / "twice.h5").read_bytes() == packed.read_bytes()


def test_the_dimensions_of_a_network_survive(tmp_path):
    """Those without coordinates, too, in the file and in the directory that is made of it."""
    grid = gf.Circle(16)
    flow = gf.Flow(grid, gf.ReLU(), gf.uniform(grid), growth=2.0)
    network = Network(flow, gf.Weights(np.array([[1.0, 0.5], [0.2, 1.0], [0.3, 0.4]]), np.array([1.0, 2.0, 0.5])))
    gf.run(network, t_end=0.1, store=tmp_path / "net.run")
    file = gf.pack(tmp_path / "net.run", tmp_path / "net.h5")
    gf.unpack(file, tmp_path / "again.run")
    name = "snapshots/000000000000.nc"
    with (
        xarray.open_dataset(tmp_path / "net.run" / name, engine="h5netcdf") as first,
        xarray.open_dataset(file, group=name, engine="h5netcdf") as inside,
        xarray.open_dataset(tmp_path / "again.run" / name, engine="h5netcdf") as again,
    ):
        assert first.inner_weights.dims == ("time", "neuron", "input")
        assert first.identical(inside)
        assert first.identical(again)


def test_commands_read_a_packed_run(packed, tmp_path):
    told = gridflow("info", packed, "--verify", folder=tmp_path)
    assert told.returncode == 0
    assert "finished" in told.stdout
    assert gridflow("plot", packed, "-o", "hole.png", folder=tmp_path).returncode == 0
    assert gridflow("export", packed, "-o", "hole.csv", folder=tmp_path).returncode == 0
    assert gridflow("pack", packed.parent / "hole.h5", folder=tmp_path).stderr.endswith("hole.h5 is packed already\n")


def test_particles_of_a_packed_run_are_a_trajectory(tmp_path):
    grid = gf.Grid((8, 8))
    solver = Particles(gf.Flow(grid, gf.Riesz(1.5), gf.uniform(grid)), np.random.default_rng(3).random((5, 2)))
    gf.run(solver, t_end=0.1, store=tmp_path / "p.run", snapshots=gf.EveryTime(0.05))
    one, other = read(tmp_path / "p.run"), read(gf.pack(tmp_path / "p.run", tmp_path / "p.h5"))
    assert one.times.tolist() == other.times.tolist()
    assert np.array_equal(one.frame(1)[0], other.frame(1)[0])


def test_a_packed_run_goes_on_only_when_unpacked_and_then_as_if_it_had_never_been_packed(directory, packed, tmp_path):
    words = rf"{packed} is a packed run, .*gridflow unpack {packed}"
    with pytest.raises(gf.InputError, match=words):
        gf.resume_case(packed, 0.6)
    with pytest.raises(gf.InputError, match=words):
        RunWriter(packed)
    shutil.copytree(directory, tmp_path / "never.run")
    unpacked = gf.unpack(packed, tmp_path / "again.run")
    for path in (tmp_path / "never.run", unpacked):
        gf.resume_case(path, 0.6)
    same(gf.open_run(unpacked), gf.open_run(tmp_path / "never.run"))
    assert gf.open_run(unpacked).times[-1] == 0.6


def test_damage_is_found_in_the_part_that_has_it_and_others_are_read(packed, tmp_path):
    name = "snapshots/000000000000.nc"
    with h5py.File(packed) as file:
        place = file[f"{name}/density"].id.get_chunk_info(0).byte_offset + 20
    raw = bytearray(packed.read_bytes())
    raw[place] ^= 1
    packed.write_bytes(raw)
    stored = gf.open_run(packed)
    (found,) = stored.verify()
    assert f"{packed}/{name} is damaged" in found
    assert stored.snapshot(index=-1).density.shape == (16, 12)
    with pytest.raises(gf.RunError, match=r"is damaged.*; nothing is written"):
        gf.unpack(packed, tmp_path / "damaged.run")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hole.h5"]
    packed.write_bytes(raw[:5000])
    with pytest.raises(gf.RunError, match=r"hole\.h5 is damaged"):
        gf.open_run(packed)


@pytest.mark.parametrize("name", ["manifest.json", "case.toml"])
def test_a_text_in_a_packed_run_has_a_checksum(packed, name):
    with h5py.File(packed) as file:
        place = file[name].id.get_offset() + 5
    raw = bytearray(packed.read_bytes())
    raw[place] ^= 1
    packed.write_bytes(raw)
    told = gridflow("info", packed, "--verify")
    assert told.returncode == 1
    assert f"the checksum of /{name} does not match" in " ".join((told.stdout + told.stderr).split())


def test_a_run_that_is_being_written_is_not_packed(directory, tmp_path):
    shutil.copytree(directory, tmp_path / "a.run")
    writer = RunWriter(tmp_path / "a.run")
    with pytest.raises(gf.InputError, match="is being written by another process; pack it when that has ended"):
        gf.pack(tmp_path / "a.run", tmp_path / "a.h5")
    writer.close()
    gf.pack(tmp_path / "a.run", tmp_path / "a.h5")


def test_nothing_half_written_is_left(directory, packed, tmp_path, monkeypatch):
    def full(path, write):  # noqa: ARG001 - the signature of publish
        def fill(file):
            file.write(b"half")
            raise OSError(28, "No space left on device")

        publish(path, fill)

    monkeypatch.setattr(schema, "publish", full)
    with pytest.raises(gf.RunError, match=r"cannot write .*new\.h5: No space left on device"):
        gf.pack(directory, tmp_path / "new.h5")
    with pytest.raises(gf.RunError, match=r"cannot write .*: No space left on device"):
        gf.unpack(packed, tmp_path / "new.run")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hole.h5"]
    with pytest.raises(gf.InputError, match="there is no folder"):
        gf.unpack(packed, tmp_path / "none" / "a.run")
    with pytest.raises(gf.InputError, match=r'ending "\.zip" is not one of \.h5, \.hdf5'):
        gf.pack(directory, tmp_path / "a.zip")


def test_a_run_of_version_0_1_packs(tmp_path):
    file = gf.pack(OLD, tmp_path / "old.h5")
    assert gf.open_run(file).verify() == []
    same(gf.open_run(file), gf.open_run(OLD))

"""Damaged files, full disks and densities that go bad: loud, and nothing sound is lost."""

import json
import subprocess
import sys
import threading

import h5py
import numpy as np
import pytest

import gridflow as gf
from gridflow.runtime import schema
from solvers import FiniteVolume


def problem(s=1.0):
    grid = gf.Grid((24, 20))
    flow = gf.Flow(grid, gf.Riesz(s), gf.uniform(grid))
    return FiniteVolume(flow), gf.ball_hole(grid, 0.25)


def run(store, **options):
    solver, hole = problem()
    settings = {"t_end": 1.0, "snapshots": gf.EveryTime(0.25), "checkpoints": gf.EverySteps(5)} | options
    return gf.run(solver, hole, store=store, **settings)


def fail_at(step, poison):
    """A callback that spoils the density at a step, as a bug would."""

    def action(live):
        if live.state.step == step:
            poison(live.density)

    return gf.Callback(action, gf.EverySteps(1))


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 0xFF
    path.write_bytes(content)


def contents(store):
    return {str(p.relative_to(store)): p.read_bytes() for p in sorted(store.rglob("*")) if p.is_file()}


@pytest.mark.parametrize(
    ("value", "words"), [(np.nan, "not finite: nan"), (np.inf, "not finite: inf"), (-1e-30, "negative: -1e-30")]
)
def test_a_density_that_goes_bad_stops_the_run_and_keeps_the_last_good_checkpoint(tmp_path, value, words):
    def poison(density):
        density[3, 4] = value

    with pytest.raises(gf.RunError, match=rf"at t = 0\.\d+ the density is {words} in cell \[3, 4\]"):
        run(tmp_path / "a.run", callbacks=[fail_at(12, poison)])
    stored = gf.open_run(tmp_path / "a.run")
    assert stored.status == "failed"
    assert words in stored.manifest["reason"]
    assert [path.name for path in stored.checkpoints()] == ["000000000010.h5", "000000000005.h5"]
    assert stored.verify() == []
    run(tmp_path / "a.run", resume=True)
    run(tmp_path / "whole.run")
    assert contents(tmp_path / "a.run") == contents(tmp_path / "whole.run")


@pytest.mark.parametrize("part", ["/", "clock", "step", "state/density"])
def test_a_damaged_checkpoint_is_detected_and_the_one_before_used(tmp_path, part):
    run(tmp_path / "a.run")
    expected = contents(tmp_path / "a.run")
    newest, older = gf.open_run(tmp_path / "a.run").checkpoints()
    with h5py.File(newest) as file:
        place = 0 if part == "/" else file[part].id.get_offset() + 5
    flip(newest, place)
    (problem_found,) = gf.open_run(tmp_path / "a.run").verify()
    assert f"{newest} is damaged" in problem_found
    with pytest.warns(RuntimeWarning, match=f"{newest} is damaged.*trying the one before"):
        run(tmp_path / "a.run", resume=True)
    assert older.exists()
    assert contents(tmp_path / "a.run") == expected


@pytest.mark.parametrize("content", [b"", b"not HDF5", None], ids=["empty", "foreign", "truncated"])
def test_without_any_sound_checkpoint_a_run_starts_anew(tmp_path, content):
    run(tmp_path / "a.run")
    expected = contents(tmp_path / "a.run")
    for path in gf.open_run(tmp_path / "a.run").checkpoints():
        path.write_bytes(path.read_bytes()[:2000] if content is None else content)
    with pytest.warns(RuntimeWarning, match="is damaged"):
        run(tmp_path / "a.run", resume=True)
    assert contents(tmp_path / "a.run") == expected


def test_damaged_checkpoints_take_no_place_of_sound_ones(tmp_path):
    """They carry higher steps than those of the run that starts anew, which must keep its own two all the same."""
    run(tmp_path / "a.run")
    for path in gf.open_run(tmp_path / "a.run").checkpoints():
        path.write_bytes(b"")

    def fail(live):
        if live.state.step == 12:
            raise gf.RunError("stopped here")

    with pytest.warns(RuntimeWarning, match="is damaged"), pytest.raises(gf.RunError, match="stopped here"):
        run(tmp_path / "a.run", resume=True, callbacks=[gf.Callback(fail, gf.EverySteps(1))])
    stored = gf.open_run(tmp_path / "a.run")
    assert [path.name for path in stored.checkpoints()] == ["000000000010.h5", "000000000005.h5"]
    assert stored.verify() == []


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_snapshot_is_never_read_as_data(tmp_path, seed):
    """A byte flipped anywhere gives the error, or, in a byte that means nothing, the very same values."""
    run(tmp_path / "a.run")
    stored = gf.open_run(tmp_path / "a.run")
    sound = stored.snapshot(index=1)
    path = tmp_path / "a.run" / "snapshots" / f"{sound.step:012d}.nc"
    flip(path, np.random.default_rng(seed).integers(path.stat().st_size))
    try:
        found = stored.snapshot(index=1)
    except gf.RunError as error:
        message = str(error)
    else:
        message = f"{path} is damaged" if (found.density == sound.density).all() else "other values"
    assert f"{path} is damaged" in message


def test_damage_to_the_stored_problem_is_found(tmp_path):
    run(tmp_path / "a.run")
    path = tmp_path / "a.run" / "problem.nc"
    with h5py.File(path, "r+") as file:
        file["target"].attrs["sha256"] = file["initial"].attrs["sha256"]
    (problem_found,) = gf.open_run(tmp_path / "a.run").verify()
    assert f"{path} is damaged" in problem_found


@pytest.mark.parametrize("damage", ["missing", "empty"])
def test_without_its_series_a_run_starts_anew(tmp_path, damage):
    run(tmp_path / "a.run")
    expected = contents(tmp_path / "a.run")
    series = tmp_path / "a.run" / "series.h5"
    series.unlink() if damage == "missing" else series.write_bytes(b"")
    with pytest.warns(RuntimeWarning, match="starts again from time 0"):
        run(tmp_path / "a.run", resume=True)
    assert contents(tmp_path / "a.run") == expected


def test_other_versions_of_libraries_are_reported_on_resume(tmp_path):
    run(tmp_path / "a.run")
    manifest = tmp_path / "a.run" / "manifest.json"
    facts = json.loads(manifest.read_text())
    facts["versions"]["pyfftw"] = "0.1"
    manifest.write_text(json.dumps(facts))
    with pytest.warns(RuntimeWarning, match=r"was begun with pyfftw 0\.1; with .* the last bits may differ"):
        run(tmp_path / "a.run", resume=True)


@pytest.mark.parametrize("name", ["snapshots/*.nc", "checkpoints/*.h5", "series.h5", "problem.nc"])
def test_a_file_that_is_missing_is_noticed(tmp_path, name):
    run(tmp_path / "a.run")
    run(tmp_path / "a.run", resume=True, t_end=1.25)
    victim = sorted((tmp_path / "a.run").glob(name))[-1]
    victim.unlink()
    assert gf.open_run(tmp_path / "a.run").verify() == [f"{victim} is missing"]


def test_a_snapshot_that_was_lost_before_a_run_went_on_is_still_missed(tmp_path):
    run(tmp_path / "a.run")
    victim = sorted((tmp_path / "a.run" / "snapshots").glob("*.nc"))[1]
    victim.unlink()
    run(tmp_path / "a.run", resume=True, t_end=1.25)
    assert gf.open_run(tmp_path / "a.run").verify() == [f"{victim} is missing"]


def test_a_manifest_without_its_keys_is_named(tmp_path):
    run(tmp_path / "a.run")
    (tmp_path / "a.run" / "manifest.json").write_text("{}")
    with pytest.raises(gf.InputError, match=r"manifest\.json is damaged: it lacks format, gridflow"):
        gf.open_run(tmp_path / "a.run")


def test_an_error_in_a_callback_leaves_the_status_failed(tmp_path):
    def fail(_):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError):
        run(tmp_path / "a.run", callbacks=[gf.Callback(fail, gf.EverySteps(3))])
    stored = gf.open_run(tmp_path / "a.run")
    assert (stored.status, stored.manifest["reason"]) == ("failed", "ZeroDivisionError: mine")


@pytest.mark.long
def test_of_several_processes_that_make_one_run_one_wins(tmp_path):
    code = f"""
import gridflow as gf
from solvers import FiniteVolume
grid = gf.Grid((16,))
solver = FiniteVolume(gf.Flow(grid, gf.Riesz(1), gf.uniform(grid)))
gf.run(solver, gf.ball_hole(grid, 0.2), t_end=0.1, store={str(tmp_path / "a.run")!r})
"""
    racers = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL) for _ in range(4)]
    assert sorted(racer.wait(60) for racer in racers) == [0, 1, 1, 1]
    assert gf.open_run(tmp_path / "a.run").status == "finished"
    assert [path.name for path in tmp_path.iterdir()] == ["a.run"]


def test_a_damaged_manifest_is_named(tmp_path):
    run(tmp_path / "a.run")
    (tmp_path / "a.run" / "manifest.json").write_text("{")
    with pytest.raises(gf.InputError, match=r"manifest\.json is damaged"):
        gf.open_run(tmp_path / "a.run")


def test_a_full_disk_is_loud_and_leaves_the_older_files(tmp_path):
    """The limit on a file's size stands for a full disk: the write fails half-way with an OSError."""
    code = f"""
import resource
import gridflow as gf
from solvers import FiniteVolume
grid = gf.Grid((64, 64))
flow = gf.Flow(grid, gf.Riesz(1), gf.uniform(grid))
def fill_disk(run):
    if run.state.step == 12:
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
gf.run(FiniteVolume(flow, tracer=False), gf.ball_hole(grid, 0.25), t_end=2.0, store={str(tmp_path / "a.run")!r},
       checkpoints=gf.EverySteps(5), callbacks=[gf.Callback(fill_disk, gf.EverySteps(1))])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "cannot write" in done.stderr
    assert "File too large" in done.stderr
    stored = gf.open_run(tmp_path / "a.run")
    assert stored.status == "failed"
    # the first failure, not what failed later while it was being recorded
    assert stored.manifest["reason"].startswith(
        f"cannot write {tmp_path / 'a.run' / 'checkpoints' / '000000000015.h5'}"
    )
    assert stored.manifest["reason"] in done.stderr
    assert stored.verify() == []
    assert stored.checkpoints()[0].name == "000000000010.h5"
    assert not [p for p in (tmp_path / "a.run").rglob("*.part") if p.parent.name == "checkpoints"]


def test_a_snapshot_that_cannot_be_written_ends_the_run(tmp_path, monkeypatch):
    """The failure of the background thread is the run's own, and no checkpoint follows it."""
    publish = schema.publish

    def fail(path, write):
        if path.parent.name == "snapshots" and int(path.stem) > 0:
            raise gf.RunError(f"cannot write {path}: disk full")
        publish(path, write)

    monkeypatch.setattr(schema, "publish", fail)
    with pytest.raises(gf.RunError, match=r"cannot write .*snapshots.*disk full"):
        run(tmp_path / "a.run", snapshots=gf.EverySteps(7))
    stored = gf.open_run(tmp_path / "a.run")
    assert stored.status == "failed"
    assert "000000000007.nc: disk full" in stored.manifest["reason"]
    assert [path.name for path in stored.checkpoints()] == ["000000000005.h5"]
    assert not [thread for thread in threading.enumerate() if thread.name == "gridflow-background"]
    monkeypatch.undo()
    run(tmp_path / "a.run", snapshots=gf.EverySteps(7), resume=True)
    run(tmp_path / "whole.run", snapshots=gf.EverySteps(7))
    assert contents(tmp_path / "a.run") == contents(tmp_path / "whole.run")

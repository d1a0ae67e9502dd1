"""Runs killed or told to stop continue to the same bytes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from shell import GRIDFLOW, process

import gridflow as gf

pytestmark = pytest.mark.long  # each waits for several processes
KILLS = 25
VICTIM = Path(__file__).parent / "victim.py"
CASE = """
[grid]
shape = [64, 64]
[kernel]
kind = "riesz"
s = 2.0
[initial]
kind = "ball_hole"
radius = 0.25
[solver]
tracer = true
[time]
t_end = 100.0
[output]
snapshot_every = 12.5
checkpoint_every_steps = 20
"""


def contents(store):
    return {str(p.relative_to(store)): p.read_bytes() for p in sorted(store.rglob("*")) if p.is_file()}


def test_kills_at_random_moments(tmp_path):
    done = subprocess.run(
        [sys.executable, VICTIM, tmp_path, str(KILLS), "1"], capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["different"] == []
    assert outcome["files"] > 10
    assert outcome["kills"] == KILLS


WRITTEN_IN_THE_BACKGROUND = """
import os, signal, sys
import gridflow as gf
from gridflow.runtime import schema
from solvers import FiniteVolume
store, moment = sys.argv[1:]
publish = schema.publish
def die():
    os.kill(os.getpid(), signal.SIGKILL)
def killed(path, write):
    if moment and path.parent.name == "snapshots" and int(path.stem) == 7:
        if moment == "after":
            publish(path, write)
            die()
        with path.with_name(f".{path.name}.part").open("w+b") as file:
            file.write(b"half") if moment == "half-way" else write(file)
            file.flush()
            die()
    publish(path, write)
schema.publish = killed
grid = gf.Grid((24, 20))
solver = FiniteVolume(gf.Flow(grid, gf.Riesz(1), gf.cosine(grid, 0.3)))
gf.run(solver, gf.ball_hole(grid, 0.25), t_end=0.5, store=store, snapshots=gf.EverySteps(1),
       checkpoints=gf.EverySteps(5), resume=not moment)
"""


def go(store, moment):
    """Run that program until it ends or, at some moment of writing a snapshot, is killed."""
    return subprocess.run([sys.executable, "-c", WRITTEN_IN_THE_BACKGROUND, store, moment], timeout=120).returncode


@pytest.fixture(scope="module")
def whole_in_the_background(tmp_path_factory):
    store = tmp_path_factory.mktemp("background") / "whole.run"
    assert go(store, "") == 0
    return contents(store)


@pytest.mark.parametrize("moment", ["half-way", "before the rename", "after"])
def test_a_kill_while_a_snapshot_is_written_in_the_background(tmp_path, moment, whole_in_the_background):
    """The process dies inside the writing thread, and the run goes on from the checkpoint before to the same bytes."""
    assert go(tmp_path / "a.run", moment) == -signal.SIGKILL
    stored = gf.open_run(tmp_path / "a.run")
    assert stored.verify() == []
    assert [path.name for path in stored.checkpoints()] == ["000000000005.h5"]
    assert [snapshot.step for snapshot in stored.snapshots()] == list(range(8 if moment == "after" else 7))
    assert go(tmp_path / "a.run", "") == 0
    assert contents(tmp_path / "a.run") == whole_in_the_background


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("case")
    (folder / "case.toml").write_text(CASE)
    done = process("run", folder / "case.toml", "--out", folder / "whole.run")
    assert done.returncode == 0, done.stderr
    return contents(folder / "whole.run")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_command_that_is_signalled_resumes_to_the_same_bytes(tmp_path, number, whole):
    case = tmp_path / "case.toml"
    case.write_text(CASE)
    store = tmp_path / "part.run"
    running = subprocess.Popen([GRIDFLOW, "run", case, "--out", store], stderr=subprocess.PIPE, text=True)
    while not list((store / "checkpoints").glob("*.h5")):
        assert running.poll() is None, running.stderr.read()
        time.sleep(0.01)
    running.send_signal(number)
    said = running.communicate(timeout=60)[1]
    if number == signal.SIGKILL:
        assert running.returncode == -signal.SIGKILL
        assert gf.open_run(store).status == "running"
    else:
        assert running.returncode == 1
        assert gf.open_run(store).status == "interrupted"
        assert f"continue with: gridflow resume {store}" in said
    assert gf.open_run(store).verify() == []
    resumed = process("resume", store)
    assert resumed.returncode == 0, resumed.stderr
    found = contents(store)
    assert {name for name, written in whole.items() if found.get(name) != written} == set()
    # an interrupted run keeps the checkpoint it made on the way out until two later ones are there
    assert set(found) == set(whole)


def test_a_run_can_be_read_while_it_goes_on_but_not_written_twice(tmp_path):
    case = tmp_path / "case.toml"
    case.write_text(CASE)
    store = tmp_path / "live.run"
    running = subprocess.Popen([GRIDFLOW, "run", case, "--out", store], stderr=subprocess.DEVNULL)
    try:
        while not list((store / "checkpoints").glob("*.h5")):
            assert running.poll() is None
            time.sleep(0.01)
        os.kill(running.pid, signal.SIGSTOP)
        assert gf.open_run(store).snapshot(index=0).time == 0
        assert len(gf.open_run(store).series["time"]) > 1
        second = process("resume", store)
        assert second.returncode == 2
        assert "is being written by another process" in second.stderr
        forced = process("run", case, "--out", store, "--force")
        assert forced.returncode == 2
        assert "is being written by another process" in forced.stderr
    finally:
        running.kill()
        running.wait()

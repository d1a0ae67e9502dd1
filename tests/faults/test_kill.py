"""Runs killed or told to stop continue to the same bytes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import gridflow as gf

VICTIM = Path(__file__).parent / "victim.py"
GRIDFLOW = Path(sys.executable).parent / "gridflow"
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
t_end = 400.0
[output]
snapshot_every = 50.0
checkpoint_every_steps = 20
"""


def contents(store):
    return {str(p.relative_to(store)): p.read_bytes() for p in sorted(store.rglob("*")) if p.is_file()}


def command(*arguments, **options):
    return subprocess.run(
        [GRIDFLOW, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False, **options
    )


@pytest.mark.long
def test_fifty_kills_at_random_moments(tmp_path):
    done = subprocess.run(
        [sys.executable, VICTIM, tmp_path, "50", "1"], capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["different"] == []
    assert outcome["files"] > 10
    assert outcome["kills"] == 50


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_command_that_is_signalled_resumes_to_the_same_bytes(tmp_path, number):
    case = tmp_path / "case.toml"
    case.write_text(CASE)
    whole = command("run", case, "--out", tmp_path / "whole.run")
    assert whole.returncode == 0, whole.stderr
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
        assert running.returncode == 0
        assert gf.open_run(store).status == "interrupted"
        assert f"continue with: gridflow resume {store}" in said
    assert gf.open_run(store).verify() == []
    resumed = command("resume", store)
    assert resumed.returncode == 0, resumed.stderr
    different = {k for k, v in contents(tmp_path / "whole.run").items() if contents(store).get(k) != v}
    assert different == set()
    # an interrupted run keeps the checkpoint it made on the way out until two later ones are there
    assert set(contents(store)) == set(contents(tmp_path / "whole.run"))


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
        second = command("resume", store)
        assert second.returncode == 2
        assert "is being written by another process" in second.stderr
        forced = command("run", case, "--out", store, "--force")
        assert forced.returncode == 2
        assert "is being written by another process" in forced.stderr
    finally:
        running.kill()
        running.wait()

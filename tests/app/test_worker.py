"""The solver in its own process: real runs on 32 x 32 cells."""

import os
import signal
import subprocess
import sys
import time
import zipfile

import numpy as np
import psutil
import pytest

import gridflow as gf
from gridflow.app.downloads import DOWNLOADS
from gridflow.app.session import Session
from gridflow.app.setups import Base
from gridflow.app.worker import Frame, Worker
from gridflow.viz.style import color_table

SECONDS = 120
"""Longest wait for what may have to compile first."""


@pytest.fixture
def session():
    found = Session(Base.default(), lambda: Worker(color_table()))
    found.panels[0].choose(cells=32)
    found.seconds = 2.0
    yield found
    found.close()


def until(session, reached):
    """Let the clock go on until something is true of the panel."""
    end = time.monotonic() + SECONDS
    while not reached(session.panels[0]):
        assert time.monotonic() < end, (session.panels[0].state, session.panels[0].note)
        time.sleep(0.02)
        session.tick(0.02)


@pytest.mark.long
def test_a_run_pauses_continues_with_another_s_stops_and_its_case_files_give_the_same_numbers(session, tmp_path):
    panel = session.panels[0]
    session.begin()
    until(session, lambda panel: panel.time > 1.0)
    session.pause()
    time.sleep(0.5)  # commands are taken after a step
    session.tick(0.0)
    paused = panel.time
    time.sleep(0.5)
    session.tick(0.0)
    assert panel.time == paused
    law = dict(panel.hole_law.points)
    measured = dict(panel.hole.points)
    assert measured[0.0] == pytest.approx(law[0.0], abs=2 / 32**2)  # second order in the cell

    panel.change_order(1.5)
    until(session, lambda panel: len(panel.orders) == 2)
    assert (panel.orders[1], panel.state) == ((paused, 1.5), "paused")
    session.resume()
    until(session, lambda panel: panel.time > paused + 2.0)
    session.stop()
    until(session, lambda panel: not panel.going)
    assert (panel.state, panel.note) == ("stopped", "stopped by the visitor")

    whole = DOWNLOADS["case"].make(panel.folder, tmp_path)
    with zipfile.ZipFile(whole) as archive:
        assert sorted(archive.namelist()) == ["run-1.toml", "run-2.npy", "run-2.toml"]
        archive.extractall(tmp_path / "again")
    with zipfile.ZipFile(DOWNLOADS["run"].make(panel.folder, tmp_path)) as archive:
        archive.extractall(tmp_path / "shown")
    shown = [gf.open_run(tmp_path / "shown" / f"run-{part}.run") for part in (1, 2)]
    assert shown[0].verify() == shown[1].verify() == []
    np.testing.assert_array_equal(shown[1].initial, np.load(tmp_path / "again" / "run-2.npy"))
    for part, before in enumerate(shown, 1):
        again = gf.run_case(tmp_path / "again" / f"run-{part}.toml", tmp_path / f"{part}.run", progress=False)
        for time_now, energy in zip(before.series["time"][:-2], before.series["energy"][:-2], strict=True):
            there = np.flatnonzero(again.series["time"] == time_now)
            assert again.series["energy"][there] == [energy], time_now


@pytest.mark.long
def test_a_killed_process_is_told_and_a_late_page_finds_one_picture_with_all_numbers(session):
    panel = session.panels[0]
    session.begin()
    until(session, lambda panel: panel.state == "running" and panel.picture)
    worker = panel._engine
    panel.allow(2.0)
    time.sleep(1.5)  # several pictures are sent meanwhile
    frames = [event for event in worker.take() if isinstance(event, Frame)]
    assert len(frames) == 1
    assert len(frames[0].rows) > 10
    os.kill(worker.pid, signal.SIGKILL)
    until(session, lambda panel: panel.state == "failed")
    assert panel.note == "the solver's process ended unexpectedly (exit code -9)"


PAGE = """
import sys, time
from gridflow.app.worker import Worker
import numpy as np
if __name__ == "__main__":
    print(Worker(np.zeros((256, 3), np.uint8)).pid, flush=True)
    time.sleep(600)
"""


@pytest.mark.long
def test_no_process_outlives_a_page_that_is_killed(tmp_path):
    (tmp_path / "page.py").write_text(PAGE)
    with subprocess.Popen([sys.executable, tmp_path / "page.py"], stdout=subprocess.PIPE, text=True) as page:
        worker = psutil.Process(int(page.stdout.readline()))
        page.kill()
    worker.wait(timeout=30)
    assert not worker.is_running()

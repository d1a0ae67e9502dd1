"""Sweeps: what is run, what is said, and how they go on."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

import gridflow as gf
from gridflow.cli.main import app
from gridflow.studies import sweep as sweeps
from gridflow.studies.axes import Axis, members, parsed_axes
from gridflow.studies.sweep import Share, Sweep, share_cores, sweep

CASE = """
title = "small"
[grid]
shape = [16, 16]
[kernel]
kind = "riesz"
s = 1.0
[initial]
kind = "ball_hole"
radius = 0.25
[time]
t_end = 0.3
[output]
checkpoint_every_steps = 5
"""
COMMAND = [sys.executable, "-c", "from gridflow.cli.main import main; main()"]


@pytest.fixture
def case(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(CASE)
    return path


@pytest.mark.parametrize(
    ("text", "key", "values"),
    [
        ("kernel.s=1,1.25,2", "kernel.s", (1, 1.25, 2)),
        ("grid.shape=[16,16],[32, 32]", "grid.shape", ([16, 16], [32, 32])),
        ("solver.reconstruction=sharp,muscl", "solver.reconstruction", ("sharp", "muscl")),
        ('title="a, b","c"', "title", ("a, b", "c")),
        ("solver.tracer=true,false", "solver.tracer", (True, False)),
        ('kernel={kind="riesz", s=2},{kind="gaussian", width=0.1}', "kernel",
         ({"kind": "riesz", "s": 2}, {"kind": "gaussian", "width": 0.1})),
    ],
)  # fmt: skip
def test_values_are_those_of_toml(text, key, values):
    assert Axis.parse(text) == Axis(key, values)


@pytest.mark.parametrize("text", ["kernel.s", "kernel.s=", "=1,2", "kernel.=1", "a=1,,2"])
def test_what_is_no_axis_is_named(text):
    with pytest.raises(gf.InputError, match=f"over {text}"):
        Axis.parse(text)


def test_members_are_the_product_under_names_for_any_file_system():
    found = members([Axis("kernel.s", (1, 1.5)), Axis("initial.path", ("a/b.npy", "c d"))])
    assert [tuple(member.overrides.values()) for member in found] == [
        (1, "a/b.npy"),
        (1, "c d"),
        (1.5, "a/b.npy"),
        (1.5, "c d"),
    ]
    assert found[0].name == "kernel.s=1,initial.path=a_b.npy"
    assert found[1].overrides == {"kernel.s": 1, "initial.path": "c d"}
    tables = members([Axis("kernel", ({"kind": "riesz", "s": 2}, {"kind": "gaussian", "width": 0.1}))])
    assert tables[1].name == "kernel=_kind=gaussian,width=0.1_"
    with pytest.raises(gf.InputError, match="share the directory"):
        members([Axis("title", ("a/b", "a_b"))])
    with pytest.raises(gf.InputError, match="a value is repeated"):
        Axis.parse("kernel.s=1,2,1")
    with pytest.raises(gf.InputError, match="this key is repeated"):
        parsed_axes(["a.b=1", "a.b=2"])


def test_cores_are_shared(case, monkeypatch):
    cases = [sweeps.load_case(case)] * 6
    monkeypatch.setattr(sweeps, "available", lambda: 8)
    assert share_cores(cases, None) == Share(6, 1)
    assert share_cores(cases, 3) == Share(3, 1)  # a grid of 256 cells is worth no second thread
    large = [sweeps.load_case(case, {"grid.shape": [1024, 1024]})] * 2
    monkeypatch.setattr(sweeps, "count", lambda *_: 8)
    assert share_cores(large, None) == Share(2, 4)

    class Memory:
        available = 2.5 * large[0].memory()

    monkeypatch.setattr(sweeps.psutil, "virtual_memory", lambda: Memory)
    assert share_cores(large * 3, None) == Share(2, 4)
    Memory.available = 0.5 * large[0].memory()
    with pytest.raises(gf.InputError, match="a member needs about"):
        share_cores(large, None)
    with pytest.raises(gf.InputError, match="jobs = 0"):
        share_cores(large, 0)


@pytest.mark.long
def test_a_member_is_the_run_of_its_case_to_the_byte(case, tmp_path):
    rows = sweep(case, {"kernel.s": [1, 2]}, tmp_path / "s")
    assert [row["status"] for row in rows] == ["finished", "finished"]
    alone = tmp_path / "alone.run"
    subprocess.run(
        [*COMMAND, "run", case, "--out", alone, "--set", "kernel.s=2", "-q"], check=True, capture_output=True
    )
    member = tmp_path / "s" / "kernel.s=2"
    for path in (p for p in alone.rglob("*") if p.is_file()):
        assert (member / path.relative_to(alone)).read_bytes() == path.read_bytes(), path
    last = gf.open_run(member).series
    assert rows[1]["kernel.s"] == 2
    assert rows[1]["energy"] == last["energy"][-1]
    assert rows[1]["steps"] == last["step"][-1]
    assert rows[1]["hole_volume_first"] == last["hole_volume"][0]
    with (tmp_path / "s" / "sweep.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["member"] for row in table] == ["kernel.s=1", "kernel.s=2"]
    assert float(table[1]["energy"]) == rows[1]["energy"]


@pytest.mark.long
def test_a_sweep_goes_on_and_may_get_more_values(case, tmp_path):
    folder = tmp_path / "s"
    sweep(case, {"kernel.s": [1]}, folder)
    before = {path: path.stat().st_mtime_ns for path in (folder / "kernel.s=1").rglob("*.nc")}
    said = []
    rows = sweep(case, {"kernel.s": [1, 2]}, folder, say=said.append)
    assert len(said) == 1
    assert said[0].startswith("1 of 1: kernel.s=2: finished")
    assert [row["status"] for row in rows] == ["finished"] * 2
    assert all(row["seconds"] > 0 for row in rows)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    for over, options, message in (
        ({"kernel.s": [1, 3]}, {}, "has members with kernel.s = 2, which over does not list"),
        ({"initial.radius": [0.1]}, {}, "is a sweep over kernel.s, not initial.radius"),
        ({"kernel.s": [1, 2, 3]}, {"set": {"time.t_end": 1.0}}, "other changes of the case \\(set\\)"),
    ):
        with pytest.raises(gf.InputError, match=message):
            sweep(case, over, folder, **options)
    case.write_text(CASE.replace("0.25", "0.2"))
    with pytest.raises(gf.InputError, match="another case file"):
        sweep(case, {"kernel.s": [1, 2, 3]}, folder)
    rows = sweep(case, {"kernel.s": [1]}, folder, force=True)
    assert [path.name for path in folder.iterdir() if path.is_dir()] == ["kernel.s=1"]
    (tmp_path / "other").mkdir()
    with pytest.raises(gf.InputError, match="is not a sweep"):
        sweep(case, {"kernel.s": [1]}, tmp_path / "other", force=True)


def test_a_sweep_goes_on_however_its_changes_were_typed(case, tmp_path):
    this = Sweep(tmp_path / "s", case, {"grid.shape": [16, 16]}, (Axis("kernel.s", [1]),))
    this.begin(force=False)
    record = tmp_path / "s" / "sweep.json"
    written = record.read_text()
    assert json.loads(written)["set"] == ["grid.shape=[\n    16,\n    16,\n]"]
    record.write_text(json.dumps(json.loads(written) | {"set": ["grid.shape = [16,16]"]}))
    this.begin(force=False)
    assert record.read_text() == written


def test_all_errors_at_once_before_anything_runs(case, tmp_path):
    folder = tmp_path / "s"
    with pytest.raises(gf.InputError) as caught:
        sweep(case, {"kernel.s": [1, -1], "initial.raduis": [0.1]}, folder)
    lines = str(caught.value).splitlines()
    assert any(line.startswith("kernel.s=-1,initial.raduis=0.1: ") and "kernel.s = -1" in line for line in lines)
    assert sum("unknown key" in line for line in lines) == 2
    assert not folder.exists()
    with pytest.raises(gf.InputError, match=r"initial.radius=0.7: initial: radius = 0.7: it must be"):
        sweep(case, {"initial.radius": [0.2, 0.7]}, folder)
    with pytest.raises(gf.InputError, match=r"over kernel.s: this key is in set too"):
        sweep(case, {"kernel.s": [1]}, folder, set={"kernel.s": 2})
    with pytest.raises(gf.InputError, match="it must name keys and their values"):
        sweep(case, {}, folder)


def test_a_failed_member_is_reported_and_run_again_on_request(case, tmp_path):
    folder = tmp_path / "s"
    sweep(case, {"kernel.s": [2]}, folder)
    run = folder / "kernel.s=2"
    manifest = (run / "manifest.json").read_text()
    (run / "manifest.json").write_text(
        manifest.replace('"finished"', '"failed"').replace("t = 0.3 reached", "disk full")
    )
    rows = sweep(case, {"kernel.s": [2]}, folder)
    assert (rows[0]["status"], rows[0]["reason"]) == ("failed", "disk full")
    told = CliRunner().invoke(app, ["sweep", str(case), "--over", "kernel.s=2", "-o", str(folder)])
    assert told.exit_code == 1
    assert "kernel.s=2 is failed: disk full" in told.stderr
    assert "--retry" in told.stderr
    rows = sweep(case, {"kernel.s": [2]}, folder, retry=True)
    assert [row["status"] for row in rows] == ["finished"]


def test_a_sweep_that_cannot_be_written_says_so(case):
    with pytest.raises(gf.RunError, match=r"cannot write .*small\.toml/s: Not a directory"):
        sweep(case, {"kernel.s": [1]}, case / "s")


def test_a_member_that_cannot_begin_has_failed(case, tmp_path):
    folder = tmp_path / "s"
    Sweep(folder, case, {}, (Axis("kernel.s", [1]),)).begin(force=False)
    (folder / "kernel.s=1").symlink_to(tmp_path / "unmounted" / "disk")
    rows = sweep(case, {"kernel.s": [1]}, folder)
    assert rows[0]["status"] == "failed"
    assert f"{folder / 'kernel.s=1'}" in rows[0]["reason"]


@pytest.mark.long
def test_a_signal_interrupts_the_members_and_the_command_ends(case, tmp_path):
    """SIGINT, as from the keyboard; `test_kill.py` has the other signals."""
    long = ["--set", "time.t_end=30.0", "--set", "solver.cfl=0.02"]
    folder = tmp_path / "s"
    words = [*COMMAND, "sweep", case, "--over", "kernel.s=1,1.5,2", "-o", folder, "--jobs", "2", *long]
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and len({path.parents[1] for path in folder.glob("*/checkpoints/*.h5")}) < 2:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "is interrupted" in said
    assert "kernel.s=2 is missing" in said
    assert "run the same command again to continue" in said
    assert {gf.open_run(path).status for path in folder.iterdir() if path.is_dir()} == {"interrupted"}


@pytest.mark.long
def test_a_member_that_is_killed_is_resumed_to_the_same_bytes(case, tmp_path):
    long = {"time.t_end": 3.0, "solver.cfl": 0.05}
    folder, whole = tmp_path / "s", tmp_path / "whole"
    words = [word for key, value in long.items() for word in ("--set", f"{key}={value}")]
    process = subprocess.Popen(
        [*COMMAND, "sweep", case, "--over", "kernel.s=1", "-o", folder, *words],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not list(folder.glob("*/checkpoints/*.h5")) and time.monotonic() < deadline:
        time.sleep(0.02)
    for pid in _children(process.pid):
        os.kill(pid, signal.SIGKILL)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "killed by signal 9" in said
    rows = sweep(case, {"kernel.s": [1]}, folder, set=long)
    gf.run_case(case, out=whole, set=long | {"kernel.s": 1})
    assert rows[0]["status"] == "finished"
    for name in ("series.h5", *(path.relative_to(whole) for path in whole.glob("snapshots/*"))):
        assert (folder / "kernel.s=1" / name).read_bytes() == (whole / name).read_bytes()


def _children(pid):
    import psutil

    return [child.pid for child in psutil.Process(pid).children()]


@pytest.mark.long
def test_the_command_ends_with_a_table_and_a_figure(case, tmp_path):
    folder = tmp_path / "s"
    over = ["--over", "kernel.s=1,2", "--over", "initial.radius=0.15"]
    told = CliRunner().invoke(app, ["sweep", str(case), *over, "-o", str(folder), "--set", "solver.tracer=true"])
    assert told.exit_code == 0, told.output
    assert "kernel.s" in told.stdout
    assert "0.15" in told.stdout
    assert "2 of 2" in told.stderr
    assert (folder / "sweep.png").stat().st_size > 10_000
    quiet = CliRunner().invoke(app, ["sweep", str(case), *over, "-o", str(folder), "--set", "solver.tracer=true", "-q"])
    assert quiet.exit_code == 0
    assert quiet.stderr == ""
    bad = CliRunner().invoke(app, ["sweep", str(case), "--over", "kernel.s"])
    assert bad.exit_code != 0

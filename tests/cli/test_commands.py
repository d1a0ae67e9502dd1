"""The commands as a user types them."""

import json

import numpy as np
import pytest
from shell import gridflow, process

import gridflow as gf
from gridflow.cases import templates as cases
from solvers import FiniteVolume

SMALL = ("--set", "grid.shape=[32, 32]", "--set", "time.t_end=0.2", "--set", "output.snapshot_every=0.1")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with the case hole2d and its small run."""
    folder = tmp_path_factory.mktemp("cli")
    assert gridflow("new", "hole2d", folder=folder).stdout == "hole2d.toml\n"
    done = process("run", "hole2d.toml", *SMALL, folder=folder)
    assert done.returncode == 0, done.stderr
    return folder, done


def test_version_and_help():
    assert process("--version").stdout == f"gridflow {gf.__version__}\n"
    text = gridflow("--help").stdout
    for command in ("new", "run", "resume", "info", "plot", "movie", "--install-completion"):
        assert command in text


def test_new_never_overwrites_and_names_the_cases(tmp_path):
    assert gridflow("new", "image2d", "-o", "mine.toml", folder=tmp_path).stdout == "mine.toml\nimage2d.input.png\n"
    before = (tmp_path / "mine.toml").read_bytes()
    again = gridflow("new", "hole2d", "-o", "mine.toml", folder=tmp_path)
    assert (again.returncode, again.stderr) == (
        2,
        "gridflow: mine.toml exists; choose another name with -o or remove it\n",
    )
    assert (tmp_path / "mine.toml").read_bytes() == before
    unknown = gridflow("new", "hole4d", folder=tmp_path)
    assert unknown.returncode == 2
    assert 'no bundled case "hole4d"; there are bumps2d, cosine1d, gaussian-mmd2d, gyroid3d' in unknown.stderr


def test_run_prints_its_directory_and_predicts_its_memory(finished):
    folder, done = finished
    assert done.stdout == "hole2d.run\n"
    assert "predicted peak memory" in done.stderr
    assert "finished at t = 0.2 after" in done.stderr
    stored = gf.open_run(folder / "hole2d.run")
    assert stored.times == pytest.approx([0, 0.1, 0.2])
    assert stored.grid.shape == (32, 32)
    assert "t_end = 0.2" in stored.case


def test_run_never_overwrites_unasked(finished):
    folder, _ = finished
    again = gridflow("run", "hole2d.toml", *SMALL, folder=folder)
    assert again.returncode == 2
    assert "hole2d.run exists: resume it, choose another directory (out), or replace it (force)" in again.stderr
    other = gridflow("run", "hole2d.toml", *SMALL, "--out", "other.run", "-q", folder=folder)
    forced = gridflow("run", "hole2d.toml", *SMALL, "--out", "other.run", "--force", folder=folder)
    assert (other.returncode, forced.returncode) == (0, 0)


def test_resume_goes_on_to_a_later_time(finished):
    folder, _ = finished
    gridflow("run", "hole2d.toml", *SMALL, "--out", "later.run", folder=folder)
    done = gridflow("resume", "later.run", "--t-end", "0.4", folder=folder)
    assert done.returncode == 0
    stored = gf.open_run(folder / "later.run")
    assert stored.times == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert "t_end = 0.4" in stored.case
    assert gridflow("resume", "later.run", folder=folder).returncode == 0
    before = (folder / "later.run" / "case.toml").read_bytes(), (folder / "later.run" / "manifest.json").read_bytes()
    earlier = gridflow("resume", "later.run", "--t-end", "0.3", folder=folder)
    assert (earlier.returncode, earlier.stderr) == (
        2,
        "gridflow: later.run is at t = 0.4 already, beyond t_end = 0.3\n",
    )
    assert before == (
        (folder / "later.run" / "case.toml").read_bytes(),
        (folder / "later.run" / "manifest.json").read_bytes(),
    )


def test_resume_explains_what_it_cannot_do(tmp_path):
    missing = gridflow("resume", tmp_path / "nothing.run")
    assert missing.returncode == 2
    assert "is not a run directory" in missing.stderr
    from solvers import FiniteVolume

    grid = gf.Grid((16,))
    solver = FiniteVolume(gf.Flow(grid, gf.Riesz(1), gf.uniform(grid)))
    gf.run(solver, gf.ball_hole(grid, 0.2), t_end=0.1, store=tmp_path / "python.run")
    python = gridflow("resume", tmp_path / "python.run")
    assert python.returncode == 2
    assert "was made from Python; resume it there with gridflow.run(..., resume=True)" in python.stderr


def test_info_for_people_and_for_programs(finished):
    folder, _ = finished
    shown = gridflow("info", "hole2d.run", folder=folder).stdout
    assert "finished" in shown
    facts = json.loads(gridflow("info", "hole2d.run", "--json", "--verify", folder=folder).stdout)
    assert facts["status"] == "finished"
    assert facts["grid"] == {"shape": [32, 32], "lengths": [1.0, 1.0]}
    assert facts["snapshots"] == {"count": 3, "first": 0.0, "last": pytest.approx(0.2)}
    assert facts["series"]["last"]["time"] == 0.2
    assert facts["damaged"] == []


def test_info_verify_finds_damage(finished):
    folder, _ = finished
    gridflow("run", "hole2d.toml", *SMALL, "--out", "damaged.run", folder=folder)
    victim = sorted((folder / "damaged.run" / "snapshots").glob("*.nc"))[0]
    victim.write_bytes(victim.read_bytes()[:100])
    done = gridflow("info", "damaged.run", "--verify", "--json", folder=folder)
    assert done.returncode == 1
    assert str(victim.name) in json.loads(done.stdout)["damaged"][0]


def test_bad_input_is_one_line_each_and_exit_code_2(finished):
    folder, _ = finished
    done = gridflow(
        "run", "hole2d.toml", "--set", "initial.raduis=1", "--set", "solver.cfl=3", "--out", "x.run", folder=folder
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines() == [
        'gridflow: hole2d.toml: initial.raduis = 1: unknown key (did you mean "radius"?); '
        "allowed are center, kind, mass, radius",
        "gridflow: hole2d.toml: solver.cfl = 3: it should be less than or equal to 1",
    ]
    assert not (folder / "x.run").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("run", "missing argument 'CASE.toml'; see gridflow run --help"),
        ("run x.toml --nope", "no such option: --nope"),
        ("plott x.run", "no such command 'plott'"),
        ("bench --threads many", "--threads many: it should be a valid integer; see gridflow bench --help"),
    ],
)
def test_a_line_that_cannot_be_understood_is_refused_in_one_line(words, told):
    done = gridflow(*words.split())
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"gridflow: {told}")


def test_texts_in_brackets_are_shown(tmp_path):
    """Square brackets and words in colons are neither styles nor pictures, in help, results and messages."""
    assert "or that of [training]" in " ".join(gridflow("predict", "--help").stdout.split())
    name = "[bold]:smile:.run"
    grid = gf.Grid((8,))
    solver = FiniteVolume(gf.Flow(grid, gf.Riesz(1.0), gf.uniform(grid)), reconstruction="upwind")
    gf.run(solver, gf.cosine(grid, 0.5), 0.01, store=tmp_path / name)
    shown = gridflow("info", name, folder=tmp_path).stdout
    assert name in shown
    assert f"{name}.toml cannot be read" in gridflow("run", f"{name}.toml", folder=tmp_path).stderr


def test_too_large_a_run_is_refused_with_the_figures(finished):
    folder, _ = finished
    done = gridflow("run", "hole2d.toml", "--set", "grid.shape=[200000, 200000]", "--out", "x.run", folder=folder)
    assert done.returncode == 2
    assert "GB of memory and" in done.stderr
    assert "or run it anyway (force)" in done.stderr


def test_a_case_that_is_wrong_at_any_size_is_told_before_the_memory(finished):
    """A hole larger than the torus. An array does not fit few cells, which is no fault of the case."""
    folder, _ = finished
    huge = ("--set", "grid.shape=[200000, 200000]", "--out", "x.run")
    done = gridflow("run", "hole2d.toml", *huge, "--set", "initial.radius=0.9", folder=folder)
    (line,) = done.stderr.splitlines()
    assert "initial: " in line
    assert "memory" not in line
    small = gridflow("run", "hole2d.toml", *SMALL, "--out", "x.run", "--set", "initial.radius=0.9", folder=folder)
    assert small.stderr.splitlines() == [line]
    np.save(folder / "start.npy", np.ones((16, 16)))
    started = gridflow("run", "hole2d.toml", *huge, "--set", "initial={kind='array', path='start.npy'}", folder=folder)
    assert "GB of memory and" in started.stderr


def test_a_failed_run_has_exit_code_1(finished, tmp_path):
    """A run directory in a folder that cannot be written to."""
    folder, _ = finished
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    done = gridflow("run", "hole2d.toml", *SMALL, "--out", blocked / "x.run", folder=folder)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "cannot write" in done.stderr


def test_pictures(finished):
    folder, _ = finished
    assert gridflow("plot", "hole2d.run", "-o", "hole.png", folder=folder).stdout == "hole.png\n"
    assert gridflow("movie", "hole2d.run", "-o", "hole.gif", folder=folder).stdout == "hole.gif\n"
    bad = gridflow("plot", "hole2d.run", "-o", "hole.docx", folder=folder)
    assert bad.returncode == 2
    assert "docx" in bad.stderr


RUN = ("cosine1d", "gaussian-mmd2d", "hole3d", "image2d", "random2d", "relu-circle", "relu-sphere", "relu-teacher")
"""Bundled cases of every kind of domain, kernel and start; the numbers of all of them are tests of their own."""


def test_bundled_cases_of_every_kind_run_small(tmp_path):
    for name in cases.names():
        assert gridflow("new", name, folder=tmp_path).returncode == 0
    for name in RUN:
        dim = next(d for d, ending in ((3, "3d"), (2, "sphere"), (1, "relu"), (1, "1d"), (2, "2d")) if ending in name)
        changes = {"grid.shape": [16] * dim, "time.t_end": 0.05}
        overrides = [part for key, value in changes.items() for part in ("--set", f"{key}={value}")]
        done = gridflow("run", f"{name}.toml", *overrides, folder=tmp_path)
        assert done.returncode == 0, done.stderr


def test_a_case_that_cannot_be_written_leaves_no_file(tmp_path, monkeypatch):
    def full(path):
        raise gf.RunError(f"cannot write {path}: disk full")

    monkeypatch.setattr("gridflow.cli.new.publishing", full)
    done = gridflow("new", "hole1d", folder=tmp_path)
    assert done.returncode == 1
    assert "disk full" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_predict_says_one_sentence_and_draws_it_beside_a_run(finished):
    folder, _ = finished
    small = ("--set", "grid.shape=[32, 32]")
    done = gridflow("predict", "hole2d.toml", *small, "-o", "p.png", "--run", "hole2d.run", folder=folder)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("The energy falls to 1e-06 of its first value at about t = ")
    assert "for certain" in lines[0]
    assert lines[-1] == "p.png"
    assert (folder / "p.png").stat().st_size > 10_000
    words = " ".join(done.stdout.split())
    for row in (
        "bracket t = ",
        "linear theory t = ",
        "pilot run the answer: t = ",
        "hole its volume falls from",
        "memory",
    ):
        assert row in words
    facts = json.loads(gridflow("predict", "hole2d.toml", *small, "--json", folder=folder).stdout)
    assert facts["bracket"][0] <= facts["interval"][0] <= facts["time"] <= facts["interval"][1] <= facts["certified"]
    assert [tier["name"] for tier in facts["tiers"]] == ["bracket", "linear theory", "second order", "pilot run"]
    bare = json.loads(gridflow("predict", "hole2d.toml", *small, "--no-pilot", "--json", folder=folder).stdout)
    assert bare["answer"] != "pilot run"
    assert bare["seconds"] is None
    assert "there is no pilot run" in bare["doubts"][0]


def test_rates_of_a_hole_are_said_in_sentences(finished):
    folder, _ = finished
    done = gridflow("rates", "hole2d.run", folder=folder)
    assert done.returncode == 0, done.stderr
    assert "The hole shrank from" in done.stdout
    assert "predicted rate of the hole" in done.stdout
    facts = json.loads(gridflow("rates", "hole2d.run", "--json", folder=folder).stdout)
    assert facts["hole"]["expected"] == [1.0, 1.0]
    assert facts["certificate"] == "HoleCertificate"

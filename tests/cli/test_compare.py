"""gridflow compare, and the stand-alone example codes, as an author of a particle code uses them."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from shell import call, gridflow, process

import gridflow as gf

pytestmark = pytest.mark.long  # the example that all compare takes half a minute
EXAMPLES = Path(__file__).parents[2] / "scripts" / "examples"


def compare(*arguments, folder):
    return gridflow("compare", *arguments, folder=folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The case hole2d on a small grid until t = 2, the example in numpy, and the same with a fault."""
    folder = tmp_path_factory.mktemp("compare")
    assert gridflow("new", "hole2d", folder=folder).returncode == 0
    small = ("--set", "grid.shape=[64, 64]", "--set", "time.t_end=2.0", "--set", "output.snapshot_every=0.25")
    done = gridflow("run", "hole2d.toml", "--quiet", *small, folder=folder)
    assert done.returncode == 0, done.stderr
    done = call(sys.executable, EXAMPLES / "particles_numpy.py", "right.npz", folder=folder)
    assert done.returncode == 0, done.stderr
    with np.load(folder / "right.npz") as held:
        np.savez(folder / "slow.npz", times=held["times"][:5] * 2, positions=held["positions"][:5])
        np.savez(folder / "shifted.npz", times=held["times"] * 1.01, positions=held["positions"])
        np.savez(folder / "few.npz", times=held["times"], positions=held["positions"][:, :500])
    return folder


def test_the_example_in_numpy_uses_nothing_of_ours():
    lines = (EXAMPLES / "particles_numpy.py").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith(("import", "from"))] == ["import sys", "import numpy as np"]


def test_it_is_validated_in_words(folder):
    done = process("compare", "hole2d.run", "right.npz", "-o", "report.png", folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "right.npz: 2000 particles" in done.stdout
    assert "inside what is left of the hole at t = 2: 0 of the mass" in done.stdout
    last = next(line for line in done.stdout.splitlines() if line.startswith("verdict: "))
    assert last.split(":")[1].strip() in ("consistent", "better-than-sampling")
    assert (folder / "report.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_its_json(folder):
    done = compare("hole2d.run", "right.npz", "--json", "--times", "0,1,2", folder=folder)
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert found["verdict"] in ("consistent", "better-than-sampling")
    assert found["since"] is None
    assert [moment["time"] for moment in found["times"]] == pytest.approx([0, 1, 2])
    assert found["motion"]["factor"] == pytest.approx(1, abs=0.01)
    assert found["order"] is None
    for moment in found["times"]:
        assert moment["mass"] == pytest.approx(1, rel=1e-12)
        assert moment["wasserstein_name"] == "sliced W2"
        assert 0 < moment["wasserstein_error"] < moment["wasserstein_noise"]


def test_half_the_time_scale_is_called_by_name(folder):
    done = compare("hole2d.run", "slow.npz", "--json", folder=folder)
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["verdict"] == "inconsistent"
    assert found["since"] == pytest.approx(0.5)
    assert "nearly 1/2" in found["reason"]
    assert "wrong unit of time" in found["reason"]
    assert "\n" not in found["reason"]


def test_the_unit_of_time_can_be_told(folder):
    told = ("--time-unit", "0.5", "--box", "1", "--origin", "0,0")
    assert compare("hole2d.run", "slow.npz", *told, "--times", "0,0.5,1", folder=folder).returncode == 0


def test_several_files_give_an_order_and_the_worst_verdict(folder):
    done = compare("hole2d.run", "right.npz", "slow.npz", "--json", "--times", "0,1", folder=folder)
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["name"] == "slow.npz"
    assert [one["count"] for one in found["runs"]] == [2000, 2000]
    several = compare("hole2d.run", "right.npz", "few.npz", "--times", "0", folder=folder)
    assert "KMD ~ N^p with p = " in several.stdout
    assert "over 2 runs of particles" in several.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("hole2d.run", "no.npz"), "no.npz does not exist"),
        (("no.run", "right.npz"), "no.run"),
        (("hole2d.run", "right.npz", "--times", "0.1"), "has no snapshot at t = 0.1"),
        (("hole2d.run", "right.npz", "--times", "now"), "--times now: write numbers with commas"),
        (("hole2d.run", "right.npz", "--level", "2"), "level = 2"),
        (("hole2d.run", "right.npz", "--accuracy", "0"), "accuracy = 0"),
        (("hole2d.run", "right.npz", "--box", "1,2,3"), "2 finite numbers, or one for all axes"),
        (("hole2d.run", "right.npz", "--time-unit", "0.3", "--times", "1"), "has no frame at t = 1"),
        (("hole2d.run", "right.npz", "-o", "report.xyz"), "report.xyz"),
        (("hole2d.run", "shifted.npz"), "have only t = 0 in common"),
    ],
    ids=["file", "run", "time", "word", "level", "accuracy", "box", "unit", "ending", "start"],
)
def test_bad_input_is_told_in_one_line(folder, arguments, expected):
    done = compare(*arguments, folder=folder)
    assert done.returncode == 2, done.stdout
    assert expected in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("gridflow: ")


def test_a_run_of_particles_in_a_case_file_is_validated(folder):
    """The same commands from the start to the verdict, with solver.kind = "particles"."""
    settings = (
        "--set", 'solver={kind="particles", count=1500, seed=2}', "--set", "grid.shape=[64, 64]",
        "--set", "time.t_end=2.0", "--set", "output.snapshot_every=0.5", "--out", "particles.run",
    )  # fmt: skip
    done = gridflow("run", "hole2d.toml", "--quiet", *settings, folder=folder)
    assert done.returncode == 0, done.stderr
    done = compare("hole2d.run", "particles.run", "--json", folder=folder)
    assert done.returncode == 0, done.stdout
    assert len(json.loads(done.stdout)["times"]) == 5


def test_the_example_in_pytorch_is_validated(tmp_path):
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
    assert gridflow("new", "gaussian-mmd2d", folder=tmp_path).returncode == 0
    until = ("--set", "time.t_end=2.0")
    assert gridflow("run", "gaussian-mmd2d.toml", "--quiet", *until, folder=tmp_path).returncode == 0
    done = call(sys.executable, EXAMPLES / "mmd_torch.py", "torch.npz", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    done = compare("gaussian-mmd2d.run", "torch.npz", "--target-samples", "2000", folder=tmp_path)
    assert done.returncode == 0, done.stdout


def test_the_call_in_python(folder):
    with np.load(folder / "right.npz") as held:
        found = gf.compare(folder / "hole2d.run", held["times"], held["positions"], np.full(2000, 1 / 2000))
    assert found.verdict in ("consistent", "better-than-sampling")
    assert found.effective_count == 2000
    with pytest.raises(gf.InputError, match="compare needs positions"):
        gf.compare(folder / "hole2d.run", np.zeros(3))

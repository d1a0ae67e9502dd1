"""Small runs of the bundled cases and the example, held to stored numbers.

The numbers come from these runs themselves and guard against unintended change; the laws are tested elsewhere.
Round-off differs between processors and FFT builds and grows along a flow, so they are compared to nine digits.
"""

import subprocess
import sys
from pathlib import Path

import pytest

import gridflow as gf
from gridflow.cases import templates as cases
from gridflow.cases.reading import load_case

EXAMPLES = Path(__file__).parents[2] / "scripts" / "examples"
SMALL = {1: [64], 2: [32, 32], 3: [16, 16, 16]}

NUMBERS: dict[str, tuple[int, float, float]] = {
    "bumps2d": (29, 0.000951704948863, 3.06058824693),
    "cosine1d": (18, 0.000214066326097, 1.13966199633),
    "gaussian-mmd2d": (163, 0.00218087187955, 35.0372529561),
    "gyroid3d": (16, 0.000163600509888, 1.52232761864),
    "hole1d": (37, 0.000893158199416, 1.17254061577),
    "hole2d": (20, 0.000402373402182, 1.07789791739),
    "hole3d": (12, 0.000194700368403, 1.04383628126),
    "image2d": (3, 4.37353996849e-06, 1.05879539943),
    "keyhole2d": (16, 0.000201088863632, 1.05880330818),
    "lattice2d": (9, 0.00018931869263, 0.780645541887),
    "random1d": (1, 1.38469594492e-05, 1.48381106899),
    "random2d": (1, 1.00993255641e-05, 1.47013272741),
    "random3d": (3, 8.85902549534e-06, 1.24054868504),
    "relu-circle": (7, 0.00251940020068, 1.17007310482),
    "relu-sphere": (8, 0.0185733009032, 1.3098762773),
    "relu-teacher": (12, 0.0630070552148, 2.21739413051),
}
"""Steps, energy and largest cell at the end."""


@pytest.mark.parametrize("name", cases.names())
def test_bundled_case(name, tmp_path):
    for file in cases.files(name):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    dim = len(load_case(tmp_path / f"{name}.toml").grid.shape)
    case = load_case(tmp_path / f"{name}.toml", {"grid.shape": SMALL[dim], "time.t_end": 1.0})
    solver, initial = case.build(tmp_path)
    run = gf.run(solver, initial, case.time.t_end)
    steps, energy, largest = NUMBERS[name]
    assert run.steps == steps
    assert run.series["energy"][-1] == pytest.approx(energy, rel=1e-9)
    assert run.density.max() == pytest.approx(largest, rel=1e-9)


@pytest.mark.long
def test_the_example_fills_a_hole(tmp_path):
    done = subprocess.run(
        [sys.executable, EXAMPLES / "fill_a_hole.py", tmp_path, "--cells", "32"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    named = done.stdout.split("wrote\n")[1].split()
    pictures = [f"hole_s1_s2.{ending}" for ending in ("png", "mp4", "html")]
    assert [Path(name).name for name in named] == ["hole_s1.run", "hole_s2.run", *pictures]
    assert all(Path(name).exists() for name in named)
    for s, steps, volume in ((1, 84, 0.00195781505271), (2, 95, 0.0598304078590)):
        stored = gf.open_run(tmp_path / f"hole_s{s}.run")
        assert stored.snapshot(index=-1).step == steps
        assert stored.series["hole_volume"][-1] == pytest.approx(volume, rel=1e-9)

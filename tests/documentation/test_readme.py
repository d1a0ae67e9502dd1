"""Every snippet of the README and of the pages runs, on grids made small."""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from shell import call, gridflow

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
SHAPES = {"1d": "[64]", "2d": "[32, 32]", "circle": "[64]", "sphere": "[12, 24]"}
"""Of the cases that the pages run."""


def run(line, folder, small):
    """A line of a shell: ``gridflow`` in this process, all else in its own."""
    words = shlex.split(line, comments=True)
    done = gridflow(*words[1:], *small, folder=folder) if words[0] == "gridflow" else call(*words, folder=folder)
    assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"


def run_python(code, folder):
    done = call(sys.executable, "-c", code, folder=folder)
    assert done.returncode == 0, done.stderr


def overrides(line, shapes=SHAPES):
    """What makes a command small: its grid, the number of its snapshots and the time of a training."""
    found = re.match(r"gridflow (run|sweep|predict|train) \w+?(1d|2d|circle|sphere)\.toml", line)
    if found is None:
        return []
    command, ending = found.groups()
    more = [f"grid.shape={shapes[ending]}"]
    if ending == "2d":
        more += ["output.snapshot_every=0.5"]
    if command == "train":
        snapshots = "output.snapshot_log={first=0.1, last=10.0, count=4}"
        more += ["training.widths=[30]", "training.samples=200", "time.t_end=10.0", snapshots]
    return [word for change in more for word in ("--set", change)]


@pytest.mark.long
def test_python_snippets(tmp_path):
    """One after the other in one process, as a reader would paste them."""
    code = "\n".join(text for language, text in SNIPPETS if language == "python")
    assert code.count("gf.run(") == 2
    assert code.count("(256, 256)") == 1
    for name in ("hole2d", "random1d"):
        assert gridflow("new", name, folder=tmp_path).returncode == 0
    run_python(code.replace("(256, 256)", "(64, 64)"), tmp_path)
    assert {"hole.run", "hole.png", "hole.gif"} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.long
def test_shell_snippets(tmp_path):
    lines = [line for language, text in SNIPPETS if language == "sh" for line in text.splitlines()]
    commands = [line for line in lines if line.startswith("gridflow ")]
    assert len(commands) == 17
    for line in commands:
        small = line.replace("--shape 256,256", "--shape 32,32").replace("radius=0.1,0.2", "radius=0.2")
        run(small, tmp_path, overrides(line))
    assert {"hole2d.toml", "hole2d.run", "quick.run", "hole2d.png", "hole2d.mp4", "compare.png"} <= {
        p.name for p in tmp_path.iterdir()
    }
    for line in lines:
        if not line.startswith("gridflow "):
            assert os.access(ROOT / line.split()[0], os.X_OK), line


@pytest.mark.long
def test_the_page_on_particle_codes(tmp_path):
    """Its commands, with the example in numpy as the reader's own code, then its snippets."""
    page = (ROOT / "docs" / "validate.md").read_text(encoding="utf-8")
    shutil.copy(ROOT / "scripts" / "examples" / "particles_numpy.py", tmp_path / "my_code.py")
    (commands,) = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    for line in commands.splitlines():
        run(re.sub("^python ", f"{sys.executable} ", line), tmp_path, overrides(line, SHAPES | {"2d": "[64, 64]"}))
    code = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    assert code.count("10_000") == 1
    code = code.replace("10_000", "2_000")
    run_python(code + '\nassert found.verdict == "better-than-sampling"\n', tmp_path)
    assert {"hole2d.run", "mine.npz", "report.png", "grid.run", "particles.run"} <= {p.name for p in tmp_path.iterdir()}


@pytest.mark.long
def test_the_page_on_networks(tmp_path):
    """Its commands, then its snippets."""
    page = (ROOT / "docs" / "networks.md").read_text(encoding="utf-8")
    (commands,) = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    for line in commands.splitlines():
        run(line, tmp_path, overrides(line))
    run_python("\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)), tmp_path)
    assert (tmp_path / "relu-circle.train" / "training.png").exists()
    assert {"relu-sphere.train", "net.npz", "student.run"} <= {p.name for p in tmp_path.iterdir()}


def test_the_pages_and_pictures_it_links_to_are_there():
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
            assert link.startswith("https://") or (page.parent / link).exists(), f"{page.name}: {link}"

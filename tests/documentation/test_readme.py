"""Every snippet of the README runs as it stands there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)


def run(arguments, folder):
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.long
def test_python_snippets(tmp_path):
    """One after the other in one process, as a reader would paste them."""
    code = "\n".join(text for language, text in SNIPPETS if language == "python")
    assert code.count("gf.run(") == 2
    run([sys.executable, "-c", code], tmp_path)
    assert {"hole.run", "hole.png", "hole.gif"} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.long
def test_shell_snippets(tmp_path):
    lines = [line for language, text in SNIPPETS if language == "sh" for line in text.splitlines()]
    commands = [line for line in lines if line.startswith("gridflow ")]
    assert len(commands) == 17
    train = "gridflow train relu-circle.toml"
    commands = [
        f"{line.partition('#')[0]} --set time.t_end=20.0" if line.startswith(train) else line for line in commands
    ]
    run(["bash", "-e", "-c", "\n".join(commands)], tmp_path)
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
    run(["bash", "-e", "-c", commands], tmp_path)
    code = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    run([sys.executable, "-c", code + '\nassert found.verdict == "better-than-sampling"\n'], tmp_path)
    assert {"hole2d.run", "mine.npz", "report.png", "grid.run", "particles.run"} <= {p.name for p in tmp_path.iterdir()}


@pytest.mark.long
def test_the_page_on_networks(tmp_path):
    """Its commands, the trainings small, then its snippets."""
    page = (ROOT / "docs" / "networks.md").read_text(encoding="utf-8")
    (commands,) = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    small = ' --quiet --set "training.widths=[30]" --set time.t_end=20.0'
    commands = re.sub(r"(gridflow train relu-\w+\.toml)", rf"\1{small}", commands)
    run(["bash", "-e", "-c", commands], tmp_path)
    run([sys.executable, "-c", "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))], tmp_path)
    assert (tmp_path / "relu-circle.train" / "training.png").exists()
    assert {"relu-sphere.train", "net.npz", "student.run"} <= {p.name for p in tmp_path.iterdir()}


def test_the_pages_and_pictures_it_links_to_are_there():
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
            assert link.startswith("https://") or (page.parent / link).exists(), f"{page.name}: {link}"

"""Every command and every snippet of the README and of the pages of docs runs, on grids made small."""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from shell import call, gridflow

import gridflow as gf
from gridflow.cases.solvers import SOLVERS
from gridflow.cli.main import app
from gridflow.equation.kernels import Kernel
from solvers.finite_volume.reconstruction import RECONSTRUCTIONS

ROOT = Path(__file__).parents[2]
PAGES = {str(path.relative_to(ROOT)): path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
NOT_RUN = {"text", "toml"}
"""Languages of what is shown: output, part of a case file."""
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
    found = re.match(r"gridflow (run|sweep|predict|train) [\w-]+?(1d|2d|circle|sphere)\.toml", line)
    if found is None:
        return []
    command, ending = found.groups()
    more = [f"grid.shape={shapes[ending]}"]
    if ending == "2d":
        more += ["output.snapshot_every=0.5"]
    if command == "train":
        snapshots = "output.snapshot_log={first=0.1, last=10.0, count=4}"
        more += ["training.widths=[30]", "training.samples=200", "training.batch=50", "time.t_end=10.0", snapshots]
    return [word for change in more for word in ("--set", change)]


GALLERY = {
    *(Path(name).name for name in re.findall(r"\]\((gallery/[^)]*)\)", (ROOT / "docs/gallery.md").read_text("utf-8")))
}
"""The pictures of the gallery; its commands make each."""
SMALLER = {
    "README.md": {"(256, 256)": "(64, 64)"},
    "docs/tutorial.md": {"(256, 256)": "(64, 64)", "t_end=4.0": "t_end=2.0"},
    "docs/commands.md": {
        "--shape 256,256": "--shape 32,32",
        "radius=0.1,0.2": "radius=0.2",
        "gridflow explore hole2d.toml": "gridflow explore --help",
    },
    "docs/python.md": {},
    "docs/kernels.md": {},
    "docs/densities.md": {},
    "docs/solvers.md": {},
    "docs/sphere.md": {"(32, 64)": "(16, 32)"},
    "docs/store.md": {},
    "docs/export.md": {},
    "docs/gallery.md": {"count=1000": "count=50", "[48, 48, 48]": "[12, 12, 12]"},
    "docs/report.md": {},
    "docs/pictures.md": {},
    "docs/validate.md": {"10_000": "1_000"},
    "docs/networks.md": {},
    "docs/contributing.md": {},
}
"""Every page with commands or snippets, and what makes them small beside the overrides of a case; each occurs."""
LEAVES = {
    "README.md": {"hole.run", "hole.png", "hole2d.toml", "hole2d.run", "hole2d.png"},
    "docs/tutorial.md": {"hole.run", "hole.png", "hole.gif", "hole2d.run", "quick.run", "hole2d.png", "hole2d.mp4"},
    "docs/commands.md": {
        "hole2d.toml",
        "hole2d.run",
        "quick.run",
        "hole2d.png",
        "hole2d.mp4",
        "hole2d.html",
        "compare.png",
    },
    "docs/python.md": {"python.run", "hole2d.run"},
    "docs/report.md": {"hole2d.run", "hole2d_s2.run", "hole2d.html", "both.html"},
    "docs/sphere.md": {"cap.run", "cap.png"},
    "docs/export.md": {
        "hole2d.nc",
        "hole2d_vtkhdf.vtkhdf",
        "late.npz",
        "ends.xdmf",
        "ends.xdmf.h5",
        "series.csv",
        "hole.nc",
        "hole.vtkhdf",
    },
    "docs/gallery.md": {*GALLERY, "mine.pdf"},
    "docs/validate.md": {"hole2d.run", "mine.npz", "report.png", "grid.run", "particles.run"},
    "docs/networks.md": {"relu-circle.train", "relu-sphere.train", "net.npz", "student.run"},
}
"""What they leave behind."""


def snippets(page):
    """Language and text of every snippet of a page."""
    text = PAGES[page].read_text(encoding="utf-8")
    found = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert text.count("```") == 2 * len(found), f"{page} has a snippet without a language, or in a list"
    return found


def commands(page):
    """The lines of a page's shell snippets."""
    return [line for language, text in snippets(page) if language == "sh" for line in text.splitlines() if line]


def code(page):
    """A page's Python snippets, one after the other, as a reader would paste them."""
    return "\n".join(text for language, text in snippets(page) if language == "python")


def prepare(page, folder):
    """What a page says that the reader has: a code of particles; the run of the tutorial."""
    if page == "docs/validate.md":
        shutil.copy(ROOT / "scripts" / "examples" / "particles_numpy.py", folder / "my_code.py")
    if page == "docs/store.md":
        start = next(text for language, text in snippets("docs/tutorial.md") if language == "python")
        run_python(start.replace("(256, 256)", "(32, 32)"), folder)


def test_no_page_with_snippets_is_left_out():
    found = {page for page in PAGES if {language for language, _ in snippets(page)} - NOT_RUN}
    assert found == set(SMALLER)
    assert {language for page in PAGES for language, _ in snippets(page)} <= NOT_RUN | {"sh", "python"}


def test_the_page_of_commands_has_all():
    listed = {line.split()[1] for line in commands("docs/commands.md")}
    assert listed == {command.callback.__name__ for command in app.registered_commands}


@pytest.mark.parametrize(
    ("page", "kinds"),
    [
        ("kernels", Kernel.kinds),
        ("solvers", SOLVERS),
        ("solvers", RECONSTRUCTIONS),
    ],
)
def test_a_page_names_all_that_is_registered(page, kinds):
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    assert [kind for kind in kinds if not re.search(rf"\b{kind}\b", text)] == []


def test_every_kernel_is_public():
    assert {kernel.__name__ for kernel in Kernel.kinds.values()} <= set(gf.__all__)


@pytest.mark.long
@pytest.mark.parametrize("page", SMALLER)
def test_what_a_page_shows_runs(page, tmp_path):
    """Its commands, then its snippets of Python in one process."""
    prepare(page, tmp_path)
    shapes = SHAPES | {"2d": "[64, 64]"} if page == "docs/validate.md" else SHAPES
    whole = "\n".join([*commands(page), code(page)])
    assert all(large in whole for large in SMALLER[page])

    def smaller(text):
        for large, small in SMALLER[page].items():
            text = text.replace(large, small)
        return text

    for line in commands(page):
        program = line.split()[0]
        if program in ("gridflow", "python"):
            run(re.sub("^python ", f"{sys.executable} ", smaller(line)), tmp_path, overrides(line, shapes))
        else:  # what sets up the environment and tests it, which this is part of
            assert program == "source" or os.access(ROOT / program, os.X_OK), line
    if code(page):
        verdict = '\nassert found.verdict == "better-than-sampling"\n' if page == "docs/validate.md" else ""
        run_python(smaller(code(page)) + verdict, tmp_path)
    assert LEAVES.get(page, set()) <= {path.name for path in tmp_path.iterdir()}
    if page == "docs/networks.md":
        assert (tmp_path / "relu-circle.train" / "training.png").exists()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_holds_one_version_of_its_text(page):
    """A merge that was not finished leaves both, between lines of these marks."""
    lines = PAGES[page].read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if re.match(r"(<{7}|={7}|>{7})( |$)", line)] == []


def headings(path):
    """The anchors of a page, as GitHub makes them."""
    found = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_and_pictures_it_links_to_are_there(page):
    for link, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", PAGES[page].read_text(encoding="utf-8")):
        if not link.startswith("https://"):
            target = PAGES[page].parent / link if link else PAGES[page]
            assert target.exists(), f"{page}: {link}"
            assert not anchor or anchor in headings(target), f"{page}: {link}#{anchor}"


def test_every_page_is_in_the_table_of_contents():
    for index in ("README.md", "docs/README.md"):
        links = set(re.findall(r"\]\((?:docs/)?(\w+\.md)", PAGES[index].read_text(encoding="utf-8")))
        assert {path.name for path in PAGES.values()} - {"README.md"} <= links

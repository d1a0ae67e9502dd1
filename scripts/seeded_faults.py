"""Seeds known faults into a copy of gridflow, one at a time, and says which test catches each.

A test suite is as good as the faults that it catches. `seeded_faults.toml` beside this script lists faults that real
changes could bring in: a flipped sign, a lost factor, a bound that is ignored. Each is one substitution of a text that
occurs once in its file. For each the script makes a fresh copy of the tree, substitutes the text and runs the fast part
of the tests (those that are not marked `long`), the folder of the room that the fault is in first, up to the first
failure.

    python scripts/seeded_faults.py                  # all of them; about an hour on two cores
    python scripts/seeded_faults.py nyquist-forgotten potential-sign
    python scripts/seeded_faults.py --list
    python scripts/seeded_faults.py --tree FOLDER    # another checkout: faults whose text is found there once

The exit code is 0 if every fault was caught.
"""

import argparse
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

LIST = Path(__file__).with_suffix(".toml")
TREE = Path(__file__).resolve().parents[1]
SOURCES = ("gridflow", "solvers")
LEFT_OUT = (".git", ".venv", ".hypothesis", ".pytest_cache", ".mypy_cache", ".ruff_cache", "*.egg-info")
OWN_TEST = "test_seeded_faults.py"
"""Compares the list with the sources, so that it would see every fault for a wrong reason."""
NEAR = {
    "gridflow/cases": ("cases", "cli/test_commands.py"),
    "gridflow/densities": ("densities", "domains/test_sphere.py"),
    "gridflow/files.py": ("runtime/test_store.py", "robustness/test_damage.py"),
    "gridflow/particles": ("particles", "solvers/test_particles.py"),
    "gridflow/runtime": ("runtime", "robustness/test_damage.py"),
    "gridflow/studies": ("studies", "cli"),
    "solvers/finite_volume": ("solvers/test_velocity.py", "solvers/test_lines.py", "invariants"),
    "solvers/loops": ("solvers/test_lines.py", "solvers/test_exponential.py", "solvers/test_velocity.py", "invariants"),
    "solvers/loops/pseudospectral.py": ("invariants/test_spectral_steps.py", "convergence/test_spectral.py"),
    "solvers/loops/sphere.py": ("invariants/test_sphere_steps.py", "convergence/test_sphere_coulomb.py"),
    "solvers/points": (
        "solvers/test_particles.py",
        "solvers/test_network_losses.py",
        "invariants/test_network_runs.py",
    ),
    "solvers/spectral": ("invariants/test_spectral_steps.py", "convergence/test_spectral.py"),
    "solvers/sphere": ("invariants/test_sphere_steps.py", "convergence/test_sphere_coulomb.py"),
    "solvers/stepping": (
        "solvers/test_schemes.py",
        "solvers/test_exponential.py",
        "solvers/test_adaptive.py",
        "solvers/test_particles.py",
        "invariants",
    ),
}
"""Tests to begin with, by the file or folder of the fault; else the folder that has the name of its room."""
QUICK = ("domains", "compute", "equation", "measures", "theory", "particles", "densities", "networks", "solvers")
"""Folders whose tests compile little, which come next."""
LAST = ("convergence", "documentation")
LONGEST = 1200
"""Seconds after which a run of the tests is given up: a fault may make a loop endless."""
FAILURE = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)


@dataclass(frozen=True)
class Fault:
    """One substitution that makes the code wrong.

    Attributes
    ----------
    name
        What it is called.
    file
        Where, from the root of the tree.
    old, new
        What is substituted by what.
    wrong
        What is wrong then, one line.
    earlier
        The same as ``old`` and ``new`` in the spelling of earlier versions.
    """

    name: str
    file: str
    old: str
    new: str
    wrong: str
    earlier: tuple[tuple[str, str], ...] = ()

    @property
    def room(self) -> str:
        """The folder of gridflow that it is in, or ``solvers``."""
        first, second, *_ = Path(self.file).parts
        return first if first == "solvers" else second


@dataclass(frozen=True)
class Place:
    """Where a fault is seeded in a tree, as in :class:`Fault`."""

    file: str
    old: str
    new: str


def load() -> list[Fault]:
    """All faults of the list."""
    found = []
    for entry in tomllib.loads(LIST.read_text(encoding="utf-8"))["fault"]:
        earlier = tuple((one["old"], one["new"]) for one in entry.pop("earlier", ()))
        found.append(Fault(**entry, earlier=earlier))
    return found


def place(fault: Fault, tree: Path) -> Place | None:
    """Where the fault goes in this project's tree; None if its text does not occur there exactly once."""
    path = tree / fault.file
    fits = path.is_file() and path.read_text(encoding="utf-8").count(fault.old) == 1
    return Place(fault.file, fault.old, fault.new) if fits else None


def place_anywhere(fault: Fault, tree: Path) -> Place | None:
    """Where the fault goes in another tree: the one file in which one of its spellings occurs, exactly once."""
    for old, new in ((fault.old, fault.new), *fault.earlier):
        held = [
            (path, count)
            for source in SOURCES
            for path in sorted((tree / source).rglob("*.py"))
            if (count := path.read_text(encoding="utf-8").count(old))
        ]
        if len(held) == 1 and held[0][1] == 1:
            return Place(str(held[0][0].relative_to(tree)), old, new)
    return None


def copied(tree: Path, to: Path) -> Path:
    """Copy a tree with what was compiled in it, but without its history and environment."""
    shutil.copytree(tree, to, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
    return to


def seed(tree: Path, where: Place) -> None:
    """Make the substitution."""
    path = tree / where.file
    code = path.read_text(encoding="utf-8").replace(where.old, where.new)
    path.unlink()  # it is shared with the sound tree
    path.write_text(code, encoding="utf-8")


def python_of(tree: Path) -> str:
    """The interpreter of a tree's own environment, or this one."""
    own = tree / ".venv" / "bin" / "python"
    return str(own) if own.exists() else sys.executable


def tests(python: str, tree: Path, paths: list[str], *options: str) -> tuple[int, str]:
    """Run the fast part of some tests; exit code and what was said. The code of tests that do not end is −1."""
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    command = [python, "-m", "pytest", "-q", "-x", "-rfE", "--tb=no", "-p", "no:cacheprovider", "-m", "not long"]
    try:
        done = subprocess.run(
            [*command, "-o", "addopts=", *options, *paths],
            cwd=tree, env=environment | {"PYTHONPATH": str(tree)}, capture_output=True, text=True, timeout=LONGEST,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return -1, ""
    return done.returncode, done.stdout + done.stderr


def ordered(tree: Path, fault: Fault) -> tuple[list[str], ...]:
    """Folders and files of tests: those near a fault, those that are quick, and all others."""
    tests_of_tree = tree / "tests"
    there = [path for path in sorted(tests_of_tree.iterdir()) if path.is_dir() or path.name.startswith("test_")]
    there = [path for path in there if path.name != OWN_TEST]
    there = [path for path in there if path.is_file() or any(path.glob("test_*.py"))]
    around = [path for path in NEAR if fault.file.startswith(path)]
    wanted = (*(NEAR[max(around, key=len)] if around else (fault.room,)), "unit")  # the last in earlier versions
    near = [path for name in wanted if (path := tests_of_tree / name).exists()]
    quick = [path for name in QUICK for path in there if path.name == name and path not in near]
    rest = sorted((path for path in there if path not in (*near, *quick)), key=lambda path: path.name in LAST)
    return tuple([str(path.relative_to(tree)) for path in part] for part in (near, quick, rest))


def catch(python: str, sound: Path, fault: Fault, where: Place, work: Path) -> str:
    """The first test that fails with a fault in place; empty if none does."""
    tree = work / fault.name
    shutil.copytree(
        sound, tree, symlinks=True, copy_function=os.link
    )  # files that change are replaced, not written over
    try:
        seed(tree, where)
        for paths in ordered(tree, fault):
            if not paths:
                continue
            code, said = tests(python, tree, paths, "-n", "0")
            if code == -1:
                return f"no end within {LONGEST} s"
            if code not in (0, 5):  # 5: there are no tests
                failed = FAILURE.search(said)
                return failed[1] if failed else f"pytest ended with {code}"
        return ""
    finally:
        shutil.rmtree(tree, ignore_errors=True)


def run(tree: Path, chosen: list[tuple[Fault, Place]], jobs: int, check: bool) -> bool:
    """Seed the faults, some at a time, and print what catches each; whether all were caught."""
    python = python_of(tree)
    with tempfile.TemporaryDirectory(prefix="seeded_faults_") as folder:
        work = Path(folder)
        sound = copied(tree, work / "sound")
        if check:
            began = time.monotonic()
            code, said = tests(python, sound, ["tests"], "-n", str(jobs), "--dist=worksteal")
            if code != 0:
                print(said)
                raise SystemExit("the fast part of the tests fails without a fault")
            print(f"without a fault the fast part passes, in {time.monotonic() - began:.0f} s", flush=True)
        caught = 0
        finished: queue.SimpleQueue[tuple[Fault, str, float]] = queue.SimpleQueue()

        def attempt(fault: Fault, where: Place) -> None:
            began = time.monotonic()
            finished.put((fault, catch(python, sound, fault, where, work), time.monotonic() - began))

        with ThreadPoolExecutor(jobs) as pool:
            tasks = [pool.submit(attempt, *pair) for pair in chosen]
            for _ in tasks:
                fault, by, seconds = finished.get()
                caught += bool(by)
                print(f"{fault.name:32} {by or 'NOT CAUGHT: ' + fault.wrong}  ({seconds:.0f} s)", flush=True)
    print(f"{caught} of {len(chosen)} caught")
    return caught == len(chosen)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help="faults to seed; default all")
    parser.add_argument("--list", action="store_true", help="list the faults and end")
    parser.add_argument("--tree", type=Path, help="another checkout, where a text may stand in any file")
    parser.add_argument("--jobs", type=int, default=2, help="faults at once; default 2")
    parser.add_argument("--unchecked", action="store_true", help="do not run the tests without a fault first")
    given = parser.parse_args()
    faults = load()
    if unknown := set(given.names) - {fault.name for fault in faults}:
        parser.error(f"there is no fault {', '.join(sorted(unknown))}; see --list")
    chosen = [fault for fault in faults if not given.names or fault.name in given.names]
    if given.list:
        for fault in chosen:
            print(f"{fault.name:32} {fault.file}: {fault.wrong}")
        return 0
    find, tree = (place, TREE) if given.tree is None else (place_anywhere, given.tree.resolve())
    places = [(fault, find(fault, tree)) for fault in chosen]
    missing = [fault for fault, where in places if where is None]
    for fault in missing:
        print(f"fault {fault.name}: text not found" if given.tree is None else f"{fault.name:32} not there")
    if missing and given.tree is None:
        return 2
    if missing:
        print(f"{len(missing)} of {len(chosen)} are not there")
    found = [(fault, where) for fault, where in places if where is not None]
    return 0 if run(tree, found, given.jobs, not given.unchecked) else 1


if __name__ == "__main__":
    sys.exit(main())

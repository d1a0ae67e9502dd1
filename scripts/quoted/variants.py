"""The sharp scheme with other steepnesses, in copies of the tree with another constant and loops of their own."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import seeded_faults

PLACE = ("solvers/loops/lines.py", "STEEPNESS = 1.65")
PROGRAM = "import json; from quoted.holes import value_of_beta; print(json.dumps(value_of_beta()))"


def steepness(beta: float) -> list[float]:
    """A row of the table of steepnesses; see :func:`quoted.holes.value_of_beta`."""
    file, text = PLACE
    with tempfile.TemporaryDirectory() as folder:
        tree = seeded_faults.copied(seeded_faults.TREE, Path(folder) / "tree")
        seeded_faults.seed(tree, seeded_faults.Place(file, text, f"STEEPNESS = {beta}"))
        environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
        path = os.pathsep.join(map(str, (tree, tree / "scripts")))
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            cwd=tree, env=environment | {"PYTHONPATH": path}, capture_output=True, text=True, check=True,
        )  # fmt: skip
    found: list[float] = json.loads(done.stdout)
    return found

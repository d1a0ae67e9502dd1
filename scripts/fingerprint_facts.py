"""What a fingerprint keeps of an array, of a run and of what a command prints."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

import gridflow as gf

Facts = dict[str, Any]
UNTOLD = re.compile(r"seconds|sentence|path|gridflow|versions|wall|threads")
"""Keys of JSON output that differ from run to run or from machine to machine."""


def digest(values: np.ndarray) -> Facts:
    """What is kept of an array."""
    array = np.ascontiguousarray(values)
    sha = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode() + array.tobytes()).hexdigest()
    return {
        "sha256": sha,
        "sum": repr(float(array.sum())),
        "min": repr(float(array.min())),
        "max": repr(float(array.max())),
    }


def told(text: str, folder: Path) -> Facts:
    """What is kept of the JSON that a command printed."""
    kept = json.dumps(_without(json.loads(text.replace(str(folder), "."))), sort_keys=True)
    return {"sha256": hashlib.sha256(kept.encode()).hexdigest(), "text": kept}


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(entry) for key, entry in value.items() if not UNTOLD.search(key)}
    return [_without(entry) for entry in value] if isinstance(value, list) else value


def finished(run: gf.Run) -> Facts:
    """Fingerprints of a finished run: its arrays, its series and its clock."""
    facts = {f"state.{name}": digest(values) for name, values in sorted(run.state.arrays.items())}
    facts |= {f"series.{name}": digest(values) for name, values in sorted(run.series.items())}
    facts["clock"] = {"sha256": f"{run.steps} {run.time!r} {run.state.dt!r}"}
    facts["density"] = digest(run.density)
    return facts


def command(folder: Path, *words: object) -> str:
    """What a command of this environment prints on standard output."""
    program = Path(sys.executable).parent / "gridflow"
    done = subprocess.run([program, *map(str, words)], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"gridflow {' '.join(map(str, words))}: {done.stderr.strip()[-300:]}")
    return done.stdout

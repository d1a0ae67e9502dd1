"""Runs of bundled cases, as `gridflow new` writes them."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import gridflow as gf
from gridflow.cases.templates import files


@contextmanager
def written(name: str) -> Iterator[Path]:
    """The path of a case's file in a folder that lasts as long as the context."""
    with tempfile.TemporaryDirectory() as folder:
        for file in files(name):
            (Path(folder) / file.name).write_bytes(file.read_bytes())
        yield Path(folder) / f"{name}.toml"


@cache
def run(name: str, **changes: Any) -> gf.Run:
    """Run a case; keys that are changed have their dot written as two underscores."""
    dotted = {key.replace("__", "."): value for key, value in changes.items()}
    with written(name) as path:
        return gf.run_case(path, out=path.with_suffix(".run"), set=dotted, progress=False)


def steps(name: str, **changes: Any) -> int:
    """Steps of a case."""
    return run(name, **changes).steps


def predicted(name: str, **changes: Any) -> list[float]:
    """Predicted time, the ends of its interval and the steps, to the digits of the sentence."""
    with written(name) as path:
        found = gf.predict(path, set={key.replace("__", "."): value for key, value in changes.items()})
    return [found.time, *found.interval, float(f"{found.steps:.2g}")]

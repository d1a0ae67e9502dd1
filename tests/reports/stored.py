"""Run directories with given densities, for tests of reports."""

import numpy as np

from gridflow.equation.contract import State
from gridflow.files import checksum
from gridflow.runtime.writer import RunWriter


def stored_run(path, grid, kernel, frames, times=None, rows=True, case=None, status="finished", **record):
    """A run directory with snapshots of given fields, by default at the times 0, 1, 2, …, and a falling energy."""
    target = np.full(grid.shape, 1 / grid.volume)
    start = frames[0]["density"] if frames else target
    problem = {"kernel": repr(kernel), "growth": 0.0, "kernel_record": kernel.record()}
    problem |= {"target_sha256": checksum(target), "initial_sha256": checksum(start)}
    manifest = {"gridflow": "0.0", "versions": {"numpy": "0.0"}, "grid": grid.record(), "problem": problem}
    manifest |= {"solver": {"solver": "FiniteVolume"}, "t_end": 10.0, "record": record}
    writer = RunWriter.create(path, manifest, {"initial": start, "target": target}, case)
    times = np.arange(float(len(frames))) if times is None else np.asarray(times, float)
    for step, (time, held) in enumerate(zip(times, frames, strict=True)):
        writer.write_snapshot(State({}, float(time), step), held, "float64")
    if rows:
        falling = np.exp(-times)
        columns = dict.fromkeys(("min", "max", "energy", "kmd", "dissipation"), falling)
        ones = np.ones_like(times)
        columns |= {"step": np.arange(len(times)), "time": times, "dt": ones, "mass": ones, "mass_exact": ones}
        writer.write_series(columns)
    writer.write_status(status, **({"reason": "it is a test"} if status == "failed" else {}))
    writer.close()
    return path

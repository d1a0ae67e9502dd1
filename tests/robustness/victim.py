"""Run in a process of its own: kill a run at random moments, resume it, compare every byte.

Usage: python victim.py FOLDER KILLS SEED. Prints one JSON object.
"""

import json
import os
import random
import signal
import sys
import time
import warnings
from pathlib import Path

import gridflow as gf
from solvers import FiniteVolume


def run(store: Path, resume: bool) -> None:
    grid = gf.Grid((24, 20))
    flow = gf.Flow(grid, gf.Riesz(1), gf.cosine(grid, 0.3))
    solver = FiniteVolume(flow, tracer=gf.regions.ball(grid, 0.25))
    gf.run(
        solver,
        gf.ball_hole(grid, 0.25),
        t_end=0.5,
        store=store,
        snapshots=gf.EveryTime(0.05),
        callbacks=[gf.stop_when_energy_below(3e-4, gf.EverySteps(4))],
        series=gf.EverySteps(2),
        checkpoints=gf.EverySteps(3),
        resume=resume,
    )


def in_child(store: Path, resume: bool) -> int:
    child = os.fork()
    if child == 0:
        warnings.simplefilter("ignore")
        run(store, resume)
        os._exit(0)
    return child


def contents(store: Path) -> dict[str, bytes]:
    return {str(p.relative_to(store)): p.read_bytes() for p in sorted(store.rglob("*")) if p.is_file()}


def main(folder: Path, kills: int, seed: int) -> None:
    random.seed(seed)
    run(folder / "warm.run", resume=False)  # compile first
    began = time.monotonic()
    assert os.waitpid(in_child(folder / "whole.run", resume=False), 0)[1] == 0
    duration = time.monotonic() - began
    expected = contents(folder / "whole.run")
    outcome = {"kills": 0, "before_anything": 0, "after_the_end": 0, "different": []}
    number = 0
    while outcome["kills"] < kills:  # a moment after the end is not one of the kills
        number += 1
        store = folder / f"killed{number}.run"
        child = in_child(store, resume=False)
        time.sleep(random.uniform(0, duration))
        os.kill(child, signal.SIGKILL)
        killed = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        outcome["kills"] += killed
        outcome["after_the_end"] += not killed
        outcome["before_anything"] += not store.exists()
        assert os.waitstatus_to_exitcode(os.waitpid(in_child(store, resume=True), 0)[1]) == 0
        if contents(store) != expected:
            outcome["different"].append(number)
    print(json.dumps(outcome | {"files": len(expected)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))

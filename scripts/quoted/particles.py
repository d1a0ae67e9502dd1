"""Particles: the comparison that is shown, and what the velocities and the displacements resolve."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np

import gridflow as gf
from quoted.bundled import written
from solvers import Particles
from solvers.points import direct

EXAMPLE = Path(__file__).parents[1] / "examples" / "particles_numpy.py"
GRIDFLOW = Path(sys.executable).parent / "gridflow"


@cache
def printed() -> str:
    """What `gridflow compare` prints of the example in numpy, beside hole2d with a snapshot every quarter, to t = 2."""
    with written("hole2d") as path:
        folder, changes = path.parent, {"output.snapshot_every": 0.25, "time.t_end": 2.0}
        gf.run_case(path, folder / "hole2d.run", set=changes, progress=False)
        subprocess.run([sys.executable, EXAMPLE, "mine.npz"], cwd=folder, check=True)
        done = subprocess.run(
            [GRIDFLOW, "compare", "hole2d.run", "mine.npz"], cwd=folder, capture_output=True, text=True, check=False
        )
    return done.stdout


def row(time: float) -> list[float]:
    """The numbers of the row of a time."""
    lines = [line.split() for line in printed().splitlines()]
    (found,) = (words for words in lines if len(words) > 8 and words[0] == f"{time:g}")
    return [float(word) for word in found[1:-1]]


def motion() -> list[float]:
    """The numbers of the lines of displacements and of the verdict."""
    (moved,) = re.findall(
        r"^displacements: (\S+) ± (\S+) times .*, drift (\S+) of the speed, (\S+) unexpl", printed(), re.M
    )
    (verdict,) = re.findall(
        r"^verdict: .* at (\d+) of (\d+) times; displacements are (\S+) ± (\S+) times", printed(), re.M
    )
    return [float(number) for number in (*moved, *verdict)]


def velocities(accuracy: float) -> list[float]:
    """Least and largest relative error of velocities against direct sums, the former in tenths of the accuracy."""
    errors = []
    for shape in ((64,), (24, 20), (10, 12, 9)):
        for kernel in (gf.Riesz(1), gf.Riesz(1.5), gf.Gaussian(0.15), gf.Matern(0.5, 0.3)):
            grid = gf.Grid(shape, (1.0, 1.3, 0.7)[: len(shape)])
            bump = gf.gaussian(grid, [0.4 * length for length in grid.lengths], 0.2)
            flow, rng = gf.Flow(grid, kernel, gf.normalize(grid, bump + gf.uniform(grid))), np.random.default_rng(0)
            weights = rng.random(200)
            positions, weights = rng.random((200, grid.dim)) * grid.lengths, weights / weights.sum()
            solver = Particles(flow, positions, weights, accuracy=accuracy)
            exact = direct.velocity(flow, positions, weights)
            errors.append(abs(solver.velocity(solver.initialize()) - exact).max() / abs(exact).max())
    return [min(errors) / (accuracy / 10), max(errors)]

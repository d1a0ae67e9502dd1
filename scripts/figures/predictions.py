"""Predictions against runs: hundreds of random problems, each predicted and then run until it reaches its goal.

Dimension, kernel, start, target and goal are drawn at random: smooth, rough and nearly empty starts and targets, holes
of every shape, near and far, on the torus, and networks on the circle and the sphere, also with weights of both signs.
A run that does not reach its goal within a bound on its work is listed without a time. Writes predictions.csv and
predictions.png.
"""

import math
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from study import arguments, conclude

import gridflow as gf
from gridflow.densities.sphere import bumps, cap_hole, random_sobolev_on_sphere
from gridflow.measures.diagnostics import crossing_time
from gridflow.studies.prediction import Prediction, predict_run
from gridflow.viz.style import EXACT, MEASURED, SECOND, look, new_figure, save
from solvers import FiniteVolume, Spectral, SphereFiniteVolume

COUNT = 260
WORK = 3e9
"""Largest work of a run, in updates of a cell: half a minute or two."""
LARGEST_SPECTRAL = 2**14
"""Largest number of cells on which the spectral method is run for comparison."""
SHARES = (1e-2, 1e-3, 1e-4, 1e-6)
Random = np.random.Generator


def bump_mixture(grid: gf.Grid, rng: Random) -> np.ndarray:
    """One to three Gaussians of random places and widths."""
    count = int(rng.integers(1, 4))
    found = np.zeros(grid.shape)
    for _ in range(count):
        found += rng.uniform(0.3, 1) * gf.gaussian(grid, [rng.random(grid.dim).tolist()], float(rng.uniform(0.04, 0.2)))
    return gf.normalize(grid, found)


def wave(grid: gf.Grid, rng: Random) -> np.ndarray:
    """A cosine of random wave numbers and amplitude."""
    modes = [int(k) for k in rng.integers(0, 3, grid.dim)]
    modes[0] = max(modes[0], 1)
    return gf.cosine(grid, float(rng.choice([0.05, 0.3, 0.6, 0.9])), modes)


def rough(grid: gf.Grid, rng: Random) -> np.ndarray:
    """Random phases of a random regularity."""
    return gf.random_sobolev(grid, float(rng.uniform(0.3, 2.5)), float(rng.uniform(0.1, 0.9)), int(rng.integers(10**6)))


def hole(grid: gf.Grid, rng: Random) -> np.ndarray:
    """A ball, a box or a lattice of holes."""
    kind = rng.integers(3)
    if kind == 0:
        return gf.ball_hole(grid, float(rng.uniform(0.1, 0.35)), rng.random(grid.dim).tolist())
    if kind == 1:
        return gf.box_hole(grid, rng.uniform(0.15, 0.6, grid.dim).tolist(), rng.random(grid.dim).tolist())
    return gf.lattice_of_holes(grid, 2, float(rng.uniform(0.08, 0.2)))


def above_a_floor(grid: gf.Grid, rng: Random) -> np.ndarray:
    """Gaussians above a uniform density that may be small."""
    least = float(rng.choice([0.5, 0.2, 0.05, 0.01]))
    return gf.normalize(grid, least + (1 - least) * bump_mixture(grid, rng))


def same(grid: gf.Grid, _: Random) -> np.ndarray:
    """The uniform density."""
    return gf.uniform(grid)


STARTS: dict[str, Callable[[gf.Grid, Random], np.ndarray]] = {
    "wave": wave, "rough": rough, "hole": hole, "bumps": bump_mixture, "bumps above a floor": above_a_floor,
    "uniform": same,
}  # fmt: skip
TARGETS: dict[str, Callable[[gf.Grid, Random], np.ndarray]] = {
    "uniform": same, "wave": wave, "bumps above a floor": above_a_floor, "rough": rough
}  # fmt: skip
CELLS = {1: (256, 1024, 4096), 2: (64, 128, 256), 3: (24, 40, 64)}


def on_the_torus(rng: Random, small: bool) -> tuple[dict[str, Any], Any, np.ndarray]:
    """A random problem on the torus: its description, the solver and the start."""
    dim = int(rng.choice([1, 1, 2, 2, 3]))
    cells = CELLS[dim][1 if small else int(rng.integers(3))]
    grid = gf.Grid((cells,) * dim)
    s = float(rng.choice([1.0, rng.uniform(1, 1.5), 1.5, 2.0, rng.uniform(2, 3), 3.0]))
    start_kind, target_kind = str(rng.choice(list(STARTS))), str(rng.choice(list(TARGETS), p=[0.5, 0.15, 0.2, 0.15]))
    if start_kind == target_kind == "uniform":
        start_kind = "wave"
    target = TARGETS[target_kind](grid, rng)
    start = STARTS[start_kind](grid, rng)
    if start_kind in ("wave", "rough") and target_kind != "uniform" and rng.random() < 0.5:
        start, start_kind = gf.normalize(grid, target * start), f"target times {start_kind}"
    told = {"domain": f"torus, d = {dim}", "cells": cells, "s": round(s, 3), "start": start_kind, "target": target_kind}
    return told, FiniteVolume(gf.Flow(grid, gf.Riesz(s), target)), start


def of_a_network(rng: Random, small: bool) -> tuple[dict[str, Any], Any, np.ndarray]:
    """A random limit of networks in training."""
    if rng.random() < 0.6:
        grid: Any = gf.Circle(256)
        target_kind, start_kind = (
            str(rng.choice(["bumps", "bumps above a floor"])),
            str(rng.choice(["uniform", "hole"])),
        )
        centers = rng.uniform(0, 2 * np.pi, (2, 1)).tolist()
        target = gf.gaussian(grid, centers, float(rng.uniform(0.1, 0.5)), 2 * np.pi)
        if target_kind != "bumps":
            target = (target + rng.choice([0.1, 1.0])) / (1 + rng.choice([0.1, 1.0]))
        start = gf.uniform(grid, 2 * np.pi) if start_kind == "uniform" else gf.ball_hole(grid, 0.7, [2.9], 2 * np.pi)
        signs = rng.random() < 0.3
        options = {"negative": 0.5 * gf.uniform(grid, 2 * np.pi)} if signs else {}
        solver: Any = FiniteVolume(gf.Flow(grid, gf.ReLU(), target, 2.0), **options)
        told = {"domain": "circle", "cells": 256}
    else:
        grid = gf.SphereGrid((24, 48) if small else (48, 96))
        target_kind, start_kind = "bumps above a floor", str(rng.choice(["uniform", "hole", "rough"]))
        share = float(rng.choice([0.05, 0.4, 0.8]))
        held = bumps(grid, rng.standard_normal((3, 3)).tolist(), float(rng.uniform(3, 20)), 4 * np.pi)
        target = share * gf.uniform(grid, 4 * np.pi) + (1 - share) * held
        start = {
            "uniform": lambda: gf.uniform(grid, 4 * np.pi),
            "hole": lambda: cap_hole(grid, 0.7, rng.standard_normal(3).tolist(), 4 * np.pi),
            "rough": lambda: random_sobolev_on_sphere(grid, 0.5, 0.5, seed=int(rng.integers(10**6)), mass=4 * np.pi),
        }[start_kind]()
        signs = False
        solver = SphereFiniteVolume(gf.SphereFlow(grid, gf.ReLU(), target, 2.0))
        told = {"domain": "sphere", "cells": grid.shape[0]}
    told |= {"s": "ReLU, two signs" if signs else "ReLU", "start": start_kind, "target": target_kind}
    return told, solver, start


def measured(solver: Any, start: np.ndarray, goal: float) -> tuple[float, int]:
    """Time at which a run reaches the goal, and its steps; NaN if it would take too much work."""
    state = solver.initialize(start)
    times, energies = [0.0], [solver.diagnose(state)["energy"]]
    limit = int(WORK / (solver.flow.grid.size + 1500))
    while energies[-1] > goal and state.step < limit:
        solver.step(state, math.inf)
        times.append(state.time)
        energies.append(solver.diagnose(state)["energy"])
    reached = energies[-1] <= goal
    return (crossing_time(times, energies, goal) if reached else math.nan), state.step


def by_the_spectral_method(told: dict[str, Any], solver: Any, start: np.ndarray, share: float) -> float:
    """The same time by a method that has nothing in common with the runs but the equation; NaN unless all is smooth."""
    smooth = {"wave", "bumps above a floor", "uniform", "target times wave"}
    if not {told["start"], told["target"]} <= smooth or solver.flow.grid.size > LARGEST_SPECTRAL:
        return math.nan
    flow = solver.flow
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of what the 2/3 rule leaves out of a narrow bump
        try:
            return measured(Spectral(flow, tolerance=1e-6), start, share * flow.energy(start))[0]
        except gf.RunError as error:  # a bump too narrow for the modes that it keeps
            print(f"the spectral method fails: {error}")
            return math.nan


def row_of(number: int, seed: int, small: bool) -> dict[str, Any]:
    """Draw, predict and run one problem."""
    rng = np.random.default_rng([seed, number])
    network = number % 5 == 4
    told, solver, start = of_a_network(rng, small) if network else on_the_torus(rng, small)
    share = 1e-3 if network else float(rng.choice(SHARES))
    solver.compile()
    began = time.perf_counter()
    found: Prediction = predict_run(solver, start, share)
    spent = time.perf_counter() - began
    reached, steps = measured(solver, start, found.goal)
    second = math.nan if network else by_the_spectral_method(told, solver, start, share)
    linear = next(tier.time for tier in found.tiers if tier.name == "linear theory")
    return {
        "number": number, **told, "share": share, "answer": found.answer, "predicted": found.time,
        "measured": reached, "ratio": found.time / reached, "low": found.interval[0], "high": found.interval[1],
        "at least": found.bracket[0], "certified": found.bracket[1], "linear": linear / reached,
        "spectral": second / reached,
        "steps": found.steps / steps if found.steps else math.nan, "seconds": round(spent, 2),
        "doubts": "; ".join(found.doubts),
    }  # fmt: skip


def draw(rows: list[dict[str, Any]], path: Any) -> None:
    """Ratios of predicted and measured times: the answers, linear theory, and the brackets."""
    known = [row for row in rows if math.isfinite(row["ratio"])]
    order = sorted(known, key=lambda row: row["ratio"])
    with look():
        figure = new_figure(9.0, 3.8)
        left, right = figure.subplots(1, 2, width_ratios=(1.1, 1))
        ratios = np.array([row["ratio"] for row in order])
        place = np.arange(ratios.size)
        linear = np.array([row["linear"] for row in order])
        left.plot(place, linear, ".", color=SECOND, markersize=3, label="linear theory")
        left.plot(place, ratios, ".", color=MEASURED, markersize=4, label="the answer")
        for factor in (2 / 3, 1.5):
            left.axhline(factor, color=EXACT, linewidth=0.6, linestyle=":")
        left.set(yscale="log", xlabel="problem, in the order of the answers", title="predicted / measured time")
        left.set_ylim(0.01, 100)
        left.legend()
        bounded = [row for row in known if math.isfinite(row["certified"])]
        bounded.sort(key=lambda row: row["certified"] / row["measured"])
        low = [row["at least"] / row["measured"] for row in bounded]
        high = [row["certified"] / row["measured"] for row in bounded]
        right.vlines(np.arange(len(bounded)), low, high, color=MEASURED, linewidth=0.8)
        right.axhline(1, color=EXACT, linewidth=0.6)
        right.set(yscale="log", xlabel="problem with s = 1", title="bracket of theorems / measured time")
        save(figure, path)
    print(f"wrote {path}")


def summary(rows: list[dict[str, Any]]) -> None:
    """Print how many predictions are within a factor, and how many brackets are violated."""
    known = [row for row in rows if math.isfinite(row["measured"])]
    off = np.array([abs(math.log(row["ratio"])) if row["ratio"] > 0 else math.inf for row in known])
    off = np.where(np.isnan(off), math.inf, off)
    for factor in (1.1, 1.5, 2.0):
        within = off <= math.log(factor)
        told = sum(bool(row["doubts"]) for row, good in zip(known, within, strict=True) if not good)
        print(f"within a factor {factor}: {within.mean():.1%} of {len(known)}; of the others {told} say a doubt")
    inside = [row["low"] <= row["measured"] <= row["high"] for row in known]
    broken = [row["number"] for row in known if not row["at least"] <= row["measured"] <= row["certified"]]
    print(f"inside the interval: {np.mean(inside):.1%}; brackets violated: {len(broken)} {broken or ''}")
    second = np.array([row["spectral"] for row in known if math.isfinite(row["spectral"])])
    print(f"runs against the spectral method: {second.size} of them differ by at most {abs(np.log(second)).max():.2%}")
    steps = np.array([row["steps"] for row in known if math.isfinite(row["steps"])])
    print(f"steps within a factor 1.5: {np.mean(abs(np.log(steps)) < math.log(1.5)):.1%} of {steps.size}")
    print(f"seconds of a prediction: median {np.median([row['seconds'] for row in rows])}, "
          f"largest {max(row['seconds'] for row in rows)}")  # fmt: skip


def main() -> None:
    """Run the study."""
    options = arguments(__doc__ or "")
    rows = []
    for number in range(10 if options.small else COUNT):
        rows.append(row_of(number, 0, options.small))
        print({key: rows[-1][key] for key in ("number", "domain", "s", "start", "target", "share", "answer", "ratio")},
              flush=True)  # fmt: skip
    conclude("predicted and measured", rows, options.folder / "predictions.csv")
    summary(rows)
    draw(rows, options.folder / "predictions.png")


if __name__ == "__main__":
    main()

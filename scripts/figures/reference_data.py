"""Reference data for particle codes: grid and particle solutions in d = 1, 2, 3 for s = 1, 1.5, 2, and how they agree.

The case: the torus with periods 1, 1.2, 0.9; mu starts as a Gaussian bump on a floor; nu = 1 + 0.15 cosines. The grid
solution is that of the finest of three grids, each twice as fine as the one before. Their differences give its error
(Richardson). The particles start as quasi-random points, so the comparison is not dominated by sampling noise. Writes
reference_data.h5, README.md, reference_data.csv and reference_data.png.
"""

import itertools
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from study import arguments, conclude

import gridflow as gf
from gridflow.measures import spectra
from gridflow.validation import Comparison, Reference, compare
from gridflow.viz.style import look, new_figure, save
from solvers import FiniteVolume, Particles

LENGTHS = (1.0, 1.2, 0.9)
ORDERS = (1.0, 1.5, 2.0)
COARSEST = {1: 256, 2: 64, 3: 24}
COUNT = 2**14
SHARES = (0.0, 0.1, 0.25, 0.5, 1.0)
"""Stored times, as shares of the last one."""
COLORS = {1.0: "#d1495b", 1.5: "#2a7f62", 2.0: "#4f3a8c"}


class Solution(NamedTuple):
    """What the data set holds of a case."""

    dim: int
    s: float
    shapes: list[tuple[int, ...]]
    times: np.ndarray
    target: np.ndarray
    density: np.ndarray
    errors: dict[str, np.ndarray]
    positions: np.ndarray
    weights: np.ndarray
    found: Comparison


def problem(dim: int, s: float, cells: int) -> tuple[gf.Flow, np.ndarray]:
    """The flow and the start on a grid of so many cells along each axis."""
    grid = gf.Grid((cells,) * dim, LENGTHS[:dim])
    target = gf.cosine(grid, 0.15)
    bump = gf.gaussian(grid, [0.4 * length for length in grid.lengths], 0.15)
    target = target / (target.sum() * grid.cell_volume)
    start = 0.6 * bump / (bump.sum() * grid.cell_volume) + 0.4 / grid.volume
    return gf.Flow(grid, gf.Riesz(s), target), start


def last_time(s: float) -> float:
    """Two relaxation times of the longest mode where the density is 1."""
    return 2 * (2 * np.pi) ** (2 * s - 2)


def richardson(first: float, second: float) -> tuple[float, float]:
    """Error of the finest of three grids from the two differences, and the order, at most that of the scheme."""
    order = np.log2(first / second) if second > 1e-13 else np.nan
    return second / (2 ** np.clip(order, 0.5, 5) - 1) if second > 1e-13 else second, float(order)


def solve(dim: int, s: float, coarsest: int, count: int, folder: Path) -> Solution:
    """Run a case on three grids and with particles, and compare."""
    times = last_time(s) * np.array(SHARES)
    densities, grids = [], []
    for level in range(3):
        flow, start = problem(dim, s, coarsest * 2**level)
        path = folder / f"d{dim}_s{s:g}_{level}.run"
        solver = FiniteVolume(flow, tolerance=1e-7)
        gf.run(solver, start, times[-1], store=path, snapshots=gf.AtTimes(times), snapshot_dtype="float64")
        stored = gf.open_run(path)
        densities.append([stored.snapshot(index=index).density for index in range(len(times))])
        grids.append(flow.grid)
    modes = problem(dim, s, coarsest)[0].grid
    symbol = spectra.whole_symbol(flow.kernel, modes)
    errors: dict[str, list[float]] = {"error_l1": [], "order_l1": [], "error_kmd": [], "order_kmd": []}
    for at_time in zip(*densities, strict=True):
        means = [grid.averages_on(grids[0], values) for grid, values in zip(grids, at_time, strict=True)]
        far = [float(abs(a - b).mean()) * modes.volume for a, b in itertools.pairwise(means)]
        found = [spectra.of_density(grid, values, modes) for grid, values in zip(grids, at_time, strict=True)]
        away = [spectra.discrepancy(modes, symbol, a - b) ** 0.5 for a, b in itertools.pairwise(found)]
        for name, pair in (("l1", far), ("kmd", away)):
            error, order = richardson(*pair)
            errors[f"error_{name}"].append(error)
            errors[f"order_{name}"].append(order)
    positions, weights = gf.sample(flow.grid, start, count, "quasi-random", seed=1)
    particles = folder / f"d{dim}_s{s:g}_particles.run"
    solver_of_particles = Particles(flow, positions, weights, tolerance=1e-7)
    gf.run(solver_of_particles, t_end=times[-1], store=particles, snapshots=gf.AtTimes(times), snapshot_dtype="float64")
    held = gf.open_run(particles)
    frames = np.array([held.snapshot(index=index).positions for index in range(len(times))])
    return Solution(
        dim, s, [grid.shape for grid in grids], times,
        flow.grid.averages_on(grids[1], flow.target),
        np.array([flow.grid.averages_on(grids[1], values) for values in densities[-1]]),
        {name: np.array(values) for name, values in errors.items()},
        frames, weights,
        compare(Reference(path), times, frames, weights),
    )  # fmt: skip


def row(solution: Solution) -> dict[str, Any]:
    """What the table says of a case, at the last time; errors are the largest of all times."""
    found, last = solution.found, solution.found.moments[-1]
    return {
        "d": solution.dim,
        "s": solution.s,
        "cells": solution.shapes[-1][0],
        "N": found.count,
        "t": float(solution.times[-1]),
        "L1 error": float(solution.errors["error_l1"].max()),
        "order": float(solution.errors["order_l1"][2]),
        "KMD error": float(solution.errors["error_kmd"].max()),
        "KMD": max(moment.kmd for moment in found.moments),
        "of samples": last.noise,
        "W": last.wasserstein,
        "factor": float("nan") if found.motion is None else found.motion.factor,
        "verdict": found.verdict,
    }


def write(solutions: list[Solution], path: Path) -> None:
    """The data set: a group for every case."""
    with h5py.File(path, "w") as file:
        file.attrs["title"] = "Reference solutions of the gradient flow of the kernel mean discrepancy"
        file.attrs["gridflow"] = gf.__version__
        for one in solutions:
            group = file.create_group(f"d{one.dim}_s{one.s:g}")
            group.attrs["s"], group.attrs["lengths"] = one.s, LENGTHS[: one.dim]
            group.attrs["solved_on"] = one.shapes
            group.attrs["verdict"], group.attrs["reason"] = one.found.verdict, one.found.reason
            if one.found.motion is not None:
                group.attrs["factor"] = one.found.motion.factor
            arrays = {
                "times": one.times, "target": one.target, "density": one.density, "positions": one.positions,
                "weights": one.weights, **one.errors,
                **{name: [getattr(moment, name) for moment in one.found.moments]
                   for name in ("kmd", "noise", "p_above", "wasserstein", "wasserstein_error")},
            }  # fmt: skip
            for name, values in arrays.items():
                group.create_dataset(name, data=values, compression="gzip", shuffle=True)


def explain(rows: list[dict[str, Any]], path: Path) -> None:
    """The README beside the data set."""
    names = list(rows[0])
    lines = [
        "| " + " | ".join(f"{value:.3g}" if isinstance(value, float) else str(value) for value in one.values()) + " |"
        for one in rows
    ]
    path.write_text(
        f"""# Reference solutions of the flow of the kernel mean discrepancy

`reference_data.h5`, written by `scripts/figures/reference_data.py` of gridflow {gf.__version__}.

Equation: dmu/dt = div(mu grad V), V = (-Laplace)^(-s) (mu - nu), on the torus with periods {LENGTHS} (the
first d of them). nu is proportional to 1 + 0.15 prod_a cos(2 pi x_a / L_a). mu(0) = 0.6 bump + 0.4 / volume, where the
bump is a Gaussian of standard deviation 0.15 at 0.4 L, periodic, of mass 1. Both have mass 1.

A group `d<d>_s<s>` for every case:

| name | shape | meaning |
|---|---|---|
| `times` | (T,) | |
| `target`, `density` | (n, ...), (T, n, ...) | averages of nu and mu over cells, from x = 0 on |
| `error_l1`, `order_l1` | (T,) | integral of the error of mu, from three grids (`solved_on`); order |
| `error_kmd`, `order_kmd` | (T,) | the same in the KMD of the case's kernel |
| `positions`, `weights` | (T, N, d), (N,) | particles, quasi-random at the start |
| `kmd`, `noise`, `p_above` | (T,) | of particles and density; of N independent samples; p of those |
| `wasserstein`, `wasserstein_error` | (T,) | W1 (d = 1) or sliced W2 |

Attributes: `s`, `lengths`, `solved_on`, `verdict`, `reason`, and `factor`, displacements over the integral of velocity.

To use: start from `positions[0]` and `weights`, advance to `times`, and compare with `density` (beyond its error) or
with `positions`.

Largest errors and distances over all times; `order`, `of samples` and `W` at one of them:

| {" | ".join(names)} |
|{"---|" * len(names)}
{chr(10).join(lines)}
""",
        encoding="utf-8",
    )


def draw(solutions: list[Solution], path: Path) -> None:
    """KMD of particles (solid), of independent samples (dashed), and the grid's error (dotted), a panel for every d."""
    with look():
        figure = new_figure(10.5, 3.4)
        panels = figure.subplots(1, 3, sharey=True)
        for one in solutions:
            axes, color = panels[one.dim - 1], COLORS[one.s]
            at = np.array(SHARES)
            axes.semilogy(
                at, [m.kmd for m in one.found.moments], "o-", color=color, markersize=3, label=f"s = {one.s:g}"
            )
            axes.semilogy(at, [m.noise for m in one.found.moments], "--", color=color, linewidth=1)
            axes.semilogy(at[1:], one.errors["error_kmd"][1:], ":", color=color, linewidth=1.3)
            axes.set_title(f"d = {one.dim}")
            axes.set_xlabel("share of the last time")
        panels[0].set_ylabel("KMD")
        for style, label in (("-", "particles"), ("--", "independent samples"), (":", "error of the grid")):
            panels[0].plot([], [], style, color="black", label=label)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right upper")
        save(figure, path)


def main() -> None:
    """Make the data set."""
    options = arguments(__doc__ or "")
    coarsest = {1: 32, 2: 16, 3: 8} if options.small else COARSEST
    count, orders = (1000, ORDERS[1:2]) if options.small else (COUNT, ORDERS)
    with tempfile.TemporaryDirectory() as scratch:
        solutions = [solve(dim, s, coarsest[dim], count, Path(scratch)) for dim in (1, 2, 3) for s in orders]
    rows = [row(one) for one in solutions]
    conclude("Grid and particles", rows, options.folder / "reference_data.csv")
    write(solutions, options.folder / "reference_data.h5")
    explain(rows, options.folder / "README.md")
    draw(solutions, options.folder / "reference_data.png")
    print(
        f"wrote reference_data.h5 ({(options.folder / 'reference_data.h5').stat().st_size / 1e6:.1f} MB) and README.md"
    )


if __name__ == "__main__":
    main()

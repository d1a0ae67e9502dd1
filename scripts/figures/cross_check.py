"""All solvers compared with each other and with closed forms, on smooth data, as the grid is refined.

Finite volumes (upwind, muscl, sharp) and the spectral solver are compared with the extrema of a Coulomb flow (logistic
law), with characteristics in one dimension (in closed form, or integrated for a target that varies), with the linear
decay of a mode for s = 2, and with each other for s = 1.5. Writes cross_check.csv and cross_check.png.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from study import arguments, conclude

import gridflow as gf
from gridflow.measures.diagnostics import fitted_order
from gridflow.theory import Coulomb1D, LinearModes
from gridflow.viz.style import look, new_figure, save
from solvers import FiniteVolume, Spectral

Exact = Callable[[gf.Grid], np.ndarray]
SOLVERS: dict[str, Callable[[gf.Flow], Any]] = {
    "upwind": lambda flow: FiniteVolume(flow, "upwind", tolerance=1e-7),
    "muscl": lambda flow: FiniteVolume(flow, "muscl", tolerance=1e-7),
    "sharp": lambda flow: FiniteVolume(flow, "sharp", tolerance=1e-9),
    "spectral": lambda flow: Spectral(flow, tolerance=1e-9),
}
COLORS = {"upwind": "#9a9a9a", "muscl": "#d1495b", "sharp": "#4f3a8c", "spectral": "#2a9d8f"}


def advanced(solver: Any, start: np.ndarray, until: float) -> np.ndarray:
    """The density at a time."""
    state = solver.initialize(start)
    while state.time < until:
        solver.step(state, until)
    return np.array(solver.density(state))


def wave(grid: gf.Grid) -> np.ndarray:
    """Cell averages of 1 + 0.5 sin 2 pi x, along the first axis."""
    x = grid.edges(0)
    line = np.diff(x - 0.5 * np.cos(2 * np.pi * x) / (2 * np.pi)) / grid.spacing[0]
    return np.broadcast_to(line.reshape([-1] + [1] * (grid.dim - 1)), grid.shape).copy()


def problems(finest: int, in_plane: int) -> dict[str, tuple[Callable[[gf.Grid], gf.Flow], Exact, float, int, Exact]]:
    """By name: the flow, the start, the time, the dimension, and the exact cell averages then."""
    varied = gf.Grid((finest,))
    plane = gf.Grid((in_plane, in_plane))
    coupled = advanced(
        Spectral(gf.Flow(plane, gf.Riesz(1.5), gf.cosine(plane, 0.2)), tolerance=1e-10), gf.cosine(plane, -0.4), 2.0
    )
    closed = Coulomb1D(gf.Flow(varied, gf.Riesz(1), gf.uniform(varied)), wave(varied), smooth=True)(1.0)
    integrated = Coulomb1D(gf.Flow(varied, gf.Riesz(1), gf.cosine(varied, 0.5)), wave(varied), smooth=True)(1.0)

    def small(grid: gf.Grid) -> np.ndarray:
        return 1 + 1e-6 * (gf.cosine(grid, 0.5, [2] * grid.dim) - 1)

    def decayed(grid: gf.Grid) -> np.ndarray:
        factor = LinearModes(gf.Flow(grid, gf.Riesz(2), gf.uniform(grid)))(100.0, (2,) * grid.dim)
        return 1 + factor * (small(grid) - 1)

    def flow(s: float, amplitude: float) -> Callable[[gf.Grid], gf.Flow]:
        return lambda grid: gf.Flow(grid, gf.Riesz(s), gf.cosine(grid, amplitude) if amplitude else gf.uniform(grid))

    return {
        "s = 1, d = 1: closed form": (flow(1, 0), wave, 1.0, 1, lambda grid: varied.averages_on(grid, closed)),
        "s = 1, d = 1, target varies": (flow(1, 0.5), wave, 1.0, 1, lambda grid: varied.averages_on(grid, integrated)),
        "s = 2, d = 2: a linear mode": (flow(2, 0), small, 100.0, 2, decayed),
        "s = 1.5, d = 2: spectral": (
            flow(1.5, 0.2), lambda grid: gf.cosine(grid, -0.4), 2.0, 2, lambda grid: plane.averages_on(grid, coupled),
        ),
    }  # fmt: skip


def measure(finest: int, in_plane: int) -> list[dict[str, Any]]:
    """A row for every problem and solver: errors on ever finer grids and their order."""
    rows = []
    for name, (flow, start, until, dim, exact) in problems(finest, in_plane).items():
        cells = [n for n in (16, 32, 64, 128) if n < (finest if dim == 1 else in_plane)]
        for solver, make in SOLVERS.items():
            errors = []
            for n in cells:
                grid = gf.Grid((n,) * dim)
                found, right = advanced(make(flow(grid)), start(grid), until), exact(grid)
                errors.append(float(abs(found - right).mean() / abs(right - right.mean()).mean()))
            row: dict[str, Any] = {"problem": name, "solver": solver}
            row |= {f"{n} cells": dict(zip(cells, errors, strict=True)).get(n, np.nan) for n in (16, 32, 64, 128)}
            rows.append(row | {"order": fitted_order(1 / np.array(cells), np.array(errors))})
    return rows


def draw(rows: list[dict[str, Any]], path: Any) -> None:
    """Errors against cells, a panel for each problem."""
    names = list(dict.fromkeys(row["problem"] for row in rows))
    with look():
        figure = new_figure(2.7 * len(names) + 0.9, 3.0)
        panels = figure.subplots(1, len(names), sharey=True)
        for axes, name in zip(panels, names, strict=True):
            for row in (row for row in rows if row["problem"] == name):
                cells = [n for n in (16, 32, 64, 128) if np.isfinite(row[f"{n} cells"])]
                axes.loglog(
                    cells, [row[f"{n} cells"] for n in cells], "o-", markersize=3, color=COLORS[row["solver"]],
                    label=row["solver"],
                )  # fmt: skip
            axes.set_xticks([16, 32, 64, 128], ["16", "32", "64", "128"])
            axes.minorticks_off()
            axes.set_title(name)
            axes.set_xlabel("cells along an axis")
        panels[0].set_ylabel("mean error / mean deviation")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right upper")
        save(figure, path)
    print(f"wrote {path}")


def main() -> None:
    """Run the study."""
    options = arguments(__doc__ or "")
    rows = measure(256, 64) if options.small else measure(512, 256)
    conclude("Solvers against each other", rows, options.folder / "cross_check.csv")
    draw(rows, options.folder / "cross_check.png")


if __name__ == "__main__":
    main()

"""How holes fill for s from 1 to 3: the volume of several shapes in two and three dimensions, and their depth.

The hole that a tracer carries along is contoured. For s = 1 its volume decays like e^(-t) for every shape. For s > 1
only its rim pushes mass into the vacuum, and it shrinks ever more slowly. Times are in units of (2 pi)^(2s - 2), the
time of the longest mode. Writes hole_filling.csv and hole_filling.png.
"""

from typing import Any

import numpy as np
from matplotlib import colormaps
from study import arguments, conclude

import gridflow as gf
from gridflow.viz.style import EXACT, look, new_figure, save
from solvers import FiniteVolume

ORDERS = (1.0, 1.25, 1.5, 2.0, 3.0)
END = 4.0
ROWS = 40


def shapes(grid: gf.Grid) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Densities with a hole, and the volume fraction of the hole, by the name of its shape."""
    ball, box = {"radius": 0.25}, {"sides": 0.4}
    shell = {"inner": 0.2, "outer": 0.32}
    found = {
        "ball": (gf.ball_hole(grid, **ball), gf.regions.ball(grid, **ball)),
        "box": (gf.box_hole(grid, **box), gf.regions.box(grid, **box)),
        "shell": (gf.shell_hole(grid, **shell), gf.regions.shell(grid, **shell)),
    }
    if grid.dim == 2:
        lattice = {"counts": 3, "radius": 0.12}
        found["lattice"] = (gf.lattice_of_holes(grid, **lattice), gf.regions.lattice(grid, **lattice))
    return found


def fill(grid: gf.Grid, s: float, start: np.ndarray, hole: np.ndarray) -> dict[str, np.ndarray]:
    """Volume of the hole and its depth, 1 - min mu / mean, at even times in units of the longest mode's."""
    unit = (2 * np.pi) ** (2 * s - 2)
    solver = FiniteVolume(gf.Flow(grid, gf.Riesz(s), gf.uniform(grid)), tracer=hole)
    state = solver.initialize(start)
    times, volumes, depths = np.linspace(0, END, ROWS + 1), [], []
    for time in times:
        while state.time < time * unit:
            solver.step(state, float(time * unit))
        volumes.append(grid.volume - gf.diagnostics.volume_below(grid, state.arrays["tracer"], 0.5))
        depths.append(1 - float(solver.density(state).min()))
    return {"time": times, "volume": np.array(volumes), "depth": np.array(depths)}


def reached(times: np.ndarray, values: np.ndarray, level: float) -> float:
    """When a falling curve first reaches a level, or infinity."""
    below = np.flatnonzero(values <= level)
    if not below.size:
        return np.inf
    at = below[0]
    return float(np.interp(-level, -values[at - 1 : at + 1], times[at - 1 : at + 1])) if at else 0.0


def measure(grid: gf.Grid, name: str, s: float, series: dict[str, np.ndarray]) -> dict[str, Any]:
    """One row of the table."""
    times, share = series["time"], series["volume"] / series["volume"][0]
    at = dict(zip(np.round(times, 6), share, strict=True))
    row: dict[str, Any] = {"d": grid.dim, "hole": name, "s": s, "volume": float(series["volume"][0])}
    row |= {f"share at {time:g}": float(at[time]) for time in (1.0, 2.0, 4.0)}
    row |= {"exact at 2": float(np.exp(-2.0)) if s == 1 else np.nan}
    row |= {"t to 1/2": reached(times, share, 0.5), "t to 1/10": reached(times, share, 0.1)}
    return row | {"depth at 2": float(series["depth"][ROWS // 2])}


def draw(curves: dict[tuple[int, str], dict[float, dict[str, np.ndarray]]], path: Any) -> None:
    """The volume of every shape, coloured by s, with e^(-t)."""
    with look():
        columns = max(sum(1 for dim, _ in curves if dim == d) for d in (2, 3))
        dims = sorted({dim for dim, _ in curves})
        figure = new_figure(2.5 * columns + 0.8, 2.5 * len(dims) + 0.2)
        grid = figure.subplots(len(dims), columns, squeeze=False, sharey=True)
        colors = colormaps["viridis"](np.linspace(0, 0.85, len(ORDERS)))
        for axes in grid.flat:
            axes.set_visible(False)
        for row, dim in zip(grid, dims, strict=True):
            for axes, (name, by_order) in zip(row, ((n, c) for (d, n), c in curves.items() if d == dim), strict=False):
                axes.set_visible(True)
                for (s, series), color in zip(by_order.items(), colors, strict=True):
                    axes.semilogy(series["time"], series["volume"] / series["volume"][0], color=color, label=f"{s:g}")
                time = np.linspace(0, END, 50)
                axes.semilogy(time, np.exp(-time), "--", color=EXACT, linewidth=0.8, label="e^−t")
                axes.set_title(f"{name}, d = {dim}")
                axes.set_ylim(0.01, 1.2)
                axes.set_xlabel("t / (2π)^(2s−2)")
            row[0].set_ylabel("volume of the hole / the first")
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, title="s", loc="outside right upper")
        save(figure, path)
    print(f"wrote {path}")


def main() -> None:
    """Run the study."""
    options = arguments(__doc__ or "")
    grids = (
        [gf.Grid((32, 32)), gf.Grid((16, 16, 16))] if options.small else [gf.Grid((192, 192)), gf.Grid((64, 64, 64))]
    )
    rows, curves = [], {}
    for grid in grids:
        for name, (start, hole) in shapes(grid).items():
            for s in ORDERS:
                series = fill(grid, s, start, hole)
                rows.append(measure(grid, name, s, series))
                curves.setdefault((grid.dim, name), {})[s] = series
    conclude("Filling of holes", rows, options.folder / "hole_filling.csv")
    draw(curves, options.folder / "hole_filling.png")


if __name__ == "__main__":
    main()

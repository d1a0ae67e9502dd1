"""Fill a disc-shaped hole with s = 1 and s = 2; print the laws, draw a figure, make a movie, write a report.

Usage: python fill_a_hole.py [FOLDER] [--cells N]. Earlier results of it in the folder are replaced.
"""

import argparse
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import gridflow as gf
from gridflow import viz
from solvers import FiniteVolume

T_END, RADIUS = 4.0, 0.25


def fill(store: Path, cells: int, s: float) -> dict[str, np.ndarray]:
    """Run the hole under the Riesz kernel of order s; return its series."""
    grid = gf.Grid((cells, cells))
    flow = gf.Flow(grid, gf.Riesz(s), target=gf.uniform(grid))
    solver = FiniteVolume(flow, tracer=gf.regions.ball(grid, RADIUS))
    # for s = 2 the velocity is (2π)² ~ 40 times smaller: run it as much longer, so that both fill alike
    stretch = 1 if s == 1 else 40
    # both have snapshots at the times of the shorter run, at which figure and movie show them side by side
    common, later = (np.linspace(0, T_END * factor, 41) for factor in (1, stretch))
    run = gf.run(
        solver,
        gf.ball_hole(grid, RADIUS),
        t_end=T_END * stretch,
        store=store,
        snapshots=gf.AtTimes(sorted({*common, *later})),
        series=gf.EveryTime(0.1 * stretch),
        progress=True,
        force=True,
        record={"title": f"Disc-shaped hole, s = {s:g}"},
    )
    return run.series


def laws(series: dict[str, np.ndarray]) -> Table:
    """Measured against exact for s = 1, at whole times."""
    table = Table(title="Laws of the Coulomb flow, s = 1, target 1 (measured, and its relative error)")
    for heading in ("t", "hole area", "|H0| e^-t", "error", "plateau", "c(t)", "error", "mass - 1", "min", "energy"):
        table.add_column(heading, justify="right")
    for time in np.arange(0, T_END + 0.5):
        row = {name: values[abs(series["time"] - time).argmin()] for name, values in series.items()}
        table.add_row(
            f"{row['time']:.2f}",
            f"{row['hole_volume']:.5f}",
            f"{row['hole_volume_exact']:.5f}",
            f"{row['hole_volume_ratio'] - 1:+.2%}",
            f"{row['plateau']:.6f}",
            f"{row['plateau_exact']:.6f}",
            f"{row['plateau_ratio'] - 1:+.1e}",
            f"{row['mass'] - 1:+.1e}",
            f"{row['min']:.1e}",
            f"{row['energy']:.3e}",
        )
    return table


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path())
    parser.add_argument("--cells", type=int, default=256)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    runs = {s: options.folder / f"hole_s{s}.run" for s in (1, 2)}
    screen = Console(width=110, markup=False, emoji=False)
    for s, store in runs.items():
        screen.print(f"s = {s}: {options.cells}² cells into {store}")
        series = fill(store, options.cells, s)
        if s == 1:
            screen.print(laws(series))
    figure = options.folder / "hole_s1_s2.png"
    viz.plot([*runs.values()], figure)
    movie = viz.movie([*runs.values()], options.folder / "hole_s1_s2.mp4")
    report = gf.report([*runs.values()], options.folder / "hole_s1_s2.html")
    screen.print("wrote", *runs.values(), figure, movie, report, sep="\n  ", soft_wrap=True)


if __name__ == "__main__":
    main()

"""s = 1 towards targets that vary: exponential decay at twice the smallest target density, and what certifies it.

For every target the energy of a smooth start is followed until it has fallen by twelve orders of magnitude. It is
compared with e^(-2 t inf nu), with the certificate known before the run, and with that from the minima of the run.
Writes coulomb_rates.csv and coulomb_rates.png.
"""

from typing import Any

import numpy as np
from matplotlib import colormaps
from study import arguments, conclude

import gridflow as gf
from gridflow import decay
from gridflow.theory import CoulombCertificate, ExponentialRate, MinimumCertificate, Window
from gridflow.viz.style import EXACT, look, new_figure, save
from solvers import FiniteVolume

FALL = 1e-12
"""Share of the first energy at which a run ends."""


def targets(grid: gf.Grid) -> dict[str, np.ndarray]:
    """Targets by name."""
    middle = [[0.5] * grid.dim]
    return {
        "constant": gf.uniform(grid),
        "1 + 0.3 cos": gf.cosine(grid, 0.3),
        "1 + 0.6 cos": gf.cosine(grid, 0.6),
        "1 + 0.9 cos": gf.cosine(grid, 0.9),
        "bump on 1/2": gf.normalize(grid, 0.5 + 0.5 * gf.gaussian(grid, middle, 0.12)),
        "random": gf.random_sobolev(grid, 3.0, 0.6, seed=2),
    }


def follow(flow: gf.Flow, start: np.ndarray) -> dict[str, np.ndarray]:
    """Times, energies and minima until the energy has fallen."""
    solver = FiniteVolume(flow)
    run = gf.run(
        solver, start, 40 / float(flow.target.min()), series=gf.EverySteps(1),
        callbacks=[gf.stop_when_energy_below(FALL * flow.energy(start), gf.EverySteps(1))],
    )  # fmt: skip
    return run.series


def measure(grid: gf.Grid, name: str, target: np.ndarray) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """One row of the table, and the run's series with the bounds."""
    flow, start = gf.Flow(grid, gf.Riesz(1), target), gf.random_sobolev(grid, 3.0, 0.4, seed=1)
    series = follow(flow, start)
    times, energies = series["time"], series["energy"]
    law, before = ExponentialRate.of(flow), CoulombCertificate.of(flow, start)
    after = MinimumCertificate(float(energies[0]), times, series["min"], law.background)
    window = Window(float(times[-1]) * 2 / 3, float(times[-1]), "the rate has not settled", "the run's end")
    fit = decay.fit_exponential(times, energies, window)
    row = {
        "d": grid.dim,
        "target": name,
        "inf nu": law.background,
        "2 inf nu": law.rate,
        "late rate": fit.exponent,
        "error": fit.error,
        "t to 1e-12": float(times[-1]),
        "certified before": before.time_to(FALL * float(energies[0])),
        "certified after": after.time_to(FALL * float(energies[0])),
        "largest E / certificate": float(np.max(energies / after(times))),
        "certificate / E at t = 3": float(before(3.0)) / float(np.exp(np.interp(3.0, times, np.log(energies)))),
    }
    return row, series | {"before": np.asarray(before(times)), "after": np.asarray(after(times))}


def draw(curves: dict[str, dict[str, np.ndarray]], rows: list[dict[str, Any]], path: Any) -> None:
    """Energies with their certificates, and rates compared with twice the smallest density of the target."""
    with look():
        figure = new_figure(9.0, 3.5)
        left, right = figure.subplots(1, 2)
        colors = colormaps["viridis"](np.linspace(0, 0.85, len(curves)))
        for (name, series), color in zip(curves.items(), colors, strict=True):
            time, energy = series["time"], series["energy"]
            left.semilogy(time, energy / energy[0], color=color, label=name)
            left.semilogy(time, series["before"] / energy[0], color=color, linewidth=0.8, linestyle=":")
            middles = (time[1:] + time[:-1]) / 2
            right.plot(middles, -np.diff(np.log(energy)) / np.diff(time), color=color)
            rate = next(row["2 inf nu"] for row in rows if row["target"] == name)
            right.plot([middles[-1] * 0.75, middles[-1]], [rate, rate], color=color, linestyle="--", linewidth=0.9)
        left.set_ylim(FALL, 3)
        left.set_title("energy / the first;  dotted: certified before the run")
        right.set_title("rate −d log E / dt;  dashed: 2 inf ν")
        right.set_ylim(0, 2.6)
        for axes in (left, right):
            axes.set_xlabel("time")
        left.legend(title="target", edgecolor=EXACT)
        save(figure, path)
    print(f"wrote {path}")


def main() -> None:
    """Run the study."""
    options = arguments(__doc__ or "")
    shapes = [(64,), (24, 24)] if options.small else [(512,), (128, 128), (48, 48, 48)]
    rows, shown = [], {}
    for shape in shapes:
        grid = gf.Grid(shape)
        for name, target in targets(grid).items():
            row, series = measure(grid, name, target)
            rows.append(row)
            if grid.dim == 2:
                shown[name] = series
    conclude("Rates of the energy for s = 1", rows, options.folder / "coulomb_rates.csv")
    draw(shown, rows, options.folder / "coulomb_rates.png")


if __name__ == "__main__":
    main()

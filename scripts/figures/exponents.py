"""How fast for s > 1: measured exponents of E ~ t^-p and (r + s)/(s - 1), in one, two and three dimensions.

Random densities at the border of H^r relax to a constant. Every run is fitted in the window in which the law is
visible: after the first modes have died out, before the last one does, and above round-off. Writes exponents.csv and
exponents.png.
"""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from study import arguments, conclude

import gridflow as gf
from gridflow import decay
from gridflow.theory import PowerLaw, Window
from gridflow.viz.style import EXACT, look, new_figure, save
from solvers import FiniteVolume

ORDERS, REGULARITIES = (1.25, 1.5, 2.0, 3.0), (0.5, 1.0, 2.0)
AMPLITUDE = 0.05
"""Amplitude of the initial deviation: the theorem is local, and one this small shows the power law early."""
ROWS = 60
"""Times in a window at which the energy is evaluated."""
WANTED = 1.5
"""Decades of time."""
COLORS = ("#4f3a8c", "#2a9d8f", "#d1495b")


@dataclass(frozen=True)
class Size:
    """Grid and number of random starts in a dimension, and the relative deviation that is allowed."""

    dim: int
    cells: int
    seeds: int
    allowed: float
    cells_slow: int = 0
    """For s = 1.25, whose modes of all wave numbers decay at nearly the same rate; 0 for as many as otherwise."""

    def grid(self, s: float) -> gf.Grid:
        """The grid for an order."""
        return gf.Grid((self.cells_slow if self.cells_slow and s < 1.5 else self.cells,) * self.dim)


SIZES = (Size(1, 8192, 4, 0.03, 65536), Size(2, 384, 2, 0.06), Size(3, 96, 1, 0.1))
SMALL = (Size(1, 2048, 1, 0.1), Size(2, 64, 1, 0.3), Size(3, 20, 1, 1.0))


def energies(flow: gf.Flow, start: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The energy at some times."""
    solver = FiniteVolume(flow)
    state = solver.initialize(start)
    found = []
    for until in times:
        while state.time < until:
            solver.step(state, float(until))
        found.append(flow.energy(solver.density(state)))
    return np.array(found)


def measure(size: Size, s: float, r: float) -> dict[str, Any]:
    """One row of the table: random starts of one regularity under one kernel."""
    grid = size.grid(s)
    flow = gf.Flow(grid, gf.Riesz(s), gf.uniform(grid))
    law = PowerLaw.of(flow, r)
    window = law.window(flow)
    row: dict[str, Any] = {"d": grid.dim, "cells": grid.shape[0], "s": s, "r": r, "predicted": law.exponent}
    measured, error, share = np.nan, np.nan, np.nan
    if window.decades > 0.1:
        times = np.geomspace(window.start, window.end, ROWS)
        fits = []
        for seed in range(size.seeds):
            start = gf.random_sobolev(grid, r, AMPLITUDE, seed)
            curve = energies(flow, start, times)
            floor = decay.round_off_energy(flow, float(start.max()))
            window = decay.seen_window(times, curve, floor).within(window)
            fits.append(decay.fit_power(times, curve, window))
        measured = float(np.mean([fit.exponent for fit in fits]))
        error = float(np.sqrt(np.mean([fit.error**2 for fit in fits]) / len(fits)))
        share = measured / law.exponent - 1
    row |= {"measured": measured, "error": error, "deviation": share, "from t": window.start, "to t": window.end}
    row |= {"decades": window.decades, "verdict": _verdict(share, window, size.allowed)}
    return row


def _verdict(share: float, window: Window, allowed: float) -> str:
    """Whether a row shows what is asked for, or what keeps it from that."""
    if window.decades < WANTED:
        return f"window too short: {window.before} before, {window.after} after"
    return "as predicted" if abs(share) <= allowed else "off"


def draw(rows: list[dict[str, Any]], path: Any) -> None:
    """Measured over predicted exponents; open where the window is shorter than asked for."""
    with look():
        figure = new_figure(6.4, 3.4)
        axes = figure.subplots()
        axes.axhline(1, color=EXACT, linewidth=0.8, linestyle="--")
        axes.axhspan(0.97, 1.03, color=EXACT, alpha=0.06, linewidth=0)
        for dim, color in zip((1, 2, 3), COLORS, strict=True):
            for number, row in enumerate(row for row in rows if row["d"] == dim):
                full = row["decades"] >= WANTED
                axes.errorbar(
                    number + 0.22 * (dim - 2), row["measured"] / row["predicted"], row["error"] / row["predicted"],
                    fmt="o", color=color, markerfacecolor=color if full else "white", markersize=4, linewidth=1,
                    label=None if number else f"d = {dim}",
                )  # fmt: skip
        names = [f"s = {s:g}\nr = {r:g}" for s in ORDERS for r in REGULARITIES]
        axes.set_xticks(range(len(names)), names, fontsize=7)
        axes.set_ylabel("measured / predicted")
        axes.set_ylim(0.8, 1.2)
        axes.set_title("exponent of E ~ t^−(r+s)/(s−1);  open: less than one and a half decades to see it in")
        axes.legend(ncols=3, loc="upper right")
        save(figure, path)
    print(f"wrote {path}")


def main() -> None:
    """Run the study."""
    options = arguments(__doc__ or "")
    sizes = SMALL if options.small else SIZES
    rows = []
    for size, s, r in product(sizes, ORDERS, REGULARITIES):
        rows.append(measure(size, s, r))
        print(
            f"d = {size.dim}, s = {s}, r = {r}: {rows[-1]['measured']:.4g} of {rows[-1]['predicted']:.4g}", flush=True
        )
    conclude("Exponents of the energy for s > 1", rows, options.folder / "exponents.csv")
    draw(rows, options.folder / "exponents.png")


if __name__ == "__main__":
    main()

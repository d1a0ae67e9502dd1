"""Where the local guarantee for s > 1 ends: starts ever farther from ever emptier targets, and what stalls.

The start is (1 - a) nu + a times a bump of width 1/50, Dirac-like at a = 1; the target 1 + (1 - e) cos 2 pi x is e at
its emptiest; s = 2. A run is compared with linear theory about a constant target: how many times longer its energy
takes to fall to a hundred-millionth. A run that takes more than ten times as long has stalled, and the figure shows
where its remaining deviation is. Writes local_guarantee.csv and local_guarantee.png.
"""

from typing import Any

import numpy as np
from study import arguments, conclude

import gridflow as gf
from gridflow.theory import LinearDecay
from gridflow.viz.style import COLORMAP, EXACT, MEASURED, SECOND, look, new_figure, save
from solvers import FiniteVolume

S = 2.0
WIDTH = 0.02
FALL, PATIENCE = 1e-8, 10.0
DISTANCES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.97, 1.0)
EMPTINESS = (1.0, 0.5, 0.25, 0.1, 0.03, 0.01, 0.0)


def problem(grid: gf.Grid, distance: float, least: float) -> tuple[gf.Flow, np.ndarray]:
    """The flow to a target that is ``least`` at its emptiest, and a start at a distance."""
    target = gf.cosine(grid, 1 - least, [1] + [0] * (grid.dim - 1)) if least < 1 else gf.uniform(grid)
    bump = gf.gaussian(grid, [[0.7] + [0.5] * (grid.dim - 1)], WIDTH)
    # at no distance a small wave, whose decay is that of the guarantee itself
    near = gf.normalize(grid, target * (1 + 0.1 * np.cos(2 * np.pi * grid.mesh()[0]) ** 3))
    start = gf.normalize(grid, (1 - distance) * near + distance * bump)
    return gf.Flow(grid, gf.Riesz(S), target), start


def run(grid: gf.Grid, distance: float, least: float) -> tuple[dict[str, Any], np.ndarray]:
    """One row of the table, and what is left of the deviation from the target at the end."""
    flow, start = problem(grid, distance, least)
    energy = flow.energy(start)
    expected = expected_time(flow, start)
    solver = FiniteVolume(flow)
    state = solver.initialize(start)
    share = 1.0
    while share > FALL and state.time < PATIENCE * expected:
        solver.step(state, PATIENCE * expected)
        share = solver.diagnose(state)["energy"] / energy
    left = solver.density(state) - flow.target
    squared = left**2
    row = {
        "d": grid.dim,
        "a": distance,
        "e": least,
        "least of the start": float(start.min()),
        "linear time": expected,
        "slower by": state.time / expected,
        "energy / first": share,
        "left where nu < 1/4": float(squared[flow.target < 0.25].sum() / squared.sum()),
        "verdict": "converged" if share <= FALL else "stalled",
    }
    return row, left.copy()


def expected_time(flow: gf.Flow, start: np.ndarray) -> float:
    """When, by linear theory, the energy of the same deviation from a constant target has fallen that far."""
    grid = flow.grid
    constant = gf.Flow(grid, flow.kernel, gf.uniform(grid))
    squared = sum(xi**2 for xi in grid.wavevector())
    power = gf.sobolev.mode_power(grid, start - flow.target) * flow.symbol / 2
    decay = LinearDecay((squared * flow.symbol).ravel(), power.ravel())
    return decay.time_to(FALL * constant.energy(constant.target + start - flow.target))


def draw(grid: gf.Grid, rows: list[dict[str, Any]], ends: dict[tuple[float, float], np.ndarray], path: Any) -> None:
    """The map of the basin, and what is left of two runs that stalled."""
    with look():
        figure = new_figure(10.0, 3.5)
        left, *right = figure.subplots(1, 3, width_ratios=(1.3, 1, 1))
        found = {(row["a"], row["e"]): row for row in rows if row["d"] == 1}
        slower = np.array([[found[(a, e)]["slower by"] for a in DISTANCES] for e in EMPTINESS])
        image = left.imshow(np.log10(slower), cmap=COLORMAP, vmin=0, vmax=np.log10(PATIENCE), aspect="auto")
        for (a, e), row in found.items():
            if row["verdict"] == "stalled":
                left.text(DISTANCES.index(a), EMPTINESS.index(e), "×", ha="center", va="center", fontsize=12)
        left.set_xticks(range(len(DISTANCES)), [f"{a:g}" for a in DISTANCES])
        left.set_yticks(range(len(EMPTINESS)), [f"{e:g}" for e in EMPTINESS])
        left.set_xlabel("a: share of the bump in the start")
        left.set_ylabel("e: smallest target density")
        left.set_title("log10 of how much slower than linear theory;  ×: stalled")
        figure.colorbar(image, ax=left).outline.set_visible(False)
        for axes, (a, e) in zip(right, ((0.0, 0.03), (0.1, 0.0)), strict=True):
            flow, start = problem(grid, a, e)
            x, rest = grid.centers(0), ends[(a, e)]
            axes.plot(x, (start - flow.target) / abs(start - flow.target).max(), color=SECOND, linewidth=0.9)
            axes.plot(x, rest / abs(rest).max(), color=MEASURED)
            axes.plot(x, flow.target, "--", color=EXACT, linewidth=0.9)
            axes.set_xlabel("x")
            axes.set_ylim(-1.2, 2.1)
            axes.set_title(f"a = {a:g}, e = {e:g}: slower by {found[(a, e)]['slower by']:.3g}")
        for axes, label in zip(right[0].get_lines(), ("μ − ν at the start", "μ − ν at the end", "target"), strict=True):
            axes.set_label(label)
        figure.legend(handles=right[0].get_lines(), loc="outside lower right", ncols=3)
        save(figure, path)
    print(f"wrote {path}")


def main() -> None:
    """Run the study."""
    options = arguments(__doc__ or "")
    line, plane = (gf.Grid((128,)), gf.Grid((24, 24))) if options.small else (gf.Grid((512,)), gf.Grid((96, 96)))
    rows, ends = [], {}
    for e in EMPTINESS:
        for a in DISTANCES:
            row, ends[(a, e)] = run(line, a, e)
            rows.append(row)
    rows += [run(plane, a, e)[0] for e in (1.0, 0.1, 0.0) for a in (0.0, 0.5, 0.9, 1.0)]
    conclude("The local guarantee for s = 2", rows, options.folder / "local_guarantee.csv")
    draw(line, rows, ends, options.folder / "local_guarantee.png")


if __name__ == "__main__":
    main()

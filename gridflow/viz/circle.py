"""Densities on the circle, the directions of a network's neurons, in polar axes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.projections.polar import PolarAxes
from matplotlib.ticker import MaxNLocator

from gridflow.domains.torus import Grid
from gridflow.runtime.schema import Snapshot
from gridflow.runtime.store import RunDirectory
from gridflow.viz.scale import Scale
from gridflow.viz.selection import short
from gridflow.viz.style import EXACT

OUTWARD, INWARD = 1.4, 0.9
"""Height of the largest density outside the unit circle, and largest depth of a negative one inside."""
ZERO: Any = {"color": "#8c8c8c", "linewidth": 0.7}


def on_circle(stored: RunDirectory) -> bool:
    """Whether a run is on a grid of the circle."""
    return stored.grid.sphere_dim == 1 and stored.grid.has_cells


def time_colors(count: int) -> np.ndarray:
    """Return colours for lines in order of time, from dark to light."""
    return colormaps["viridis"](np.linspace(0, 0.9, count))


def draw_circle(axes: PolarAxes, grid: Grid, frames: Sequence[Snapshot], target: np.ndarray, scale: Scale) -> None:
    """Draw densities over time around the unit circle: positive ones outside, negative ones inside and dotted.

    The radius is ``1 + c density / scale.high``, with c chosen so that everything is visible.

    Parameters
    ----------
    axes
        Polar axes.
    grid
        The circle, one axis of period 2π.
    frames
        Densities in order of time, drawn from dark to light; the last is filled.
    target
        ν, shape ``grid.shape``, drawn dashed; inside the circle where it is negative.
    scale
        Range of densities; no density may exceed its upper end.
    """
    negatives = [frame.negative for frame in frames if frame.negative is not None]
    deepest = max(float(values.max()) for values in [*negatives, -target])
    reach = min(OUTWARD, INWARD * scale.high / deepest) if deepest > 0 else OUTWARD
    angle = grid.centers(0)

    def closed(values: np.ndarray) -> np.ndarray:
        return np.append(values, values[0])

    def radius(density: np.ndarray) -> np.ndarray:
        return closed(1 + reach / scale.high * density)

    colors = time_colors(len(frames))
    axes.fill_between(closed(angle), 1, radius(frames[-1].density), color=colors[-1], alpha=0.25, linewidth=0)
    axes.plot(np.linspace(0, 2 * np.pi, 181), np.ones(181), **ZERO)
    for frame, color in zip(frames, colors, strict=True):
        axes.plot(closed(angle), radius(frame.density), color=color, label=f"t = {short(frame.time)}")
        if frame.negative is not None:
            axes.plot(closed(angle), radius(-frame.negative), color=color, linestyle=":")
    axes.plot(closed(angle), radius(target), color=EXACT, linestyle="--", linewidth=1, label="target")
    axes.set_ylim(0, 1 + 1.02 * reach)
    axes.set_xticks(np.arange(4) * np.pi / 2, ["0", "π/2", "π", "3π/2"])
    axes.tick_params(axis="x", pad=-5)
    axes.spines["polar"].set_visible(False)
    axes.grid(linewidth=0.4, alpha=0.6)
    values = [value for value in MaxNLocator(3).tick_values(0, scale.high) if 0 < value <= scale.high]
    highest = np.max([target, *(frame.density for frame in frames)], axis=0)
    between = (2 * np.arange(4) + 1) * np.pi / 4
    free = between[np.argmin(np.interp(between, angle, highest))]
    axes.set_rgrids(  # labels go where the curves are farthest away
        [1 + reach * value / scale.high for value in values],
        [short(value) for value in values],
        angle=float(np.degrees(free)),
        fontsize=7,
    )


def label_angle(axes: Axes) -> None:
    """Label the x-axis as an angle, in multiples of π."""
    axes.set_xticks(np.arange(5) * np.pi / 2, ["0", "π/2", "π", "3π/2", "2π"])
    axes.set_xlabel("angle")

"""Runs of particles: points with the paths that they came by, and in one dimension, histograms."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.patches import StepPatch

from gridflow.domains.torus import Grid
from gridflow.runtime.schema import Snapshot
from gridflow.runtime.store import RunDirectory
from gridflow.viz import artists
from gridflow.viz.circle import time_colors
from gridflow.viz.panels import CAPTION, PANEL, Block, images
from gridflow.viz.pictures import is_line, picture_of
from gridflow.viz.selection import short, time_labels
from gridflow.viz.view import View

MOST_PATHS = 400
"""Largest number of particles whose paths are drawn."""
MOST_STEPS = 60
"""Largest number of snapshots that a path connects."""


def particle_runs(view: View, stored: RunDirectory, frames: Sequence[Snapshot], width: float) -> Block:
    """Create the block of the particles of a run over time, and its target, for a figure of a given width in inches."""
    grid: Any = stored.grid  # particles are on a torus
    if is_line(grid):
        return Block(1.1 * PANEL + CAPTION, lambda part: _draw_histograms(part, stored, grid, frames))
    target = stored.target
    scale = view.scale([picture_of(grid, view.cut).pixels(target)])
    paths = [
        _paths(stored, before.time if before else None, frame)
        for before, frame in zip([None, *frames], frames, strict=False)
    ]

    def draw(axes: Axes, number: int, named: bool) -> None:
        shown = number < len(frames)
        artists.density(axes, grid, 0 * target if shown else target, scale, view.cut, named)
        if shown:
            axes.images[0].remove()
            axes.set(xlim=(0, grid.lengths[0]), ylim=(0, grid.lengths[1]), aspect="equal")
            for spine in axes.spines.values():
                spine.set_visible(True)
            artists.particles(axes, grid, _positions(frames[number]), paths[number])

    seen = ", along z" if grid.dim == 3 else ""
    labels = [told + seen for told in time_labels(frames)] + ["target" + view.cut.label(grid)]
    return images(grid, labels, scale, width, draw, view.cut)


def histogram(axes: Axes, grid: Grid, frame: Snapshot, **style: object) -> StepPatch:
    """Draw the density of particles in one dimension as a histogram of their masses; return it.

    Parameters
    ----------
    axes
        Axes to draw on.
    grid
        The line.
    frame
        A snapshot with positions, shape (N, 1), and weights, shape (N,).
    style
        Options of :meth:`matplotlib.axes.Axes.stairs`.
    """
    positions = _positions(frame)
    bins = int(np.clip(len(positions) ** 0.4, 10, 200))
    masses, edges = np.histogram(
        np.mod(positions[:, 0], grid.lengths[0]), bins, (0, grid.lengths[0]), weights=frame.weights
    )
    return axes.stairs(masses / np.diff(edges), edges, **style)  # type: ignore[arg-type]


def _draw_histograms(figure: FigureBase, stored: RunDirectory, grid: Grid, frames: Sequence[Snapshot]) -> None:
    axes = figure.subplots()
    for frame, color, label in zip(frames, time_colors(len(frames)), time_labels(frames), strict=True):
        histogram(axes, grid, frame, color=color, label=label, linewidth=1.2)
    artists.target_line(axes, grid, stored.target)
    axes.set(xlim=(0, grid.lengths[0]), xlabel="x")
    axes.set_ylim(bottom=0)
    count = len(_positions(frames[0]))
    axes.set_title(f"density of {short(count)} particles, as a histogram")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def _positions(frame: Snapshot) -> np.ndarray:
    assert frame.positions is not None
    return frame.positions


def _paths(stored: RunDirectory, begin: float | None, frame: Snapshot) -> np.ndarray | None:
    """Return the positions of some particles from the frame before to this one, shape (times, N, d); None without."""
    if begin is None:
        return None
    times = stored.times
    between = np.flatnonzero((times >= begin) & (times <= frame.time))
    between = between[np.unique(np.linspace(0, between.size - 1, min(MOST_STEPS, between.size)).astype(int))]
    if between.size < 2:
        return None
    count = len(_positions(frame))
    some = np.unique(np.linspace(0, count - 1, min(MOST_PATHS, count)).astype(int))
    return np.stack([_positions(stored.snapshot(index=int(index)))[some] for index in between])

"""Spectra of the difference to the target: which scales decay, and how fast."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.figure import FigureBase
from matplotlib.lines import Line2D

from gridflow.domains.base import Domain
from gridflow.errors import InputError
from gridflow.measures import sobolev
from gridflow.runtime.store import RunDirectory
from gridflow.viz.circle import time_colors
from gridflow.viz.comparisons import MOST, told_apart
from gridflow.viz.panels import Block, stacked
from gridflow.viz.selection import common_times, nearest, net, time_labels, title
from gridflow.viz.view import Figure

DECADES = 14
"""Decades below the largest value that are drawn; less is round-off."""
HEIGHT = 3.0
"""Height of the panels, in inches."""


def spectrum(axes: Axes, grid: Domain, values: np.ndarray, target: np.ndarray, **style: object) -> Line2D:
    """Draw the spectrum of μ − ν, averaged over the directions of the wave vector.

    Parameters
    ----------
    axes
        Axes to draw on; both are made logarithmic.
    grid
        The domain.
    values, target
        Cell averages of μ and ν, shape ``grid.shape`` (mass / volume).
    style
        Options of :meth:`matplotlib.axes.Axes.plot`.

    Returns
    -------
    Line2D
        Mean power |f̂|² of a mode, over the wave number |ξ| (1 / length).

    Raises
    ------
    InputError
        If a value is not finite.
    """
    shells = sobolev.shell_spectrum(grid, values - target)
    held = (shells.power > 0) & (shells.modes > 0)
    mean = shells.power[held] / shells.modes[held]
    (line,) = axes.loglog(shells.wavenumber[held], mean, **style)
    axes.set(xlabel="wave number |ξ|")
    return line


@dataclass(frozen=True)
class Spectrum(Figure, kind="spectrum"):
    """Spectra of μ − ν at several times, of one run or of several side by side."""

    @classmethod
    def obstacle(cls, runs: Sequence[RunDirectory]) -> str:
        """Why it cannot be made of these runs; empty if it can."""
        if len(runs) > MOST:
            return f"it shows {MOST} runs at most, and there are {len(runs)}"
        if not all(run.grid.has_cells for run in runs):
            return "a density that is a single number has no spectrum"
        still = [run for run in runs if len(run.times) == 0]
        return f"{still[0].path} holds no snapshots yet" if still else ""

    def draw(self, runs: Sequence[RunDirectory]) -> Drawing:
        """Draw the figure; see :meth:`Figure.draw`."""
        times = list(self.times) if self.times is not None else common_times(runs, self.frames)
        width = self.width or 3.4 * len(runs) + 1.4

        def draw(figure: FigureBase) -> None:
            panels = figure.subplots(1, len(runs), squeeze=False, sharey=True)[0]
            for axes, run, told in zip(panels, runs, told_apart(runs), strict=True):
                frames = nearest(run, times)
                for frame, color, label in zip(frames, time_colors(len(frames)), time_labels(frames), strict=True):
                    if not np.isfinite(net(frame)).all():
                        raise InputError(f"{run.path} has no finite density at t = {frame.time:g}; choose other times")
                    spectrum(axes, run.grid, net(frame), run.target, color=color, label=label)
                axes.set_title(told if len(runs) > 1 else "mean power of a mode of μ − ν", parse_math=False)
            tops = [line.get_ydata() for axes in panels for line in axes.get_lines()]
            highest = max((float(np.max(values)) for values in tops if np.size(values)), default=1.0)
            lowest = min((float(np.min(values)) for values in tops if np.size(values)), default=highest)
            panels[0].set_ylim(max(lowest, highest * 10.0**-DECADES) / 2, 3 * highest)
            panels[0].set_ylabel("mean power of a mode")
            panels[-1].legend(loc="center left", bbox_to_anchor=(1, 0.5))

        told = title(runs[0]) if len(runs) == 1 else "spectra of μ − ν"
        return stacked([Block(HEIGHT, draw)], width, told)

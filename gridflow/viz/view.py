"""What every figure of runs is, and its options."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure as Drawing

from gridflow.errors import InputError
from gridflow.runtime.outputs import Output
from gridflow.runtime.schema import Snapshot
from gridflow.runtime.store import RunDirectory
from gridflow.viz.pictures import NAMES, Cut
from gridflow.viz.scale import Scale
from gridflow.viz.selection import evenly, nearest

FORMATS = (".png", ".pdf", ".svg", ".jpg", ".webp", ".tif")
FRAMES = 5
COLUMNS = {1: 3.4, 2: 7.0}
"""Widths of one column and of two columns of a paper, in inches."""


@dataclass(frozen=True)
class View:
    """The options that pictures of densities share.

    Parameters
    ----------
    axis, at
        In 3-D, the axis across which the domain is cut, ``x``, ``y`` or ``z``, and where (length). Default: ``z``, in
        the middle.
    limits
        Lower and upper end of the colour scale or of the axis of densities. Default: from what is shown.
    log
        Whether densities are on a logarithmic scale.
    cmap
        Name of a colour map of matplotlib.
    """

    axis: str = "z"
    at: float | None = None
    limits: tuple[float, float] | None = None
    log: bool = False
    cmap: str | None = None

    def __post_init__(self) -> None:
        if self.axis not in NAMES:
            raise InputError(f'axis = "{self.axis}": it must be one of {", ".join(NAMES)}')
        if self.limits is not None:
            low, high = self.limits
            if not (low < high and math.isfinite(low) and math.isfinite(high)):
                raise InputError(f"limits = {low:g}, {high:g}: the first must be below the second")
            if self.log and low <= 0:
                raise InputError(f"limits = {low:g}, {high:g}: on a logarithmic scale both must be positive")

    @property
    def cut(self) -> Cut:
        """The plane in which a 3-D domain is shown."""
        return Cut(self.axis, self.at)

    def scale(self, shown: Iterable[np.ndarray], signed: bool = False, label: str | None = None) -> Scale:
        """The scale of the values that are shown; see :meth:`Scale.over`."""
        return Scale.over(shown, signed, limits=self.limits, log=self.log, cmap=self.cmap, label=label)


@dataclass(frozen=True)
class Figure(View, Output, ABC, command="plot", suffixes=FORMATS):
    """A figure of one run or of several.

    Parameters
    ----------
    frames
        Number of densities to show, evenly spread over the snapshots, at least 1. Default: 5.
    times
        Times to show instead; of each, the nearest snapshot.
    columns
        Width of the figure, as 1 or 2 columns of a paper. Default: as wide as its panels need on a screen.
    dpi
        Pixels per inch of what is not a vector graphic. Default: 160.
    """

    frames: int = FRAMES
    times: Sequence[float] | None = None
    columns: int | None = None
    dpi: float = 160

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.frames < 1:
            raise InputError(f"frames = {self.frames}: at least 1 is needed")
        if self.times is not None and not (len(self.times) and all(math.isfinite(time) for time in self.times)):
            raise InputError(f"times = {list(self.times)}: it must be one or more finite numbers")
        if self.columns is not None and self.columns not in COLUMNS:
            raise InputError(f"columns = {self.columns}: it must be 1 or 2")
        if not (np.isfinite(self.dpi) and 10 <= self.dpi <= 2400):
            raise InputError(f"dpi = {self.dpi:g}: it must be between 10 and 2400")

    @property
    def width(self) -> float | None:
        """Width in inches, or None for as wide as the panels need."""
        return None if self.columns is None else COLUMNS[self.columns]

    def shown(self, stored: RunDirectory) -> list[Snapshot]:
        """The snapshots of a run to show, in the order of time; InputError if there are none yet."""
        return evenly(stored, self.frames) if self.times is None else nearest(stored, self.times)

    @abstractmethod
    def draw(self, runs: Sequence[RunDirectory]) -> Drawing:
        """Draw the figure of some runs, in the common style.

        Raises
        ------
        InputError
            If a run does not hold what the figure shows.
        """

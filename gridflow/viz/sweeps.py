"""An overview of a sweep: the energies of all members, and the volumes of their holes."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.figure import FigureBase

from gridflow.decay.holes import hole_columns
from gridflow.errors import InputError
from gridflow.runtime.store import RunDirectory, open_run
from gridflow.viz import curves
from gridflow.viz.panels import Block, stacked
from gridflow.viz.selection import short
from gridflow.viz.view import Figure

RECORD, TABLE = "sweep.json", "sweep.csv"
MOST_PANELS = 8
HEIGHT = 2.6
"""Height of a row of panels, in inches."""

Place = tuple[int, ...]
"""Indices of the values of all keys."""


def is_sweep(folder: Path) -> bool:
    """Whether a folder is one that ``gridflow sweep`` made."""
    return (folder / RECORD).is_file()


def members(folder: Path) -> tuple[dict[str, list[Any]], dict[Place, RunDirectory]]:
    """Read the keys of a sweep with their values, and open its members, by the indices of their values.

    Parameters
    ----------
    folder
        The folder that ``gridflow sweep`` made.

    Raises
    ------
    InputError
        If it is none, or no member has a series yet.
    """
    if not is_sweep(folder) or not (folder / TABLE).is_file():
        raise InputError(f"{folder} is not a sweep that has run: it has no {RECORD} or no {TABLE}")
    over: dict[str, list[Any]] = json.loads((folder / RECORD).read_text(encoding="utf-8"))["over"]
    with (folder / TABLE).open(newline="", encoding="utf-8") as file:
        names = [row["member"] for row in csv.DictReader(file)]
    places = np.ndindex(*(len(values) for values in over.values()))
    there = [(place, folder / name) for place, name in zip(places, names, strict=True) if (folder / name).exists()]
    found = {place: stored for place, path in there if (stored := open_run(path)).series}
    if not found:
        raise InputError(f"{folder} has no member with a series yet")
    return over, found


@dataclass(frozen=True)
class Sweep(Figure, kind="sweep"):
    """Energies and holes of all members of a sweep over time, relative to the first.

    The first key determines the colour of a line; every combination of the others has its own panel, up to eight.
    """

    @classmethod
    def obstacle(cls, runs: Sequence[RunDirectory]) -> str:
        """Why it cannot be made of these runs; empty if it can."""
        folders = {run.path.parent for run in runs}
        if len(folders) == 1 and is_sweep(next(iter(folders))):
            return ""
        return "they are not the members of a sweep"

    def draw(self, runs: Sequence[RunDirectory]) -> Drawing:
        """Draw the figure; see :meth:`Figure.draw`."""
        folder = runs[0].path.parent
        over, found = members(folder)
        (first, values), *others = over.items()
        panels = list(np.ndindex(*(len(listed) for _, listed in others)))[:MOST_PANELS]
        with_holes = any(hole_columns(stored.series) for stored in found.values())
        colors = colormaps["viridis"](np.linspace(0, 0.85, len(values)))
        logs = [curves.wants_log_time(stored.series) for stored in found.values()]
        log = sum(logs) * 2 > len(logs)

        def draw(figure: FigureBase) -> None:
            grid = figure.subplots(2 if with_holes else 1, len(panels), squeeze=False, sharey="row", sharex=True)
            for column, panel in zip(grid.T, panels, strict=True):
                shown = [
                    (_label(value), color, found[(number, *panel)])
                    for number, (value, color) in enumerate(zip(values, colors, strict=True))
                    if (number, *panel) in found
                ]
                chosen = zip(others, panel, strict=True)
                told = ", ".join(f"{key} = {_label(listed[which])}" for (key, listed), which in chosen)
                column[0].set_title(told, parse_math=False)
                for label, color, stored in shown:
                    _draw_energy(column[0], stored, color, label)
                    if with_holes:
                        _draw_hole(column[1], stored, color)
                _time_axis(column[-1], log, [stored for *_, stored in shown])
            grid[0, 0].set_yscale("log")
            grid[0, 0].set_ylabel("energy / the first")
            if with_holes:
                grid[1, 0].set_ylabel("size of the hole / the first")
                grid[1, 0].set_yscale("log")
                grid[1, 0].set_ylim(max(grid[1, 0].get_ylim()[0], 1e-4), 1.5)
            lines = {line.get_label(): line for axes in grid[0] for line in axes.get_lines()}
            grid[0, -1].legend(lines.values(), lines.keys(), title=first, loc="upper left", bbox_to_anchor=(1, 1))

        width = self.width or 3.0 * len(panels) + 1.6
        return stacked([Block(HEIGHT * (2 if with_holes else 1), draw)], width, folder.name)


def _label(value: Any) -> str:
    return short(value) if isinstance(value, float) else str(value)


def _draw_energy(axes: Axes, stored: RunDirectory, color: Any, label: str) -> None:
    series = stored.series
    held = series["energy"] > 0
    axes.plot(series["time"][held], series["energy"][held] / series["energy"][0], color=color, label=label)


def _draw_hole(axes: Axes, stored: RunDirectory, color: Any) -> None:
    series = stored.series
    found = hole_columns(series)
    if found is not None and series[found.measured][0] > 0:
        volumes = series[found.measured]
        axes.plot(series["time"][volumes > 0], volumes[volumes > 0] / volumes[0], color=color)


def _time_axis(axes: Axes, log: bool, shown: Sequence[RunDirectory]) -> None:
    """Make the x-axis one of time that all runs fit on."""
    if shown:
        curves.time_axis(axes, log, max((stored.series for stored in shown), key=lambda series: series["time"][-1]))
    else:
        axes.set_xlabel("time")

"""An overview of a sweep: the energies of all members, and the volumes of their holes."""

import csv
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes

from gridflow.errors import InputError
from gridflow.runtime.store import open_run
from gridflow.viz.figures import FORMATS, is_power_law
from gridflow.viz.outputs import checked_output
from gridflow.viz.selection import short
from gridflow.viz.style import look, new_figure, save

MOST_PANELS = 8
HOLES = {"hole_volume": "hole"}

Series = dict[str, np.ndarray]


def plot_sweep(folder: str | os.PathLike[str], output: str | os.PathLike[str]) -> Path:
    """Draw the energies of all members of a sweep over time, relative to the initial ones.

    The first key determines the colour of a line; every combination of the others has its own panel, up to eight. If
    members have holes, the volumes of these are drawn below.

    Parameters
    ----------
    folder
        The folder that ``gridflow sweep`` made.
    output
        File to write; the suffix determines the format.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    InputError
        If there is no sweep, no member has a series yet, or the suffix or folder of the output is not allowed.
    """
    path, folder = checked_output(output, FORMATS), Path(folder)
    over, curves = _read(folder)
    (first, values), *others = over.items()
    counts = [len(listed) for _, listed in others]
    panels = list(np.ndindex(*counts))[:MOST_PANELS]
    hole = next((name for name in HOLES if any(name in series for series in curves.values())), None)
    colors = colormaps["viridis"](np.linspace(0, 0.85, len(values)))
    with look():
        figure = new_figure(3.0 * len(panels) + 1.4, 2.9 if hole is None else 5.2)
        grid = figure.subplots(1 if hole is None else 2, len(panels), squeeze=False, sharey="row")
        for column, panel in zip(grid.T, panels, strict=True):
            shown = [
                (_label(value), color, curves[(number, *panel)])
                for number, (value, color) in enumerate(zip(values, colors, strict=True))
                if (number, *panel) in curves
            ]
            chosen = zip(others, panel, strict=True)
            column[0].set_title(", ".join(f"{key} = {_label(listed[which])}" for (key, listed), which in chosen))
            _draw_energies(column[0], shown)
            if hole is not None:
                _draw_holes(column[1], shown, hole)
            column[-1].set_xlabel("time")
        grid[0, 0].set_ylabel("energy / the first")
        if hole is not None:
            grid[1, 0].set_ylabel(f"volume of the {HOLES[hole]} / the first")
        lines = {line.get_label(): line for axes in grid[0] for line in axes.get_lines()}
        figure.legend(lines.values(), lines.keys(), title=first, loc="outside right upper")
        return save(figure, path)


def _read(folder: Path) -> tuple[dict[str, list[Any]], dict[tuple[int, ...], Series]]:
    """Read the axes of a sweep, and the series of its members by the indices of their values."""
    record, table = folder / "sweep.json", folder / "sweep.csv"
    if not record.is_file() or not table.is_file():
        raise InputError(f"{folder} is not a sweep that has run: it has no sweep.json or no sweep.csv")
    over: dict[str, list[Any]] = json.loads(record.read_text(encoding="utf-8"))["over"]
    with table.open(newline="", encoding="utf-8") as file:
        names = [row["member"] for row in csv.DictReader(file)]
    places = np.ndindex(*(len(values) for values in over.values()))
    there = [(place, folder / name) for place, name in zip(places, names, strict=True) if (folder / name).exists()]
    curves = {place: series for place, path in there if (series := open_run(path).series)}
    if not curves:
        raise InputError(f"{folder} has no member with a series yet")
    return over, curves


def _label(value: Any) -> str:
    return short(value) if isinstance(value, float) else str(value)


def _draw_energies(axes: Axes, shown: Sequence[tuple[str, Any, Series]]) -> None:
    """Draw energies on a logarithmic axis; time is logarithmic, too, if most energies decay like a power of it."""
    axes.set_yscale("log")
    powers = [is_power_law(series["time"], series["energy"]) for _, _, series in shown]
    if sum(powers) * 2 > len(powers):
        axes.set_xscale("log")
    for label, color, series in shown:
        moving = (series["time"] > 0) & (series["energy"] > 0)
        axes.plot(series["time"][moving], series["energy"][moving] / series["energy"][0], color=color, label=label)


def _draw_holes(axes: Axes, shown: Sequence[tuple[str, Any, Series]], hole: str) -> None:
    axes.set_ylim(0, 1.05)
    for _, color, series in shown:
        if hole in series and series[hole][0] > 0:
            axes.plot(series["time"], series[hole] / series[hole][0], color=color)

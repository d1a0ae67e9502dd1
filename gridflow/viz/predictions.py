"""A prediction: the bracket of theorems, the energies that the tiers expect, and the measured one if there is a run."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gridflow.errors import InputError
from gridflow.runtime.outputs import checked_output
from gridflow.runtime.store import RunDirectory, open_run
from gridflow.theory.brackets import Bracket
from gridflow.viz.selection import short
from gridflow.viz.style import EXACT, MEASURED, SECOND, look, new_figure, save
from gridflow.viz.view import FORMATS

BOUND = "#d8d4e6"
STYLES = ("--", "-.", ":")
LONGEST = 4.0
"""Largest factor by which the time axis extends beyond the expected time."""
POINTS = 300


class Outlook(NamedTuple):
    """What one tier expects: its name, and the energy over time, shapes (rows,)."""

    name: str
    times: np.ndarray
    energies: np.ndarray


def plot_prediction(
    outlooks: Sequence[Outlook],
    bracket: Bracket,
    goal: float,
    expected: tuple[float, float, float],
    output: str | os.PathLike[str],
    run: str | os.PathLike[str] | RunDirectory | None = None,
    title: str = "",
) -> Path:
    """Draw the expected energies, the bracket of theorems, the goal, and the energy of a run.

    Time is linear where the energy decays exponentially, else logarithmic. The bracket is shaded. The answer is a dot
    at the goal with its interval. The measured energy is a thick line.

    Parameters
    ----------
    outlooks
        The energies that the tiers expect, the one of the answer last.
    bracket
        The bounds that are known before the run.
    goal
        Energy to reach.
    expected
        Time at which the goal is expected to be reached, and the ends of its interval.
    output
        File to write; the suffix determines the format.
    run
        A run of the same case, finished or not. Default: None.
    title
        Title of the figure.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    InputError
        If there is nothing to draw, or the suffix or folder of the output is not allowed.
    """
    path = checked_output(output, FORMATS)
    if not outlooks:
        raise InputError("no tier of this prediction has an energy over time to draw")
    time, low, high = expected
    first = float(outlooks[-1].energies[0])
    exponential = any("s = 1" in text for bound in bracket.floors for text in bound.hypotheses)
    end = min(max(time, high if math.isfinite(high) else time), LONGEST * time)
    begin = 0.0 if exponential else _begin(outlooks[-1], time)
    times = np.linspace(0, 1.05 * end, POINTS) if exponential else np.geomspace(begin, 1.3 * end, POINTS)
    with look():
        figure = new_figure(6.4, 4.0)
        axes = figure.subplots()
        upper = bracket.upper(times)
        if bracket.floors:
            top = np.full(times.shape, first) if upper is None else np.minimum(upper, first)
            told = "bracket of theorems" if upper is not None else "above the lower bound of theorems"
            axes.fill_between(times, bracket.lower(times), top, color=BOUND, linewidth=0, label=told)
        if run is not None:
            series = open_run(run).series if not isinstance(run, RunDirectory) else run.series
            held = series["energy"] > 0
            axes.plot(series["time"][held], series["energy"][held], color=EXACT, linewidth=3.5, alpha=0.3, label="run")
        for outlook, style in zip(outlooks[:-1], STYLES, strict=False):
            axes.plot(outlook.times, outlook.energies, style, color=EXACT, linewidth=1, label=outlook.name)
        last = outlooks[-1]
        axes.plot(last.times, last.energies, color=MEASURED, label=f"{last.name}, the answer")
        axes.axhline(goal, color=SECOND, linewidth=0.8)
        ends = [[time - low], [max(min(high, 1e3 * time) - time, 0.0)]]
        axes.errorbar([time], [goal], xerr=ends, fmt="o", color=SECOND, markersize=5, capsize=3, zorder=5,
                      label=f"t = {short(time)}")  # fmt: skip
        axes.set(yscale="log", xlabel="time", xlim=(times[0], times[-1]), ylim=(goal / 5, 2 * first))
        if not exponential:
            axes.set_xscale("log")
        axes.set_title("energy  ½ KMD²")
        axes.legend(loc="upper right")
        figure.suptitle(title, x=0.01, ha="left", fontsize=10)
        return save(figure, path)


def _begin(outlook: Outlook, time: float) -> float:
    """Time on a logarithmic axis from which on something happens: where the energy has fallen by a tenth."""
    fallen = np.flatnonzero(outlook.energies < 0.9 * outlook.energies[0])
    first = float(outlook.times[fallen[0]]) if fallen.size else time
    return min(first / 5 if first > 0 else time, time / 10)

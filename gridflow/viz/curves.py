"""Curves of a run's series on matplotlib axes: energy, extrema, the volume of its hole; each beside its exact law."""

import os
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from gridflow.decay.holes import hole_columns
from gridflow.errors import InputError
from gridflow.runtime.outputs import opened
from gridflow.runtime.store import RunDirectory
from gridflow.viz.style import EXACT, MEASURED, SECOND

Stored = str | os.PathLike[str] | RunDirectory
"""A run: opened, or the path of its directory."""
LAW: Any = {"linestyle": "--", "color": EXACT, "linewidth": 1}
"""How an exact law is drawn."""
WIDE = 30.0
"""Ratio of the largest to the smallest value from which an axis is logarithmic."""
RESOLVED = 1e-16
"""Share of the largest density below which that of an emptying cell means nothing."""
EARLY = 0.05
"""Share of the time before which, on a linear axis, nobody sees that a curve changes."""


def series_of(run: Stored) -> tuple[RunDirectory, dict[str, np.ndarray]]:
    """Open a run and read its series; InputError if it has none yet."""
    (stored,) = opened(run, "a curve")
    if not (series := stored.series):
        raise InputError(f"{stored.path} has no series yet: there is nothing to draw")
    return stored, series


def is_power_law(time: np.ndarray, energy: np.ndarray) -> bool:
    """Whether the last decade of time is closer to a straight line on log-log than on semi-log axes."""
    late = (time > time[-1] / 10) & (energy > 0)
    if late.sum() < 4:
        return False
    logarithm = np.log(energy[late])
    if logarithm.std() == 0:
        return False
    exponential, power = (abs(np.corrcoef(t, logarithm)[0, 1]) for t in (time[late], np.log(time[late])))
    return bool(power > exponential)


def wants_log_time(series: dict[str, np.ndarray]) -> bool:
    """Whether a run is better seen on a logarithmic axis of time.

    That is so if its energy falls like a power of time, or if half of what its logarithm loses is lost in the first
    twentieth of the time.
    """
    time, energy = series["time"], series["energy"]
    held = np.isfinite(energy) & (energy > 0)
    time, energy = time[held], energy[held]
    if time.size < 8 or time[-1] <= 0:
        return False
    lost = np.log(energy[0] / energy)
    early = lost[-1] > 1 and np.interp(EARLY * time[-1], time, lost) > lost[-1] / 2
    return bool(early) or is_power_law(time, energy)


def time_axis(axes: Axes, log: bool, series: dict[str, np.ndarray]) -> None:
    """Make the x-axis one of time, logarithmic if ``log``, from the first recorded step on."""
    axes.set_xlabel("time")
    time = series["time"]
    if log and (time > 0).sum() > 1:
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlim(time[time > 0][0], time[-1])


def energy(axes: Axes, run: Stored, **style: Any) -> Line2D:
    """Draw the energy ½ KMD² over time, on a logarithmic axis if it changes by more than half.

    Parameters
    ----------
    axes
        Axes to draw on.
    run
        A run, opened or the path of its directory, finished or not.
    style
        Options of :meth:`matplotlib.axes.Axes.plot`.

    Returns
    -------
    Line2D
        The curve.

    Raises
    ------
    InputError
        If there is no run, or it has no series yet.
    """
    _, series = series_of(run)
    values = series["energy"]
    (line,) = axes.plot(series["time"], values, **({"color": MEASURED} | style))
    log_axis(axes, values, 1.5)
    return line


def log_axis(axes: Axes, values: np.ndarray, ratio: float = WIDE) -> None:
    """Make the y-axis logarithmic if the largest value exceeds the smallest positive one by a factor."""
    positive = values[np.isfinite(values) & (values > 0)]
    if positive.size and positive.max() > ratio * positive.min():
        axes.set_yscale("log")
        if positive.max() > 30 * positive.min():
            axes.yaxis.set_minor_formatter(NullFormatter())


def extrema(axes: Axes, run: Stored) -> list[Line2D]:
    """Draw the largest and the smallest cell average over time, and the exact laws that are known.

    The axis is logarithmic if they span more than a factor of 30, so that a small smallest density is seen.

    Parameters
    ----------
    axes
        Axes to draw on.
    run
        A run, opened or the path of its directory.

    Returns
    -------
    list of Line2D
        The curves, those of the laws last.

    Raises
    ------
    InputError
        If there is no run, or it has no series yet.
    """
    _, series = series_of(run)
    lines = [
        axes.plot(series["time"], series[name], color=color, label=label)[0]
        for name, color, label in (("max", MEASURED, "largest cell"), ("min", SECOND, "smallest cell"))
    ]
    laws = [name for name in ("plateau_exact", "max_exact", "min_exact") if name in series]
    for number, name in enumerate(laws):
        lines += axes.plot(series["time"], series[name], label="" if number else "exact law", **LAW)
    both = np.concatenate([series["max"], series["min"]])
    log_axis(axes, both)
    if axes.get_yscale() == "log":
        most = np.nanmax(both)
        positive = both[both > 0]
        axes.set_ylim(max(float(positive.min()), RESOLVED * most) / 2, 3 * most)
    elif np.nanmin(both) >= 0:
        axes.set_ylim(bottom=0)
    return lines


def hole_volume(axes: Axes, run: Stored, relative: bool = False, law: bool = True, **style: Any) -> list[Line2D]:
    """Draw the volume of a run's hole over time on a logarithmic axis, the exact law, and the volume of one cell.

    Parameters
    ----------
    axes
        Axes to draw on.
    run
        A run with a hole, opened or the path of its directory.
    relative
        Whether volumes are divided by the first.
    law
        Whether the exact law is drawn where there is one.
    style
        Options of :meth:`matplotlib.axes.Axes.plot` for the measured curve.

    Returns
    -------
    list of Line2D
        The measured curve and, if there is one, the law.

    Raises
    ------
    InputError
        If there is no run, it has no series yet, or it has no hole.
    """
    stored, series = series_of(run)
    found = hole_columns(series)
    if found is None:
        raise InputError(f"{stored.path} has no hole that is known")
    name = found.measured
    unit = series[name][0] if relative else 1.0
    held = series[name] > 0
    axes.set_yscale("log")
    given = {"color": MEASURED, "label": "measured"} | style
    lines = axes.plot(series["time"][held], series[name][held] / unit, **given)
    least = float(np.min(stored.grid.cell_volumes)) / unit
    if law and found.exact is not None:
        lines += axes.plot(series["time"], series[found.exact] / unit, label=r"exact  $|H_0|\,e^{-at}$", **LAW)
    elif law and found.bounds is not None:
        low, high = (series[bound] / unit for bound in found.bounds)
        axes.fill_between(series["time"], low, high, color=EXACT, alpha=0.12, linewidth=0, label="bounds of the law")
    bottom = max(float(series[name][held].min()) / unit, least) / 2
    axes.set_ylim(bottom, 1.6 * float(series[name].max()) / unit)
    if least > bottom:
        axes.axhline(least, color="#9a9a9a", linestyle=":", linewidth=0.8)
        axes.annotate("one cell", (1, least), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=7,
                      color="#777777")  # fmt: skip
    return lines


def hole_ratio(axes: Axes, run: Stored) -> Line2D | None:
    """Draw the volume of a run's hole divided by its exact law; None, and nothing is drawn, where there is no law.

    Parameters
    ----------
    axes
        Axes to draw on.
    run
        A run with a hole, opened or the path of its directory.

    Returns
    -------
    Line2D or None
        The curve.

    Raises
    ------
    InputError
        If there is no run, or it has no series yet.
    """
    stored, series = series_of(run)
    found = hole_columns(series)
    if found is None or found.exact is None:
        return None
    name, law = found.measured, series[found.exact]
    seen = law > float(np.min(stored.grid.cell_volumes))
    ratio = series[name][seen] / law[seen]
    axes.axhline(1, **LAW)
    (line,) = axes.plot(series["time"][seen], ratio, color=MEASURED)
    reach = max(0.05, 1.1 * float(abs(ratio - 1).max(initial=0.0)))
    axes.set_ylim(1 - min(reach, 1.0), 1 + reach)
    axes.set_title(f"{stored.grid.measure} / exact law")
    return line


def discrepancy(axes: Axes, run: Stored) -> list[Line2D]:
    """Draw the KMD and the dissipation −dE/dt over time, on a logarithmic axis.

    Parameters
    ----------
    axes
        Axes to draw on.
    run
        A run, opened or the path of its directory.

    Returns
    -------
    list of Line2D
        The two curves.

    Raises
    ------
    InputError
        If there is no run, or it has no series yet.
    """
    _, series = series_of(run)
    lines = []
    for name, color, label in (("kmd", MEASURED, "KMD"), ("dissipation", SECOND, "dissipation −dE/dt")):
        held = series[name] > 0
        lines += axes.plot(series["time"][held], series[name][held], color=color, label=label)
    if any(line.get_xdata().size for line in lines):  # type: ignore[union-attr]
        axes.set_yscale("log")
    return lines

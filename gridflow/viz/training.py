"""A training beside its limit: losses against time, and the measure of the limit over time."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.projections.polar import PolarAxes

from gridflow.sphere import SphereGrid
from gridflow.store import RunDirectory
from gridflow.theory import LinearDecay
from gridflow.viz.circle import draw_circle, on_circle, time_colors
from gridflow.viz.fields import Scale
from gridflow.viz.figures import FORMATS
from gridflow.viz.selection import evenly, is_signed, short
from gridflow.viz.sphere import draw_sphere
from gridflow.viz.style import EXACT, MEASURED, SECOND, checked_output, look, new_figure, publish

FRAMES = 5


def plot_training(
    folder: str | os.PathLike[str],
    runs: Sequence[tuple[str, str]],
    goal: float,
    output: str | os.PathLike[str],
    exponent: float | None = None,
    linear: LinearDecay | None = None,
) -> Path:
    """Draw losses against time on logarithmic axes, and the density of the limit beside or below them.

    The limit is a thick line, networks trained on the population are solid, on samples dashed, one colour for a
    width; the predicted slope is dotted through the limit's last third, linear theory is thin, and the time at which it
    reaches the goal is marked.

    Parameters
    ----------
    folder
        Where the run directories are.
    runs
        Their names and what to call them, the limit first.
    goal
        The loss to reach.
    output
        File to write; the ending says the format.
    exponent
        Predicted power of time, if there is one.
    linear
        The curve of linear theory, if there is one.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    InputError
        If a run is missing or holds nothing yet, or the output's ending or folder is not allowed.
    """
    path = checked_output(output, FORMATS)
    stored = [RunDirectory(Path(folder) / name) for name, _ in runs]
    limit = stored[0]
    frames = evenly(limit, FRAMES)
    with look():
        if isinstance(limit.grid, SphereGrid):
            figure = new_figure(11.0, 7.4)
            above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(4.2, 3.2))[:, 0]
            axes = above.subplots()
            signed = is_signed(limit)
            densities = [frame.density for frame in frames] + [limit.target]
            draw_sphere(below, limit.grid, frames, limit.target, Scale.over(densities, signed))
        else:
            figure = new_figure(11.0, 4.6)
            left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(6.4, 4.6))[0]
            axes = left.subplots()
            if on_circle(limit):
                circle = cast(PolarAxes, right.subplots(subplot_kw={"projection": "polar"}))
                scale = Scale.over([frame.density for frame in frames] + [abs(limit.target)])
                draw_circle(circle, limit.grid, frames, limit.target, scale)
                circle.set_title("directions of the limit's neurons")
                circle.legend(loc="upper left", bbox_to_anchor=(0.98, 1.0))
        _draw_losses(axes, stored, [label for _, label in runs], goal, exponent, linear)
        title = str(limit.manifest.get("record", {}).get("title", ""))
        figure.suptitle(title, x=0.01, ha="left", fontsize=10)
        return publish(path, figure.savefig)


def _draw_losses(
    axes: Axes,
    stored: Sequence[RunDirectory],
    labels: Sequence[str],
    goal: float,
    exponent: float | None,
    linear: LinearDecay | None,
) -> None:
    widths = [int(each.manifest["solver"].get("count", 0)) for each in stored]
    colors = dict(zip(sorted(set(widths) - {0}), time_colors(len(set(widths) - {0})), strict=True))
    times, losses = _moving(stored[0])
    axes.plot(times, losses, color=EXACT, linewidth=3, alpha=0.35, label=labels[0])
    for each, label, width in zip(stored[1:], labels[1:], widths[1:], strict=True):
        on_samples = each.manifest["solver"].get("loss") == "empirical"
        axes.plot(*_moving(each), "--" if on_samples else "-", color=colors[width], linewidth=1.2, label=label)
    if linear is not None:
        axes.plot(times, linear(times), color=MEASURED, linewidth=0.8, label="linear theory")
        reached = linear.time_to(goal)
        if math.isfinite(reached) and reached > 0:
            axes.plot([reached], [goal], "o", color=SECOND, zorder=5, label=f"predicted: {short(reached)}")
    if exponent is not None:
        late = times >= times[-1] ** (2 / 3) * times[0] ** (1 / 3)
        through = losses[late][0] * 2
        slope = through * (times[late] / times[late][0]) ** -exponent
        axes.plot(times[late], slope, ":", color=SECOND, linewidth=2, label=f"$t^{{-{exponent:.3g}}}$, predicted")
    axes.axhline(goal, color=SECOND, linewidth=0.8)
    axes.set(xscale="log", yscale="log", xlabel="time of training")
    axes.set_title("population loss, half the mean squared error")
    axes.set_ylim(bottom=min(goal, *(float(_moving(each)[1].min()) for each in stored)) / 3)
    axes.legend(loc="lower left")


def _moving(stored: RunDirectory) -> tuple[np.ndarray, np.ndarray]:
    series = stored.series
    held = (series["time"] > 0) & (series["energy"] > 0)
    return series["time"][held], series["energy"][held]

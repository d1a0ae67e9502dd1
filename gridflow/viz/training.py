"""Trained networks and their infinite-width limit: losses over time, and the densities of the limit."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.projections.polar import PolarAxes

from gridflow.runtime.outputs import checked_output
from gridflow.runtime.schema import Snapshot
from gridflow.runtime.store import RunDirectory
from gridflow.theory import LinearDecay
from gridflow.viz.artists import target_line
from gridflow.viz.circle import draw_circle, label_angle, time_colors
from gridflow.viz.panels import heading
from gridflow.viz.scale import Scale
from gridflow.viz.selection import evenly, is_signed, net, short, time_labels
from gridflow.viz.sphere import draw_sphere
from gridflow.viz.style import EXACT, SECOND, look, new_figure, save
from gridflow.viz.view import FORMATS

FRAMES = 5
BEYOND = 5
"""Largest factor by which the time axis may be extended to show predictions."""


class Curve(NamedTuple):
    """One run of a training: its directory, its label, and the curve of linear theory, if any."""

    path: Path
    label: str
    linear: LinearDecay | None


def plot_training(
    runs: Sequence[Curve], goal: float, output: str | os.PathLike[str], exponent: float | None = None
) -> Path:
    """Draw the losses over time on logarithmic axes, and densities of the limit beside or below them.

    The limit is a thick line. Networks trained on the population loss are solid, those trained on samples dashed, with
    one colour for each width. Linear theory is dotted, with a dot where it reaches the goal. The predicted slope is
    dash-dotted.

    Parameters
    ----------
    runs
        The runs, the limit first.
    goal
        The loss to reach.
    output
        File to write; the suffix determines the format.
    exponent
        Predicted exponent p of the decay t^−p, if there is one.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    InputError
        If a run is missing or has no snapshots yet, or the suffix or folder of the output is not allowed.
    """
    path = checked_output(output, FORMATS)
    stored = [RunDirectory(run.path) for run in runs]
    limit = stored[0]
    grid: Any = limit.grid
    frames = evenly(limit, FRAMES)
    shown = [net(frame) for frame in frames] + [limit.target]
    with look():
        if grid.dim == 2:
            figure = new_figure(11.0, 7.6)
            above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(4.2, 3.4))[:, 0]
            axes = above.subplots()
            draw_sphere(below, grid, frames, limit.target, Scale.over(shown, is_signed(limit)))
        else:
            figure = new_figure(11.0, 4.6)
            left, middle, right = figure.subfigures(1, 3, squeeze=False, width_ratios=(5.0, 3.2, 3.6))[0]
            axes = left.subplots()
            circle = cast(PolarAxes, middle.subplots(subplot_kw={"projection": "polar"}))
            scale = Scale.over([frame.density for frame in frames] + [abs(limit.target)])
            draw_circle(circle, grid, frames, limit.target, scale)
            circle.set_title("directions of the limit's neurons")
            _draw_angles(right.subplots(), grid, frames, limit.target)
        draw_losses(axes, stored, runs, goal)
        if exponent is not None:
            _draw_slope(axes, limit, exponent)
        axes.legend(loc="lower left", fontsize=7, frameon=True, framealpha=0.9, edgecolor="none")
        heading(figure, limit.title, 11.0)
        return save(figure, path)


def _draw_angles(axes: Axes, grid: Any, frames: Sequence[Snapshot], target: np.ndarray) -> None:
    """Draw the densities over the angle, with the legend of both panels above."""
    for frame, color, label in zip(frames, time_colors(len(frames)), time_labels(frames), strict=True):
        axes.plot(grid.centers(0), frame.density, color=color, label=label)
        if frame.negative is not None:
            axes.plot(grid.centers(0), -frame.negative, ":", color=color)
    target_line(axes, grid, target)
    axes.set_xlim(0, 2 * np.pi)
    label_angle(axes)
    axes.set_title("density over the angle")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.06), ncols=3)


def draw_losses(axes: Axes, stored: Sequence[RunDirectory], runs: Sequence[Curve], goal: float) -> None:
    """Draw the losses of runs with linear theory and the goal."""
    widths = [int(each.manifest["solver"].get("count", 0)) for each in stored]
    networks = sorted(set(widths[1:]))
    colors = dict(zip(networks, time_colors(len(networks)), strict=True)) | {0: to_rgba(EXACT)}
    samples = ""
    for each, run, width in zip(stored, runs, widths, strict=True):
        on_samples = each.manifest["solver"].get("loss") == "empirical"
        style: dict[str, Any] = {"linewidth": 1.3} if width else {"linewidth": 3.5, "alpha": 0.35}
        label = "_" if on_samples and f"m = {width}" in axes.get_legend_handles_labels()[1] else run.label
        samples = run.label.rpartition(", ")[2] if on_samples else samples
        axes.plot(*_moving(each), "--" if on_samples else "-", color=colors[width], label=label, **style)
        if run.linear is None or on_samples:
            continue
        times = _moving(each)[0]
        axes.plot(times, run.linear(times), ":", color=colors[width], linewidth=1)
        reached = run.linear.time_to(goal)
        if 0 < reached < BEYOND * times[-1]:
            axes.plot([reached], [goal], "o", color=colors[width], markersize=5, zorder=5)
    if samples:
        axes.plot([], [], "--", color=EXACT, linewidth=1.3, label=f"dashed: trained on {samples}")
    axes.axhline(goal, color=SECOND, linewidth=0.8, label=f"goal {short(goal)}")
    if any(run.linear is not None for run in runs):
        axes.plot([], [], "o:", color=EXACT, linewidth=1, markersize=5, label="linear theory; dot: goal reached")
    axes.set(xscale="log", yscale="log", xlabel="time of training")
    axes.set_title("population loss, half the mean squared error")
    axes.set_ylim(bottom=min(goal, *(float(_moving(each)[1].min()) for each in stored)) / 3)


def _draw_slope(axes: Axes, limit: RunDirectory, exponent: float) -> None:
    """Draw the predicted power law over the last third of the limit's curve, shifted up by a factor of 2."""
    times, losses = _moving(limit)
    late = times >= times[-1] ** (2 / 3) * times[0] ** (1 / 3)
    slope = 2 * losses[-1] * (times[late] / times[-1]) ** -exponent
    axes.plot(times[late], slope, "-.", color=SECOND, linewidth=1.5, label=f"$t^{{-{exponent:.3g}}}$, predicted slope")


def _moving(stored: RunDirectory) -> tuple[np.ndarray, np.ndarray]:
    series = stored.series
    held = (series["time"] > 0) & (series["energy"] > 0)
    return series["time"][held], series["energy"][held]

"""Figures that compare particles with a grid run: distances over time, densities, displacements, and the order in N."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from gridflow.errors import InputError
from gridflow.runtime.outputs import checked_output
from gridflow.validation import Comparison, Reference, order
from gridflow.viz.selection import title
from gridflow.viz.style import COLORMAP, EXACT, MEASURED, SECOND, look, new_figure, save
from gridflow.viz.view import FORMATS

COLORS = (MEASURED, SECOND, "#2a7f62", "#c98a1b", "#777777")
DOTS = 4000
"""Largest number of particles to draw."""
VERDICT = {"consistent": "consistent", "better-than-sampling": "better than random sampling"}


def plot_comparison(
    reference: Reference,
    found: Sequence[Comparison],
    output: str | os.PathLike[str],
) -> Path:
    """Draw the results of :func:`gridflow.compare` for one or more runs of particles.

    Top left: the KMD over time (solid) and that of N independent samples (dashed), with the band that contains 98 % of
    them. Top middle: the Wasserstein distance. Top right: the factor α of the displacements in every interval, or the
    KMD against N if there are several N. Bottom: particles of the first comparison and the density, at the first, a
    middle and the last time.

    Parameters
    ----------
    reference
        The grid run.
    found
        Comparisons with it, at least one.
    output
        File to write; the suffix determines the format.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    InputError
        If there is no comparison, or the suffix or the folder of the output is not allowed.
    """
    path = checked_output(output, FORMATS)
    if not found:
        raise InputError("found = []: a figure needs at least one comparison")
    with look():
        figure = new_figure(11.0, 7.4)
        (distances, transports, last), below = figure.subplots(2, 3)
        for one, color in zip(found, _colors(len(found)), strict=True):
            _draw_distances(distances, reference, one, color)
            _draw_transport(transports, one, color)
        distances.set_title("kernel mean discrepancy")
        transports.set_title(f"Wasserstein distance ({found[0].moments[0].wasserstein_name})")
        for axes in (distances, transports):
            axes.set_yscale("log")
            axes.set_xlabel("time")
        distances.plot([], [], "--", color=EXACT, linewidth=1, label="N independent samples")
        distances.legend()
        shown = np.unique(np.linspace(0, len(found[0].moments) - 1, 3).round().astype(int))
        for axes, number in zip(below, shown, strict=False):
            _draw_density(axes, reference, found[0], int(number))
        for axes in below[len(shown) :]:
            axes.set_axis_off()
        if len({one.count for one in found}) > 1:
            _draw_order(last, found)
        else:
            _draw_factors(last, found)
        worst = next((one for one in found if one.verdict == "inconsistent"), found[0])
        verdict = VERDICT.get(
            worst.verdict, f"inconsistent since t = {worst.since:.4g}" if worst.since is not None else ""
        )
        figure.suptitle(f"{title(reference.stored)}\n{worst.name}: {verdict}", x=0.01, ha="left", fontsize=10)
        return save(figure, path)


def _colors(count: int) -> list[str]:
    return [COLORS[number % len(COLORS)] for number in range(count)]


def _draw_distances(axes: Axes, reference: Reference, one: Comparison, color: str) -> None:
    times = [moment.time for moment in one.moments]
    bands = []
    for moment in one.moments:
        index = reference.index_of(moment.time)
        assert index is not None
        bands.append(reference.calibrations(index, one.effective_count)[0].between(0.01, 0.99))
    low, high = np.sqrt(np.array(bands)).T
    axes.fill_between(times, low, high, color=color, alpha=0.12, linewidth=0)
    axes.plot(times, [moment.noise for moment in one.moments], "--", color=color, linewidth=1)
    axes.plot(times, [moment.kmd for moment in one.moments], "o-", color=color, markersize=3, label=f"N = {one.count}")
    wrong = [moment for moment in one.moments if moment.verdict == "inconsistent"]
    axes.plot([m.time for m in wrong], [m.kmd for m in wrong], "x", color=EXACT, markersize=7)


def _draw_transport(axes: Axes, one: Comparison, color: str) -> None:
    times = [moment.time for moment in one.moments]
    axes.plot(times, [m.wasserstein_noise for m in one.moments], "--", color=color, linewidth=1)
    axes.plot(times, [m.wasserstein for m in one.moments], "o-", color=color, markersize=3)


def _draw_density(axes: Axes, reference: Reference, one: Comparison, number: int) -> None:
    """Draw particles and density: curves in 1D, else dots on the density, in 3D on its mean along z."""
    time = one.moments[number].time
    index = reference.index_of(time)
    assert index is not None
    grid, density = reference.flow.grid, reference.density(index)
    positions, held = one.particles.frame(int(abs(one.particles.times - time).argmin()))
    axes.set_title(f"t = {time:.4g}")
    axes.set_xlabel("x")
    if grid.dim == 1:
        bins = int(np.clip(one.count**0.4, 10, 200))
        weights = held if held is not None else np.full(one.count, reference.flow.target_mass / one.count)
        masses, edges = np.histogram(positions[:, 0], bins, (0, grid.lengths[0]), weights=weights)
        axes.stairs(masses / np.diff(edges), edges, fill=True, color=MEASURED, alpha=0.3, label="particles")
        axes.plot(grid.centers(0), density, color=EXACT, linewidth=1, label="density")
        axes.legend()
        return
    seen = density if grid.dim == 2 else density.mean(axis=2)
    axes.imshow(
        seen.T, origin="lower", extent=(0, grid.lengths[0], 0, grid.lengths[1]), cmap=COLORMAP, vmin=0, aspect="equal"
    )
    some = positions[np.linspace(0, len(positions) - 1, min(DOTS, len(positions))).astype(int)]
    axes.plot(some[:, 0], some[:, 1], ".", color="#2a62c9", markersize=1.2)
    axes.set_ylabel("y")


def _draw_factors(axes: Axes, found: Sequence[Comparison]) -> None:
    axes.set_title("displacements / ∫ v dt")
    axes.set_xlabel("time")
    axes.axhline(1, color=EXACT, linewidth=0.8, linestyle=":")
    for one, color in zip(found, _colors(len(found)), strict=True):
        if one.motion is None:
            axes.text(0.5, 0.5, f"not compared:\n{one.note}", transform=axes.transAxes, ha="center", wrap=True)
            continue
        axes.plot(
            [(i.start + i.end) / 2 for i in one.motion.intervals], [i.factor for i in one.motion.intervals], "o-",
            color=color, markersize=3,
        )  # fmt: skip
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, 0.98), max(high, 1.02))


def _draw_order(axes: Axes, found: Sequence[Comparison]) -> None:
    counts = np.array(sorted({one.count for one in found}), dtype=float)
    power = order(found)
    assert power is not None
    axes.set_title(rf"KMD $\sim N^{{{power[0]:.2f} \pm {power[1]:.2g}}}$")
    axes.set_xlabel("particles N")
    times = [moment.time for moment in found[0].moments]
    for time, color in zip(times[:: max(1, len(times) // 4)], COLORS, strict=False):
        values = [[m.kmd for one in found if one.count == n for m in one.moments if m.time == time] for n in counts]
        axes.loglog(
            counts,
            [np.mean(v) if v else np.nan for v in values],
            "o-",
            color=color,
            markersize=3,
            label=f"t = {time:g}",
        )
    middle = float(np.mean([m.noise * one.count**0.5 for one in found for m in one.moments]))
    axes.loglog(counts, middle * counts**-0.5, "--", color=EXACT, linewidth=1, label="$N^{-1/2}$ of samples")
    axes.set_xticks(counts, [f"{count:g}" for count in counts])
    axes.set_xticks([], minor=True)
    axes.legend()

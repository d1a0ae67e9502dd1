"""Figures that compare particles with a grid run: distances over time, densities, displacements, and the order in N."""

import os
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from gridflow.errors import InputError
from gridflow.runtime.outputs import checked_output
from gridflow.validation import Comparison, Reference, order
from gridflow.viz import artists
from gridflow.viz.selection import title
from gridflow.viz.style import COLORMAP, COLORS, EXACT, MEASURED, look, new_figure, save
from gridflow.viz.view import FORMATS

VERDICT = {
    "consistent": "consistent with the flow",
    "better-than-sampling": "better than random sampling",
    "inconsistent": "inconsistent with the flow",
}
RIGHT, WRONG = "#2a7f62", "#c1273b"
REASON = 150
"""Largest number of characters of a reason."""


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
        figure = new_figure(11.0, 8.0)
        worst = next((one for one in found if one.verdict == "inconsistent"), found[0])
        above, main = figure.subfigures(2, 1, squeeze=False, height_ratios=(1, 9))[:, 0]
        _tell(above, reference, worst)
        (distances, transports, last), below = main.subplots(2, 3)
        for one, color in zip(found, _colors(len(found)), strict=True):
            _draw_distances(distances, reference, one, color)
            _draw_transport(transports, one, color)
        distances.set_title("kernel mean discrepancy")
        transports.set_title(f"Wasserstein distance ({found[0].moments[0].wasserstein_name})")
        for axes in (distances, transports):
            axes.set_yscale("log")
            axes.set_xlabel("time")
        distances.plot([], [], "--", color=EXACT, linewidth=1, label="N independent samples")
        distances.fill_between([], [], color=EXACT, alpha=0.12, linewidth=0, label="98 % of such samples")
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
        for axes in (distances, transports, last):
            if worst.since is not None and not (axes is last and axes.get_xscale() == "log"):
                _shade_fault(axes, worst.since)
        return save(figure, path)


def _tell(figure: FigureBase, reference: Reference, worst: Comparison) -> None:
    """Write the verdict in words, with its reason."""
    wrong = worst.verdict == "inconsistent"
    since = f" since t = {worst.since:.4g}" if worst.since is not None else ""
    figure.text(0.01, 0.98, title(reference.stored), va="top", fontsize=10, parse_math=False)
    told = f"{worst.name}: {VERDICT[worst.verdict]}{since}"
    color = WRONG if wrong else RIGHT
    figure.text(0.01, 0.62, told, va="top", fontsize=11, weight="bold", color=color, parse_math=False)
    reason = textwrap.shorten(worst.reason, REASON, placeholder=" …")
    figure.text(0.01, 0.28, reason, va="top", fontsize=9, color=color, parse_math=False)


def _shade_fault(axes: Axes, since: float) -> None:
    """Shade the times from which on the particles are wrong."""
    end = axes.get_xlim()[1]
    axes.axvspan(since, max(end, since), color=WRONG, alpha=0.07, linewidth=0, zorder=0)
    axes.set_xlim(right=max(end, since))


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
    axes.plot([m.time for m in wrong], [m.kmd for m in wrong], "x", color=WRONG, markersize=8, markeredgewidth=2)


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
    extent = (0, grid.lengths[0], 0, grid.lengths[1])
    axes.imshow(seen.T, origin="lower", extent=extent, cmap=COLORMAP, vmin=0, aspect="equal")
    artists.particles(axes, grid, positions, s=1.2)
    axes.set_ylabel("y")


def _draw_factors(axes: Axes, found: Sequence[Comparison]) -> None:
    """Draw the factors of the displacements, their common value with its uncertainty, and what is allowed."""
    axes.set_title("displacements / ∫ v dt")
    axes.set_xlabel("time")
    accuracy = found[0].accuracy
    axes.axhspan(1 - accuracy, 1 + accuracy, color=RIGHT, alpha=0.15, linewidth=0, label=f"allowed, ± {accuracy:g}")
    axes.axhline(1, color=EXACT, linewidth=0.8, linestyle=":")
    for one, color in zip(found, _colors(len(found)), strict=True):
        if one.motion is None:
            told = textwrap.fill(f"not compared: {one.note}", 40)
            axes.text(0.5, 0.5, told, transform=axes.transAxes, ha="center", va="center", parse_math=False)
            continue
        middles = [(each.start + each.end) / 2 for each in one.motion.intervals]
        factor, error = one.motion.factor, one.motion.uncertainty
        axes.axhspan(factor - error, factor + error, color=color, alpha=0.2, linewidth=0)
        axes.axhline(factor, color=color, linewidth=1, label=f"all: {factor:.4g} ± {error:.1g}")
        axes.errorbar(middles, [each.factor for each in one.motion.intervals], error, fmt="o", color=color,
                      markersize=3, elinewidth=0.7, capsize=2)  # fmt: skip
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, 1 - 2 * accuracy), max(high, 1 + 2 * accuracy))
    axes.legend()


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

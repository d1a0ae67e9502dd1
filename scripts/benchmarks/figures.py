"""The two figures of a comparison: cost per cell, and error against time."""

from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator
from matplotlib.transforms import Bbox
from peers import CODES, FLOOR, SHARP
from problems import COSINE, HOLE, Problem

from gridflow.viz.style import look, new_figure

Curves = dict[str, tuple[Sequence[float], Sequence[float]]]
"""The points of every code."""

OURS = ("#4f3a8c", "#7d62c9", "#b09be6", "#1f7a6d")
OTHERS = ("#d1495b", "#e07a1f", "#2a9d8f", "#8fd3c8", "#bfa15a", "#2f6f9f", "#6fa8cf", "#6b705c")
COLORS = {FLOOR.name: "#9a9a9a"} | {code.name: color for code, color in zip(CODES, OURS + OTHERS, strict=True)}
LABEL_SIZE = 7.5
NEGATIVE = -1e-6
"""A least density below this is no round-off."""
FAR = 12
"""Pixels between a label and its point from which a line joins the two."""


def draw(report: dict[str, Any], folder: Path) -> list[Path]:
    """Draw both figures of a report into a folder; their paths."""
    figures = {"benchmark_time_per_cell.png": time_per_cell, "benchmark_error_time.png": error_time}
    with look():
        for name, figure in figures.items():
            figure(report).savefig(folder / name)
    return [folder / name for name in figures]


def time_per_cell(report: dict[str, Any]) -> Figure:
    """Nanoseconds per cell of one right-hand side against the size of the grid, in two dimensions."""
    entries = [entry for entry in report["rhs"] if len(entry["shape"]) == 2]
    sizes = sorted({entry["shape"][0] for entry in entries})
    curves: Curves = {}
    for name in COLORS:
        measured = {e["shape"][0]: median(e["seconds"]) for e in entries if e["code"] == name}
        if measured:
            curves[name] = list(measured), [1e9 * seconds / n**2 for n, seconds in measured.items()]
    figure = new_figure(6.8, 4.6)
    axes = figure.add_subplot()
    _plot(axes, curves)
    axes.set(title="One right-hand side in two dimensions", xlabel="cells", ylabel="nanoseconds per cell")
    axes.set_xlim(sizes[0] / 1.15, sizes[-1] * (2 * sizes[-1] / sizes[0]) ** 0.3)
    axes.set_xticks(sizes, [f"{n}²" for n in sizes])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:g}")
    _label(figure, {axes: curves})
    return figure


def error_time(report: dict[str, Any]) -> Figure:
    """Headline errors of the smooth problem and of the hole against the time of a whole run, one curve per code."""
    grids = ", ".join(f"{n}²" for n in sorted({run["shape"][0] for run in report["runs"]}))
    figure = new_figure(10.0, 4.8)
    panels: dict[Axes, Curves] = {}
    for problem, axes in zip((COSINE, HOLE), figure.subplots(1, 2), strict=True):
        panels[axes] = _errors_over_time(report, problem)
        _plot(axes, panels[axes])
        _mark_negative(axes, report, problem)
        axes.set(title=problem.title, xlabel=f"seconds for the whole run on {grids}", ylabel="error")
        axes.margins(x=0.16, y=0.1)
    _label(figure, panels)
    return figure


def _errors_over_time(report: dict[str, Any], problem: Problem) -> Curves:
    curves: Curves = {}
    for name in COLORS:
        runs = [run for run in report["runs"] if (run["code"], run["problem"]) == (name, problem.name)]
        errors = [run["errors"][problem.headline] for run in runs]
        points = [(median(run["seconds"]), abs(error)) for run, error in zip(runs, errors, strict=True) if error]
        if points:
            curves[name] = [seconds for seconds, _ in points], [error for _, error in points]
    return curves


def _plot(axes: Axes, curves: Curves) -> None:
    axes.set(xscale="log", yscale="log")
    for name, (x, y) in curves.items():
        bold = name in (FLOOR.name, SHARP.name)
        axes.plot(x, y, color=COLORS[name], marker=None if name == FLOOR.name else "o", ms=3.5, lw=2.2 if bold else 1.2)
    axes.grid(which="major", lw=0.4, color="#e6e6e6")
    axes.set_axisbelow(True)


def _mark_negative(axes: Axes, report: dict[str, Any], problem: Problem) -> None:
    """Open the markers of runs whose density went below zero by more than round-off, and say so."""
    runs = [
        run for run in report["runs"] if run["problem"] == problem.name and (run["errors"]["least"] or 0) < NEGATIVE
    ]
    for run in runs:
        point = median(run["seconds"]), abs(run["errors"][problem.headline])
        axes.plot(*point, "o", ms=3.5, mfc="white", mec=COLORS[run["code"]], zorder=3)
    if runs:
        axes.text(
            0.02, 0.02, "open points: μ < 0 in places", transform=axes.transAxes, fontsize=LABEL_SIZE, color="#555555"
        )


def _label(figure: Figure, panels: dict[Axes, Curves]) -> None:
    """Name every curve beside one of its points, clear of the curves and of the other names.

    Places are tried around all points; near places and the last point are preferred.
    """
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # nothing may move once the names have their places
    to_figure = figure.transFigure.inverted()  # the saved picture may have another resolution
    for axes, curves in panels.items():
        paths = {name: axes.transData.transform(np.column_stack(points)) for name, points in curves.items()}
        crowd = np.concatenate([_along(path) for path in paths.values()]) if paths else np.empty((0, 2))
        taken: list[Bbox] = []
        for name, path in sorted(paths.items(), key=lambda item: -item[1][-1, 1]):
            text = figure.text(0, 0, name, color=COLORS[name], fontsize=LABEL_SIZE, va="center")
            size = text.get_window_extent()
            places = _places(path, size.width, size.height)
            anchor, box = min(places, key=lambda place: _badness(place, path[-1], crowd, taken, axes.bbox))
            text.set_position(tuple(to_figure.transform((box.x0, (box.y0 + box.y1) / 2))))
            leader = _leader(anchor, box)
            if np.hypot(*(leader[1] - leader[0])) > FAR:
                ends = to_figure.transform(leader)
                figure.add_artist(Line2D(*ends.T, transform=figure.transFigure, color=COLORS[name], lw=0.5))
            crowd = np.concatenate([crowd, _along(leader)])
            taken.append(box)


def _along(path: np.ndarray) -> np.ndarray:
    """Points every few pixels along a path."""
    pieces = [path[-1:]]
    for start, end in pairwise(path):
        share = np.linspace(0, 1, 2 + int(np.hypot(*(end - start)) / 4))[:, None]
        pieces.append(start + share * (end - start))
    return np.concatenate(pieces)


def _places(path: np.ndarray, width: float, height: float) -> Iterator[tuple[np.ndarray, Bbox]]:
    """Boxes of a size around the points of a path, with the point that each belongs to."""
    for anchor in path[::-1]:
        for distance, angle in product(range(8, 80, 6), np.linspace(0, 2 * np.pi, 24, endpoint=False)):
            x, y = anchor + distance * np.array([np.cos(angle), np.sin(angle)])
            x -= width * (1 - np.cos(angle)) / 2  # the near edge of the box faces the point
            yield anchor, Bbox.from_bounds(x, y - height / 2, width, height)


def _badness(
    place: tuple[np.ndarray, Bbox], last: np.ndarray, crowd: np.ndarray, taken: Sequence[Bbox], frame: Bbox
) -> float:
    """How badly a label would sit in a box: what it covers, then how far it is from the end of its curve."""
    anchor, box = place
    leader = _leader(anchor, box)
    overlaps = sum(box.padded(3).overlaps(other) or _inside(_along(leader), other).any() for other in taken)
    outside = not (frame.contains(*box.min) and frame.contains(*box.max))
    misplaced = 15 * (anchor != last).any() + 20 * (box.x0 < anchor[0])
    distance = np.hypot(*(leader[1] - leader[0]))
    return 1000 * (overlaps + outside) + 100 * _inside(crowd, box.padded(3)).sum() + distance + misplaced


def _inside(points: np.ndarray, box: Bbox) -> np.ndarray:
    return np.all((box.min <= points) & (points <= box.max), axis=1)


def _leader(anchor: np.ndarray, box: Bbox) -> np.ndarray:
    """Both ends of the shortest line between a point and a box."""
    return np.array([anchor, np.clip(anchor, box.min, box.max)])

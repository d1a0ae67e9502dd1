"""The holes of a run one by one: where they were, how large and how round they are, and when they merge or vanish."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.figure import FigureBase

from gridflow.decay.holes import HoleEvent, hole_columns, hole_events
from gridflow.runtime.store import RunDirectory
from gridflow.viz import artists, curves
from gridflow.viz.figures import draw_hole
from gridflow.viz.panels import LEAST_PANEL, Block, stacked
from gridflow.viz.pictures import is_line, picture_of
from gridflow.viz.selection import is_signed, net, short, title
from gridflow.viz.style import COLORS
from gridflow.viz.view import Figure

HEIGHT = 2.9
"""Height of the panels, in inches."""
SHOWN = (("volume", ""), ("perimeter", "perimeter"), ("elongation", "elongation, 1 for a ball"))
"""Columns of a single hole that are drawn, and the titles of their panels."""
EVENT: Mapping[str, str] = {"filled": "×", "merged": "⊕", "appeared": "○"}


def numbers_of_holes(series: Mapping[str, np.ndarray]) -> list[int]:
    """Numbers of the holes that have columns of their own in a series."""
    number = 1
    while f"hole{number}_volume" in series:
        number += 1
    return list(range(1, number))


@dataclass(frozen=True)
class Holes(Figure, kind="holes"):
    """Each hole by itself: where it was first, its volume, perimeter and shape, and when it merged or vanished."""

    @classmethod
    def obstacle(cls, runs: Sequence[RunDirectory]) -> str:
        """Why it cannot be made of these runs; empty if it can."""
        if len(runs) > 1:
            return "it shows one run; comparison shows several"
        series = runs[0].series
        if hole_columns(series) is None:
            return "it has no hole that is known"
        return "" if numbers_of_holes(series) else "its series does not tell holes apart"

    def draw(self, runs: Sequence[RunDirectory]) -> Drawing:
        """Draw the figure; see :meth:`Figure.draw`."""
        (stored,) = runs
        panels: list[Panel] = [_draw_places, *(_panel_of(*shown) for shown in SHOWN)]
        width = self.width or 3.2 * len(panels)
        narrow = width < LEAST_PANEL * len(panels) + 1

        def draw(figure: FigureBase) -> None:
            shape = (len(panels), 1) if narrow else (1, len(panels))
            for axes, panel in zip(figure.subplots(*shape, squeeze=False).flat, panels, strict=True):
                panel(axes, stored, self)

        return stacked([Block(HEIGHT * (len(panels) if narrow else 1), draw)], width, title(stored))


def _color(number: int) -> str:
    return COLORS[(number - 1) % len(COLORS)]


def _draw_places(axes: Axes, stored: RunDirectory, view: Figure) -> None:
    """Draw the first density with the number of every hole at its centroid."""
    grid, frame = stored.grid, stored.snapshot(index=0)
    shown = net(frame) if is_line(grid) else picture_of(grid, view.cut).pixels(net(frame))
    artists.density(axes, grid, net(frame), view.scale([shown], is_signed(stored)), view.cut)
    draw_hole(axes, stored, frame, view)
    series = stored.series
    axes.set_title("holes at the start" + view.cut.label(grid))
    if grid.sphere_dim is not None or is_line(grid):
        return
    right, up = ("xyz"[axis] for axis in view.cut.axes(grid))  # type: ignore[arg-type]  # a torus
    for number in numbers_of_holes(series):
        known = np.flatnonzero(np.isfinite(series[f"hole{number}_{right}"] + series[f"hole{number}_{up}"]))
        if known.size:
            place = (series[f"hole{number}_{right}"][known[0]], series[f"hole{number}_{up}"][known[0]])
            axes.text(*place, str(number), color="white", ha="center", va="center", fontsize=8, weight="bold")


Panel = Callable[[Axes, RunDirectory, Figure], None]


def _panel_of(what: str, told: str) -> Panel:
    """Return the function that draws one of the columns of all holes."""

    def draw(axes: Axes, stored: RunDirectory, view: Figure) -> None:  # noqa: ARG001 - as the other panels
        series = stored.series
        for number in numbers_of_holes(series):
            values = series[f"hole{number}_{what}"]
            held = np.isfinite(values) & (values > 0)
            axes.plot(series["time"][held], values[held], color=_color(number), label=f"hole {number}")
        if what == "volume":
            axes.set_yscale("log")
            _mark(axes, series, hole_events(series))
        axes.set_title(told or f"{stored.grid.measure} of each hole")
        curves.time_axis(axes, curves.wants_log_time(series), series)
        if what == SHOWN[-1][0]:
            axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))

    return draw


def _mark(axes: Axes, series: Mapping[str, np.ndarray], events: Sequence[HoleEvent]) -> None:
    """Mark what happens to a hole at the end of its curve, and say when."""
    for event in events:
        values = series[f"hole{event.number}_volume"]
        held = np.flatnonzero(np.isfinite(values) & (values > 0) & (series["time"] <= event.by))
        if not held.size:
            continue
        last = held[-1]
        color = _color(event.number)
        told = f" {EVENT[event.what]} {short(event.by)}"
        axes.annotate(told, (series["time"][last], values[last]), color=color, fontsize=7, va="center")

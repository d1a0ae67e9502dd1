"""The curves of a page as options of Apache ECharts, which the page's library draws."""

import math
from collections.abc import Sequence
from typing import Any

from gridflow.app.panels import Curve, Panel

COLORS = ("#7a5fd0", "#d1495b")
"""Colours of the panels; they can be read on light and on dark paper."""
NEUTRAL, FAINT = "#8b8896", "rgba(139, 136, 150, 0.22)"
LAW = {":color": "document.body.classList.contains('body--dark') ? '#e9e7f0' : '#23212b'", "width": 1.2, "type": [5, 4]}
"""The dashed line of a law, over the measured one."""
LONG = 12.0
"""From this ratio of the ends of two flows on, the axis of time is logarithmic."""
SMALLEST = 0.01
"""First time on a logarithmic axis, as a share of the end of the shortest flow, before it is made a power of ten."""
DIGITS = "value => value === 0 ? '0' : (Math.abs(value) < 0.01 || Math.abs(value) >= 1e4) ? " + (
    "value.toExponential(0).replace('e+', 'e') : String(+value.toPrecision(3))"
)
"""How numbers are written at the axes."""


def options(panels: Sequence[Panel], measured: str, law: str, logarithmic: bool) -> dict[str, Any]:
    """Return a chart of one quantity of all panels: a line each, and the law dashed.

    Parameters
    ----------
    panels
        The panels.
    measured, law
        Names of the curves of :class:`gridflow.app.panels.Panel`.
    logarithmic
        Whether the values have a logarithmic axis; values ≤ 0 are then left out.
    """
    ends = [end for panel in panels for end in _ends(panel)]
    first = 10.0 ** math.floor(math.log10(SMALLEST * min(ends))) if max(ends) > LONG * min(ends) else None
    series = []
    for color, panel in zip(COLORS, panels, strict=False):
        for name, kind in ((measured, "solid"), (law, "dashed")):
            curve: Curve = getattr(panel, name)
            series.append(
                {
                    "type": "line",
                    "data": _points(curve, first, logarithmic),
                    "showSymbol": False,
                    "silent": True,
                    "lineStyle": {"color": color, "width": 3} if kind == "solid" else LAW,
                    "markLine": _changes(panel, first) if kind == "solid" else {"data": []},
                }
            )
    return {
        "animation": False,
        "grid": {"left": 8, "right": 18, "top": 22, "bottom": 4, "containLabel": True},
        "xAxis": {
            "name": "t",
            "nameGap": 6,
            "nameTextStyle": {"color": NEUTRAL},
            "type": "value" if first is None else "log",
            "min": 0 if first is None else first,
            "max": max(ends),
            "axisLabel": {"color": NEUTRAL, ":formatter": DIGITS, "hideOverlap": True, "showMaxLabel": first is None},
            "axisLine": {"lineStyle": {"color": NEUTRAL}},
            "splitLine": {"show": False},
        },
        "yAxis": {
            "type": "log" if logarithmic else "value",
            "scale": logarithmic,
            "splitNumber": 4,
            "axisLabel": {"color": NEUTRAL, ":formatter": DIGITS, "hideOverlap": True},
            "splitLine": {"lineStyle": {"color": FAINT}},
        },
        "series": series,
    }


def _ends(panel: Panel) -> list[float]:
    """Times at which the parts of a run end."""
    return [start for start, _ in panel.orders if start > 0] + [panel.t_end]


def _points(curve: Curve, first: float | None, logarithmic: bool) -> list[list[float | None]]:
    """The points to draw; on a logarithmic axis of time, those before its beginning are at the beginning."""
    found: list[list[float | None]] = []
    for time, value in curve.points:
        if not math.isfinite(value):
            found.append([time, None])
        elif value > 0 or not logarithmic:
            found.append([max(time, first or 0.0), value])
    return found


def _changes(panel: Panel, first: float | None) -> dict[str, Any]:
    """Vertical lines where s was changed."""
    return {
        "symbol": "none",
        "silent": True,
        "animation": False,
        "label": {"formatter": "{b}", "color": NEUTRAL, "position": "end", "distance": 3, "fontSize": 11},
        "lineStyle": {"color": NEUTRAL, "type": "dotted", "width": 1},
        "data": [{"xAxis": start, "name": f"s = {s:g}"} for start, s in panel.orders if start > (first or 0)],
    }

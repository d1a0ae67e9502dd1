"""The section of a report with the curves of the runs, each beside its law; several runs in the same panels."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from gridflow.decay.holes import hole_columns
from gridflow.reports.base import Section, Subject, embedded, escaped, numbers
from gridflow.runtime.store import RunDirectory
from gridflow.theory.holes import HoleEnergy
from gridflow.viz.comparisons import told_apart
from gridflow.viz.curves import RESOLVED, WIDE, wants_log_time
from gridflow.viz.selection import short, spread

POINTS = 400
"""Number of rows that a curve has at most, evenly spread; as many more are evenly spread in the logarithm of time."""
APART = 5.0
"""Ratio of the ends of runs from which they are seen together on a logarithmic axis of time only."""
BELOW = 10.0
"""Factor below the smallest measured energy down to which a theory is drawn."""


@dataclass(frozen=True)
class Curves(Section, kind="curves"):
    """The series of the runs, each beside its law."""

    heading: ClassVar[str] = "Curves"
    order: ClassVar[int] = 30

    @classmethod
    def obstacle(cls, runs: Sequence[RunDirectory]) -> str:
        """Why it cannot be made of these runs; empty if it can."""
        return "" if any(run.series for run in runs) else "there are no series yet"

    def html(self, runs: Sequence[Subject]) -> str:
        """The body of the section; see :meth:`Section.html`."""
        held = [(number, run) for number, run in enumerate(runs) if run.rows]
        names = told_apart(runs) if len(runs) > 1 else [""]
        ends = [float(run.rows["time"][-1]) for _, run in held]
        log_time = max(ends) > APART * min(ends) or sum(wants_log_time(run.rows) for _, run in held) * 2 > len(held)
        panels = []
        for key, title, curves in PANELS:
            traces = [
                {"run": number, "told": _told(names[number], trace.name), "role": trace.role}
                | {"x": numbers(trace.times), "y": numbers(trace.values)}
                for number, run in held
                for trace in curves(run)
                if np.isfinite(trace.values).any()
            ]
            if traces:
                panels.append({"id": key, "title": title, "traces": traces, "logx": log_time, **_scale(key, traces)})
        cards = "".join(_card(panel) for panel in panels)
        how = "Press a name in a legend to hide or show its curve. Drag to zoom, press twice to zoom out."
        data = embedded("curves", {"several": len(runs) > 1, "panels": panels})
        return f'<p class="muted hint">{how}</p><div class="grid">{cards}</div>{data}'


@dataclass(frozen=True)
class Trace:
    """One curve: its name, what it is (``measured``, ``second``, ``law``, ``linear`` or ``bound``), and its values."""

    name: str
    role: str
    times: np.ndarray
    values: np.ndarray


def _told(run: str, curve: str) -> str:
    return curve if not run else run if curve == "measured" else f"{run}, {curve}"


def _card(panel: dict[str, Any]) -> str:
    key, title = escaped(panel["id"]), escaped(panel["title"])
    buttons = "".join(
        f'<button type="button" class="tool small" data-panel="{key}" data-axis="{axis}" '
        f'aria-pressed="false" aria-label="Logarithmic {what} axis of {title}">log {told}</button>'
        for axis, what, told in (("x", "time", "t"), ("y", "value", "y"))
    )
    return (
        f'<figure class="card plot"><figcaption><h3>{title}</h3><span class="tools">{buttons}</span></figcaption>'
        f'<div class="chart" id="chart-{key}" role="img" aria-label="Curves of {title} over time"></div></figure>'
    )


def _scale(key: str, traces: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Whether values are on a logarithmic axis at first, and where that begins."""
    values = [value for trace in traces for value in trace["y"] if value is not None]
    positive = [value for value in values if value > 0]
    wide = bool(positive) and max(positive) > (1.5 if key == "energy" else WIDE) * min(positive)
    low = max(min(positive), RESOLVED * max(positive)) / 2 if key == "density" and positive else None
    return {"logy": wide and key != "mass", "low": low}


def _rows(run: Subject) -> np.ndarray:
    """Numbers of the rows to draw: evenly spread ones, and evenly spread in the logarithm of time."""
    time = run.rows["time"]
    chosen = [spread(len(time), POINTS)]
    if (later := time[time > 0]).size > POINTS:
        chosen.append(np.searchsorted(time, np.geomspace(later[0], later[-1], POINTS)).clip(max=len(time) - 1))
    return np.unique(np.concatenate(chosen))


def _column(run: Subject, name: str, told: str, role: str) -> Trace:
    rows = _rows(run)
    return Trace(told, role, run.rows["time"][rows], run.rows[name][rows])


def _energy(run: Subject) -> Iterator[Trace]:
    """The energy, the certified bound, linear theory and the law."""
    measured = _column(run, "energy", "measured", "measured")
    found, _ = run.rates
    times = measured.times
    if found is not None:
        positive = measured.values[measured.values > 0]
        least = float(positive.min()) / BELOW if positive.size else 0.0

        def seen(values: float | np.ndarray) -> np.ndarray:
            return np.where(np.asarray(values) > least, values, np.nan)

        if found.certificate is not None:
            yield Trace("certified bound", "bound", times, seen(found.certificate(times)))
        if found.linear is not None:
            yield Trace("linear theory", "linear", times, seen(found.linear(times)))
        law, fit = found.law, found.fit
        if isinstance(law, HoleEnergy):
            yield Trace("law", "law", times, seen(law(times)))
        elif law is not None and law.exponent is not None and fit is not None:
            window = np.geomspace(fit.window.start, fit.window.end, 20)
            middle = float(np.sqrt(window[0] * window[-1]))
            curve = fit.amplitude * middle**-fit.exponent * (window / middle) ** -law.exponent
            yield Trace(f"law, power −{short(law.exponent)}", "law", window, curve)
    yield measured


def _density(run: Subject) -> Iterator[Trace]:
    """The largest and the smallest density, and their laws."""
    for name in ("plateau_exact", "max_exact", "min_exact"):
        if name in run.rows:
            yield _column(run, name, f"law of the {'smallest' if name == 'min_exact' else 'largest'}", "law")
    yield _column(run, "max", "largest", "measured")
    yield _column(run, "min", "smallest", "second")


def _hole(run: Subject) -> Iterator[Trace]:
    """The volume of the hole, and its law."""
    found = hole_columns(run.rows)
    if found is None:
        return
    if found.exact is not None:
        yield _column(run, found.exact, "law", "law")
    measured = _column(run, found.measured, "measured", "measured")
    yield Trace("measured", "measured", measured.times, np.where(measured.values > 0, measured.values, np.nan))


def _ratio(run: Subject) -> Iterator[Trace]:
    """The volume of the hole divided by its law, while that is more than a cell."""
    found = hole_columns(run.rows)
    if found is None or found.exact is None:
        return
    law, measured = (_column(run, column, "", "").values for column in (found.exact, found.measured))
    seen = law > float(np.min(run.grid.cell_volumes))
    times = run.rows["time"][_rows(run)]
    yield Trace("law", "law", times[[0, -1]], np.ones(2))
    yield Trace("measured", "measured", times, np.where(seen, measured / np.where(seen, law, 1.0), np.nan))


def _mass(run: Subject) -> Iterator[Trace]:
    """The relative error of the mass or, with growth, nothing."""
    if "mass_exact" in run.rows:
        error = abs(run.rows["mass"] / run.rows["mass_exact"] - 1)[_rows(run)]
        yield Trace("measured", "measured", run.rows["time"][_rows(run)], error)


def _growing_mass(run: Subject) -> Iterator[Trace]:
    """The mass, where it changes."""
    if "mass_exact" not in run.rows:
        yield _column(run, "mass", "measured", "measured")


def _dissipation(run: Subject) -> Iterator[Trace]:
    yield _column(run, "dissipation", "measured", "measured")


def _steps(run: Subject) -> Iterator[Trace]:
    """The length of the last step, from the first step on."""
    step = _column(run, "dt", "measured", "measured")
    yield Trace("measured", "measured", step.times[step.values > 0], step.values[step.values > 0])


PANELS: tuple[tuple[str, str, Callable[[Subject], Iterator[Trace]]], ...] = (
    ("energy", "Energy ½ KMD²", _energy),
    ("density", "Density, largest and smallest", _density),
    ("hole", "Volume of the hole", _hole),
    ("ratio", "Volume of the hole / law", _ratio),
    ("dissipation", "Dissipation −dE/dt", _dissipation),
    ("mass", "Relative error of the mass", _mass),
    ("growing", "Mass", _growing_mass),
    ("steps", "Length of the steps", _steps),
)
"""Every panel: its name in the page, its title, and what it draws of a run."""

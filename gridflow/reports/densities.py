"""The section of a report with the densities over time: lines, planes, maps and surfaces, with one slider."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from gridflow.reports.base import Section, Subject, embedded, escaped, numbers, packed
from gridflow.reports.films import Film, timeline
from gridflow.runtime.store import RunDirectory
from gridflow.theory.applicable import attempt
from gridflow.viz.comparisons import told_apart
from gridflow.viz.scale import Scale
from gridflow.viz.selection import is_signed
from gridflow.viz.style import color_table

BROAD = 2.5
"""Ratio of width to height from which a picture has a row of its own."""


@dataclass(frozen=True)
class Densities(Section, kind="densities"):
    """The densities over time, side by side at equal times, with one slider."""

    heading: ClassVar[str] = "Densities over time"
    order: ClassVar[int] = 20

    @classmethod
    def obstacle(cls, runs: Sequence[RunDirectory]) -> str:
        """Why it cannot be made of these runs; empty if it can."""
        if not any(run.grid.has_cells for run in runs):
            return "a density on a single cell is one number, in the curves"
        return "" if any(is_seen(run) for run in runs) else "no densities are stored yet"

    def html(self, runs: Sequence[Subject]) -> str:
        """The body of the section; see :meth:`Section.html`."""
        names = told_apart(runs) if len(runs) > 1 else [""]
        seen = [(number, run) for number, run in enumerate(runs) if is_seen(run)]
        times = timeline([run.times for _, run in seen], self.frames)
        films = [Film.of(number, run, names[number], times, self.solid) for number, run in seen]
        values = [values for film in films for values in film.values]
        signed = any(is_signed(run) for _, run in seen)
        scale = Scale.over(values, signed)
        log, no_log = attempt(lambda: Scale.over(values, signed, log=True))
        data = {
            "times": numbers(times),
            "label": scale.label,
            "linear": [scale.low, scale.high],
            "log": None if log is None else [log.low, log.high],
            "colors": packed(color_table(scale.colormap)),
            "films": [film.data(scale, log) for film in films],
        }
        missing = [f"{escaped(run.title)} has no picture." for run in runs if not is_seen(run)]
        notes = "".join(f'<p class="muted">{line}</p>' for line in missing)
        return _player(films, len(times), no_log) + notes + embedded("densities", data)


def is_seen(run: RunDirectory) -> bool:
    """Whether a run has densities to be drawn."""
    return run.grid.has_cells and len(run.times) > 0


def _player(films: Sequence[Film], count: int, no_log: str) -> str:
    """The slider with its buttons, and a place for every film; those on lines have one together."""
    pictures = [film for film in films if film.shape != "line"]
    lines = (
        '<figure class="card film line"><figcaption><h3 id="told-line"></h3></figcaption>'
        '<div id="film-line" class="chart" role="img" aria-label="Densities over x"></div></figure>'
    )
    panels = (lines if len(pictures) < len(films) else "") + "".join(map(_panel, pictures))
    bar = '<div class="bar" id="bar" aria-hidden="true"><span></span><i></i><span></span></div>' if pictures else ""
    disabled = f' disabled title="{escaped(no_log)}"' if no_log else ""
    return f"""<div id="player" role="group" aria-label="Densities over time">
<div class="films">{panels}</div>
{bar}
<div class="controls card">
<button type="button" id="play" class="tool" aria-pressed="false">Play</button>
<input type="range" id="frame" min="0" max="{count - 1}" value="0" step="1" aria-label="Time">
<output id="time" for="frame"></output>
<button type="button" id="logscale" class="tool small" aria-pressed="false"{disabled}>log density</button>
</div>
<p class="muted hint">Space plays and pauses; the arrow keys go from one time to the next.</p>
</div>"""


def _panel(film: Film) -> str:
    """A place for a film that is drawn as pixels, and for its surfaces."""
    number, told = film.number, escaped(film.told or "density")
    tools = solid = ""
    if film.shape == "sphere":
        tools = (
            f'<span class="tools"><button type="button" class="tool small" data-globe="{number}" aria-pressed="false">'
            "globe</button></span>"
        )
    canvas = f'<canvas id="film-{number}" role="img" aria-label="Density, {told}"></canvas>'
    if film.surfaces is not None:
        solid = (
            f'<div><div id="solid-{number}" class="solid" role="img" aria-label="Surface, {told}"></div>'
            f'<p class="muted">{escaped(film.surfaces.told)}; drag to turn</p></div>'
        )
    place = "card film both" if solid else "card film broad" if film.aspect > BROAD else "card film"
    return (
        f'<figure class="{place}"><figcaption><h3>{told}</h3>'
        f'<span class="when" id="when-{number}"></span>{tools}</figcaption>'
        f'<div class="parts">{solid}<div>{canvas}</div></div></figure>'
    )

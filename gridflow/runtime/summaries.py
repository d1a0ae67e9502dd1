"""What a notebook shows of a run: a table and two small pictures, as HTML."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

from gridflow.domains.base import Domain
from gridflow.errors import InputError, RunError
from gridflow.runtime import thumbnails

HOLE = "hole_volume"
"""Column of the series with the size of the hole."""
OPTIONS = ("reconstruction", "velocity", "integrator")
"""Settings of a solver that a summary shows, of those that it has."""


@dataclass(frozen=True)
class Summary:
    """The facts of a run.

    Parameters
    ----------
    title
        First line.
    rows
        Names and values, in the order in which they are shown.
    pictures
        Captions, and pixels from :func:`gridflow.runtime.thumbnails.small`; all on one scale of colours.
    signed
        Whether the pictures are of densities of both signs. Otherwise values below 0, of a spectral method, are shown
        as 0.
    """

    title: str
    rows: list[tuple[str, str]]
    pictures: list[tuple[str, np.ndarray]] = field(default_factory=list)
    signed: bool = False

    def html(self) -> str:
        """Return the summary as HTML without links or scripts; every text is escaped."""
        cell = 'style="text-align:left;vertical-align:top;padding:1px 8px"'
        rows = "".join(
            f"<tr><th {cell}>{escape(name)}</th><td {cell}>{escape(value)}</td></tr>" for name, value in self.rows
        )
        drawn = "".join(self._figure(caption, pixels) for caption, pixels in self.pictures)
        return (
            f'<div><b>{escape(self.title)}</b><div style="display:flex;flex-wrap:wrap;gap:12px">'
            f'<table>{rows}</table><div style="display:flex;gap:12px">{drawn}</div></div></div>'
        )

    def _figure(self, caption: str, pixels: np.ndarray) -> str:
        highest = max(float((abs(each) if self.signed else each).max()) for _, each in self.pictures)
        data = b64encode(thumbnails.png(pixels, -highest if self.signed else 0.0, highest)).decode()
        return (
            f'<figure style="margin:0"><img src="data:image/png;base64,{data}" alt="density at {escape(caption)}">'
            f"<figcaption>{escape(caption)}</figcaption></figure>"
        )


def equation_rows(grid: Domain, kernel: str, solver: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return the rows about what is solved and how."""
    options = [str(solver[name]) for name in OPTIONS if solver.get(name)]
    method = str(solver.get("solver", ""))
    return [
        ("grid", repr(grid)),
        ("kernel", kernel),
        ("solver", f"{method} ({', '.join(options)})" if options else method),
    ]


def series_rows(series: Mapping[str, np.ndarray], t_end: float, measure: str) -> list[tuple[str, str]]:
    """Return the rows about what a series has recorded.

    Parameters
    ----------
    series
        Columns of the series; none for a run that has not recorded yet.
    t_end
        Time at which the run ends.
    measure
        What the domain calls the size of a hole.
    """
    if not len(series.get("time", ())):
        return [("time", f"0 of {t_end:g}")]
    energy = series["energy"]
    rows = [
        ("time", f"{series['time'][-1]:.6g} of {t_end:g}"),
        ("steps", f"{series['step'][-1]}"),
        ("energy", _from_to(energy)),
    ]
    if "mass_ratio" in series:
        rows.append(("mass error", f"{np.abs(series['mass_ratio'] - 1).max():.1e} at most, relative"))
    else:
        rows.append(("mass", _from_to(series["mass"])))
    rows.append(("smallest cell", f"{series['min'].min():.3g}"))
    if HOLE in series:
        rows.append((f"{measure} of the hole", _from_to(series[HOLE])))
    return rows


def _from_to(column: np.ndarray) -> str:
    return f"{column[0]:.4g} → {column[-1]:.4g}"


def readable(read: Callable[[], list[Any]], rows: list[tuple[str, str]]) -> list[Any]:
    """Return what a function reads from files; if they are damaged, nothing, and a row that says so is added."""
    try:
        return read()
    except (InputError, RunError) as error:
        rows.append(("not readable", str(error)))
        return []

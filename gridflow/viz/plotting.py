"""How a plot finds its figure, draws it and writes it."""

import os
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure as Drawing

from gridflow.runtime.outputs import Runs, chosen_output, opened
from gridflow.runtime.store import RunDirectory
from gridflow.viz.style import look, save
from gridflow.viz.sweeps import Sweep, is_sweep, members
from gridflow.viz.view import Figure


def plot(runs: Runs, output: str | os.PathLike[str] | None = None, kind: str | None = None, **options: Any) -> Drawing:
    """Draw a figure of one run or of several.

    Parameters
    ----------
    runs
        A run directory, finished or not, or several, or the folder of a sweep.
    output
        File to write; the suffix determines the format: ``.png``, ``.pdf``, ``.svg``, ``.jpg``, ``.webp`` or ``.tif``.
        Default: none is written.
    kind
        What to draw; :func:`gridflow.viz.kinds` lists what can be drawn of a run. Default: ``overview`` for one run,
        ``comparison`` for several, ``sweep`` for a sweep.
    options
        Options of the figure: those of :class:`gridflow.viz.view.View` and :class:`gridflow.viz.view.Figure`, and its
        own.

    Returns
    -------
    matplotlib.figure.Figure
        The figure. A notebook shows it after ``%matplotlib inline``.

    Raises
    ------
    InputError
        If there is no run, it has no snapshot yet or not what the kind shows, or the kind, an option, the suffix or
        the folder of the output is not allowed.
    RunError
        If the file cannot be written.
    """
    return drawn(runs, output, kind, options)[0]


def drawn(
    runs: Runs,
    output: str | os.PathLike[str] | None,
    kind: str | None,
    options: dict[str, Any],
    named: bool = False,
) -> tuple[Drawing, Path | None]:
    """Draw a figure as :func:`plot` does; return it and the file, which has a free name if ``named`` is wanted."""
    stored, usual = _opened(runs)
    found = Figure.found(kind or usual, stored)
    path = chosen_output(output, stored, found) if named or output is not None else None
    figure = found.with_options(options)
    with look():
        drawing = figure.draw(stored)
        if path is not None:
            save(drawing, path, figure.dpi)
    return drawing, path


def kinds(runs: Runs) -> dict[str, str]:
    """The kinds of figures that can be drawn of some runs, each with a line that describes it."""
    return Figure.described(_opened(runs)[0])


def _opened(runs: Runs) -> tuple[list[RunDirectory], str]:
    """Open one run, several or the members of a sweep; return also the kind that is drawn by default."""
    listed = [runs] if isinstance(runs, str | os.PathLike | RunDirectory) else list(runs)
    if len(listed) == 1 and not isinstance(listed[0], RunDirectory) and is_sweep(Path(listed[0])):
        return list(members(Path(listed[0]))[1].values()), Sweep.kind
    stored = opened(listed, "a figure")
    return stored, "overview" if len(stored) == 1 else "comparison"

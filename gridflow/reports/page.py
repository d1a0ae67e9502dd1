"""The page of a report: its sections in one file, with everything that a browser needs."""

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gridflow._version import __version__
from gridflow.errors import InputError
from gridflow.files import publish_text
from gridflow.reports.base import Section, Subject, embedded, escaped, packed
from gridflow.reports.theme import palette, variables
from gridflow.runtime.outputs import Output, Runs, chosen_output, opened
from gridflow.viz.comparisons import told_apart

HERE = Path(__file__).parent
SCRIPTS = ("page.js", "curves.js", "frames.js", "solids.js")
"""The scripts of the page, in the order in which they run."""
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:; "
    "connect-src 'none'; form-action 'none'; base-uri 'none'"
)
"""What a browser lets the page do: nothing that needs a network."""


def report(runs: Runs, output: str | os.PathLike[str] | None = None, title: str | None = None, **options: Any) -> Path:
    """Write a report of one run or of several: one file for a browser, which needs no network.

    It has the facts of the runs, what the laws say of them, interactive curves, and densities over time. A run that is
    not finished is reported as far as it has got.

    Parameters
    ----------
    runs
        A run directory, finished or not, or several.
    output
        File to write, ``.html``. Default: a free name in the current folder, after the run.
    title
        Title of the page. Default: that of the run, or the names of the runs.
    options
        ``frames``, the number of densities at most (60), and ``solid``, whether 3-D densities have surfaces that turn
        (True).

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    InputError
        If there is no run, the package plotly is not installed, or an option, the suffix or the folder of the output is
        not allowed.
    RunError
        If a file of a run is damaged, or the report cannot be written.
    """
    subjects = [Subject(run.path) for run in opened(runs, "a report")]
    path = chosen_output(output, subjects, Page)
    script = _plotly()
    made = sorted(Section.possible(subjects), key=lambda section: section.order)
    bodies = [(section, section.with_options(options).html(subjects)) for section in made]
    publish_text(path, _page(title or _title(subjects), subjects, bodies, script))
    return path


class Page(Output, command="page", kind="report", suffixes=(".html",)):
    """The report as a file, for its name and its suffix."""


def _title(runs: Sequence[Subject]) -> str:
    return runs[0].title if len(runs) == 1 else " · ".join(told_apart(runs))


def _plotly() -> str:
    """The text of plotly.js, for 3-D and curves; InputError, which says how to install it, if it is not there."""
    if find_spec("plotly") is None:
        raise InputError("a report needs the package plotly: pip install 'gridflow[report]'")
    from plotly.offline import get_plotlyjs  # an optional dependency

    return str(get_plotlyjs())


def _page(title: str, runs: Sequence[Subject], bodies: Sequence[tuple[type[Section], str]], plotly: str) -> str:
    """Return the whole page as text."""
    parts = [
        f'<section id="{section.kind}" aria-labelledby="head-{section.kind}">'
        f'<h2 id="head-{section.kind}">{escaped(section.heading)}</h2>\n{body}\n</section>'
        for section, body in bodies
    ]
    missing = [
        f"<li>{escaped(kind.capitalize())}: {escaped(reason)}.</li>" for kind, reason in Section.obstacles(runs).items()
    ]
    if missing:
        parts.append(f'<section id="missing"><h2>Not in this report</h2><ul>{"".join(missing)}</ul></section>')
    style = variables() + (HERE / "page.css").read_text(encoding="utf-8")
    scripts = "\n".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    count = "one run" if len(runs) == 1 else f"{len(runs)} runs"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="gridflow {escaped(__version__)}">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{escaped(title)}</title>
<style>
{style}
</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header class="top">
<div><h1>{escaped(title)}</h1><p class="muted">gridflow report of {count}</p></div>
<button type="button" id="theme" class="tool" aria-label="Switch between light and dark">Light / dark</button>
</header>
<noscript><p class="note">Curves and densities need JavaScript, which is switched off.</p></noscript>
<p class="note" id="trouble" role="alert" hidden></p>
<main id="content">
{"".join(parts)}
</main>
<footer class="muted">Made by gridflow {escaped(__version__)}. This file needs no network.</footer>
{embedded("page", palette(len(runs)))}
<script type="application/octet-stream" id="plotly">{packed(plotly.encode())}</script>
<script>
{scripts}
</script>
</body>
</html>
"""

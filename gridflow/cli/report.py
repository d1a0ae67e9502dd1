"""The ``gridflow report`` command."""

from typing import Annotated

import typer

from gridflow.cli.options import AsJson, RunPaths, Written
from gridflow.cli.printing import print_json


def report(
    run_directories: RunPaths,
    output: Written = None,
    title: Annotated[str | None, typer.Option(help="Title of the page; default that of the run.")] = None,
    frames: Annotated[int | None, typer.Option(metavar="N", help="Number of densities at most; default 60.")] = None,
    no_3d: Annotated[bool, typer.Option("--no-3d", help="In 3-D, planes only, without surfaces that turn.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a page of runs for a browser: facts, which laws hold (as JSON with --json), curves, densities over time."""
    if as_json:
        from gridflow.decay.verdicts import verdicts  # imported here so that other commands need not wait for it

        print_json({str(path): [verdict.facts() for verdict in verdicts(path)] for path in run_directories})
        return
    from gridflow.reports import report  # matplotlib takes a second, which other commands need not wait for

    typer.echo(str(report(run_directories, output, title, frames=frames, solid=False if no_3d else None)))

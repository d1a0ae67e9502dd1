"""The ``gridflow export`` command."""

from typing import Annotated

import typer

from gridflow.cli.options import RunPath, Written


def export(
    run_directory: RunPath,
    output: Written = None,
    to: Annotated[str | None, typer.Option(metavar="FORMAT", help="Format; default that of the file's suffix.")] = None,
) -> None:
    """Write a file for other programs: csv, the table of the series."""
    from gridflow.exchange import export  # imported here so that other commands need not wait for it

    typer.echo(str(export(run_directory, output, to)))

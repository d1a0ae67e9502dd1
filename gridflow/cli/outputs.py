"""The ``gridflow plot``, ``gridflow movie`` and ``gridflow export`` commands."""

from pathlib import Path
from typing import Annotated

import typer

from gridflow.cli.options import RunPath

Output = Annotated[Path, typer.Option("--output", "-o", help="File to write; its suffix determines the format.")]


def plot(run_directory: RunPath, output: Output) -> None:
    """Draw the density over time, the target, and curves of energy, extrema and the hole's volume."""
    from gridflow import viz  # imported here: matplotlib takes a second, which other commands need not wait for

    typer.echo(str(viz.plot(run_directory, output)))


def movie(run_directory: RunPath, output: Output) -> None:
    """Make a movie of the density (.mp4 with ffmpeg, .gif without)."""
    from gridflow import viz

    typer.echo(str(viz.movie(run_directory, output)))


def export(run_directory: RunPath, output: Output) -> None:
    """Write what the file's suffix stands for: .csv the series as a table, others a figure or a movie."""
    from gridflow import viz

    typer.echo(str(viz.export(run_directory, output)))

"""The ``gridflow movie`` command."""

import typer

from gridflow.cli.options import RunPaths, Written


def movie(run_directories: RunPaths, output: Written = None) -> None:
    """Make a movie of the density of a run, or of several side by side (.mp4 with ffmpeg, .gif without)."""
    from gridflow import viz  # imported here: matplotlib takes a second, which other commands need not wait for

    typer.echo(str(viz.movie(run_directories, output)))

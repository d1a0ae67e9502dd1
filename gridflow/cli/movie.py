"""The ``gridflow movie`` command."""

from typing import Annotated

import typer

from gridflow.cli.options import (
    At,
    Axis,
    Azimuth,
    Background,
    Clip,
    ColorMap,
    Elevation,
    Level,
    Limits,
    Log,
    Of,
    Quiet,
    RunPaths,
    Written,
    list_kinds,
    numbers,
)
from gridflow.errors import InputError


def movie(
    run_directories: RunPaths,
    output: Written = None,
    kind: Annotated[
        str | None, typer.Option(help="What to show; default densities, or surface in 3-D if there is a renderer.")
    ] = None,
    kinds: Annotated[bool, typer.Option("--kinds", help="List what can be shown of these runs.")] = False,
    seconds: Annotated[
        float | None, typer.Option(help="Length; default one frame for each snapshot, 10 seconds at most.")
    ] = None,
    fps: Annotated[
        float | None, typer.Option(help="Frames per second; default 5 to 25, more for more snapshots.")
    ] = None,
    spacing: Annotated[
        str | None, typer.Option(metavar="linear|log|snapshots", help="How simulated time runs; default as stored.")
    ] = None,
    span: Annotated[
        str | None, typer.Option(metavar="T,T", help="First and last time; default what all runs have.")
    ] = None,
    size: Annotated[str | None, typer.Option(metavar="WxH", help="Pixels, even numbers; default 1280x720.")] = None,
    dpi: Annotated[float | None, typer.Option(help="Pixels per inch; default 6 inches high.")] = None,
    axis: Axis = None,
    at: At = None,
    limits: Limits = None,
    log: Log = None,
    cmap: ColorMap = None,
    level: Level = None,
    of: Of = None,
    clip: Clip = None,
    azimuth: Azimuth = None,
    elevation: Elevation = None,
    background: Background = None,
    orbit: Annotated[
        float | None, typer.Option(help="In 3-D and on the sphere, how often the camera goes around; default 0.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(help="Processes that draw; default one per core.")] = None,
    quiet: Quiet = False,
) -> None:
    """Make a movie of a run, or of several side by side at equal times (.mp4 with ffmpeg, .gif without)."""
    from gridflow import viz  # imported here: matplotlib takes a second, which other commands need not wait for

    if kinds:
        list_kinds(viz.kinds_of_movies(run_directories))
        return
    options = {
        "seconds": seconds, "fps": fps, "spacing": spacing, "span": numbers("span", span, 2), "size": _size(size),
        "dpi": dpi, "axis": axis, "at": at, "limits": numbers("limits", limits, 2), "log": log, "cmap": cmap,
        "level": level, "of": of, "clip": clip, "azimuth": azimuth, "elevation": elevation, "background": background,
        "orbit": orbit, "jobs": jobs,
    }  # fmt: skip
    typer.echo(str(viz.movie(run_directories, output, kind, False if quiet else None, **options)))


def _size(text: str | None) -> tuple[int, int] | None:
    """Return width and height; InputError unless both are whole numbers."""
    if text is None:
        return None
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise InputError(f"--size {text}: write width and height, for example 1920x1080")
    return int(width), int(height)

"""The ``gridflow plot`` command."""

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
    Frames,
    Level,
    Limits,
    Log,
    Of,
    RunPaths,
    Times,
    Written,
    list_kinds,
    numbers,
)


def plot(
    run_directories: RunPaths,
    output: Written = None,
    kind: Annotated[
        str | None, typer.Option(help="What to draw; default overview, or comparison of several runs.")
    ] = None,
    kinds: Annotated[bool, typer.Option("--kinds", help="List what can be drawn of these runs.")] = False,
    frames: Frames = None,
    times: Times = None,
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
    columns: Annotated[int | None, typer.Option(help="Width in columns of a paper, 1 or 2.")] = None,
    dpi: Annotated[float | None, typer.Option(help="Pixels per inch; default 160.")] = None,
) -> None:
    """Draw a run, or several to compare them: densities over time, the target, and curves beside exact laws."""
    from gridflow import viz  # imported here: matplotlib takes a second, which other commands need not wait for

    if kinds:
        list_kinds(viz.kinds(run_directories))
        return
    options = {
        "frames": frames, "times": numbers("times", times), "axis": axis, "at": at,
        "limits": numbers("limits", limits, 2), "log": log, "cmap": cmap, "columns": columns, "dpi": dpi,
        "level": level, "of": of, "clip": clip, "azimuth": azimuth, "elevation": elevation, "background": background,
    }  # fmt: skip
    _, path = viz.drawn(run_directories, output, kind, options, named=True)
    typer.echo(str(path))

"""The arguments and options that several commands share."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from gridflow.errors import InputError

CasePath = Annotated[Path, typer.Argument(metavar="CASE.toml", help="The case file; see 'gridflow new'.")]
RunPaths = Annotated[list[Path], typer.Argument(metavar="DIR...", help="Run directories.")]
RunPath = Annotated[Path, typer.Argument(metavar="DIR", help="The run directory, or packed run.")]
Changed = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="TABLE.KEY=VALUE", help="Change a value of the case; repeatable."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Written = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="File to write; its suffix determines the format. Default: a free name."),
]
Frames = Annotated[int | None, typer.Option(metavar="N", help="Number of densities; default 5.")]
Times = Annotated[str | None, typer.Option(metavar="T,T,...", help="Times to show instead.")]
Axis = Annotated[str | None, typer.Option(metavar="x|y|z", help="In 3-D, the axis across which it is cut; default z.")]
At = Annotated[float | None, typer.Option(help="In 3-D, where it is cut; default in the middle.")]
Limits = Annotated[str | None, typer.Option(metavar="LOW,HIGH", help="Ends of the scale of densities.")]
Log = Annotated[bool | None, typer.Option("--log", help="Logarithmic scale of densities.")]
Level = Annotated[float | None, typer.Option(help="In 3-D, the density on the surface; default the hole's boundary.")]
Of = Annotated[str | None, typer.Option(metavar="difference|density", help="In 3-D, of what the volume is.")]
Clip = Annotated[bool | None, typer.Option("--clip", help="In 3-D, cut away what is before --axis and --at.")]
Azimuth = Annotated[float | None, typer.Option(help="In 3-D, direction of the camera in degrees; default -60.")]
Elevation = Annotated[float | None, typer.Option(help="In 3-D, height of the camera in degrees; default 25.")]
Background = Annotated[str | None, typer.Option(metavar="white|black", help="In 3-D, the background of the box.")]
ColorMap = Annotated[str | None, typer.Option("--cmap", metavar="NAME", help="Colour map of matplotlib.")]


def list_kinds(described: Mapping[str, str]) -> None:
    """Print the kinds of outputs that can be made of some runs, a line each."""
    for name, told in described.items():
        typer.echo(f"{name:14} {told}")


def numbers(name: str, text: str | None, count: int | None = None) -> tuple[float, ...] | None:
    """Return the numbers of an option that are separated by commas; None if it is not given.

    InputError if one is no number, or there are not ``count`` of them.
    """
    if text is None:
        return None
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"--{name} {text}: write numbers with commas, for example 0.5,1,2") from None
    if count is not None and len(found) != count:
        raise InputError(f"--{name} {text}: {count} numbers are needed, with commas")
    return found


def whole_numbers(name: str, text: str | None) -> tuple[int, ...] | None:
    """Return the whole numbers of an option that are separated by commas; None if it is not given, else InputError."""
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"--{name} {text}: write whole numbers with commas, for example 0,5,-1") from None

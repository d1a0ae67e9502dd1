"""The ``gridflow pack`` and ``gridflow unpack`` commands."""

from pathlib import Path
from typing import Annotated

import typer

from gridflow.cli.options import RunPath, Written
from gridflow.runtime import packing


def pack(run_directory: RunPath, output: Written = None) -> None:
    """Make one HDF5 file of a whole run; every command that reads a run reads it, too."""
    typer.echo(str(packing.pack(run_directory, output)))


def unpack(
    packed: Annotated[Path, typer.Argument(metavar="RUN.h5", help="The packed run.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Run directory to make. Default: a free name.")
    ] = None,
) -> None:
    """Make a run directory of a packed run, to resume it."""
    typer.echo(str(packing.unpack(packed, output)))

"""The ``gridflow sample`` command."""

from pathlib import Path
from typing import Annotated, Any

import typer

from gridflow.cli.options import RunPath
from gridflow.errors import InputError


def sample(
    run_directory: RunPath,
    count: Annotated[int, typer.Option("--count", "-N", help="Number of particles.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="File to write: .npz, .npy, .csv, .h5, .hdf5, .h5md, .gsd or .json (openPMD)."
        ),
    ],
    time: Annotated[float | None, typer.Option("--time", "-t", help="Time of a snapshot; default the start.")] = None,
    index: Annotated[
        int | None, typer.Option("--index", help="Or the number of a snapshot, from 0; -1 is the last one.")
    ] = None,
    method: Annotated[
        str, typer.Option("--method", help="independent, stratified or quasi-random, the quietest.")
    ] = "independent",
    weights: Annotated[
        str, typer.Option("--weights", help="equal, or density: particles lie evenly and weigh as much as is there.")
    ] = "equal",
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same particles.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
) -> None:
    """Draw particles from the density of a run, for the start of a particle code of your own."""
    from gridflow.validation.starts import sample_run  # imported here so that other commands need not wait for it

    if output.exists() and not force:
        raise InputError(f"{output} exists; choose another -o or pass --force")
    drawn: dict[str, Any] = {"method": method, "weights": weights, "seed": seed}  # it names what is allowed
    written = sample_run(run_directory, count, output, time=time, index=index, **drawn)
    typer.echo(str(written))

"""The ``gridflow export`` command."""

from typing import Annotated

import typer

from gridflow.cli.options import RunPath, Written, numbers, whole_numbers


def export(
    run_directory: RunPath,
    output: Written = None,
    to: Annotated[
        str | None,
        typer.Option(metavar="FORMAT", help="netcdf, vtkhdf, xdmf, npz, zarr or csv; default that of the suffix."),
    ] = None,
    times: Annotated[
        str | None, typer.Option(metavar="T,T,...", help="Times to write; of each, the nearest snapshot.")
    ] = None,
    index: Annotated[
        str | None, typer.Option(metavar="N,N,...", help="Numbers of snapshots instead, from 0; -1 is the last.")
    ] = None,
    every: Annotated[int | None, typer.Option(metavar="N", help="Write every n-th snapshot only.")] = None,
) -> None:
    """Write a file for other programs: the fields of all snapshots, or the series as a table (csv)."""
    from gridflow.exchange import export  # imported here so that other commands need not wait for it

    typer.echo(
        str(
            export(
                run_directory,
                output,
                to,
                times=numbers("times", times),
                index=whole_numbers("index", index),
                every=every,
            )
        )
    )

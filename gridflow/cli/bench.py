"""The ``gridflow bench`` command."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gridflow.cli.printing import notes, screen
from gridflow.errors import InputError


def bench(
    shapes: Annotated[
        list[str] | None,
        typer.Option(
            "--shape", metavar="N,N[,N]", help="Grid to time; repeatable. Default: from 256,256 to 256,256,256."
        ),
    ] = None,
    schemes: Annotated[
        list[str] | None,
        typer.Option(
            "--scheme", help="Reconstruction to time, or spectral; repeatable. Default: upwind, muscl and sharp."
        ),
    ] = None,
    dtype: Annotated[str, typer.Option(help="float64 or float32.")] = "float64",
    threads: Annotated[int | None, typer.Option(help="Number of threads; default: as for a run.")] = None,
    output: Annotated[Path | None, typer.Option("--json", help="File for all results and the machine.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
) -> None:
    """Time transforms, right-hand sides and steps side by side, and give their cost in units of an FFT pair."""
    from gridflow.studies import benchmark  # imported here so that other commands need not wait for it

    if output is not None and output.exists() and not force:
        raise InputError(f"{output} exists; choose another --json or pass --force")
    grids = [_shape(text) for text in shapes or ()] or list(benchmark.SHAPES)
    results = []
    facts = benchmark.machine()
    notes.print(f"{facts['processor']}, {facts['cores']} cores; medians of interleaved rounds, {dtype}")
    columns = [
        ("grid", lambda row: "×".join(map(str, row["shape"]))),
        ("scheme", lambda row: row["scheme"]),
        ("threads", lambda row: str(row["threads"])),
        ("FFT pair", lambda row: _time(row["seconds"]["pair"])),
        ("own FFTs", lambda row: _time(row["seconds"]["transforms"])),
        ("rhs", lambda row: _time(row["seconds"]["rhs"])),
        ("rhs / pair", lambda row: f"{row['rhs_per_pair']:.2f}"),
        ("rhs / own FFTs", lambda row: f"{row['rhs_per_transforms']:.2f}"),
        ("step / rhs", lambda row: f"{row['step_per_rhs']:.2f}"),
        ("row / step", lambda row: f"{row['diagnose_per_step']:.2f}"),
        ("Mcells/s", lambda row: f"{row['cells_per_second'] / 1e6:.0f}"),
        ("bytes/cell", lambda row: f"{row['bytes_per_cell']:.0f}"),
    ]
    table = Table(*(name for name, _ in columns), title="Cost of a right-hand side")
    for grid in grids:
        for scheme in schemes or benchmark.SCHEMES:
            results.append(benchmark.measure(grid, scheme, dtype, threads))
            table.add_row(*(show(results[-1]) for _, show in columns))
    screen(140).print(table)
    if output is not None:
        benchmark.write(output, results, max(row["threads"] for row in results))
        typer.echo(str(output))


def _shape(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"--shape {text}: write it as whole numbers with commas, for example 256,256") from None


def _time(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms"

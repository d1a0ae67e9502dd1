"""The ``gridflow train`` command, which trains networks and their infinite-width limit."""

import math
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gridflow.cases.reading import parsed_changes
from gridflow.cli.options import AsJson, Changed, Quiet
from gridflow.cli.printing import notes, print_json, screen


def train(
    case_file: Annotated[
        Path,
        typer.Argument(metavar="CASE.toml", help="A case with a training table; see 'gridflow new relu-circle'."),
    ],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder; default the case's name + '.train'.")] = None,
    changed: Changed = None,
    as_json: AsJson = False,
    force: Annotated[bool, typer.Option("--force", help="Run even if memory may be insufficient.")] = False,
    quiet: Quiet = False,
) -> None:
    """Train networks of several widths and the infinite-width limit, and report the times; run again to continue."""
    from gridflow.studies.training import train as train_all  # imported here so that other commands need not wait

    say = None if quiet else notes.print
    found = train_all(case_file, out, set=parsed_changes(changed or ()), force=force, progress=not quiet, say=say)
    if found.interrupted:
        notes.print(f"{found.interrupted} was interrupted; run the same command again to continue")
        raise typer.Exit(1)
    picture = found.plot(found.folder / "training.png")
    if as_json:
        print_json(found.facts())
    else:
        columns = (
            "first loss",
            "last loss",
            f"time to {found.goal:.3g}",
            "predicted",
            "× limit, at most",
        )
        table = Table("trained", *columns, box=None, highlight=False)
        for run in found.durations:
            table.add_row(
                run.label,
                f"{run.first:.4g}",
                f"{run.last:.4g}",
                f"{run.time:.4g}" if math.isfinite(run.time) else "not reached",
                f"{run.predicted:.4g}" if math.isfinite(run.predicted) else "none",
                f"{run.times_limit:.4g}",
            )
        screen(110).print(table)
    typer.echo(str(picture), err=as_json)
    if found.unfinished:
        raise typer.Exit(1)

"""The ``gridflow sweep`` command, which runs all combinations of values of a case's keys."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from gridflow.cases.reading import parsed_changes
from gridflow.cli.options import CasePath, Changed, Quiet
from gridflow.cli.printing import notes, screen
from gridflow.runtime.store import DONE

PICTURE = "sweep.png"
SHOWN = ("status", "steps", "time", "energy", "min", "max", "hole_volume", "seconds")


def sweep(
    case_file: CasePath,
    over: Annotated[
        list[str],
        typer.Option("--over", metavar="TABLE.KEY=VALUE,VALUE", help="A key and its values; repeat it for a product."),
    ],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder; default the case's name + '.sweep'.")] = None,
    changed: Changed = None,
    jobs: Annotated[
        int | None, typer.Option(help="Number of parallel processes; default: as cores and memory allow.")
    ] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Rerun failed members.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing sweep.")] = False,
    quiet: Quiet = False,
) -> None:
    """Run all combinations of values in parallel, each in its own directory; run again to continue."""
    from gridflow.studies.axes import parsed_axes  # imported here so that other commands need not wait for it
    from gridflow.studies.sweep import TABLE
    from gridflow.studies.sweep import sweep as run_all
    from gridflow.viz import plot

    folder = out or Path(f"{case_file.stem}.sweep")
    say = None if quiet else notes.print
    changes = parsed_changes(changed or ())
    rows = run_all(case_file, parsed_axes(over), folder, set=changes, jobs=jobs, retry=retry, force=force, say=say)
    screen(140).print(_table(rows))
    typer.echo(str(folder / TABLE))
    if any("energy" in row for row in rows):
        plot(folder, folder / PICTURE)
        typer.echo(str(folder / PICTURE))
    unfinished = [row for row in rows if row["status"] not in DONE]
    for row in unfinished:
        notes.print(f"{row['member']} is {row['status']}" + (f": {row['reason']}" if row["reason"] else ""))
    if unfinished:
        failed = any(row["status"] == "failed" for row in unfinished)
        retried = "; add --retry to rerun failed members" if failed else ""
        notes.print(f"run the same command again to continue{retried}")
        raise typer.Exit(1)


def _table(rows: list[dict[str, Any]]) -> Table:
    keys = list(rows[0])[: list(rows[0]).index("member")]
    columns = [*keys, *(name for name in SHOWN if any(name in row for row in rows))]
    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*(_cell(row.get(name, "")) for name in columns))
    return table


def _cell(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)

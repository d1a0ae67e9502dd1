"""The ``gridflow info`` command."""

from typing import Annotated, Any

import typer
from rich.table import Table

from gridflow.cli.options import AsJson, RunPath
from gridflow.cli.printing import print_json, screen
from gridflow.decay.holes import hole_events
from gridflow.runtime.schema import OF_ONE_HOLE
from gridflow.runtime.store import RunDirectory, open_run


def info(
    run_directory: RunPath,
    as_json: AsJson = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare every checksum; exit code 1 if a file is damaged or missing.")
    ] = False,
) -> None:
    """Show the contents of a run directory and how far the run has got."""
    stored = open_run(run_directory)
    damaged = stored.verify() if verify else None
    facts: dict[str, Any] = {"path": str(stored.path), "status": stored.status} if damaged else _facts(stored)
    if damaged is not None:
        facts["damaged"] = damaged
    if as_json:
        print_json(facts)
    else:
        table = Table(show_header=False, box=None)
        for key, value in _rows(facts):
            table.add_row(key, value)
        screen().print(table)
    if damaged:
        raise typer.Exit(1)


def _facts(stored: RunDirectory) -> dict[str, Any]:
    series, times = stored.series, stored.times
    last = {name: column[-1].item() for name, column in series.items() if not OF_ONE_HOLE.fullmatch(name)}
    events = hole_events(series)
    return {
        "path": str(stored.path),
        "status": stored.status,
        "reason": stored.manifest.get("reason", ""),
        **{name: value for name, value in stored.manifest.items() if name == "crossing" and value is not None},
        "t_end": stored.manifest["t_end"],
        "gridflow": stored.manifest["gridflow"],
        "grid": stored.manifest["grid"],
        "kernel": stored.manifest["problem"]["kernel"],
        "growth": stored.manifest["problem"]["growth"],
        "solver": stored.manifest["solver"],
        "snapshots": {"count": len(times), "first": float(times[0]), "last": float(times[-1])}
        if len(times)
        else {"count": 0},
        "checkpoints": [path.name for path in stored.checkpoints()],
        "series": {"rows": len(series.get("time", ())), "last": last},
        **({"holes": [str(event) for event in events]} if events else {}),
    }


def _rows(facts: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows = []
    for key, value in facts.items():
        if isinstance(value, dict):
            rows += _rows(value, f"{prefix}{key}.")
        elif key == "holes" and not prefix:
            rows += [(key, line) for line in value]
        else:
            rows.append((f"{prefix}{key}", f"{value:.10g}" if isinstance(value, float) else str(value)))
    return rows

"""The ``gridflow run`` and ``gridflow resume`` commands."""

from pathlib import Path
from typing import Annotated

import typer

from gridflow.cases.execute import resume_case, run_case
from gridflow.cases.reading import parsed_changes
from gridflow.cli.options import CasePath, Changed, Quiet, RunPath
from gridflow.cli.printing import notes
from gridflow.runtime.live import Run

Force = Annotated[
    bool, typer.Option("--force", help="Replace an existing run; run even if memory may be insufficient.")
]


def run(
    case_file: CasePath,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Run directory; default the case's name + '.run'.")
    ] = None,
    changed: Changed = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Run a case into a run directory."""
    store = out or Path(f"{case_file.stem}.run")
    say = None if quiet else notes.print
    _finish(
        run_case(case_file, store, set=parsed_changes(changed or ()), force=force, progress=not quiet, say=say), store
    )


def resume(
    run_directory: RunPath,
    t_end: Annotated[float | None, typer.Option("--t-end", help="Run on to this time instead of the case's.")] = None,
    quiet: Quiet = False,
) -> None:
    """Continue a run that was interrupted or killed, or run a finished one further."""
    _finish(resume_case(run_directory, t_end, progress=not quiet), run_directory)


def _finish(done: Run, store: Path) -> None:
    notes.print(f"{done.status} at t = {done.time:.6g} after {done.steps} steps: {done.reason}")
    if done.status == "interrupted":
        notes.print(f"continue with: gridflow resume {store}")
    typer.echo(str(store))
    if done.status == "interrupted":
        raise typer.Exit(1)

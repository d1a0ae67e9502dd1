"""The command that trains networks beside their limit."""

import math
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gridflow.cases.reading import read_case
from gridflow.cli.launch import check_memory, launch
from gridflow.cli.printing import notes, print_json
from gridflow.errors import InputError, RunError
from gridflow.runtime.store import DONE, open_run

_screen = Console(highlight=False)


def train(
    case_file: Annotated[
        Path,
        typer.Argument(metavar="CASE.toml", help="A case with a training table; see 'gridflow new relu-circle'."),
    ],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder; default the case's name + '.train'.")] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="TABLE.KEY=VALUE", help="Change a value of the case; repeatable."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Run although memory looks short.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Train networks of several widths beside their limit and say how long it takes; again to go on."""
    from gridflow.studies.prediction import predict  # their imports are not for other commands to wait for
    from gridflow.studies.training import Expectation, Member, conclude, expect, members, resumable
    from gridflow.viz.training import Curve, plot_training

    case = read_case(case_file, overrides or ())
    wanted = members(case)
    assert case.training is not None, "members checks that"
    expected = [expect(member, case_file.parent) for member in wanted]
    prediction = predict(*wanted[0].case.build(case_file.parent), case.training.tolerance)
    folder = out or Path(f"{case_file.stem}.train")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} exists and is not a folder; choose another --out")
    folder.mkdir(parents=True, exist_ok=True)
    trained: list[tuple[Member, Expectation]] = []
    for member, known in zip(wanted, expected, strict=True):
        store = folder / member.directory
        resumed = open_run(store) if store.exists() else None
        if resumed is not None:
            resumable(member, known, resumed)
            if resumed.status in DONE and resumed.manifest["t_end"] >= member.case.time.t_end:
                trained.append((member, known))
                continue
        if not quiet:
            notes.print(f"{member.name}: {member.label}")
        check_memory(member.case, force, quiet=True)
        try:
            done = launch(member.case, store, case_file.parent if resumed is None else store, quiet, resumed=resumed)
        except RunError as error:
            if member is wanted[0]:
                raise
            notes.print(f"gridflow: {member.name} failed and is left out: {error}")
            continue
        if done.status == "interrupted":
            notes.print(f"{member.name} was interrupted at t = {done.time:.6g}; the same command goes on")
            raise typer.Exit(1)
        trained.append((member, known))
    found = conclude(folder, [member for member, _ in trained], prediction, [known.linear for _, known in trained])
    runs = [Curve(folder / member.directory, member.label, known.linear) for member, known in trained]
    slope = None if prediction.doubts else prediction.exponent
    picture = plot_training(runs, found.goal, folder / "training.png", slope)
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
        Console(width=max(_screen.width, 110), highlight=False).print(table)
    typer.echo(str(picture), err=as_json)
    if len(trained) < len(wanted):
        raise typer.Exit(1)

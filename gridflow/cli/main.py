"""The ``gridflow`` command: new, run, sweep, resume, info, plot, movie, export, bench, predict, rates, compare, train.

Exit codes: 0 for success, 1 if a run failed, 2 for bad input. Results go to standard output, everything else to
standard error.
"""

import sys
import warnings
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.table import Table

from gridflow._version import __version__
from gridflow.cases import templates as cases
from gridflow.cases.execute import resume_case, run_case
from gridflow.cases.reading import parsed_changes
from gridflow.cli import theory
from gridflow.cli.compare import compare
from gridflow.cli.options import AsJson, CasePath, Changed, Quiet, RunPath
from gridflow.cli.printing import notes, print_json
from gridflow.cli.sweep import sweep
from gridflow.cli.train import train
from gridflow.errors import InputError, RunError
from gridflow.files import publishing
from gridflow.runtime.loop import Run
from gridflow.runtime.store import RunDirectory, open_run

app = typer.Typer(
    help="Wasserstein gradient flows of kernel mean discrepancies on periodic grids and spheres.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(theory.predict)
app.command()(theory.rates)
app.command()(sweep)
app.command()(compare)
app.command()(train)
_screen = Console()

Output = Annotated[Path, typer.Option("--output", "-o", help="File to write; its suffix determines the format.")]
Force = Annotated[
    bool, typer.Option("--force", help="Replace an existing run; run even if memory may be insufficient.")
]


def main() -> None:
    """Entry point: run a command, and turn errors into one line and an exit code."""
    warnings.showwarning = _show_warning
    try:
        app()
    except InputError as error:
        _complain(error)
        sys.exit(2)
    except RunError as error:
        _complain(error)
        sys.exit(1)


def _complain(error: Exception) -> None:
    for line in str(error).splitlines():
        notes.print(f"gridflow: {line}")


def _show_warning(
    message: Warning | str,
    category: type[Warning],  # noqa: ARG001 - the signature of warnings.showwarning, as below
    filename: str,  # noqa: ARG001
    lineno: int,  # noqa: ARG001
    file: TextIO | None = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    notes.print(f"gridflow: warning: {message}")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gridflow {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command()
def new(
    name: Annotated[str, typer.Argument(help=f"One of: {', '.join(cases.names())}.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; default NAME.toml.")] = None,
) -> None:
    """Write a commented case file to start from."""
    if name not in cases.names():
        raise InputError(f'no bundled case "{name}"; there are {", ".join(cases.names())}')
    target = output or Path(f"{name}.toml")
    copies = {target if file.name.endswith(".toml") else target.parent / file.name: file for file in cases.files(name)}
    for path in copies:
        if path.exists():
            raise InputError(f"{path} exists; choose another name with -o or remove it")
    for path, file in copies.items():
        try:
            path.touch(exist_ok=False)  # the name is taken at once: nobody else's file is replaced
        except OSError as error:
            raise InputError(f"{path} cannot be written: {error.strerror}") from None
        try:
            with publishing(path) as temporary:
                temporary.write_bytes(file.read_bytes())
        except RunError:
            path.unlink()  # it is still empty
            raise
        typer.echo(str(path))


@app.command()
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


@app.command()
def resume(
    run_directory: RunPath,
    t_end: Annotated[float | None, typer.Option("--t-end", help="Run on to this time instead of the case's.")] = None,
    quiet: Quiet = False,
) -> None:
    """Continue a run that was interrupted or killed, or run a finished one further."""
    say = None if quiet else notes.print
    _finish(resume_case(run_directory, t_end, progress=not quiet, say=say), run_directory)


def _finish(done: Run, store: Path) -> None:
    notes.print(f"{done.status} at t = {done.time:.6g} after {done.steps} steps: {done.reason}")
    if done.status == "interrupted":
        notes.print(f"continue with: gridflow resume {store}")
    typer.echo(str(store))


@app.command()
def info(
    run_directory: RunPath,
    as_json: AsJson = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare every checksum; exit code 1 if a file is damaged.")
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
        _screen.print(table)
    if damaged:
        raise typer.Exit(1)


def _facts(stored: RunDirectory) -> dict[str, Any]:
    series, times = stored.series, stored.times
    last = {name: column[-1].item() for name, column in series.items()} if series else {}
    return {
        "path": str(stored.path),
        "status": stored.status,
        "reason": stored.manifest.get("reason", ""),
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
    }


def _rows(facts: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows = []
    for key, value in facts.items():
        if isinstance(value, dict):
            rows += _rows(value, f"{prefix}{key}.")
        else:
            rows.append((f"{prefix}{key}", f"{value:.10g}" if isinstance(value, float) else str(value)))
    return rows


@app.command()
def plot(run_directory: RunPath, output: Output) -> None:
    """Draw the density over time, the target, and curves of energy, extrema and the hole's volume."""
    from gridflow import viz  # imported here: matplotlib takes a second, which other commands need not wait for

    typer.echo(str(viz.plot(run_directory, output)))


@app.command()
def movie(run_directory: RunPath, output: Output) -> None:
    """Make a movie of the density (.mp4 with ffmpeg, .gif without)."""
    from gridflow import viz

    typer.echo(str(viz.movie(run_directory, output)))


@app.command()
def export(run_directory: RunPath, output: Output) -> None:
    """Write a file for other programs: .csv is the table of the series, other suffixes a figure or a movie."""
    from gridflow import viz

    typer.echo(str(viz.export(run_directory, output)))


@app.command()
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
    Console(width=max(_screen.width, 140)).print(table)
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


if __name__ == "__main__":
    main()

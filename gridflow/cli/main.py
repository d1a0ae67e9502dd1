"""The ``gridflow`` command; each of its commands is a function of one module.

Exit codes: 0 for success, 1 if a run failed or was interrupted or a check did not pass, 2 for bad input. Results go to
standard output, everything else to standard error.
"""

import sys
import warnings
from typing import Annotated, TextIO

import typer

from gridflow._version import __version__
from gridflow.cli.bench import bench
from gridflow.cli.compare import compare
from gridflow.cli.export import export
from gridflow.cli.info import info
from gridflow.cli.movie import movie
from gridflow.cli.new import new
from gridflow.cli.pack import pack, unpack
from gridflow.cli.plot import plot
from gridflow.cli.printing import notes
from gridflow.cli.run import resume, run
from gridflow.cli.sweep import sweep
from gridflow.cli.theory import predict, rates
from gridflow.cli.train import train
from gridflow.errors import InputError, RunError

app = typer.Typer(
    help="Wasserstein gradient flows of kernel mean discrepancies on periodic grids and spheres.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for command in (
    new, run, resume, info, plot, movie, export, pack, unpack, sweep, predict, rates, compare, train, bench,
):  # fmt: skip
    app.command()(command)


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


if __name__ == "__main__":
    main()

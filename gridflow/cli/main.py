"""The ``gridflow`` command and all its commands, one file each in this folder.

Exit codes: 0 for success, 1 if a run failed or was interrupted or a check did not pass, 2 for bad input. Results go to
standard output, everything else to standard error.
"""

import sys
import warnings
from typing import Annotated, Any, TextIO

import typer

from gridflow._version import __version__
from gridflow.cli.bench import bench
from gridflow.cli.compare import compare
from gridflow.cli.explore import explore
from gridflow.cli.export import export
from gridflow.cli.info import info
from gridflow.cli.movie import movie
from gridflow.cli.new import new
from gridflow.cli.pack import pack, unpack
from gridflow.cli.plot import plot
from gridflow.cli.printing import notes
from gridflow.cli.report import report
from gridflow.cli.run import resume, run
from gridflow.cli.sample import sample
from gridflow.cli.sweep import sweep
from gridflow.cli.theory import predict, rates
from gridflow.cli.train import train
from gridflow.errors import InputError, RunError

app = typer.Typer(
    help="Wasserstein gradient flows of kernel mean discrepancies on periodic grids and spheres.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help and messages are shown as they are written: [tables] are no markup
)
Refused: type[Any] = typer.BadParameter.__mro__[1]
"""The error of a command line that cannot be understood; different versions of typer keep it in different places."""
COMMANDS = (
    new, run, resume, info, plot, movie, report, export, pack, unpack, sweep, predict, rates, sample, compare, train,
    bench, explore,
)  # fmt: skip
for command in COMMANDS:
    app.command(short_help=(command.__doc__ or "").partition("\n")[0])(command)


def main() -> None:
    """Entry point: run a command, and turn errors into one line and an exit code."""
    warnings.showwarning = _show_warning
    try:
        code = app(sys.argv[1:] or ["--help"], prog_name="gridflow", standalone_mode=False)
    except Refused as error:
        _complain(_refusal(error))
        sys.exit(2)
    except InputError as error:
        _complain(str(error))
        sys.exit(2)
    except RunError as error:
        _complain(str(error))
        sys.exit(1)
    if code:
        sys.exit(code)


def _complain(message: str) -> None:
    for line in message.splitlines():
        notes.print(f"gridflow: {line}")


def _refusal(error: Any) -> str:
    """Return one line for a command line that cannot be understood: the option, the value and what is allowed."""
    reason = getattr(error.__cause__, "errors", None)
    if reason is not None:  # a value that is not of the option's type
        found = reason()[0]
        allowed = found["msg"].removeprefix("Input should be ").partition(",")[0]
        told = f"{error.param.opts[0]} {found['input']}: it should be {allowed}"
    else:
        text = error.format_message().rstrip(".")
        told = text[:1].lower() + text[1:]
    if error.ctx is None:
        return told
    return f"{told}{' See' if told.endswith('?') else '; see'} {error.ctx.command_path} --help"


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

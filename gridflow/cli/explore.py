"""The ``gridflow explore`` command."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from gridflow.cli.printing import notes
from gridflow.errors import InputError


def explore(
    case_file: Annotated[
        Path | None, typer.Argument(metavar="CASE.toml", help="A case to begin with: a square torus, a Riesz kernel.")
    ] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on; default any free one.")] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address only.")] = False,
) -> None:
    """Draw a hole in a page of your browser and watch it fill; the page is served on this machine only."""
    if find_spec("nicegui") is None:
        raise InputError("explore needs NiceGUI, which is not installed: pip install 'gridflow[app]'")
    from gridflow.app.server import serve  # imported here: other commands need no web server
    from gridflow.app.setups import Base

    base = Base.default() if case_file is None else Base.read(case_file)
    serve(base, port, _announce, browser=not no_browser)


def _announce(address: str) -> None:
    notes.print("gridflow: open this address in a browser on this machine; Ctrl-C ends the page")
    typer.echo(address)

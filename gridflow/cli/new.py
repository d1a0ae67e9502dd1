"""The ``gridflow new`` command."""

from pathlib import Path
from typing import Annotated

import typer

from gridflow.cases import templates
from gridflow.errors import InputError, RunError
from gridflow.files import publishing


def new(
    name: Annotated[str, typer.Argument(help=f"One of: {', '.join(templates.names())}.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; default NAME.toml.")] = None,
) -> None:
    """Write a commented case file to start from."""
    if name not in templates.names():
        raise InputError(f'no bundled case "{name}"; there are {", ".join(templates.names())}')
    target = output or Path(f"{name}.toml")
    copies = {
        target if file.name.endswith(".toml") else target.parent / file.name: file for file in templates.files(name)
    }
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

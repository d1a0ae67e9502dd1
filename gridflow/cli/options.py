"""The arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

CasePath = Annotated[Path, typer.Argument(metavar="CASE.toml", help="The case file; see 'gridflow new'.")]
RunPath = Annotated[Path, typer.Argument(metavar="DIR", help="The run directory.")]
Changed = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="TABLE.KEY=VALUE", help="Change a value of the case; repeatable."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]

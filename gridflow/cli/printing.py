"""Printing of results to standard output and of everything else to standard error."""

import json
from typing import Any

import numpy as np
import typer
from rich.console import Console

_AS_IT_IS: Any = {"highlight": False, "markup": False, "emoji": False}
"""Texts are printed as they are: a path with [brackets] or :colons: is no markup."""
notes = Console(stderr=True, soft_wrap=True, **_AS_IT_IS)
"""Console for everything that is not a result."""


def screen(least: int = 0) -> Console:
    """Return a console for results, at least that many characters wide, for tables that must not be cut."""
    return Console(width=max(Console().width, least), **_AS_IT_IS)


def print_json(facts: dict[str, Any]) -> None:
    """Print facts as JSON, with null for numbers that JSON lacks."""
    typer.echo(json.dumps(plain(facts), indent=2, allow_nan=False))


def plain(value: Any) -> Any:
    """Replace numbers that JSON lacks (infinities and NaN) by null."""
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value

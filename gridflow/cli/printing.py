"""How facts get onto standard output, and everything else onto standard error."""

import json
from typing import Any

import numpy as np
import typer
from rich.console import Console

notes = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
"""Where everything is said that is not a result."""


def print_json(facts: dict[str, Any]) -> None:
    """Print facts as JSON, with null for numbers that it does not have."""
    typer.echo(json.dumps(plain(facts), indent=2, allow_nan=False))


def plain(value: Any) -> Any:
    """A value with null for numbers that JSON does not have."""
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value

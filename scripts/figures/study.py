"""What all studies share: arguments, tables and the style of figures."""

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

screen = Console(width=150, highlight=False, markup=False, emoji=False)


def arguments(about: str) -> argparse.Namespace:
    """Where results go, and whether the study is the small one."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), help="for the table and the figure")
    parser.add_argument("--small", action="store_true", help="few and coarse: a minute at most")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    return options


def conclude(title: str, rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Print the rows of a study and write them as CSV."""
    table = Table(*rows[0], title=title, box=None)
    for row in rows:
        table.add_row(*(f"{value:.4g}" if isinstance(value, float) else str(value) for value in row.values()))
    screen.print(table)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    print(f"wrote {path}")

"""Tables of numbers for other programs."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from gridflow.errors import InputError
from gridflow.exchange.base import Format
from gridflow.files import publish_text
from gridflow.runtime.store import RunDirectory


@dataclass(frozen=True)
class SeriesTable(Format, kind="csv", suffixes=(".csv",)):
    """The series as comma-separated values: a header of names, then one row for each recorded step.

    Numbers are written with as many digits as give the same number when they are read.
    """

    def write(self, stored: RunDirectory, path: Path) -> Path:
        """Write the table; see :meth:`gridflow.exchange.base.Format.write`."""
        series = stored.series
        if not series:
            raise InputError(f"{stored.path} has no series yet: there is nothing to export")
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(series)
        table.writerows(zip(*(column.tolist() for column in series.values()), strict=True))
        publish_text(path, text.getvalue())
        return path

"""What can be downloaded of a run; each is one registered function that makes a file of the run's folder."""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gridflow.app.setups import CASE
from gridflow.errors import InputError
from gridflow.files import publishing

Maker = Callable[[Path, Path], Path]


@dataclass(frozen=True)
class Download:
    """A kind of file that a visitor can download.

    Attributes
    ----------
    kind
        Its name in addresses.
    label
        What the button says.
    hint
        What the file is good for, in one line.
    of_finished
        Whether the run must have ended.
    make
        Writes the file: ``make(folder, out)`` gets the folder of a run, with its case files, the pictures and arrays
        that they name and the run directories, and a folder for the file, whose path it returns.
    """

    kind: str
    label: str
    hint: str
    of_finished: bool
    make: Maker


DOWNLOADS: dict[str, Download] = {}
"""Every download by its kind, in the order of the buttons."""


def register_download(kind: str, label: str, hint: str, of_finished: bool = True) -> Callable[[Maker], Maker]:
    """Register the function that makes a file for visitors; see :class:`Download`."""

    def register(make: Maker) -> Maker:
        DOWNLOADS[kind] = Download(kind, label, hint, of_finished, make)
        return make

    return register


def run_directories(folder: Path) -> list[Path]:
    """Return the run directories of a run, one for each part between which s changed; InputError if there are none."""
    found = sorted(folder.glob("run-*.run"), key=lambda path: int(path.stem.removeprefix("run-")))
    if not found:
        raise InputError("nothing was run yet")
    return found


@register_download("case", "Case file", "for gridflow run, which gives the same numbers", of_finished=False)
def case_file(folder: Path, out: Path) -> Path:
    """The case file; a zip file if it names pictures or arrays, or if s was changed."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    if [path.name for path in files] == [CASE.format(1)]:
        with publishing(out / files[0].name) as temporary:
            temporary.write_bytes(files[0].read_bytes())
        return out / files[0].name
    return _zipped(out / "case.zip", folder, files)


@register_download("run", "Run directory", "all densities and the series; gridflow info, plot, movie and rates read it")
def run_directory(folder: Path, out: Path) -> Path:
    """The run directories as a zip file."""
    files = [path for run in run_directories(folder) for path in sorted(run.rglob("*")) if path.is_file()]
    return _zipped(out / "run.zip", folder, [path for path in files if not path.name.startswith(".")])


@register_download("figure", "Figure", "densities over time, energy and hole; of the last part if s was changed")
def figure(folder: Path, out: Path) -> Path:
    """The figure of ``gridflow plot``."""
    from gridflow.viz import plot  # imported here: tests of the other downloads need no figures

    plot(run_directories(folder)[-1], out / "run.png")
    return out / "run.png"


@register_download("report", "Report", "one page for a browser: laws, curves, densities; of all parts if s was changed")
def report(folder: Path, out: Path) -> Path:
    """The page of ``gridflow report``."""
    from gridflow.reports import report  # imported here, as above

    return report(run_directories(folder), out / "report.html")


def _zipped(path: Path, folder: Path, files: list[Path]) -> Path:
    with publishing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.relative_to(folder))
    return path

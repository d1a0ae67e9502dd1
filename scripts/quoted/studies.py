"""The studies of scripts/figures: what their tables show at full size. The tests run the same studies at small size."""

import csv
import math
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

FIGURES = Path(__file__).parents[1] / "figures"
WANTED = 1.5
"""Decades of time that a window has, if its exponent is to count."""
_kept: list[Path] = []


def keep_in(folder: Path) -> None:
    """Read tables in this folder if they are there, and write there if not."""
    folder.mkdir(parents=True, exist_ok=True)
    _kept[:] = [folder.resolve()]


def make(name: str, folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """Run a study; what it printed."""
    return subprocess.run(
        [sys.executable, FIGURES / f"{name}.py", folder, *options],
        capture_output=True, text=True, timeout=600 if "--small" in options else None, check=False,
    )  # fmt: skip


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a table."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@cache
def results(name: str) -> Path:
    """The folder with what a study wrote at full size."""
    if not _kept:
        keep_in(Path(tempfile.mkdtemp(prefix="quoted_numbers_")))
    if not (_kept[0] / f"{name}.csv").exists():
        done = make(name, _kept[0])
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
    return _kept[0]


def largest_deviations() -> list[float]:
    """Per cent that measured exponents are off at most, in one, two and three dimensions."""
    table = [row for row in rows(results("exponents") / "exponents.csv") if float(row["decades"]) >= WANTED]
    return [max(100 * abs(float(row["deviation"])) for row in table if row["d"] == dim) for dim in "123"]


def reference(dim: int, s: float) -> list[float]:
    """A row of the reference data: errors of the grid and their order, KMD of particles and of samples."""
    table = rows(results("reference_data") / "reference_data.csv")
    (row,) = (each for each in table if each["d"] == str(dim) and float(each["s"]) == s)
    return [float(row[name]) for name in ("L1 error", "order", "KMD error", "KMD", "of samples")]


def size_of_reference() -> float:
    """Megabytes of the data set."""
    return (results("reference_data") / "reference_data.h5").stat().st_size / 1e6


def rates_of_descent() -> list[float]:
    """KMD over η of the whole gradient, and KMD² over η/B of batches, as the figure has them."""
    table = rows(results("sgd") / "sgd.csv")
    whole = [
        float(row["distance"]) / float(row["rate"]) for row in table if row["batch"] == "all" and row["rate"] != "0.0"
    ]
    drawn = [float(row["scatter"]) ** 2 / float(row["rate / batch"]) for row in table if row["batch"] != "all"]
    return [whole[-1], math.exp(sum(map(math.log, drawn)) / len(drawn))]


def exponents_of_descent() -> list[float]:
    """The power of η of the error, that of η/B of the variance and its standard error."""
    fits = {(row["of"], row["against"]): row for row in rows(results("sgd") / "sgd_exponents.csv")}
    first, second = fits["distance, whole gradient", "rate"], fits["variance", "rate / batch"]
    return [float(first["measured"]), float(second["measured"]), float(second["error"])]


def off_times() -> list[float]:
    """Per cent that the second worst and the worst of the predicted times are off."""
    off = sorted(100 * abs(float(row["ratio"]) - 1) for row in rows(results("predictions") / "predictions.csv"))
    return [off[-2], off[-1]]


def spectral_and_steps() -> list[float]:
    """Per cent that runs are off the spectral method at most, their number, and per cent of steps within 1.5."""
    table = rows(results("predictions") / "predictions.csv")
    second = [float(row["spectral"]) for row in table if row["spectral"] != "nan"]
    steps = [float(row["steps"]) for row in table if row["steps"] != "nan"]
    return [100 * max(abs(math.log(ratio)) for ratio in second), float(len(second)), 100 * _within(steps)]


def linear_alone() -> float:
    """Per cent of the times of linear theory, where it has one, within a factor of 1.5."""
    linear = [float(row["linear"]) for row in rows(results("predictions") / "predictions.csv")]
    return 100 * _within([ratio for ratio in linear if math.isfinite(ratio)])


def _within(ratios: list[float]) -> float:
    return sum(abs(math.log(ratio)) <= math.log(1.5) for ratio in ratios) / len(ratios)

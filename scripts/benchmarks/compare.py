"""Compare gridflow with what users would otherwise write or use: cost of a right-hand side, and error against time.

Codes take turns (A B C A B C …) and medians are shown. Costs are also given in units of one FFT pair of the same run,
because the speed of a machine drifts.
"""

import argparse
import json
import math
import os
import platform
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median, quantiles
from typing import Any, TypeVar

import psutil
import workers
from peers import CODES, FLOOR, PACKAGES, Code
from problems import COSINE, PROBLEMS, Problem
from rich import box
from rich.console import Console
from rich.table import Table
from workers import CodeFailed, Worker

Answer = TypeVar("Answer")
Report = dict[str, Any]

SHOWN = {"cosine": ("minimum",), "hole": ("area", "plateau", "mass", "least"), "disc": ("maximum", "least")}
"""Errors in the table, of each problem."""
SPREAD = 0.15
"""Spread of the rounds, relative to their median, above which a cost is starred."""


class Comparison:
    """The codes, each in its process, and what has been measured.

    Parameters
    ----------
    codes
        The codes to compare; one that cannot be used is left out with a line that says why.
    screen
        Where to say what is going on.
    rounds, budget
        How often each right-hand side is timed, and for how many seconds.
    runs, patience
        How often each problem is solved, and the seconds beyond which a run is not begun: they are foreseen from the
        run before, by the third power of the cells per side.
    """

    def __init__(
        self, codes: Iterable[Code], screen: Console, rounds: int, budget: float, runs: int, patience: float
    ) -> None:
        self._screen, self._rounds, self._budget, self._runs, self._patience = screen, rounds, budget, runs, patience
        self._codes = {code.name: code for code in codes}
        self._workers = {code.name: Worker(code) for code in (FLOOR, *self._codes.values())}
        self._last_run: dict[tuple[str, str], tuple[int, float]] = {}
        self.report: Report = {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "versions": versions(),
            "failures": [],
            "rhs": [],
            "runs": [],
        }
        self._loaded = list(self._each("loading", self._workers, lambda name: self._workers[name].call(workers.load)))

    def right_hand_sides(self, shape: tuple[int, ...]) -> None:
        """Time a right-hand side of every code on one grid."""
        on = f"right-hand side on {label(shape)}"
        setup = self._each(on, self._loaded, lambda name: self._ask(name, workers.prepare_rhs, COSINE, shape))
        seconds: dict[str, list[float]] = {name: [] for name in setup}
        for turn in range(self._rounds):
            doing = f"{on}, round {turn + 1}"
            timed = self._each(doing, setup, lambda name: self._ask(name, workers.time_rhs, self._budget))
            for name, taken in timed.items():
                seconds[name].append(taken)
        self.report["rhs"] += [
            {"code": name, "shape": shape, "setup": setup[name], "seconds": taken} for name, taken in seconds.items()
        ]

    def solutions(self, problem: Problem, shape: tuple[int, ...]) -> None:
        """Solve a problem on one grid by every code, measure the errors and time it."""
        on = f"{problem.name} on {label(shape)}"
        solvers = [name for name in self._loaded if name in self._codes]
        setup = self._each(on, solvers, lambda name: self._ask(name, workers.prepare_run, problem, shape))
        entries: dict[str, Report] = {}

        def solve(name: str) -> None:
            values, seconds = self._ask(name, workers.run, problem.t_end)
            self._last_run[name, problem.name] = shape[0], seconds
            if name not in entries:
                errors = problem.measure(values, self._codes[name].kind)
                numbers = {key: value if math.isfinite(value) else None for key, value in errors.items()}
                entries[name] = {
                    "code": name,
                    "problem": problem.name,
                    "shape": shape,
                    "setup": setup[name],
                    "errors": numbers,
                    "seconds": [],
                }
            entries[name]["seconds"].append(seconds)

        for turn in range(self._runs):
            patient = [name for name in setup if self._foreseen(name, problem, shape) < self._patience]
            self._each(f"{on}, run {turn + 1}", patient, solve)
        self.report["runs"] += entries.values()

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers.values():
            worker.close()

    def _ask(self, name: str, function: Callable[..., Answer], *arguments: object) -> Answer:
        return self._workers[name].call(function, *arguments)

    def _each(self, doing: str, names: Iterable[str], task: Callable[[str], Answer]) -> dict[str, Answer]:
        """Let codes take their turns at a task; the answers of those that did not fail."""
        answers: dict[str, Answer] = {}
        with self._screen.status(doing) as status:
            for name in names:
                status.update(f"{doing}: {name}")
                try:
                    answers[name] = task(name)
                except CodeFailed as failure:
                    self._screen.print(f"without {name} ({doing}): {failure}", soft_wrap=True)
                    self.report["failures"].append({"code": name, "doing": doing, "reason": str(failure)})
        return answers

    def _foreseen(self, name: str, problem: Problem, shape: tuple[int, ...]) -> float:
        cells, seconds = self._last_run.get((name, problem.name), (shape[0], 0.0))
        return seconds * (shape[0] / cells) ** 3


def machine() -> dict[str, object]:
    """Processor, cores, memory, system, and how busy it was before."""
    table = Path("/proc/cpuinfo")
    lines = table.read_text().splitlines() if table.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
        "load_at_start": os.getloadavg()[0],
    }


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that are installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def label(shape: Iterable[int]) -> str:
    """``256²`` or ``64³``."""
    cells, *others = shape
    return f"{cells}{'²³'[len(others) - 1]}"


def cost_table(report: Report) -> Table:
    """One right-hand side: milliseconds, and FFT pairs of the same grid; a star where rounds disagree."""
    rounds = {(entry["code"], label(entry["shape"])): entry["seconds"] for entry in report["rhs"]}
    grids = list(dict.fromkeys(grid for _, grid in rounds))
    table = Table(title="One right-hand side: milliseconds (in FFT pairs)", box=box.SIMPLE_HEAD)
    table.caption = f"* the middle half of the rounds spans more than {SPREAD:.0%} of the median: measure again"
    table.add_column("code")
    for grid in grids:
        table.add_column(grid, justify="right")
    for code in dict.fromkeys(code for code, _ in rounds):
        table.add_row(code, *(_cost(rounds.get((code, grid)), rounds.get((FLOOR.name, grid))) for grid in grids))
    return table


def _cost(seconds: list[float] | None, pair: list[float] | None) -> str:
    if not seconds:
        return "–"
    middle = median(seconds)
    star = ""
    if len(seconds) > 1:
        low, _, high = quantiles(seconds, n=4, method="inclusive")
        star = "*" if high - low > SPREAD * middle else ""
    in_pairs = f" ({middle / median(pair):.1f})" if pair else ""
    return f"{star}{middle * 1e3:.3g}{in_pairs}"


def error_table(report: Report, shape: tuple[int, ...]) -> Table:
    """Errors and seconds of the three problems on one grid."""
    entries = {(run["code"], run["problem"]): run for run in report["runs"] if tuple(run["shape"]) == shape}
    table = Table(
        title=f"Errors at the same final times, and seconds, on {label(shape)}",
        box=box.SIMPLE_HEAD,
        padding=(0, 0, 0, 1),
    )
    table.add_column("code")
    for problem, names in SHOWN.items():
        for name in (*names, "s"):
            table.add_column(f"{problem}\n{name}", justify="right")
    for code in dict.fromkeys(code for code, _ in entries):
        row: list[str] = []
        for problem, names in SHOWN.items():
            run = entries.get((code, problem))
            errors = run["errors"] if run else {}
            row += [_signed(errors.get(name)) for name in names]
            row.append(f"{median(run['seconds']):.3g}" if run else "–")
        table.add_row(code, *row)
    return table


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.1e}" if value else "0"


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--json", type=Path, default=Path("comparison.json"), help="file for all raw numbers")
    parser.add_argument("--figures", type=Path, default=Path(), help="folder for the two figures")
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128, 256, 512], help="cells per side of squares")
    parser.add_argument(
        "--cubes", type=int, nargs="*", default=[], help="cells per side of cubes, right-hand sides only"
    )
    parser.add_argument(
        "--codes", nargs="+", metavar="NAME", help="compare only codes whose names contain one of these"
    )
    parser.add_argument("--rounds", type=int, default=9, help="turns of each right-hand side")
    parser.add_argument("--budget", type=float, default=0.15, help="seconds for each such turn")
    parser.add_argument("--runs", type=int, default=3, help="turns of each solution")
    parser.add_argument("--patience", type=float, default=60.0, help="begin no run that would take more seconds")
    parser.add_argument("--redraw", action="store_true", help="measure nothing: tables and figures from the JSON file")
    return parser.parse_args()


def measure(options: argparse.Namespace, screen: Console) -> Report:
    """Carry the comparison out."""
    chosen = [code for code in CODES if not options.codes or any(part in code.name for part in options.codes)]
    comparison = Comparison(chosen, screen, options.rounds, options.budget, options.runs, options.patience)
    for cells in options.sizes:
        comparison.right_hand_sides((cells, cells))
        for problem in PROBLEMS:
            comparison.solutions(problem, (cells, cells))
    for cells in options.cubes:
        comparison.right_hand_sides((cells, cells, cells))
    comparison.close()
    return comparison.report


def main() -> None:
    """Measure, print, write and draw."""
    options = arguments()
    screen = Console(width=132, markup=False, emoji=False)
    if options.redraw:
        report = json.loads(options.json.read_text())
    else:
        report = measure(options, screen)
        options.json.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    screen.print(cost_table(report))
    for shape in dict.fromkeys(tuple(run["shape"]) for run in report["runs"]):
        screen.print(error_table(report, shape))
    # not above: every worker imports this file again, and its code must settle its threads before FFTW is loaded
    import figures

    options.figures.mkdir(parents=True, exist_ok=True)
    for path in figures.draw(report, options.figures):
        screen.print(f"wrote {path}", soft_wrap=True)


if __name__ == "__main__":
    main()

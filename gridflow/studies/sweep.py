"""Sweeps: all combinations of values of a case's keys, each in its own run directory, in parallel processes."""

import csv
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psutil

from gridflow.arguments import takes_numbers
from gridflow.cases.case import Case
from gridflow.cases.reading import Changes, load_case, parse_case, parsed_changes, plain_changes, text_of, texts_of
from gridflow.compute.threads import VARIABLE, available, count
from gridflow.errors import InputError, whole_number
from gridflow.files import make_folder, publish_text, publishing
from gridflow.runtime.progress import Say, compiled
from gridflow.runtime.signals import collected_signals
from gridflow.runtime.store import DONE, RunDirectory, open_run
from gridflow.studies.axes import Axis, Member, axes_of, members

RECORD, TABLE = "sweep.json", "sweep.csv"
WORKER = (sys.executable, "-m", "gridflow.studies.member")
_PAUSE = 0.05
"""Seconds between two checks of the processes."""


@dataclass
class Sweep:
    """A sweep on disk: its record, its members and their runs.

    Parameters
    ----------
    folder
        Folder of the members' run directories.
    case_file
        The common case file.
    overrides
        Changes of the case for all members.
    axes
        The keys to vary and their values.
    members
        One for each combination of values.
    """

    folder: Path
    case_file: Path
    overrides: dict[str, Any]
    axes: tuple[Axis, ...]
    members: list[Member] = field(init=False)

    def __post_init__(self) -> None:
        for axis in self.axes:
            if axis.key in self.overrides:
                raise InputError(f"over {axis.key}: this key is in set too")
        self.members = members(self.axes)

    def cases(self) -> list[Case]:
        """Return the case of every member; InputError lists all errors, each with its member."""
        read, problems = [], []
        for member in self.members:
            try:
                read.append(load_case(self.case_file, {**self.overrides, **member.overrides}).resolved())
            except InputError as error:
                problems.append(str(error.of(member.name)))
        if problems:
            raise InputError("\n".join(problems))
        return read

    def begin(self, force: bool) -> None:
        """Create the folder with its record, or continue it if it belongs to the same sweep.

        Raises
        ------
        InputError
            If the folder is there and holds something else, or a sweep of another case or other axes.
        """
        if self.folder.exists():
            path = self.folder / RECORD
            if not path.is_file():
                raise InputError(
                    f"{self.folder} exists and is not a sweep: it has no {RECORD}; choose another folder (out)"
                )
            if force:
                shutil.rmtree(self.folder)
            else:
                self._require_same(json.loads(path.read_text(encoding="utf-8")))
        make_folder(self.folder)
        publish_text(self.folder / RECORD, json.dumps(self._record(), indent=2) + "\n")

    def _record(self) -> dict[str, Any]:
        return {
            "case": parse_case(self.case_file.read_text(encoding="utf-8"), str(self.case_file)).to_toml(),
            "set": texts_of(self.overrides),
            "over": {axis.key: list(axis.values) for axis in self.axes},
        }

    def _require_same(self, before: dict[str, Any]) -> None:
        """Raise InputError unless this sweep continues the recorded one; an axis may have gained values."""
        now, way_out = self._record(), "choose another folder (out), or replace it (force)"
        before = before | {"set": texts_of(parsed_changes(before["set"]))}  # which may be as somebody typed it
        for key, meaning in (("case", "another case file"), ("set", "other changes of the case (set)")):
            if before[key] != now[key]:
                raise InputError(f"{self.folder} is a sweep with {meaning}; {way_out}")
        if list(before["over"]) != list(now["over"]):
            raise InputError(
                f"{self.folder} is a sweep over {', '.join(before['over'])}, not {', '.join(now['over'])}; {way_out}"
            )
        for key, values in before["over"].items():
            if missing := [value for value in values if value not in now["over"][key]]:
                raise InputError(
                    f"{self.folder} has members with {key} = {missing[0]}, which over does not list; "
                    "values can only be added to an axis"
                )

    def directory(self, member: Member) -> Path:
        """Path of a member's run directory."""
        return self.folder / member.name

    def status(self, member: Member) -> str:
        """``missing``, or the status in the run directory."""
        path = self.directory(member)
        return open_run(path).status if path.exists() else "missing"


@dataclass(frozen=True)
class Share:
    """How a sweep uses the machine: number of processes, and number of threads of each."""

    jobs: int
    threads: int


def share_cores(cases: Sequence[Case], jobs: int | None) -> Share:
    """Choose the numbers of processes and threads: one thread each if there are enough members and memory.

    Raises
    ------
    InputError
        If the number of jobs is not positive, or not even one member fits the memory.
    """
    if jobs is not None:
        jobs = whole_number("jobs", jobs, 1)
    cores, free = available(), psutil.virtual_memory().available
    largest = max(case.memory() for case in cases)
    fitting = int(free // largest)
    if fitting < 1:
        raise InputError(
            f"a member needs about {largest / 1e9:.2f} GB of memory and {free / 1e9:.2f} GB are free; use smaller grids"
        )
    at_once = min(jobs or cores, len(cases), fitting)
    worth = max(count(None, math.prod(case.grid.shape)) for case in cases)
    return Share(at_once, max(1, min(cores // at_once, worth)))


@takes_numbers
def sweep(
    case_file: str | os.PathLike[str],
    over: Mapping[str, Sequence[Any]],
    out: str | os.PathLike[str] | None = None,
    *,
    set: Changes | None = None,
    jobs: int | None = None,
    retry: bool = False,
    force: bool = False,
    say: Say | None = None,
) -> list[dict[str, Any]]:
    """Run all members of a sweep that have not run yet, and continue those that were interrupted or killed.

    Parameters
    ----------
    case_file
        The case.
    over
        Keys to vary and their values, for example ``{"kernel.s": [1, 1.5, 2]}``. All combinations are run.
    out
        Folder of the sweep; default the case's name + ``.sweep``. Each member has a run directory in it, as ``gridflow
        run`` makes it, to the byte.
    set
        Values to change for all members; see :func:`gridflow.load_case`.
    jobs
        Number of parallel processes. Default: as many as cores, members and memory allow.
    retry
        Rerun members that have failed. Default: False.
    force
        Replace an existing sweep. Default: False.
    say
        Called with a line when a member ends, and when loops are being compiled.

    Returns
    -------
    list of dict
        A row for each member, in the order of the product, also written to ``sweep.csv``: the values of the keys,
        ``member``, ``status``, ``reason``, and, of its series, steps, times, energies, mass, extrema and holes.

    Raises
    ------
    InputError
        If anything is wrong, with one line for each error, before any member runs.
    """
    case_file = Path(case_file)
    this = Sweep(Path(out or f"{case_file.stem}.sweep"), case_file, plain_changes(set), axes_of(over))
    cases = this.cases()
    share = share_cores(cases, jobs)
    this.begin(force)
    due = [member for member in this.members if _is_due(this.status(member), retry)]
    _prepare(this, cases, due, say)
    outcomes = _run_all(this, due, share, say)
    path = this.folder / TABLE
    spent = _seconds(path)
    rows = [_row(this, member, outcomes.get(member.name), spent) for member in this.members]
    _write(path, rows)
    return rows


def _is_due(status: str, retry: bool) -> bool:
    return status not in DONE and (status != "failed" or retry)


def _prepare(this: Sweep, cases: Sequence[Case], due: Sequence[Member], say: Say | None) -> None:
    """Build every member once, so that none fails for its input, and compile each kind of run in one process."""
    problems, done = [], set()
    for member, case in zip(this.members, cases, strict=True):
        if member not in due:
            continue
        try:
            solver, _ = case.build(this.case_file.parent)
        except InputError as error:
            problems.append(str(error.of(member.name)))
            continue
        options = case.solver.model_dump(include={"kind", "reconstruction", "velocity", "dtype"})
        kind = (len(case.grid.shape), *options.values())
        if kind not in done:
            compiled(solver, say)
            done.add(kind)
    if problems:
        raise InputError("\n".join(problems))


@dataclass
class _Job:
    """The process of a member and its output."""

    member: Member
    process: "subprocess.Popen[bytes]"
    said: IO[bytes]
    began: float

    def last_line(self) -> str:
        """Return the last line of output, and close the output."""
        with self.said:
            self.said.seek(0)
            lines = self.said.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""


def _run_all(this: Sweep, due: Sequence[Member], share: Share, say: Say | None) -> dict[str, tuple[int, str, float]]:
    """Run members in separate processes; return exit code, last line of output and seconds of each."""
    waiting, running = list(due), list[_Job]()
    outcomes: dict[str, tuple[int, str, float]] = {}
    with collected_signals() as received:
        while waiting or running:
            if received:
                waiting.clear()
                for job in running:
                    job.process.send_signal(signal.SIGTERM)
                received.clear()
            while waiting and len(running) < share.jobs:
                running.append(_begin(this, waiting.pop(0), share.threads))
            for job in [job for job in running if job.process.poll() is not None]:
                running.remove(job)
                code, seconds = job.process.returncode, time.monotonic() - job.began
                outcomes[job.member.name] = code, job.last_line(), seconds
                if say is not None:
                    how = _how(this, job.member, code)
                    say(f"{len(outcomes)} of {len(due)}: {job.member.name}: {how}, {seconds:.1f} s")
            time.sleep(_PAUSE)
    return outcomes


def _how(this: Sweep, member: Member, code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else this.status(member)


def _begin(this: Sweep, member: Member, threads: int) -> _Job:
    """Start the process of a member, to begin or continue its run."""
    path, status = this.directory(member), this.status(member)
    if status in ("missing", "failed"):
        changes = {**this.overrides, **member.overrides}
        task = {"case": str(this.case_file), "out": str(path), "set": changes, "force": status == "failed"}
    else:
        task = {"resume": str(path)}
    said = tempfile.TemporaryFile()  # noqa: SIM115 - closed when read; a pipe could fill up and block the process
    process = subprocess.Popen(
        [*WORKER, json.dumps(task)],
        env=os.environ | {VARIABLE: str(threads)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=said,
        start_new_session=True,  # an interrupt from the terminal reaches only the sweep, which forwards it
    )
    return _Job(member, process, said, time.monotonic())


def _seconds(path: Path) -> dict[str, float]:
    """Seconds spent on each member in earlier calls, from their table."""
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {row["member"]: float(row["seconds"]) for row in csv.DictReader(file) if row.get("seconds")}


def _row(
    this: Sweep, member: Member, outcome: tuple[int, str, float] | None, spent: dict[str, float]
) -> dict[str, Any]:
    """Return a member's row of the table; its seconds accumulate over calls."""
    row: dict[str, Any] = {
        key: value if isinstance(value, int | float | str) else text_of(value)
        for key, value in member.overrides.items()
    }
    row |= {"member": member.name, "status": this.status(member), "reason": ""}
    if row["status"] != "missing":
        row |= _facts(open_run(this.directory(member)))
    seconds = spent.get(member.name, 0.0)
    if outcome is not None:
        code, said, more = outcome
        if code < 0:
            row |= {"status": "killed", "reason": f"by signal {-code}"}
        elif code != 0 and row["status"] not in ("failed", "interrupted"):
            row |= {"status": "failed", "reason": said}
        seconds += more
    row["seconds"] = round(seconds, 2)
    return row


def _facts(stored: RunDirectory) -> dict[str, Any]:
    """Return the first and last values of a run's series."""
    facts: dict[str, Any] = {"reason": stored.manifest.get("reason", "")}
    series = stored.series
    if not series:
        return facts
    facts |= {"steps": int(series["step"][-1]), "time": float(series["time"][-1])}
    facts |= {"energy_first": float(series["energy"][0]), "energy": float(series["energy"][-1])}
    facts |= {name: float(series[name][-1]) for name in ("kmd", "min", "max")}
    facts["mass_drift"] = float(series["mass"][-1] / series["mass"][0] - 1)
    if "hole_volume" in series:
        first, last = (float(series["hole_volume"][row]) for row in (0, -1))
        facts |= {"hole_volume_first": first, "hole_volume": last}
    return facts


def _write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Publish the table with every column that some member has, in order of appearance."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with publishing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)

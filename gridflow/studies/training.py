"""Training beside its limit: the runs of a case with a ``[training]`` table, and how long each took."""

import math
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gridflow.cases.case import Case, LogTimesTable, OutputTable
from gridflow.cases.reading import upgraded
from gridflow.cases.solvers import NetworkTable, independent_neurons
from gridflow.errors import InputError
from gridflow.files import checksum
from gridflow.networks.measures import TRAINING
from gridflow.runtime.store import RunDirectory
from gridflow.studies.prediction import Prediction, linear_decay
from gridflow.theory import LinearDecay

LIMIT = "limit"
DECADES, FRAMES = 3000.0, 25
"""Last time over first of the snapshots, and how many, unless a case says when."""


@dataclass(frozen=True)
class Member:
    """One run of a training.

    Attributes
    ----------
    name
        Of its run directory, without the ending.
    label
        What it is, for people.
    case
        Its own case.
    """

    name: str
    label: str
    case: Case

    @property
    def width(self) -> int | None:
        """Number of neurons, None for the limit."""
        return self.case.solver.count if isinstance(self.case.solver, NetworkTable) else None

    @property
    def directory(self) -> str:
        """The run directory's name."""
        return f"{self.name}.run"


def members(case: Case) -> list[Member]:
    """The limit of infinite width, then a network of every width, trained on the population and on samples.

    Raises
    ------
    InputError
        If the case has no ``[training]`` table, or is one that networks do not have as a limit.
    """
    training = case.training
    if training is None:
        raise InputError("training: this table is required, with widths = [...]; see 'gridflow new relu-circle'")
    if isinstance(case.solver, NetworkTable):
        raise InputError('solver.kind = "network": the solver is that of the limit, the networks are in [training]')
    if case.flow.growth != TRAINING:
        raise InputError(
            f"flow.growth = {case.flow.growth:g}: the limit of networks in training has growth = {TRAINING}"
        )
    bare = case.model_copy(update={"training": None, "output": _told_often(case)}).resolved()
    found = [Member(LIMIT, "infinitely wide", bare)]
    common: dict[str, Any] = {"start": training.start, "balance": training.balance, "seed": training.seed}
    for width in training.widths:
        table = NetworkTable(kind="network", count=width, **common)
        if training.population:
            found.append(Member(f"population-{width}", f"m = {width}", bare.model_copy(update={"solver": table})))
        if training.samples is not None:
            taught = table.model_copy(
                update={
                    "loss": "empirical",
                    "samples": training.samples,
                    "batch": training.batch,
                    "learning_rate": training.learning_rate,
                    "noise": training.noise,
                }
            )
            batches = f", batches of {training.batch}" if training.batch else ""
            label = f"m = {width}, {training.samples} samples{batches}"
            found.append(Member(f"samples-{width}", label, bare.model_copy(update={"solver": taught})))
    return found


def _told_often(case: Case) -> OutputTable:
    """Unless the case says otherwise, a row for every step (times are read off them) and snapshots in all decades."""
    output, given = case.output, case.output.model_fields_set
    changes: dict[str, Any] = {} if "series_every" in given else {"series_every": 1}
    if not {"snapshot_every", "snapshot_times", "snapshot_log"} & given:
        last = case.time.t_end
        changes["snapshot_log"] = LogTimesTable(first=last / DECADES, last=last, count=FRAMES)
    return output.model_copy(update=changes)


@dataclass(frozen=True, eq=False)
class Expectation:
    """What is known of a member before it runs.

    Attributes
    ----------
    linear
        The curve of linear theory, or None. A network of independent neurons has their sampling noise in it beside what
        the density has; one of neurons that are spread evenly has next to none.
    problem
        Checksums of the densities that it begins with, as a run's manifest has them.
    """

    linear: LinearDecay | None
    problem: dict[str, str]


def expect(member: Member, folder: Path) -> Expectation:
    """Build a member to see whether it can be trained, and what theory says of it.

    Parameters
    ----------
    folder
        Where paths in its case are relative to.

    Raises
    ------
    InputError
        If it cannot be built; names the member.
    """
    try:
        solver, initial = member.case.build(folder)
    except InputError as error:
        raise InputError("\n".join(f"{member.name}: {line}" for line in str(error).splitlines())) from None
    linear, _ = linear_decay(solver, initial, independent_neurons(member.case.solver))
    problem = {"target_sha256": checksum(solver.flow.target), "initial_sha256": checksum(np.asarray(initial, float))}
    return Expectation(linear, problem)


def resumable(member: Member, expected: Expectation, stored: RunDirectory) -> None:
    """InputError, saying what differs, unless a stored run is the member's, or an earlier part of it."""
    where = f"{stored.path} is a run of another case"
    way_out = "choose another --out, or remove it"
    if stored.case is None:
        raise InputError(f"{stored.path} was made from Python; {way_out}")
    before, now = upgraded(tomllib.loads(stored.case)), tomllib.loads(member.case.to_toml())
    if before["time"]["t_end"] < now["time"]["t_end"]:
        before["time"]["t_end"] = now["time"]["t_end"]
    for key in sorted({*before, *now}):
        if before.get(key) != now.get(key):
            raise InputError(f"{where}, [{key}] differs; {way_out}")
    for name, value in expected.problem.items():
        if stored.manifest["problem"].get(name) != value:
            raise InputError(f"{where}, a file that its {name.removesuffix('_sha256')} is read from differs; {way_out}")


@dataclass(frozen=True)
class Duration:
    """How a run of a training went.

    Attributes
    ----------
    label
        What was trained.
    first, last
        Its loss at the start and at the end.
    time
        When the loss had fallen to the tolerance, a share of the limit's first loss; infinite if it has not.
    predicted
        The same by linear theory, for random starts with the noise of so many neurons; nan where there is none.
    times_limit
        Largest ratio of its loss to that of the limit, over the times of its series before the limit comes to the
        tolerance.
    """

    label: str
    first: float
    last: float
    time: float
    predicted: float
    times_limit: float


@dataclass(frozen=True)
class Training:
    """A finished training: what was predicted and what came of it.

    Attributes
    ----------
    prediction
        For the limit.
    goal
        The loss to reach.
    durations
        Of every run, the limit's first.
    """

    prediction: Prediction
    goal: float
    durations: tuple[Duration, ...]

    def facts(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "prediction": self.prediction.facts(),
            "goal": self.goal,
            "runs": [asdict(duration) for duration in self.durations],
        }


def conclude(folder: Path, trained: list[Member], prediction: Prediction, curves: list[LinearDecay | None]) -> Training:
    """Read the runs of a training.

    Parameters
    ----------
    folder
        Where the run directories are.
    trained
        As :func:`members` gave them; the limit first.
    prediction
        Of the limit, whose goal is the tolerance's.
    curves
        Of linear theory, one for each.
    """
    series = [RunDirectory(folder / member.directory).series for member in trained]
    goal, limit = prediction.goal, series[0]
    return Training(
        prediction,
        goal,
        tuple(
            Duration(
                member.label,
                float(columns["energy"][0]),
                float(columns["energy"][-1]),
                time_to(columns["time"], columns["energy"], goal),
                math.nan if curve is None else curve.time_to(goal),
                _times_limit(columns, limit, goal),
            )
            for member, columns, curve in zip(trained, series, curves, strict=True)
        ),
    )


def time_to(times: np.ndarray, energies: np.ndarray, goal: float) -> float:
    """When a curve first falls to a value, between two rows along the logarithm of the energy; infinite if never."""
    below = np.flatnonzero(energies <= goal)
    if below.size == 0:
        return math.inf
    after = int(below[0])
    if after == 0:
        return float(times[0])
    (t0, t1), (e0, e1) = times[after - 1 : after + 1], energies[after - 1 : after + 1]
    share = math.log(e0 / goal) / math.log(e0 / e1) if e1 > 0 else 1.0
    return float(t0 + share * (t1 - t0))


def _times_limit(columns: dict[str, np.ndarray], limit: dict[str, np.ndarray], goal: float) -> float:
    infinite = np.exp(np.interp(columns["time"], limit["time"], np.log(limit["energy"])))
    compared = (infinite > goal) & (columns["time"] <= limit["time"][-1])
    return float((columns["energy"] / infinite)[compared].max()) if compared.any() else math.nan

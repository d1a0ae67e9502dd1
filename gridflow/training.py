"""Training beside its limit: the runs of a case with a ``[training]`` table, and how long each took."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gridflow.errors import InputError
from gridflow.flow import Equation
from gridflow.prediction import Prediction, linear_decay
from gridflow.solver_tables import NetworkTable, independent_neurons
from gridflow.store import RunDirectory
from gridflow.tables import Case
from gridflow.theory import LinearDecay

LIMIT = "limit"


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
    def directory(self) -> str:
        """The run directory's name."""
        return f"{self.name}.run"


def members(case: Case) -> list[Member]:
    """The limit of infinite width, then a network of every width, trained on the population and on samples.

    Raises
    ------
    InputError
        If the case has no ``[training]`` table, or is one of a finite network itself.
    """
    training = case.training
    if training is None:
        raise InputError("training: this table is required, with widths = [...]; see 'gridflow new relu-circle'")
    if isinstance(case.solver, NetworkTable):
        raise InputError('solver.kind = "network": the solver is that of the limit, the networks are in [training]')
    bare = case.model_copy(update={"training": None}).resolved()
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
        Largest ratio of its loss to that of the limit, over the times of its series while the latter is above the
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


def expected(trained: list[Member], flow: Equation[Any], initial: np.ndarray) -> list[LinearDecay | None]:
    """The curve of linear theory of every member, or None where there is none.

    A network of independent neurons has their sampling noise beside what the density has; one of neurons that are
    spread evenly has next to none, and so has the curve of the limit.
    """
    found = []
    for member in trained:
        found.append(linear_decay(flow, initial, independent_neurons(member.case.solver))[0])
    return found


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
        Of linear theory, as :func:`expected` gave them.
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

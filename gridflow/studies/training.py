"""Training and its infinite-width limit: the runs of a case with a ``[training]`` table, and how long they took."""

import math
import os
import tomllib
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gridflow.cases.case import Case, LogTimesTable, OutputTable
from gridflow.cases.execute import check_memory, launch
from gridflow.cases.reading import Changes, load_case, upgraded
from gridflow.cases.solvers import NetworkTable
from gridflow.equation.contract import Solver
from gridflow.errors import InputError, RunError
from gridflow.files import checksum, make_folder
from gridflow.measures.diagnostics import crossing_time
from gridflow.networks.measures import TRAINING
from gridflow.runtime.progress import ProgressReport, Say
from gridflow.runtime.store import DONE, RunDirectory, open_run
from gridflow.studies.prediction import Prediction, applicable, first_energy, predict_run
from gridflow.theory import LinearDecay

LIMIT = "limit"
DECADES, FRAMES = 3000.0, 25
"""Ratio of the last to the first snapshot time, and number of snapshots, unless a case sets them."""


@dataclass(frozen=True)
class TrainingRun:
    """One run of a training.

    Attributes
    ----------
    name
        Name of its run directory, without the suffix.
    label
        Name for users.
    case
        Its own case.
    """

    name: str
    label: str
    case: Case

    @property
    def width(self) -> int | None:
        """Number of neurons, None for the limit."""
        return self.case.solver.count if self.case.solver.of_networks else None

    @property
    def directory(self) -> str:
        """The run directory's name."""
        return f"{self.name}.run"


def members(case: Case) -> list[TrainingRun]:
    """Return the infinite-width limit, then a network of every width, trained on the population and on samples.

    Raises
    ------
    InputError
        If the case has no ``[training]`` table, or cannot be the limit of networks.
    """
    training = case.training
    if training is None:
        raise InputError("training: this table is required, with widths = [...]; see 'gridflow new relu-circle'")
    if case.solver.of_networks:
        raise InputError(
            'solver.kind = "network": set the solver of the limit; the networks are described in [training]'
        )
    if case.flow.growth != TRAINING:
        raise InputError(
            f"flow.growth = {case.flow.growth:g}: the limit of networks in training has growth = {TRAINING}"
        )
    bare = case.model_copy(update={"training": None, "output": _densely_recorded(case)}).resolved()
    found = [TrainingRun(LIMIT, "infinitely wide", bare)]
    of_start = training.model_dump(include={"start", "balance", "seed"})
    of_samples = training.model_dump(include={"samples", "batch", "learning_rate", "noise"})
    for width in training.widths:
        table = NetworkTable(kind="network", count=width, **of_start)
        if training.population:
            found.append(TrainingRun(f"population-{width}", f"m = {width}", bare.model_copy(update={"solver": table})))
        if training.samples is not None:
            taught = table.model_copy(update={"loss": "empirical", **of_samples})
            batches = f", batches of {training.batch}" if training.batch else ""
            label = f"m = {width}, {training.samples} samples{batches}"
            found.append(TrainingRun(f"samples-{width}", label, bare.model_copy(update={"solver": taught})))
    return found


def _densely_recorded(case: Case) -> OutputTable:
    """Record a row every step, to read times from, and snapshots in all decades, unless the case says otherwise."""
    output, given = case.output, case.output.model_fields_set
    changes: dict[str, Any] = {} if "series_every" in given else {"series_every": 1}
    if not {"snapshot_every", "snapshot_times", "snapshot_log"} & given:
        last = case.time.t_end
        changes["snapshot_log"] = LogTimesTable(first=last / DECADES, last=last, count=FRAMES)
    return output.model_copy(update=changes)


@dataclass(frozen=True, eq=False)
class Expectation:
    """What is known about a member before it runs.

    Attributes
    ----------
    linear
        The curve of linear theory, or None. For independent neurons it includes their sampling noise; neurons that are
        evenly spread have almost none.
    noise
        That noise alone, or None.
    unlike
        Why the flow does not describe the run; empty if it does.
    solver, initial
        The solver and the initial density.
    problem
        Checksums of the initial and target densities, as in a run's manifest.
    """

    linear: LinearDecay | None
    noise: LinearDecay | None
    unlike: str
    solver: Solver
    initial: np.ndarray
    problem: dict[str, str]

    def time_to(self, prediction: Prediction) -> float:
        """Time at which the loss is expected to reach the goal of the limit; NaN if nothing is known of it.

        Parameters
        ----------
        prediction
            That of the limit, to whose loss the noise is added. For a network that is unlike the limit the goal is a
            share of the network's own first loss.
        """
        if self.unlike:
            share = prediction.goal / first_energy(self.solver, self.initial)
            return predict_run(self.solver, self.initial, share).time if share < 1 else 0.0
        course = prediction.course
        return math.nan if course is None else course.time_to(prediction.goal, self.noise)


def expect(member: TrainingRun, folder: Path) -> Expectation:
    """Build a member to check whether it can be trained, and to get the prediction of linear theory.

    Parameters
    ----------
    member
        The run.
    folder
        Folder to which paths in its case are relative.

    Raises
    ------
    InputError
        If it cannot be built; the message names the member.
    """
    try:
        solver, initial = member.case.build(folder)
    except InputError as error:
        raise error.of(member.name) from None
    neurons = member.case.solver.independent_neurons
    found = applicable(solver, initial, neurons)
    noisy = neurons is not None and not found.unlike
    noise = LinearDecay.of_noise(solver.flow, initial, neurons) if noisy and neurons else None
    problem = {"target_sha256": checksum(solver.flow.target), "initial_sha256": checksum(np.asarray(initial, float))}
    return Expectation(found.linear, noise, found.unlike, solver, initial, problem)


def resumable(member: TrainingRun, expected: Expectation, stored: RunDirectory) -> None:
    """Raise InputError, stating the difference, unless a stored run is the member's or an earlier part of it."""
    where = f"{stored.path} is a run of another case"
    way_out = "choose another folder (out), or remove it"
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
    """The course of one run of a training.

    Attributes
    ----------
    label
        Name of the run.
    first, last
        Its loss at the start and at the end.
    time
        Time at which the loss reached the goal; infinite if it did not.
    predicted
        The same as predicted, including the noise of random initial neurons; NaN if there is no prediction.
    times_limit
        Largest ratio of its loss to that of the limit, over the times of its series before the limit reaches the goal.
    """

    label: str
    first: float
    last: float
    time: float
    predicted: float
    times_limit: float


@dataclass(frozen=True, eq=False)
class Training:
    """A training: its prediction and its results.

    Attributes
    ----------
    folder
        Folder of the run directories.
    prediction
        Prediction for the limit.
    goal
        Loss to reach.
    members, curves
        The completed runs, the limit first, and the curve of linear theory of each, or None.
    durations
        How long each run took.
    unfinished
        Names of the members that failed.
    interrupted
        Name of the member that was interrupted by a signal, after which none was trained; empty if there is none.
    """

    folder: Path
    prediction: Prediction
    goal: float
    members: tuple[TrainingRun, ...]
    curves: tuple[LinearDecay | None, ...]
    durations: tuple[Duration, ...]
    unfinished: tuple[str, ...] = ()
    interrupted: str = ""

    def facts(self) -> dict[str, Any]:
        """Return all results as plain Python objects."""
        return {
            "prediction": self.prediction.facts(),
            "goal": self.goal,
            "runs": [asdict(duration) for duration in self.durations],
        }

    def plot(self, output: str | os.PathLike[str]) -> Path:
        """Draw the losses of all runs, linear theory and the predicted slope; see :func:`gridflow.viz.plot_training`.

        Returns the file written. InputError if nothing has been trained, if the suffix or folder of the file is not
        allowed, or if a run has no snapshots yet.
        """
        if not self.members:
            raise InputError(f"{self.folder} has no trained network and no limit to draw yet")
        from gridflow.viz.training import Curve, plot_training  # imported here: matplotlib takes a second

        runs = [
            Curve(self.folder / member.directory, member.label, curve)
            for member, curve in zip(self.members, self.curves, strict=True)
        ]
        return plot_training(runs, self.goal, output, None if self.prediction.doubts else self.prediction.exponent)


def train(
    case_file: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    set: Changes | None = None,
    force: bool = False,
    progress: bool | None = None,
    say: Say | None = None,
) -> Training:
    """Train networks of several widths and their infinite-width limit; a repeated call continues where it stopped.

    Parameters
    ----------
    case_file
        A case with a ``[training]`` table.
    out
        Folder of the run directories. Default: the case's name + ``.train``.
    set
        Values of the case to change; see :func:`gridflow.load_case`.
    force
        Run even if memory may be insufficient. Default: False.
    progress
        Report the progress of each run; see :func:`gridflow.run`.
    say
        Called with the name of each run before it begins.

    Returns
    -------
    Training
        The runs, with the times at which each reached the goals, and what theory predicts of them.

    Raises
    ------
    InputError
        If the case cannot be trained, or the folder holds runs of another case.
    RunError
        If the limit cannot be run; a network that fails is skipped with a warning.
    """
    path = Path(case_file)
    case = load_case(path, set)
    wanted = members(case)
    assert case.training is not None, "members checks that"
    check_memory(wanted[0].case, path.parent, force)  # before any grid is filled
    expected = [expect(member, path.parent) for member in wanted]
    solver, initial = wanted[0].case.build(path.parent)
    ProgressReport(progress).compile(solver)
    prediction = predict_run(solver, initial, case.training.tolerance)
    folder = Path(out or f"{path.stem}.train")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} exists and is not a folder; choose another one (out)")
    make_folder(folder)
    trained: list[tuple[TrainingRun, Expectation]] = []
    failed: list[str] = []
    interrupted = ""
    for member, known in zip(wanted, expected, strict=True):
        store = folder / member.directory
        resumed = open_run(store) if store.exists() else None
        if resumed is not None:
            resumable(member, known, resumed)
            if resumed.status in DONE and resumed.manifest["t_end"] >= member.case.time.t_end:
                trained.append((member, known))
                continue
        if say is not None:
            say(f"{member.name}: {member.label}")
        check_memory(member.case, path.parent, force)
        try:
            relative_to = path.parent if resumed is None else store
            done = launch(member.case, store, relative_to, resumed=resumed, progress=progress)
        except RunError as error:
            if member is wanted[0]:
                raise
            warnings.warn(f"{member.name} failed and is left out: {error}", RuntimeWarning, stacklevel=2)
            failed.append(member.name)
            continue
        if done.status == "interrupted":
            interrupted = member.name
            break
        trained.append((member, known))
    curves = tuple(known.linear for _, known in trained)
    done_members = tuple(member for member, _ in trained)
    times = [known.time_to(prediction) for _, known in trained]
    durations = _durations(folder, done_members, prediction.goal, times)
    return Training(folder, prediction, prediction.goal, done_members, curves, durations, tuple(failed), interrupted)


def _durations(
    folder: Path, trained: Sequence[TrainingRun], goal: float, predicted: Sequence[float]
) -> tuple[Duration, ...]:
    """Read the runs of a training, the limit's first."""
    series = [RunDirectory(folder / member.directory).series for member in trained]
    return tuple(
        Duration(
            member.label,
            float(columns["energy"][0]),
            float(columns["energy"][-1]),
            crossing_time(columns["time"], columns["energy"], goal),
            expected,
            _times_limit(columns, series[0], goal),
        )
        for member, columns, expected in zip(trained, series, predicted, strict=True)
    )


def _times_limit(columns: dict[str, np.ndarray], limit: dict[str, np.ndarray], goal: float) -> float:
    infinite = np.exp(np.interp(columns["time"], limit["time"], np.log(limit["energy"])))
    compared = (infinite > goal) & (columns["time"] <= limit["time"][-1])
    return float((columns["energy"] / infinite)[compared].max()) if compared.any() else math.nan

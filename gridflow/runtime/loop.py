"""The time loop of a run."""

import math
import os
import platform
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np

from gridflow._version import __version__
from gridflow.arguments import takes_numbers
from gridflow.equation.contract import DENSITY, PARTICLES, TRACER, Solver, State
from gridflow.errors import InputError, RunError
from gridflow.files import checksum
from gridflow.runtime import callbacks as built_in
from gridflow.runtime.callbacks import Callback, EnergyWatch, Series
from gridflow.runtime.live import Run
from gridflow.runtime.progress import ProgressReport
from gridflow.runtime.schedule import AnyOf, EverySteps, EveryTime, EveryWall, Moment, Schedule, later
from gridflow.runtime.signals import collected_signals
from gridflow.runtime.store import RUNNING
from gridflow.runtime.writer import RunWriter

DEFAULT_SNAPSHOTS = 40
"""Number of snapshots per run by default."""
DEFAULT_SERIES = EverySteps(10)
"""Default schedule of the time series."""


@takes_numbers
def run(
    solver: Solver,
    initial: np.ndarray | None = None,
    t_end: float = math.nan,
    *,
    store: str | os.PathLike[str] | None = None,
    snapshots: Schedule | None = None,
    snapshot_dtype: str = "float32",
    series: Schedule | None = None,
    checkpoints: Schedule | None = None,
    callbacks: Sequence[Callback] = (),
    progress: bool | None = None,
    resume: bool = False,
    force: bool = False,
    case: str | None = None,
    record: Mapping[str, Any] | None = None,
) -> Run:
    """Advance a density from time 0, or from a checkpoint, to ``t_end``.

    The run lands exactly on every time that a schedule names, so schedules influence the steps, within their accuracy.
    The solver checks each step. A density that is negative or not finite ends the run before anything uses it.

    Parameters
    ----------
    solver
        The solver, for example ``solvers.FiniteVolume(flow)``.
    initial
        Cell averages at time 0, shape ``grid.shape`` (mass / volume). ``solvers.Particles`` and ``solvers.Network``
        hold their own initial data. For them it is the density that those represent, which is recorded with the run;
        default: their deposit on the grid.
    t_end
        Final time, positive; required.
    store
        Run directory to create; None (default) keeps everything in memory.
    snapshots
        When to store the density. Default: 40 times, evenly spaced. Always at the start and the end.
    snapshot_dtype
        ``float32`` or ``float64``.
    series
        When to record scalar diagnostics. Default: every 10 steps. Always at the start, the end and with a snapshot.
    checkpoints
        When to store what a continuation needs. Default: every minute of wall-clock time. Always at the end.
    callbacks
        Further actions, called after the built-in ones; for example :func:`gridflow.stop_when_energy_below`.
    progress
        Report progress: a bar on a terminal and below the cell of a notebook, elsewhere a line on standard error every
        ten seconds; and that loops are being compiled. Default: the same, but a run of less than ten seconds prints
        nothing where there is no bar. False: nothing.
    resume
        Continue from the newest intact checkpoint in ``store``. Without a checkpoint or directory, start from time 0.
    force
        Replace an existing run directory.
    case, record
        Text of the case file, and further facts (seeds), to record with the run.

    Returns
    -------
    Run
        The run with its final ``density``, ``time``, ``steps``, ``series``, ``status``, ``reason`` and ``crossing``.
        With a store, SIGINT and SIGTERM finish the step, write a checkpoint and return with the status ``interrupted``;
        a second signal has its usual effect.

    Raises
    ------
    InputError
        If an argument is not allowed, the directory exists, or the run to resume has a different problem.
    RunError
        If the run cannot continue; the directory keeps the last checkpoint.
    """
    if not (math.isfinite(t_end) and t_end > 0):
        raise InputError(f"t_end = {t_end}: it must be given, positive and finite")
    needs_store = {"snapshots": snapshots, "checkpoints": checkpoints, "resume": resume}
    if store is None and (unused := [name for name, given in needs_store.items() if given]):
        raise InputError(f"{' and '.join(unused)}: without store, the run directory, nothing is stored")
    if not isinstance(callbacks, Sequence) or not all(isinstance(each, Callback) for each in callbacks):
        raise InputError(f"callbacks = {callbacks!r}: a list of gridflow.Callback is needed")
    if snapshot_dtype not in ("float32", "float64"):
        raise InputError(f"snapshot_dtype {snapshot_dtype!r}: allowed are float32 and float64")
    if store is not None and not resume:
        RunWriter.check_free(store, force)  # bad input is told before the loops are compiled
    if initial is not None:
        solver.flow.check_density(initial, "the initial density")
    report = ProgressReport(progress)
    report.compile(solver)
    state = solver.initialize(initial)
    start = solver.density(state) if initial is None else np.asarray(initial, dtype=float)
    recording = Recording(
        snapshots or EveryTime(t_end / DEFAULT_SNAPSHOTS),
        snapshot_dtype,
        series or DEFAULT_SERIES,
        checkpoints or EveryWall(60),
        tuple(callbacks),
    )
    if store is None:
        live = Run(solver, state, float(t_end), Series(solver, state, start), start)
        _loop(live, recording.in_memory(live), report, resumed=False, interruptible=False)
        return live
    manifest = _manifest(solver, state, start, t_end, record)
    resume = resume and os.path.lexists(store)
    if resume:
        writer = RunWriter.resume(store, manifest, _warn)
    else:
        writer = RunWriter.create(store, manifest, _begun_with(solver, state, start), case, force)
    with closing(writer):
        found, rows = _last_sound(writer, t_end) if resume else (None, {})
        first = state
        if found is not None:
            state = solver.restore(found)
        recorder = Series(solver, first, start, rows, TRACER in state.arrays)
        del first
        live = Run(solver, state, float(t_end), recorder, start)
        every, checkpoint = recording.in_store(live, writer)
        if case is not None:
            writer.write_case(case)
        writer.write_status(RUNNING, t_end=float(t_end))
        with _recorded_failure(live, writer):
            _loop(live, every, report, resumed=found is not None, interruptible=True)
        if live.status == "interrupted":
            checkpoint.action(live)
        writer.write_status(live.status, reason=live.reason, crossing=live.crossing)
        return live


@dataclass(frozen=True)
class Recording:
    """What a run records and when; see :func:`run`."""

    snapshots: Schedule
    snapshot_dtype: str
    series: Schedule
    checkpoints: Schedule
    callbacks: tuple[Callback, ...]

    def in_memory(self, live: Run) -> list[Callback]:
        """Return the callbacks of a run without a run directory."""
        return [*self._rows(live, self.series), *self.callbacks]

    def in_store(self, live: Run, writer: RunWriter) -> tuple[list[Callback], Callback]:
        """Return the callbacks of a run with a directory, and among them the one that writes checkpoints.

        A row of the series is also recorded with every snapshot.
        """
        checkpoint = built_in.checkpoints(writer, live.recorder, self.checkpoints)
        every = [
            *self._rows(live, AnyOf(self.series, self.snapshots)),
            built_in.snapshots(writer, self.snapshot_dtype, self.snapshots),
            *self.callbacks,
            checkpoint,
        ]
        return every, checkpoint

    @staticmethod
    def _rows(live: Run, schedule: Schedule) -> list[Callback]:
        """Return the callbacks of every row; the energy is monitored for solvers on a grid only."""
        watch = [EnergyWatch().look] if live.solver.representation.on_grid else []
        extremes = live.recorder.extremes
        every_step = (
            [Callback(lambda run: extremes.look(run.state, run.density), EverySteps(1), at_start=True)]
            if extremes.needed
            else []
        )
        rows = (live.recorder.record, *watch)
        return [*every_step, *(Callback(action, schedule, at_start=True, at_end=True) for action in rows)]


@contextmanager
def _recorded_failure(live: Run, writer: RunWriter) -> Iterator[None]:
    """If the run fails, save what it has recorded, and the reason, before the error propagates."""
    try:
        yield
    except BaseException as error:
        reason = str(error) if isinstance(error, RunError) else f"{type(error).__name__}: {error}"
        for publish in (
            writer.flush,
            partial(writer.write_series, live.series),
            partial(writer.write_status, "failed", reason=reason),
        ):
            with suppress(RunError):  # on a full disk the first failure is the one to report
                publish()
        raise


def _last_sound(writer: RunWriter, t_end: float) -> tuple[State | None, dict[str, np.ndarray]]:
    """Return the newest intact checkpoint and the rows recorded up to it; None and no rows to start again from time 0.

    Raises
    ------
    InputError
        If the checkpoint is later than ``t_end``.
    """
    found = writer.newest_state(_warn)
    if found is None:
        return None, {}
    try:
        rows = writer.series
    except RunError as error:
        _warn(f"{error}; the recorded rows cannot be recovered, and the run starts again from time 0")
        return None, {}
    if not rows:
        _warn(f"{writer.path} has a checkpoint but no series; the run starts again from time 0")
        return None, {}
    if found.time > later(t_end):
        raise InputError(f"{writer.path} is at t = {found.time:.10g} already, beyond t_end = {t_end:.10g}")
    return found, {name: values[rows["step"] <= found.step] for name, values in rows.items()}


def _loop(live: Run, every: Sequence[Callback], report: ProgressReport, resumed: bool, interruptible: bool) -> None:
    every = [*every, *report.callbacks()]
    try:
        with collected_signals(interruptible) as received:
            now = live.moment()
            if resumed:
                before = Moment(now.time - live.state.dt, now.step - 1, now.wall)
                due = [callback for callback in every if callback.at_resume and callback.schedule.due(before, now)]
            else:
                due = [callback for callback in every if callback.at_start]
            _act(live, due)
            while live.status == "running" and later(live.time) < live.t_end:
                if received:
                    live.status, live.reason = "interrupted", f"by {received[0].name}"
                    return
                event = min(callback.schedule.next_time(live.time) for callback in every)
                live.solver.step(live.state, live.t_end if later(event) >= live.t_end else event)
                before, now = now, live.moment()  # measured here to include the wall-clock time of callbacks
                due = [callback for callback in every if callback.schedule.due(before, now)]
                _act(live, due)
            if live.status == "running":
                live.status, live.reason = "finished", f"t = {live.t_end:g} reached"
            _act(live, [callback for callback in every if callback.at_end and callback not in due])
    finally:
        report.close()


def _act(live: Run, due: Sequence[Callback]) -> None:
    for callback in due:
        callback.action(live)


def _begun_with(solver: Solver, state: State, initial: np.ndarray) -> dict[str, np.ndarray]:
    """Return the initial arrays to store; for particles, the manifest has checksums instead."""
    made = solver.representation
    held = () if made.kind == PARTICLES else made.arrays
    return {
        "initial": initial,
        "target": solver.flow.target,
        **{name: state.arrays[name] for name in held if name != DENSITY},
    }


def _manifest(
    solver: Solver, state: State, initial: np.ndarray, t_end: float, record: Mapping[str, Any] | None
) -> dict[str, Any]:
    flow, made = solver.flow, solver.representation
    particles = {name: checksum(state.arrays[name]) for name in made.arrays} if made.kind == PARTICLES else {}
    return {
        "gridflow": __version__,
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("numpy", "scipy", "pyfftw", "numba", "h5py")}
        | {name: version(name) for name in solver.libraries},
        "grid": flow.grid.record(),
        "problem": {
            "kernel": repr(flow.kernel),
            "kernel_record": flow.kernel.record(),
            "growth": flow.growth,
            "symbol_sha256": checksum(flow.symbol),
            "target_sha256": checksum(flow.target),
            "initial_sha256": checksum(initial),
        }
        | {f"{name}_sha256": value for name, value in particles.items()},
        "solver": dict(solver.settings()),
        "representation": asdict(made),
        "t_end": float(t_end),
        "record": dict(record or {}),
    }


def _warn(message: str) -> None:
    warnings.warn(message, RuntimeWarning, stacklevel=3)

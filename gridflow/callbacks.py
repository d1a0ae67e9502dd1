"""What happens while a run goes on. A callback is an action and the schedule it follows."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TextIO

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from gridflow import diagnostics
from gridflow.schedule import EverySteps, EveryWall, Moment, Schedule
from gridflow.solver import Solver, State, require_sound
from gridflow.store import RunWriter
from gridflow.theory import HoleLaw, LogisticLaw, uniform_background

TRACER = "tracer"


class LiveRun(Protocol):
    """What a callback sees of a run."""

    solver: Solver
    state: State
    t_end: float

    @property
    def density(self) -> np.ndarray:
        """The present density, the solver's own array."""

    def moment(self) -> Moment:
        """Where the run stands."""

    def stop(self, reason: str) -> None:
        """End the run after this step."""


@dataclass(frozen=True)
class Callback:
    """Something to do in a run and when.

    Parameters
    ----------
    action
        Called with the run; may read everything and call ``run.stop(reason)``.
    schedule
        When it is due, see :mod:`gridflow.schedule`.
    at_start, at_end
        Also before the first step and after the last.
    at_resume
        Again, if it was due at the checkpoint that a run goes on from: for conditions that may have ended it there.
    """

    action: Callable[[LiveRun], None]
    schedule: Schedule
    at_start: bool = False
    at_end: bool = False
    at_resume: bool = False


def guard(run: LiveRun) -> None:
    """Raise RunError, naming cell and time, unless every cell is finite and ≥ 0."""
    require_sound(run.solver.flow.grid, run.density, run.state.time)


def stop_when_energy_below(energy: float, schedule: Schedule | None = None) -> Callback:
    """Stop once the energy is below a value; looked at every 10 steps unless a schedule is given."""

    def action(run: LiveRun) -> None:
        value = run.solver.flow.energy(run.density)
        if value < energy:
            run.stop(f"energy {value:.4g} is below {energy:.4g}")

    return Callback(action, schedule or EverySteps(10), at_start=True, at_resume=True)


def stop_when_steady(rate: float, schedule: Schedule | None = None) -> Callback:
    """Stop once the energy falls by less than this share of itself per unit of time; looked at every 10 steps."""

    def action(run: LiveRun) -> None:
        energy = run.solver.flow.energy(run.density)
        dissipation = run.solver.dissipation(run.state)
        if dissipation <= rate * energy:
            run.stop(f"steady: the energy {energy:.4g} falls by {dissipation:.4g} per unit of time")

    return Callback(action, schedule or EverySteps(10), at_start=True, at_resume=True)


class Series:
    """Records scalar diagnostics, with the exact law beside each that has one.

    Columns: step, time, dt, mass, min, max, energy, kmd, dissipation; for a start with empty cells hole_volume and
    plateau; for a solver with a tracer tracer_volume. Where the flow obeys a law of :mod:`gridflow.theory` a quantity
    ``q`` has ``q_exact`` and ``q_ratio`` = measured / exact.

    The hole is where μ is below half of the exact plateau if the hole law holds, and below half of the target if not;
    the carried hole is ``{χ > ½}``.

    Parameters
    ----------
    solver
        The run's solver.
    initial
        The density at time 0, from which the laws start.
    rows
        Columns recorded before, of a run that goes on.
    """

    def __init__(self, solver: Solver, start: State, initial: np.ndarray, rows: Mapping[str, np.ndarray] | None = None):
        flow = solver.flow
        background = uniform_background(flow)
        self._mass = None if flow.growth else diagnostics.mass(flow.grid, initial)
        self._has_hole = bool((initial == 0).any())
        self._hole_law = HoleLaw.of(flow, initial)
        self._tracer_law: HoleLaw | None = None
        if TRACER in start.arrays and background is not None:
            volume = float(start.arrays[TRACER].sum(dtype=float)) * flow.grid.cell_volume
            self._tracer_law = HoleLaw(volume, flow.grid.volume, background)
        self._extremum_laws: dict[str, LogisticLaw] = {}
        if background is not None and not self._has_hole:
            extrema = {"min": float(initial.min()), "max": float(initial.max())}
            self._extremum_laws = {name: LogisticLaw(value, background) for name, value in extrema.items()}
        self._columns: dict[str, list[float]] = {name: list(values) for name, values in (rows or {}).items()}

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """What was recorded so far, one array per column."""
        return {
            name: np.array(values, dtype=int if name == "step" else float) for name, values in self._columns.items()
        }

    def record(self, run: LiveRun) -> None:
        """Add a row for the present state, unless the last row is of this step."""
        if self._columns and self._columns["step"][-1] == run.state.step:
            return
        for name, value in self._measure(run.solver, run.state).items():
            self._columns.setdefault(name, []).append(value)

    def _measure(self, solver: Solver, state: State) -> dict[str, float]:
        flow, density = solver.flow, solver.density(state)
        energy = flow.energy(density)
        row: dict[str, float] = {
            "step": state.step,
            "time": state.time,
            "dt": state.dt,
            "mass": diagnostics.mass(flow.grid, density),
            "min": float(density.min()),
            "max": float(density.max()),
            "energy": energy,
            "kmd": float(np.sqrt(2 * energy)),
            "dissipation": solver.dissipation(state),
        }
        exact: dict[str, float] = {} if self._mass is None else {"mass": self._mass}
        exact |= {name: float(law(state.time)) for name, law in self._extremum_laws.items()}
        if self._has_hole:
            half = flow.target / 2
            if self._hole_law is not None:
                exact["hole_volume"] = float(self._hole_law(state.time))
                exact["plateau"] = float(self._hole_law.plateau(state.time))
                half = np.full_like(half, exact["plateau"] / 2)
            row["hole_volume"] = diagnostics.volume_below(flow.grid, density - half, 0.0)
            row["plateau"] = row["max"]
        if TRACER in state.arrays:
            row["tracer_volume"] = flow.grid.volume - diagnostics.volume_below(flow.grid, state.arrays[TRACER], 0.5)
            if self._tracer_law is not None:
                exact["tracer_volume"] = float(self._tracer_law(state.time))
        for name, value in exact.items():
            row |= {f"{name}_exact": value, f"{name}_ratio": row[name] / value if value else np.nan}
        return row


def snapshots(writer: RunWriter, dtype: str, schedule: Schedule) -> Callback:
    """Publish the density whenever due, at the start and at the end."""
    return Callback(lambda run: writer.write_snapshot(run.state, dtype), schedule, at_start=True, at_end=True)


def checkpoints(writer: RunWriter, series: Series, schedule: Schedule) -> Callback:
    """Finish the snapshots, publish the series, then a checkpoint: what a continuation needs is always there."""

    def action(run: LiveRun) -> None:
        writer.flush()
        writer.write_series(series.columns)
        writer.write_checkpoint(run.state)

    return Callback(action, schedule, at_end=True)


class ProgressReport:
    """Shows how far a run is: a live bar on a terminal, otherwise a line now and then.

    Parameters
    ----------
    stream
        Where to; default standard error.
    pause
        Seconds between two lines when the stream is not a terminal.
    """

    def __init__(self, stream: TextIO | None = None, pause: float = 10.0) -> None:
        stream = stream or sys.stderr
        self._console = Console(file=stream)
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._first: Moment | None = None
        self._pause = pause

    def callback(self) -> Callback:
        """The callback that keeps it up to date."""
        schedule = EveryWall(0.2 if self._console.is_terminal else self._pause)
        return Callback(self._update, schedule, at_start=True, at_end=True)

    def close(self) -> None:
        """Leave the last state of the bar on the terminal."""
        if self._bar is not None:
            self._bar.stop()

    def _update(self, run: LiveRun) -> None:
        now = run.moment()
        first = self._first = self._first or now
        elapsed = now.wall - first.wall
        facts = (
            f"step {now.step}  dt {run.state.dt:.2e}  energy {run.solver.flow.energy(run.density):.3e}  "
            f"min {float(run.density.min()):.2e}"
        )
        if now.step > first.step:
            facts += f"  {(now.step - first.step) / elapsed:.0f} steps/s"
        if not self._console.is_terminal:
            done = (now.time - first.time) / (run.t_end - first.time) if run.t_end > first.time else 1.0
            left = f"  {elapsed / done - elapsed:.0f} s left" if 0 < done < 1 else ""
            self._console.print(f"t = {now.time:.6g} of {run.t_end:g}  {facts}{left}", highlight=False, soft_wrap=True)
            return
        if self._bar is None:
            columns = (
                TextColumn("t = {task.completed:.4g} of {task.total:g}"),
                BarColumn(bar_width=16),
                TextColumn("{task.fields[facts]}"),
            )
            self._bar = Progress(*columns, TimeRemainingColumn(), console=self._console)
            self._task = self._bar.add_task("run", total=run.t_end, facts=facts)
            self._bar.start()
        assert self._task is not None
        self._bar.update(self._task, completed=now.time, facts=facts)

"""Callbacks of a run. A callback is an action together with the schedule it follows."""

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from gridflow.arguments import takes_numbers
from gridflow.equation.contract import TRACER, Solver, State, energy_round_off
from gridflow.measures import diagnostics
from gridflow.runtime.extremes import Extremes
from gridflow.runtime.holes import HoleRecorder
from gridflow.runtime.schedule import EverySteps, Moment, Schedule
from gridflow.runtime.writer import RunWriter
from gridflow.theory import LogisticLaw, uniform_background

OF_SOME_SOLVERS = ("exponential_steps", "negative_mass", "empirical_loss")
"""Diagnostics that only some solvers report."""


class LiveRun(Protocol):
    """The view of a run that a callback gets."""

    solver: Solver
    state: State
    t_end: float

    @property
    def density(self) -> np.ndarray:
        """The current density; this is the solver's own array."""

    @property
    def energy(self) -> float:
        """Current energy ½ KMD², at the least cost."""

    @property
    def diagnosis(self) -> Mapping[str, float]:
        """Current mass, min, max, energy and dissipation; computed at most once per step."""

    @property
    def series(self) -> dict[str, np.ndarray]:
        """The scalar diagnostics recorded so far, one array per column; see :class:`Series`."""

    def moment(self) -> Moment:
        """Return the current moment of the run."""

    def stop(self, reason: str, crossing: float | None = None) -> None:
        """Stop the run after this step; ``crossing`` is the time at which a condition was met."""


@dataclass(frozen=True)
class Callback:
    """An action to perform during a run, and when.

    Parameters
    ----------
    action
        Called with the :class:`LiveRun`. It may read everything and call ``run.stop(reason)``.
    schedule
        When the action is due, see :mod:`gridflow.runtime.schedule`.
    at_start, at_end
        Whether to call it also before the first step and after the last. Default: False.
    at_resume
        Whether to repeat it on resuming, if it was due at the checkpoint. Meant for conditions that may have stopped
        the run there. Default: False.
    """

    action: Callable[[LiveRun], None]
    schedule: Schedule
    at_start: bool = False
    at_end: bool = False
    at_resume: bool = False


LOOKED, VALUE = "looked_at", "looked_value"
"""Keys in a state's control for the time and the value at which a stopping condition looked last."""


@takes_numbers
def stop_when_energy_below(energy: float, schedule: Schedule | None = None) -> Callback:
    """Return a callback that stops the run at the first step with an energy below a value.

    The time of the crossing is interpolated between the last two looks, with log E linear in time. The run keeps it as
    ``crossing``, and a run directory in its manifest. The state at the end is that of the step after it.

    Parameters
    ----------
    energy
        Threshold for E = ½ KMD², in the units of :meth:`gridflow.Flow.energy`.
    schedule
        When to look. Default: after every step, which needs the energy anyway.

    Returns
    -------
    Callback
        To be passed to :func:`gridflow.run`.
    """

    def action(run: LiveRun) -> None:
        value, crossing = run.energy, run.state.time
        if value < energy:
            crossing = _crossing(run, f"energy_below_{energy!r}", value, energy)
            run.stop(f"energy {value:.4g} is below {energy:.4g}, which it crossed at t = {crossing:.6g}", crossing)
        else:
            _remember(run, f"energy_below_{energy!r}", value)

    return Callback(action, schedule or EverySteps(1), at_start=True, at_resume=True)


@takes_numbers
def stop_when_steady(rate: float, schedule: Schedule | None = None) -> Callback:
    """Return a callback that stops the run once the relative decay rate of the energy is small, −dE/dt ≤ rate · E.

    The time of the crossing is interpolated as for :func:`stop_when_energy_below`.

    Parameters
    ----------
    rate
        Threshold (1 / time).
    schedule
        When to look. Default: after every step. The dissipation is computed only where the mean rate since the last
        look is below twice the threshold.

    Returns
    -------
    Callback
        To be passed to :func:`gridflow.run`.
    """
    name = f"steady_{rate!r}"

    def action(run: LiveRun) -> None:
        control, now, energy = run.state.control, run.state.time, run.energy
        before, since = control.get(f"{name}_energy", math.inf), now - control.get(f"{name}_{LOOKED}", -math.inf)
        control[f"{name}_energy"] = energy
        if energy > 0 and math.isfinite(before) and math.log(before / energy) > 2 * rate * since:
            _remember(run, name, math.inf)  # the rate itself is not known here
            return
        dissipation = run.diagnosis["dissipation"]
        present = dissipation / energy if energy > 0 else 0.0
        if dissipation > rate * energy:
            _remember(run, name, present)
            return
        crossing = _crossing(run, name, present, rate)
        told = f"steady: the energy {energy:.4g} falls by {dissipation:.4g} per unit of time"
        run.stop(f"{told}, since t = {crossing:.6g}", crossing)

    return Callback(action, schedule or EverySteps(1), at_start=True, at_resume=True)


def _remember(run: LiveRun, name: str, value: float) -> None:
    """Keep a value above its threshold, in the state, so that a resumed run finds the same crossing."""
    run.state.control |= {f"{name}_{LOOKED}": run.state.time, f"{name}_{VALUE}": value}


def _crossing(run: LiveRun, name: str, value: float, level: float) -> float:
    """Time between the last look and now at which the value fell to the level; now if there was no look."""
    control, now = run.state.control, run.state.time
    before, above = control.get(f"{name}_{LOOKED}", now), control.get(f"{name}_{VALUE}", math.inf)
    if not (before < now and math.isfinite(above) and value > 0 and level > 0):
        return now
    return diagnostics.crossing_time((before, now), (above, value), level)


class Series:
    """Records scalar diagnostics, each with its exact law if there is one.

    Columns: step, time, dt, mass, min, max, energy, kmd and dissipation; exponential_steps for a solver that switches
    between integrators; negative_mass for one that may become negative; plateau for an initial density with empty
    cells; largest_norm and least_min, over all steps since the row before, where a certificate needs them (see
    :mod:`gridflow.runtime.extremes`); where the hole is known, hole_volume, the number of holes and columns of each
    (see :mod:`gridflow.runtime.holes`). If the flow obeys a law of :mod:`gridflow.theory`, a quantity ``q`` also has
    ``q_exact`` and ``q_ratio`` = measured / exact. A column that begins late is NaN before.

    Parameters
    ----------
    solver
        Solver of the run.
    first
        State at time 0.
    initial
        Density at time 0, from which the laws start.
    rows
        Columns recorded earlier, for a resumed run.
    carries
        Whether the run has a tracer. Default: if the first state has one.
    """

    def __init__(
        self,
        solver: Solver,
        first: State,
        initial: np.ndarray,
        rows: Mapping[str, np.ndarray] | None = None,
        carries: bool | None = None,
    ):
        flow = solver.flow
        background = uniform_background(flow)
        self._mass = None if flow.growth else diagnostics.mass(flow.grid, initial)
        on_grid = solver.representation.on_grid  # extrema and holes of what particles leave on a grid obey no law
        self._has_hole = on_grid and float(initial.min()) == 0
        self._holes = HoleRecorder(solver, first, initial, TRACER in first.arrays if carries is None else carries)
        self._extremum_laws: dict[str, LogisticLaw] = {}
        if on_grid and background is not None and not self._has_hole:
            extrema = {"min": float(initial.min()), "max": float(initial.max())}
            self._extremum_laws = {name: LogisticLaw(value, background) for name, value in extrema.items()}
        self.extremes = Extremes(solver, initial)
        self._columns: dict[str, list[float]] = {name: list(values) for name, values in (rows or {}).items()}

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """The recorded columns, one array each."""
        return {
            name: np.array(values, dtype=int if name == "step" else float) for name, values in self._columns.items()
        }

    def record(self, run: LiveRun) -> None:
        """Append a row for the current state, unless the last row already is of this step."""
        if self._columns and self._columns["step"][-1] == run.state.step:
            return
        rows = len(self._columns.get("step", ()))
        measured = self._measure(run)
        for name in {**self._columns, **measured}:
            self._columns.setdefault(name, [math.nan] * rows).append(measured.get(name, math.nan))

    def _measure(self, run: LiveRun) -> dict[str, float]:
        state, found = run.state, run.diagnosis
        row: dict[str, float] = {"step": state.step, "time": state.time, "dt": state.dt}
        row |= {name: found[name] for name in ("mass", "min", "max", "energy")}
        row |= {"kmd": math.sqrt(2 * max(found["energy"], 0.0)), "dissipation": found["dissipation"]}
        row |= {name: found[name] for name in OF_SOME_SOLVERS if name in found}
        row |= self.extremes.row(state)
        exact: dict[str, float] = {} if self._mass is None else {"mass": self._mass}
        exact |= {name: float(law(state.time)) for name, law in self._extremum_laws.items()}
        if self._has_hole:
            row["plateau"] = row["max"]
            if self._holes.law is not None:
                exact["plateau"] = float(self._holes.law.plateau(state.time))
            before = {name: values[-1] for name, values in self._columns.items()}
            measured, laws = self._holes.row(run.solver, state, run.density, before)
            row |= measured
            exact |= laws
        for name, value in exact.items():
            row |= {f"{name}_exact": value, f"{name}_ratio": row[name] / value if value else np.nan}
        return row


class EnergyWatch:
    """Warns, once per run, if the energy rises: the flow lowers it, but a scheme without a proof may not.

    A rise counts only beyond :func:`gridflow.equation.contract.energy_round_off`.
    """

    def __init__(self) -> None:
        self._before: tuple[float, float] | None = None
        self._warned = False

    def look(self, run: LiveRun) -> None:
        """Compare the energy with its value at the previous call."""
        time, energy = run.state.time, run.diagnosis["energy"]
        if self._before is not None and not self._warned and energy > self._before[1] + self._round_off(run, energy):
            self._warned = True
            warnings.warn(
                f"the energy rose from {self._before[1]:.6g} at t = {self._before[0]:.6g} to {energy:.6g} at "
                f"t = {time:.6g}, which the exact flow never does: the grid may be too coarse for this density; "
                'with reconstruction = "muscl" and velocity = "difference" the scheme cannot do it either',
                RuntimeWarning,
                stacklevel=2,
            )
        self._before = time, energy

    @staticmethod
    def _round_off(run: LiveRun, energy: float) -> float:
        flow, density = run.solver.flow, run.density
        mass = flow.grid.integral(density)
        return energy_round_off(flow, energy, run.diagnosis["max"], mass, density.dtype)


def snapshots(writer: RunWriter, dtype: str, schedule: Schedule) -> Callback:
    """Return a callback that writes a snapshot whenever due, at the start and at the end."""
    return Callback(
        lambda run: writer.write_snapshot(run.state, run.solver.fields(run.state), dtype),
        schedule,
        at_start=True,
        at_end=True,
    )


def checkpoints(writer: RunWriter, series: Series, schedule: Schedule) -> Callback:
    """Return a callback that flushes the snapshots and writes the series, and only then the checkpoint.

    Everything that a continuation needs is thus on disk.
    """

    def action(run: LiveRun) -> None:
        writer.flush()
        writer.write_series(series.columns)
        writer.write_checkpoint(run.state)

    return Callback(action, schedule, at_end=True)

"""The ways to predict how long a run takes: each says what it assumes, what it costs and how sure it is."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gridflow.equation.contract import CELLS, Solver
from gridflow.equation.flow import Equation
from gridflow.errors import InputError
from gridflow.measures.diagnostics import crossing_time
from gridflow.studies.pilot import PilotRun, pilot_runs
from gridflow.theory import LinearDecay
from gridflow.theory.brackets import Bracket
from gridflow.theory.second_order import second_order

BRACKET, LINEAR, SECOND, PILOT = "bracket", "linear theory", "second order", "pilot run"
AT_LEAST = 0.03
"""Smallest relative half-width of an interval: what the time error of a run, and of a pilot run, may change."""
THIN = 0.5
"""Share of the deviation that is left where the target is nearly empty, above which that is told."""
POINTS = 400
"""Number of points of the curve of linear theory."""


@dataclass(frozen=True, eq=False)
class Course:
    """The energy over time as a prediction has it.

    Attributes
    ----------
    times, energies
        Ascending times from 0 and the energies then, shapes (rows,).
    """

    times: np.ndarray
    energies: np.ndarray

    def __call__(self, times: np.ndarray) -> np.ndarray:
        """Energies at times ≥ 0: logarithms are interpolated, and continued by the last power of time."""
        known = self.energies > 0
        t, logarithms = self.times[known], np.log(self.energies[known])
        found = np.interp(times, t, logarithms)
        if t.size > 2:
            middle = int(np.searchsorted(t, 0.7 * t[-1]))
            middle = min(middle, t.size - 2)
            power = (logarithms[-1] - logarithms[middle]) / math.log(t[-1] / t[middle]) if t[middle] > 0 else 0.0
            found = np.where(times > t[-1], logarithms[-1] + power * np.log(np.maximum(times, t[-1]) / t[-1]), found)
        return np.exp(found)

    def time_to(self, goal: float, more: LinearDecay | None = None) -> float:
        """Time at which the energy, with ``more`` added to it, reaches a value; infinite if it never does."""
        if more is None:
            return crossing_time(self.times, self.energies, goal)
        last = float(self.times[-1])
        times = np.unique(np.concatenate([self.times, np.geomspace(last, 1e6 * last, 2000)]))
        return crossing_time(times, self(times) + np.asarray(more(times)), goal)


@dataclass(frozen=True)
class Tier:
    """One way to predict the time at which the energy reaches a goal.

    Attributes
    ----------
    name
        ``bracket``, ``linear theory``, ``second order`` or ``pilot run``.
    time
        Its time; NaN if it gives only an interval or nothing, infinite if the goal is never reached.
    interval
        Times between which it expects the goal to be reached; NaN where it does not know.
    assumes
        What must hold for it.
    source
        What it was computed from, such as the cells of pilot runs; if it gives nothing, the reason.
    seconds
        Wall-clock time that it took.
    course
        The energy over time, or None.
    steps
        Steps that its method would take on the grid of the run, or None.
    extrapolated
        Whether it did not reach the goal itself.
    """

    name: str
    time: float
    interval: tuple[float, float]
    assumes: str
    source: str
    seconds: float = field(compare=False)
    course: Course | None = field(default=None, compare=False, repr=False)
    steps: float | None = None
    extrapolated: bool = False

    def facts(self) -> dict[str, Any]:
        """Return the values as plain Python objects, without the course."""
        return {
            "name": self.name,
            "time": self.time,
            "interval": list(self.interval),
            "assumes": self.assumes,
            "source": self.source,
            "seconds": self.seconds,
        }


def noisy(tier: Tier, noise: LinearDecay, goal: float) -> Tier:
    """The tier with the noise of independent neurons added to its energy."""
    if tier.course is None or not 0 < tier.time < math.inf:
        return tier
    found = tier.course.time_to(goal, noise)
    low, high = (end * found / tier.time for end in tier.interval)
    energies = tier.course.energies + np.asarray(noise(tier.course.times))
    return replace(
        tier, time=found, interval=(low, high), source=f"{tier.source}, with the noise of the neurons",
        course=Course(tier.course.times, energies),
    )  # fmt: skip


def _nothing(name: str, assumes: str, reason: str, began: float) -> Tier:
    return Tier(name, math.nan, (math.nan, math.nan), assumes, reason, time.perf_counter() - began)


def of_bracket(bracket: Bracket, goal: float, began: float) -> Tier:
    """The times between which theorems place the goal; ``began`` is when the bounds began to be computed."""
    low, high = bracket.times_to(goal)
    bounds = [*bracket.floors, *bracket.ceilings]
    assumes = "; ".join(dict.fromkeys(text for bound in bounds for text in bound.hypotheses))
    told = "theorems" if math.isfinite(high) else f"theorems; none above: {bracket.not_certified(goal)}"
    told = told if bounds else bracket.no_floor
    return Tier(BRACKET, math.nan, (low, high), assumes or bracket.no_floor, told, time.perf_counter() - began)


def of_linear(linear: Callable[[], LinearDecay], goal: float) -> Tier:
    """Linear theory with the spectrum of the linearised operator; how sure it is only the next order can say."""
    began, assumes = time.perf_counter(), LinearDecay.hypotheses[0]
    try:
        decay = linear()
    except InputError as reason:
        return _nothing(LINEAR, assumes, str(reason), began)
    found = decay.time_to(goal)
    course = None
    if math.isfinite(found) and found > 0:
        times = np.concatenate([[0.0], np.geomspace(1e-5 * found, found * (1 + 1e-9), POINTS)])
        course = Course(times, np.asarray(decay(times)))
    told = f"the spectrum of the linearised flow, {decay.rates.size} rates"
    return Tier(LINEAR, found, (math.nan, math.nan), assumes, told, time.perf_counter() - began, course)


def of_second_order(flow: Equation[Any], initial: np.ndarray, goal: float, linear: float) -> Tier:
    """The second order in the deviation, which contains the harmonics; its distance to linear theory is its doubt."""
    began, assumes = time.perf_counter(), "ν is constant; third and higher orders in μ − ν do not matter"
    try:
        times, energies = second_order(flow, initial, goal)
    except InputError as reason:
        return _nothing(SECOND, assumes, str(reason), began)
    found = crossing_time(times, energies, goal)
    apart = max(abs(math.log(found / linear)), AT_LEAST) if 0 < found < math.inf and 0 < linear < math.inf else math.nan
    interval = (found * math.exp(-apart), found * math.exp(apart))
    told = f"{times.size} times"
    return Tier(SECOND, found, interval, assumes, told, time.perf_counter() - began, Course(times, energies))


def of_pilot(solver: Solver, initial: np.ndarray, goal: float, of_neurons: bool = False) -> Tier:
    """Pilot runs on coarse grids; the change from one to the next is how sure they are."""
    began, assumes = time.perf_counter(), "coarse grids resolve what matters"
    try:
        runs = pilot_runs(solver, initial, goal, of_neurons)
    except InputError as reason:
        return _nothing(PILOT, assumes, str(reason), began)
    last = runs[-1]
    if math.isinf(last.time) and not last.continued:
        told = f"the pilot run, of {last.size}, stopped at t = {last.stopped:.3g}, before it reached the goal"
        return Tier(PILOT, math.nan, (last.stopped, math.inf), assumes, told, time.perf_counter() - began)
    found, apart = _refined(runs)
    told = f"{' and '.join(each.size for each in runs[-2:])}, {last.steps} steps"
    told += f"; {last.thin:.0%} of ‖μ − ν‖² is then where ν < ¼ of its mean" if last.thin > THIN else ""
    told += "" if last.reached else f"; after {last.steps} steps, at t = {last.stopped:.3g}, linear theory continues it"
    interval = (found * math.exp(-apart), found * math.exp(apart))
    course = Course(last.times * (found / last.time), last.energies) if 0 < last.time < math.inf else None
    spent = time.perf_counter() - began
    steps = _steps(runs) if solver.representation.kind == CELLS else None
    return Tier(PILOT, found, interval, assumes, told, spent, course, steps, extrapolated=not last.reached)


def _steps(runs: list[PilotRun]) -> float | None:
    """Return the steps on the grid of the run, by the power of the spacing that the last two pilot runs show."""
    last = runs[-1]
    if not last.reached or last.steps == 0:
        return None
    power = 1.0  # that of advection
    if len(runs) > 1 and runs[-2].steps > 0:
        power = math.log(last.steps / runs[-2].steps) / math.log(runs[-2].spacing / last.spacing)
    return math.ceil(last.steps * last.spacing ** min(max(power, 0.0), 2.0))


def _refined(runs: list[PilotRun]) -> tuple[float, float]:
    """Return the time extrapolated to the grid of the run, and the doubt about its logarithm.

    The extrapolation is of first order in the spacing, which is the least that can be expected, and never goes beyond
    the last change.
    """
    last = runs[-1]
    exact = last.spacing <= 1 + 1e-9
    if len(runs) < 2 or not (last.reached and 0 < runs[-2].time < math.inf and last.time > 0):
        doubt = AT_LEAST if exact and last.reached else math.log(1.5 if last.reached else 2.0)
        return last.time, doubt
    before = runs[-2]
    change = math.log(last.time / before.time)
    share = (last.spacing - 1) / (before.spacing - last.spacing)
    more = math.copysign(min(abs(change * share), abs(change)), change)
    return last.time * math.exp(more), AT_LEAST + (0.0 if exact else abs(change))

"""Predictions before a run: the theorem that applies, the decay of the energy, and the time and steps needed."""

import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gridflow.equation.contract import INNER, NEURONS, OUTER, PARTICLES, Solver
from gridflow.equation.flow import Equation
from gridflow.errors import InputError
from gridflow.measures import sobolev
from gridflow.measures.holes import hole_fraction, is_wide
from gridflow.networks.measures import TRAINING, reason_unlike_flow
from gridflow.networks.weights import Weights
from gridflow.runtime.store import RunDirectory, open_run
from gridflow.studies import tiers
from gridflow.studies.tiers import Course, Tier
from gridflow.studies.wording import duration, rounded
from gridflow.theory import HoleBounds, HoleLaw, LinearDecay
from gridflow.theory.applicable import Applicable
from gridflow.theory.brackets import Bracket
from gridflow.theory.holes import HoleFilling

AGREE = 1.3
"""Ratio of the times of linear theory and of the second order up to which a pilot run is not needed."""
NEAR = 0.5
"""Difference from the target, relative to its smallest value, up to which their agreement can be trusted."""
POINTS = "the theorems are those of densities, and particles and neurons are points"
WIDE = 1.5
"""Half-width of an interval, as a factor, beyond which a prediction is called uncertain."""
SLOWEST = 1e-9
"""Decay of the energy up to the goal, as a share of it, that the round-off of its course may hide."""
TIMED_STEPS = 3
"""Number of steps that are timed."""
SAME_ENERGY = 1e-4
"""Relative difference of first energies up to which a run may be one of the case: that of single precision."""
LARGEST_TIMED = 2**20
"""Largest number of cells of a grid on which steps are timed."""


@dataclass(frozen=True)
class Prediction:
    """What is known of a run before it starts.

    Attributes
    ----------
    theorem
        The law that applies, in words.
    law
        Its formula for this run; empty if none applies.
    exponent
        Power of time with which the energy decays, or None.
    rate
        Exponential decay rate of the energy (1 / time), or None.
    regularity, regularity_error
        Fitted order r of the initial deviation from the target, on the modes that the kernel sees, and its error.
        Infinite for smooth data; None where it plays no role.
    invisible
        Share of the squared L² norm of the deviation in modes that the kernel of a network does not see; None for
        kernels that see all modes.
    hypotheses
        Assumptions of the law, and of the way by which the time was found.
    doubts
        Reasons to trust the prediction less, in words.
    energy, goal
        Initial energy, and the energy to reach.
    time
        Time at which the energy reaches the goal; infinite if it never does, NaN if nothing is known.
    interval
        Times between which it is expected.
    answer
        Name of the tier that gave the time: ``pilot run``, ``second order`` or ``linear theory``.
    steps
        Number of steps to that time; NaN if they cannot be predicted.
    seconds
        Wall-clock time that these steps take on this machine, from a few of them; NaN if it is not known.
    memory
        Peak memory of the run in bytes; None unless the prediction is that of a case.
    bracket
        Times between which theorems place the goal; 0 and infinite where there is none.
    certified
        Time by which a theorem guarantees the goal, or None; ``not_certified`` then gives the reason.
    hole
        How an initial hole fills, in words; empty if there is none, or no law.
    tiers
        Every way to predict that was tried.
    bounds
        The bounds on the energy behind ``bracket``.
    networks
        For each width of ``[training]``, the time at which a network reaches the goal; NaN if it is not known. Empty
        unless the prediction is that of a case with such a table.
    """

    theorem: str
    law: str
    exponent: float | None
    rate: float | None
    regularity: float | None
    regularity_error: float | None
    invisible: float | None
    hypotheses: tuple[str, ...]
    doubts: tuple[str, ...]
    energy: float
    goal: float
    time: float
    interval: tuple[float, float]
    answer: str
    steps: float
    seconds: float = field(compare=False)
    bracket: tuple[float, float]
    certified: float | None
    not_certified: str
    hole: str
    tiers: tuple[Tier, ...] = field(repr=False)
    bounds: Bracket = field(compare=False, repr=False)
    memory: int | None = None
    networks: Mapping[int, float] = field(default_factory=dict)

    @property
    def course(self) -> Course | None:
        """The energy over time of the tier that gave the answer, or None."""
        return next((tier.course for tier in self.tiers if tier.name == self.answer), None)

    @property
    def sentence(self) -> str:
        """The prediction in one sentence."""
        share = f"{self.goal / self.energy:g} of its first value"
        if math.isnan(self.time):
            low = self.interval[0]
            until = f"it does not before t = {low:.3g}" if low > 0 else "nothing is known"
            return f"Of when, and whether, the energy falls to {share}: {until}."
        if math.isinf(self.time):
            return f"The energy is not expected to fall to {share} at all."
        low, high = self.interval
        told = f"The energy falls to {share} at about t = {self.time:.3g}, between {low:.3g} and {high:.3g}"
        if self.certified is not None:
            told += f", and by {self.certified:.3g} for certain"
        if math.isfinite(self.steps):
            told += f"; that takes about {rounded(self.steps)} steps"
            told += f" and {duration(self.seconds)} on this machine" if math.isfinite(self.seconds) else ""
        return f"{told}."

    def facts(self) -> dict[str, Any]:
        """Return all values as plain Python objects, without networks if there are none."""
        apart = ("tiers", "bounds", "networks")
        facts = {name: value for name, value in vars(self).items() if name not in apart}
        facts["tiers"] = [tier.facts() for tier in self.tiers]
        networks = {f"m = {width}": time for width, time in self.networks.items()}
        return {"sentence": self.sentence} | facts | ({"networks": networks} if networks else {})

    def plot(self, output: str | os.PathLike[str], run: str | os.PathLike[str] | None = None, title: str = "") -> Path:
        """Draw the bracket, the energies of all tiers and that of a run; see :func:`gridflow.viz.plot_prediction`.

        Returns the file written. InputError if there is no expected time to draw, the run has no rows yet or begins
        with another energy, or the suffix or folder of the file is not allowed.
        """
        if not (math.isfinite(self.time) and self.course is not None):
            raise InputError("there is no expected time to draw")
        from gridflow.viz.predictions import Outlook, plot_prediction  # imported here: matplotlib takes a second

        drawn = sorted((tier for tier in self.tiers if tier.course is not None), key=lambda t: t.name == self.answer)
        outlooks = [Outlook(tier.name, tier.course.times, tier.course.energies) for tier in drawn if tier.course]
        expected = (self.time, *self.interval)
        stored = None if run is None else self._checked(open_run(run))
        return plot_prediction(outlooks, self.bounds, self.goal, expected, output, stored, title)

    def _checked(self, stored: RunDirectory) -> RunDirectory:
        """Return a run if it is one of the same case, as far as its first energy shows."""
        series = stored.series
        if not series:
            raise InputError(f"{stored.path} has no rows yet")
        first = float(series["energy"][0])
        if not math.isclose(first, self.energy, rel_tol=SAME_ENERGY):
            told = f"{stored.path} begins with the energy {first:.6g} and the prediction with {self.energy:.6g}"
            raise InputError(f"{told}: it is a run of another case")
        return stored


def predict_run(
    solver: Solver,
    initial: np.ndarray,
    share: float,
    neurons: int | None = None,
    pilot: bool | None = None,
) -> Prediction:
    """Predict a run of a solver.

    Parameters
    ----------
    solver
        The solver of the run.
    initial
        Density at time 0, shape ``grid.shape``.
    share
        Energy to reach, relative to the initial one, between 0 and 1.
    neurons
        Number of neurons, for a network whose directions were drawn independently from the density; their noise is
        white, of regularity −d/2.
    pilot
        Whether to make pilot runs on coarse grids. Default: unless linear theory and the second order agree.

    Raises
    ------
    InputError
        If the share is not between 0 and 1 or the initial density is the target.
    """
    if not 0 < share < 1:
        raise InputError(f"tol = {share}: it must be between 0 and 1, the share of the first energy to reach")
    energy = first_energy(solver, initial)
    if not energy > 0:
        raise InputError("the initial density is the target: there is nothing to predict")
    goal = share * energy
    found = applicable(solver, initial, neurons, share)
    law, regularity = found.law, found.regularity
    began = time.perf_counter()
    densities = solver.representation.on_grid
    bracket = found.bracket(initial) if densities else Bracket.of(solver.flow, initial, POINTS)
    bounds = tiers.of_bracket(bracket, goal, began)
    tried, agreed = _tiers(solver, initial, goal, neurons, pilot, found)
    tried.insert(0, bounds)
    low, high = tried[0].interval
    known = [tier for tier in tried[1:] if math.isfinite(tier.time)]
    best = tried[-1] if tried[-1] in known or not known else max(known, key=lambda tier: tier.course is not None)
    found_time = min(max(best.time, low), high) if not math.isnan(best.time) else best.time
    interval = _within(best.interval, found_time, (low, high))
    return Prediction(
        theorem=f"none applies: {found.no_law}" if law is None else law.theorem(solver.flow),
        law="" if law is None else law.formula(solver.flow),
        exponent=None if law is None else law.exponent,
        rate=None if law is None else law.rate,
        regularity=None if regularity is None else regularity.r,
        regularity_error=None if regularity is None else regularity.error,
        invisible=_invisible(solver, initial),
        hypotheses=(() if law is None else law.hypotheses) + (best.assumes,),
        doubts=_doubts(solver, tried, agreed, best, found_time, interval),
        energy=energy,
        goal=goal,
        time=found_time,
        interval=interval,
        answer=best.name,
        steps=_steps(best, found_time, solver, initial),
        seconds=math.nan,
        bracket=(low, high),
        certified=high if math.isfinite(high) else None,
        not_certified=bracket.not_certified(goal),
        hole=_hole(solver.flow, initial, found_time),
        tiers=tuple(tried),
        bounds=bracket,
    )


def _tiers(
    solver: Solver,
    initial: np.ndarray,
    goal: float,
    neurons: int | None,
    pilot: bool | None,
    found: Applicable,
) -> tuple[list[Tier], bool]:
    """Return the tiers but the bracket, the last with a time being the answer, and whether linear theory is right."""
    flow = solver.flow
    linear = tiers.of_linear(found.linear_or_raise, goal)
    tried = [linear]
    agreed = False
    if linear.course is not None and neurons is None:
        second = tiers.of_second_order(flow, initial, goal, linear.time)
        tried.append(second)
        near = float(abs(initial - flow.target).max()) <= NEAR * float(flow.target.min())
        agreed = near and max(second.time / linear.time, linear.time / second.time) <= AGREE
    if pilot or (pilot is None and not agreed):
        run = tiers.of_pilot(solver, initial, goal, of_neurons=bool(found.unlike) and _is_network(solver))
        if neurons is not None and not found.unlike:
            run = tiers.noisy(run, LinearDecay.of_noise(flow, initial, neurons), goal)
        tried.append(run)
    return tried, agreed


def _within(interval: tuple[float, float], time_: float, bracket: tuple[float, float]) -> tuple[float, float]:
    """Return an interval about the time, cut to the bracket; where it is not known, that of the bracket."""
    low, high = (bracket[end] if math.isnan(interval[end]) else interval[end] for end in (0, 1))
    if math.isnan(time_):
        return max(low, bracket[0]), bracket[1]
    return min(max(low, bracket[0]), time_), max(min(high, bracket[1]), time_)


def first_energy(solver: Solver, initial: np.ndarray) -> float:
    """Return the initial energy: for a network that of its neurons, else that of all densities together."""
    if _is_network(solver) or solver.representation.signed:
        return solver.diagnose(solver.initialize(initial))["energy"]
    return solver.flow.energy(initial)


def _is_network(solver: Solver) -> bool:
    return solver.representation.kind == NEURONS


def applicable(solver: Solver, initial: np.ndarray, neurons: int | None = None, share: float = 1e-9) -> Applicable:
    """What of theory applies to a run of a solver; see :func:`predict_run` for the arguments."""
    obstacle = ""
    if _is_network(solver):
        started = solver.initialize(initial).arrays
        obstacle = reason_unlike_flow(Weights(started[INNER], started[OUTER]))
    signed = solver.representation.signed
    return Applicable.of(solver.flow, initial, neurons=neurons, signed=signed, unlike=obstacle, share=share)


def _invisible(solver: Solver, initial: np.ndarray) -> float | None:
    flow = solver.flow
    if flow.seen is None or not flow.grid.has_cells or solver.representation.signed:
        return None
    power = sobolev.mode_power(flow.grid, initial - flow.target)
    return float(power[~flow.seen].sum() / power.sum()) if power.sum() > 0 else 0.0


def _doubts(
    solver: Solver, tried: list[Tier], agreed: bool, best: Tier, time_: float, interval: tuple[float, float]
) -> tuple[str, ...]:
    """Return the reasons to trust the prediction less."""
    flow, found = solver.flow, []
    if solver.representation.kind == PARTICLES:
        found.append("this is the time of the density in the limit of many particles; their noise is not included")
    if flow.seen is not None and flow.growth != TRAINING:
        found.append(f"growth = {flow.growth:g}: that of a network in training is {TRAINING:g}")
    if math.isnan(time_):
        found.append(best.source)
        return tuple(found)
    if math.isinf(time_):
        found.append("the goal is never reached: some of the deviation does not decay")
        return tuple(found)
    if best.name != tiers.PILOT and not agreed:
        why = f"there is no pilot run: {tried[-1].source}" if tried[-1].name == tiers.PILOT else "there is no pilot run"
        found.append(f"{best.name} alone, which holds near the target; {why}")
    if best.extrapolated:
        found.append(f"the pilot run did not reach the goal: {best.source}")
    if math.isfinite(interval[1]) and interval[1] > WIDE * time_:
        found.append("the pilot runs differ, so the time is uncertain: finer grids may resolve more")
    return tuple(found)


def _hole(flow: Equation[Any], initial: np.ndarray, time_: float) -> str:
    """How an initial hole fills, in words, for Riesz kernels with s ≥ 1 and no growth; see the laws of holes."""
    grid, s = flow.grid, flow.kernel.order(flow.grid.dim)
    if initial.min() > 0 or s is None or s < 1 or flow.growth or not (flow.kernel.sees_all and math.isfinite(time_)):
        return ""
    law = HoleLaw.of(flow, initial)
    if law is None:
        fraction = hole_fraction(grid, initial)
        if fraction is None or not is_wide(grid, fraction):
            return ""
        volume = grid.integral(fraction)
    else:
        volume = law.volume
    if not flow.kernel.is_coulomb:
        exponent = HoleFilling.of(flow).exponent
        first = f"its {grid.measure}, {volume:.3g} at the start"
        return f"{first}, falls like t^−{exponent:.3g} in the end, and it drains last"
    low, high = (float(end) for end in HoleBounds(volume, float(flow.target.min()), float(flow.target.max()))(time_))
    left = f"{low:.2g}" if math.isclose(low, high, rel_tol=1e-6) else f"between {low:.2g} and {high:.2g}"
    until = math.log(max(volume * grid.size / grid.volume, 1.0)) / float(flow.target.max())
    fall = f"its {grid.measure} falls from {volume:.3g} to {left} by then"
    return f"{fall}; it is wider than a cell at least until t = {until:.3g}"


def _steps(best: Tier, time_: float, solver: Solver, initial: np.ndarray) -> float:
    """Estimate the steps up to a time: from the initial bounds on Δt along the course, and at least as in pilot runs.

    Bounds that become stricter on the way, and repeated steps, show in pilot runs only; those that matter on finer
    grids than theirs show in the bounds only. Velocities fall like the square root of the dissipation. NaN for steps
    controlled by their errors alone, whose number cannot be predicted.
    """
    course = best.course
    if course is None or not math.isfinite(time_) or time_ == 0:
        return time_ if course is not None else math.nan
    times = np.concatenate([[0.0], np.geomspace(1e-6 * time_, time_, 2000)])
    energies = course(times)
    dissipations = np.maximum(-np.gradient(energies, times), SLOWEST * energies / time_)
    slowing, decay_times = np.sqrt(dissipations[0] / dissipations), 2 * energies / dissipations
    dt = solver.longest_steps(solver.initialize(initial), slowing, decay_times)
    by_bounds = math.nan if dt is None else float(np.ceil((np.diff(times) / dt[1:]).sum()))
    return by_bounds if best.steps is None else max(best.steps, by_bounds)


def seconds_of(solver: Solver, initial: np.ndarray, steps: float) -> float:
    """Estimate the wall-clock time of a number of steps from the first few; NaN if the grid is too large to try."""
    if not math.isfinite(steps) or solver.flow.grid.size > LARGEST_TIMED:
        return math.nan
    state = solver.initialize(initial)
    solver.step(state, math.inf)  # the first step makes its workspace
    began = time.perf_counter()
    for _ in range(TIMED_STEPS):
        solver.step(state, math.inf)
    return steps * (time.perf_counter() - began) / TIMED_STEPS

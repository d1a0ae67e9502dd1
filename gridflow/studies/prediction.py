"""Predictions before a run: the theorem that applies, the decay rate of the energy, and the time and steps needed."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from gridflow.equation.contract import INNER, NEURONS, OUTER, Solver
from gridflow.errors import InputError
from gridflow.measures import sobolev
from gridflow.networks.measures import TRAINING, reason_unlike_flow
from gridflow.networks.weights import Weights
from gridflow.theory import ExponentialRate, LinearDecay, PowerLaw
from gridflow.theory.applicable import Applicable, attempt

FAR = 0.9
"""Difference from the target, relative to its mean, above which an initial density counts as far from it."""


@dataclass(frozen=True)
class Prediction:
    """What theory says about a run before it starts.

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
        Assumptions of the law and of the predicted time.
    doubts
        Assumptions known to fail, in words.
    energy, goal
        Initial energy, and the energy to reach.
    time, steps
        Time and steps needed according to linear theory; infinite if the goal is never reached, NaN if the theory does
        not apply.
    certified
        Time by which a theorem guarantees the goal, or None; ``not_certified`` then gives the reason.
    networks
        For each width of ``[training]``, the time at which a network reaches the goal according to linear theory; NaN
        if the theory does not apply. Empty unless the prediction is that of a case with such a table.
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
    steps: float
    certified: float | None
    not_certified: str
    networks: Mapping[int, float] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """Return all values as plain Python objects, without networks if there are none."""
        facts = asdict(self)
        networks = {f"m = {width}": time for width, time in facts.pop("networks").items()}
        return facts | ({"networks": networks} if networks else {})


def predict_run(solver: Solver, initial: np.ndarray, share: float, neurons: int | None = None) -> Prediction:
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

    Raises
    ------
    InputError
        If the share is not between 0 and 1 or the initial density is the target.
    """
    flow = solver.flow
    if not 0 < share < 1:
        raise InputError(f"tol = {share}: it must be between 0 and 1, the share of the first energy to reach")
    energy = first_energy(solver, initial)
    if energy <= 0:
        raise InputError("the initial density is the target: there is nothing to predict")
    goal = share * energy
    found = applicable(solver, initial, neurons)
    decay, law, regularity = found.linear, found.law, found.regularity
    time = math.nan if decay is None else decay.time_to(goal)
    certificate, not_certified = attempt(lambda: found.certificate_before(initial))
    return Prediction(
        theorem=f"none applies: {found.no_law}" if law is None else law.theorem(flow),
        law="" if law is None else law.formula(flow),
        exponent=law.exponent if isinstance(law, PowerLaw) else None,
        rate=law.rate if isinstance(law, ExponentialRate) else None,
        regularity=None if regularity is None else regularity.r,
        regularity_error=None if regularity is None else regularity.error,
        invisible=_invisible(solver, initial),
        hypotheses=(() if law is None else law.hypotheses) + (() if decay is None else decay.hypotheses),
        doubts=_doubts(solver, initial, time) + ((found.no_linear,) if found.no_linear else ()),
        energy=energy,
        goal=goal,
        time=time,
        steps=math.nan if decay is None else _steps(decay, time, solver, initial),
        certified=None if certificate is None else certificate.time_to(goal),
        not_certified=not_certified,
    )


def first_energy(solver: Solver, initial: np.ndarray) -> float:
    """Return the initial energy: for a network that of its neurons, else that of all densities together."""
    if solver.representation.kind == NEURONS or solver.representation.signed:
        return solver.diagnose(solver.initialize(initial))["energy"]
    return solver.flow.energy(initial)


def applicable(solver: Solver, initial: np.ndarray, neurons: int | None = None) -> Applicable:
    """What of theory applies to a run of a solver; see :func:`predict_run` for the arguments."""
    obstacle = ""
    if solver.representation.kind == NEURONS:
        started = solver.initialize(initial).arrays
        obstacle = reason_unlike_flow(Weights(started[INNER], started[OUTER]))
    signed = solver.representation.signed
    return Applicable.of(solver.flow, initial, neurons=neurons, signed=signed, obstacle=obstacle)


def _invisible(solver: Solver, initial: np.ndarray) -> float | None:
    flow = solver.flow
    if flow.seen is None or not flow.grid.has_cells or solver.representation.signed:
        return None
    power = sobolev.mode_power(flow.grid, initial - flow.target)
    return float(power[~flow.seen].sum() / power.sum()) if power.sum() > 0 else 0.0


def _doubts(solver: Solver, initial: np.ndarray, time: float) -> tuple[str, ...]:
    """Return the hypotheses that are known to fail."""
    flow, found = solver.flow, []
    if flow.seen is not None and flow.growth != TRAINING:
        found.append(f"growth = {flow.growth:g}: that of a network in training is {TRAINING:g}")
    if solver.representation.signed:
        return tuple(found)
    distance = float(abs(initial - flow.target).max() / flow.reference)
    if initial.min() == 0 and flow.seen is None:
        found.append(
            "the initial density has a hole; while it fills, linear theory is too fast: see the hole law"
            if flow.kernel.is_coulomb
            else "the initial density has a hole, which fills only from its edges; the theorem is local"
        )
    elif not flow.kernel.is_coulomb and distance > FAR:
        found.append(
            f"the initial density is far from the target, by {distance:.2g} times its mean; the theorem is local"
        )
    if flow.target.min() == 0:
        found.append("the target vanishes somewhere; no decay rate is known there")
    if math.isinf(time):
        found.append("by linear theory the goal is never reached: some modes do not decay")
    return tuple(found)


def _steps(decay: LinearDecay, time: float, solver: Solver, initial: np.ndarray) -> float:
    """Estimate the steps up to a time, from the initial bounds on Δt and their evolution by linear theory.

    Velocities fall like the square root of the dissipation. NaN for error-controlled steps, whose number cannot be
    predicted.
    """
    if not math.isfinite(time) or time == 0:
        return time
    times = np.concatenate([[0.0], np.geomspace(1e-6 * time, time, 2000)])
    energies = np.asarray(decay(times))
    dissipations = -np.gradient(energies, times)
    slowing, decay_times = np.sqrt(dissipations[0] / dissipations), 2 * energies / dissipations
    dt = solver.longest_steps(solver.initialize(initial), slowing, decay_times)
    return math.nan if dt is None else float(np.ceil((np.diff(times) / dt[1:]).sum()))

"""Predictions before a run: the theorem that applies, the decay rate of the energy, and the time and steps needed."""

import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gridflow.cases.case import Case
from gridflow.cases.reading import Changes, load_case
from gridflow.cases.solvers import AnyOfSolvers, independent_neurons
from gridflow.decay.measured import UNTOLD
from gridflow.equation.flow import Equation
from gridflow.equation.kernels import ReLU
from gridflow.errors import InputError
from gridflow.measures import sobolev
from gridflow.networks.measures import TRAINING
from gridflow.theory import CoulombCertificate, ExponentialRate, LinearDecay, PowerLaw
from solvers import Network, Particles, SignedFiniteVolume, Spectral
from solvers.finite_volume.exponential import GAIN
from solvers.stepping.schemes import AUTO, EXPONENTIAL, RESOLVED_DECAY

FAR = 0.9
"""Largest deviation from the target, relative to its mean, beyond which an initial density counts as far away."""
BALANCED = 1e-6
"""Largest |w|² − a², relative to a², that counts as balanced."""
NEARLY_EMPTY = 1e-3
"""Target density, relative to its mean, below which there are places without neurons, where linear theory fails."""


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

    def facts(self) -> dict[str, Any]:
        """Return all values as plain Python objects."""
        return asdict(self)


def predict(
    case: str | os.PathLike[str] | Case,
    tol: float | None = None,
    *,
    set: Changes = (),
    folder: str | os.PathLike[str] = ".",
) -> Prediction:
    """Predict which theorem applies to a case, how fast the energy decays, and the time and steps needed.

    Parameters
    ----------
    case
        A case file, or a :class:`Case` from :func:`gridflow.load_case`.
    tol
        Energy to reach, relative to the initial one, between 0 and 1. Default: that of ``[training]``, or 1e−6.
    set, folder
        As for :func:`gridflow.run_case`.

    Returns
    -------
    Prediction
        The prediction.

    Raises
    ------
    InputError
        If the case is not allowed, or its initial density is the target.
    """
    if not isinstance(case, Case):
        folder = Path(case).parent
        case = load_case(case, set)
    share = tol if tol is not None else case.training.tolerance if case.training else 1e-6
    return predict_run(*case.build(Path(folder)), share, independent_neurons(case.solver))


def predict_run(solver: AnyOfSolvers, initial: np.ndarray, share: float, neurons: int | None = None) -> Prediction:
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
    decay, no_decay = linear_decay(solver, initial, neurons)
    time = math.nan if decay is None else decay.time_to(goal)
    regularity = _regularity(flow, initial) if neurons is None else sobolev.Regularity(-flow.grid.dim / 2, 0.0)
    law = _law(flow, regularity, _no_theory(solver, initial))
    certified, why = _certificate(flow, initial, goal)
    return Prediction(
        **law | {"hypotheses": tuple(law["hypotheses"]) + (() if decay is None else decay.hypotheses)},
        regularity=None if regularity is None else regularity.r,
        regularity_error=None if regularity is None else regularity.error,
        invisible=_invisible(solver, initial),
        doubts=_doubts(solver, initial, time) + ((no_decay,) if no_decay else ()),
        energy=energy,
        goal=goal,
        time=time,
        steps=math.nan if decay is None else _steps(decay, time, solver, initial),
        certified=certified,
        not_certified=why,
    )


def first_energy(solver: AnyOfSolvers, initial: np.ndarray) -> float:
    """Energy at time 0: that of the neurons of a network, of both densities if there are two, or of the density."""
    if isinstance(solver, Network) or _two_signs(solver):
        return solver.diagnose(solver.initialize(initial))["energy"]
    return solver.flow.energy(initial)


def linear_decay(
    solver: AnyOfSolvers, initial: np.ndarray, neurons: int | None = None
) -> tuple[LinearDecay | None, str]:
    """Return the curve of linear theory, for independent neurons or for the density itself; or why there is none."""
    if reason := _no_theory(solver, initial):
        return None, reason
    try:
        return LinearDecay.of(solver.flow, initial, neurons), ""
    except InputError as error:
        return None, str(error)


def _two_signs(solver: AnyOfSolvers) -> bool:
    return isinstance(solver, SignedFiniteVolume) or bool(solver.settings().get("negative_sha256"))


def _no_theory(solver: AnyOfSolvers, initial: np.ndarray) -> str:
    """Return why neither linear theory nor the power law applies to a network; empty if they do."""
    flow = solver.flow
    if not flow.grid.has_cells:
        return f"theory needs modes, of which there are none on {flow.grid}"
    if _two_signs(solver):
        return "there are two densities, of either sign, and how they share what is to be learnt no theory says"
    if flow.seen is None:
        return ""
    if flow.target.min() < 0:
        return "the target is negative somewhere, and near one of both signs there are two measures"
    if initial.min() == 0:
        return "the start has a hole, which fills from its edges only, and theory is local"
    if flow.target.min() < NEARLY_EMPTY * flow.reference:
        least = flow.target.min() / flow.reference
        return f"the target is nearly 0 somewhere, {least:.2g} of its mean, and there theory says nothing"
    if isinstance(solver, Network):
        weights = solver.weights(solver.initialize())
        if weights.outer.min() < 0:
            return "some output weights are negative, and for both signs there is no theory"
        if abs(weights.balance).max() > BALANCED * np.square(weights.outer).mean():
            return "the weights are not balanced, |a| = |w|, and neurons move at other speeds than theory's"
    return ""


def _invisible(solver: AnyOfSolvers, initial: np.ndarray) -> float | None:
    flow = solver.flow
    if flow.seen is None or not flow.grid.has_cells or _two_signs(solver):
        return None
    power = sobolev.mode_power(flow.grid, initial - flow.target)
    return float(power[~flow.seen].sum() / power.sum()) if power.sum() > 0 else 0.0


def _regularity(flow: Equation[Any], initial: np.ndarray) -> sobolev.Regularity | None:
    try:
        return sobolev.regularity(flow.grid, initial - flow.target, flow.seen)
    except InputError:  # too few shells, or only the mean: then no law needs the regularity
        return None


def _law(flow: Equation[Any], regularity: sobolev.Regularity | None, obstacle: str) -> dict[str, Any]:
    """Return the law for a flow and an initial density, as fields of a prediction; or what rules one out."""
    none: dict[str, Any] = {"law": "", "exponent": None, "rate": None, "hypotheses": ()}
    if obstacle:
        return none | {"theorem": f"none applies: {obstacle}"}
    if flow.kernel.is_coulomb:
        try:
            exponential = ExponentialRate.of(flow)
        except InputError as reason:
            return none | {"theorem": f"none applies: {reason}"}
        return none | {
            "theorem": "s = 1: exponential convergence",
            "law": f"E ~ exp(−{exponential.rate:.4g} t), or faster",
            "rate": exponential.rate,
            "hypotheses": exponential.hypotheses,
        }
    smooth = regularity is None or math.isinf(regularity.r)
    try:
        power = PowerLaw.of(flow, 0.0 if regularity is None or smooth else regularity.r)
    except InputError as reason:
        return none | {"theorem": f"none applies: {reason}"}
    if regularity is not None and regularity.error > UNTOLD:
        found = f"r = {regularity.r:.2g} ± {regularity.error:.2g}"
        return none | {"theorem": f"none applies: how regular the start is cannot be told from its modes ({found})"}
    if smooth:
        return none | {
            "theorem": f"{_condition(flow, power.s)}: local convergence, faster than every power of time",
            "law": f"every mode falls by itself, E ~ exp(−2 ν {_rate(flow)} t)",
            "hypotheses": (power.hypotheses[0], "μ − ν is smooth and stays so", *power.hypotheses[2:]),
        }
    return none | {
        "theorem": f"{_condition(flow, power.s)}: local convergence at a power of time",
        "law": f"E ~ t^−{power.exponent:.3g}, the power (r + s) / (s − 1) with r = {power.r:.3g}",
        "exponent": power.exponent,
        "hypotheses": power.hypotheses,
    }


def _condition(flow: Equation[Any], s: float) -> str:
    if isinstance(flow.kernel, ReLU):
        return f"s = {s:g} on the modes that a network sees"
    return "s > 1"


def _rate(flow: Equation[Any]) -> str:
    """Return the decay rate of a mode for ν = 1, as a formula."""
    if not isinstance(flow.kernel, ReLU):
        return "|ξ|^(2−2s)"
    laplacian = "k²" if flow.grid.dim == 1 else f"ℓ(ℓ+{flow.grid.dim - 1})"
    return f"({laplacian} + {flow.growth:g}) K̂" if flow.growth else f"{laplacian} K̂"


def _certificate(flow: Equation[Any], initial: np.ndarray, goal: float) -> tuple[float | None, str]:
    try:
        return CoulombCertificate.of(flow, initial).time_to(goal), ""
    except InputError as reason:
        return None, str(reason)


def _doubts(solver: AnyOfSolvers, initial: np.ndarray, time: float) -> tuple[str, ...]:
    """Return the hypotheses that are known to fail."""
    flow, found = solver.flow, []
    if flow.seen is not None and flow.growth != TRAINING:
        found.append(f"growth = {flow.growth:g}: that of a network in training is {TRAINING:g}")
    if _two_signs(solver):
        return tuple(found)
    order = getattr(flow.kernel, "s", math.nan)
    distance = float(abs(initial - flow.target).max() / flow.reference)
    if initial.min() == 0 and flow.seen is None:
        found.append(
            "the start has a hole, and while it fills linear theory is too fast: see the hole law"
            if order == 1
            else "the start has a hole, which fills from its edges only, and of which a local theorem says nothing"
        )
    elif order != 1 and distance > FAR:
        found.append(f"the start is far from the target, by {distance:.2g} of its mean: the theorem is local")
    if flow.target.min() == 0:
        found.append("the target has a hole, which mass leaves at no known rate")
    if math.isinf(time):
        found.append("by linear theory the goal is never reached: some modes do not decay")
    return tuple(found)


def _steps(decay: LinearDecay, time: float, solver: AnyOfSolvers, initial: np.ndarray) -> float:
    """Estimate the steps up to a time, from the initial bounds on Δt and their evolution by linear theory.

    Velocities decay like the square root of the dissipation, and the positivity bound grows like its inverse. The
    relaxation bound is constant. The accuracy bound is a fraction of the e-folding time of the KMD.
    """
    if not math.isfinite(time) or time == 0:
        return time
    if isinstance(solver, Particles | Network):
        return math.nan  # steps chosen by error control are beyond this theory
    options, bounds = solver.settings(), solver.bounds(solver.initialize(initial))
    times = np.concatenate([[0.0], np.geomspace(1e-6 * time, time, 2000)])
    energies = np.asarray(decay(times))
    dissipations = -np.gradient(energies, times)
    decay_time = 2 * energies / dissipations
    positivity = solver.cfl * bounds.positivity * np.sqrt(dissipations[0] / dissipations)
    relaxation = solver.cfl * bounds.relaxation
    accuracy = bounds.accuracy * decay_time / decay_time[0]
    explicit = np.minimum(np.minimum(positivity, relaxation), accuracy)
    exponential = np.minimum(positivity, RESOLVED_DECAY * decay_time)
    if isinstance(solver, Spectral):
        dt = exponential
    elif options["integrator"] in (AUTO, *EXPONENTIAL) and options.get("tracer_sha256") is None:
        dt = np.where((explicit == relaxation) & (exponential >= GAIN * relaxation), exponential, explicit)
    else:
        dt = explicit
    return float(np.ceil((np.diff(times) / dt[1:]).sum()))

"""Bounds on the step at a state, and the length of the next step."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gridflow.equation.contract import State, round_off
from gridflow.equation.flow import Equation
from gridflow.errors import InputError
from solvers.stepping.schemes import RESOLVED_DECAY


class Noise:
    """Round-off in energy and dissipation.

    Round-off in the density is modelled as white noise; see :func:`gridflow.equation.contract.round_off`. The lowest 2d
    modes have the largest weight in the energy, and even more so in the dissipation. For s = 3 their noise exceeds the
    remaining signal of the fine modes in the dissipation long before it does in the energy.

    Parameters
    ----------
    flow
        The equation.
    divergence
        λ, the symbol of −∇· of the velocity of a potential.
    dtype
        The precision.
    """

    def __init__(self, flow: Equation[Any], divergence: np.ndarray, dtype: np.dtype) -> None:
        grid = flow.grid
        in_modes = grid.dim * grid.volume * round_off(dtype) ** 2 / grid.size
        self._energy = in_modes * float(flow.symbol.max())
        self._dissipation = 2 * in_modes * float((divergence * flow.symbol**2).max())

    def decay_time(self, energy: float, dissipation: float, max_density: float) -> float:
        """Return the e-folding time of the KMD; infinite if only round-off is left."""
        falls = energy > self._energy * max_density**2 and dissipation > self._dissipation * max_density**3
        return 2 * energy / dissipation if falls else math.inf


@dataclass(frozen=True)
class StepBounds:
    """Bounds on Δt for one state.

    Attributes
    ----------
    positivity
        Longest step in which no cell loses more than the share of its mass that the reconstruction allows.
    relaxation
        Longest forward Euler step that does not raise the energy: 2 / (max μ · max_ξ (λ + β) K̂).
    accuracy
        Longest step for which the error of the KMD per e-folding does not exceed the tolerance.
    """

    positivity: float
    relaxation: float
    accuracy: float

    @property
    def strict(self) -> float:
        """The bound that positivity and stability impose on every stage."""
        return min(self.positivity, self.relaxation)

    def longest(self, cfl: float) -> float:
        """Return the longest step: ``cfl`` times the strict bounds, or the accuracy bound if that is smaller."""
        return min(cfl * self.strict, self.accuracy)

    def explicit_steps(self, cfl: float, slowing: np.ndarray, decay_times: np.ndarray) -> np.ndarray:
        """Predict explicit steps along a decay; see :meth:`gridflow.equation.contract.Solver.longest_steps`.

        The positivity bound grows as the velocities decrease, the relaxation bound is constant, and the accuracy bound
        is proportional to the decay time.
        """
        strict = np.minimum(cfl * self.positivity * slowing, cfl * self.relaxation)
        return np.minimum(strict, self.accuracy * decay_times / decay_times[0])

    def exponential_steps(self, cfl: float, slowing: np.ndarray, decay_times: np.ndarray) -> np.ndarray:
        """Predict exponential steps along a decay: no relaxation bound, and a larger accuracy bound."""
        return np.minimum(cfl * self.positivity * slowing, RESOLVED_DECAY * decay_times)


def decoded(bits: np.ndarray, dtype: np.dtype) -> float:
    """Return the largest of the numbers that compiled loops have kept as their bits, which order numbers ≥ 0.

    Parameters
    ----------
    bits
        Unsigned integers of the size of a number, in any shape.
    dtype
        Type of the numbers.

    Returns
    -------
    float
        The number with the largest bits; NaN if a negative number or NaN is among them.
    """
    value = float(bits.max().view(dtype))
    return value if value >= 0 else math.nan


def left(time: float, until: float) -> float:
    """Return the time left until ``until``; InputError unless that is later than ``time``."""
    if not until > time:
        raise InputError(f"until = {until:.10g}: it must be later than the time {time:.10g} of the state")
    return until - time


def fit(dt: float, time: float, until: float) -> float:
    """Return the next step if steps up to dt are allowed and one must end exactly at ``until``.

    If dt is not less than the remaining time, this is the remaining time. If dt is more than half of it, this is half
    of it, so that no tiny step follows.
    """
    remaining = left(time, until)
    if dt >= remaining:
        return remaining
    return min(dt, remaining / 2)


def tick(state: State, dt: float, until: float) -> None:
    """Advance the time of a state by dt, exactly to ``until`` if the step ends there, and count the step."""
    state.time = until if dt == until - state.time else state.time + dt
    state.step += 1
    state.dt = dt

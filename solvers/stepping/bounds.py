"""Bounds on the step at a state, and the length of the next step."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gridflow.equation.contract import State
from gridflow.equation.flow import Equation
from solvers.stepping.schemes import RESOLVED_DECAY


class Noise:
    """Round-off in energy and dissipation, modelled as white noise of 16 roundings of max μ, a few per operation.

    The first 2d modes carry the largest weight, even more so in the dissipation. For s = 3 they dominate there over
    what is left in fine modes long before they do in the energy.

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
        grid, rounding = flow.grid, 16 * float(np.finfo(dtype).eps)
        in_modes = grid.dim * grid.volume * rounding**2 / grid.size
        self._energy = in_modes * float(flow.symbol.max())
        self._dissipation = 2 * in_modes * float((divergence * flow.symbol**2).max())

    def decay_time(self, energy: float, dissipation: float, fullest: float) -> float:
        """E-folding time of the KMD; infinite if only round-off is left to decay."""
        falls = energy > self._energy * fullest**2 and dissipation > self._dissipation * fullest**3
        return 2 * energy / dissipation if falls else math.inf


@dataclass(frozen=True)
class StepBounds:
    """The bounds on Δt at one state.

    Attributes
    ----------
    positivity
        No cell loses more than it holds.
    relaxation
        A forward Euler step does not raise the energy: 2 / (max μ · max_ξ (λ + β) K̂).
    accuracy
        The error of the KMD per e-folding is at most the tolerance.
    """

    positivity: float
    relaxation: float
    accuracy: float

    @property
    def strict(self) -> float:
        """Bound that positivity and stability impose on every stage."""
        return min(self.positivity, self.relaxation)

    def longest(self, cfl: float) -> float:
        """Longest step: ``cfl`` times the strict bounds, or the accuracy bound if that is smaller."""
        return min(cfl * self.strict, self.accuracy)

    def explicit_steps(self, cfl: float, slowing: np.ndarray, decay_times: np.ndarray) -> np.ndarray:
        """The longest explicit steps along a decay; see :meth:`gridflow.equation.contract.Solver.longest_steps`.

        The positivity bound grows as velocities fall, the relaxation bound stays, and the accuracy bound is a share of
        the decay time.
        """
        strict = np.minimum(cfl * self.positivity * slowing, cfl * self.relaxation)
        return np.minimum(strict, self.accuracy * decay_times / decay_times[0])

    def exponential_steps(self, cfl: float, slowing: np.ndarray, decay_times: np.ndarray) -> np.ndarray:
        """The longest exponential steps along a decay: no relaxation bound, and a larger share of the decay time."""
        return np.minimum(cfl * self.positivity * slowing, RESOLVED_DECAY * decay_times)


def fit(dt: float, time: float, until: float) -> float:
    """Return the step to take if dt is allowed and the state must land on ``until``.

    This is exactly the remaining time if dt covers it, and half of it if a tiny remainder would be left otherwise.
    """
    remaining = until - time
    if dt >= remaining:
        return remaining
    return min(dt, remaining / 2)


def tick(state: State, dt: float, until: float) -> None:
    """Advance a state's clock by dt; to exactly ``until`` if the step ends there."""
    state.time = until if dt == until - state.time else state.time + dt
    state.step += 1
    state.dt = dt

"""Adaptive steps, controlled by an error estimate."""

import math
from collections.abc import Callable
from typing import Protocol

from gridflow.equation.contract import State
from gridflow.errors import RunError
from solvers.stepping.bounds import fit, left

PROPOSAL = "proposal"
"""Key in a state's control for the step to try next; 0 before the first step."""
SHORTEST = 1e-14
"""Smallest step relative to the time; a shorter one would be lost in the round-off of the clock."""


class Estimating(Protocol):
    """A scheme that estimates the error of its steps."""

    def next_step(self, dt: float, error: float, tolerance: float) -> float:
        """Return the step to try after a step dt with the given error."""


def adapt(
    state: State,
    until: float,
    wanted: float,
    attempt: Callable[[float], float | None],
    scheme: Estimating,
    tolerance: float,
    least: float = 0.0,
) -> float | None:
    """Attempt steps of decreasing length until the estimated error of one meets the tolerance.

    The proposal for the next step is stored in the state's control.

    Parameters
    ----------
    state, until
        State at the start of the step, and the time that the step must not pass.
    wanted
        The step to try first.
    attempt
        Function that computes a step of length dt and returns its error, or None if the step is impossible.
    scheme
        The scheme, which proposes the next step for an error.
    tolerance
        Largest error that is accepted.
    least
        Shortest acceptable step.

    Returns
    -------
    float or None
        Length of the accepted step, or None if there is none.
    """
    ahead = left(state.time, until)
    least = max(least, SHORTEST * max(state.time, ahead if math.isfinite(ahead) else 0.0))
    while wanted >= least and wanted > 0:
        dt = fit(wanted, state.time, until)
        error = attempt(dt)
        if error is None:
            return None
        proposal = scheme.next_step(dt, error, tolerance)
        if error <= tolerance:
            # a step that was shortened to land on a time says little about the next one
            state.control[PROPOSAL] = proposal if dt == wanted else max(proposal, wanted)
            return dt
        wanted = proposal
    return None


def no_step(state: State, tolerance: float) -> RunError:
    """Return the error to raise when no step is accepted and there is no fallback."""
    return RunError(f"at t = {state.time:.10g} no step meets the tolerance {tolerance:g}")

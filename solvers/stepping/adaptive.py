"""Steps whose length follows from an estimate of their error."""

import math
from collections.abc import Callable
from typing import Protocol

from gridflow.equation.contract import State
from gridflow.errors import RunError
from solvers.stepping.bounds import fit

PROPOSAL = "proposal"
"""Name, in a state's control, of the step to try next; 0 if there was none yet."""
SHORTEST = 1e-14
"""A step below this share of the time is given up: it would be lost in the rounding of the clock."""


class Estimating(Protocol):
    """A scheme that estimates the error of its steps."""

    def next_step(self, dt: float, error: float, tolerance: float) -> float:
        """The step to try after one of dt with that error."""


def adapt(
    state: State,
    until: float,
    wanted: float,
    attempt: Callable[[float], float | None],
    scheme: Estimating,
    tolerance: float,
    least: float = 0.0,
) -> float | None:
    """Attempt steps, each shorter than the one before, until the estimated error of one meets the tolerance.

    The step to try next is left in the state's control.

    Parameters
    ----------
    state, until
        Where the step begins, and the time that it must not pass.
    wanted
        The step to try first.
    attempt
        Works a step of dt out and returns its error, or None if it cannot be taken at all.
    scheme, tolerance
        Proposes the next step for an error; the largest error that is accepted.
    least
        The shortest step that is wanted.

    Returns
    -------
    float or None
        Length of the step that was accepted; None if there is none.
    """
    left = until - state.time
    least = max(least, SHORTEST * max(state.time, left if math.isfinite(left) else 0.0))
    while wanted >= least and wanted > 0:
        dt = fit(wanted, state.time, until)
        error = attempt(dt)
        if error is None:
            return None
        proposal = scheme.next_step(dt, error, tolerance)
        if error <= tolerance:
            # a step cut short to land on a time says little about the next
            state.control[PROPOSAL] = proposal if dt == wanted else max(proposal, wanted)
            return dt
        wanted = proposal
    return None


def no_step(state: State, tolerance: float) -> RunError:
    """The error of a solver that has nothing to fall back to when no step is accepted."""
    return RunError(f"at t = {state.time:.10g} no step meets the tolerance {tolerance:g}")

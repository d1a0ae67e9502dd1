"""Explicit time steps that preserve the properties of the finite-volume schemes."""

from typing import Any

import numpy as np

from gridflow.equation.contract import State
from solvers.stepping.bounds import StepBounds, fit, tick
from solvers.stepping.schemes import SSPRungeKutta
from solvers.stepping.space import Arrays, Evaluated, Look, Space


class Explicit:
    """Steps of an SSP Runge–Kutta scheme; a step whose later stage breaks a bound is repeated with a smaller Δt.

    Parameters
    ----------
    space
        The discretisation in space to advance.
    scheme
        The Runge–Kutta scheme.
    cfl
        Fraction of the strict bounds to use.
    tolerance
        Relative error of the time integration per e-folding of the KMD.

    Attributes
    ----------
    redone
        Number of steps repeated so far because a later stage broke a bound.
    """

    def __init__(self, space: Space[Any], scheme: SSPRungeKutta, cfl: float, tolerance: float) -> None:
        self._space, self._scheme, self._cfl = space, scheme, cfl
        self._resolved = scheme.resolved_decay(tolerance)
        self.redone = 0

    def bounds(self, look: Look) -> StepBounds:
        """Return the bounds on Δt."""
        return StepBounds(look.positivity, look.relaxation, accuracy=self._resolved * look.decay_time)

    def longest(self, look: Look) -> float:
        """Return the longest step."""
        return self.bounds(look).longest(self._cfl)

    def longest_steps(self, bounds: StepBounds, slowing: np.ndarray, decay_times: np.ndarray) -> np.ndarray:
        """Predict the steps along a decay; see :meth:`gridflow.equation.contract.Solver.longest_steps`."""
        return bounds.explicit_steps(self._cfl, slowing, decay_times)

    def compile(self) -> None:
        """Do nothing: explicit steps need no loops beyond those of the right-hand side."""

    def begin(self, state: State) -> None:
        """Do nothing: explicit steps have no memory."""

    def advance(self, state: State, until: float) -> None:
        """Take one step; a step that would pass ``until`` ends there exactly."""
        look = self._space.look(state)
        self.step(state, look, fit(self.longest(look), state.time, until), until)

    def step(self, state: State, at: Evaluated, dt: float, until: float) -> None:
        """Take a step of dt, or a shorter one if a stage breaks a bound, from a state that has been evaluated."""
        while (allowed := self._attempt(state, at, dt)) < dt:
            self.redone += 1
            dt = self._cfl * allowed
            at = self._space.evaluate(state.arrays, state.time)
        last = self._space.stages[(len(self._scheme.blend) - 1) % 2]
        accept(state, last, dt, until)

    def _attempt(self, state: State, at: Evaluated, dt: float) -> float:
        """Compute all stages in the stage arrays; return dt, or the smaller bound that a stage requires."""
        space, stage, max_density = self._space, state.arrays, 0.0
        for number, blend in enumerate(self._scheme.blend):
            if number > 0:
                at = space.evaluate(stage, state.time)
            stage = space.stages[number % 2]
            rate, new_max_density = space.advance(at, state.arrays, stage, dt, blend)
            if number > 0 and (allowed := min(space.strict_bounds(rate, max_density, state.time))) < dt:
                return allowed
            space.require_sound(stage, new_max_density, state.time + dt)
            max_density = new_max_density
        return dt


def accept(state: State, reached: Arrays, dt: float, until: float) -> None:
    """Complete a step of dt: swap the arrays of the last stage with those of the state, and advance its time."""
    for name in state.arrays:
        state.arrays[name], reached[name] = reached[name], state.arrays[name]
    tick(state, dt, until)

"""Explicit steps in time, which preserve the properties of the finite-volume schemes."""

from typing import Protocol

import numpy as np

from gridflow.equation.contract import State
from solvers.stepping.bounds import Look, StepBounds, fit, tick
from solvers.stepping.schemes import SSPRungeKutta

Arrays = dict[str, np.ndarray]


class Space(Protocol):
    """A discretisation in space, as seen by the time integrators; all its arrays are advanced together.

    Attributes
    ----------
    stages
        Two sets of arrays like those of a state, written in turn; they may be the same if ``advance`` can write a stage
        over the one that it reads.
    """

    stages: list[Arrays]

    def look_before_step(self, state: State) -> Look:
        """Compute the velocity of a state and return what bounds the step."""

    def place(self, arrays: Arrays, time: float) -> None:
        """Compute the velocity of some arrays, without bounds; RunError, which states the time, if it overflows."""

    def advance(self, current: Arrays, old: Arrays, new: Arrays, dt: float, blend: float) -> tuple[float, float]:
        """Write a stage, ``α old + (1 − α) Euler(current)``; return the largest loss rate and the largest density.

        The velocity of ``current`` must have been computed.
        """

    def strict_bounds(self, rate: float, fullest: float, time: float) -> tuple[float, float]:
        """Return the positivity and relaxation bounds on Δt."""

    def require_sound(self, arrays: Arrays, fullest: float, time: float) -> None:
        """Raise RunError, naming the cell, if the largest density is not a finite number."""


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

    def __init__(self, space: Space, scheme: SSPRungeKutta, cfl: float, tolerance: float) -> None:
        self._space, self._scheme, self._cfl = space, scheme, cfl
        self._resolved = scheme.resolved_decay(tolerance)
        self.redone = 0

    def bounds(self, look: Look) -> StepBounds:
        """The bounds on Δt."""
        return StepBounds(look.positivity, look.relaxation, accuracy=self._resolved * look.decay_time)

    def longest(self, look: Look) -> float:
        """The longest step."""
        return self.bounds(look).longest(self._cfl)

    def compile(self) -> None:
        """Do nothing: there are no loops beyond those of the right-hand side."""

    def begin(self, state: State) -> None:
        """Do nothing: explicit steps keep nothing from one to the next."""

    def advance(self, state: State, until: float) -> None:
        """Take one step, which ends at ``until`` at the latest and then exactly there."""
        look = self._space.look_before_step(state)
        self.step(state, fit(self.longest(look), state.time, until), until)

    def step(self, state: State, dt: float, until: float) -> None:
        """Take a step of dt or less; the velocity of the state's density must have been computed."""
        while (allowed := self._attempt(state, dt)) < dt:
            self.redone += 1
            dt = self._cfl * allowed
            self._space.place(state.arrays, state.time)
        last = self._space.stages[(len(self._scheme.blend) - 1) % 2]
        accept(state, last, dt, until)

    def _attempt(self, state: State, dt: float) -> float:
        """Compute all stages into the stage arrays; return dt, or the smaller bound that a stage requires."""
        space, current, fullest = self._space, state.arrays, 0.0
        for number, blend in enumerate(self._scheme.blend):
            if number > 0:
                space.place(current, state.time)
            stage = space.stages[number % 2]
            rate, new_fullest = space.advance(current, state.arrays, stage, dt, blend)
            if number > 0 and (allowed := min(space.strict_bounds(rate, fullest, state.time))) < dt:
                return allowed
            space.require_sound(stage, new_fullest, state.time + dt)
            current, fullest = stage, new_fullest
        return dt


def accept(state: State, reached: Arrays, dt: float, until: float) -> None:
    """Swap the arrays of a stage with those of the state after a step of dt."""
    for name, array in reached.items():
        state.arrays[name], reached[name] = array, state.arrays[name]
    tick(state, dt, until)

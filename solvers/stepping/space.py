"""Discretisations in space as steps see them: densities are evaluated, and advanced from what was evaluated."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from gridflow.equation.contract import DENSITY, NEGATIVE, State, require_sound
from gridflow.equation.flow import Equation
from solvers.stepping.known import Known

Arrays = dict[str, np.ndarray]
SIGNS = {DENSITY: 1.0, NEGATIVE: -1.0}
"""The densities that a state may hold: each counts with this sign in V and moves with −∇V times this sign."""


@dataclass(frozen=True, eq=False)
class Evaluated:
    """Densities whose velocity is in the memory of a space, until the space evaluates others.

    Attributes
    ----------
    arrays
        The arrays of a state or of a stage.
    """

    arrays: Arrays


@dataclass(frozen=True, eq=False)
class Look(Evaluated):
    """Evaluated densities and what bounds the step from them.

    Attributes
    ----------
    positivity
        Longest forward Euler step in which no cell loses more than it holds.
    relaxation
        Longest forward Euler step that does not raise the energy: 2 / (max μ · max_ξ (λ + β) K̂).
    decay_time
        Time in which the KMD falls by a factor e at its present rate, by transport.
    energy
        ½ KMD².
    fullest
        The largest density; of two densities, the sum of the largest of each.
    """

    positivity: float
    relaxation: float
    decay_time: float
    energy: float
    fullest: float


L = TypeVar("L", bound=Look)


class Space(ABC, Generic[L]):
    """A flow discretised in space, with the working memory of its right-hand sides.

    What :meth:`look` and :meth:`evaluate` return is what a stage is made from. The memory holds one velocity: as soon
    as anything else is evaluated, or a stage is written over the arrays, what was returned is outdated and refused.

    Parameters
    ----------
    flow
        The equation.
    stages
        Two sets of arrays like those of a state, written in turn; they may be the same if a stage can be written over
        the one that it is made from.

    Attributes
    ----------
    signs
        The densities among the arrays, each with its sign; see :data:`SIGNS`.
    """

    def __init__(self, flow: Equation[Any], stages: list[Arrays]) -> None:
        self.flow, self.stages = flow, stages
        self.signs = {name: sign for name, sign in SIGNS.items() if name in stages[0]}
        self._latest: Evaluated | None = None
        self._known: Known[L] = Known()

    def look(self, state: State) -> L:
        """Evaluate a state and find what bounds its step; one that has not changed since is not evaluated again.

        Raises
        ------
        RunError
            If a density or what follows from it is not finite; names the cell and the time.
        """
        known = self._known.get(*state.arrays.values())
        if known is None:
            self._outdate()
            self._latest = known = self._look(state.arrays, state.time)
            self._known.keep(known, *state.arrays.values())
        return known

    def evaluate(self, arrays: Arrays, time: float) -> Evaluated:
        """Evaluate some arrays at a time, without bounds where those cost more; RunError if something overflows."""
        self._outdate()
        self._latest = found = self._evaluate(arrays, time)
        return found

    def advance(self, at: Evaluated, old: Arrays, new: Arrays, dt: float, blend: float) -> tuple[float, float]:
        """Write the stage ``α old + (1 − α) Euler(at)``, α being ``blend``.

        Returns
        -------
        float
            Largest share of what it holds that a cell of ``at`` loses per time.
        float
            Largest new density, the sum of the largest of two; NaN or infinite if one is not sound.

        Raises
        ------
        RuntimeError
            If ``at`` is outdated.
        """
        self._require_latest(at)
        found = self._advance(at.arrays, old, new, dt, blend)
        if any(new[name] is array for name, array in at.arrays.items()):
            self._outdate()
        return found

    @abstractmethod
    def strict_bounds(self, rate: float, fullest: float, time: float) -> tuple[float, float]:
        """The bounds on Δt by positivity and by relaxation, from what :meth:`advance` returns."""

    def require_sound(self, arrays: Arrays, fullest: float, time: float) -> None:
        """RunError, naming the cell, if the largest density is not a finite number."""
        if not math.isfinite(fullest):
            for name in self.signs:
                require_sound(self.flow.grid, arrays[name], time)

    @abstractmethod
    def _look(self, arrays: Arrays, time: float) -> L:
        """Evaluate some arrays and find what bounds the step."""

    @abstractmethod
    def _evaluate(self, arrays: Arrays, time: float) -> Evaluated:
        """Evaluate some arrays."""

    @abstractmethod
    def _advance(self, current: Arrays, old: Arrays, new: Arrays, dt: float, blend: float) -> tuple[float, float]:
        """Write a stage from the arrays that were evaluated last."""

    def _outdate(self) -> None:
        """Whatever was evaluated holds no more."""
        self._latest = None
        self._known.forget()

    def _require_latest(self, at: Evaluated) -> None:
        if at is not self._latest:
            raise RuntimeError("the velocity of these densities is no longer in place; they must be evaluated again")

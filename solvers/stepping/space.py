"""The interface between discretisations in space and time stepping: evaluate densities, then advance them."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from gridflow.compute.threads import Team
from gridflow.equation.contract import DENSITY, NEGATIVE, State, require_sound
from gridflow.equation.flow import Equation
from solvers.stepping.known import Known

Arrays = dict[str, np.ndarray]
SIGNS = {DENSITY: 1.0, NEGATIVE: -1.0}
"""Densities that a state may contain. Each enters V with its sign and moves with −∇V times its sign."""


@dataclass(frozen=True, eq=False)
class Evaluated:
    """Densities whose velocity is in the workspace of a space, until the space evaluates other densities.

    Attributes
    ----------
    arrays
        The arrays of a state or of a stage.
    """

    arrays: Arrays


@dataclass(frozen=True, eq=False)
class Look(Evaluated):
    """Evaluated densities with the bounds on the step from them.

    Attributes
    ----------
    positivity
        Longest forward Euler step in which no cell loses more than the share of its mass that the reconstruction
        allows, which keeps densities ≥ 0.
    relaxation
        Longest forward Euler step that does not raise the energy: 2 / (max μ · max_ξ (λ + β) K̂).
    decay_time
        E-folding time of the KMD at the present rate of decay by transport.
    energy
        ½ KMD².
    max_density
        Largest density; for two densities, the sum of their maxima.
    """

    positivity: float
    relaxation: float
    decay_time: float
    energy: float
    max_density: float


L = TypeVar("L", bound=Look)


class Space(ABC, Generic[L]):
    """A flow discretised in space, with the workspace of its right-hand sides.

    A stage is computed from the result of :meth:`look` or :meth:`evaluate`. The workspace holds one velocity only. As
    soon as something else is evaluated, or a stage overwrites the arrays, earlier results are outdated and are refused.

    Parameters
    ----------
    flow
        The equation.
    stages
        Two sets of arrays like those of a state, used alternately. They may be the same if a stage can overwrite the
        one that it is computed from.

    Attributes
    ----------
    signs
        Names of the densities among the arrays, with their signs; see :data:`SIGNS`.
    team
        The threads.
    """

    team: Team

    def __init__(self, flow: Equation[Any], stages: list[Arrays]) -> None:
        self.flow, self.stages = flow, stages
        self.signs = {name: sign for name, sign in SIGNS.items() if name in stages[0]}
        self._latest: Evaluated | None = None
        self._known: Known[L] = Known()

    @abstractmethod
    def compile(self) -> None:
        """Compile all loops of the right-hand side, or load them from the disk cache."""

    @abstractmethod
    def make_room_for_tracer(self) -> None:
        """Provide the arrays that states with the volume fraction of a hole need."""

    def look(self, state: State) -> L:
        """Evaluate a state and determine the bounds on its step; an unchanged state is not evaluated again.

        Raises
        ------
        RunError
            If a density, its energy or a bound is not finite; the message gives the time and, for a density, the cell.
        """
        known = self._known.get(*state.arrays.values())
        if known is None:
            self._outdate()
            self._latest = known = self._look(state.arrays, state.time)
            self._known.keep(known, *state.arrays.values())
        return known

    def evaluate(self, arrays: Arrays, time: float) -> Evaluated:
        """Evaluate the arrays of a stage, without bounds if these cost extra; RunError if there is an overflow."""
        self._outdate()
        self._latest = found = self._evaluate(arrays, time)
        return found

    def advance(self, at: Evaluated, old: Arrays, new: Arrays, dt: float, blend: float) -> tuple[float, float]:
        """Write the stage ``α old + (1 − α) Euler(at)`` with α = ``blend``.

        Returns
        -------
        float
            Largest relative rate of loss of a cell of ``at`` (1 / time); see :func:`solvers.loops.stages.loss_rate`.
        float
            Largest new density, for two densities the sum of their maxima; NaN or infinite if a density is negative or
            not finite.

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
    def strict_bounds(self, rate: float, max_density: float, time: float) -> tuple[float, float]:
        """Return the bounds on Δt by positivity and relaxation, from the results of :meth:`advance`."""

    def require_sound(self, arrays: Arrays, max_density: float, time: float) -> None:
        """Raise RunError, which names the cell, if the largest density is not finite."""
        if not math.isfinite(max_density):
            for name in self.signs:
                require_sound(self.flow.grid, arrays[name], time)

    @abstractmethod
    def _look(self, arrays: Arrays, time: float) -> L:
        """Evaluate arrays and determine the bounds on the step."""

    @abstractmethod
    def _evaluate(self, arrays: Arrays, time: float) -> Evaluated:
        """Evaluate arrays."""

    @abstractmethod
    def _advance(self, current: Arrays, old: Arrays, new: Arrays, dt: float, blend: float) -> tuple[float, float]:
        """Write a stage from the arrays evaluated last."""

    def _outdate(self) -> None:
        """Mark all earlier evaluations as outdated."""
        self._latest = None
        self._known.forget()

    def _require_latest(self, at: Evaluated) -> None:
        if at is not self._latest:
            raise RuntimeError("the velocity of these densities is no longer in place; they must be evaluated again")

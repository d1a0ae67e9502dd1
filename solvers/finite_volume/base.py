"""What the finite-volume solvers on the torus and on the sphere have in common."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Any, Generic, TypeVar

import numpy as np

from gridflow.domains.base import Domain
from gridflow.equation.contract import CELLS, DENSITY, NEGATIVE, TRACER, Representation, State
from gridflow.equation.flow import Equation
from gridflow.errors import InputError
from gridflow.files import sha256
from gridflow.measures.holes import hole_fraction, is_wide
from solvers.finite_volume.exponential import Exponential
from solvers.stepping.bounds import StepBounds
from solvers.stepping.explicit import Explicit
from solvers.stepping.options import given_density, restored
from solvers.stepping.space import Space

S = TypeVar("S", bound=Space[Any])

FRACTION_ROUND_OFF = 64 * float(np.finfo(float).eps)
"""Largest excess over [0, 1] of a volume fraction that is its round-off, and is removed: a cell is cut by at most a few
dozen pieces of a boundary, and each adds up to one rounding of a number ≤ 1."""


class CellSolver(ABC, Generic[S]):
    """Advances cell averages ≥ 0 by steps that obey bounds.

    Parameters
    ----------
    space
        The discretisation in space.
    explicit
        The explicit steps.
    extra_arrays
        Further arrays of the state at time 0, by name.
    carries
        Whether to carry the hole of the start along, if its volume fraction is not among these arrays; None: if there
        is one that is wide enough.
    settings
        The solver's name and options, to be recorded with a run.
    """

    libraries: tuple[str, ...] = ()
    representation = Representation(CELLS)

    def __init__(
        self,
        space: S,
        explicit: Explicit,
        extra_arrays: Mapping[str, np.ndarray],
        carries: bool | None,
        settings: Mapping[str, object],
    ) -> None:
        self.flow = space.flow
        if NEGATIVE in extra_arrays:
            self.representation = Representation(CELLS, signed=True)
        self._space, self._explicit, self._extra_arrays, self._carries = space, explicit, extra_arrays, carries
        self._integrator: Explicit | Exponential = explicit
        self._settings = dict(settings)

    @property
    def threads(self) -> int:
        """Number of threads of the solver."""
        return self._space.team.size

    @property
    def redone(self) -> int:
        """Number of explicit steps repeated so far because a later stage broke a bound."""
        return self._explicit.redone

    def compile(self) -> None:
        """Compile every loop that is certain to be needed, or load it from the disk cache.

        Without this call, loops are compiled when they are first used.
        """
        self._space.compile()
        self._integrator.compile()

    def settings(self) -> Mapping[str, object]:
        """Return the solver's name and options, to be recorded with a run; ``tracer`` is known with the state."""
        return dict(self._settings)

    def initialize(self, initial: np.ndarray | None) -> State:
        """Return a new state at time 0.

        Parameters
        ----------
        initial
            Initial density as cell averages, shape ``grid.shape`` (mass / volume); required.

        Raises
        ------
        InputError
            If the density is missing, negative, not finite or does not fit the flow, or has no hole to carry although
            the solver was told to carry one.
        """
        density = given_density(self.flow, initial)
        arrays = {DENSITY: density, **self._extra_arrays}
        if self._carries is not False and TRACER not in arrays:
            fraction = hole_fraction(self.flow.grid, density)
            if fraction is None and self._carries:
                raise InputError("tracer = True: the initial density has no hole to carry")
            if fraction is not None and (self._carries or is_wide(self.flow.grid, fraction)):
                arrays[TRACER] = fraction
        self._prepare(arrays)
        return self._begin(self._first(arrays))

    def restore(self, state: State) -> State:
        """Copy a state read from a checkpoint into this solver's own arrays and return it.

        Raises
        ------
        InputError
            If an array is missing or has the wrong shape or type, or the state has a hole that this solver was told not
            to carry. A solver that decides by itself goes on with or without one, as the state does.
        """
        carries = TRACER in state.arrays if self._carries is None else self._carries
        if TRACER in state.arrays and not carries:
            raise InputError("the checkpoint holds a tracer; this solver carries none")
        names = [*self.representation.arrays, *([TRACER] if carries else [])]
        self._prepare(names)
        wanted = {name: self._space.stages[0][name] for name in names}
        return self._begin(restored(state, wanted, self._own))

    def _prepare(self, names: Collection[str]) -> None:
        """Make room for the arrays of a state, and note whether it carries a hole."""
        self._settings["tracer"] = TRACER in names
        if TRACER in names:
            self._space.make_room_for_tracer()

    def density(self, state: State) -> np.ndarray:
        """Return the density μ, or μ⁺ of two, shape ``grid.shape`` (mass / volume); the solver's own array."""
        return state.arrays[DENSITY]

    def fields(self, state: State) -> Mapping[str, np.ndarray]:
        """Return the arrays of a snapshot: those of the state, all of shape ``grid.shape``."""
        return state.arrays

    def stable_dt(self, state: State) -> float:
        """Return the longest explicit step: ``cfl`` times the strict bounds, or the accuracy bound if smaller."""
        return self._explicit.longest(self._space.look(state))

    def bounds(self, state: State) -> StepBounds:
        """Return the bounds on Δt of an explicit step from this state."""
        return self._explicit.bounds(self._space.look(state))

    def longest_steps(self, state: State, slowing: np.ndarray, decay_times: np.ndarray) -> np.ndarray:
        """Predict the steps along a decay; see :meth:`gridflow.equation.contract.Solver.longest_steps`."""
        return self._integrator.longest_steps(self.bounds(state), slowing, decay_times)

    def step(self, state: State, until: float) -> None:
        """Advance the state in place by one step; a step that would pass ``until`` ends there exactly.

        Raises
        ------
        InputError
            If ``until`` is not later than the time of the state.
        RunError
            If a new density is negative or not finite in some cell; the message names the cell and the time.
        """
        self._integrator.advance(state, until)

    def energy(self, state: State) -> float:
        """Return ½ KMD², which the next step needs too."""
        return self._space.look(state).energy

    @abstractmethod
    def on_cells(self, flow: Any, arrays: Mapping[str, np.ndarray]) -> "CellSolver[Any]":
        """Return the same method for a flow on other cells; see :class:`gridflow.equation.contract.Solver`."""

    @abstractmethod
    def diagnose(self, state: State) -> Mapping[str, float]:
        """Return mass, extrema, energy and dissipation; see :class:`gridflow.equation.contract.Solver`."""

    @abstractmethod
    def _first(self, arrays: Mapping[str, np.ndarray]) -> State:
        """Return the state at time 0 that has copies of these arrays."""

    @abstractmethod
    def _own(self, values: np.ndarray) -> np.ndarray:
        """Return a copy of an array that belongs to the solver."""

    def _begin(self, state: State) -> State:
        self._integrator.begin(state)
        return state


def second_density(flow: Equation[Any], negative: np.ndarray | None) -> dict[str, np.ndarray]:
    """Return the density μ⁻ at time 0, by its name among the arrays of a state; nothing if there is none.

    Raises
    ------
    InputError
        If the density is negative, not finite or does not fit the grid, or if the flow has no growth. Without growth,
        μ⁺ and μ⁻ would be charges of fixed mass, which the solvers do not treat.
    """
    if negative is None:
        return {}
    if not flow.growth > 0:
        raise InputError(f"growth = {flow.growth}: densities of both signs need growth > 0")
    return {NEGATIVE: flow.grid.check_density(negative, "the negative density").copy()}


def hash_of(extra_arrays: Mapping[str, np.ndarray], name: str) -> str | None:
    """Return the hash of an array of the state at time 0, to be recorded with a run; None if it has none."""
    return sha256(extra_arrays[name]) if name in extra_arrays else None


def given_tracer(grid: Domain, tracer: np.ndarray | bool | None) -> tuple[dict[str, np.ndarray], bool | None]:
    """Return a given volume fraction by its name among the arrays of a state, and whether to carry a hole.

    Raises
    ------
    InputError
        If a value is not in [0, 1], or the fraction does not fit the grid.
    """
    if tracer is None or isinstance(tracer, bool):
        return {}, tracer
    fraction = np.array(grid.check(tracer, "the tracer"), dtype=float)
    if fraction.min() < -FRACTION_ROUND_OFF or fraction.max() > 1 + FRACTION_ROUND_OFF:
        raise InputError(
            f"the tracer is a volume fraction in [0, 1]; it has values from {fraction.min()} to {fraction.max()}"
        )
    return {TRACER: np.clip(fraction, 0.0, 1.0, out=fraction)}, True

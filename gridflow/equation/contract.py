"""The interface between the equation and the solvers that advance it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from gridflow.domains.base import Domain
from gridflow.equation.flow import Equation
from gridflow.errors import InputError, RunError

DENSITY, TRACER = "density", "tracer"
"""Names of a state's arrays on the grid: the density and the volume fraction of an advected hole, as cell averages."""
POSITIONS, WEIGHTS = "positions", "weights"
"""Names of a state's particle arrays, shapes (N, d) and (N,)."""
NEGATIVE = "negative"
"""Name of a state's second density on the grid, which represents the neurons with negative output weights."""
INNER, OUTER = "inner_weights", "outer_weights"
"""Names of a network's arrays in a state: inner weights w, shape (m, inputs), and outer weights a, shape (m,)."""
Kind = Literal["cells", "modes", "particles", "neurons"]
CELLS: Kind = "cells"
MODES: Kind = "modes"
PARTICLES: Kind = "particles"
NEURONS: Kind = "neurons"


@dataclass(frozen=True)
class Representation:
    """How a solver represents the density.

    Parameters
    ----------
    kind
        ``cells``: averages on the grid. ``modes``: a trigonometric polynomial, stored as its cell averages.
        ``particles``: positions and masses. ``neurons``: the weights of a network.
    signed
        Whether there is a second density, that of negative output weights.
    """

    kind: Kind
    signed: bool = False

    def __str__(self) -> str:
        return f"{self.kind} of two densities" if self.signed else self.kind

    @property
    def on_grid(self) -> bool:
        """Whether a state contains the density itself rather than points to be deposited on the grid."""
        return self.kind in (CELLS, MODES)

    @property
    def arrays(self) -> tuple[str, ...]:
        """Names of the state's arrays that represent the density or densities."""
        points = {PARTICLES: (POSITIONS, WEIGHTS), NEURONS: (INNER, OUTER)}
        return points.get(self.kind, (DENSITY,)) + ((NEGATIVE,) if self.signed else ())


@dataclass
class State:
    """The state that a solver advances: named arrays at a time, and the numbers that control the next step.

    The arrays belong to the solver, which may overwrite or swap them in the next step; copy whatever must be kept.
    Together with the solver's settings, a state determines all later states bit for bit.

    Attributes
    ----------
    arrays
        Arrays by name, such as ``density``.
    time
        Time t.
    step
        Number of steps taken so far.
    dt
        Length of the last step.
    control
        Further numbers that the choice of the next step depends on.
    """

    arrays: dict[str, np.ndarray]
    time: float = 0.0
    step: int = 0
    dt: float = 0.0
    control: dict[str, float] = field(default_factory=dict)


class Solver(Protocol):
    """A method that advances a density in time."""

    @property
    def flow(self) -> Equation[Any]:
        """The equation that this solver advances."""

    @property
    def libraries(self) -> tuple[str, ...]:
        """Names of libraries that can affect the last bits of the result, beyond those used by every run."""

    @property
    def representation(self) -> Representation:
        """How this solver represents the density."""

    def compile(self) -> None:
        """Compile, or load from the disk cache, the loops that a run needs; do nothing if there are none.

        A run does not depend on this call: what is not compiled yet is compiled when it is first used.
        """

    def initialize(self, initial: np.ndarray | None) -> State:
        """Return a new state at time 0.

        Parameters
        ----------
        initial
            Initial density as cell averages, or None for a solver that was constructed with its initial data, such as
            one of particles.

        Raises
        ------
        InputError
            If the solver cannot start from ``initial``.
        """

    def restore(self, state: State) -> State:
        """Copy a state read from a checkpoint into this solver's own buffers and return it; the given one stays as is.

        Raises
        ------
        InputError
            If an array is missing or has the wrong shape or type.
        """

    def step(self, state: State, until: float) -> None:
        """Advance the state in place by one stable step.

        Parameters
        ----------
        state
            The state to advance.
        until
            Time that the step must not pass, later than that of the state. A step that would pass it is shortened to
            end there exactly.

        Raises
        ------
        InputError
            If ``until`` is not later than the time of the state.
        RunError
            If the new density is negative or not finite in some cell; the message names the cell and the time. The
            state is then still the previous one, so that no callback sees an invalid density. See
            :func:`require_sound`.
        """

    def stable_dt(self, state: State) -> float:
        """Return the longest step that the solver would take from this state."""

    def longest_steps(self, state: State, slowing: np.ndarray, decay_times: np.ndarray) -> np.ndarray | None:
        """Predict the step sizes along a decay; None if they depend on error estimates alone.

        Parameters
        ----------
        state
            State at the beginning of the decay.
        slowing
            Factor by which the velocities have decreased since then, at each time of the decay; 1 at the first.
        decay_times
            E-folding time of the KMD at each of these times.

        Returns
        -------
        ndarray or None
            Step size at each time, the shape of ``slowing``.
        """

    def on_cells(self, flow: Any, arrays: Mapping[str, np.ndarray]) -> "Solver | None":
        """Return the same method, with the same options, for a flow on other cells of the same domain.

        Parameters
        ----------
        flow
            The flow.
        arrays
            Arrays of the state at time 0 other than the density, by name, on those cells.

        Returns
        -------
        Solver or None
            The solver; None if this method does not advance averages on cells.
        """

    def density(self, state: State) -> np.ndarray:
        """Return the state's density as cell averages on ``flow.grid``, as a view where possible."""

    def fields(self, state: State) -> Mapping[str, np.ndarray]:
        """Return the arrays of a snapshot by name: at least ``density``, as cell averages; views where possible."""

    def energy(self, state: State) -> float:
        """Return ½ KMD², the same as in :meth:`diagnose`, at a cost that is shared with the next step."""

    def diagnose(self, state: State) -> Mapping[str, float]:
        """Return the values of one row of the time series; work may be shared with the previous and the next step.

        Returns
        -------
        mapping
            Floats: ``mass`` ∫ μ dx, ``min`` and ``max`` of the cell averages, ``energy`` ½ KMD² and ``dissipation``
            −dE/dt of the semi-discrete scheme. A solver that switches between integrators adds ``exponential_steps``,
            the number of exponential steps so far. One that does not preserve μ ≥ 0 adds ``negative_mass``
            ∫ max(−μ, 0) dx. Training on samples adds ``empirical_loss``.
        """

    def settings(self) -> Mapping[str, object]:
        """Return the solver's name and options, to be recorded with a run."""


def round_off(dtype: str | np.dtype) -> float:
    """Round-off of a density during a run, relative to max μ: the standard deviation of white noise.

    It is 16 roundings, a few for every operation of a step.
    """
    return 16 * float(np.finfo(dtype).eps)


def energy_round_off(flow: Equation[Any], energy: float, largest: float, mass: float, dtype: str | np.dtype) -> float:
    """Bound on the round-off of the energy of a density on N cells.

    Transforms are accurate to log2(N) ε relative to ‖μ‖, which changes E by at most that times 2 √(E S), where S is the
    energy of μ itself with the largest value of the symbol in every mode.

    Parameters
    ----------
    flow
        The equation.
    energy, largest, mass
        E, max μ (mass / volume) and ∫ μ dx; for two densities, the mass of the first and not of the difference.
    dtype
        Precision of the density.
    """
    own = 0.5 * float(flow.symbol.max()) * largest * mass
    error = 8 * math.log2(flow.grid.size) * float(np.finfo(dtype).eps)
    return error * (energy + math.sqrt(energy * own)) + error**2 * own


def require_sound(grid: Domain, density: np.ndarray, time: float) -> None:
    """Raise RunError unless every cell average is finite and ≥ 0; the message names the first bad cell and the time."""
    if density.min() >= 0 and np.isfinite(density.max()):
        return
    try:
        grid.check_density(density, "the density")
    except InputError as error:
        raise RunError(f"at t = {time:.10g} {error}") from None

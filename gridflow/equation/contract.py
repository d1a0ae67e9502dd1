"""The contract between what is solved and how it is advanced."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from gridflow.domains.base import Domain
from gridflow.equation.flow import Equation
from gridflow.errors import InputError, RunError

DENSITY, TRACER = "density", "tracer"
"""Names of a state's arrays on the grid: cell averages, and the volume fraction of a hole that is carried along."""
POSITIONS, WEIGHTS = "positions", "weights"
"""Names of a state's arrays of particles, shapes (N, d) and (N,)."""
NEGATIVE = "negative"
"""Name of a state's second density on the grid, that of negative output weights."""
INNER, OUTER = "inner_weights", "outer_weights"
"""Names of a state's arrays of neurons: w, shape (m, inputs), and a, shape (m,)."""
Kind = Literal["cells", "modes", "particles", "neurons"]
CELLS: Kind = "cells"
MODES: Kind = "modes"
PARTICLES: Kind = "particles"
NEURONS: Kind = "neurons"


@dataclass(frozen=True)
class Representation:
    """What a solver represents a density by, which it declares.

    Parameters
    ----------
    kind
        ``cells``: averages on the grid. ``modes``: a trigonometric polynomial, of which a state has the cell averages.
        ``particles``: positions and masses. ``neurons``: the weights of a network.
    signed
        Whether a state has a second density, that of negative output weights.
    """

    kind: Kind
    signed: bool = False

    @property
    def on_grid(self) -> bool:
        """Whether a state holds the density itself, rather than points that are deposited on the grid."""
        return self.kind in (CELLS, MODES)

    @property
    def arrays(self) -> tuple[str, ...]:
        """Names of the arrays of a state that hold the density, or the densities."""
        points = {PARTICLES: (POSITIONS, WEIGHTS), NEURONS: (INNER, OUTER)}
        return points.get(self.kind, (DENSITY,)) + ((NEGATIVE,) if self.signed else ())


@dataclass
class State:
    """What a solver advances: named arrays at a time, and the numbers that its choice of the next step goes by.

    The arrays belong to the solver, which may overwrite or swap them at the next step; copy what should stay. Together
    with the solver's settings a state determines everything that follows, bit for bit.
    """

    arrays: dict[str, np.ndarray]
    time: float = 0.0
    step: int = 0
    dt: float = 0.0
    control: dict[str, float] = field(default_factory=dict)


class Solver(Protocol):
    """How a density is advanced in time."""

    @property
    def flow(self) -> Equation[Any]:
        """The equation that it solves."""

    @property
    def libraries(self) -> tuple[str, ...]:
        """Libraries that its last bits may depend on, beside those of every run."""

    @property
    def representation(self) -> Representation:
        """What it represents a density by."""

    def initialize(self, initial: np.ndarray | None) -> State:
        """A fresh state at time 0; InputError if the solver cannot start from ``initial``.

        None is for a solver that was made with its start, such as one of particles.
        """

    def restore(self, state: State) -> State:
        """A state read back from a checkpoint, made this solver's own; InputError if it does not fit."""

    def step(self, state: State, until: float) -> None:
        """Advance the state in place by one stable step, to ``until`` at the farthest and then exactly.

        Raises
        ------
        RunError
            Naming the cell and the time, if the new density is not finite or is negative somewhere; the state then is
            still the one before, so that nobody sees a bad one. See :func:`require_sound`.
        """

    def stable_dt(self, state: State) -> float:
        """The longest step the solver would take from this state."""

    def longest_steps(self, state: State, slowing: np.ndarray, decay_times: np.ndarray) -> np.ndarray | None:
        """The steps that it would take along a predicted decay; None if only the error of each step tells them.

        Parameters
        ----------
        state
            Where the decay begins.
        slowing
            How many times slower than at the state the density moves, at each time of the decay; 1 at the first.
        decay_times
            Time in which the KMD falls by a factor e, at each.
        """

    def density(self, state: State) -> np.ndarray:
        """The state's density as cell averages on ``flow.grid`` (a view where possible)."""

    def fields(self, state: State) -> Mapping[str, np.ndarray]:
        """What a snapshot keeps, by name: ``density`` at least, cell averages on ``flow.grid``; views if possible."""

    def diagnose(self, state: State) -> Mapping[str, float]:
        """What a row of the series tells of this state; it may reuse what the last step knew and the next one needs.

        Returns
        -------
        mapping
            ``mass`` ∫ μ dx, ``min`` and ``max`` of the cell averages, ``energy`` ½ KMD² and ``dissipation``, −dE/dt of
            the semi-discrete scheme; each as a float. A solver that chooses between integrators adds
            ``exponential_steps``, how many steps were exponential so far; one that does not keep a density ≥ 0 adds
            ``negative_mass``, ∫ max(−μ, 0) dx; one trained on samples adds ``empirical_loss``.
        """

    def settings(self) -> Mapping[str, object]:
        """The solver's name and options, for the record kept with a run."""


def require_sound(grid: Domain, density: np.ndarray, time: float) -> None:
    """Raise RunError, naming the first bad cell and the time, unless every cell is finite and ≥ 0."""
    if density.min() >= 0 and np.isfinite(density.max()):
        return
    try:
        grid.check_density(density, "the density")
    except InputError as error:
        raise RunError(f"at t = {time:.10g} {error}") from None

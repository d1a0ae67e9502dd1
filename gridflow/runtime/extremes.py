"""What a certificate needs of every step of a run, not only of those that are recorded."""

import math
from typing import Any

import numpy as np

from gridflow.equation.contract import CELLS, Solver, State
from gridflow.equation.flow import Equation
from gridflow.measures.sobolev import SobolevKernel
from gridflow.theory.applicable import certified_order

NORM, LEAST = "largest_norm", "least_min"
"""Columns, and keys in a state's control: the largest norm and the smallest density since the row before."""


class Extremes:
    """Keeps the largest norm and the smallest density of all steps since the last row, for the certificate of a run.

    They are kept in the state's control, so that a resumed run records the same.

    Parameters
    ----------
    solver
        Solver of the run.
    initial
        Density at time 0, shape ``grid.shape`` (mass / volume).
    """

    def __init__(self, solver: Solver, initial: np.ndarray) -> None:
        flow, made = solver.flow, solver.representation
        r = certified_order(flow, initial) if made.kind == CELLS and not made.signed else None
        self._norm: Equation[Any] | None = None
        if r is not None:
            self._norm = Equation.on(flow.grid, SobolevKernel(r, flow.kernel.laplacian), flow.target)

    @property
    def needed(self) -> bool:
        """Whether a certificate for s > 1 may be wanted of this run."""
        return self._norm is not None

    def look(self, state: State, density: np.ndarray) -> None:
        """Take a step into account; its density has the shape ``grid.shape``."""
        assert self._norm is not None, "only where it is needed"
        control = state.control
        norm = math.sqrt(2 * self._norm.energy(density))
        control[NORM] = max(control.get(NORM, 0.0), norm)
        control[LEAST] = min(control.get(LEAST, math.inf), float(density.min()))

    def row(self, state: State) -> dict[str, float]:
        """Return the columns of a row, and begin anew."""
        return {name: state.control.pop(name) for name in (NORM, LEAST) if name in state.control}

"""Pilot runs: the flow itself on coarse grids, for a second or two, to see how long a run will take."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gridflow.domains.base import Domain
from gridflow.domains.sphere import SphereGrid
from gridflow.domains.torus import Grid
from gridflow.equation.coarsening import coarsened
from gridflow.equation.contract import DENSITY, INNER, NEGATIVE, NEURONS, OUTER, TRACER, Solver
from gridflow.equation.flow import Equation
from gridflow.errors import InputError
from gridflow.measures.diagnostics import crossing_time
from gridflow.networks.measures import measure_from_network
from gridflow.networks.weights import Weights
from gridflow.theory.linear import LinearDecay
from solvers import FiniteVolume, Network, SphereFiniteVolume

FIRST_CELLS = {1: 128, 2: 32**2, 3: 16**3}
"""Number of cells of the first pilot run, by dimension; each further one has half its spacing."""
BUDGET = 16e6
"""Work of all pilot runs together, in updates of a cell; about two seconds on one core."""
OVERHEAD = 1500.0
"""Work of a step of any size beside that on its cells, in updates of a cell (measured)."""
TOLERANCE = 1e-4
"""Relative error of the steps of a pilot run of neurons."""
AGREED = 0.01
"""Relative change of the time from one grid to the next at which no finer one is needed."""
MOSTLY = 0.9
"""Share of the volume above which it means nothing that a deviation is there."""
NEURONS_OF_A_PILOT = 300
"""Largest number of neurons of a pilot run of a network that the flow does not describe."""

SOLVERS: dict[type[Domain], Callable[..., Any]] = {Grid: FiniteVolume, SphereGrid: SphereFiniteVolume}
"""The solver of pilot runs on each domain, where that of the run has no cells: the positive scheme."""


@dataclass(frozen=True, eq=False)
class PilotRun:
    """One pilot run.

    Attributes
    ----------
    size
        Its resolution in words.
    spacing
        Width of its cells, relative to those of the run.
    times, energies
        Times of its steps, and the energies, including what its grid does not resolve; shapes (rows,).
    reached
        Whether it reached the goal itself.
    continued
        Whether linear theory continues it from where it stopped.
    time
        Time at which the energy reaches the goal, infinite if it never does.
    stopped
        Time of its last step.
    steps
        Number of its steps.
    seconds
        Wall-clock time that it took.
    thin
        Share of ‖μ − ν‖² that is left at its end where the target is below a quarter of its mean; 0 if that is nowhere
        or nearly everywhere, or unknown.
    """

    size: str
    spacing: float
    times: np.ndarray
    energies: np.ndarray
    reached: bool
    continued: bool
    time: float
    stopped: float
    steps: int
    seconds: float
    thin: float = 0.0

    def agrees_with(self, other: "PilotRun") -> bool:
        """Whether another run has the same time, to one per cent."""
        return abs(other.time - self.time) <= AGREED * self.time and 0 < self.time < math.inf


def pilot_runs(solver: Solver, initial: np.ndarray, goal: float, of_neurons: bool = False) -> list[PilotRun]:
    """Run the problem of a solver on coarse grids, each with half the spacing of the one before.

    They end when the times of two agree, the grid is that of the run, or a further one would exceed a fixed amount of
    work. The result does not depend on the speed of the machine.

    Parameters
    ----------
    solver
        The solver of the run.
    initial
        Density at time 0, shape ``grid.shape`` (mass / volume).
    goal
        Energy to reach.
    of_neurons
        Whether to train some of the neurons of a network themselves, since the flow does not describe them.

    Returns
    -------
    list of PilotRun
        The pilot runs, coarsest first, at least one.

    Raises
    ------
    InputError
        If there is no solver for pilot runs on this domain.
    """
    if of_neurons:
        return [_of_neurons(solver, goal)]
    flow = solver.flow
    state = solver.initialize(initial)
    more: dict[str, np.ndarray] = {name: state.arrays[name] for name in (NEGATIVE, TRACER) if name in state.arrays}
    if solver.representation.kind == NEURONS:
        initial, _ = measure_from_network(flow.grid, Weights(state.arrays[INNER], state.arrays[OUTER]))
    start = {DENSITY: initial} | more
    found: list[PilotRun] = []
    cells, left = FIRST_CELLS[flow.grid.dim], BUDGET
    while True:
        coarse = coarsened(flow, cells)
        began = time.perf_counter()
        taken = _run(solver, coarse, start, goal, left, began)
        found.append(taken)
        work = taken.steps * (coarse.grid.size + OVERHEAD)
        left -= work
        further = work * 2 ** (flow.grid.dim + 1) * (coarse.grid.size / (coarse.grid.size + OVERHEAD))
        agreed = len(found) > 1 and found[-2].agrees_with(taken)
        if coarse is flow or not taken.reached or further > left or agreed:
            return found
        cells *= 2**flow.grid.dim


def _run(
    solver: Solver, coarse: Equation[Any], arrays: Mapping[str, np.ndarray], goal: float, work: float, began: float
) -> PilotRun:
    """Run on one grid until the energy reaches the goal or the work is spent."""
    flow, grid = solver.flow, coarse.grid
    averages = {name: flow.grid.averages_on(grid, values.astype(float)) for name, values in arrays.items()}
    start = averages.pop(DENSITY)
    own = solver.on_cells(coarse, averages) or flow.grid.one_of(SOLVERS, "pilot run")(coarse)
    single = NEGATIVE not in arrays and flow.target.min() >= 0
    fine = LinearDecay(np.zeros(0), np.zeros(0))
    if single:
        fine = LinearDecay.beyond(flow, coarse, arrays[DENSITY])
    state = own.initialize(start)
    times, energies = [0.0], [own.energy(state) + float(fine(0.0))]
    limit = max(int(work / (grid.size + OVERHEAD)), 1)
    while energies[-1] > goal and state.step < limit:
        own.step(state, math.inf)
        times.append(state.time)
        energies.append(own.energy(state) + float(fine(state.time)))
    reached, steps = energies[-1] <= goal, state.step
    continued = not reached and single
    if continued:
        later, rest = _rest(coarse, own.density(state).astype(float), fine, state.time, goal)
        times, energies = times + later, energies + rest
    spacing = (flow.grid.size / grid.size) ** (1 / grid.dim)
    size = " × ".join(str(n) for n in grid.shape) + " cells"
    return PilotRun(
        size, spacing, np.array(times), np.array(energies), reached, continued, crossing_time(times, energies, goal),
        state.time, steps, time.perf_counter() - began, _thin(coarse, own.density(state)) if single else 0.0,
    )  # fmt: skip


def _thin(flow: Equation[Any], density: np.ndarray) -> float:
    """Share of the squared deviation where the target is nearly empty; see :class:`PilotRun`."""
    grid, empty = flow.grid, flow.target < flow.reference / 4
    squared = (density - flow.target) ** 2
    total, part = grid.integral(squared), grid.integral(empty * 1.0) / grid.volume
    return grid.integral(squared * empty) / total if total > 0 and part < MOSTLY else 0.0


def _rest(
    coarse: Equation[Any], density: np.ndarray, fine: LinearDecay, now: float, goal: float
) -> tuple[list[float], list[float]]:
    """Times and energies of linear theory from the state at which a pilot run stopped."""
    share = min(goal / coarse.energy(density), 1.0)
    decay = LinearDecay.of(coarse, density, share=share) + LinearDecay(fine.rates, fine.held_at(now))
    needed = decay.time_to(goal)
    if not math.isfinite(needed) or needed == 0:
        return [], []
    later = np.geomspace(needed * 1e-3, needed * (1 + 1e-9), 200)
    return (now + later).tolist(), np.asarray(decay(later)).tolist()


def _of_neurons(solver: Solver, goal: float) -> PilotRun:
    """Train every n-th neuron of a network, so that not too many remain."""
    began = time.perf_counter()
    flow, arrays = solver.flow, solver.initialize(None).arrays
    if not flow.grid.has_cells:
        raise InputError(f"there is no pilot run on {flow.grid}")
    every = -(-len(arrays[OUTER]) // NEURONS_OF_A_PILOT)
    coarse = coarsened(flow, FIRST_CELLS[flow.grid.dim])
    own = Network(coarse, Weights(arrays[INNER][::every], arrays[OUTER][::every]), tolerance=TOLERANCE)
    state = own.initialize()
    times, energies = [0.0], [own.energy(state)]
    count = len(state.arrays[OUTER])
    limit = max(int(BUDGET / (100 * count + 10 * OVERHEAD)), 1)
    while energies[-1] > goal and state.step < limit:
        own.step(state, math.inf)
        times.append(state.time)
        energies.append(own.energy(state))
    reached = energies[-1] <= goal
    return PilotRun(
        f"{count} neurons", float(every), np.array(times), np.array(energies), reached,
        False, crossing_time(times, energies, goal), state.time, state.step, time.perf_counter() - began,
    )  # fmt: skip

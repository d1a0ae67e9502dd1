"""The dealiased pseudo-spectral solver, a second method for smooth densities."""

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gridflow.arguments import takes_numbers
from gridflow.compute.fft import SerialTransform
from gridflow.compute.threads import on_torus, team
from gridflow.domains.torus import torus
from gridflow.equation.contract import DENSITY, MODES, Representation, State, round_off
from gridflow.equation.flow import Flow
from gridflow.errors import InputError, RunError
from solvers.spectral.dealiased import Dealiased, Extremes
from solvers.stepping import schemes
from solvers.stepping.adaptive import PROPOSAL, adapt, no_step
from solvers.stepping.bounds import Noise, StepBounds, tick
from solvers.stepping.increments import Increments, background
from solvers.stepping.known import Known
from solvers.stepping.options import checked_cfl, checked_tolerance, given_density, real_dtype, restored
from solvers.stepping.schemes import RESOLVED_DECAY

DROPPED = 1e-6
"""Share of the initial deviation from the target, in L², that the 2/3 rule may remove without a warning."""
IMAGINARY = 2.8
"""End of the stability region of a fourth-order Runge–Kutta scheme on the imaginary axis."""


@takes_numbers
class Spectral:
    """A dealiased pseudo-spectral solver with exponential Runge–Kutta steps, for smooth densities.

    μ is a trigonometric polynomial. The 2/3 rule keeps its modes with 3 |k_a| < n_a, so that the product μ∇V is free of
    aliasing. The linear part ``−a (|ξ|² + β) K̂`` is integrated exactly and the remainder explicitly, with an embedded
    error estimate. Mass is conserved to the last digit. Neither μ ≥ 0 nor the decay of the energy is enforced. A
    density that becomes negative is reported, by a warning and by ``negative_mass`` in the series, but never changed.
    For holes and edges use :class:`solvers.FiniteVolume`.

    Densities go in and come out as cell averages, as in all solvers; the modes of averages are divided by their sinc
    factors on input.

    Parameters
    ----------
    flow
        The equation.
    integrator
        ``etdrk4`` (default) or ``etdrk2``.
    cfl
        Fraction of the advective bound ``2.8 / Σ_a max |∂_a V| ξ_a``, in (0, 1], with ξ_a the largest wave number kept.
        The bound is the stability limit of the fourth-order scheme for the phases of the explicit remainder.
        Default: 0.9.
    tolerance
        Estimated error of a step relative to ‖μ − ν‖ in L². Default: 1e−7.
    dtype
        ``float64`` (default) or ``float32``.
    threads
        Number of threads; the result has the same bits for any number. Default: as :class:`solvers.FiniteVolume`.

    Raises
    ------
    InputError
        If an option is not allowed.
    """

    libraries: tuple[str, ...] = ()
    representation = Representation(MODES)

    def __init__(
        self,
        flow: Flow,
        integrator: str = "etdrk4",
        cfl: float = 0.9,
        tolerance: float = 1e-7,
        dtype: str | np.dtype | type = "float64",
        threads: int | None = None,
    ) -> None:
        if integrator not in schemes.EXPONENTIAL:
            raise InputError(f'integrator "{integrator}": allowed are {", ".join(schemes.EXPONENTIAL)}')
        torus(flow.grid, "Spectral")
        self.flow = flow
        self.cfl, self.tolerance = checked_cfl(cfl), checked_tolerance(tolerance)
        self.dtype = real_dtype(dtype)
        self._team = team(on_torus(threads, flow.grid.shape))
        self._transform = SerialTransform(flow.grid, self.dtype, self._team.size)
        self._scheme = schemes.EXPONENTIAL[integrator]
        self._space = Dealiased(flow, self.dtype, self._transform, self._team)
        self._increments = Increments(
            flow.grid, self.dtype, self._scheme, self._space.rates, self._transform, self._team, self._space.columns
        )
        self._modes, self._next = self._transform.spectrum(), self._transform.spectrum()
        self._reached = self._transform.field()
        self._known: Known[Extremes] = Known()
        self._noise = Noise(flow, flow.grid.laplacian_symbol("spectral"), self.dtype)
        self._warned = False
        self._mean = flow.target_mass / flow.grid.volume
        self._highest = tuple(
            2 * np.pi * max(k for k in range(n) if 3 * k < n) / length
            for n, length in zip(flow.grid.shape, flow.grid.lengths, strict=True)
        )
        self._settings: dict[str, object] = {
            "solver": "Spectral",
            "integrator": integrator,
            "cfl": self.cfl,
            "dtype": self.dtype.name,
            "tolerance": self.tolerance,
        }

    @staticmethod
    def memory(shape: Sequence[int], dtype: str = "float64", growth: bool = False, integrator: str = "etdrk4") -> int:
        """Estimate the bytes of memory of a solver and its state on a grid of the given shape."""
        cells, size = math.prod(shape), np.dtype(dtype).itemsize
        spectra = (2 + len(shape) + growth + 1) + (len(schemes.EXPONENTIAL[integrator].nodes) + 2) + 1
        padding = 1 + 2 / shape[-1] + 1 / min(shape)
        return round(cells * (size * (spectra * padding + 3 + 1.5) + 8 * (3 + 1 + 1) / 2))

    @property
    def threads(self) -> int:
        """Number of threads that the solver uses."""
        return self._team.size

    def compile(self) -> None:
        """Compile all loops of a run now, or load them from the disk cache."""
        space, work = self._space, self._increments.work
        space.tendency(space.nothing, space.nothing, work, measuring=True)
        space.measure(space.nothing, work.lines)
        self._increments.compile()
        self._known.compile(self._reached)
        self._known.forget()

    def settings(self) -> Mapping[str, object]:
        """Return the solver's name and options, which are recorded with a run."""
        return dict(self._settings)

    def initialize(self, initial: np.ndarray | None) -> State:
        """Return a state at time 0 from cell averages of shape ``grid.shape``.

        A RuntimeWarning says if the 2/3 rule removes a significant part of them.

        Raises
        ------
        InputError
            If the density does not fit the flow.
        """
        averages = given_density(self.flow, initial)
        field = self._own(averages)
        self._space.to_modes(field, self._modes)
        self._space.to_averages(self._modes, self._space.nothing, field)
        deviation = float(np.sqrt(((averages - self.flow.target) ** 2).sum()))
        dropped = float(np.sqrt(((field - averages) ** 2).sum()))
        if dropped > DROPPED * deviation:
            warnings.warn(
                f"the modes that the 2/3 rule keeps leave out {dropped / deviation:.2g} of the initial deviation from "
                "the target; a spectral solver needs a smooth density on a grid that resolves it",
                RuntimeWarning,
                stacklevel=2,
            )
        return self._begin(State({DENSITY: field}))

    def restore(self, state: State) -> State:
        """Return a state read from a checkpoint in this solver's own buffers; InputError if it does not fit."""
        return self._begin(restored(state, {DENSITY: self._reached}, self._own))

    def energy(self, state: State) -> float:
        """Return ½ KMD², from modes that the next step needs too."""
        self._look(state)
        return self._measured()[0]

    def on_cells(self, flow: Any, arrays: Mapping[str, np.ndarray]) -> None:
        """None: this method does not advance averages on cells."""

    def density(self, state: State) -> np.ndarray:
        """Cell averages of the state, shape ``grid.shape``; the solver's own array, which may have negative values."""
        return state.arrays[DENSITY]

    def fields(self, state: State) -> Mapping[str, np.ndarray]:
        """Return the arrays of a snapshot: those of the state, all on the grid."""
        return state.arrays

    def stable_dt(self, state: State) -> float:
        """Longest step allowed by advection and by the energy's decay; the tolerance may shorten it."""
        extremes = self._look(state)
        return self._limit(extremes, *self._measured()[:2])

    def longest_steps(self, state: State, slowing: np.ndarray, decay_times: np.ndarray) -> np.ndarray:
        """The steps along a decay; see :meth:`gridflow.equation.contract.Solver.longest_steps`."""
        return self.bounds(state).exponential_steps(self.cfl, slowing, decay_times)

    def bounds(self, state: State) -> StepBounds:
        """Return the bounds on Δt; the advective bound takes the place of the positivity bound."""
        return StepBounds(self._advective(self._look(state)), math.inf, math.inf)

    def right_hand_side(self, state: State) -> np.ndarray:
        """Evaluate ∂_t μ and return the array of its modes, (planes, rows, numbers); for benchmarks."""
        self._look(state)
        work = self._increments.work
        self._space.tendency(self._modes, self._space.nothing, work)
        return work.lines

    def diagnose(self, state: State) -> Mapping[str, float]:
        """Return mass, min, max, energy, dissipation, and ``negative_mass``, ∫ max(−μ, 0) dx of the cell averages."""
        self._look(state)
        energy, dissipation, _ = self._measured()
        density, volume = state.arrays[DENSITY], self.flow.grid.cell_volume
        np.minimum(density, 0, out=self._reached)
        return {
            "mass": float(density.sum(dtype=float)) * volume,
            "min": float(density.min()),
            "max": float(density.max()),
            "energy": energy,
            "dissipation": dissipation,
            "negative_mass": abs(float(self._reached.sum(dtype=float))) * volume,
        }

    def step(self, state: State, until: float) -> None:
        """Advance the state in place by one step, which ends at ``until`` at the latest and then exactly there.

        Raises
        ------
        InputError
            If ``until`` is not later than the time of the state.
        RunError
            If the density is no longer finite.
        """
        extremes = self._look(state)
        energy, dissipation, square = self._measured()
        limit = self._limit(extremes, energy, dissipation)
        wanted = min(state.control[PROPOSAL] or limit / 10, limit)
        allowed = math.sqrt(square) + self._round_off(extremes) / self.tolerance
        reached = extremes

        def attempt(dt: float) -> float:
            nonlocal reached
            error, reached = self._attempt(extremes, dt, state.time)
            return error / allowed if error > 0 else 0.0

        dt = adapt(state, until, wanted, attempt, self._scheme, self.tolerance)
        if dt is None:
            raise no_step(state, self.tolerance)
        self._accept(state, dt, until, reached)
        self._report(state)

    def _begin(self, state: State) -> State:
        state.control = {PROPOSAL: 0.0} | state.control
        self._known.forget()
        return state

    def _own(self, averages: np.ndarray) -> np.ndarray:
        field = self._transform.field()
        field[...] = averages
        return field

    def _look(self, state: State) -> Extremes:
        """Compute the modes of a state and its tendency, unless they are known already; return the extremes."""
        density = state.arrays[DENSITY]
        extremes = self._known.get(density)
        if extremes is None:
            self._space.to_modes(density, self._modes)
            extremes = self._space.tendency(self._modes, self._space.nothing, self._increments.work, measuring=True)
            self._increments.first(1.0)
            self._known.keep(extremes, density)
        return extremes

    def _measured(self) -> tuple[float, float, float]:
        """Return energy, dissipation and Σ (μ − ν)² of the current modes."""
        return self._space.measure(self._modes, self._increments.tendency)

    def _limit(self, extremes: Extremes, energy: float, dissipation: float) -> float:
        """Return the longest step allowed by advection and by the decay."""
        decay_time = self._noise.decay_time(energy, dissipation, extremes.density)
        return min(self.cfl * self._advective(extremes), RESOLVED_DECAY * decay_time)

    def _advective(self, extremes: Extremes) -> float:
        """Longest step for which the fastest phase rotation is stable."""
        turning = sum(speed * xi for speed, xi in zip(extremes.slopes, self._highest, strict=True))
        return IMAGINARY / turning if turning > 0 else math.inf

    def _round_off(self, extremes: Extremes) -> float:
        """Round-off of a step's error, in the norm of the error estimate."""
        return round_off(self.dtype) * extremes.density * self.flow.grid.size**0.5

    def _attempt(self, extremes: Extremes, dt: float, time: float) -> tuple[float, Extremes]:
        """Compute a step; return its error, (Σ error²)^½ over the cell centres, and the extremes at its end.

        The tendency at the end is computed from the cell averages there. A run resumed from a checkpoint, which stores
        those, therefore gets the same bits.
        """
        space, increments, work = self._space, self._increments, self._increments.work
        increments.begin(background(self._mean, extremes.density), dt)
        last = len(self._scheme.nodes) - 1
        for number in range(last):
            increments.stage(number)
            space.tendency(self._modes, work, work)
            increments.differ(number, 1.0)
        increments.stage(last)
        space.to_averages(self._modes, work, self._reached)
        if not math.isfinite(float(self._reached.sum(dtype=float))):
            raise RunError(f"at t = {time + dt:.10g} the density is not finite; try a smaller cfl or tolerance")
        space.to_modes(self._reached, self._next)
        reached = space.tendency(self._next, space.nothing, work, measuring=True)
        return math.sqrt(increments.conclude(1.0) / self.flow.grid.size), reached

    def _accept(self, state: State, dt: float, until: float, extremes: Extremes) -> None:
        self._increments.accept()
        self._modes, self._next = self._next, self._modes
        state.arrays[DENSITY], self._reached = self._reached, state.arrays[DENSITY]
        tick(state, dt, until)
        self._known.keep(extremes, state.arrays[DENSITY])

    def _report(self, state: State) -> None:
        """Warn, once per run, if a cell has become negative."""
        density = state.arrays[DENSITY]
        if self._warned or not density.min() < 0:
            return
        self._warned = True
        cell = np.unravel_index(int(density.argmin()), density.shape)
        warnings.warn(
            f"at t = {state.time:.6g} the density is negative: {density.min():.3g} in cell {[int(i) for i in cell]} "
            "(the series has negative_mass); Spectral does not preserve positivity, use FiniteVolume",
            RuntimeWarning,
            stacklevel=3,
        )

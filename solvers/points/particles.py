"""The flow of N particles: a second method, without a grid for the density, and the reference for particle codes."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from gridflow.arguments import takes_numbers
from gridflow.compute.threads import FEWEST_CELLS_PER_THREAD, available, count
from gridflow.domains.torus import torus
from gridflow.equation.contract import PARTICLES, POSITIONS, WEIGHTS, Representation, State
from gridflow.equation.flow import MASS_TOLERANCE, Flow
from gridflow.errors import InputError, RunError
from gridflow.particles import clouds
from gridflow.particles.mean_field import MeanField
from solvers.stepping import schemes
from solvers.stepping.adaptive import PROPOSAL, adapt, no_step
from solvers.stepping.bounds import tick
from solvers.stepping.known import Known
from solvers.stepping.options import checked_tolerance, real_dtype, restored

ACCURACY = {"float64": 1e-9, "float32": 1e-5}
"""Default accuracy of the transforms."""
FIRST_STEP = 0.05
"""Largest distance a particle may move in the very first step, relative to the shortest wavelength kept."""


@takes_numbers
class Particles:
    """N particles, ``x_i' = −∇V(x_i)`` with ``V = K * (Σ_j w_j δ_{x_j} − ν)`` of their own empirical measure.

    Velocities come from non-uniform FFTs (FINUFFT) on the modes kept. Steps are those of an embedded Runge–Kutta scheme
    that bounds the error of every particle. With growth the masses obey ``w_i' = −β w_i V(x_i)`` and stay positive;
    without it they are constant. Particles do not act on themselves. The result has the same bits for any number of
    threads.

    Parameters
    ----------
    flow
        The equation. Its grid defines the modes of the target, and densities are reported on it.
    positions
        Positions at time 0, shape (N, d) or, in one dimension, (N,); in units of length, wrapped onto the torus.
    weights
        Masses at time 0, shape (N,), ≥ 0. Without growth they must sum to the target's mass. Default: equal.
    modes
        Number of Fourier modes of the potential along each axis, or one number for all. Default: the grid's shape.
    integrator
        ``rk45`` (Dormand–Prince, default) or ``rk23`` (Bogacki–Shampine).
    tolerance
        Estimated error of a step in the position of any particle, relative to the periods; with growth also in the
        logarithm of any mass.
    accuracy
        Relative L² error of the transforms. Default: 1e−9, in single precision 1e−5.
    dtype
        ``float64`` (default) or ``float32``.
    threads
        Number of threads. Default: as many cores as the number of particles justifies.

    Raises
    ------
    InputError
        If an option or the particles are not allowed, or FINUFFT is not installed.
    """

    libraries: tuple[str, ...] = ("finufft",)
    representation = Representation(PARTICLES)

    def __init__(
        self,
        flow: Flow,
        positions: np.ndarray,
        weights: np.ndarray | None = None,
        modes: int | tuple[int, ...] | None = None,
        integrator: str = "rk45",
        tolerance: float = 1e-7,
        accuracy: float | None = None,
        dtype: str | np.dtype | type = "float64",
        threads: int | None = None,
    ) -> None:
        if integrator not in schemes.EMBEDDED:
            raise InputError(f'integrator "{integrator}": allowed are {", ".join(schemes.EMBEDDED)}')
        torus(flow.grid, "Particles")
        self.flow = flow
        self.tolerance = checked_tolerance(tolerance)
        self.dtype = real_dtype(dtype)
        self.accuracy = ACCURACY[self.dtype.name] if accuracy is None else float(accuracy)
        self.threads = count(threads, FEWEST_CELLS_PER_THREAD * available())  # as many as there are
        self._scheme = schemes.EMBEDDED[integrator]
        found = clouds.checked_particles(flow.grid.dim, positions, weights, flow.target_mass)
        self._start = tuple(array.astype(self.dtype) for array in found)
        mass = float(found[1].sum())
        if flow.growth == 0 and abs(mass - flow.target_mass) > MASS_TOLERANCE * flow.target_mass:
            raise InputError(
                f"the particles have mass {mass:.12g} but the target has mass {flow.target_mass:.12g}; without growth "
                "they must agree (scale the weights)"
            )
        kept = None if modes is None else tuple(flow.grid.per_axis(modes))
        self._field = MeanField(flow, len(found[0]), kept, self.accuracy, flow.growth > 0, self.dtype, self.threads)
        stages = len(self._scheme.stages) + 1
        self._speeds = np.zeros((stages, *found[0].shape), self.dtype)
        self._rates = np.zeros((stages, len(found[0])) if flow.growth else (0, 0), self.dtype)
        self._reached = np.zeros_like(self._start[0])
        self._reached_weights = np.zeros_like(self._start[1])
        self._moved, self._term = np.zeros_like(self._reached), np.zeros_like(self._reached)
        self._known: Known[float] = Known()
        self._settings: dict[str, object] = {
            "solver": "Particles",
            "count": len(found[0]),
            "modes": list(self._field.modes.shape),
            "integrator": integrator,
            "tolerance": self.tolerance,
            "accuracy": self.accuracy,
            "dtype": self.dtype.name,
        }

    @staticmethod
    def memory(count: int, modes: tuple[int, ...], dtype: str = "float64", growth: bool = False) -> int:
        """Estimate the bytes of memory of a solver and its state: stages, particles and FINUFFT's fine grids."""
        dim, size = len(modes), np.dtype(dtype).itemsize
        held = count * size * (dim * (7 + 5) + (7 + 3) * growth + dim + 2 + 2 * (dim + 2) + 4)
        return round(held + math.prod(modes) * (8 * 2 * 5 + 2 * size * (2 * 2**dim + 4)))

    def compile(self) -> None:
        """Compile what recognises a known state, the only compiled loop, or load it from the disk cache."""
        self._known.compile(*self._start)

    def settings(self) -> Mapping[str, object]:
        """Return the solver's name and options, which are recorded with a run."""
        return dict(self._settings)

    def initialize(self, initial: np.ndarray | None = None) -> State:
        """Return the state at time 0, with the particles given to the constructor.

        ``initial``, the density that they represent, is only checked and recorded with the run.
        """
        if initial is not None:
            self.flow.check_density(initial, "the initial density")
        return self._begin(State({POSITIONS: self._start[0].copy(), WEIGHTS: self._start[1].copy()}))

    def restore(self, state: State) -> State:
        """Return a state read from a checkpoint in this solver's own buffers; InputError if it does not fit."""
        return self._begin(restored(state, dict(zip((POSITIONS, WEIGHTS), self._start, strict=True))))

    def energy(self, state: State) -> float:
        """Return ½ KMD² of the particles, whose speeds the next step needs too."""
        return self._look(state)

    def on_cells(self, flow: Any, arrays: Mapping[str, np.ndarray]) -> None:
        """None: this method does not advance averages on cells."""

    def density(self, state: State) -> np.ndarray:
        """Particles deposited as cell averages on ``flow.grid`` by cloud-in-cell, shape ``grid.shape``."""
        return clouds.deposit(self.flow.grid, state.arrays[POSITIONS], state.arrays[WEIGHTS])

    def fields(self, state: State) -> Mapping[str, np.ndarray]:
        """Return the arrays of a snapshot: positions, weights, and the density as cell averages."""
        return {**state.arrays, "density": self.density(state)}

    def velocity(self, state: State) -> np.ndarray:
        """Velocity −∇V at the particles, shape (N, d), length / time; the solver's own array."""
        self._look(state)
        return self._speeds[0]

    def stable_dt(self, state: State) -> float:
        """Return the step that the error control proposed last."""
        return state.control[PROPOSAL] or self._first_step(state)

    def longest_steps(self, state: State, slowing: np.ndarray, decay_times: np.ndarray) -> None:
        """None: steps follow from the error of each."""

    def diagnose(self, state: State) -> Mapping[str, float]:
        """Return mass, energy and dissipation of the particles, and min and max of their deposit on the grid."""
        energy = self._look(state)
        weights, growth = state.arrays[WEIGHTS].astype(float), self.flow.growth
        loss = float(weights @ np.square(self._speeds[0], dtype=float).sum(axis=1))
        if growth:
            loss += float(weights @ np.square(self._rates[0], dtype=float)) / growth
        density = self.density(state)
        return {
            "mass": float(weights.sum()),
            "min": float(density.min()),
            "max": float(density.max()),
            "energy": energy,
            "dissipation": loss,
        }

    def step(self, state: State, until: float) -> None:
        """Advance the state in place by one step, which ends at ``until`` at the latest and then exactly there.

        Raises
        ------
        InputError
            If ``until`` is not later than the time of the state.
        RunError
            If a position is no longer finite, or if no step, however short, meets the tolerance.
        """
        self._look(state)
        dt = adapt(
            state, until, self.stable_dt(state), lambda dt: self._attempt(state, dt), self._scheme, self.tolerance
        )
        if dt is None:
            raise no_step(state, self.tolerance)
        state.arrays[POSITIONS], self._reached = self._reached, state.arrays[POSITIONS]
        if self.flow.growth:
            state.arrays[WEIGHTS], self._reached_weights = self._reached_weights, state.arrays[WEIGHTS]
        self._keep_as_first(len(self._speeds) - 1)
        tick(state, dt, until)
        self._known.keep(self._field.energy, *state.arrays.values())

    def _begin(self, state: State) -> State:
        state.control = {PROPOSAL: 0.0} | state.control
        self._known.forget()
        return state

    def _look(self, state: State) -> float:
        """Compute the velocities and growth rates of a state, unless they are known already; return the energy."""
        energy = self._known.get(*state.arrays.values())
        if energy is None:
            self._evaluate(0, state.arrays[POSITIONS], state.arrays[WEIGHTS])
            energy = self._field.energy
            self._known.keep(energy, *state.arrays.values())
        return energy

    def _evaluate(self, stage: int, positions: np.ndarray, weights: np.ndarray) -> None:
        if not math.isfinite(float(positions.min()) - float(positions.max())):  # FINUFFT would crash
            raise RunError("a particle's position is not finite; try a smaller tolerance")
        self._field.evaluate(positions, weights)
        self._speeds[stage] = self._field.velocity
        if self.flow.growth:
            assert self._field.potential is not None
            np.multiply(self._field.potential, -self.flow.growth, out=self._rates[stage])

    def _keep_as_first(self, stage: int) -> None:
        self._speeds[0] = self._speeds[stage]
        if self.flow.growth:
            self._rates[0] = self._rates[stage]

    def _first_step(self, state: State) -> float:
        """Return the first step, from the particles' speeds relative to the shortest wave that the potential keeps."""
        self._look(state)
        fastest = float(abs(self._speeds[0]).max())
        shortest = min(length / n for length, n in zip(self.flow.grid.lengths, self._field.modes.shape, strict=True))
        return FIRST_STEP * shortest / fastest if fastest > 0 else math.inf

    def _attempt(self, state: State, dt: float) -> float:
        """Compute a step into ``reached``; return the largest error of a particle in units of the periods."""
        positions, weights = state.arrays[POSITIONS], state.arrays[WEIGHTS]
        lengths = self.flow.grid.lengths
        last = len(self._scheme.stages)
        for stage, row in enumerate(self._scheme.stages, start=1):
            schemes.add_up(row, dt, self._speeds, self._moved, self._term)
            np.add(positions, self._moved, out=self._reached)
            if self.flow.growth:
                self._grow(row, dt, weights)
            if stage == last:
                clouds.wrap(self._reached, lengths, self._term)
            self._evaluate(stage, self._reached, self._reached_weights if self.flow.growth else weights)
        schemes.add_up(self._scheme.error, dt, self._speeds, self._moved, self._term)
        self._moved /= np.array(lengths, self.dtype)
        error = max(float(self._moved.max()), -float(self._moved.min()))
        if self.flow.growth:
            logarithms, term = self._moved[:, 0], self._term[:, 0]
            schemes.add_up(self._scheme.error, dt, self._rates, logarithms, term)
            error = max(error, float(logarithms.max()), -float(logarithms.min()))
        if not math.isfinite(error):
            raise RunError(
                f"at t = {state.time + dt:.10g} a particle's position is not finite; try a smaller tolerance"
            )
        return error

    def _grow(self, row: tuple[float, ...], dt: float, weights: np.ndarray) -> None:
        """Compute the masses at a stage: the initial ones times the exponential of the weighted sum of the rates."""
        logarithms, term = self._moved[:, 0], self._term[:, 0]
        schemes.add_up(row, dt, self._rates, logarithms, term)
        np.exp(logarithms, out=self._reached_weights)
        self._reached_weights *= weights

"""Common base of the finite-volume solvers on the torus: options, states and diagnostics."""

from collections.abc import Mapping

import numpy as np

from gridflow.compute.fft import SerialTransform
from gridflow.compute.threads import count, team
from gridflow.equation.contract import DENSITY, State
from gridflow.equation.flow import Flow
from solvers.finite_volume.exponential import Exponential
from solvers.finite_volume.reconstruction import reconstruction as find_reconstruction
from solvers.finite_volume.semidiscrete import Semidiscrete
from solvers.stepping.bounds import StepBounds
from solvers.stepping.explicit import Explicit
from solvers.stepping.options import checked_cfl, checked_tolerance, given_density, real_dtype, restored
from solvers.stepping.schemes import SSPRungeKutta


class TorusFiniteVolume:
    """Upwind finite volumes for a :class:`gridflow.Flow`, advanced by an explicit scheme.

    Parameters
    ----------
    flow
        The equation.
    extra_arrays
        Further arrays of the state at time 0, by name.
    explicit
        The Runge–Kutta scheme.
    reconstruction, limiter, velocity, integrator, cfl, dtype, tolerance, threads
        See :class:`solvers.FiniteVolume`.

    Raises
    ------
    InputError
        If an option is not allowed.
    """

    libraries: tuple[str, ...] = ()

    def __init__(
        self,
        flow: Flow,
        extra_arrays: Mapping[str, np.ndarray],
        explicit: SSPRungeKutta,
        *,
        reconstruction: str,
        limiter: str,
        velocity: str | None,
        integrator: str,
        cfl: float,
        dtype: str | np.dtype | type,
        tolerance: float,
        threads: int | None,
    ) -> None:
        self.flow = flow
        self.cfl, self.tolerance, self.dtype = checked_cfl(cfl), checked_tolerance(tolerance), real_dtype(dtype)
        self._extra_arrays = extra_arrays
        scheme = find_reconstruction(reconstruction, limiter)
        wanted = count(threads, flow.grid.size)
        chosen = team(1 if flow.grid.dim == 1 else wanted)
        self._space = Semidiscrete(
            flow,
            scheme,
            velocity or scheme.velocity,
            self.dtype,
            (DENSITY, *extra_arrays),
            SerialTransform(flow.grid, self.dtype, chosen.size),
            chosen,
        )
        self._explicit = Explicit(self._space, explicit, self.cfl, self.tolerance)
        self._integrator: Explicit | Exponential = self._explicit
        self._settings: dict[str, object] = {
            "reconstruction": reconstruction,
            "limiter": limiter if scheme.limited else None,
            "velocity": velocity or scheme.velocity,
            "integrator": integrator,
            "cfl": self.cfl,
            "dtype": self.dtype.name,
            "tolerance": self.tolerance,
        }

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
        """Return the solver's name and options, to be recorded with a run."""
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
            If the density is missing, negative, not finite or does not fit the flow.
        """
        arrays = {DENSITY: given_density(self.flow, initial), **self._extra_arrays}
        return self._begin(State({name: self._own(values) for name, values in arrays.items()}))

    def restore(self, state: State) -> State:
        """Copy a state read from a checkpoint into this solver's own buffers and return it.

        Raises
        ------
        InputError
            If an array is missing or has the wrong shape or type.
        """
        return self._begin(restored(state, self._space.stages[0], self._own))

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

    def diagnose(self, state: State) -> Mapping[str, float]:
        """Return mass, extrema, energy and dissipation; see :class:`gridflow.equation.contract.Solver`.

        With a second density, the mass is ∫ (μ⁺ − μ⁻) dx, and the extrema and the dissipation are those of both
        densities together.
        """
        potential = self._space.potential(state)
        look = self._space.look(state)
        dt = min(self._explicit.longest(look), 1.0)  # so that the change is finite
        found = self._space.totals(look, dt, potential)
        facts = {
            "mass": found.mass,
            "min": found.least,
            "max": found.largest,
            "energy": look.energy,
            "dissipation": -found.work / dt,
        }
        return facts | {name: state.control[name] for name in ("exponential_steps",) if name in state.control}

    def step(self, state: State, until: float) -> None:
        """Advance the state in place by one step; a step that would pass ``until`` ends there exactly.

        Raises
        ------
        RunError
            If a new density is negative or not finite in some cell; the message names the cell and the time.
        """
        self._integrator.advance(state, until)

    def _begin(self, state: State) -> State:
        self._integrator.begin(state)
        return state

    def _own(self, values: np.ndarray) -> np.ndarray:
        field = self._space.transform.field()
        np.add(
            values, 0.0, out=field, casting="same_kind"
        )  # turns −0 into 0, since bits are compared as unsigned integers
        return field

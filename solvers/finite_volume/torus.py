"""What the finite-volume solvers on the torus have in common: options, states, and what they tell of one."""

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
from solvers.stepping.options import checked_cfl, checked_tolerance, fitting, given_density, real_dtype
from solvers.stepping.schemes import SSPRungeKutta


class TorusFiniteVolume:
    """Upwind finite volumes for a :class:`gridflow.Flow`, advanced explicitly; μ and perhaps an array beside it.

    Parameters
    ----------
    flow
        The equation.
    beside
        What the state holds beside μ, by name, at time 0.
    explicit
        The Runge–Kutta scheme.
    reconstruction, limiter, velocity, integrator, cfl, dtype, tolerance, threads
        See :class:`solvers.FiniteVolume`.

    Raises
    ------
    InputError
        If an option is not one of those allowed.
    """

    libraries: tuple[str, ...] = ()

    def __init__(
        self,
        flow: Flow,
        beside: Mapping[str, np.ndarray],
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
        self._beside = beside
        scheme = find_reconstruction(reconstruction, limiter)
        wanted = count(threads, flow.grid.size)
        chosen = team(1 if flow.grid.dim == 1 else wanted)
        self._space = Semidiscrete(
            flow,
            scheme,
            velocity or scheme.velocity,
            self.dtype,
            (DENSITY, *beside),
            SerialTransform(flow.grid, self.dtype, chosen.size),
            chosen,
        )
        self._explicit = Explicit(self._space, explicit, self.cfl, self.tolerance)
        self._integrator: Explicit | Exponential = self._explicit
        self._settings: dict[str, object] = {
            "reconstruction": reconstruction,
            "limiter": limiter if reconstruction == "muscl" else None,
            "velocity": velocity or scheme.velocity,
            "integrator": integrator,
            "cfl": self.cfl,
            "dtype": self.dtype.name,
            "tolerance": self.tolerance,
        }

    @property
    def threads(self) -> int:
        """Threads that the solver uses."""
        return self._space.team.size

    @property
    def redone(self) -> int:
        """Explicit steps that a later stage sent back since this solver was made."""
        return self._explicit.redone

    def compile(self) -> None:
        """Compile every loop certain to be needed, or load it from the disk; a run does so when it needs one."""
        self._space.compile()
        self._integrator.compile()

    def settings(self) -> Mapping[str, object]:
        """Name and options, for the record kept with a run."""
        return dict(self._settings)

    def initialize(self, initial: np.ndarray | None) -> State:
        """A state at time 0 from a density of cell averages; InputError if the flow cannot start from it."""
        arrays = {DENSITY: given_density(self.flow, initial), **self._beside}
        return self._begin(State({name: self._own(values) for name, values in arrays.items()}))

    def restore(self, state: State) -> State:
        """Take over a state read from a checkpoint; InputError if its arrays are not those of this solver."""
        held = fitting(state, self._space.stages[0])
        arrays = {name: self._own(values) for name, values in held.items()}
        return self._begin(State(arrays, state.time, state.step, state.dt, dict(state.control)))

    def density(self, state: State) -> np.ndarray:
        """The state's density μ, or μ⁺ of two, shape ``grid.shape``, the solver's own array."""
        return state.arrays[DENSITY]

    def fields(self, state: State) -> Mapping[str, np.ndarray]:
        """What a snapshot keeps: the arrays of the state, all on the grid."""
        return state.arrays

    def stable_dt(self, state: State) -> float:
        """The longest explicit step: ``cfl`` times the strict bounds, or the accuracy bound if smaller."""
        return self._explicit.longest(self._space.look(state))

    def bounds(self, state: State) -> StepBounds:
        """The bounds on Δt of an explicit step at this state."""
        return self._explicit.bounds(self._space.look(state))

    def longest_steps(self, state: State, slowing: np.ndarray, decay_times: np.ndarray) -> np.ndarray:
        """The steps along a decay; see :meth:`gridflow.equation.contract.Solver.longest_steps`."""
        return self._integrator.longest_steps(self.bounds(state), slowing, decay_times)

    def diagnose(self, state: State) -> Mapping[str, float]:
        """Mass, extrema, energy and dissipation at this state; see :class:`gridflow.equation.contract.Solver`.

        With a second density the mass is ∫ μ⁺ − μ⁻, the extrema are those of both, and so is the dissipation.
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
        """Advance in place by one step, to ``until`` at the farthest and then exactly.

        Raises
        ------
        RunError
            If a density has become infinite, not a number or negative; names the cell and the time.
        """
        self._integrator.advance(state, until)

    def _begin(self, state: State) -> State:
        self._integrator.begin(state)
        return state

    def _own(self, values: np.ndarray) -> np.ndarray:
        field = self._space.transform.field()
        np.add(values, 0.0, out=field, casting="same_kind")  # 0 for −0, whose bits are those of no number ≥ 0
        return field

"""The finite-volume discretisation in space: what the integrators advance in time."""

import math

import numpy as np

from gridflow.compute.fft import SerialTransform, as_planes
from gridflow.compute.threads import Team
from gridflow.equation.contract import DENSITY, TRACER, State, require_sound
from gridflow.equation.flow import Flow
from gridflow.errors import RunError
from solvers.finite_volume.reconstruction import Reconstruction
from solvers.finite_volume.sweeps import Sweeps, Totals
from solvers.finite_volume.velocity import velocity_field
from solvers.stepping.bounds import Look, Noise
from solvers.stepping.known import Known


class Semidiscrete:
    """A flow discretised in space by upwind finite volumes, and the workspace of its right-hand sides.

    Parameters
    ----------
    flow
        The equation.
    scheme, velocity
        Reconstruction of face values, and kind of face velocities.
    dtype
        float64 or float32.
    carries
        Whether a volume fraction χ is advected.
    transform, team
        The FFTs and the threads.

    Attributes
    ----------
    stages
        Two sets of arrays like those of a state, for the stages of a step.
    """

    def __init__(
        self,
        flow: Flow,
        scheme: Reconstruction,
        velocity: str,
        dtype: np.dtype,
        carries: bool,
        transform: SerialTransform,
        team: Team,
    ) -> None:
        self.flow, self.dtype, self.carries, self.transform, self.team = flow, dtype, carries, transform, team
        self.velocity = velocity_field(velocity, flow, dtype, transform, team)
        self.sweeps = Sweeps(
            flow.grid, dtype, scheme, self.velocity, flow.growth, carries, flow.reference,
            transform, team,
        )  # fmt: skip
        names = (DENSITY, TRACER) if carries else (DENSITY,)
        self.stages = [{name: transform.field() for name in names} for _ in range(2)]
        self._known: Known[Look] = Known()
        # Round-off of a few terms must not make a cell negative when a bound is met exactly.
        self._round_off = 1 - 32 * float(np.finfo(dtype).eps)
        self._noise = Noise(flow, self.velocity.divergence(), dtype)

    def compile(self) -> None:
        """Compile all loops of a right-hand side, or load them from the disk cache."""
        field = self.stages[0][DENSITY]
        self.velocity.potential_of(field)
        self.velocity.evaluate(field, measure=True)
        self.sweeps.compile(field)
        self.forget()

    def look_at(self, state: State) -> Look:
        """Compute the velocity of a state and return what bounds its step; cached until the next step."""
        density = state.arrays[DENSITY]
        known = self._known.get(density)
        if known is None:
            known = self.look(state)
            self._known.keep(known, density)
        return known

    def look_before_step(self, state: State) -> Look:
        """Like :meth:`look_at`, for a state that is about to change: nothing is cached."""
        known = self._known.get(state.arrays[DENSITY])
        self.forget()
        return self.look(state) if known is None else known

    def forget(self) -> None:
        """Discard what is known about a state."""
        self._known.forget()

    def look(self, state: State) -> Look:
        """Compute the velocity of a state and return what bounds the step."""
        density = state.arrays[DENSITY]
        energy = self.velocity.evaluate(density, measure=True)
        found = self.sweeps.survey(density)
        self.require_sound(state.arrays, found.fullest, state.time)
        positivity, relaxation = self.strict_bounds(found.rate, found.fullest, state.time)
        if not math.isfinite(energy):
            raise self._overflow(state.time)
        decay_time = self.decay_time(energy, found.decay, found.fullest)
        return Look(positivity, relaxation, decay_time, energy, found.fullest)

    def place(self, arrays: dict[str, np.ndarray], time: float) -> None:  # noqa: ARG002 - others report it
        """Compute the velocity of some arrays, without bounds."""
        self.evaluate(arrays[DENSITY])

    def advance(
        self,
        current: dict[str, np.ndarray],
        old: dict[str, np.ndarray],
        new: dict[str, np.ndarray],
        dt: float,
        blend: float,
    ) -> tuple[float, float]:
        """Write a stage; see :class:`solvers.stepping.explicit.Space`."""
        found = self.sweeps.advance_density(current[DENSITY], old[DENSITY], new[DENSITY], dt, blend)
        if self.carries:
            self.sweeps.advance_tracer(current[TRACER], current[DENSITY], old[TRACER], new[TRACER], dt, blend)
        return found

    def evaluate(self, density: np.ndarray) -> None:
        """Compute the velocity of a density, without bounds."""
        self.forget()
        self.velocity.evaluate(density, measure=False)

    def change(self, density: np.ndarray, dt: float) -> tuple[np.ndarray, float]:
        """Return Δt times the tendency at a density with known velocity, in a stage array; and the loss rate.

        With ``sharp`` and ``weno5`` the tendency depends on Δt through its limiter.
        """
        change = self.stages[1][DENSITY]
        rate, _ = self.sweeps.advance_density(density, density, change, dt, 0.0, change=True)
        return change, rate

    def totals(self, density: np.ndarray, change: np.ndarray, potential: np.ndarray) -> Totals:
        """Sums and extrema; see :meth:`solvers.finite_volume.sweeps.Sweeps.totals`."""
        return self.sweeps.totals(density, change, potential)

    def potential(self, density: np.ndarray) -> np.ndarray:
        """Return V of a density as (planes, rows, numbers), in a buffer of the velocity or a stage array."""
        kept = self.velocity.kept_potential()
        if kept is not None:
            return kept
        values = self.stages[0][DENSITY]
        values[...] = self.velocity.potential_of(density)
        self.forget()
        return values.reshape(as_planes(values.shape))

    def strict_bounds(self, rate: float, fullest: float, time: float) -> tuple[float, float]:
        """Return the positivity and relaxation bounds on Δt, from the largest relative loss rate of a cell."""
        if self.carries:
            rate += self.velocity.local_response * fullest
        if not rate * fullest < float(np.finfo(self.dtype).max):
            raise self._overflow(time)
        stiffness = self.velocity.stiffness
        return (
            self._round_off / rate if rate > 0 else math.inf,
            2 / (fullest * stiffness) if fullest * stiffness > 0 else math.inf,
        )

    def decay_time(self, energy: float, dissipation: float, fullest: float) -> float:
        """E-folding time of the KMD; infinite if only round-off is left to decay."""
        return self._noise.decay_time(energy, dissipation, fullest)

    def require_sound(self, arrays: dict[str, np.ndarray], fullest: float, time: float) -> None:
        """Raise RunError, naming the cell, if the largest density is not a finite number."""
        if not math.isfinite(fullest):
            require_sound(self.flow.grid, arrays[DENSITY], time)

    def _overflow(self, time: float) -> RunError:
        return RunError(f"at t = {time:.10g} the fluxes overflow {self.dtype}; choose other units or float64")

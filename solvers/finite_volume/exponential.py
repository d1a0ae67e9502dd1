"""Exponential Runge–Kutta steps in time, which are not limited by modes that have already decayed."""

from functools import cached_property

import numpy as np

from gridflow.compute.fft import as_planes
from gridflow.equation.contract import DENSITY, TRACER, State, round_off
from gridflow.measures.holes import EDGE
from solvers.finite_volume.semidiscrete import Semidiscrete
from solvers.loops import exponential
from solvers.stepping.adaptive import PROPOSAL, adapt
from solvers.stepping.bounds import StepBounds, fit
from solvers.stepping.explicit import Explicit, accept
from solvers.stepping.increments import Increments, background
from solvers.stepping.known import Known
from solvers.stepping.schemes import RESOLVED_DECAY, ExponentialRungeKutta
from solvers.stepping.space import Evaluated, Look

GAIN, LOSS = 4.0, 2.0
"""Ratios of an exponential step to the explicit one at which to start and to stop taking exponential steps, which cost
twice as much (measured)."""
LONGEST_WAIT = 64
"""Largest number of explicit steps between two attempts."""


class Exponential:
    """Steps of an exponential Runge–Kutta scheme, with explicit steps as a fallback.

    The scheme is linearised about a constant density a. Its linear part is ``−a (λ + β) K̂`` with the symbol λ of the
    scheme's own divergence, so that near a constant density the remainder is of second order. See
    :func:`solvers.stepping.increments.background` for a.

    A step must obey the advective bound in each stage, its estimated error relative to ‖μ − ν‖ in L² must not exceed
    the tolerance, and no cell may become negative. If a step violates one of these conditions, the explicit scheme
    repeats it and also takes the next 1, 2, 4, … steps before another attempt. Unless ``eager``, exponential steps are
    attempted only when the relaxation bound, rather than advection or accuracy, limits the explicit step, and when a
    hole that is carried has been filled: its volume fraction is nowhere above ½. The fraction is 0 from then on.

    Parameters
    ----------
    space
        The discretisation in space to advance.
    explicit
        Explicit scheme for all other steps.
    scheme
        The exponential scheme.
    cfl
        Fraction of the positivity bound to use.
    tolerance
        Error of a step relative to ‖μ − ν‖ in L².
    eager
        Whether to take an exponential step whenever possible.
    """

    def __init__(
        self,
        space: Semidiscrete,
        explicit: Explicit,
        scheme: ExponentialRungeKutta,
        cfl: float,
        tolerance: float,
        eager: bool,
    ) -> None:
        self._space, self._explicit, self._scheme = space, explicit, scheme
        self._cfl, self._tolerance, self._eager = cfl, tolerance, eager
        self._mean = space.flow.target_mass / space.flow.grid.volume
        self._tendency_of: Known[bool] = Known()
        self._shape = as_planes(space.flow.grid.shape)
        self._target = space.flow.target.reshape(self._shape)
        self._rows = np.zeros(self._shape[:2])
        self._terms = np.zeros((space.team.size, 2 * self._shape[2]))

    @staticmethod
    def memory(cells: int, itemsize: int) -> int:
        """Return the bytes held after the first attempt: seven half-spectra, and three φ and ω in double precision."""
        return cells * (7 * itemsize + (3 + 1) * 4)

    def compile(self) -> None:
        """Compile the passes of an exponential step, if such steps are certain to be taken."""
        if self._eager:
            self._increments.compile()

    def begin(self, state: State) -> None:
        """Initialise missing numbers in a state's control, on which the choice of a step depends."""
        fresh = {PROPOSAL: 0.0, "active": 0.0, "wait": 0.0, "patience": 1.0, "exponential_steps": 0.0}
        state.control = fresh | state.control
        self._tendency_of.forget()

    def longest_steps(self, bounds: StepBounds, slowing: np.ndarray, decay_times: np.ndarray) -> np.ndarray:
        """Predict the steps along a decay: exponential where relaxation limits explicit ones to a much shorter Δt."""
        explicit = self._explicit.longest_steps(bounds, slowing, decay_times)
        exponential = bounds.exponential_steps(self._cfl, slowing, decay_times)
        relaxation = self._cfl * bounds.relaxation
        longer = (explicit == relaxation) & (exponential >= GAIN * relaxation)
        return np.where(longer, exponential, explicit)

    def advance(self, state: State, until: float) -> None:
        """Take one step, exponential if worthwhile; a step that would pass ``until`` ends there exactly."""
        look = self._space.look(state)
        at: Evaluated = look
        explicit_dt = self._explicit.longest(look)
        limit = min(self._cfl * look.positivity, RESOLVED_DECAY * look.decay_time)
        if self._is_worthwhile(state.control, look, explicit_dt, limit):
            if self._take(state, look, explicit_dt, limit, until):
                return
            at = self._space.evaluate(state.arrays, state.time)
        self._explicit.step(state, at, fit(explicit_dt, state.time, until), until)

    def _is_worthwhile(self, control: dict[str, float], look: Look, explicit_dt: float, limit: float) -> bool:
        """Return whether to attempt an exponential step, and update the numbers in ``control``."""
        if control["wait"] > 0:
            control["wait"] -= 1
            return False
        if self._eager:
            return True
        if control["active"]:
            worthwhile = min(control[PROPOSAL], limit) >= LOSS * explicit_dt
        else:
            stiff = explicit_dt == self._cfl * look.relaxation  # neither advection nor accuracy allows less
            worthwhile = stiff and limit >= GAIN * explicit_dt and _is_filled(look)
            control[PROPOSAL] = GAIN * explicit_dt
        control["active"] = float(worthwhile)
        return worthwhile

    def _take(self, state: State, look: Look, explicit_dt: float, limit: float, until: float) -> bool:
        """Try to take an exponential step; return whether it was accepted."""
        control = state.control
        wanted = min(control[PROPOSAL] or explicit_dt, limit)
        dt = adapt(
            state, until, wanted, lambda dt: self._attempt(state, look, dt), self._scheme, self._tolerance,
            least=0.0 if self._eager else LOSS * explicit_dt,
        )  # fmt: skip
        if dt is None:
            control |= {"active": 0.0, "wait": control["patience"], PROPOSAL: 0.0}
            control["patience"] = min(2 * control["patience"], LONGEST_WAIT)
            return False
        self._increments.accept()
        if TRACER in state.arrays:
            self._space.stages[0][TRACER].fill(0)
        accept(state, self._space.stages[0], dt, until)
        self._tendency_of.keep(True, state.arrays[DENSITY])
        control["exponential_steps"] += 1
        control["patience"] = 1.0
        return True

    def _attempt(self, state: State, look: Look, dt: float) -> float | None:
        """Compute a step into the first stage array; return the error relative to ‖μ − ν‖, or None if a bound fails."""
        space, increments, density = self._space, self._increments, state.arrays[DENSITY]
        self._have_tendency(look, state.dt or dt)
        increments.begin(background(self._mean, look.max_density), dt)
        stage, last, error = space.stages[0], len(self._scheme.nodes) - 1, 0.0
        for number in range(last + 1):
            increments.stage(number)
            if not self._add_increment(density, stage[DENSITY]):
                return None
            rate = self._transform_tendency(space.evaluate(stage, state.time), dt)
            if number < last:
                if not dt * rate <= 1:
                    return None
                increments.differ(number, 1 / dt)
            else:
                error = increments.conclude(1 / dt)
        size = space.flow.grid.size
        error, distance = (error / size) ** 0.5, self._distance(density)
        noise = round_off(space.dtype) * look.max_density * size**0.5
        return error / (distance + noise / self._tolerance) if error > 0 else 0.0

    def _have_tendency(self, look: Look, dt: float) -> None:
        """Compute the modes of the tendency at the start of the step, unless known from an earlier step or attempt.

        The tendency depends on Δt through the limiter. Here Δt is that of the previous step, so that a resumed run gets
        the same bits.
        """
        density = look.arrays[DENSITY]
        if self._tendency_of.get(density):
            return
        self._transform_tendency(look, dt)
        self._increments.first(1 / dt)
        self._tendency_of.keep(True, density)

    def _transform_tendency(self, at: Evaluated, dt: float) -> float:
        """Write the modes of Δt times the tendency to the workspace; return the largest rate of loss (1 / time)."""
        space, work = self._space, self._increments.work
        change, rate = space.change(at, dt)
        space.transform.forward(change, work)
        if not space.flow.growth:
            work.modes[(0,) * space.flow.grid.dim] = 0  # conserve mass exactly: this mode is round-off
        return rate

    def _add_increment(self, density: np.ndarray, stage: np.ndarray) -> bool:
        """Add an increment to the density to get a stage; return whether all cells are ≥ 0."""
        space, work = self._space, self._increments.work
        space.transform.backward(work)
        shape, scale = self._shape, space.dtype.type(1 / space.flow.grid.size)
        space.team.share(
            shape[0],
            lambda lo, hi, _: exponential.add()(
                lo, hi, density.reshape(shape), work.lines, scale, stage.reshape(shape), self._rows
            ),
        )
        return not self._rows.any()

    def _distance(self, density: np.ndarray) -> float:
        """Return (Σ (μ − ν)²)^½ over the cells."""
        shape = self._shape
        self._space.team.share(
            shape[0],
            lambda lo, hi, thread: exponential.squared_distance()(
                lo, hi, density.reshape(shape), self._target, self._terms[thread], self._rows
            ),
        )
        return float(self._rows.sum()) ** 0.5

    @cached_property
    def _increments(self) -> Increments:
        space = self._space
        rates = (space.velocity.divergence() + space.flow.growth) * space.flow.symbol
        return Increments(space.flow.grid, space.dtype, self._scheme, rates, space.transform, space.team)


def _is_filled(look: Look) -> bool:
    """Whether no hole is carried, or none is left."""
    return TRACER not in look.arrays or bool(look.arrays[TRACER].max() <= EDGE)

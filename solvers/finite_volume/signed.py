"""Two measures that one potential moves in opposite senses: networks with output weights of both signs."""

import math
from collections.abc import Mapping

import numpy as np

from gridflow.compute.fft import SerialTransform
from gridflow.compute.threads import count, team
from gridflow.domains.torus import torus
from gridflow.equation.contract import CELLS, DENSITY, NEGATIVE, Representation, State, require_sound
from gridflow.equation.flow import Flow
from gridflow.errors import InputError
from gridflow.files import sha256
from solvers.finite_volume.reconstruction import reconstruction as find_reconstruction
from solvers.finite_volume.semidiscrete import Semidiscrete
from solvers.stepping import schemes
from solvers.stepping.bounds import Look, StepBounds
from solvers.stepping.explicit import Arrays, Explicit
from solvers.stepping.options import checked_cfl, checked_tolerance, fitting, given_density, real_dtype

NAMES = (DENSITY, NEGATIVE)


class SignedFiniteVolume:
    """Finite volumes for two densities, ``∂_t μ± = ±(∇·(μ± ∇V) − β μ± V)`` with ``V = K * (μ⁺ − μ⁻ − ν)``.

    It is the infinite-width limit of a shallow network whose output weights are μ⁺ where positive and μ⁻ where
    negative: a gradient step lowers the loss by moving either along the gradient that it sees. Both are advanced by the
    scheme of :class:`solvers.FiniteVolume`, explicitly; both stay ≥ 0 exactly.

    Parameters
    ----------
    flow
        The equation on the torus, with growth > 0 and a target of either sign.
    negative
        μ⁻ at time 0, cell averages of shape ``grid.shape``, ≥ 0; it may be 0 everywhere.
    reconstruction, limiter, velocity, cfl, dtype, tolerance, threads
        See :class:`solvers.FiniteVolume`.
    integrator
        ``ssprk3``, ``ssprk2`` or ``euler``.

    Raises
    ------
    InputError
        If an option is not allowed, or the flow has no growth: without it μ⁺ and μ⁻ would be charges of fixed mass,
        which this solver is not for.
    """

    libraries: tuple[str, ...] = ()
    representation = Representation(CELLS, signed=True)

    def __init__(
        self,
        flow: Flow,
        negative: np.ndarray,
        reconstruction: str = "sharp",
        limiter: str = "vanleer",
        velocity: str | None = None,
        integrator: str = "ssprk3",
        cfl: float = 0.9,
        dtype: str | np.dtype | type = "float64",
        tolerance: float = 1e-5,
        threads: int | None = None,
    ) -> None:
        if not flow.growth > 0:
            raise InputError(f"growth = {flow.growth}: measures of both signs need growth > 0")
        if integrator not in schemes.EXPLICIT:
            raise InputError(f'integrator "{integrator}": allowed are {", ".join(schemes.EXPLICIT)}')
        torus(flow.grid, "SignedFiniteVolume")
        self.flow = flow
        self.cfl, self.tolerance, self.dtype = checked_cfl(cfl), checked_tolerance(tolerance), real_dtype(dtype)
        self._negative = flow.grid.check_density(negative, "the negative density")
        scheme = find_reconstruction(reconstruction, limiter)
        chosen = team(1 if flow.grid.dim == 1 else count(threads, flow.grid.size))
        spaces = [
            Semidiscrete(
                flow,
                scheme,
                velocity or scheme.velocity,
                self.dtype,
                False,
                SerialTransform(flow.grid, self.dtype, chosen.size),
                chosen,
            )
            for _ in NAMES
        ]
        self._space = _Pair(flow, spaces[0], spaces[1])
        self._explicit = Explicit(self._space, schemes.EXPLICIT[integrator], self.cfl, self.tolerance)
        self._settings: dict[str, object] = {
            "solver": "SignedFiniteVolume",
            "reconstruction": reconstruction,
            "limiter": limiter if reconstruction == "muscl" else None,
            "velocity": velocity or scheme.velocity,
            "integrator": integrator,
            "cfl": self.cfl,
            "dtype": self.dtype.name,
            "tolerance": self.tolerance,
            "negative_sha256": sha256(self._negative),
        }

    def compile(self) -> None:
        """Compile every loop, or load it from the disk."""
        for space in self._space.spaces:
            space.compile()

    def settings(self) -> Mapping[str, object]:
        """Name and options, for the record kept with a run."""
        return dict(self._settings)

    def initialize(self, initial: np.ndarray | None) -> State:
        """A state at time 0 from μ⁺; InputError if the flow cannot start from it."""
        arrays = {DENSITY: given_density(self.flow, initial), NEGATIVE: self._negative}
        return State({name: self._own(values) for name, values in arrays.items()})

    def restore(self, state: State) -> State:
        """Take over a state read from a checkpoint; InputError if its arrays are not those of this solver."""
        held = fitting(state, self._space.stages[0])
        arrays = {name: self._own(values) for name, values in held.items()}
        return State(arrays, state.time, state.step, state.dt, dict(state.control))

    def density(self, state: State) -> np.ndarray:
        """μ⁺, shape ``grid.shape``, the solver's own array."""
        return state.arrays[DENSITY]

    def fields(self, state: State) -> Mapping[str, np.ndarray]:
        """What a snapshot keeps: both densities."""
        return state.arrays

    def stable_dt(self, state: State) -> float:
        """The longest step: ``cfl`` times the strict bounds, or the accuracy bound if smaller."""
        return self.bounds(state).longest(self.cfl)

    def longest_steps(self, state: State, slowing: np.ndarray, decay_times: np.ndarray) -> np.ndarray:
        """The steps along a decay; see :meth:`gridflow.equation.contract.Solver.longest_steps`."""
        return self._explicit.longest_steps(self.bounds(state), slowing, decay_times)

    def bounds(self, state: State) -> StepBounds:
        """The bounds on Δt at this state."""
        return self._explicit.bounds(self._space.look_before_step(state))

    def diagnose(self, state: State) -> Mapping[str, float]:
        """Mass ∫ μ⁺ − μ⁻, extrema of both densities, energy, and the dissipation of both together."""
        look = self._space.look_before_step(state)
        dt = min(self._explicit.longest(look), 1.0)
        mass = work = 0.0
        extrema: list[float] = []
        for sign, name, space in zip((1, -1), NAMES, self._space.spaces, strict=True):
            potential = space.velocity.kept_potential()
            assert potential is not None, "a velocity keeps V under growth"
            change = self._space.stages[1][name]
            space.sweeps.advance_density(state.arrays[name], state.arrays[name], change, dt, 0.0, change=True)
            found = space.totals(state.arrays[name], change, potential)
            mass += sign * found.mass
            work += found.work
            extrema += [found.least, found.largest]
        return {
            "mass": mass,
            "min": min(extrema),
            "max": max(extrema),
            "energy": look.energy,
            "dissipation": -work / dt,
        }

    def step(self, state: State, until: float) -> None:
        """Advance in place by one step, to ``until`` at the farthest and then exactly.

        Raises
        ------
        RunError
            If a density has become infinite, not a number or negative; names the cell and the time.
        """
        self._explicit.advance(state, until)

    def _own(self, values: np.ndarray) -> np.ndarray:
        field = self._space.spaces[0].transform.field()
        np.add(values, 0.0, out=field, casting="same_kind")  # 0 for −0, whose bits are those of no number ≥ 0
        return field


class _Pair:
    """Both densities, each in a space of its own; see :class:`solvers.stepping.explicit.Space`."""

    def __init__(self, flow: Flow, positive: Semidiscrete, negative: Semidiscrete) -> None:
        self._flow = flow
        self.spaces = (positive, negative)
        self.stages = [
            {name: space.stages[number][DENSITY] for name, space in zip(NAMES, self.spaces, strict=True)}
            for number in range(2)
        ]
        self._seen = positive.transform.field()
        self._twice = (2 * flow.target).astype(positive.dtype)

    def look_before_step(self, state: State) -> Look:
        """What bounds the step, with both velocities in place; the mobility is the sum of both densities."""
        arrays = state.arrays
        energy = self._evaluate(arrays, measure=True)
        found = [space.sweeps.survey(arrays[name]) for name, space in zip(NAMES, self.spaces, strict=True)]
        fullest = sum(each.fullest for each in found)
        self.require_sound(arrays, fullest, state.time)
        rate = max(each.rate for each in found)
        positivity, relaxation = self.strict_bounds(rate, fullest, state.time)
        decay_time = self.spaces[0].decay_time(energy, sum(each.decay for each in found), fullest)
        return Look(positivity, relaxation, decay_time, energy, fullest)

    def place(self, arrays: Arrays, time: float) -> None:  # noqa: ARG002 - others report it
        """Have both velocities in place."""
        self._evaluate(arrays, measure=False)

    def advance(self, current: Arrays, old: Arrays, new: Arrays, dt: float, blend: float) -> tuple[float, float]:
        """Write a stage of both; the rate is the larger one, the density the sum of the largest."""
        rates, tops = zip(
            *(
                space.sweeps.advance_density(current[name], old[name], new[name], dt, blend)
                for name, space in zip(NAMES, self.spaces, strict=True)
            ),
            strict=True,
        )
        return max(rates), sum(tops)

    def strict_bounds(self, rate: float, fullest: float, time: float) -> tuple[float, float]:
        """The bounds on Δt by positivity and by relaxation."""
        return self.spaces[0].strict_bounds(rate, fullest, time)

    def require_sound(self, arrays: Arrays, fullest: float, time: float) -> None:
        """RunError, naming the cell, if a density is not a finite number."""
        if not math.isfinite(fullest):
            for name in NAMES:
                require_sound(self._flow.grid, arrays[name], time)

    def _evaluate(self, arrays: Arrays, measure: bool) -> float:
        """V of μ⁺ − μ⁻ for the positive density, and for the negative one that of its mirror image in ν, −V."""
        positive, negative = self.spaces
        for space in self.spaces:
            space.forget()
        np.subtract(arrays[DENSITY], arrays[NEGATIVE], out=self._seen)
        energy = positive.velocity.evaluate(self._seen, measure)
        np.subtract(self._twice, self._seen, out=self._seen)
        negative.velocity.evaluate(self._seen, measure=False)
        return energy

"""Two measures that the same potential moves in opposite directions: networks with output weights of both signs."""

import math
from collections.abc import Mapping

import numpy as np

from gridflow.compute.fft import SerialTransform
from gridflow.compute.threads import count, team
from gridflow.domains.torus import torus
from gridflow.equation.contract import DENSITY, NEGATIVE, State, require_sound
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

    This is the infinite-width limit of a shallow network. Its positive output weights make up μ⁺ and its negative ones
    μ⁻, and a gradient step lowers the loss by moving each along its own gradient. Both are advanced by the explicit
    scheme of :class:`solvers.FiniteVolume`, and both stay ≥ 0 exactly.

    Parameters
    ----------
    flow
        The equation on the torus, with growth > 0 and a target of either sign.
    negative
        Density μ⁻ at time 0 as cell averages of shape ``grid.shape``, ≥ 0; it may vanish everywhere.
    reconstruction, limiter, velocity, cfl, dtype, tolerance, threads
        See :class:`solvers.FiniteVolume`.
    integrator
        ``ssprk3``, ``ssprk2`` or ``euler``.

    Raises
    ------
    InputError
        If an option is not allowed, or if the flow has no growth. Without growth, μ⁺ and μ⁻ would be charges of fixed
        mass, which this solver does not treat.
    """

    libraries: tuple[str, ...] = ()

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
        """Compile all loops, or load them from the disk cache."""
        for space in self._space.spaces:
            space.compile()

    def settings(self) -> Mapping[str, object]:
        """Return the solver's name and options, which are recorded with a run."""
        return dict(self._settings)

    def initialize(self, initial: np.ndarray | None) -> State:
        """Return a state at time 0 from μ⁺ as cell averages; InputError if it does not fit the flow."""
        arrays = {DENSITY: given_density(self.flow, initial), NEGATIVE: self._negative}
        return State({name: self._own(values) for name, values in arrays.items()})

    def restore(self, state: State) -> State:
        """Return a state read from a checkpoint in this solver's own buffers; InputError if it does not fit."""
        held = fitting(state, self._space.stages[0])
        arrays = {name: self._own(values) for name, values in held.items()}
        return State(arrays, state.time, state.step, state.dt, dict(state.control))

    def density(self, state: State) -> np.ndarray:
        """Density μ⁺ as cell averages, shape ``grid.shape``; the solver's own array."""
        return state.arrays[DENSITY]

    def fields(self, state: State) -> Mapping[str, np.ndarray]:
        """Return the arrays of a snapshot: both densities."""
        return state.arrays

    def stable_dt(self, state: State) -> float:
        """Longest step: ``cfl`` times the strict bounds, or the accuracy bound if that is smaller."""
        return self.bounds(state).longest(self.cfl)

    def bounds(self, state: State) -> StepBounds:
        """Return the bounds on Δt at this state."""
        return self._explicit.bounds(self._space.look_before_step(state))

    def diagnose(self, state: State) -> Mapping[str, float]:
        """Return mass ∫ μ⁺ − μ⁻, extrema of both densities, energy, and the total dissipation of both."""
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
        """Advance the state in place by one step, which ends at ``until`` at the latest and then exactly there.

        Raises
        ------
        RunError
            If a density has become infinite, NaN or negative; the message names the cell and the time.
        """
        self._explicit.advance(state, until)

    def _own(self, values: np.ndarray) -> np.ndarray:
        field = self._space.spaces[0].transform.field()
        np.add(values, 0.0, out=field, casting="same_kind")  # turns −0 into 0: the loops compare values ≥ 0 by bits
        return field


class _Pair:
    """Both densities, each in its own space; see :class:`solvers.stepping.explicit.Space`."""

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
        """Compute both velocities and return what bounds the step; the mobility is the sum of both densities."""
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
        """Compute both velocities."""
        self._evaluate(arrays, measure=False)

    def advance(self, current: Arrays, old: Arrays, new: Arrays, dt: float, blend: float) -> tuple[float, float]:
        """Write a stage of both; return the larger loss rate, and the sum of the two maxima."""
        rates, tops = zip(
            *(
                space.sweeps.advance_density(current[name], old[name], new[name], dt, blend)
                for name, space in zip(NAMES, self.spaces, strict=True)
            ),
            strict=True,
        )
        return max(rates), sum(tops)

    def strict_bounds(self, rate: float, fullest: float, time: float) -> tuple[float, float]:
        """Return the positivity and relaxation bounds on Δt."""
        return self.spaces[0].strict_bounds(rate, fullest, time)

    def require_sound(self, arrays: Arrays, fullest: float, time: float) -> None:
        """Raise RunError, naming the cell, if a density is not a finite number."""
        if not math.isfinite(fullest):
            for name in NAMES:
                require_sound(self._flow.grid, arrays[name], time)

    def _evaluate(self, arrays: Arrays, measure: bool) -> float:
        """Compute V of μ⁺ − μ⁻ for the positive density and, by mirroring in ν, −V for the negative one."""
        positive, negative = self.spaces
        for space in self.spaces:
            space.forget()
        np.subtract(arrays[DENSITY], arrays[NEGATIVE], out=self._seen)
        energy = positive.velocity.evaluate(self._seen, measure)
        np.subtract(self._twice, self._seen, out=self._seen)
        negative.velocity.evaluate(self._seen, measure=False)
        return energy

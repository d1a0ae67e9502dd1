"""The positive, mass-conserving finite-volume solver."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from gridflow import timestep
from gridflow.errors import InputError, RunError
from gridflow.flow import Flow
from gridflow.grid import Grid
from gridflow.solver import State, require_sound
from solvers import stencils
from solvers.reconstruction import reconstruction as find_reconstruction
from solvers.stencils import along, flat
from solvers.velocity import velocity_field

DENSITY = "density"
TRACER = "tracer"


@dataclass(frozen=True)
class StepBounds:
    """The bounds on Δt at one state.

    Attributes
    ----------
    positivity
        No cell loses more than it holds.
    relaxation
        A forward Euler step does not raise the energy: 2 / (max μ · max_ξ (λ + β) K̂).
    accuracy
        The decay of the KMD is right to the tolerance per e-folding.
    """

    positivity: float
    relaxation: float
    accuracy: float

    @property
    def strict(self) -> float:
        """What positivity and stability require of every stage."""
        return min(self.positivity, self.relaxation)


class FiniteVolume:
    """Upwind finite volumes with SSP Runge–Kutta steps for a :class:`gridflow.Flow`.

    Per stage: the face velocity from FFTs, upwind fluxes of reconstructed face values, and the update
    ``μ − Δt·out + Δt·in``. Mass is conserved to round-off and μ ≥ 0 exactly; with ``velocity="difference"`` the
    discrete energy never rises. All of it holds because Δt obeys two bounds in every stage: that no cell loses more
    than it holds, and the relaxation bound 2 / (max μ · max_ξ (λ + β) K̂). A step whose later stage breaks a bound is
    redone smaller.

    Parameters
    ----------
    flow
        The equation.
    reconstruction
        ``muscl`` (second order) or ``upwind`` (first order).
    limiter
        Slope limiter of ``muscl``: ``vanleer``, ``minmod``, ``mc`` or ``superbee`` (the sharpest edges, but it steepens
        smooth waves).
    velocity
        ``difference`` (exact energy decay) or ``spectral`` (face averages from Fourier space, d inverse transforms,
        no exact energy identity; exact for smooth data if the kernel's symbol is, as ``Riesz(s, "spectral")``).
    integrator
        ``ssprk3``, ``ssprk2`` or ``euler``. On a 256² hole the third order costs half as much again as the second and
        makes the error of the plateau a hundred times smaller.
    cfl
        Share of the strict bounds to use, in (0, 1].
    dtype
        ``float64`` or ``float32`` for the state and everything that touches it.
    tolerance
        Relative error allowed per e-folding of the KMD by the time scheme: Δt is at most
        ``(tolerance (p+1)!)^{1/p}`` over the present rate of decay, from the leading error term of a scheme of order p.
        It acts late, when no stability bound resolves the decay any more; ``inf`` switches it off.
    tracer
        Volume fraction χ of a hole (see :mod:`gridflow.regions`) to carry along with the flow, shape ``grid.shape``,
        values in [0, 1]; None for no tracer. The hole must be empty of the initial density; ``{χ > ½}`` is where it is
        later. The tracer adds its own outflow bound to the step.

    Raises
    ------
    InputError
        If an option is not one of those allowed.
    """

    def __init__(
        self,
        flow: Flow,
        reconstruction: str = "muscl",
        limiter: str = "vanleer",
        velocity: str = "difference",
        integrator: str = "ssprk3",
        cfl: float = 0.9,
        dtype: str | np.dtype | type = "float64",
        tolerance: float = 1e-5,
        tracer: np.ndarray | None = None,
    ) -> None:
        if not 0 < cfl <= 1:
            raise InputError(f"cfl = {cfl}: it must be in (0, 1]")
        if not tolerance > 0:
            raise InputError(f"tolerance = {tolerance}: it must be positive")
        self.flow = flow
        self.cfl = float(cfl)
        self.tolerance = float(tolerance)
        self.dtype = _real_dtype(dtype)
        self.redone = 0
        """Steps that a later stage sent back since this solver was made."""
        self._scheme = timestep.scheme(integrator)
        self._reconstruction = find_reconstruction(reconstruction, flow.grid, self.dtype, limiter)
        self._settings: dict[str, object] = {
            "solver": "FiniteVolume",
            "reconstruction": reconstruction,
            "limiter": limiter if reconstruction == "muscl" else None,
            "velocity": velocity,
            "integrator": integrator,
            "cfl": self.cfl,
            "dtype": self.dtype.name,
            "tolerance": self.tolerance,
        }
        self._velocity = velocity_field(velocity, flow, self.dtype)
        self._tracer = None if tracer is None else _fraction(flow.grid, tracer)
        self._settings["tracer_sha256"] = None if self._tracer is None else sha256(self._tracer.tobytes()).hexdigest()
        # the tracer first: its stage needs the density of the stage before, which the density's own stage overwrites
        fields = (DENSITY,) if tracer is None else (TRACER, DENSITY)
        self._stage = {name: np.zeros(flow.grid.shape, self.dtype) for name in fields}
        self._outgoing = np.zeros(flow.grid.shape, self.dtype)
        self._incoming = np.zeros(flow.grid.shape, self.dtype)
        self._inverse_spacing = [self.dtype.type(1 / h) for h in flow.grid.spacing]
        # rounding of a few terms must not turn a bound that is met exactly into a negative cell
        self._round_off = 1 - 32 * float(np.finfo(self.dtype).eps)

    @staticmethod
    def arrays_held(dim: int, velocity: str = "difference", tracer: bool = False) -> float:
        """Memory of a solver and its state in full arrays of the working precision."""
        transform, multiplier, state, exchange = 2.0, 0.5, 2.0, 2.0
        kept = 1.0 if velocity == "spectral" else 0.0
        return transform + multiplier + state + exchange + kept + dim + (2.0 if tracer else 0.0)

    def settings(self) -> Mapping[str, object]:
        """Name and options, for the record kept with a run."""
        return dict(self._settings)

    def initialize(self, initial: np.ndarray) -> State:
        """A state at time 0 from a density of cell averages; InputError if the flow cannot start from it."""
        arrays = {DENSITY: self.flow.check_density(initial, "the initial density").astype(self.dtype)}
        if self._tracer is not None:
            arrays[TRACER] = self._tracer.astype(self.dtype)
        return State(arrays)

    def restore(self, state: State) -> State:
        """Take over a state read from a checkpoint; InputError if its arrays are not those of this solver."""
        for name, stage in self._stage.items():
            found = state.arrays.get(name)
            if found is None or found.shape != stage.shape or found.dtype != stage.dtype:
                held = "nothing" if found is None else f"{found.dtype} of shape {found.shape}"
                raise InputError(
                    f"the checkpoint holds {held} as {name}; this solver needs {stage.dtype} of shape {stage.shape}"
                )
        return State({name: state.arrays[name].copy() for name in self._stage}, state.time, state.step, state.dt)

    def density(self, state: State) -> np.ndarray:
        """The state's density, shape ``grid.shape``, the solver's own array."""
        return state.arrays[DENSITY]

    def stable_dt(self, state: State) -> float:
        """The longest step from this state: ``cfl`` times the strict bounds, or the accuracy bound if smaller."""
        return self._choose(self.bounds(state))

    @property
    def face_velocity(self) -> np.ndarray:
        """Velocity on the upper faces of the density looked at last, shape ``(d, *grid.shape)``; the solver's own."""
        return self._velocity.face

    def bounds(self, state: State) -> StepBounds:
        """The bounds on Δt at this state."""
        return self._prepare(self.density(state), state.time)

    def tendency(self, state: State) -> np.ndarray:
        """∂_t μ of the semi-discrete scheme, shape ``grid.shape`` (mass / volume / time)."""
        density = self.density(state)
        bounds = self._prepare(density, state.time)
        self._exchange(DENSITY, state.arrays, self._choose(bounds))
        return self._incoming.astype(float) - self._outgoing

    def dissipation(self, state: State) -> float:
        """−dE/dt = −∫ V ∂_t μ dx of the semi-discrete scheme.

        With the difference velocity this is ``Σ_faces μ_face u² ∏h + β Σ_cells μ V² ∏h`` to round-off, hence ≥ 0.
        """
        rate = self.tendency(state)
        rate *= self.flow.potential(self.density(state))
        return -float(rate.sum()) * self.flow.grid.cell_volume

    def diagnose(self, state: State) -> Mapping[str, float]:
        """Mass, extrema, energy and dissipation at this state; see :class:`gridflow.solver.Solver`."""
        density = self.density(state)
        return {
            "mass": float(density.sum(dtype=float)) * self.flow.grid.cell_volume,
            "min": float(density.min()),
            "max": float(density.max()),
            "energy": self.flow.energy(density),
            "dissipation": self.dissipation(state),
        }

    def step(self, state: State, until: float) -> None:
        """Advance in place by one step, to ``until`` at the farthest and then exactly.

        Raises
        ------
        RunError
            If the density has become infinite, not a number or negative; names the cell and the time.
        """
        bounds = self._prepare(self.density(state), state.time)
        dt = timestep.fit(self._choose(bounds), state.time, until)
        while (allowed := self._attempt(state, dt)) < dt:
            self.redone += 1
            dt = self.cfl * allowed
            self._prepare(self.density(state), state.time)
        require_sound(self.flow.grid, self._stage[DENSITY], state.time + dt)
        for name, stage in self._stage.items():
            state.arrays[name], self._stage[name] = stage, state.arrays[name]
        state.time = until if dt == until - state.time else state.time + dt
        state.step += 1
        state.dt = dt

    def _choose(self, bounds: StepBounds) -> float:
        return min(self.cfl * bounds.strict, bounds.accuracy)

    def _prepare(self, density: np.ndarray, time: float) -> StepBounds:
        """Evaluate the velocity of a density and the bounds it sets."""
        require_sound(self.flow.grid, density, time)
        energy = self._velocity.evaluate(density)
        leaving, entering = self._outgoing, self._incoming
        leaving.fill(0)
        entering.fill(0)
        decay = 0.0
        for axis, inverse in enumerate(self._inverse_spacing):
            decay += stencils.add_rates(
                along(density, axis),
                along(self._velocity.face[axis], axis),
                inverse,
                along(leaving, axis),
                along(entering, axis),
            )
        fullest = float(density.max())
        rate = self._largest_rate(leaving, entering)
        if self._tracer is not None:
            rate += self._velocity.local_response * fullest
        if not (math.isfinite(energy) and rate * fullest < float(np.finfo(self.dtype).max)):
            raise RunError(f"at t = {time:.10g} the fluxes overflow {self.dtype}; choose other units or float64")
        decay *= self.flow.grid.cell_volume
        resolved, stiffness = self._scheme.resolved_decay(self.tolerance), self._velocity.stiffness
        # decay / (2 energy) is the rate at which the KMD falls by transport
        return StepBounds(
            positivity=self._round_off / rate if rate > 0 else math.inf,
            relaxation=2 / (fullest * stiffness) if fullest * stiffness > 0 else math.inf,
            accuracy=resolved * 2 * energy / decay if decay > 0 else math.inf,
        )

    def _largest_rate(self, leaving: np.ndarray, entering: np.ndarray) -> float:
        """Largest share of what it holds that a cell loses per time, reconstruction, tracer and growth counted."""
        weight = self.dtype.type(1 / self._reconstruction.outflow_limit)
        compression = self.dtype.type(0 if self._tracer is None else 1)
        rates = flat(leaving), flat(entering), weight, compression
        if not self.flow.growth:
            return float(stencils.largest_rate(*rates))
        growth = self.dtype.type(self.flow.growth)
        return float(stencils.largest_rate_with_sink(*rates, flat(self._center_potential()), growth))

    def _center_potential(self) -> np.ndarray:
        potential = self._velocity.potential
        assert potential is not None, "a velocity field keeps V under growth"
        return potential

    def _exchange(self, name: str, arrays: Mapping[str, np.ndarray], dt: float) -> None:
        """Fill the rates at which every cell loses and gains what a field holds."""
        values = arrays[name]
        self._reconstruction.exchange(values, self._velocity.face, dt, self._outgoing, self._incoming)
        if name == TRACER:
            self._dilate(values, arrays[DENSITY])
        elif self.flow.growth:
            stencils.add_reaction(
                flat(values),
                flat(self._center_potential()),
                self.dtype.type(self.flow.growth),
                flat(self._outgoing),
                flat(self._incoming),
            )

    def _dilate(self, fraction: np.ndarray, density: np.ndarray) -> None:
        """Add χ (∇·u − Λ μ), the rate at which a carried region's own volume changes, to the tracer's exchange.

        ∇·u is that of the cell's mixture. The part of it that answers to the density on the spot, Λ (μ − ν), jumps at
        the edge of a hole; the empty region inside a cut cell sees μ = 0 there, which subtracting Λ μ restores.
        """
        for axis, inverse in enumerate(self._inverse_spacing):
            stencils.add_dilation(
                along(fraction, axis),
                along(self._velocity.face[axis], axis),
                inverse,
                along(self._outgoing, axis),
                along(self._incoming, axis),
            )
        response = self.dtype.type(self._velocity.local_response)
        stencils.add_product(response, flat(fraction), flat(density), flat(self._outgoing))

    def _attempt(self, state: State, dt: float) -> float:
        """Run all stages into the stage arrays; return dt, or the smaller bound that a stage asked for.

        The velocity of the state's own density must be in place.
        """
        current: Mapping[str, np.ndarray] = state.arrays
        for number, blend in enumerate(self._scheme.blend):
            if number > 0:
                allowed = self._prepare(current[DENSITY], state.time).strict
                if allowed < dt:
                    return allowed
            for name, stage in self._stage.items():
                self._exchange(name, current, dt)
                stencils.advance(
                    flat(stage),
                    flat(state.arrays[name]),
                    flat(current[name]),
                    flat(self._outgoing),
                    flat(self._incoming),
                    self.dtype.type(dt),
                    self.dtype.type(blend),
                )
            current = self._stage
        return dt


def _real_dtype(dtype: str | np.dtype | type) -> np.dtype:
    for allowed in ("float64", "float32"):
        if dtype == allowed or dtype is np.dtype(allowed) or dtype is np.dtype(allowed).type:
            return np.dtype(allowed)
    raise InputError(f"dtype {dtype!r}: allowed are float64 and float32")


def _fraction(grid: Grid, tracer: np.ndarray) -> np.ndarray:
    fraction = np.asarray(grid.check(tracer, "the tracer"), dtype=float)
    if fraction.min() < 0 or fraction.max() > 1:
        raise InputError(
            f"the tracer is a volume fraction in [0, 1]; it has values from {fraction.min()} to {fraction.max()}"
        )
    return fraction

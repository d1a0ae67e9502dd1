"""The positive, mass-conserving finite-volume solver."""

import math
from collections.abc import Mapping, Sequence
from hashlib import sha256

import numpy as np

from gridflow import timestep
from gridflow.errors import InputError, RunError
from gridflow.flow import Flow
from gridflow.grid import Grid
from gridflow.solver import State, require_sound
from gridflow.threads import count, team
from gridflow.timestep import StepBounds
from gridflow.transforms import SerialTransform, as_planes
from solvers.reconstruction import reconstruction as find_reconstruction
from solvers.sweeps import Sweeps
from solvers.velocity import velocity_field

DENSITY = "density"
TRACER = "tracer"


class FiniteVolume:
    """Upwind finite volumes with SSP Runge–Kutta steps for a :class:`gridflow.Flow`.

    Per stage: the velocity from FFTs, fluxes of reconstructed face values, and the update, in one pass over the cells.
    Mass is conserved to round-off and μ ≥ 0 exactly; with ``velocity="difference"`` and ``muscl`` or ``upwind`` the
    discrete energy never rises. All of it holds because Δt obeys two bounds in every stage: that no cell loses more
    than it holds, and the relaxation bound 2 / (max μ · max_ξ (λ + β) K̂). A step whose later stage breaks a bound is
    redone smaller.

    Parameters
    ----------
    flow
        The equation.
    reconstruction
        ``sharp`` (edges of holes stay two cells wide, fifth order where the density is smooth), ``weno5`` (the same
        without what keeps edges sharp), ``muscl`` (second order with a slope limiter) or ``upwind`` (first order).
    limiter
        Slope limiter of ``muscl``: ``vanleer``, ``minmod``, ``mc`` or ``superbee`` (the sharpest edges, but it steepens
        smooth waves).
    velocity
        ``difference`` (exact energy decay) or ``spectral`` (face averages from Fourier space, d inverse transforms,
        no exact energy identity; exact for smooth data if the kernel's symbol is). Default: spectral for ``sharp`` and
        ``weno5``, difference for the others.
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
    threads
        Threads to use; the result has the same bits for any number of them. Default: the environment variable
        ``GRIDFLOW_THREADS``, or else every core that is worth waking on this grid.

    Raises
    ------
    InputError
        If an option is not one of those allowed.
    """

    def __init__(
        self,
        flow: Flow,
        reconstruction: str = "sharp",
        limiter: str = "vanleer",
        velocity: str | None = None,
        integrator: str = "ssprk3",
        cfl: float = 0.9,
        dtype: str | np.dtype | type = "float64",
        tolerance: float = 1e-5,
        tracer: np.ndarray | None = None,
        threads: int | None = None,
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
        scheme = find_reconstruction(reconstruction, limiter)
        reference = flow.target_mass / flow.grid.volume
        if scheme.squares:
            _check_range(reference, self.dtype)
        self._tracer = None if tracer is None else _fraction(flow.grid, tracer)
        wanted = count(threads, flow.grid.size)
        self._team = team(1 if flow.grid.dim == 1 else wanted)
        self._transform = SerialTransform(flow.grid, self.dtype, self._team.size)
        self._velocity = velocity_field(velocity or scheme.velocity, flow, self.dtype, self._transform, self._team)
        self._sweeps = Sweeps(
            flow.grid, self.dtype, scheme, self._velocity, flow.growth, tracer is not None, reference,
            self._transform, self._team,
        )  # fmt: skip
        self._settings: dict[str, object] = {
            "solver": "FiniteVolume",
            "reconstruction": reconstruction,
            "limiter": limiter if reconstruction == "muscl" else None,
            "velocity": velocity or scheme.velocity,
            "integrator": integrator,
            "cfl": self.cfl,
            "dtype": self.dtype.name,
            "tolerance": self.tolerance,
            "tracer_sha256": None if self._tracer is None else sha256(self._tracer.tobytes()).hexdigest(),
        }
        names = (DENSITY,) if tracer is None else (DENSITY, TRACER)
        self._stages = [{name: self._transform.field() for name in names} for _ in range(2)]
        self._looked_at: tuple[np.ndarray, int, StepBounds, float] | None = None
        # rounding of a few terms must not turn a bound that is met exactly into a negative cell
        self._round_off = 1 - 32 * float(np.finfo(self.dtype).eps)

    @staticmethod
    def memory(
        shape: Sequence[int],
        dtype: str = "float64",
        reconstruction: str = "sharp",
        velocity: str | None = None,
        growth: bool = False,
        tracer: bool = False,
        threads: int | None = None,
    ) -> int:
        """Bytes that a solver and its state hold: see docs/scheme.md for what they are spent on."""
        scheme = find_reconstruction(reconstruction, "vanleer")
        cells, size = math.prod(shape), np.dtype(dtype).itemsize
        spectral = (velocity or scheme.velocity) == "spectral"
        spectra = len(shape) + growth if spectral else 1
        fields = 3 * (2 if tracer else 1)
        symbol = 0 if np.dtype(dtype) == np.float64 else 0.5
        padding = 1 + 2 / shape[-1] + 1 / min(shape)
        workers = 1 if len(shape) == 1 else count(threads, cells)
        held = (fields + spectra * padding + symbol) * cells * size
        return round(held) + Sweeps.memory(tuple(shape), size, scheme, workers)

    @property
    def threads(self) -> int:
        """Threads that the solver uses."""
        return self._team.size

    def compile(self) -> None:
        """Compile every loop of a run now, or load it from the disk; a run does so when it first needs one."""
        field = self._stages[0][DENSITY]
        self._velocity.potential_of(field)
        self._velocity.evaluate(field, measure=True)
        self._sweeps.compile(field)
        self._looked_at = None

    def settings(self) -> Mapping[str, object]:
        """Name and options, for the record kept with a run."""
        return dict(self._settings)

    def initialize(self, initial: np.ndarray) -> State:
        """A state at time 0 from a density of cell averages; InputError if the flow cannot start from it."""
        arrays = {DENSITY: self.flow.check_density(initial, "the initial density")}
        if self._tracer is not None:
            arrays[TRACER] = self._tracer
        return State({name: self._own(values) for name, values in arrays.items()})

    def restore(self, state: State) -> State:
        """Take over a state read from a checkpoint; InputError if its arrays are not those of this solver."""
        for name, stage in self._stages[0].items():
            found = state.arrays.get(name)
            if found is None or found.shape != stage.shape or found.dtype != stage.dtype:
                held = "nothing" if found is None else f"{found.dtype} of shape {found.shape}"
                raise InputError(
                    f"the checkpoint holds {held} as {name}; this solver needs {stage.dtype} of shape {stage.shape}"
                )
        arrays = {name: self._own(state.arrays[name]) for name in self._stages[0]}
        return State(arrays, state.time, state.step, state.dt)

    def density(self, state: State) -> np.ndarray:
        """The state's density, shape ``grid.shape``, the solver's own array."""
        return state.arrays[DENSITY]

    def stable_dt(self, state: State) -> float:
        """The longest step from this state: ``cfl`` times the strict bounds, or the accuracy bound if smaller."""
        return self.bounds(state).longest(self.cfl)

    def face_velocity(self, state: State) -> np.ndarray:
        """Velocity on the upper faces, shape ``(d, *grid.shape)`` (length / time); a new array."""
        self._look_at(state)
        return np.stack([self._velocity.face(axis) for axis in range(self.flow.grid.dim)])

    def bounds(self, state: State) -> StepBounds:
        """The bounds on Δt at this state."""
        return self._look_at(state)[0]

    def tendency(self, state: State, dt: float | None = None) -> np.ndarray:
        """∂_t μ of the semi-discrete scheme, shape ``grid.shape`` (mass / volume / time).

        Parameters
        ----------
        dt
            The step whose limiter to use with ``sharp`` and ``weno5`` (it depends on Δt); default the one that
            :meth:`stable_dt` chooses.

        Returns
        -------
        ndarray
            One of the solver's own arrays, valid until the next call.
        """
        if dt is None:
            dt = self.stable_dt(state)
        else:
            self._evaluate(state)
        change, dt = self._change(state, dt)
        np.multiply(change, self.dtype.type(1 / dt), out=change)
        return change

    def euler(self, state: State, dt: float) -> np.ndarray:
        """One right-hand side as a step works it out: velocity, fluxes and ``μ + Δt ∂_t μ``, in one of its own arrays.

        For benchmarks; nothing checks whether the bounds allow such a step.
        """
        self._evaluate(state)
        density, reached = self.density(state), self._stages[1][DENSITY]
        self._sweeps.advance_density(density, density, reached, dt, 0.0)
        return reached

    def dissipation(self, state: State) -> float:
        """−dE/dt = −∫ V ∂_t μ dx of the semi-discrete scheme.

        With the difference velocity and ``muscl`` or ``upwind`` this is ``Σ_faces μ_face u² ∏h + β Σ_cells μ V² ∏h`` to
        round-off, hence ≥ 0.
        """
        return self.diagnose(state)["dissipation"]

    def diagnose(self, state: State) -> Mapping[str, float]:
        """Mass, extrema, energy and dissipation at this state; see :class:`gridflow.solver.Solver`."""
        density, potential = self.density(state), self._velocity.kept_potential()
        if potential is None:
            kept = self._stages[0][DENSITY]
            kept[...] = self._velocity.potential_of(density)
            potential, self._looked_at = kept.reshape(as_planes(kept.shape)), None
        bounds, energy = self._look_at(state)
        change, dt = self._change(state, bounds.longest(self.cfl))
        found = self._sweeps.totals(density, change, potential)
        return {
            "mass": found.mass,
            "min": found.least,
            "max": found.largest,
            "energy": energy,
            "dissipation": -found.work / dt,
        }

    def step(self, state: State, until: float) -> None:
        """Advance in place by one step, to ``until`` at the farthest and then exactly.

        Raises
        ------
        RunError
            If the density has become infinite, not a number or negative; names the cell and the time.
        """
        known = self._known(state)
        bounds, _ = self._find_bounds(state) if known is None else known
        dt = timestep.fit(bounds.longest(self.cfl), state.time, until)
        self._looked_at = None
        while (allowed := self._attempt(state, dt)) < dt:
            self.redone += 1
            dt = self.cfl * allowed
            self._velocity.evaluate(self.density(state), measure=False)
        last = self._stages[(len(self._scheme.blend) - 1) % 2]
        for name, reached in last.items():
            state.arrays[name], last[name] = reached, state.arrays[name]
        state.time = until if dt == until - state.time else state.time + dt
        state.step += 1
        state.dt = dt

    def _own(self, values: np.ndarray) -> np.ndarray:
        field = self._transform.field()
        np.add(values, 0.0, out=field, casting="same_kind")  # 0 for −0, whose bits are those of no number ≥ 0
        return field

    def _look_at(self, state: State) -> tuple[StepBounds, float]:
        """The bounds on the step and the energy of a state, whose velocity then is in place.

        What is known of a state is kept until the next step, so that who looks at it in between costs next to nothing;
        a callback may change the density meanwhile, so its bits are added up again.
        """
        known = self._known(state)
        if known is None:
            density, known = self.density(state), self._find_bounds(state)
            self._looked_at = (density, _fingerprint(density), *known)
        return known

    def _known(self, state: State) -> tuple[StepBounds, float] | None:
        """What the last look found of a state; None if there was none since its density changed."""
        density, known = self.density(state), self._looked_at
        if known is None or known[0] is not density or known[1] != _fingerprint(density):
            return None
        return known[2], known[3]

    def _change(self, state: State, dt: float) -> tuple[np.ndarray, float]:
        """Δt times the tendency at a state whose velocity is in place, and Δt, at most 1 so that it is finite."""
        density, change, dt = self.density(state), self._stages[1][DENSITY], min(dt, 1.0)
        self._sweeps.advance_density(density, density, change, dt, 0.0, change=True)
        return change, dt

    def _evaluate(self, state: State) -> None:
        """Have the velocity of a state in place, without bounds."""
        self._looked_at = None
        self._velocity.evaluate(self.density(state), measure=False)

    def _find_bounds(self, state: State) -> tuple[StepBounds, float]:
        density = self.density(state)
        energy = self._velocity.evaluate(density, measure=True)
        found = self._sweeps.survey(density)
        self._require_sound(density, found.fullest, state.time)
        strict = self._strict_bounds(found.rate, found.fullest, state.time)
        if not math.isfinite(energy):
            raise self._overflow(state.time)
        # decay / (2 energy) is the rate at which the KMD falls by transport
        resolved = self._scheme.resolved_decay(self.tolerance)
        accuracy = resolved * 2 * energy / found.decay if found.decay > 0 else math.inf
        return StepBounds(*strict, accuracy=accuracy), energy

    def _strict_bounds(self, rate: float, fullest: float, time: float) -> tuple[float, float]:
        """The bounds on Δt by positivity and by relaxation."""
        if self._tracer is not None:
            rate += self._velocity.local_response * fullest
        if not rate * fullest < float(np.finfo(self.dtype).max):
            raise self._overflow(time)
        stiffness = self._velocity.stiffness
        return (
            self._round_off / rate if rate > 0 else math.inf,
            2 / (fullest * stiffness) if fullest * stiffness > 0 else math.inf,
        )

    def _overflow(self, time: float) -> RunError:
        return RunError(f"at t = {time:.10g} the fluxes overflow {self.dtype}; choose other units or float64")

    def _require_sound(self, density: np.ndarray, fullest: float, time: float) -> None:
        if not math.isfinite(fullest):
            require_sound(self.flow.grid, density, time)

    def _attempt(self, state: State, dt: float) -> float:
        """Run all stages into the stage arrays; return dt, or the smaller bound that a stage asked for.

        The velocity of the state's own density must be in place.
        """
        current: Mapping[str, np.ndarray] = state.arrays
        fullest = 0.0
        for number, blend in enumerate(self._scheme.blend):
            if number > 0:
                self._velocity.evaluate(current[DENSITY], measure=False)
            stage = self._stages[number % 2]
            rate, new_fullest = self._sweeps.advance_density(
                current[DENSITY], state.arrays[DENSITY], stage[DENSITY], dt, blend
            )
            if number > 0 and (allowed := min(self._strict_bounds(rate, fullest, state.time))) < dt:
                return allowed
            if self._tracer is not None:
                self._sweeps.advance_tracer(
                    current[TRACER], current[DENSITY], state.arrays[TRACER], stage[TRACER], dt, blend
                )
            self._require_sound(stage[DENSITY], new_fullest, state.time + dt)
            current, fullest = stage, new_fullest
        return dt


def _fingerprint(density: np.ndarray) -> int:
    """Sum of the bits of all numbers as whole numbers: another one whenever a single number changes."""
    bits = density.view(f"u{density.itemsize}")
    return int(bits.sum(dtype=bits.dtype))  # in their own type, modulo its range: no buffers for a conversion


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


def _check_range(reference: float, dtype: np.dtype) -> None:
    """InputError if squares of densities leave the range of a precision."""
    limits = np.finfo(dtype)
    if not (float(limits.tiny) < 1e-20 * reference**2 and 1e10 * reference**2 < float(limits.max)):
        raise InputError(
            f"the mean density is {reference:.3g}, whose square is out of the range of {dtype}; "
            'choose other units, float64, or reconstruction = "muscl"'
        )

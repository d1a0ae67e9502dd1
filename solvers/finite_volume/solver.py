"""The positive, mass-conserving finite-volume solver."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from gridflow.compute.fft import SerialTransform
from gridflow.compute.threads import count, team
from gridflow.domains.torus import Grid, torus
from gridflow.equation.contract import CELLS, DENSITY, TRACER, Representation, State
from gridflow.equation.flow import Flow
from gridflow.errors import InputError
from gridflow.files import sha256
from solvers.finite_volume.exponential import Exponential
from solvers.finite_volume.reconstruction import reconstruction as find_reconstruction
from solvers.finite_volume.semidiscrete import Semidiscrete
from solvers.finite_volume.sweeps import Sweeps
from solvers.stepping import schemes
from solvers.stepping.bounds import StepBounds
from solvers.stepping.explicit import Explicit
from solvers.stepping.options import checked_cfl, checked_tolerance, fitting, given_density, real_dtype


class FiniteVolume:
    """Upwind finite volumes for a :class:`gridflow.Flow`.

    Per right-hand side: the velocity from FFTs, fluxes of reconstructed face values, and the update, in one pass over
    the cells. Mass is conserved to round-off and μ ≥ 0 exactly; with ``velocity="difference"`` and ``muscl`` or
    ``upwind`` the discrete energy never rises in explicit steps. All of it holds because Δt obeys two bounds in every
    stage: that no cell loses more than it holds, and the relaxation bound 2 / (max μ · max_ξ (λ + β) K̂). A step whose
    later stage breaks a bound is redone smaller. Exponential steps are free of the relaxation bound; one that makes a
    cell negative or breaks the first bound is redone by explicit ones.

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
        ``auto``: steps of ``ssprk3`` until relaxation, not advection, limits them, then of ``etdrk4`` as long as those
        are longer, so that a time T costs some log T steps; with a tracer, ``ssprk3``. Or one of ``ssprk3``,
        ``ssprk2``, ``euler``, ``etdrk4`` and ``etdrk2``. On a 256² hole the third order costs half as much again as
        the second and makes the error of the plateau a hundred times smaller.
    cfl
        Share of the strict bounds to use, in (0, 1].
    dtype
        ``float64`` or ``float32`` for the state and everything that touches it.
    tolerance
        Relative error allowed per e-folding of the KMD by the time scheme: Δt is at most
        ``(tolerance (p+1)!)^{1/p}`` over the present rate of decay, from the leading error term of a scheme of order p.
        It acts late, when no stability bound resolves the decay any more; ``inf`` switches it off. Of an exponential
        step, the estimated error relative to ‖μ − ν‖ in L².
    tracer
        Volume fraction χ of a hole (see :mod:`gridflow.densities.regions`) to carry along with the flow, shape
        ``grid.shape``, values in [0, 1]; None for no tracer. The hole must be empty of the initial density; ``{χ > ½}``
        is where it is later. The tracer adds its own outflow bound to the step.
    threads
        Threads to use; the result has the same bits for any number of them. Default: the environment variable
        ``GRIDFLOW_THREADS``, or else every core that is worth waking on this grid.

    Raises
    ------
    InputError
        If an option is not one of those allowed.
    """

    libraries: tuple[str, ...] = ()
    representation = Representation(CELLS)

    def __init__(
        self,
        flow: Flow,
        reconstruction: str = "sharp",
        limiter: str = "vanleer",
        velocity: str | None = None,
        integrator: str = schemes.AUTO,
        cfl: float = 0.9,
        dtype: str | np.dtype | type = "float64",
        tolerance: float = 1e-5,
        tracer: np.ndarray | None = None,
        threads: int | None = None,
    ) -> None:
        torus(flow.grid, "FiniteVolume")
        self.flow = flow
        self.cfl, self.tolerance = checked_cfl(cfl), checked_tolerance(tolerance)
        self.dtype = real_dtype(dtype)
        explicit, exponential = schemes.of_integrator(integrator)
        scheme = find_reconstruction(reconstruction, limiter)
        if scheme.squares:
            _check_range(flow.reference, self.dtype)
        self._tracer = None if tracer is None else _fraction(flow.grid, tracer)
        if exponential is not None and tracer is not None:
            if integrator != schemes.AUTO:
                raise InputError(
                    f'integrator "{integrator}" cannot carry a tracer, whose hole it would fill: '
                    f"allowed are {', '.join((schemes.AUTO, *schemes.EXPLICIT))}"
                )
            exponential = None
        wanted = count(threads, flow.grid.size)
        chosen = team(1 if flow.grid.dim == 1 else wanted)
        transform = SerialTransform(flow.grid, self.dtype, chosen.size)
        self._space = Semidiscrete(
            flow, scheme, velocity or scheme.velocity, self.dtype, tracer is not None, transform, chosen
        )
        self._explicit = Explicit(self._space, explicit, self.cfl, self.tolerance)
        self._integrator: Explicit | Exponential = self._explicit
        if exponential is not None:
            self._integrator = Exponential(
                self._space, self._explicit, exponential, self.cfl, self.tolerance, eager=integrator != schemes.AUTO
            )
        self._settings: dict[str, object] = {
            "solver": "FiniteVolume",
            "reconstruction": reconstruction,
            "limiter": limiter if reconstruction == "muscl" else None,
            "velocity": velocity or scheme.velocity,
            "integrator": integrator,
            "cfl": self.cfl,
            "dtype": self.dtype.name,
            "tolerance": self.tolerance,
            "tracer_sha256": None if self._tracer is None else sha256(self._tracer),
        }

    @staticmethod
    def memory(
        shape: Sequence[int],
        dtype: str = "float64",
        reconstruction: str = "sharp",
        velocity: str | None = None,
        growth: bool = False,
        tracer: bool = False,
        threads: int | None = None,
        exponential: bool = False,
    ) -> int:
        """Bytes that a solver and its state hold: see docs/scheme.md for what they are spent on.

        ``exponential`` says whether exponential steps are to be expected.
        """
        scheme = find_reconstruction(reconstruction, "vanleer")
        cells, size = math.prod(shape), np.dtype(dtype).itemsize
        spectral = (velocity or scheme.velocity) == "spectral"
        spectra = len(shape) + growth if spectral else 1
        fields = 3 * (2 if tracer else 1)
        symbol = 0 if np.dtype(dtype) == np.float64 else 0.5
        padding = 1 + 2 / shape[-1] + 1 / min(shape)
        workers = 1 if len(shape) == 1 else count(threads, cells)
        held = (fields + spectra * padding + symbol) * cells * size
        if exponential and not tracer:
            held += Exponential.memory(cells, size)
        return round(held) + Sweeps.memory(tuple(shape), size, scheme, workers)

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
        arrays = {DENSITY: given_density(self.flow, initial)}
        if self._tracer is not None:
            arrays[TRACER] = self._tracer
        return self._begin(State({name: self._own(values) for name, values in arrays.items()}))

    def restore(self, state: State) -> State:
        """Take over a state read from a checkpoint; InputError if its arrays are not those of this solver."""
        held = fitting(state, self._space.stages[0])
        arrays = {name: self._own(values) for name, values in held.items()}
        return self._begin(State(arrays, state.time, state.step, state.dt, dict(state.control)))

    def density(self, state: State) -> np.ndarray:
        """The state's density, shape ``grid.shape``, the solver's own array."""
        return state.arrays[DENSITY]

    def fields(self, state: State) -> Mapping[str, np.ndarray]:
        """What a snapshot keeps: the arrays of the state, all on the grid."""
        return state.arrays

    def stable_dt(self, state: State) -> float:
        """The longest explicit step: ``cfl`` times the strict bounds, or the accuracy bound if smaller."""
        return self._explicit.longest(self._space.look_at(state))

    def longest_steps(self, state: State, slowing: np.ndarray, decay_times: np.ndarray) -> np.ndarray:
        """The steps along a decay; see :meth:`gridflow.equation.contract.Solver.longest_steps`."""
        return self._integrator.longest_steps(self.bounds(state), slowing, decay_times)

    def face_velocity(self, state: State) -> np.ndarray:
        """Velocity on the upper faces, shape ``(d, *grid.shape)`` (length / time); a new array."""
        self._space.look_at(state)
        return np.stack([self._space.velocity.face(axis) for axis in range(self.flow.grid.dim)])

    def bounds(self, state: State) -> StepBounds:
        """The bounds on Δt of an explicit step at this state."""
        return self._explicit.bounds(self._space.look_at(state))

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
            self._space.evaluate(self.density(state))
        dt = min(dt, 1.0)  # so that the change is finite
        change, _ = self._space.change(self.density(state), dt)
        np.multiply(change, self.dtype.type(1 / dt), out=change)
        return change

    def euler(self, state: State, dt: float) -> np.ndarray:
        """One right-hand side as a step works it out: velocity, fluxes and ``μ + Δt ∂_t μ``, in one of its own arrays.

        For benchmarks; nothing checks whether the bounds allow such a step.
        """
        density, reached = self.density(state), self._space.stages[1][DENSITY]
        self._space.evaluate(density)
        self._space.sweeps.advance_density(density, density, reached, dt, 0.0)
        return reached

    def dissipation(self, state: State) -> float:
        """−dE/dt = −∫ V ∂_t μ dx of the semi-discrete scheme.

        With the difference velocity and ``muscl`` or ``upwind`` this is ``Σ_faces μ_face u² ∏h + β Σ_cells μ V² ∏h`` to
        round-off, hence ≥ 0.
        """
        return self.diagnose(state)["dissipation"]

    def diagnose(self, state: State) -> Mapping[str, float]:
        """Mass, extrema, energy and dissipation at this state; see :class:`gridflow.equation.contract.Solver`."""
        space, density = self._space, self.density(state)
        potential = space.potential(density)
        look = space.look_at(state)
        dt = min(self._explicit.longest(look), 1.0)
        change, _ = space.change(density, dt)
        found = space.totals(density, change, potential)
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
            If the density has become infinite, not a number or negative; names the cell and the time.
        """
        self._integrator.advance(state, until)

    def _begin(self, state: State) -> State:
        self._integrator.begin(state)
        return state

    def _own(self, values: np.ndarray) -> np.ndarray:
        field = self._space.transform.field()
        np.add(values, 0.0, out=field, casting="same_kind")  # 0 for −0, whose bits are those of no number ≥ 0
        return field


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

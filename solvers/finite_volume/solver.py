"""The positive, mass-conserving finite-volume solver."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from gridflow.compute.fft import SerialTransform
from gridflow.compute.threads import count, team
from gridflow.domains.torus import Grid, torus
from gridflow.equation.contract import DENSITY, TRACER, State
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

    A right-hand side consists of the velocity from FFTs, fluxes of reconstructed face values, and the update in a
    single pass over the cells. Mass is conserved to round-off, and μ ≥ 0 holds exactly. With ``velocity="difference"``
    and ``muscl`` or ``upwind``, the discrete energy never rises in explicit steps. These properties hold because Δt
    obeys two bounds in every stage: no cell loses more than it holds, and the relaxation bound 2 / (max μ · max_ξ (λ +
    β) K̂). A step whose later stage breaks a bound is repeated with a smaller Δt. Exponential steps are free of the
    relaxation bound. One that breaks the first bound or makes a cell negative is repeated by explicit steps.

    Parameters
    ----------
    flow
        The equation.
    reconstruction
        ``sharp`` (default; edges of holes stay two cells wide, fifth order where the density is smooth), ``weno5`` (the
        same without edge sharpening), ``muscl`` (second order with a slope limiter) or ``upwind`` (first order).
    limiter
        Slope limiter of ``muscl``: ``vanleer``, ``minmod``, ``mc`` or ``superbee`` (the sharpest edges, but it steepens
        smooth waves).
    velocity
        ``difference`` (exact energy decay) or ``spectral`` (face averages from Fourier space, d inverse transforms,
        no exact energy identity; exact for smooth data if the kernel's symbol is). Default: spectral for ``sharp`` and
        ``weno5``, difference for the others.
    integrator
        ``auto`` (default): ``ssprk3`` until relaxation, not advection, limits the steps, then ``etdrk4`` while its
        steps are longer; reaching time T then takes O(log T) steps. With a tracer, always ``ssprk3``. Or one of
        ``ssprk3``, ``ssprk2``, ``euler``, ``etdrk4`` and ``etdrk2``. For a hole on 256² cells, ``ssprk3`` costs 1.5
        times as much as ``ssprk2`` and makes the error of the plateau a hundred times smaller.
    cfl
        Fraction of the strict bounds to use, in (0, 1]. Default: 0.9.
    dtype
        ``float64`` (default) or ``float32``, for the state and all arithmetic on it.
    tolerance
        Relative error of the time integration per e-folding of the KMD. Δt is at most ``(tolerance (p+1)!)^{1/p}``
        divided by the present decay rate, from the leading error term of a scheme of order p. This bound acts at late
        times, when the stability bounds no longer resolve the decay; ``inf`` disables it. For an exponential step it is
        the estimated error relative to ‖μ − ν‖ in L². Default: 1e−5.
    tracer
        Volume fraction χ of a hole (see :mod:`gridflow.densities.regions`) to advect with the flow, shape
        ``grid.shape``, values in [0, 1]. The initial density must vanish in the hole; ``{χ > ½}`` is the hole at later
        times. The tracer adds its own outflow bound on Δt. Default: None.
    threads
        Number of threads; the result has the same bits for any number. Default: the environment variable
        ``GRIDFLOW_THREADS`` or, without it, as many cores as the size of the grid justifies.

    Raises
    ------
    InputError
        If an option is not allowed.
    """

    libraries: tuple[str, ...] = ()

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
        """Estimate the bytes of memory of a solver and its state; docs/scheme.md lists what they are used for.

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
        """Number of threads that the solver uses."""
        return self._space.team.size

    @property
    def redone(self) -> int:
        """Number of explicit steps repeated so far because a later stage broke a bound."""
        return self._explicit.redone

    def compile(self) -> None:
        """Compile all loops that will certainly be needed, or load them from the disk cache."""
        self._space.compile()
        self._integrator.compile()

    def settings(self) -> Mapping[str, object]:
        """Return the solver's name and options, which are recorded with a run."""
        return dict(self._settings)

    def initialize(self, initial: np.ndarray | None) -> State:
        """Return a state at time 0 from cell averages (``grid.shape``); InputError if they do not fit the flow."""
        arrays = {DENSITY: given_density(self.flow, initial)}
        if self._tracer is not None:
            arrays[TRACER] = self._tracer
        return self._begin(State({name: self._own(values) for name, values in arrays.items()}))

    def restore(self, state: State) -> State:
        """Return a state read from a checkpoint in this solver's own buffers; InputError if it does not fit."""
        held = fitting(state, self._space.stages[0])
        arrays = {name: self._own(values) for name, values in held.items()}
        return self._begin(State(arrays, state.time, state.step, state.dt, dict(state.control)))

    def density(self, state: State) -> np.ndarray:
        """Density of the state as cell averages, shape ``grid.shape``; the solver's own array."""
        return state.arrays[DENSITY]

    def fields(self, state: State) -> Mapping[str, np.ndarray]:
        """Return the arrays of a snapshot: those of the state, all on the grid."""
        return state.arrays

    def stable_dt(self, state: State) -> float:
        """Longest explicit step: ``cfl`` times the strict bounds, or the accuracy bound if that is smaller."""
        return self._explicit.longest(self._space.look_at(state))

    def face_velocity(self, state: State) -> np.ndarray:
        """Velocity on the upper faces, shape ``(d, *grid.shape)`` (length / time); a new array."""
        self._space.look_at(state)
        return np.stack([self._space.velocity.face(axis) for axis in range(self.flow.grid.dim)])

    def bounds(self, state: State) -> StepBounds:
        """Return the bounds on Δt of an explicit step at this state."""
        return self._explicit.bounds(self._space.look_at(state))

    def tendency(self, state: State, dt: float | None = None) -> np.ndarray:
        """∂_t μ of the semi-discrete scheme, shape ``grid.shape`` (mass / volume / time).

        Parameters
        ----------
        dt
            Step for the limiter of ``sharp`` and ``weno5``, which depends on Δt. Default: the step chosen by
            :meth:`stable_dt`.

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
        """Evaluate one right-hand side: velocity, fluxes and ``μ + Δt ∂_t μ``, in one of the solver's own arrays.

        For benchmarks; the bounds on Δt are not checked.
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
        """Return mass, extrema, energy and dissipation; see :class:`gridflow.equation.contract.Solver`."""
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
        """Advance the state in place by one step, which ends at ``until`` at the latest and then exactly there.

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
    """Raise InputError if the squares of densities exceed the range of a precision."""
    limits = np.finfo(dtype)
    if not (float(limits.tiny) < 1e-20 * reference**2 and 1e10 * reference**2 < float(limits.max)):
        raise InputError(
            f"the mean density is {reference:.3g}, whose square is out of the range of {dtype}; "
            'choose other units, float64, or reconstruction = "muscl"'
        )

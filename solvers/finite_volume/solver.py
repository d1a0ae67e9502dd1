"""The positive, mass-conserving finite-volume solver."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gridflow.arguments import takes_numbers
from gridflow.compute.fft import SerialTransform
from gridflow.compute.threads import on_torus, team
from gridflow.domains.torus import torus
from gridflow.equation.contract import DENSITY, NEGATIVE, TRACER, State
from gridflow.equation.flow import Flow
from gridflow.errors import InputError
from solvers.finite_volume.base import CellSolver, given_tracer, hash_of, second_density
from solvers.finite_volume.exponential import Exponential
from solvers.finite_volume.reconstruction import reconstruction as find_reconstruction
from solvers.finite_volume.semidiscrete import Semidiscrete
from solvers.finite_volume.sweeps import Sweeps
from solvers.finite_volume.velocity import VELOCITIES
from solvers.stepping import schemes
from solvers.stepping.explicit import Explicit
from solvers.stepping.options import checked_cfl, checked_tolerance, real_dtype


@takes_numbers
class FiniteVolume(CellSolver[Semidiscrete]):
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
        same without edge sharpening), ``muscl`` (second order with a slope limiter) or ``upwind`` (first order). If the
        kernel lets no edge stay a jump, as for s < 1, ``sharp`` sharpens the foot of the front only, and the settings
        have its exponent, ``edge_exponent``; see :meth:`gridflow.equation.kernels.Kernel.edge_exponent`.
    limiter
        Slope limiter of ``muscl``: ``vanleer``, ``minmod``, ``mc`` or ``superbee`` (the sharpest edges, but it steepens
        smooth waves).
    velocity
        ``difference`` (exact energy decay) or ``spectral`` (face averages from Fourier space, d inverse transforms,
        no exact energy identity; exact for smooth data if the kernel's symbol is). Default: spectral for ``sharp`` and
        ``weno5``, difference for the others.
    integrator
        ``auto`` (default): ``ssprk3`` until relaxation, not advection, limits the steps, then ``etdrk4`` while its
        steps are longer; reaching time T then takes O(log T) steps. Not before a hole that is carried has been filled:
        an exponential step would fill it. Or one of
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
        the estimated error relative to ‖μ − ν‖ in L². Default: 1e−5. On fine grids this, not the error in space, is the
        larger one for smooth data: the order in space shows only with a smaller tolerance.
    tracer
        Whether to carry the hole of the start along, as the volume fraction χ of every cell; ``{χ > ½}`` is the hole at
        later times. Default: None, if the start has a hole that is wide enough to be told from noise, where at least
        one cell is empty with all cells within two of it (see :func:`gridflow.measures.holes.hole_fraction`), and the
        integrator can carry it and there is no second density. An array of shape ``grid.shape`` is the fraction itself
        (see :mod:`gridflow.densities.regions`), with values in [0, 1] up to round-off, which is removed; the initial
        density must vanish there. A tracer adds its own outflow bound on Δt.
    threads
        Number of threads; the result has the same bits for any number. Default: the environment variable
        ``GRIDFLOW_THREADS`` or, without it, as many cores as the size of the grid justifies.
    negative
        Second density μ⁻ ≥ 0 at time 0 as cell averages of shape ``grid.shape``, for networks with output weights of
        both signs: ``V = K * (μ⁺ − μ⁻ − ν)``, ``∂_t μ± = ±(∇·(μ± ∇V) − β μ± V)``. This is the infinite-width limit of a
        shallow network, in which gradient descent moves each density along its own gradient. It needs growth; it is
        advanced by explicit steps only, and cannot be combined with a tracer. Default: None.

    Raises
    ------
    InputError
        If an option is not allowed.
    """

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
        tracer: np.ndarray | bool | None = None,
        threads: int | None = None,
        negative: np.ndarray | None = None,
    ) -> None:
        torus(flow.grid, "FiniteVolume")
        self.cfl, self.tolerance, self.dtype = checked_cfl(cfl), checked_tolerance(tolerance), real_dtype(dtype)
        scheme = find_reconstruction(reconstruction, limiter)
        if scheme.squares and flow.reference > 0:
            _check_range(flow.reference, self.dtype)
        carried, carries = given_tracer(flow.grid, tracer)
        if carries and negative is not None:
            raise InputError("a tracer cannot be combined with a negative density")
        second = second_density(flow, negative)
        explicit, exponential = _schemes(integrator, bool(carries), negative is not None)
        if negative is not None or integrator in schemes.EXPONENTIAL:
            carries = False
        team_ = team(on_torus(threads, flow.grid.shape))
        transform = SerialTransform(flow.grid, self.dtype, team_.size)
        kind = velocity or scheme.velocity
        edge = flow.kernel.edge_exponent(flow.grid) if scheme.sharpen else 0.0
        space = Semidiscrete(flow, scheme, kind, edge, self.dtype, (DENSITY, *second), transform, team_)
        settings = {
            "solver": "FiniteVolume",
            "reconstruction": reconstruction,
            "limiter": limiter if scheme.limited else None,
            "velocity": kind,
            "integrator": integrator,
            "cfl": self.cfl,
            "dtype": self.dtype.name,
            "tolerance": self.tolerance,
            "tracer_sha256": hash_of(carried, TRACER),
        }
        if edge > 0:
            settings["edge_exponent"] = edge
        if negative is not None:
            settings["negative_sha256"] = hash_of(second, NEGATIVE)
        steps = Explicit(space, explicit, self.cfl, self.tolerance)
        super().__init__(space, steps, carried | second, carries, settings)
        self._options: dict[str, Any] = {
            "reconstruction": reconstruction,
            "limiter": limiter,
            "velocity": velocity,
            "integrator": integrator,
            "cfl": cfl,
            "dtype": dtype,
            "tolerance": tolerance,
            "threads": threads,
        }
        if exponential is not None:
            self._integrator = Exponential(
                space, self._explicit, exponential, self.cfl, self.tolerance, eager=integrator != schemes.AUTO
            )

    @staticmethod
    def memory(
        shape: Sequence[int],
        dtype: str = "float64",
        reconstruction: str = "sharp",
        velocity: str | None = None,
        growth: bool = False,
        tracer: bool = False,
        threads: int | None = None,
        negative: bool = False,
        exponential: bool = False,
    ) -> int:
        """Estimate the bytes of memory of a solver and its state; docs/scheme.md lists what they are used for.

        ``exponential`` says whether exponential steps are to be expected.
        """
        scheme = find_reconstruction(reconstruction, "vanleer")
        cells, size = math.prod(shape), np.dtype(dtype).itemsize
        spectral = VELOCITIES[velocity or scheme.velocity].spectral
        spectra = len(shape) + growth if spectral else 1
        fields = 3 * (1 + bool(tracer) + bool(negative)) + bool(negative)
        symbol = 0 if np.dtype(dtype) == np.float64 else 0.5
        padding = 1 + 2 / shape[-1] + 1 / min(shape)
        held = (fields + spectra * padding + symbol) * cells * size
        if exponential and not negative:
            held += Exponential.memory(cells, size)
        return round(held) + Sweeps.memory(tuple(shape), size, scheme, on_torus(threads, shape))

    def on_cells(self, flow: Any, arrays: Mapping[str, np.ndarray]) -> "FiniteVolume":
        """Return the same method for a flow on other cells; see :class:`gridflow.equation.contract.Solver`."""
        return FiniteVolume(flow, **self._options, tracer=arrays.get(TRACER, False), negative=arrays.get(NEGATIVE))

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

    def face_velocity(self, state: State) -> np.ndarray:
        """Velocity on the upper faces, shape ``(d, *grid.shape)`` (length / time); a new array."""
        self._space.look(state)
        return np.stack([self._space.velocity.face(axis) for axis in range(self.flow.grid.dim)])

    def tendency(self, state: State, dt: float | None = None) -> np.ndarray:
        """∂_t μ of the semi-discrete scheme, shape ``grid.shape`` (mass / volume / time); ∂_t μ⁺ of two densities.

        Parameters
        ----------
        state
            The state.
        dt
            Step for the limiter of ``sharp`` and ``weno5``, which depends on Δt. Default: the step chosen by
            :meth:`stable_dt`.

        Returns
        -------
        ndarray
            One of the solver's own arrays, valid until the next call.
        """
        look = self._space.look(state)
        dt = min(self._explicit.longest(look) if dt is None else dt, 1.0)  # so that the change is finite
        change, _ = self._space.change(look, dt)
        np.multiply(change, self.dtype.type(1 / dt), out=change)
        return change

    def euler(self, state: State, dt: float) -> np.ndarray:
        """Evaluate one right-hand side: velocity, fluxes and ``μ + Δt ∂_t μ``, in one of the solver's own arrays.

        For benchmarks; the bounds on Δt are not checked. Of two densities, it returns the first.
        """
        reached = self._space.stages[1]
        self._space.advance(self._space.evaluate(state.arrays, state.time), state.arrays, reached, dt, 0.0)
        return reached[DENSITY]

    def dissipation(self, state: State) -> float:
        """−dE/dt = −∫ V ∂_t μ dx of the semi-discrete scheme.

        With the difference velocity and ``muscl`` or ``upwind`` this is ``Σ_faces μ_face u² ∏h + β Σ_cells μ V² ∏h`` to
        round-off, hence ≥ 0.
        """
        return self.diagnose(state)["dissipation"]

    def _first(self, arrays: Mapping[str, np.ndarray]) -> State:
        return State({name: self._own(values) for name, values in arrays.items()})

    def _own(self, values: np.ndarray) -> np.ndarray:
        field = self._space.transform.field()
        np.add(
            values, 0.0, out=field, casting="same_kind"
        )  # turns −0 into 0, since bits are compared as unsigned integers
        return field


def _schemes(
    integrator: str, carries: bool, signed: bool
) -> tuple[schemes.SSPRungeKutta, schemes.ExponentialRungeKutta | None]:
    """Return the explicit and the exponential scheme of an integrator, with a tracer or with a second density."""
    explicit, exponential = schemes.of_integrator(integrator)
    if exponential is not None and integrator != schemes.AUTO and (carries or signed):
        why = "a tracer, whose hole it would fill" if carries else "a second density"
        allowed = ", ".join((schemes.AUTO, *schemes.EXPLICIT))
        raise InputError(f'integrator "{integrator}" cannot carry {why}: allowed are {allowed}')
    return explicit, None if signed else exponential


def _check_range(reference: float, dtype: np.dtype) -> None:
    """Raise InputError if the squares of densities exceed the range of a precision."""
    limits = np.finfo(dtype)
    if not (float(limits.tiny) < 1e-20 * reference**2 and 1e10 * reference**2 < float(limits.max)):
        raise InputError(
            f"the mean density is {reference:.3g}, whose square is out of the range of {dtype}; "
            'choose other units, float64, or reconstruction = "muscl"'
        )

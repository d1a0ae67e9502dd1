"""The positive, mass-conserving finite-volume solver."""

import math
from collections.abc import Sequence

import numpy as np

from gridflow.compute.threads import count
from gridflow.domains.torus import Grid, torus
from gridflow.equation.contract import CELLS, DENSITY, TRACER, Representation, State
from gridflow.equation.flow import Flow
from gridflow.errors import InputError
from gridflow.files import sha256
from solvers.finite_volume.exponential import Exponential
from solvers.finite_volume.reconstruction import reconstruction as find_reconstruction
from solvers.finite_volume.sweeps import Sweeps
from solvers.finite_volume.torus import TorusFiniteVolume
from solvers.finite_volume.velocity import VELOCITIES
from solvers.stepping import schemes
from solvers.stepping.options import real_dtype


class FiniteVolume(TorusFiniteVolume):
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
        explicit, exponential = schemes.of_integrator(integrator)
        if find_reconstruction(reconstruction, limiter).squares:
            _check_range(flow.reference, real_dtype(dtype))
        extra_arrays = {} if tracer is None else {TRACER: _fraction(flow.grid, tracer)}
        if exponential is not None and extra_arrays:
            if integrator != schemes.AUTO:
                raise InputError(
                    f'integrator "{integrator}" cannot carry a tracer, whose hole it would fill: '
                    f"allowed are {', '.join((schemes.AUTO, *schemes.EXPLICIT))}"
                )
            exponential = None
        super().__init__(
            flow, extra_arrays, explicit, reconstruction=reconstruction, limiter=limiter, velocity=velocity,
            integrator=integrator, cfl=cfl, dtype=dtype, tolerance=tolerance, threads=threads,
        )  # fmt: skip
        if exponential is not None:
            self._integrator = Exponential(
                self._space, self._explicit, exponential, self.cfl, self.tolerance, eager=integrator != schemes.AUTO
            )
        hashed = sha256(extra_arrays[TRACER]) if extra_arrays else None
        self._settings = {"solver": "FiniteVolume", **self._settings, "tracer_sha256": hashed}

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
        spectral = VELOCITIES[velocity or scheme.velocity].spectral
        spectra = len(shape) + growth if spectral else 1
        fields = 3 * (2 if tracer else 1)
        symbol = 0 if np.dtype(dtype) == np.float64 else 0.5
        padding = 1 + 2 / shape[-1] + 1 / min(shape)
        workers = 1 if len(shape) == 1 else count(threads, cells)
        held = (fields + spectra * padding + symbol) * cells * size
        if exponential and not tracer:
            held += Exponential.memory(cells, size)
        return round(held) + Sweeps.memory(tuple(shape), size, scheme, workers)

    def face_velocity(self, state: State) -> np.ndarray:
        """Velocity on the upper faces, shape ``(d, *grid.shape)`` (length / time); a new array."""
        self._space.look(state)
        return np.stack([self._space.velocity.face(axis) for axis in range(self.flow.grid.dim)])

    def tendency(self, state: State, dt: float | None = None) -> np.ndarray:
        """∂_t μ of the semi-discrete scheme, shape ``grid.shape`` (mass / volume / time).

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

        For benchmarks; the bounds on Δt are not checked.
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

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
from solvers.stepping import schemes
from solvers.stepping.options import real_dtype


class FiniteVolume(TorusFiniteVolume):
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
        beside = {} if tracer is None else {TRACER: _fraction(flow.grid, tracer)}
        if exponential is not None and beside:
            if integrator != schemes.AUTO:
                raise InputError(
                    f'integrator "{integrator}" cannot carry a tracer, whose hole it would fill: '
                    f"allowed are {', '.join((schemes.AUTO, *schemes.EXPLICIT))}"
                )
            exponential = None
        super().__init__(
            flow, beside, explicit, reconstruction=reconstruction, limiter=limiter, velocity=velocity,
            integrator=integrator, cfl=cfl, dtype=dtype, tolerance=tolerance, threads=threads,
        )  # fmt: skip
        if exponential is not None:
            self._integrator = Exponential(
                self._space, self._explicit, exponential, self.cfl, self.tolerance, eager=integrator != schemes.AUTO
            )
        hashed = sha256(beside[TRACER]) if beside else None
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

    def face_velocity(self, state: State) -> np.ndarray:
        """Velocity on the upper faces, shape ``(d, *grid.shape)`` (length / time); a new array."""
        self._space.look(state)
        return np.stack([self._space.velocity.face(axis) for axis in range(self.flow.grid.dim)])

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
        look = self._space.look(state)
        dt = min(self._explicit.longest(look) if dt is None else dt, 1.0)  # so that the change is finite
        change, _ = self._space.change(look, dt)
        np.multiply(change, self.dtype.type(1 / dt), out=change)
        return change

    def euler(self, state: State, dt: float) -> np.ndarray:
        """One right-hand side as a step works it out: velocity, fluxes and ``μ + Δt ∂_t μ``, in one of its own arrays.

        For benchmarks; nothing checks whether the bounds allow such a step.
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
    """InputError if squares of densities leave the range of a precision."""
    limits = np.finfo(dtype)
    if not (float(limits.tiny) < 1e-20 * reference**2 and 1e10 * reference**2 < float(limits.max)):
        raise InputError(
            f"the mean density is {reference:.3g}, whose square is out of the range of {dtype}; "
            'choose other units, float64, or reconstruction = "muscl"'
        )

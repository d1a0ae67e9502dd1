"""The positive, mass-conserving finite-volume solver on the sphere."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gridflow.arguments import takes_numbers
from gridflow.compute.threads import count
from gridflow.equation.contract import DENSITY, NEGATIVE, TRACER, State
from gridflow.equation.flow import SphereFlow
from gridflow.errors import InputError
from solvers.finite_volume.base import CellSolver, given_tracer, hash_of, second_density
from solvers.finite_volume.reconstruction import reconstruction as find_reconstruction
from solvers.loops import sphere as loops
from solvers.sphere.rings import SphereSpace, joined_cells
from solvers.stepping import schemes
from solvers.stepping.explicit import Explicit
from solvers.stepping.options import checked_cfl, checked_tolerance

POLAR = ("joined", "plain")


@takes_numbers
class SphereFiniteVolume(CellSolver[SphereSpace]):
    """Upwind finite volumes for a :class:`gridflow.equation.flow.SphereFlow`.

    A right-hand side consists of V at the cell centres by a pair of harmonic transforms, face velocities by its
    differences, and fluxes of reconstructed face values, with stencils that reach across the poles. The cells lie on
    Gauss–Legendre latitudes, so V_i is exactly ∂E/∂μ_i divided by the cell's area, and

        ``dE/dt = −Σ_faces μ_face u² · length · distance − β Σ_cells area μ V²``.

    Mass is conserved to round-off and μ ≥ 0 holds exactly, because every stage obeys a bound on Δt from the fluxes: no
    cell loses more than it holds. A step whose later stage breaks the bound is repeated with a smaller Δt.

    Near the poles the cells are so narrow that this would need Δt ~ h². There, neighbours along a ring are joined, by
    twos, fours and so on, into parcels, between which fluxes are computed. Each stage ends by distributing a parcel's
    mass over its cells with a limited slope. Velocities there are interpolated to the face centres, which lie well off
    the midpoints between nodes. The identity above then holds to second order. With ``polar="plain"`` it holds exactly,
    at the price of small steps and of errors next to the poles that do not decrease under refinement.

    Parameters
    ----------
    flow
        The equation.
    limiter
        Slope limiter: ``vanleer``, ``minmod``, ``mc`` or ``superbee`` (the sharpest edges, but it steepens smooth
        waves).
    reconstruction
        ``muscl`` (second order, with the limiter's slopes) or ``upwind`` (first order).
    integrator
        ``ssprk3``, ``ssprk2`` or ``euler``.
    cfl
        Fraction of the strict bounds to use, in (0, 1].
    tolerance
        Relative error of the time integration per e-folding of the KMD; see :class:`solvers.FiniteVolume`.
    polar
        ``joined`` or ``plain``.
    negative
        Second density μ⁻ ≥ 0 at time 0 as cell averages of shape ``grid.shape``, for networks with output weights of
        both signs: ``V = K * (μ⁺ − μ⁻ − ν)``, ``∂_t μ^± = ±(∇·(μ^± ∇V) − β μ^± V)``. It needs growth.
    tracer
        Whether to carry the hole of the start along, or its volume fraction in every cell; see
        :class:`solvers.FiniteVolume`. Default: None, if the start has a hole that is wide enough.
    threads
        Number of threads; the result has the same bits for any number. Default: the environment variable
        ``GRIDFLOW_THREADS`` or, without it, as many cores as the size of the grid justifies.

    Raises
    ------
    InputError
        If an option is not allowed, or ducc0 is not installed.

    References
    ----------
    Zhang, Sorathia, Lyon, Merkin and Wiltberger, J. Comput. Phys. 376 (2019) 276 (averages along rings).
    """

    libraries: tuple[str, ...] = ("ducc0",)

    def __init__(
        self,
        flow: SphereFlow,
        limiter: str = "vanleer",
        reconstruction: str = "muscl",
        integrator: str = "ssprk3",
        cfl: float = 0.9,
        tolerance: float = 1e-5,
        polar: str = "joined",
        negative: np.ndarray | None = None,
        threads: int | None = None,
        tracer: np.ndarray | bool | None = None,
    ) -> None:
        if reconstruction not in ("muscl", "upwind"):
            raise InputError(f'reconstruction "{reconstruction}": on the sphere allowed are muscl, upwind')
        if integrator not in schemes.EXPLICIT:
            raise InputError(f'integrator "{integrator}": on the sphere allowed are {", ".join(schemes.EXPLICIT)}')
        if polar not in POLAR:
            raise InputError(f'polar "{polar}": allowed are {", ".join(POLAR)}')
        if not isinstance(flow, SphereFlow):
            raise InputError(f"SphereFiniteVolume needs a flow on the sphere, not one on {flow.grid}")
        self.cfl, self.tolerance = checked_cfl(cfl), checked_tolerance(tolerance)
        carried, carries = given_tracer(flow.grid, tracer)
        if carries and negative is not None:
            raise InputError("a tracer cannot be combined with a negative density")
        second = second_density(flow, negative)
        joined = joined_cells(flow.grid) if polar == "joined" else np.ones(flow.grid.shape[0], int)
        found = find_reconstruction(reconstruction, limiter)
        space = SphereSpace(flow, found.scheme, joined, (DENSITY, *second), threads)
        settings = {
            "solver": "SphereFiniteVolume",
            "reconstruction": reconstruction,
            "limiter": limiter if found.limited else None,
            "integrator": integrator,
            "cfl": self.cfl,
            "tolerance": self.tolerance,
            "polar": polar,
            "negative_sha256": hash_of(second, NEGATIVE),
            "tracer_sha256": hash_of(carried, TRACER),
        }
        explicit = Explicit(space, schemes.EXPLICIT[integrator], self.cfl, self.tolerance)
        super().__init__(space, explicit, carried | second, False if second else carries, settings)
        self._options: dict[str, Any] = {
            "limiter": limiter,
            "reconstruction": reconstruction,
            "integrator": integrator,
            "cfl": cfl,
            "tolerance": tolerance,
            "polar": polar,
            "threads": threads,
        }

    @staticmethod
    def memory(shape: Sequence[int], negative: bool = False, threads: int | None = None, tracer: bool = False) -> int:
        """Estimate the bytes of memory of a solver and its state: states, stages, tendencies, V and the harmonics."""
        rings, cells = shape
        orders = min(rings, cells // 2)
        harmonics = orders * (2 * rings - orders + 1) // 2
        found = 5 * tracer  # two arrays for the divergence of the velocity, and the points by which a hole is found
        held = (3 * (1 + negative + tracer) + 1 + found) * rings * cells * 8
        lines = count(threads, rings * cells) * loops.LINES * (cells + loops.HALO) * 8
        return held + lines + harmonics * (2 * 16 + 3 * 8) + 2 * 16 * rings * orders

    def on_cells(self, flow: Any, arrays: Mapping[str, np.ndarray]) -> "SphereFiniteVolume":
        """Return the same method for a flow on other cells; see :class:`gridflow.equation.contract.Solver`."""
        tracer = arrays.get(TRACER, False)
        return SphereFiniteVolume(flow, **self._options, tracer=tracer, negative=arrays.get(NEGATIVE))

    def tendency(self, state: State) -> Mapping[str, np.ndarray]:
        """∂_t of every density of the semi-discrete scheme, by name (mass / area / time), shape ``grid.shape``.

        The cells of a parcel have the same value. The arrays are the solver's own, valid until the next call.
        """
        self._space.look(state)
        return self._space.change

    def potential(self, state: State) -> np.ndarray:
        """V at the cells' centres; the solver's own array, valid until the next call of anything."""
        self._space.look(state)
        return self._space.potential

    def diagnose(self, state: State) -> Mapping[str, float]:
        """Return mass, extrema, energy and dissipation; see :class:`gridflow.equation.contract.Solver`.

        With a second density, the mass is ∫ μ⁺ − μ⁻ and the extrema are those of both. The dissipation is
        −Σ area V ∂_t μ: exactly that of the scheme where no cells are joined, and to second order elsewhere.
        """
        look, arrays = self._space.look(state), {name: state.arrays[name] for name in self._space.signs}
        masses = {name: self.flow.grid.integral(array) for name, array in arrays.items()}
        return {
            "mass": masses[DENSITY] - masses.get(NEGATIVE, 0.0),
            "min": min(float(array.min()) for array in arrays.values()),
            "max": max(float(array.max()) for array in arrays.values()),
            "energy": look.energy,
            "dissipation": look.dissipation,
        }

    def _first(self, arrays: Mapping[str, np.ndarray]) -> State:
        """Return the state at time 0, in which joined cells share their mass, as after every stage."""
        return State(self._space.spread({name: self._own(array) for name, array in arrays.items()}))

    def _own(self, values: np.ndarray) -> np.ndarray:
        return np.array(values, float)  # compiled loops tell read-only arrays apart

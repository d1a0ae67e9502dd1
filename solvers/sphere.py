"""The positive, mass-conserving finite-volume solver on the sphere."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from gridflow import timestep
from gridflow.errors import InputError, RunError
from gridflow.flow import SphereFlow
from gridflow.harmonics import SphereTransform
from gridflow.kernels import laplacian_symbol
from gridflow.solver import DENSITY, NEGATIVE, State, require_sound
from gridflow.sphere import SphereGrid
from gridflow.threads import count, team
from gridflow.timestep import StepBounds
from solvers.explicit import accept
from solvers.loops import sphere as loops
from solvers.options import checked_cfl, checked_tolerance, fitting
from solvers.reconstruction import reconstruction as find_reconstruction
from solvers.semidiscrete import Look, Noise, fingerprint

POLAR = ("joined", "plain")
PARCEL_WIDTH = 0.5
"""Least width of a parcel of joined cells as a share of a ring's.

Measured at 128 × 256 on a cap of radius 0.8 over the equator to νt = 2: ¼, ½ and 1 take 39, 36 and 31 steps (481
without joining) and lose 5.6, 5.6 and 7.7 % of the contoured area; on one over a pole they take 79, 51 and 34 steps.
"""
FEWEST_PARCELS = 4
"""Parcels that a ring needs for the stencils not to meet themselves."""


def joined_cells(grid: SphereGrid, width: float = PARCEL_WIDTH) -> np.ndarray:
    """How many neighbours to join in every ring: the least power of two that makes them so wide, as far as it goes."""
    rings, cells = grid.shape
    wide = width * np.pi / rings
    joined = np.ones(rings, int)
    while True:
        narrow = joined * np.sin(grid.colatitudes) * (2 * np.pi / cells) < wide
        narrow &= (cells % (2 * joined) == 0) & (cells // (2 * joined) >= FEWEST_PARCELS)
        if not narrow.any():
            return joined
        joined[narrow] *= 2


def _rings(grid: SphereGrid, joined: np.ndarray) -> loops.Rings:
    """Where cells are joined, velocities are leant to the middles of faces, which near a pole are not between nodes."""
    (rings, cells), theta, edges = grid.shape, grid.colatitudes, grid.edges
    width = 2 * np.pi / cells
    nodes = np.concatenate([[-theta[0]], theta, [2 * np.pi - theta[-1]]])  # with those opposite across the poles
    between, middle = (nodes[1:] + nodes[:-1]) / 2, (edges[1:] + edges[:-1]) / 2
    ring, face = np.arange(rings), np.arange(rings - 1)
    next_ring = nodes[np.where(2 * ring < rings, ring, ring + 2)]
    next_face = np.where(2 * (face + 1) <= rings, face, face + 2)
    polar = joined > 1
    return loops.Rings(
        area=grid.areas[:, 0] / width,
        south=np.sin(edges[1:-1]),
        per_south=1 / np.diff(theta),
        east=np.diff(edges) / width,
        per_east=1 / (np.sin(theta) * width),
        joined=joined,
        lean_south=(polar[1:] | polar[:-1]) * (between[1:-1] - edges[1:-1]) / (between[1:-1] - between[next_face]),
        per_poleward=1 / (nodes[next_face + 1] - nodes[next_face]),
        lean_east=polar * (theta - middle) / (theta - next_ring),
        per_east_poleward=1 / (np.sin(next_ring) * width),
        across=float((theta[1] - theta[0]) / (2 * theta[0])),
    )


@dataclass(frozen=True)
class SphereLook(Look):
    """What a look at a state finds on the sphere.

    Attributes
    ----------
    dissipation
        −Σ area V ∂_t μ over cells and densities.
    """

    dissipation: float


class SphereSpace:
    """A flow on the sphere discretised in space by upwind finite volumes, with its working memory.

    Parameters
    ----------
    flow
        The equation.
    scheme
        The number that the compiled loops know the limiter by.
    joined
        Cells of a parcel in every ring.
    names
        The densities: μ, and perhaps a second one that counts as negative.
    threads
        As the user says.

    Attributes
    ----------
    potential
        V where it was last evaluated.
    change
        ∂_t of every density there.
    stage
        Arrays like those of a state, for the stages of a step.
    """

    def __init__(
        self, flow: SphereFlow, scheme: int, joined: np.ndarray, names: Sequence[str], threads: int | None
    ) -> None:
        grid, limits = flow.grid, np.finfo(float)
        self._flow, self._rings = flow, _rings(grid, joined)
        self.team = team(count(threads, grid.size))
        self._transform = SphereTransform(grid, threads)
        self.potential = np.zeros((0, 0))
        self.stage = {name: np.zeros(grid.shape) for name in names}
        self.change = {name: np.zeros(grid.shape) for name in names}
        vacuum = float(limits.tiny / limits.eps)
        self._steps = {
            name: loops.Step(-1.0 if name == NEGATIVE else 1.0, float(flow.growth), vacuum) for name in names
        }
        self._work = np.zeros((self.team.size, loops.LINES, grid.shape[1] + loops.HALO))
        self._rates, self._tops = np.zeros(grid.shape[0], np.uint64), np.zeros(grid.shape[0], np.uint64)
        self._decay, self._energies = np.zeros(grid.shape[0]), np.zeros(grid.mmax + 1)
        self._tendency, self._advance, self._respond = loops.tendency(scheme), loops.stage(), loops.respond()
        laplacian = laplacian_symbol(grid, "spectral")
        self._noise = Noise(flow, laplacian, np.dtype(float))
        self._stiffness = float(((laplacian + flow.growth) * flow.symbol).max())
        # rounding of sums over a parcel must not turn a bound that is met exactly into a negative cell
        self._round_off = 1 - (32 + 4 * grid.shape[1]) * float(limits.eps)

    def compile(self) -> None:
        """Compile every loop, or load it from the disk, by calling it for no rings."""
        values, work = self.stage[DENSITY], self._work[0]
        self._respond(np.zeros(0), np.zeros(0, complex), np.zeros(0))
        self._tendency(
            0, 0, self._rings, self._steps[DENSITY], work, values, values, values, self._rates, self._tops, self._decay
        )  # fmt: skip
        self._advance(0, 0, self._rings.joined, work, values, values, values, values, 0.0, 0.0, self._tops)

    def evaluate(self, arrays: Mapping[str, np.ndarray], time: float) -> SphereLook:
        """Have V and the tendencies of densities in place and find what bounds the step.

        Raises
        ------
        RunError
            If a density or what follows from it is not finite.
        """
        energy = self._respond_to(arrays)
        rate = fullest = dissipation = 0.0
        for name, density in arrays.items():
            at = self._steps[name], density, self.potential, self.change[name]

            def job(number: int, at: tuple[Any, ...] = at) -> None:
                step, *arrays = at
                self._tendency(
                    *self._part(number), self._rings, step, self._work[number], *arrays,
                    self._rates, self._tops, self._decay,
                )  # fmt: skip

            self.team.run(job)
            top = _largest(self._tops)
            self._require_sound(density, top, time)
            fullest += top
            found = _largest(self._rates)
            if not found * top < float(np.finfo(float).max):
                raise self._overflow(time)
            rate = max(rate, found)
            dissipation += 2 * math.pi / self._flow.grid.shape[1] * float(self._decay.sum())
        if not math.isfinite(energy):
            raise self._overflow(time)
        stiff = fullest * self._stiffness
        return SphereLook(
            positivity=self._round_off / rate if rate > 0 else math.inf,
            relaxation=2 / stiff if stiff > 0 else math.inf,
            decay_time=self._noise.decay_time(energy, dissipation, fullest),
            energy=energy,
            fullest=fullest,
            dissipation=dissipation,
        )

    def advance(
        self, current: Mapping[str, np.ndarray], old: Mapping[str, np.ndarray], dt: float, blend: float, time: float
    ) -> None:
        """Write the stage ``α old + (1 − α) (current + Δt ∂_t)``, the tendencies being those of ``current``.

        Raises
        ------
        RunError
            If it is not finite or negative somewhere; ``time`` is what the message tells.
        """
        for name, reached in self.stage.items():
            arrays = current[name], self.change[name], old[name], reached

            def job(number: int, arrays: tuple[np.ndarray, ...] = arrays) -> None:
                self._advance(
                    *self._part(number), self._rings.joined, self._work[number], *arrays, dt, blend, self._tops
                )  # fmt: skip

            self.team.run(job)
            self._require_sound(reached, _largest(self._tops), time)

    def spread(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """New arrays in which cells that are joined hold the limited slope that a stage would give them."""
        for change in self.change.values():
            change.fill(0)
        self.advance(arrays, arrays, 0.0, 0.0, 0.0)
        return {name: array.copy() for name, array in self.stage.items()}

    def _respond_to(self, arrays: Mapping[str, np.ndarray]) -> float:
        """Work out V of densities; return their energy, the sum over harmonics being that over cells to round-off."""
        deviation = self.change[DENSITY]  # which is worked out next
        np.subtract(arrays[DENSITY], self._flow.target, out=deviation)
        if NEGATIVE in arrays:
            deviation -= arrays[NEGATIVE]
        coefficients = self._transform.analyse(deviation)
        self._respond(self._flow.symbol, coefficients, self._energies)
        self.potential = self._transform.synthesise(coefficients)
        return float(self._energies.sum())

    def _require_sound(self, density: np.ndarray, top: float, time: float) -> None:
        if not math.isfinite(top):
            require_sound(self._flow.grid, density, time)

    @staticmethod
    def _overflow(time: float) -> RunError:
        return RunError(f"at t = {time:.10g} the fluxes overflow float64; choose other units")

    def _part(self, number: int) -> tuple[int, int]:
        rings, size = self._flow.grid.shape[0], self.team.size
        return number * rings // size, (number + 1) * rings // size


def _largest(bits: np.ndarray) -> float:
    """The number behind the largest bits; NaN if a number below 0 or none at all was among them."""
    value = float(bits.max().reshape(1).view(float)[0])
    return value if value >= 0 else math.nan


class SphereFiniteVolume:
    """Upwind finite volumes for a :class:`gridflow.flow.SphereFlow`.

    Per right-hand side: V at the cells' centres by a pair of harmonic transforms, velocities on faces by its
    differences, and fluxes of reconstructed face values, with stencils that reach across the poles. Cells are Gauss'
    latitudes, so V_i is exactly ∂E/∂μ_i over the cell's area, and

        ``dE/dt = −Σ_faces μ_face u² · length · distance − β Σ_cells area μ V²``.

    Mass is conserved to round-off and μ ≥ 0 exactly, because every stage obeys a bound on Δt from the fluxes
    themselves: that no cell loses more than it holds. A step whose later stage breaks a bound is redone smaller.

    Near the poles cells are so narrow that this would need Δt ~ h². There neighbours along a ring are joined, by twos,
    fours and so on, to parcels that are exchanged with as wholes, and each stage ends with the parcel's mass spread
    over its cells by a limited slope. Velocities there are interpolated to the middles of faces, which lie well off the
    middles between nodes. The identity above then holds to second order; ``polar="plain"`` has it exactly and none of
    this, at the price of small steps and of errors in the rings next to the poles that do not fall with the grid.

    Parameters
    ----------
    flow
        The equation.
    limiter
        ``vanleer``, ``minmod``, ``mc`` or ``superbee`` (the sharpest edges, but it steepens smooth waves).
    reconstruction
        ``muscl`` (second order with the limiter's slopes) or ``upwind`` (first order).
    integrator
        ``ssprk3``, ``ssprk2`` or ``euler``.
    cfl
        Share of the strict bounds to use, in (0, 1].
    tolerance
        Relative error allowed per e-folding of the KMD by the time scheme; see :class:`solvers.FiniteVolume`.
    polar
        ``joined`` or ``plain``.
    negative
        Second density μ⁻ ≥ 0 at time 0, cell averages of shape ``grid.shape``, for networks whose output weights have
        both signs: ``V = K * (μ⁺ − μ⁻ − ν)``, ``∂_t μ^± = ±(∇·(μ^± ∇V) − β μ^± V)``. It needs growth. Mass and
        extrema that the solver tells are those of μ⁺, energy and dissipation those of both.
    threads
        Threads to use; the result has the same bits for any number of them. Default: the environment variable
        ``GRIDFLOW_THREADS``, or else every core that is worth waking on this grid.

    Raises
    ------
    InputError
        If an option is not one of those allowed, or ducc0 is not installed.

    References
    ----------
    Zhang, Sorathia, Lyon, Merkin and Wiltberger, J. Comput. Phys. 376 (2019) 276 (averages along rings).
    """

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
    ) -> None:
        if reconstruction not in ("muscl", "upwind"):
            raise InputError(f'reconstruction "{reconstruction}": on the sphere allowed are muscl, upwind')
        if integrator not in timestep.EXPLICIT:
            raise InputError(f'integrator "{integrator}": on the sphere allowed are {", ".join(timestep.EXPLICIT)}')
        if polar not in POLAR:
            raise InputError(f'polar "{polar}": allowed are {", ".join(POLAR)}')
        if negative is not None and not flow.growth:
            raise InputError("a second, negative density needs growth > 0: without it the two never balance")
        self.flow = flow
        self.cfl, self.tolerance = checked_cfl(cfl), checked_tolerance(tolerance)
        self.redone = 0
        self._scheme = timestep.EXPLICIT[integrator]
        self._resolved = self._scheme.resolved_decay(self.tolerance)
        self._starts = {} if negative is None else {NEGATIVE: flow.grid.check_density(negative, "the negative density")}
        joined = joined_cells(flow.grid) if polar == "joined" else np.ones(flow.grid.shape[0], int)
        scheme = find_reconstruction(reconstruction, limiter).scheme
        self._space = SphereSpace(flow, scheme, joined, (DENSITY, *self._starts), threads)
        self._looked_at: tuple[list[tuple[np.ndarray, int]], SphereLook] | None = None
        self._settings: dict[str, object] = {
            "solver": "SphereFiniteVolume",
            "reconstruction": reconstruction,
            "limiter": limiter if reconstruction == "muscl" else None,
            "integrator": integrator,
            "cfl": self.cfl,
            "tolerance": self.tolerance,
            "polar": polar,
            "negative_sha256": None if negative is None else sha256(self._starts[NEGATIVE].tobytes()).hexdigest(),
        }

    @staticmethod
    def memory(shape: Sequence[int], negative: bool = False, threads: int | None = None) -> int:
        """Bytes that a solver and its state hold: states, stages and tendencies, V, and the harmonics."""
        rings, cells = shape
        orders = min(rings, cells // 2)
        harmonics = orders * (2 * rings - orders + 1) // 2
        held = (3 * (2 if negative else 1) + 1) * rings * cells * 8
        lines = count(threads, rings * cells) * loops.LINES * (cells + loops.HALO) * 8
        return held + lines + harmonics * (2 * 16 + 3 * 8) + 2 * 16 * rings * orders

    @property
    def threads(self) -> int:
        """Threads that the solver uses."""
        return self._space.team.size

    def compile(self) -> None:
        """Compile every loop, or load it from the disk; a run does so when it needs one."""
        self._space.compile()

    def settings(self) -> Mapping[str, object]:
        """Name and options, for the record kept with a run."""
        return dict(self._settings)

    def initialize(self, initial: np.ndarray | None) -> State:
        """A state at time 0 from a density of cell averages; InputError if the flow cannot start from it.

        Cells that are joined share their mass from the start as they do after every stage.
        """
        if initial is None:
            raise InputError(f"this solver needs an initial density, cell averages of shape {self.flow.grid.shape}")
        arrays = {DENSITY: self.flow.check_density(initial, "the initial density"), **self._starts}
        self._looked_at = None
        return State(self._space.spread(arrays))

    def restore(self, state: State) -> State:
        """Take over a state read from a checkpoint; InputError if its arrays are not those of this solver."""
        return State(fitting(state, self._space.stage), state.time, state.step, state.dt, dict(state.control))

    def density(self, state: State) -> np.ndarray:
        """The state's density μ⁺, shape ``grid.shape``, the solver's own array."""
        return state.arrays[DENSITY]

    def fields(self, state: State) -> Mapping[str, np.ndarray]:
        """What a snapshot keeps: the arrays of the state, all on the grid."""
        return state.arrays

    def bounds(self, state: State) -> StepBounds:
        """The bounds on Δt at this state."""
        return self._bounds(self._look_at(state))

    def stable_dt(self, state: State) -> float:
        """The longest step: ``cfl`` times the strict bounds, or the accuracy bound if smaller."""
        return self.bounds(state).longest(self.cfl)

    def tendency(self, state: State) -> Mapping[str, np.ndarray]:
        """∂_t of every density of the semi-discrete scheme, by name (mass / volume / time).

        The cells of a parcel share one. The arrays are the solver's own, valid until the next call of anything.
        """
        self._look_at(state)
        return self._space.change

    def potential(self, state: State) -> np.ndarray:
        """V at the cells' centres; the solver's own array, valid until the next call of anything."""
        self._look_at(state)
        return self._space.potential

    def diagnose(self, state: State) -> Mapping[str, float]:
        """Mass and extrema of μ⁺, energy and dissipation; see :class:`gridflow.solver.Solver`.

        The dissipation is −Σ area V ∂_t μ: that of the scheme itself where cells are not joined, and to second order
        where they are.
        """
        look, density = self._look_at(state), self.density(state)
        return {
            "mass": self.flow.grid.integral(density),
            "min": float(density.min()),
            "max": float(density.max()),
            "energy": look.energy,
            "dissipation": look.dissipation,
        }

    def step(self, state: State, until: float) -> None:
        """Advance in place by one step, to ``until`` at the farthest and then exactly.

        Raises
        ------
        RunError
            If the density has become infinite, not a number or negative; names the cell and the time.
        """
        look = self._known(state) or self._space.evaluate(state.arrays, state.time)
        self._looked_at = None
        dt = timestep.fit(self._bounds(look).longest(self.cfl), state.time, until)
        while (allowed := self._attempt(state, dt)) < dt:
            self.redone += 1
            dt = self.cfl * allowed
            self._space.evaluate(state.arrays, state.time)
        accept(state, self._space.stage, dt, until)

    def _attempt(self, state: State, dt: float) -> float:
        """Run all stages, the state's tendency in place; return dt, or the smaller bound that a stage asked for."""
        space, current = self._space, state.arrays
        for number, blend in enumerate(self._scheme.blend):
            if number > 0:
                look = space.evaluate(current, state.time)
                if (allowed := min(look.positivity, look.relaxation)) < dt:
                    return allowed
            space.advance(current, state.arrays, dt, blend, state.time + dt)
            current = space.stage
        return dt

    def _bounds(self, look: SphereLook) -> StepBounds:
        return StepBounds(look.positivity, look.relaxation, accuracy=self._resolved * look.decay_time)

    def _look_at(self, state: State) -> SphereLook:
        """What bounds the step of a state, whose tendency then is in place; kept until the next step."""
        known = self._known(state)
        if known is None:
            known = self._space.evaluate(state.arrays, state.time)
            self._looked_at = [(array, fingerprint(array)) for array in state.arrays.values()], known
        return known

    def _known(self, state: State) -> SphereLook | None:
        """What the last look found; None if a density was changed or replaced since."""
        if self._looked_at is None:
            return None
        arrays, look = state.arrays.values(), self._looked_at[1]
        same = all(a is b and fingerprint(a) == bits for a, (b, bits) in zip(arrays, self._looked_at[0], strict=True))
        return look if same else None

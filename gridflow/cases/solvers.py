"""The tables of a case file that make solvers."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from gridflow.cases.base import Positive, Table
from gridflow.cases.kernels import KernelTable
from gridflow.equation.flow import Equation, Flow, SphereFlow
from gridflow.errors import InputError
from gridflow.networks.measures import network_from_measure
from gridflow.networks.weights import Weights
from gridflow.particles.sampling import sample
from solvers import FiniteVolume, Network, Particles, SignedFiniteVolume, Spectral, SphereFiniteVolume
from solvers.stepping.schemes import AUTO, EXPONENTIAL

AnyOfSolvers = FiniteVolume | SignedFiniteVolume | Spectral | Particles | SphereFiniteVolume | Network


@dataclass(frozen=True, eq=False)
class Start:
    """What a solver starts from.

    Attributes
    ----------
    density
        μ, or μ⁺ where there is a second one.
    negative
        μ⁻, the density of negative output weights, or None.
    tracer
        Volume fraction of a hole to carry along, or None.
    weights
        Of the network that a run began with, or None.
    """

    density: np.ndarray
    negative: np.ndarray | None = None
    tracer: np.ndarray | None = None
    weights: Weights | None = None


def independent_neurons(solver: Table) -> int | None:
    """How many neurons a network has whose directions are drawn independently, else None."""
    return solver.count if isinstance(solver, NetworkTable) and solver.start == "random" else None


def on_torus(flow: Equation[Any], kind: str) -> Flow:
    """The flow, if it is one on a torus; InputError names the kind of solver that needs it."""
    if not isinstance(flow, Flow):
        raise InputError(f'kind = "{kind}" is not for {flow.grid}, where there are sphere and network')
    return flow


def _only_positive(start: Start, kind: str) -> None:
    if start.negative is not None:
        raise InputError(f'kind = "{kind}" has one density; finite_volume, sphere and network take [negative]')


class FiniteVolumeTable(Table):
    """``[solver]`` of kind finite_volume: see :class:`solvers.FiniteVolume`."""

    kind: Literal["finite_volume"] = "finite_volume"
    reconstruction: Literal["sharp", "weno5", "muscl", "upwind"] = "sharp"
    limiter: Literal["vanleer", "minmod", "mc", "superbee"] = "vanleer"
    velocity: Literal["difference", "spectral"] | None = None
    integrator: Literal["auto", "euler", "ssprk2", "ssprk3", "etdrk2", "etdrk4"] = "auto"
    cfl: Annotated[float, Field(gt=0, le=1)] = 0.9
    dtype: Literal["float64", "float32"] = "float64"
    tolerance: Annotated[float, Field(gt=0)] = 1e-5
    tracer: bool = False
    threads: Annotated[int, Field(ge=1)] | None = None

    def build(self, flow: Equation[Any], start: Start) -> FiniteVolume | SignedFiniteVolume:
        """The solver, with a region to carry along or without, or with a second density."""
        options = self.model_dump(exclude={"kind", "tracer"})
        if start.negative is None:
            return FiniteVolume(on_torus(flow, self.kind), **options, tracer=start.tracer)
        if start.tracer is not None:
            raise InputError("tracer = true: none can be carried along by densities of both signs")
        if self.integrator == AUTO:
            del options["integrator"]
        return SignedFiniteVolume(on_torus(flow, self.kind), start.negative, **options)

    def memory(self, shape: list[int], kernel: KernelTable, growth: float) -> int:
        """Bytes that the solver holds."""
        coulomb = kernel.build().is_coulomb
        stiff = self.integrator in EXPONENTIAL or (self.integrator == AUTO and not coulomb)
        options = self.model_dump(include={"dtype", "reconstruction", "velocity", "tracer", "threads"})
        return FiniteVolume.memory(shape, growth=growth > 0, exponential=stiff, **options)


class SpectralTable(Table):
    """``[solver]`` of kind spectral: see :class:`solvers.Spectral`."""

    kind: Literal["spectral"]
    integrator: Literal["etdrk2", "etdrk4"] = "etdrk4"
    cfl: Annotated[float, Field(gt=0, le=1)] = 0.9
    dtype: Literal["float64", "float32"] = "float64"
    tolerance: Annotated[float, Field(gt=0)] = 1e-7
    threads: Annotated[int, Field(ge=1)] | None = None

    tracer: ClassVar[bool] = False

    def build(self, flow: Equation[Any], start: Start) -> Spectral:
        """The solver."""
        _only_positive(start, self.kind)
        return Spectral(on_torus(flow, self.kind), **self.model_dump(exclude={"kind"}))

    def memory(self, shape: list[int], kernel: KernelTable, growth: float) -> int:  # noqa: ARG002 - what does not matter to it
        """Bytes that the solver holds."""
        return Spectral.memory(shape, self.dtype, growth > 0, self.integrator)


class ParticleSolverTable(Table):
    """``[solver]`` of kind particles: a sample of the initial density, see :class:`solvers.Particles`."""

    kind: Literal["particles"]
    count: Annotated[int, Field(ge=1)]
    sampling: Literal["independent", "stratified", "quasi-random"] = "independent"
    weights: Literal["equal", "density"] = "equal"
    seed: Annotated[int, Field(ge=0)] = 0
    modes: int | list[int] | None = None
    integrator: Literal["rk45", "rk23"] = "rk45"
    tolerance: Annotated[float, Field(gt=0)] = 1e-7
    accuracy: Annotated[float, Field(gt=0)] | None = None
    dtype: Literal["float64", "float32"] = "float64"
    threads: Annotated[int, Field(ge=1)] | None = None

    tracer: ClassVar[bool] = False

    def build(self, flow: Equation[Any], start: Start) -> Particles:
        """The solver, with particles sampled from the initial density."""
        _only_positive(start, self.kind)
        flow = on_torus(flow, self.kind)
        drawn = sample(flow.grid, start.density, self.count, self.sampling, self.weights, self.seed)
        options = self.model_dump(exclude={"kind", "count", "sampling", "weights", "seed", "modes"})
        modes = tuple(self.modes) if isinstance(self.modes, list) else self.modes
        return Particles(flow, *drawn, modes=modes, **options)

    def memory(self, shape: list[int], kernel: KernelTable, growth: float) -> int:  # noqa: ARG002 - what does not matter to it
        """Bytes that the solver holds."""
        given = self.modes if self.modes is not None else shape
        modes = (given,) * len(shape) if isinstance(given, int) else tuple(given)
        return Particles.memory(self.count, modes, self.dtype, growth > 0)


class SphereTable(Table):
    """``[solver]`` of kind sphere: see :class:`solvers.SphereFiniteVolume`."""

    kind: Literal["sphere"]
    reconstruction: Literal["muscl", "upwind"] = "muscl"
    limiter: Literal["vanleer", "minmod", "mc", "superbee"] = "vanleer"
    polar: Literal["joined", "plain"] = "joined"
    integrator: Literal["euler", "ssprk2", "ssprk3"] = "ssprk3"
    cfl: Annotated[float, Field(gt=0, le=1)] = 0.9
    tolerance: Annotated[float, Field(gt=0)] = 1e-5
    threads: Annotated[int, Field(ge=1)] | None = None

    tracer: ClassVar[bool] = False

    def build(self, flow: Equation[Any], start: Start) -> SphereFiniteVolume:
        """The solver."""
        if not isinstance(flow, SphereFlow):
            raise InputError(f'kind = "sphere" needs grid.kind = "sphere", not {flow.grid}')
        return SphereFiniteVolume(flow, **self.model_dump(exclude={"kind"}), negative=start.negative)

    def memory(self, shape: list[int], kernel: KernelTable, growth: float) -> int:  # noqa: ARG002 - what does not matter to it
        """Bytes that the solver holds."""
        return SphereFiniteVolume.memory(tuple(shape))


class NetworkTable(Table):
    """``[solver]`` of kind network: one that stands for the initial density, see :class:`solvers.Network`."""

    kind: Literal["network"]
    count: Annotated[int, Field(ge=1)]
    start: Literal["quantile", "quasi-random", "random"] = "quantile"
    balance: float = 0.0
    seed: Annotated[int, Field(ge=0)] = 0
    loss: Literal["population", "empirical"] = "population"
    samples: Annotated[int, Field(ge=1)] | None = None
    batch: Annotated[int, Field(ge=1)] | None = None
    learning_rate: Positive | None = None
    noise: Annotated[float, Field(ge=0)] = 0.0
    integrator: Literal["rk45", "rk23", "euler"] = "rk45"
    tolerance: Annotated[float, Field(gt=0)] = 1e-7
    accuracy: Annotated[float, Field(gt=0)] = 1e-9
    threads: Annotated[int, Field(ge=1)] | None = None

    tracer: ClassVar[bool] = False

    def build(self, flow: Equation[Any], start: Start) -> Network:
        """The solver, with neurons placed for the initial density, or those of the run that goes on."""
        options = self.model_dump(exclude={"kind", "count", "start", "balance"})
        weights = start.weights or network_from_measure(
            flow.grid, start.density, self.count, start.negative, self.balance, self.start, self.seed
        )
        return Network(flow, weights, **options)

    def memory(self, shape: list[int], kernel: KernelTable, growth: float) -> int:  # noqa: ARG002 - what does not matter to it
        """Bytes that the solver holds."""
        return Network.memory(self.count, tuple(shape), self.samples or 0)


AnySolver = Annotated[
    FiniteVolumeTable | SpectralTable | ParticleSolverTable | SphereTable | NetworkTable, Field(discriminator="kind")
]

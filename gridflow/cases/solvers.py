"""The tables of a case file that make solvers."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, get_args

import numpy as np
from pydantic import Field

from gridflow.cases.base import OneOf, Positive, Table, union_of
from gridflow.cases.kernels import KernelTable
from gridflow.domains.base import Domain
from gridflow.equation.flow import Equation, Flow, SphereFlow
from gridflow.errors import InputError
from gridflow.networks.measures import network_from_measure
from gridflow.networks.weights import Weights
from gridflow.particles.sampling import sample
from solvers import FiniteVolume, Network, Particles, SignedFiniteVolume, Spectral, SphereFiniteVolume
from solvers.finite_volume.reconstruction import LIMITERS, RECONSTRUCTIONS
from solvers.finite_volume.velocity import VELOCITIES
from solvers.stepping.schemes import AUTO, EMBEDDED, EXPLICIT, EXPONENTIAL

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


class SolverTable(Table):
    """``[solver]``: a solver by its kind and options. A subclass is found by its ``kind``.

    Attributes
    ----------
    equation
        The equations it solves.
    default
        Whether it is the solver of a case on such a domain that names none.
    takes_negative
        Whether it advances a second density, that of negative output weights.
    of_networks
        Whether it advances the neurons of a network, whose flow has the growth of training.
    """

    equation: ClassVar[type[Equation[Any]]] = Flow
    default: ClassVar[bool] = False
    takes_negative: ClassVar[bool] = False
    of_networks: ClassVar[bool] = False

    @classmethod
    def solves(cls, flow: Equation[Any]) -> bool:
        """Whether the solver is for such an equation."""
        return isinstance(flow, cls.equation)

    @property
    def carries(self) -> bool:
        """Whether a hole is carried along."""
        return False

    @property
    def independent_neurons(self) -> int | None:
        """How many neurons a network has whose directions are drawn independently; None for everything else."""
        return None

    def build(self, flow: Equation[Any], start: Start) -> Any:
        """The solver; InputError if it is not for such a flow or such a start."""
        own = kind_of(type(self))
        if not self.solves(flow):
            others = [kind for kind, table in SOLVERS.items() if table.solves(flow)]
            raise InputError(f'kind = "{own}" is not for {flow.grid}, where there are {" and ".join(others)}')
        if start.negative is not None and not type(self).takes_negative:
            others = [kind for kind, table in SOLVERS.items() if table.takes_negative]
            raise InputError(f'kind = "{own}" has one density; {", ".join(others)} take [negative]')
        return self.make(flow, start)

    def make(self, flow: Any, start: Start) -> Any:
        """The solver, of a flow and a start that it is for."""
        raise NotImplementedError

    def memory(self, shape: list[int], kernel: KernelTable, growth: float) -> int:
        """Bytes that the solver holds, by the numbers of cells, the kernel and the growth."""
        raise NotImplementedError


class FiniteVolumeTable(SolverTable):
    """``[solver]`` of kind finite_volume: see :class:`solvers.FiniteVolume`."""

    default = True
    takes_negative = True

    kind: Literal["finite_volume"] = "finite_volume"
    reconstruction: Annotated[str, OneOf(RECONSTRUCTIONS)] = "sharp"
    limiter: Annotated[str, OneOf(LIMITERS)] = "vanleer"
    velocity: Annotated[str, OneOf(VELOCITIES)] | None = None
    integrator: Annotated[str, OneOf((AUTO, *EXPLICIT, *EXPONENTIAL))] = "auto"
    cfl: Annotated[float, Field(gt=0, le=1)] = 0.9
    dtype: Literal["float64", "float32"] = "float64"
    tolerance: Annotated[float, Field(gt=0)] = 1e-5
    tracer: bool = False
    threads: Annotated[int, Field(ge=1)] | None = None

    @property
    def carries(self) -> bool:
        """Whether a hole is carried along."""
        return self.tracer

    def make(self, flow: Flow, start: Start) -> FiniteVolume | SignedFiniteVolume:
        """The solver, with a hole to carry along or without, or with a second density."""
        options = self.model_dump(exclude={"kind", "tracer"})
        if start.negative is None:
            return FiniteVolume(flow, **options, tracer=start.tracer)
        if start.tracer is not None:
            raise InputError("tracer = true: none can be carried along by densities of both signs")
        if self.integrator == AUTO:
            del options["integrator"]
        return SignedFiniteVolume(flow, start.negative, **options)

    def memory(self, shape: list[int], kernel: KernelTable, growth: float) -> int:
        """Bytes that the solver holds."""
        coulomb = kernel.build().is_coulomb
        stiff = self.integrator in EXPONENTIAL or (self.integrator == AUTO and not coulomb)
        options = self.model_dump(include={"dtype", "reconstruction", "velocity", "tracer", "threads"})
        return FiniteVolume.memory(shape, growth=growth > 0, exponential=stiff, **options)


class SpectralTable(SolverTable):
    """``[solver]`` of kind spectral: see :class:`solvers.Spectral`."""

    kind: Literal["spectral"]
    integrator: Annotated[str, OneOf(EXPONENTIAL)] = "etdrk4"
    cfl: Annotated[float, Field(gt=0, le=1)] = 0.9
    dtype: Literal["float64", "float32"] = "float64"
    tolerance: Annotated[float, Field(gt=0)] = 1e-7
    threads: Annotated[int, Field(ge=1)] | None = None

    def make(self, flow: Flow, start: Start) -> Spectral:  # noqa: ARG002 - it needs no more than the density
        """The solver."""
        return Spectral(flow, **self.model_dump(exclude={"kind"}))

    def memory(self, shape: list[int], kernel: KernelTable, growth: float) -> int:  # noqa: ARG002 - what does not matter to it
        """Bytes that the solver holds."""
        return Spectral.memory(shape, self.dtype, growth > 0, self.integrator)


class ParticleSolverTable(SolverTable):
    """``[solver]`` of kind particles: a sample of the initial density, see :class:`solvers.Particles`."""

    kind: Literal["particles"]
    count: Annotated[int, Field(ge=1)]
    sampling: Literal["independent", "stratified", "quasi-random"] = "independent"
    weights: Literal["equal", "density"] = "equal"
    seed: Annotated[int, Field(ge=0)] = 0
    modes: int | list[int] | None = None
    integrator: Annotated[str, OneOf(EMBEDDED)] = "rk45"
    tolerance: Annotated[float, Field(gt=0)] = 1e-7
    accuracy: Annotated[float, Field(gt=0)] | None = None
    dtype: Literal["float64", "float32"] = "float64"
    threads: Annotated[int, Field(ge=1)] | None = None

    def make(self, flow: Flow, start: Start) -> Particles:
        """The solver, with particles sampled from the initial density."""
        drawn = sample(flow.grid, start.density, self.count, self.sampling, self.weights, self.seed)
        options = self.model_dump(exclude={"kind", "count", "sampling", "weights", "seed", "modes"})
        modes = tuple(self.modes) if isinstance(self.modes, list) else self.modes
        return Particles(flow, *drawn, modes=modes, **options)

    def memory(self, shape: list[int], kernel: KernelTable, growth: float) -> int:  # noqa: ARG002 - what does not matter to it
        """Bytes that the solver holds."""
        given = self.modes if self.modes is not None else shape
        modes = (given,) * len(shape) if isinstance(given, int) else tuple(given)
        return Particles.memory(self.count, modes, self.dtype, growth > 0)


class SphereTable(SolverTable):
    """``[solver]`` of kind sphere: see :class:`solvers.SphereFiniteVolume`."""

    equation = SphereFlow
    default = True
    takes_negative = True

    kind: Literal["sphere"]
    reconstruction: Literal["muscl", "upwind"] = "muscl"
    limiter: Annotated[str, OneOf(LIMITERS)] = "vanleer"
    polar: Literal["joined", "plain"] = "joined"
    integrator: Annotated[str, OneOf(EXPLICIT)] = "ssprk3"
    cfl: Annotated[float, Field(gt=0, le=1)] = 0.9
    tolerance: Annotated[float, Field(gt=0)] = 1e-5
    threads: Annotated[int, Field(ge=1)] | None = None

    def make(self, flow: SphereFlow, start: Start) -> SphereFiniteVolume:
        """The solver."""
        return SphereFiniteVolume(flow, **self.model_dump(exclude={"kind"}), negative=start.negative)

    def memory(self, shape: list[int], kernel: KernelTable, growth: float) -> int:  # noqa: ARG002 - what does not matter to it
        """Bytes that the solver holds."""
        return SphereFiniteVolume.memory(tuple(shape))


class NetworkTable(SolverTable):
    """``[solver]`` of kind network: one that stands for the initial density, see :class:`solvers.Network`."""

    equation = Equation
    takes_negative = True
    of_networks = True

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
    integrator: Annotated[str, OneOf((*EMBEDDED, "euler"))] = "rk45"
    tolerance: Annotated[float, Field(gt=0)] = 1e-7
    accuracy: Annotated[float, Field(gt=0)] = 1e-9
    threads: Annotated[int, Field(ge=1)] | None = None

    @property
    def independent_neurons(self) -> int | None:
        """Their number, if they are drawn independently."""
        return self.count if self.start == "random" else None

    def make(self, flow: Equation[Any], start: Start) -> Network:
        """The solver, with neurons placed for the initial density, or those of the run that goes on."""
        options = self.model_dump(exclude={"kind", "count", "start", "balance"})
        weights = start.weights or network_from_measure(
            flow.grid, start.density, self.count, start.negative, self.balance, self.start, self.seed
        )
        return Network(flow, weights, **options)

    def memory(self, shape: list[int], kernel: KernelTable, growth: float) -> int:  # noqa: ARG002 - what does not matter to it
        """Bytes that the solver holds."""
        return Network.memory(self.count, tuple(shape), self.samples or 0)


def kind_of(table: type[SolverTable]) -> str:
    """The kind of a solver's table."""
    kind: str = get_args(table.model_fields["kind"].annotation)[0]
    return kind


SOLVERS = {kind_of(table): table for table in SolverTable.__subclasses__()}
"""The table of each kind."""
AnySolver: Any = union_of(SOLVERS)


def default_solver(domain: type[Domain]) -> str:
    """The kind of solver of a case that names none, on a domain with cells."""
    equation = domain.among(Equation.domains)
    assert equation is not None, "every domain with cells has an equation"
    return next(kind for kind, table in SOLVERS.items() if table.default and issubclass(equation, table.equation))

"""The tables of a case file that describe solvers."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, get_args

import numpy as np
from pydantic import Field

from gridflow.cases.base import FinitePositive, OneOf, Table, union_of
from gridflow.domains.base import Domain
from gridflow.equation.flow import Equation, Flow, SphereFlow
from gridflow.equation.kernels import Kernel
from gridflow.errors import InputError
from gridflow.networks.measures import network_from_measure
from gridflow.networks.weights import Weights
from gridflow.particles.sampling import sample
from solvers import FiniteVolume, Network, Particles, Spectral, SphereFiniteVolume
from solvers.finite_volume.reconstruction import LIMITERS, RECONSTRUCTIONS
from solvers.finite_volume.velocity import VELOCITIES
from solvers.stepping.schemes import AUTO, EMBEDDED, EXPLICIT, EXPONENTIAL


@dataclass(frozen=True, eq=False)
class Start:
    """Initial data of a solver.

    Attributes
    ----------
    density
        μ, or μ⁺ if there is a second density; shape ``grid.shape`` (mass / volume).
    negative
        μ⁻, the density of negative output weights, shape ``grid.shape`` (mass / volume), or None.
    tracer
        Volume fraction of the hole to carry, shape ``grid.shape``; or whether to carry one; None: if there is one.
    weights
        Initial weights of the network of a run to continue, or None.
    """

    density: np.ndarray
    negative: np.ndarray | None = None
    tracer: np.ndarray | bool | None = None
    weights: Weights | None = None


@dataclass(frozen=True, eq=False)
class Problem:
    """What the memory of a solver depends on, apart from its own options.

    Attributes
    ----------
    shape
        Numbers of cells.
    kernel
        The kernel.
    growth
        β.
    signed
        Whether there is a second density, that of negative output weights.
    hole
        Whether the initial density is of a kind that has a hole.
    """

    shape: tuple[int, ...]
    kernel: Kernel
    growth: float
    signed: bool
    hole: bool


class SolverTable(Table, ABC):
    """``[solver]``: the kind of a solver and its options. The ``kind`` selects the subclass.

    Attributes
    ----------
    equation
        Class of the equations that the solver advances.
    default
        Whether it is the default solver for these equations.
    takes_negative
        Whether it can advance a second density, that of negative output weights.
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
    def carries(self) -> bool | None:
        """Whether a hole is carried with the flow; None: if there is one."""
        return False

    @property
    def independent_neurons(self) -> int | None:
        """Number of neurons of a network with independently drawn directions; None for everything else."""
        return None

    def build(self, flow: Equation[Any], start: Start) -> Any:
        """Construct the solver; InputError if it cannot treat this flow or these initial data."""
        own = kind_of(type(self))
        if not self.solves(flow):
            others = [kind for kind, table in SOLVERS.items() if table.solves(flow) and not table.of_networks]
            raise InputError(f'kind = "{own}" cannot solve on {flow.grid}; there use {" or ".join(others)}')
        if start.negative is not None and not type(self).takes_negative:
            others = [kind for kind, table in SOLVERS.items() if table.takes_negative]
            raise InputError(f'kind = "{own}" has a single density; [negative] needs {" or ".join(others)}')
        return self.make(flow, start)

    @abstractmethod
    def make(self, flow: Any, start: Start) -> Any:
        """Construct the solver for a flow and initial data that it can treat; called by :meth:`build`."""

    @abstractmethod
    def memory(self, problem: Problem) -> int:
        """Estimate the solver's memory in bytes."""


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
    tracer: bool | None = None
    threads: Annotated[int, Field(ge=1)] | None = None

    @property
    def carries(self) -> bool | None:
        """Whether a hole is carried with the flow; None: if there is one and the integrator can carry it."""
        return False if self.tracer is None and self.integrator in EXPONENTIAL else self.tracer

    def make(self, flow: Flow, start: Start) -> FiniteVolume:
        """Construct the solver, perhaps with a tracer or a second density."""
        options = self.model_dump(exclude={"kind", "tracer"})
        return FiniteVolume(flow, **options, tracer=start.tracer, negative=start.negative)

    def memory(self, problem: Problem) -> int:
        """Estimate the solver's memory in bytes."""
        stiff = self.integrator in EXPONENTIAL or (self.integrator == AUTO and not problem.kernel.is_coulomb)
        options = self.model_dump(include={"dtype", "reconstruction", "velocity", "threads"})
        return FiniteVolume.memory(
            problem.shape, **options, growth=problem.growth > 0, negative=problem.signed, exponential=stiff,
            tracer=carried(self, problem),
        )  # fmt: skip


class SpectralTable(SolverTable):
    """``[solver]`` of kind spectral: see :class:`solvers.Spectral`."""

    kind: Literal["spectral"]
    integrator: Annotated[str, OneOf(EXPONENTIAL)] = "etdrk4"
    cfl: Annotated[float, Field(gt=0, le=1)] = 0.9
    dtype: Literal["float64", "float32"] = "float64"
    tolerance: Annotated[float, Field(gt=0)] = 1e-7
    threads: Annotated[int, Field(ge=1)] | None = None

    def make(self, flow: Flow, start: Start) -> Spectral:  # noqa: ARG002 - the density alone determines its state
        """Construct the solver."""
        return Spectral(flow, **self.model_dump(exclude={"kind"}))

    def memory(self, problem: Problem) -> int:
        """Estimate the solver's memory in bytes."""
        return Spectral.memory(problem.shape, self.dtype, problem.growth > 0, self.integrator)


class ParticleSolverTable(SolverTable):
    """``[solver]`` of kind particles: particles sampled from the initial density; see :class:`solvers.Particles`."""

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
        """Construct the solver with particles sampled from the initial density."""
        drawn = sample(flow.grid, start.density, self.count, self.sampling, self.weights, self.seed)
        options = self.model_dump(exclude={"kind", "count", "sampling", "weights", "seed", "modes"})
        modes = tuple(self.modes) if isinstance(self.modes, list) else self.modes
        return Particles(flow, *drawn, modes=modes, **options)

    def memory(self, problem: Problem) -> int:
        """Estimate the solver's memory in bytes."""
        given = self.modes if self.modes is not None else problem.shape
        modes = (given,) * len(problem.shape) if isinstance(given, int) else tuple(given)
        return Particles.memory(self.count, modes, self.dtype, problem.growth > 0)


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
    tracer: bool | None = None
    threads: Annotated[int, Field(ge=1)] | None = None

    @property
    def carries(self) -> bool | None:
        """Whether a hole is carried with the flow; None: if there is one."""
        return self.tracer

    def make(self, flow: SphereFlow, start: Start) -> SphereFiniteVolume:
        """Construct the solver, perhaps with a tracer or a second density."""
        options = self.model_dump(exclude={"kind", "tracer"})
        return SphereFiniteVolume(flow, **options, tracer=start.tracer, negative=start.negative)

    def memory(self, problem: Problem) -> int:
        """Estimate the solver's memory in bytes."""
        return SphereFiniteVolume.memory(problem.shape, problem.signed, self.threads, carried(self, problem))


class NetworkTable(SolverTable):
    """``[solver]`` of kind network: neurons that represent the initial density; see :class:`solvers.Network`."""

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
    learning_rate: FinitePositive | None = None
    noise: Annotated[float, Field(ge=0)] = 0.0
    integrator: Annotated[str, OneOf((*EMBEDDED, "euler"))] = "rk45"
    tolerance: Annotated[float, Field(gt=0)] = 1e-7
    accuracy: Annotated[float, Field(gt=0)] = 1e-9
    threads: Annotated[int, Field(ge=1)] | None = None

    @property
    def independent_neurons(self) -> int | None:
        """Number of neurons if their directions are drawn independently, else None."""
        return self.count if self.start == "random" else None

    def make(self, flow: Equation[Any], start: Start) -> Network:
        """Construct the solver with neurons that represent the initial density, or with those of a run to continue."""
        options = self.model_dump(exclude={"kind", "count", "start", "balance"})
        weights = start.weights or network_from_measure(
            flow.grid, start.density, self.count, start.negative, self.balance, self.start, self.seed
        )
        return Network(flow, weights, **options)

    def memory(self, problem: Problem) -> int:
        """Estimate the solver's memory in bytes."""
        return Network.memory(self.count, problem.shape, self.samples or 0)


def carried(table: SolverTable, problem: Problem) -> bool:
    """Whether a hole is carried, as far as the tables tell."""
    return problem.hole and not problem.signed if table.carries is None else table.carries


def kind_of(table: type[SolverTable]) -> str:
    """Return the kind of a solver's table."""
    kind: str = get_args(table.model_fields["kind"].annotation)[0]
    return kind


SOLVERS = {kind_of(table): table for table in SolverTable.__subclasses__()}
"""The table of each kind."""
AnySolver: Any = union_of(SOLVERS)


def default_solver(domain: type[Domain]) -> str:
    """Return the kind of the default solver on a domain with cells."""
    equation = domain.among(Equation.domains)
    assert equation is not None, "every domain with cells has an equation"
    return next(kind for kind, table in SOLVERS.items() if table.default and issubclass(equation, table.equation))

"""The tables of a case file and the objects they make."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import tomli_w
from pydantic import Field, model_validator

from gridflow import kernels
from gridflow.callbacks import Callback, stop_when_energy_below, stop_when_steady
from gridflow.density_tables import AnyDensity, DensityTable, RandomTable, UniformTable
from gridflow.errors import InputError
from gridflow.flow import Flow
from gridflow.grid import Grid
from gridflow.loop import DEFAULT_SNAPSHOTS
from gridflow.sampling import sample
from gridflow.schedule import AtTimes, EverySteps, EveryTime, EveryWall, Schedule, log_times
from gridflow.table import Positive, Table, tables_by_kind
from gridflow.timestep import AUTO, EXPONENTIAL
from solvers import FiniteVolume, Particles, Spectral

_ARRAYS_OF_A_RUN = 2.5 + 2.0
"""Problem (initial, target, symbol), and what snapshots and a row of the series take for a moment (measured)."""
_ARRAYS_OF_A_CONTOUR = 1.0
"""What contouring a hole takes for a moment (measured)."""
_INTERPRETER = 250e6
"""Bytes of a process that has imported everything a run needs."""


class GridTable(Table):
    """``[grid]``: cells and periods along each axis."""

    shape: list[int]
    lengths: list[float] | None = None

    def build(self) -> Grid:
        """The grid."""
        return Grid(tuple(self.shape), tuple(self.lengths or ()))


class KernelTable(Table):
    """``[kernel]``: its kind and parameters."""

    make: ClassVar[Callable[..., kernels.Kernel]]

    def build(self) -> kernels.Kernel:
        """The kernel."""
        return type(self).make(**self.model_dump(exclude={"kind"}))


class RieszTable(KernelTable):
    """Riesz kernel of order s; s = 1 is Coulomb."""

    make = kernels.Riesz
    kind: Literal["riesz"]
    s: Positive
    symbol: Literal["mimetic", "spectral"] = "spectral"


class GaussianKernelTable(KernelTable):
    """Gaussian kernel of a bandwidth."""

    make = kernels.Gaussian
    kind: Literal["gaussian"]
    width: Positive


class MaternTable(KernelTable):
    """Matérn kernel; nu = 0.5 is the Laplace kernel."""

    make = kernels.Matern
    kind: Literal["matern"]
    nu: Positive
    length: Positive


AnyKernel = Annotated[RieszTable | GaussianKernelTable | MaternTable, Field(discriminator="kind")]


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
    growth: Annotated[float, Field(ge=0)] = 0.0
    tracer: bool = False
    threads: Annotated[int, Field(ge=1)] | None = None

    def build(self, flow: Flow, initial: np.ndarray, tracer: np.ndarray | None) -> FiniteVolume:  # noqa: ARG002
        """The solver, with a region to carry along or without."""
        options = self.model_dump(exclude={"kind", "growth", "tracer"})
        return FiniteVolume(flow, **options, tracer=tracer)

    def memory(self, shape: list[int], kernel: KernelTable) -> int:
        """Bytes that the solver holds."""
        coulomb = isinstance(kernel, RieszTable) and kernel.s == 1
        stiff = self.integrator in EXPONENTIAL or (self.integrator == AUTO and not coulomb)
        options = self.model_dump(include={"dtype", "reconstruction", "velocity", "tracer", "threads"})
        return FiniteVolume.memory(shape, growth=self.growth > 0, exponential=stiff, **options)


class SpectralTable(Table):
    """``[solver]`` of kind spectral: see :class:`solvers.Spectral`."""

    kind: Literal["spectral"]
    integrator: Literal["etdrk2", "etdrk4"] = "etdrk4"
    cfl: Annotated[float, Field(gt=0, le=1)] = 0.9
    dtype: Literal["float64", "float32"] = "float64"
    tolerance: Annotated[float, Field(gt=0)] = 1e-7
    growth: Annotated[float, Field(ge=0)] = 0.0
    threads: Annotated[int, Field(ge=1)] | None = None

    tracer: ClassVar[bool] = False

    def build(self, flow: Flow, initial: np.ndarray, tracer: np.ndarray | None) -> Spectral:  # noqa: ARG002 - as above
        """The solver."""
        return Spectral(flow, **self.model_dump(exclude={"kind", "growth"}))

    def memory(self, shape: list[int], kernel: KernelTable) -> int:  # noqa: ARG002 - its kernel does not matter
        """Bytes that the solver holds."""
        return Spectral.memory(shape, self.dtype, self.growth > 0, self.integrator)


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
    growth: Annotated[float, Field(ge=0)] = 0.0
    threads: Annotated[int, Field(ge=1)] | None = None

    tracer: ClassVar[bool] = False

    def build(self, flow: Flow, initial: np.ndarray, tracer: np.ndarray | None) -> Particles:  # noqa: ARG002 - as above
        """The solver, with particles sampled from the initial density."""
        drawn = sample(flow.grid, initial, self.count, self.sampling, self.weights, self.seed)
        options = self.model_dump(exclude={"kind", "count", "sampling", "weights", "seed", "modes", "growth"})
        modes = tuple(self.modes) if isinstance(self.modes, list) else self.modes
        return Particles(flow, *drawn, modes=modes, **options)

    def memory(self, shape: list[int], kernel: KernelTable) -> int:  # noqa: ARG002 - its kernel does not matter
        """Bytes that the solver holds."""
        given = self.modes if self.modes is not None else shape
        modes = (given,) * len(shape) if isinstance(given, int) else tuple(given)
        return Particles.memory(self.count, modes, self.dtype, self.growth > 0)


AnySolver = Annotated[FiniteVolumeTable | SpectralTable | ParticleSolverTable, Field(discriminator="kind")]


class TimeTable(Table):
    """``[time]``: when the run ends."""

    t_end: Positive
    stop_energy: Positive | None = None
    stop_rate: Positive | None = None

    def conditions(self) -> list[Callback]:
        """Callbacks that end the run early."""
        energy = [] if self.stop_energy is None else [stop_when_energy_below(self.stop_energy)]
        return energy + ([] if self.stop_rate is None else [stop_when_steady(self.stop_rate)])


class LogTimesTable(Table):
    """Times evenly spaced in their logarithm."""

    first: Positive
    last: Positive
    count: Annotated[int, Field(ge=2)]

    @model_validator(mode="after")
    def _ascending(self) -> "LogTimesTable":
        if not self.first < self.last:
            raise ValueError(f"first = {self.first} must be below last = {self.last}")
        return self


class OutputTable(Table):
    """``[output]``: what is stored and when."""

    snapshot_every: Positive | None = None
    snapshot_times: list[Annotated[float, Field(ge=0, allow_inf_nan=False)]] | None = None
    snapshot_log: LogTimesTable | None = None
    snapshot_dtype: Literal["float32", "float64"] = "float32"
    series_every: Annotated[int, Field(ge=1)] = 10
    checkpoint_every_seconds: Positive | None = None
    checkpoint_every_steps: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _one_of_each(self) -> "OutputTable":
        for names in (
            ("snapshot_every", "snapshot_times", "snapshot_log"),
            ("checkpoint_every_seconds", "checkpoint_every_steps"),
        ):
            given = [name for name in names if getattr(self, name) is not None]
            if len(given) > 1:
                raise ValueError(f"{' and '.join(given)} exclude each other")
        return self

    def snapshots(self, t_end: float) -> Schedule:
        """When densities are stored: by default 40 times, evenly."""
        if self.snapshot_times is not None:
            return AtTimes(self.snapshot_times)
        if self.snapshot_log is not None:
            return log_times(self.snapshot_log.first, self.snapshot_log.last, self.snapshot_log.count)
        return EveryTime(self.snapshot_every or t_end / DEFAULT_SNAPSHOTS)

    def checkpoints(self) -> Schedule:
        """When checkpoints are stored: by default every minute of wall clock."""
        if self.checkpoint_every_steps is not None:
            return EverySteps(self.checkpoint_every_steps)
        return EveryWall(self.checkpoint_every_seconds or 60.0)


class Case(Table):
    """A whole case file."""

    title: str = ""
    grid: GridTable
    kernel: AnyKernel
    target: AnyDensity = UniformTable(kind="uniform")
    initial: AnyDensity
    solver: AnySolver = FiniteVolumeTable()
    time: TimeTable
    output: OutputTable = OutputTable()

    @model_validator(mode="before")
    @classmethod
    def _finite_volumes_unless_said(cls, data: Any) -> Any:
        """A solver without a kind is one of finite volumes."""
        solver = data.get("solver") if isinstance(data, dict) else None
        if isinstance(solver, dict) and "kind" not in solver:
            return {**data, "solver": {"kind": "finite_volume", **solver}}
        return data

    def to_toml(self) -> str:
        """The resolved case: every key with its value, but for those that are not set."""
        return tomli_w.dumps(self.model_dump(exclude_none=True))

    def resolved(self) -> "Case":
        """The case with its snapshot schedule spelt out, so that it stays when the run goes on to a later time."""
        output = self.output
        if output.snapshot_every is None and output.snapshot_times is None and output.snapshot_log is None:
            output = output.model_copy(update={"snapshot_every": self.time.t_end / DEFAULT_SNAPSHOTS})
        return self.model_copy(update={"output": output})

    def seeds(self) -> dict[str, int]:
        """Random seeds by the table that uses them."""
        tables = {name: getattr(self, name) for name in ("initial", "target", "solver")}
        return {name: t.seed for name, t in tables.items() if isinstance(t, RandomTable | ParticleSolverTable)}

    def memory(self) -> int:
        """Predicted peak memory of the run in bytes.

        Counted in full arrays: what the solver holds, what the problem and the diagnostics hold in double precision,
        and what recording a row allocates for a moment; and the interpreter with its libraries.
        """
        cells = math.prod(self.grid.shape)
        held = self.solver.memory(self.grid.shape, self.kernel)
        arrays = _ARRAYS_OF_A_RUN + (_ARRAYS_OF_A_CONTOUR if type(self.initial).hole is not None else 0.0)
        return round(held + cells * arrays * 8 + _INTERPRETER)

    def build(
        self, folder: Path, stored: Mapping[str, np.ndarray] | None = None
    ) -> tuple[FiniteVolume | Spectral | Particles, np.ndarray]:
        """The solver and the initial density.

        Parameters
        ----------
        folder
            Where paths in the case are relative to.
        stored
            ``initial`` and ``target`` of a run that goes on; read from the case's own tables otherwise.

        Raises
        ------
        InputError
            One line per table that cannot be built.
        """
        problems: list[str] = []

        def attempt(name: str, make: Callable[[], Any]) -> Any:
            try:
                return make()
            except InputError as error:
                problems.append(f"{name}: {error}")

        grid = attempt("grid", self.grid.build)
        if grid is None:
            raise InputError(problems[0])
        fields = {}
        for name in ("initial", "target"):
            table: DensityTable = getattr(self, name)
            if stored is not None:
                fields[name] = stored[name]
            else:
                fields[name] = attempt(name, partial(table.build, grid, folder))
        if problems:
            raise InputError("\n".join(problems))
        tracer = attempt("solver.tracer", lambda: self._carried(grid)) if self.solver.tracer else None
        flow = attempt("kernel", lambda: Flow(grid, self.kernel.build(), fields["target"], self.solver.growth))
        solver = attempt("solver", lambda: self.solver.build(flow, fields["initial"], tracer)) if flow else None
        if flow is not None:
            attempt("initial", lambda: flow.check_density(fields["initial"], "the initial density"))
        if solver is None or problems:
            raise InputError("\n".join(problems))
        return solver, fields["initial"]

    def _carried(self, grid: Grid) -> np.ndarray:
        region = self.initial.region(grid)
        if region is None:
            kinds = ", ".join(kind for kind, table in tables_by_kind(AnyDensity).items() if table.hole is not None)
            raise InputError(
                f'there is no hole to carry in an initial density of kind "{self.initial.kind}"; use {kinds}'
            )
        return region

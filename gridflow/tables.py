"""The tables of a case file and the objects they make."""

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args

import numpy as np
import tomli_w
from pydantic import BaseModel, ConfigDict, Field, model_validator

from gridflow import densities, kernels, regions
from gridflow.callbacks import Callback, stop_when_energy_below, stop_when_steady
from gridflow.errors import InputError
from gridflow.flow import Flow
from gridflow.grid import Grid
from gridflow.loop import DEFAULT_SNAPSHOTS
from gridflow.schedule import AtTimes, EverySteps, EveryTime, EveryWall, Schedule, log_times
from gridflow.timestep import AUTO, EXPONENTIAL
from solvers import FiniteVolume

_ARRAYS_OF_A_RUN = 2.5 + 2.0
"""Problem (initial, target, symbol), and what snapshots and a row of the series take for a moment (measured)."""
_ARRAYS_OF_A_CONTOUR = 1.0
"""What contouring a hole takes for a moment (measured)."""
_INTERPRETER = 250e6
"""Bytes of a process that has imported everything a run needs."""

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Table(BaseModel):
    """A table of a case file: unknown keys are errors, and a text is never taken for a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


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


class DensityTable(Table):
    """``[initial]`` or ``[target]``: a density by its kind and parameters."""

    make: ClassVar[Callable[..., np.ndarray]]
    hole: ClassVar[Callable[..., np.ndarray] | None] = None
    mass: Positive = 1.0

    def build(self, grid: Grid, folder: Path) -> np.ndarray:  # noqa: ARG002 - files are found relative to the folder
        """Cell averages on a grid."""
        return type(self).make(grid, **self.model_dump(exclude={"kind"}))

    def region(self, grid: Grid) -> np.ndarray | None:
        """Volume fraction of the hole, or None for a density without one."""
        make = type(self).hole
        return None if make is None else make(grid, **self.model_dump(exclude={"kind", "mass"}))


class UniformTable(DensityTable):
    """Constant density."""

    make = densities.uniform
    kind: Literal["uniform"]


class CosineTable(DensityTable):
    """``1 + A ∏ cos(2π m x / L)``."""

    make = densities.cosine
    kind: Literal["cosine"]
    amplitude: Annotated[float, Field(ge=-1, le=1)] = 0.9
    modes: int | list[int] = 1


class GaussianTable(DensityTable):
    """Gaussian bumps."""

    make = densities.gaussian
    kind: Literal["gaussian"]
    centers: list[list[float]] | list[float]
    widths: Positive | list[Positive]
    weights: list[float] | None = None


class BallHoleTable(DensityTable):
    """An empty ball."""

    make = densities.ball_hole
    hole = regions.ball
    kind: Literal["ball_hole"]
    radius: Positive
    center: list[float] | None = None


class BoxHoleTable(DensityTable):
    """An empty box."""

    make = densities.box_hole
    hole = regions.box
    kind: Literal["box_hole"]
    sides: Positive | list[Positive]
    center: list[float] | None = None


class ShellHoleTable(DensityTable):
    """An empty shell."""

    make = densities.shell_hole
    hole = regions.shell
    kind: Literal["shell_hole"]
    inner: Positive
    outer: Positive
    center: list[float] | None = None


class LatticeTable(DensityTable):
    """A lattice of empty balls."""

    make = densities.lattice_of_holes
    hole = regions.lattice
    kind: Literal["lattice_of_holes"]
    counts: int | list[int]
    radius: Positive


class RandomTable(DensityTable):
    """A random field at the border of H^r."""

    make = densities.random_sobolev
    kind: Literal["random_sobolev"]
    r: float
    amplitude: Positive = 0.5
    seed: Annotated[int, Field(ge=0)] = 0


class FileTable(DensityTable):
    """A density read from a file, its path relative to the case file."""

    path: str

    def build(self, grid: Grid, folder: Path) -> np.ndarray:
        """Cell averages on a grid."""
        return type(self).make(grid, folder / self.path, mass=self.mass)


def _load(path: Path) -> np.ndarray:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a numpy array: {error}") from None


class ImageTable(FileTable):
    """A picture; dark is empty."""

    make = densities.from_image
    kind: Literal["image"]


class ArrayTable(FileTable):
    """Cell averages in an ``.npy`` file."""

    make = staticmethod(lambda grid, path, mass: densities.normalize(grid, _load(path), mass))
    kind: Literal["array"]


class ParticlesTable(FileTable):
    """Particle positions (N, d) in an ``.npy`` file, spread by cloud-in-cell."""

    make = staticmethod(lambda grid, path, mass: densities.from_particles(grid, _load(path), mass=mass))
    kind: Literal["particles"]


class SumTable(DensityTable):
    """A weighted sum of densities."""

    kind: Literal["sum"]
    terms: "Annotated[list[AnyDensity], Field(min_length=1)]"

    def build(self, grid: Grid, folder: Path) -> np.ndarray:
        """Cell averages on a grid; each term weighs its own mass."""
        return densities.normalize(grid, np.sum([term.build(grid, folder) for term in self.terms], axis=0), self.mass)


class ProductTable(DensityTable):
    """A product of densities."""

    kind: Literal["product"]
    terms: "Annotated[list[AnyDensity], Field(min_length=1)]"

    def build(self, grid: Grid, folder: Path) -> np.ndarray:
        """Cell averages on a grid."""
        return densities.normalize(grid, np.prod([term.build(grid, folder) for term in self.terms], axis=0), self.mass)


AnyKernel = Annotated[RieszTable | GaussianKernelTable | MaternTable, Field(discriminator="kind")]
AnyDensity = Annotated[
    UniformTable
    | CosineTable
    | GaussianTable
    | BallHoleTable
    | BoxHoleTable
    | ShellHoleTable
    | LatticeTable
    | RandomTable
    | ImageTable
    | ArrayTable
    | ParticlesTable
    | SumTable
    | ProductTable,
    Field(discriminator="kind"),
]


class SolverTable(Table):
    """``[solver]``: how the density is advanced; see :class:`solvers.FiniteVolume`."""

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
    solver: SolverTable = SolverTable()
    time: TimeTable
    output: OutputTable = OutputTable()

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
        return {
            name: table.seed for name in ("initial", "target") if isinstance(table := getattr(self, name), RandomTable)
        }

    def memory(self) -> int:
        """Predicted peak memory of the run in bytes.

        Counted in full arrays: what the solver holds, what the problem and the diagnostics hold in double precision,
        and what recording a row allocates for a moment; and the interpreter with its libraries.
        """
        cells = math.prod(self.grid.shape)
        options = self.solver.model_dump(include={"dtype", "reconstruction", "velocity", "tracer", "threads"})
        coulomb = isinstance(self.kernel, RieszTable) and self.kernel.s == 1
        stiff = self.solver.integrator in EXPONENTIAL or (self.solver.integrator == AUTO and not coulomb)
        held = FiniteVolume.memory(self.grid.shape, growth=self.solver.growth > 0, exponential=stiff, **options)
        arrays = _ARRAYS_OF_A_RUN + (_ARRAYS_OF_A_CONTOUR if type(self.initial).hole is not None else 0.0)
        return round(held + cells * arrays * 8 + _INTERPRETER)

    def build(self, folder: Path, stored: Mapping[str, np.ndarray] | None = None) -> tuple[FiniteVolume, np.ndarray]:
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
        options = self.solver.model_dump(exclude={"growth", "tracer"})
        solver = attempt("solver", lambda: FiniteVolume(flow, **options, tracer=tracer)) if flow else None
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


def tables_by_kind(annotation: Any) -> dict[str, type[DensityTable]]:
    """The members of a union of tables by their ``kind``; none if the annotation is not such a union."""
    members = _members(annotation)
    return {get_args(m.model_fields["kind"].annotation)[0]: m for m in members if "kind" in m.model_fields}


def _members(annotation: Any) -> Iterator[Any]:
    for argument in get_args(annotation):
        if isinstance(argument, type) and issubclass(argument, Table):
            yield argument
        elif get_args(argument):
            yield from _members(argument)

"""The tables of a case file, and the solver and initial density that they describe."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tomli_w
from pydantic import Field, model_validator

from gridflow.cases.base import FinitePositive, Table
from gridflow.cases.densities import DENSITIES, AnyDensity, DensityTable
from gridflow.cases.domains import DOMAINS, AnyDomain
from gridflow.cases.kernels import AnyKernel
from gridflow.cases.solvers import SOLVERS, AnySolver, Problem, Start, default_solver
from gridflow.domains.base import Domain
from gridflow.domains.torus import Grid
from gridflow.equation.contract import INNER, NEGATIVE, OUTER, Solver
from gridflow.equation.flow import Equation
from gridflow.errors import InputError
from gridflow.measures.holes import hole_fraction
from gridflow.networks.measures import TRAINING
from gridflow.networks.weights import Weights
from gridflow.runtime.callbacks import Callback, stop_when_energy_below, stop_when_steady
from gridflow.runtime.loop import DEFAULT_SNAPSHOTS
from gridflow.runtime.schedule import AtTimes, EverySteps, EveryTime, EveryWall, Schedule, log_times

_ARRAYS_OF_A_RUN = 2.5 + 2.0
"""Arrays of the problem (initial, target, symbol), plus temporaries of snapshots and series rows (measured)."""
_ARRAYS_OF_A_CONTOUR = 1.0
"""Temporary arrays for the contour of a hole (measured)."""
_INTERPRETER = 250e6
"""Bytes used by the interpreter and the libraries of a run."""


class FlowTable(Table):
    """``[flow]``: parameters of the equation other than the kernel and the target."""

    growth: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0


class TimeTable(Table):
    """``[time]``: final time and stopping conditions."""

    t_end: FinitePositive
    stop_energy: FinitePositive | None = None
    stop_rate: FinitePositive | None = None

    def conditions(self) -> list[Callback]:
        """Return the callbacks that end the run early."""
        energy = [] if self.stop_energy is None else [stop_when_energy_below(self.stop_energy)]
        return energy + ([] if self.stop_rate is None else [stop_when_steady(self.stop_rate)])


class TrainingTable(Table):
    """``[training]``: the finite networks that ``gridflow train`` trains in addition to the infinite-width limit."""

    widths: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)]
    start: Literal["quantile", "quasi-random", "random"] = "quantile"
    balance: float = 0.0
    seed: Annotated[int, Field(ge=0)] = 0
    population: bool = True
    samples: Annotated[int, Field(ge=1)] | None = None
    batch: Annotated[int, Field(ge=1)] | None = None
    learning_rate: FinitePositive | None = None
    noise: Annotated[float, Field(ge=0)] = 0.0
    tolerance: Annotated[float, Field(gt=0, lt=1)] = 1e-3

    @model_validator(mode="after")
    def _trained_on_something(self) -> "TrainingTable":
        if not self.population and self.samples is None:
            raise ValueError("population = false: set samples")
        if self.samples is not None and self.learning_rate is None:
            raise ValueError("learning_rate: training on samples needs this key, the time of a step")
        if self.batch is not None and self.samples is not None and self.batch > self.samples:
            raise ValueError(f"batch = {self.batch}: at most samples = {self.samples}")
        if len(set(self.widths)) < len(self.widths):
            raise ValueError(f"widths = {self.widths}: a width is repeated")
        return self


class LogTimesTable(Table):
    """``[output.snapshot_log]``: logarithmically spaced times."""

    first: FinitePositive
    last: FinitePositive
    count: Annotated[int, Field(ge=2)]

    @model_validator(mode="after")
    def _ascending(self) -> "LogTimesTable":
        if not self.first < self.last:
            raise ValueError(f"first = {self.first} must be below last = {self.last}")
        return self


class OutputTable(Table):
    """``[output]``: what is stored, and when."""

    snapshot_every: FinitePositive | None = None
    snapshot_times: list[Annotated[float, Field(ge=0, allow_inf_nan=False)]] | None = None
    snapshot_log: LogTimesTable | None = None
    snapshot_dtype: Literal["float32", "float64"] = "float32"
    series_every: Annotated[int, Field(ge=1)] = 10
    checkpoint_every_seconds: FinitePositive | None = None
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
        """Return the schedule of snapshots; by default 40, evenly spaced in time."""
        if self.snapshot_times is not None:
            return AtTimes(self.snapshot_times)
        if self.snapshot_log is not None:
            return log_times(self.snapshot_log.first, self.snapshot_log.last, self.snapshot_log.count)
        return EveryTime(self.snapshot_every or t_end / DEFAULT_SNAPSHOTS)

    def checkpoints(self) -> Schedule:
        """Return the schedule of checkpoints; by default one per minute of wall-clock time."""
        if self.checkpoint_every_steps is not None:
            return EverySteps(self.checkpoint_every_steps)
        return EveryWall(self.checkpoint_every_seconds or 60.0)


class Case(Table):
    """A complete case file."""

    title: str = ""
    grid: AnyDomain
    kernel: AnyKernel
    flow: FlowTable = FlowTable()
    target: AnyDensity = DENSITIES["uniform"].model_validate({"kind": "uniform"})
    target_negative: AnyDensity | None = None
    initial: AnyDensity
    negative: AnyDensity | None = None
    solver: AnySolver
    time: TimeTable
    output: OutputTable = OutputTable()
    training: TrainingTable | None = None

    @model_validator(mode="before")
    @classmethod
    def _fill_in_defaults(cls, data: Any) -> Any:
        """Fill in defaults: a torus grid, the default solver of the domain, and growth ``TRAINING`` for networks."""
        if not isinstance(data, dict):
            return data
        data = dict(data)
        grid, solver = data.get("grid"), data.get("solver", {})
        kind = Grid.kind
        if isinstance(grid, dict):
            data["grid"] = {"kind": kind, **grid}
            kind = str(data["grid"]["kind"])
        if isinstance(solver, dict):
            domain = DOMAINS.get(kind, DOMAINS[Grid.kind]).make
            data["solver"] = solver = {"kind": default_solver(domain), **solver}
            chosen = SOLVERS.get(str(solver["kind"]))
            if chosen is not None and chosen.of_networks:
                data.setdefault("flow", {"growth": TRAINING})
        return data

    @model_validator(mode="after")
    def _networks_have_the_growth_of_training(self) -> "Case":
        if self.solver.of_networks and self.flow.growth != TRAINING:
            raise ValueError(
                f"flow.growth = {self.flow.growth:g}: training a network is the flow with growth = {TRAINING}"
            )
        return self

    def to_toml(self) -> str:
        """Return the case as TOML: every key that is set, including defaults."""
        return tomli_w.dumps(self.model_dump(exclude_none=True))

    def resolved(self) -> "Case":
        """Return the case with an explicit snapshot schedule, which does not change when the run is extended."""
        output = self.output
        if output.snapshot_every is None and output.snapshot_times is None and output.snapshot_log is None:
            output = output.model_copy(update={"snapshot_every": self.time.t_end / DEFAULT_SNAPSHOTS})
        return self.model_copy(update={"output": output})

    def seeds(self) -> dict[str, int]:
        """Return the random seeds by the name of the table that uses them."""
        tables = {name: getattr(self, name) for name in ("initial", "negative", "target", "target_negative", "solver")}
        return {name: table.seed for name, table in tables.items() if hasattr(table, "seed")}

    def memory(self) -> int:
        """Predict the peak memory of the run in bytes.

        This is the sum of the solver's memory, the arrays of the problem and the diagnostics in double precision, the
        temporaries of recording, and the interpreter with its libraries.

        Raises
        ------
        InputError
            If the grid or the kernel is not allowed.
        """
        shape = self.grid.build().shape
        cells = math.prod(shape)
        signed = self.negative is not None
        hole = type(self.initial).density.region is not None
        held = self.solver.memory(Problem(shape, self.kernel.build(), self.flow.growth, signed, hole))
        arrays = _ARRAYS_OF_A_RUN + (_ARRAYS_OF_A_CONTOUR if hole else 0.0)
        return round(held + cells * arrays * 8 + _INTERPRETER)

    def build(self, folder: Path, stored: Mapping[str, np.ndarray] | None = None) -> tuple[Solver, np.ndarray]:
        """Construct the solver and the initial density.

        Parameters
        ----------
        folder
            Folder to which paths in the case are relative.
        stored
            Initial data of a run to continue; see :attr:`gridflow.runtime.store.RunDirectory.started`. Default: the
            data that the tables of the case describe.

        Returns
        -------
        solver
            The solver that ``[solver]`` describes.
        ndarray
            Initial density as cell averages, float64 of shape ``grid.shape`` (mass / volume).

        Raises
        ------
        InputError
            If a table cannot be built; one line for each.
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
        fields: dict[str, Any] = {}
        if stored is not None:
            fields = dict(stored)
        else:
            for name in ("initial", "target", "negative", "target_negative"):
                table: DensityTable | None = getattr(self, name)
                if table is not None:
                    fields[name] = attempt(name, partial(table.build, grid, folder))
            if problems:
                raise InputError("\n".join(problems))
            if "target_negative" in fields:
                fields["target"] = fields["target"] - fields["target_negative"]
        tracer = attempt("solver.tracer", lambda: self._carried(grid, fields["initial"], folder))
        weights = Weights(fields[INNER], fields[OUTER]) if INNER in fields else None
        start = Start(fields["initial"], fields.get(NEGATIVE), tracer, weights)
        flow = attempt("kernel", lambda: Equation.on(grid, self.kernel.build(), fields["target"], self.flow.growth))
        solver = attempt("solver", lambda: self.solver.build(flow, start)) if flow else None
        if flow is not None:
            attempt("initial", lambda: flow.check_density(fields["initial"], "the initial density"))
        if solver is None or problems:
            raise InputError("\n".join(problems))
        return solver, fields["initial"]

    def _carried(self, grid: Domain, initial: np.ndarray, folder: Path) -> np.ndarray | bool | None:
        """Return the volume fraction of the hole to carry; where no table describes it, what the solver is to do."""
        carries = self.solver.carries
        if carries is False or (carries is None and self.negative is not None):
            return False
        region = self.initial.region(grid, folder)
        if region is None and carries and hole_fraction(grid, initial) is None:
            others = {kind: table for kind, table in DENSITIES.items() if kind != self.initial.kind}
            kinds = ", ".join(kind for kind, table in others.items() if table.density.region is not None)
            raise InputError(
                f'there is no hole to carry in an initial density of kind "{self.initial.kind}"; use {kinds}'
            )
        return carries if region is None else region

"""The tables of a case file and the objects they make."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tomli_w
from pydantic import Field, model_validator

from gridflow.cases.base import Positive, Table
from gridflow.cases.densities import DENSITIES, AnyDensity, DensityTable
from gridflow.cases.domains import DOMAINS, AnyDomain
from gridflow.cases.kernels import AnyKernel
from gridflow.cases.solvers import SOLVERS, AnyOfSolvers, AnySolver, Start, default_solver
from gridflow.domains.base import Domain
from gridflow.domains.torus import Grid
from gridflow.equation.contract import INNER, NEGATIVE, OUTER
from gridflow.equation.flow import Equation
from gridflow.errors import InputError
from gridflow.networks.measures import TRAINING
from gridflow.networks.weights import Weights
from gridflow.runtime.callbacks import Callback, stop_when_energy_below, stop_when_steady
from gridflow.runtime.loop import DEFAULT_SNAPSHOTS
from gridflow.runtime.schedule import AtTimes, EverySteps, EveryTime, EveryWall, Schedule, log_times

_ARRAYS_OF_A_RUN = 2.5 + 2.0
"""Problem (initial, target, symbol), and what snapshots and a row of the series take for a moment (measured)."""
_ARRAYS_OF_A_CONTOUR = 1.0
"""What contouring a hole takes for a moment (measured)."""
_INTERPRETER = 250e6
"""Bytes of a process that has imported everything a run needs."""


class FlowTable(Table):
    """``[flow]``: what the equation has beside its kernel and its target."""

    growth: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0


class TimeTable(Table):
    """``[time]``: when the run ends."""

    t_end: Positive
    stop_energy: Positive | None = None
    stop_rate: Positive | None = None

    def conditions(self) -> list[Callback]:
        """Callbacks that end the run early."""
        energy = [] if self.stop_energy is None else [stop_when_energy_below(self.stop_energy)]
        return energy + ([] if self.stop_rate is None else [stop_when_steady(self.stop_rate)])


class TrainingTable(Table):
    """``[training]``: the networks that ``gridflow train`` trains beside the limit."""

    widths: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)]
    start: Literal["quantile", "quasi-random", "random"] = "quantile"
    balance: float = 0.0
    seed: Annotated[int, Field(ge=0)] = 0
    population: bool = True
    samples: Annotated[int, Field(ge=1)] | None = None
    batch: Annotated[int, Field(ge=1)] | None = None
    learning_rate: Positive | None = None
    noise: Annotated[float, Field(ge=0)] = 0.0
    tolerance: Annotated[float, Field(gt=0, lt=1)] = 1e-3

    @model_validator(mode="after")
    def _trained_on_something(self) -> "TrainingTable":
        if not self.population and self.samples is None:
            raise ValueError("population = false: then samples, their number, is needed")
        if self.samples is not None and self.learning_rate is None:
            raise ValueError("learning_rate: training on samples needs one, the time of a step")
        if self.batch is not None and self.samples is not None and self.batch > self.samples:
            raise ValueError(f"batch = {self.batch}: at most samples = {self.samples}")
        if len(set(self.widths)) < len(self.widths):
            raise ValueError(f"widths = {self.widths}: one is there twice")
        return self


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
    def _what_is_not_said(cls, data: Any) -> Any:
        """A grid is a torus, its solver the domain's own, and the growth of a network that of training."""
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
        tables = {name: getattr(self, name) for name in ("initial", "negative", "target", "target_negative", "solver")}
        return {name: table.seed for name, table in tables.items() if hasattr(table, "seed")}

    def memory(self) -> int:
        """Predicted peak memory of the run in bytes.

        Counted in full arrays: what the solver holds, what the problem and the diagnostics hold in double precision,
        and what recording a row allocates for a moment; and the interpreter with its libraries.
        """
        cells = math.prod(self.grid.shape)
        held = self.solver.memory(self.grid.shape, self.kernel, self.flow.growth)
        arrays = _ARRAYS_OF_A_RUN + (_ARRAYS_OF_A_CONTOUR if type(self.initial).density.region is not None else 0.0)
        return round(held + cells * arrays * 8 + _INTERPRETER)

    def build(self, folder: Path, stored: Mapping[str, np.ndarray] | None = None) -> tuple[AnyOfSolvers, np.ndarray]:
        """The solver and the initial density.

        Parameters
        ----------
        folder
            Where paths in the case are relative to.
        stored
            What a run that goes on began with, see :attr:`gridflow.runtime.store.RunDirectory.started`; made by the
            case's own tables otherwise.

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
        tracer = attempt("solver.tracer", lambda: self._carried(grid)) if self.solver.carries else None
        weights = Weights(fields[INNER], fields[OUTER]) if INNER in fields else None
        start = Start(fields["initial"], fields.get(NEGATIVE), tracer, weights)
        flow = attempt("kernel", lambda: Equation.on(grid, self.kernel.build(), fields["target"], self.flow.growth))
        solver = attempt("solver", lambda: self.solver.build(flow, start)) if flow else None
        if flow is not None:
            attempt("initial", lambda: flow.check_density(fields["initial"], "the initial density"))
        if solver is None or problems:
            raise InputError("\n".join(problems))
        return solver, fields["initial"]

    def _carried(self, grid: Domain) -> np.ndarray:
        region = self.initial.region(grid)
        if region is None:
            kinds = ", ".join(kind for kind, table in DENSITIES.items() if table.density.region is not None)
            raise InputError(
                f'there is no hole to carry in an initial density of kind "{self.initial.kind}"; use {kinds}'
            )
        return region

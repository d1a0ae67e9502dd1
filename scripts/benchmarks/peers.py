"""The codes that are compared, each behind the same protocol; a code that is not installed says so.

A code is imported when it is asked whether it is available, because some fix their threads when they are loaded.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import resolve_name
from typing import Any, Literal, Protocol

import numpy as np
from problems import Kind, Problem

import gridflow as gf


class Timed(Protocol):
    """What has a right-hand side to time.

    Attributes
    ----------
    name
        What it is called in tables and figures.
    evaluations
        How many right-hand sides one call of what :meth:`rhs` returns evaluates.
    """

    name: str
    evaluations: int

    def available(self) -> str | None:
        """Load the code; None, or the reason why it cannot be used."""

    def prepare(self, problem: Problem, shape: tuple[int, ...]) -> None:
        """Take the initial density of a problem on a grid."""

    def rhs(self) -> Callable[[], object]:
        """What to call, and time, for right-hand sides at the initial density."""


class Code(Timed, Protocol):
    """A code that solves the problems.

    Attributes
    ----------
    kind
        What its numbers are.
    """

    kind: Kind

    def run(self, t_end: float) -> np.ndarray:
        """μ at ``t_end``, from the initial density."""


@dataclass
class Gridflow:
    """gridflow's own solver.

    Parameters
    ----------
    name
        What it is called in tables and figures.
    symbol
        Of −Δ in the kernel, see :class:`gridflow.Riesz`.
    options
        Of the solver.
    solver
        Its class in :mod:`solvers`.
    """

    name: str
    symbol: Literal["mimetic", "spectral"]
    options: Mapping[str, Any]
    solver: str = "FiniteVolume"
    kind: Kind = field(default="averages", init=False)
    evaluations: int = field(default=1, init=False)

    def available(self) -> str | None:
        """Load the package and try the options on a small grid."""
        try:
            self._solver(gf.Grid((16, 16)))
        except (ImportError, TypeError, gf.InputError) as error:
            return str(error)
        return None

    def prepare(self, problem: Problem, shape: tuple[int, ...]) -> None:
        """Take the initial density of a problem on a grid."""
        grid = gf.Grid(shape)
        self._solve = self._solver(grid)
        self._initial = problem.initial(grid, self.kind)

    def rhs(self) -> Callable[[], object]:
        """One Euler stage, or the modes of one tendency, at the initial density, as a step works it out."""
        state = self._solve.initialize(self._initial)
        if self.solver == "Spectral":
            return lambda: self._solve.right_hand_side(state)
        dt = self._solve.stable_dt(state)
        return lambda: self._solve.euler(state, dt)

    def run(self, t_end: float) -> np.ndarray:
        """Step to ``t_end``."""
        state = self._solve.initialize(self._initial)
        while state.time < t_end:
            self._solve.step(state, t_end)
        return self._solve.density(state)

    def _solver(self, grid: gf.Grid) -> Any:
        flow = gf.Flow(grid, gf.Riesz(1, self.symbol), target=gf.uniform(grid))
        return getattr(import_module("solvers"), self.solver)(flow, **self.options)


@dataclass
class Script:
    """A script of this folder: an object with ``rhs(mu)`` and ``run(mu, t_end)``.

    Parameters
    ----------
    name
        What it is called in tables and figures.
    where
        Module, or ``module:object``.
    kind
        What its numbers are.
    """

    name: str
    where: str
    kind: Kind = "averages"
    evaluations: int = field(default=1, init=False)

    def available(self) -> str | None:
        """Import the script and the package that it needs."""
        try:
            self._script: Any = resolve_name(self.where)
        except ImportError as error:
            return f"not installed ({error})"
        self.evaluations = getattr(self._script, "EVALUATIONS", 1)
        return None

    def prepare(self, problem: Problem, shape: tuple[int, ...]) -> None:
        """Take the initial density of a problem on a grid, as the kind of array that the script works on."""
        as_array = getattr(self._script, "asarray", np.asarray)
        self._initial = as_array(problem.initial(gf.Grid(shape), self.kind))

    def rhs(self) -> Callable[[], object]:
        """The script's right-hand side at the initial density."""
        return lambda: self._script.rhs(self._initial)

    def run(self, t_end: float) -> np.ndarray:
        """The script's own loop."""
        return np.asarray(self._script.run(self._initial, t_end))


@dataclass
class FFTPair:
    """The floor under every code here: one real FFT and its inverse, out of place, by FFTW on two threads."""

    name: str = "FFT pair"
    evaluations: int = 1

    def available(self) -> str | None:
        """Always: gridflow needs FFTW too."""
        self._workspace = import_module("plain_numba").workspace
        return None

    def prepare(self, problem: Problem, shape: tuple[int, ...]) -> None:
        """Plan the transforms of a grid, whatever the problem."""
        del problem
        self._plans = self._workspace(shape, np.dtype(float))
        self._plans.real[...] = 0  # a pair does not normalise: repeated, anything else would overflow

    def rhs(self) -> Callable[[], object]:
        """One pair."""
        return lambda: (self._plans.forward.execute(), self._plans.backward.execute())


FLOOR = FFTPair()
SHARP = Gridflow("gridflow sharp", "spectral", {"reconstruction": "sharp", "velocity": "spectral"})
CODES: tuple[Code, ...] = (
    SHARP,
    Gridflow("gridflow MUSCL", "mimetic", {"reconstruction": "muscl", "limiter": "vanleer"}),
    Gridflow("gridflow upwind", "mimetic", {"reconstruction": "upwind"}),
    Gridflow("gridflow spectral", "spectral", {"tolerance": 1e-7}, "Spectral"),
    Script("plain numba", "plain_numba"),
    Script("plain numpy", "plain_numpy"),
    Script("JAX", "plain_jax"),
    Script("JAX spectral", "spectral_jax", "points"),
    Script("exponax", "with_exponax", "points"),
    Script("py-pde, divergence", "with_pypde:divergence_form", "points"),
    Script("py-pde, product rule", "with_pypde:product_rule", "points"),
    Script("Dedalus", "with_dedalus", "points"),
)
PACKAGES = ("gridflow", "numpy", "scipy", "pyfftw", "numba", "jax", "exponax", "py-pde", "dedalus")
"""Packages whose versions decide the result."""

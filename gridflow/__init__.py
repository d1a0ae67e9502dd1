"""Wasserstein gradient flows of kernel mean discrepancies on periodic grids.

What is solved and what a user touches; how a density is advanced is in the package :mod:`solvers`. Names are imported
when they are first used, which keeps ``import gridflow`` quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gridflow import threads as _threads  # noqa: F401 - first: it tells an OpenMP runtime how to wait
from gridflow._version import __version__

if TYPE_CHECKING:
    from gridflow import decay, diagnostics, regions, sobolev, theory
    from gridflow.callbacks import Callback, stop_when_energy_below, stop_when_steady
    from gridflow.clouds import deposit
    from gridflow.densities import (
        ball_hole,
        box_hole,
        cosine,
        from_array,
        from_function,
        from_image,
        from_particles,
        gaussian,
        lattice_of_holes,
        normalize,
        random_sobolev,
        shell_hole,
        uniform,
    )
    from gridflow.errors import InputError, RunError
    from gridflow.flow import Flow
    from gridflow.grid import Grid
    from gridflow.kernels import Gaussian, Matern, Riesz, Symbol
    from gridflow.loop import Run, run
    from gridflow.sampling import sample
    from gridflow.schedule import AtTimes, EverySteps, EveryTime, EveryWall, log_times
    from gridflow.store import open_run
    from gridflow.validation import compare
    from gridflow.viz import movie, plot

_HOMES = {
    "callbacks": ("Callback", "stop_when_energy_below", "stop_when_steady"),
    "clouds": ("deposit",),
    "densities": (
        "ball_hole",
        "box_hole",
        "cosine",
        "from_array",
        "from_function",
        "from_image",
        "from_particles",
        "gaussian",
        "lattice_of_holes",
        "normalize",
        "random_sobolev",
        "shell_hole",
        "uniform",
    ),
    "errors": ("InputError", "RunError"),
    "flow": ("Flow",),
    "grid": ("Grid",),
    "kernels": ("Gaussian", "Matern", "Riesz", "Symbol"),
    "loop": ("Run", "run"),
    "sampling": ("sample",),
    "schedule": ("AtTimes", "EverySteps", "EveryTime", "EveryWall", "log_times"),
    "store": ("open_run",),
    "validation": ("compare",),
    "viz": ("movie", "plot"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}
_MODULES = ("decay", "diagnostics", "regions", "sobolev", "theory")

__all__ = [
    "AtTimes",
    "Callback",
    "EverySteps",
    "EveryTime",
    "EveryWall",
    "Flow",
    "Gaussian",
    "Grid",
    "InputError",
    "Matern",
    "Riesz",
    "Run",
    "RunError",
    "Symbol",
    "__version__",
    "ball_hole",
    "box_hole",
    "compare",
    "cosine",
    "decay",
    "deposit",
    "diagnostics",
    "from_array",
    "from_function",
    "from_image",
    "from_particles",
    "gaussian",
    "lattice_of_holes",
    "log_times",
    "movie",
    "normalize",
    "open_run",
    "plot",
    "random_sobolev",
    "regions",
    "run",
    "sample",
    "shell_hole",
    "sobolev",
    "stop_when_energy_below",
    "stop_when_steady",
    "theory",
    "uniform",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"gridflow.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'gridflow' has no attribute {name!r}")
    value = getattr(import_module(f"gridflow.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

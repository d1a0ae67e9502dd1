"""Wasserstein gradient flows of kernel mean discrepancies on periodic grids and spheres.

What is solved and what a user touches; how a density is advanced is in the package :mod:`solvers`. Names are imported
when they are first used, which keeps ``import gridflow`` quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gridflow import threads as _threads  # noqa: F401 - first: it tells an OpenMP runtime how to wait
from gridflow._version import __version__

if TYPE_CHECKING:
    from gridflow import decay, diagnostics, networks, regions, sobolev, sphere_densities, theory
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
    from gridflow.flow import Flow, SphereFlow, WholeSphereFlow
    from gridflow.grid import Grid
    from gridflow.kernels import Activation, Gaussian, Matern, ReLU, Riesz, Symbol
    from gridflow.loop import Run, run
    from gridflow.networks import measure_from_network, network_from_measure
    from gridflow.sampling import sample
    from gridflow.schedule import AtTimes, EverySteps, EveryTime, EveryWall, log_times
    from gridflow.sphere import SphereGrid, WholeSphere
    from gridflow.store import open_run
    from gridflow.validation import compare
    from gridflow.viz import movie, plot
    from gridflow.weights import Weights

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
    "flow": ("Flow", "SphereFlow", "WholeSphereFlow"),
    "grid": ("Grid",),
    "kernels": ("Activation", "Gaussian", "Matern", "ReLU", "Riesz", "Symbol"),
    "loop": ("Run", "run"),
    "networks": ("measure_from_network", "network_from_measure"),
    "sampling": ("sample",),
    "schedule": ("AtTimes", "EverySteps", "EveryTime", "EveryWall", "log_times"),
    "sphere": ("SphereGrid", "WholeSphere"),
    "store": ("open_run",),
    "validation": ("compare",),
    "viz": ("movie", "plot"),
    "weights": ("Weights",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}
_MODULES = ("decay", "diagnostics", "networks", "regions", "sobolev", "sphere_densities", "theory")

__all__ = [
    "Activation",
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
    "ReLU",
    "Riesz",
    "Run",
    "RunError",
    "SphereFlow",
    "SphereGrid",
    "Symbol",
    "Weights",
    "WholeSphere",
    "WholeSphereFlow",
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
    "measure_from_network",
    "movie",
    "network_from_measure",
    "networks",
    "normalize",
    "open_run",
    "plot",
    "random_sobolev",
    "regions",
    "run",
    "sample",
    "shell_hole",
    "sobolev",
    "sphere_densities",
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

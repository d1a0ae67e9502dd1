"""Figures, movies and files for other programs, made from run directories without any solver.

Every module of this folder is imported here, so that an output that names its kind is found by its suffix.
"""

from importlib import import_module
from pkgutil import iter_modules

from gridflow.viz.comparison import plot_comparison
from gridflow.viz.figures import plot, side_by_side
from gridflow.viz.movies import movie
from gridflow.viz.outputs import export
from gridflow.viz.predictions import plot_prediction
from gridflow.viz.rates import plot_rates
from gridflow.viz.sweeps import plot_sweep
from gridflow.viz.training import plot_training

__all__ = [
    "export", "movie", "plot", "plot_comparison", "plot_prediction", "plot_rates", "plot_sweep", "plot_training",
    "side_by_side",
]  # fmt: skip

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)

"""Figures, movies and files for other programs, made from run directories without any solver.

Every module of this folder is imported here, so that an output that names its kind is found by its suffix.
"""

from importlib import import_module
from pkgutil import iter_modules

from gridflow.viz.figures import plot, side_by_side
from gridflow.viz.movies import movie
from gridflow.viz.outputs import export

__all__ = ["export", "movie", "plot", "side_by_side"]

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)

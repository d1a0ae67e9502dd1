"""Initial and target densities as cell averages.

Every module of this folder is imported here, so that a density that names its kind is known to case files.
"""

from importlib import import_module
from pkgutil import iter_modules

from gridflow.densities import regions, shapes
from gridflow.densities import sphere as sphere_densities

__all__ = ["regions", "shapes", "sphere_densities"]

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)

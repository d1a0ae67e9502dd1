"""Where densities live.

Every module of this folder is imported here, so that a domain that names its kind is known to case files and run
directories.
"""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)

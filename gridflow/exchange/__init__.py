"""Files of runs for other programs; each format is one registered class, found by its name or the file's suffix.

Every module of this folder is imported here, so that an export that names its format finds it.
"""

from importlib import import_module
from pkgutil import iter_modules

from gridflow.exchange.base import Format, export

__all__ = ["Format", "export"]

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)

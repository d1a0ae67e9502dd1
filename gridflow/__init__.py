"""Wasserstein gradient flows of kernel mean discrepancies on periodic grids and spheres.

This package defines the problem and everything that a user touches; the numerical methods are in :mod:`solvers`. The
public names are listed in ``__init__.pyi``, and each is imported when it is first used: importing gridflow is quick.
"""

import lazy_loader

from gridflow._version import __version__
from gridflow.compute import threads as _threads  # noqa: F401 - first: it tells an OpenMP runtime how to wait

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ += ["__version__"]

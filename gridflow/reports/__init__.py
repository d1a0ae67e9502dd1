"""Reports of runs: one file for a browser, made of sections; each section is one registered class.

Every module of this folder is imported here, so that a section that names its kind is found.
"""

from importlib import import_module
from pkgutil import iter_modules

from gridflow.reports.base import Section, Subject
from gridflow.reports.page import report

__all__ = ["Section", "Subject", "report"]

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)

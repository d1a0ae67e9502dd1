"""Exact solutions and laws: oracles for tests and for users."""

from gridflow.theory.coulomb import Coulomb1D, HoleLaw, LogisticLaw, uniform_background
from gridflow.theory.linear import LinearModes

__all__ = ["Coulomb1D", "HoleLaw", "LinearModes", "LogisticLaw", "uniform_background"]

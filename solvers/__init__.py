"""How a density is advanced: numerical solvers for a :class:`gridflow.Flow`."""

from solvers.finite_volume import FiniteVolume
from solvers.particles import Particles
from solvers.signed import SignedFiniteVolume
from solvers.spectral import Spectral

__all__ = ["FiniteVolume", "Particles", "SignedFiniteVolume", "Spectral"]

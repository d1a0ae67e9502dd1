"""How a density is advanced: numerical solvers for a :class:`gridflow.Flow`, on the torus and the sphere."""

from solvers.finite_volume.solver import FiniteVolume
from solvers.points.network import Network
from solvers.points.particles import Particles
from solvers.spectral.solver import Spectral
from solvers.sphere.solver import SphereFiniteVolume

__all__ = ["FiniteVolume", "Network", "Particles", "Spectral", "SphereFiniteVolume"]

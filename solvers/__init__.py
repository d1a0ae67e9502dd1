"""How a density is advanced: numerical solvers for a :class:`gridflow.Flow`, on the torus and the sphere."""

from solvers.finite_volume import FiniteVolume
from solvers.network import Network
from solvers.particles import Particles
from solvers.signed import SignedFiniteVolume
from solvers.spectral import Spectral
from solvers.sphere import SphereFiniteVolume

__all__ = ["FiniteVolume", "Network", "Particles", "SignedFiniteVolume", "Spectral", "SphereFiniteVolume"]

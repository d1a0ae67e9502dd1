"""How a density is advanced: numerical solvers for a :class:`gridflow.Flow`."""

from solvers.finite_volume import FiniteVolume

__all__ = ["FiniteVolume"]

"""Initial and target densities as cell averages."""

from gridflow.densities import regions
from gridflow.densities import sphere as sphere_densities

__all__ = ["regions", "sphere_densities"]

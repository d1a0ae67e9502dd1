"""Particles against a grid run: distances, sampling noise, the equation of motion, and verdicts."""

from gridflow.validation.comparison import Comparison, Moment, compare, order
from gridflow.validation.reference import Reference

__all__ = ["Comparison", "Moment", "Reference", "compare", "order"]

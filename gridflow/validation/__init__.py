"""Comparison of particles with a grid run: distances, sampling noise, equation of motion and verdicts."""

from gridflow.validation.moments import FrameComparison
from gridflow.validation.reference import Reference
from gridflow.validation.starts import sample_run, write_particles
from gridflow.validation.verdict import Comparison, compare, order

__all__ = ["Comparison", "FrameComparison", "Reference", "compare", "order", "sample_run", "write_particles"]

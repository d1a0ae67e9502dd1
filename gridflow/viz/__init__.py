"""Figures and movies, made from run directories alone."""

from gridflow.viz.figures import plot, side_by_side
from gridflow.viz.movies import movie

__all__ = ["movie", "plot", "side_by_side"]

"""Figures and movies, made from run directories without any solver, and the functions that they are composed of.

Every module of this folder is imported here, so that an output that names its kind is found.
"""

from importlib import import_module
from pkgutil import iter_modules

from gridflow.viz.artists import density, difference, hole, particles, potential, redraw, spacetime, streamlines
from gridflow.viz.curves import discrepancy, energy, extrema, hole_ratio, hole_volume
from gridflow.viz.movies import kinds_of_movies, movie
from gridflow.viz.pictures import Cut
from gridflow.viz.plotting import drawn, kinds, plot
from gridflow.viz.predictions import plot_prediction
from gridflow.viz.scale import Scale, color_bar
from gridflow.viz.spectra import spectrum
from gridflow.viz.sphere import globe
from gridflow.viz.style import STYLE
from gridflow.viz.training import plot_training
from gridflow.viz.validation import plot_comparison

__all__ = [
    "STYLE", "Cut", "Scale", "color_bar", "density", "difference", "discrepancy", "drawn", "energy", "extrema", "globe",
    "hole", "hole_ratio", "hole_volume", "kinds", "kinds_of_movies", "movie", "particles", "plot", "plot_comparison",
    "plot_prediction", "plot_training", "potential", "redraw", "spacetime", "spectrum", "streamlines",
]  # fmt: skip

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)

"""Quantities computed from a density: Fourier coefficients, norms, extrema, volumes of holes."""

from gridflow.measures import diagnostics, sobolev, spectra

__all__ = ["diagnostics", "sobolev", "spectra"]

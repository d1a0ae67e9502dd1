"""Solvers that move points: particles, and the neurons of a shallow network."""

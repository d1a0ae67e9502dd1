"""Particles that represent a density: sampling, deposition on a grid, mean-field velocities."""

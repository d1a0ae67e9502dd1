"""Particles that stand for a density: sampling, deposition on a grid, mean-field velocities."""

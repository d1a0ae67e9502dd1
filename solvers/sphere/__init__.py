"""Positive finite volumes on the sphere, in rings of cells."""

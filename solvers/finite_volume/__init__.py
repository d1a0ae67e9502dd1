"""Positive finite volumes on periodic grids."""

"""Pieces of the compiled loops, which only compiled functions can call, for tests in Python."""

from numba import njit


def from_python(piece):
    """A function that Python can call and that calls a piece with the same arguments."""
    return njit(lambda *arguments: piece(*arguments))

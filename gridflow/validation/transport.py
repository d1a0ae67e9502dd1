"""Wasserstein distances on the torus between particles and a density, by POT."""

import itertools
import math
from typing import NamedTuple

import numpy as np

from gridflow.domains.torus import Grid
from gridflow.errors import InputError

BINS = 2048
"""Number of bins on the circle of a slice; in one dimension, smallest number of atoms for the density."""
ATOMS = 2**18
"""Largest number of atoms for the density in slices, unless it has more cells."""


class Transport(NamedTuple):
    """A distance and its error bound.

    Attributes
    ----------
    name
        Which distance: ``W1`` in one dimension, ``sliced W2`` in more.
    distance, error
        In units of length.
    """

    name: str
    distance: float
    error: float


class TransportTo:
    """Distances of particles from a density: W1 on the circle in one dimension, sliced W2 on the torus in more.

    A slice is the map ``x ↦ Σ_a m_a x_a / L_a`` onto a circle of circumference ``1 / |m / L|`` for whole numbers m,
    which lengthens no path, so W2 of every slice is at most W2; the root of the mean square over :func:`directions` is
    taken. The density stands as atoms at equidistant points of its cells: W1 is exact for the particles and off by at
    most half the atoms' distance, slices by half a diagonal of an atom's share of the cell and a bin.

    Parameters
    ----------
    grid, density
        The density as cell averages, ≥ 0.

    Raises
    ------
    InputError
        If POT is not installed.
    """

    def __init__(self, grid: Grid, density: np.ndarray) -> None:
        try:
            import ot
        except ImportError:
            raise InputError(
                "Wasserstein distances need POT, which is not installed: pip install 'gridflow[particles]'"
            ) from None
        self._solve = ot.lp.wasserstein_circle
        self._grid = grid
        mass = density.ravel() / density.sum()
        if grid.dim == 1:
            self._parts = -(-BINS // grid.size)
            self._atoms = (np.arange(grid.size * self._parts) + 0.5) / (grid.size * self._parts)
            self._shares = np.repeat(mass / self._parts, self._parts)
            return
        self._parts = max(1, math.floor((ATOMS / grid.size) ** (1 / grid.dim)))
        self._slopes = [np.array(direction) / np.array(grid.lengths) for direction in directions(grid.dim)]
        self._bins = [self._sliced(slope, mass) for slope in self._slopes]

    def distance(self, positions: np.ndarray, weights: np.ndarray) -> Transport:
        """The distance of particles, shapes (N, d) and (N,), whose masses are scaled to the density's."""
        grid, share = self._grid, weights / weights.sum()
        if grid.dim == 1:
            at = np.mod(positions / grid.lengths[0], 1.0)
            found = self._solve(at, self._atoms[:, None], share[:, None], self._shares[:, None], p=1)
            return Transport("W1", float(found[0]) * grid.lengths[0], grid.spacing[0] / (2 * self._parts))
        squares, errors = [], []
        middles = ((np.arange(BINS) + 0.5) / BINS)[:, None]
        for slope, ours in zip(self._slopes, self._bins, strict=True):
            circumference = 1 / float(np.linalg.norm(slope))
            found = self._solve(middles, middles, _binned(positions @ slope, share)[:, None], ours[:, None], p=2)
            squares.append(max(float(found[0]), 0.0) * circumference**2)
            errors.append(math.hypot(*grid.spacing) / (2 * self._parts) + circumference / BINS)
        return Transport("sliced W2", math.sqrt(np.mean(squares)), max(errors))

    def _sliced(self, slope: np.ndarray, mass: np.ndarray) -> np.ndarray:
        """The density's mass in bins along a slice."""
        grid, parts = self._grid, self._parts
        centres = np.ravel(sum(grid.along(a, grid.centers(a)) * slope[a] for a in range(grid.dim)))
        total = np.zeros(BINS)
        for part in np.ndindex(*(parts,) * grid.dim):
            shift = sum(((k + 0.5) / parts - 0.5) * h * t for k, h, t in zip(part, grid.spacing, slope, strict=True))
            total += _binned(centres + shift, mass / parts**grid.dim)
        return total


def _binned(at: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weights in bins of the circle [0, 1)."""
    return np.bincount((np.mod(at, 1.0) * BINS).astype(int) % BINS, weights=weights, minlength=BINS)


def directions(dim: int) -> list[tuple[int, ...]]:
    """Directions of the slices: coprime whole numbers up to 2 (3-D: up to 1), one of each opposite pair."""
    reach = range(-2, 3) if dim == 2 else range(-1, 2)
    found = []
    for m in itertools.product(reach, repeat=dim):
        leading = next((component for component in m if component), 0)
        if leading > 0 and math.gcd(*m) == 1:
            found.append(m)
    return found

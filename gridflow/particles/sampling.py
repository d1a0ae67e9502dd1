"""Sampling of a density by particles: independent, stratified and quasi-random.

Points of the unit cube are mapped to the torus by the Knothe–Rosenblatt map, one axis after the other: first along x,
then along y given x, and so on. Within a cell the density is linear. Its slopes are limited so that it stays ≥ 0 and
has no new extremum; the modes of a smooth density are accurate to fourth order in the cell width.
"""

import math
from typing import Literal, get_args

import numpy as np

from gridflow.arguments import takes_numbers
from gridflow.domains.torus import Grid, torus
from gridflow.errors import InputError, whole_number

Method = Literal["independent", "stratified", "quasi-random"]
METHODS = get_args(Method)
Weighting = Literal["equal", "density"]
WEIGHTINGS = get_args(Weighting)


@takes_numbers
def sample(
    grid: Grid,
    density: np.ndarray,
    count: int,
    method: Method = "independent",
    weights: Weighting = "equal",
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Sample particles that represent a density.

    Parameters
    ----------
    grid
        The periodic grid.
    density
        Cell averages (mass / volume), shape ``grid.shape``, ≥ 0 and not all 0.
    count
        Number of particles N ≥ 1.
    method
        ``independent`` (default): N independent draws, with their sampling noise in every mode. ``stratified``: one
        random point in each of N parts of equal mass (intervals of a Morton curve), which lowers the noise by about
        N^{−1/d}. ``quasi-random``: a randomly shifted lattice in one dimension, scrambled Sobol points in more; the
        error is about 1 / N for smooth densities.
    weights
        ``equal`` (default): the points follow the density, and each has weight M / N. ``density``: the points fill the
        torus evenly, and each weight is proportional to the density there, hence 0 inside a hole.
    seed
        Non-negative integer; the same seed gives the same bits. Default: 0.

    Returns
    -------
    positions, weights : ndarray
        Float64 of shapes (N, d), in [0, L_a), in units of length, and (N,), which sum to the mass M = ∫ μ dx.

    Raises
    ------
    InputError
        If an argument is not allowed, the grid is not that of a torus, or no point lies where the density is positive.
    """
    torus(grid, "sampling by particles")
    density = grid.check_density(density, "the density to sample")
    mass = float(density.sum()) * grid.cell_volume
    if mass == 0:
        raise InputError("the density to sample has no mass: it is 0 in every cell")
    count = whole_number("count", count, 1, "a sample needs a whole number of particles of at least 1")
    if weights not in WEIGHTINGS:
        raise InputError(f'weights "{weights}": allowed are {" and ".join(WEIGHTINGS)}')
    points = _unit_points(grid.dim, count, method, seed)
    linear = _Linear(grid, density)
    if weights == "equal":
        return linear.carry(points), np.full(count, mass / count)
    positions = points * np.array(grid.lengths)
    found = linear.at(positions)
    if not found.any():
        raise InputError(f"the density is 0 at all {count} evenly spread points; use more points, or equal weights")
    return positions, found * (mass / found.sum())


def _unit_points(dim: int, count: int, method: str, seed: int) -> np.ndarray:
    """Return N points of the unit cube, shape (N, dim)."""
    if method not in METHODS:
        raise InputError(f'sampling method "{method}": allowed are {", ".join(METHODS)}')
    rng = np.random.default_rng(whole_number("seed", seed, 0))
    if method == "independent":
        return rng.random((count, dim))
    if method == "stratified":
        return _along_morton_curve((np.arange(count) + rng.random(count)) / count, dim, rng)
    if dim == 1:
        return ((np.arange(count) + rng.random()) / count)[:, None]
    from scipy.stats import qmc  # imported here because it loads slowly

    drawn: np.ndarray = qmc.Sobol(dim, rng=rng).random_base2(max(1, math.ceil(math.log2(count))))
    return drawn[:count]


def _along_morton_curve(at: np.ndarray, dim: int, rng: np.random.Generator) -> np.ndarray:
    """Map positions in [0, 1) along the Morton curve, which preserves volumes, to points of the unit cube.

    The binary digits of a position are distributed in turn to the coordinates; digits beyond its precision are random.
    """
    if dim == 1:
        return at[:, None]
    digits = 52 // dim
    place = (at * 2.0 ** (dim * digits)).astype(np.uint64)
    cells = np.zeros((len(at), dim), np.uint64)
    for digit in range(digits):
        for axis in range(dim):
            bit = (place >> np.uint64(dim * digit + dim - 1 - axis)) & np.uint64(1)
            cells[:, axis] |= bit << np.uint64(digit)
    return (cells + rng.random(cells.shape)) / 2.0**digits


class _Linear:
    """A density that is linear in every cell, stored as averages and, per axis, the increase across the cell."""

    def __init__(self, grid: Grid, density: np.ndarray) -> None:
        self._grid, self._averages = grid, density
        rises = []
        for axis in range(grid.dim):
            below, above = density - np.roll(density, 1, axis), np.roll(density, -1, axis) - density
            least = np.minimum(abs(below + above) / 2, 2 * np.minimum(abs(below), abs(above)))
            rises.append(np.where(below * above > 0, np.sign(below) * least, 0.0))
        lowest = sum(abs(rise) for rise in rises) / 2
        keeps = np.where(lowest > density, density / np.where(lowest > 0, lowest, 1.0), 1.0)
        self._rises = [rise * keeps for rise in rises]

    def at(self, positions: np.ndarray) -> np.ndarray:
        """Return the density at the given points, shape (N,)."""
        scaled = positions / np.array(self._grid.spacing)
        cells = np.minimum(scaled.astype(int), np.array(self._grid.shape) - 1)
        index = tuple(cells.T)
        offset = scaled - cells - 0.5
        return self._averages[index] + sum(rise[index] * offset[:, a] for a, rise in enumerate(self._rises))

    def carry(self, points: np.ndarray) -> np.ndarray:
        """Map points of the unit cube to the torus by the Knothe–Rosenblatt map; both have shape (N, d)."""
        grid = self._grid
        positions = np.empty_like(points)
        row = np.zeros(len(points), int)
        offsets: list[np.ndarray] = []
        for axis, n in enumerate(grid.shape):
            beyond = tuple(range(axis + 1, grid.dim))
            # The mass of a cell along this axis is its average plus the slopes along earlier axes times the offsets.
            tables = [t.sum(axis=beyond).reshape(-1, n) for t in (self._averages, *self._rises[: axis + 1])]
            factors = [np.ones(len(points)), *offsets]
            cell, share = _find(points[:, axis], row, tables[:-1], factors)
            mass = sum(f * table[row, cell] for f, table in zip(factors, tables[:-1], strict=True))
            rise = tables[-1][row, cell]
            start = mass - rise / 2  # density at the lower end of the cell, in the units of its mass
            root = start + np.sqrt(np.maximum(start**2 + 2 * rise * share * mass, 0.0))
            within = np.clip(np.where(root > 0, 2 * share * mass / np.where(root > 0, root, 1.0), share), 0.0, 1.0)
            positions[:, axis] = (cell + within) * grid.spacing[axis]
            offsets.append(within - 0.5)
            row = row * n + cell
        return np.where(positions < grid.lengths, positions, 0.0)


def _find(
    quantile: np.ndarray, row: np.ndarray, tables: list[np.ndarray], factors: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Find each point's cell along a line of cells, and the share of that cell's mass below the point.

    The masses of the cells on a point's line are ``Σ_i factors_i tables_i[row]``. The search bisects their cumulative
    sums.
    """
    n = tables[0].shape[1]
    sums = [np.concatenate([np.zeros((len(t), 1)), np.cumsum(t, axis=1)], axis=1) for t in tables]

    def below(cell: np.ndarray) -> np.ndarray:
        total: np.ndarray = sum(f * s[row, cell] for f, s in zip(factors, sums, strict=True))
        return total

    wanted = quantile * below(np.full(len(row), n))
    low, high = np.zeros(len(row), int), np.full(len(row), n)
    for _ in range(math.ceil(math.log2(n))):
        middle = (low + high) // 2
        beyond = below(middle) <= wanted
        low, high = np.where(beyond, middle, low), np.where(beyond, high, middle)
    start = below(low)
    mass = below(low + 1) - start
    return low, np.clip((wanted - start) / np.where(mass > 0, mass, 1.0), 0.0, 1.0)

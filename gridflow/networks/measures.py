"""Conversions between shallow ReLU networks and measures on the sphere.

``f(x) = (1/m) Σ_j a_j max(w_j·x, 0)`` depends on its weights only through the signed measure
``μ = (1/m) Σ_j a_j |w_j| δ_{w_j/|w_j|}`` on the unit sphere S^d of R^{d+1}: ``f(x) = ∫ max(θ·x, 0) dμ(θ)``. A point of
the circle is (cos φ, sin φ), and its angle φ is the grid's coordinate.
"""

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from gridflow.arguments import takes_numbers
from gridflow.domains.base import Domain
from gridflow.domains.circle import Circle
from gridflow.domains.sphere import SphereGrid, WholeSphere
from gridflow.domains.torus import Grid
from gridflow.errors import InputError, whole_number
from gridflow.networks.weights import Weights, from_state_dict, load_weights, save_weights, to_state_dict
from gridflow.particles.clouds import deposit
from gridflow.particles.sampling import sample

__all__ = [
    "Weights",
    "angles",
    "from_state_dict",
    "load_weights",
    "measure_from_network",
    "network_from_measure",
    "random_weights",
    "save_weights",
    "to_state_dict",
]

TRAINING = 2.0
"""Growth β of the flow that training a balanced network is."""
BALANCED = 1e-6
"""How far |w|² − a² may be from 0, as a share of a²."""
METHODS = ("quantile", "quasi-random", "random")
"""Ways to choose the directions of the neurons that represent a density."""


def reason_unlike_flow(weights: Weights) -> str:
    """Reason why the flow does not describe the training of these neurons; empty if it does."""
    if weights.outer.min() < 0:
        return "some output weights are negative; no theory covers weights of both signs"
    if abs(weights.balance).max() > BALANCED * np.square(weights.outer).mean():
        return "the weights are not balanced: |a| ≠ |w|, and the neurons move at other speeds than in theory"
    return ""


def angles(directions: np.ndarray) -> np.ndarray:
    """Angles φ in [0, 2π) of the first two components of vectors.

    Parameters
    ----------
    directions
        Nonzero vectors, shape (N, 2) or (N, 3).

    Returns
    -------
    ndarray
        Float64 of shape (N,), in radians.
    """
    found: np.ndarray = np.arctan2(directions[:, 1], directions[:, 0])
    found[found < 0] += 2 * np.pi
    found[found >= 2 * np.pi] = 0.0  # a tiny negative angle rounds to the period itself
    return found


def measure_from_network(grid: Domain, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """Deposit a network's measure as cell averages, separately for positive and negative output weights.

    Each neuron is spread linearly over the cells nearest to its direction, in the angle on the circle, and in
    colatitude and longitude on S². Beyond the ring next to a pole, the grid continues with the same ring on the
    opposite side. Mass is conserved.

    Parameters
    ----------
    grid
        A ``Circle``, a ``SphereGrid``, or a ``WholeSphere``, for which the mean density is returned.
    weights
        A network with one more input than the dimension of the sphere.

    Returns
    -------
    positive, negative : ndarray
        Both ≥ 0, float64 of the grid's shape (mass / volume); the measure is their difference.

    Raises
    ------
    InputError
        If the grid is none of these or has the wrong dimension.
    """
    _check_sphere(grid, weights.dim)
    directions, masses = weights.directions, weights.masses
    spread = grid.one_of(_SPREAD, "measure of a network")
    return spread(grid, directions, np.maximum(masses, 0.0)), spread(grid, directions, np.maximum(-masses, 0.0))


def _check_sphere(grid: Domain, dim: int) -> None:
    if grid.sphere_dim is None:
        raise InputError(f"networks live on spheres, and {grid} is not one; use Circle for S¹ and SphereGrid for S²")
    if grid.sphere_dim != dim:
        raise InputError(
            f"weights of {dim + 1} inputs are points of S^{dim}; the grid is {grid}, of dimension {grid.dim}"
        )


def _on_circle(grid: Circle, directions: np.ndarray, masses: np.ndarray) -> np.ndarray:
    return deposit(grid, angles(directions)[:, None], masses)


def _on_whole_sphere(grid: WholeSphere, _: np.ndarray, masses: np.ndarray) -> np.ndarray:
    return np.full(grid.shape, masses.sum() / grid.volume)


def _on_sphere(grid: SphereGrid, directions: np.ndarray, masses: np.ndarray) -> np.ndarray:
    """Deposit by cloud-in-cell between rings and longitudes; across a pole lies the same ring on the opposite side."""
    rings, around = grid.shape
    nodes = np.concatenate([[-grid.colatitudes[0]], grid.colatitudes, [2 * np.pi - grid.colatitudes[-1]]])
    theta = np.arctan2(np.hypot(directions[:, 0], directions[:, 1]), directions[:, 2])
    ring = np.searchsorted(nodes, theta, side="right") - 1
    south = (theta - nodes[ring]) / (nodes[ring + 1] - nodes[ring])
    longitude = angles(directions) * (around / (2 * np.pi))
    cell = np.floor(longitude).astype(int)
    east = longitude - cell
    total = np.zeros(grid.size)
    for down, share in ((0, 1 - south), (1, south)):
        at = ring + down - 1
        beyond = (at < 0) | (at >= rings)
        row = np.clip(at, 0, rings - 1) * around
        for right, part in ((0, 1 - east), (1, east)):
            column = (cell + right + beyond * (around // 2)) % around
            total += np.bincount(row + column, weights=masses * share * part, minlength=grid.size)
    result: np.ndarray = total.reshape(grid.shape) / grid.areas
    return result


_SPREAD: dict[type[Domain], Callable[..., np.ndarray]] = {
    Circle: _on_circle,
    SphereGrid: _on_sphere,
    WholeSphere: _on_whole_sphere,
}
"""Function that deposits point masses at directions as cell averages, for each domain."""


@takes_numbers
def network_from_measure(
    grid: Domain,
    density: np.ndarray,
    count: int,
    negative: np.ndarray | None = None,
    balance: float = 0.0,
    method: Literal["quantile", "quasi-random", "random"] = "quantile",
    seed: int = 0,
) -> Weights:
    """Construct a network of m neurons of equal mass |a_j| |w_j| that represents a measure on the circle or S².

    Points of the unit cube are mapped to the sphere by the cumulative masses of the cells; on S² first along the height
    and then along the longitude at that height. Within a cell the distribution is uniform.

    Parameters
    ----------
    grid
        A :class:`gridflow.Circle` or a :class:`gridflow.SphereGrid`.
    density
        Cell averages ≥ 0 (mass / volume), shape ``grid.shape``.
    count
        Number of neurons m ≥ 1.
    negative
        Cell averages ≥ 0 of the part that output weights a < 0 represent. The neurons are divided in proportion to the
        masses, and the positive ones come first. Default: None.
    balance
        |w_j|² − a_j² of every neuron. Default: 0, that is ``|a_j| = |w_j|``.
    method
        ``quantile`` (default): neuron j at the quantile (j + ½) / m of the mass, on S² a Fibonacci lattice.
        ``quasi-random``: a randomly shifted lattice, on S² scrambled Sobol points. ``random``: independent draws, with
        an error of order m^{−1/2}.
    seed
        Seed of the random methods, a non-negative integer; the same seed gives the same bits. Default: 0.

    Returns
    -------
    Weights
        The network, with inner weights of shape (m, d + 1) and outer weights of shape (m,).

    Raises
    ------
    InputError
        If an argument is not allowed.
    """
    _check_sphere(grid, grid.dim)
    if not grid.has_cells:
        raise InputError(f"{grid} has no cells to take directions from; draw them with random_weights")
    count = whole_number("count", count, 1)
    if method not in METHODS:
        raise InputError(f'method "{method}": allowed are {", ".join(METHODS)}')
    if not math.isfinite(balance):
        raise InputError(f"balance = {balance}: it must be finite")
    parts = [grid.check_density(density, "the density of the network")]
    if negative is not None:
        parts.append(grid.check_density(negative, "the negative density of the network"))
    held = [grid.integral(part) for part in parts]
    if sum(held) == 0:
        raise InputError("the measure of the network has no mass: it is 0 in every cell")
    counts = _shares(held, count)
    draw = grid.one_of(_DIRECTIONS, "way to take directions from a density")
    inner, outer = [], []
    for part, mass, share, sign, stream in zip(parts, held, counts, (1, -1), (0, 1), strict=False):
        if share:
            directions = draw(grid, part, _unit_points(grid.dim, share, method, seed, stream))
            norm, amplitude = _sizes(mass * count / share, balance)
            inner.append(norm * directions)
            outer.append(np.full(share, sign * amplitude))
    return Weights(np.concatenate(inner), np.concatenate(outer))


def _shares(masses: list[float], count: int) -> list[int]:
    """Split ``count`` in proportion to the masses into whole numbers, each at least 1 where the mass is not 0."""
    if len(masses) == 1 or masses[1] == 0:
        return [count, 0][: len(masses)]
    if masses[0] == 0:
        return [0, count]
    if count < 2:
        raise InputError("count = 1: a measure of both signs needs at least 2 neurons")
    second = min(max(round(count * masses[1] / sum(masses)), 1), count - 1)
    return [count - second, second]


def _sizes(mass: float, balance: float) -> tuple[float, float]:
    """Return |w| and |a| with |a| |w| = mass and |w|² − a² = balance; the larger one first, to avoid cancellation."""
    larger = math.sqrt((abs(balance) + math.hypot(balance, 2 * mass)) / 2)
    return (larger, mass / larger) if balance >= 0 else (mass / larger, larger)


def _unit_points(dim: int, count: int, method: str, seed: int, stream: int) -> np.ndarray:
    """Return points of the unit cube, shape (count, dim); the two streams are independent."""
    if method == "quantile":
        golden = (math.sqrt(5) - 1) / 2
        j = np.arange(count)
        return np.stack([(j + 0.5) / count, j * golden % 1][:dim], axis=1)
    seed = whole_number("seed", seed, 0)
    cube = Grid((4,) * dim)
    own = int(np.random.SeedSequence([stream, seed]).generate_state(1)[0]) if stream else seed
    kind: Any = "independent" if method == "random" else method
    return sample(cube, np.ones(cube.shape), count, kind, seed=own)[0]


def _directions_on_circle(grid: Circle, density: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Unit vectors at the quantiles of a density, shape (count, inputs), uniform within a cell."""
    reached = np.concatenate([[0.0], np.cumsum(density)])
    phi = np.interp(points[:, 0] * reached[-1], reached, grid.edges(0))
    return np.stack([np.cos(phi), np.sin(phi)], axis=1)


def _directions_on_sphere(grid: SphereGrid, density: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Like :func:`_directions_on_circle`: quantiles over the rings' masses, then over the cells of a ring."""
    rings, around = grid.shape
    reached = np.concatenate([[0.0], np.cumsum(density * grid.areas)])
    rows = reached[::around]
    ring, down = _place(rows, points[:, 0] * rows[-1], 0, rings)
    wanted = rows[ring] + points[:, 1] * (rows[ring + 1] - rows[ring])
    cell, east = _place(reached, wanted, ring * around, (ring + 1) * around)
    heights = np.cos(grid.edges)
    z = heights[ring] + down * (heights[ring + 1] - heights[ring])
    phi = (cell % around - 0.5 + east) * (2 * np.pi / around)  # a cell is centred at its longitude
    radius = np.sqrt((1 - z) * (1 + z))
    return np.stack([radius * np.cos(phi), radius * np.sin(phi), z], axis=1)


_DIRECTIONS: dict[type[Domain], Callable[..., np.ndarray]] = {
    Circle: _directions_on_circle,
    SphereGrid: _directions_on_sphere,
}
"""Function that maps points of the unit cube to directions distributed like a density, for each domain."""


def _place(reached: np.ndarray, wanted: np.ndarray, first: Any, end: Any) -> tuple[np.ndarray, np.ndarray]:
    """Cells in [first, end) where the cumulative sums reach the wanted values, and the share of each below those."""
    cell = np.clip(np.searchsorted(reached, wanted, side="right") - 1, first, end - 1)
    mass = reached[cell + 1] - reached[cell]
    return cell, np.clip((wanted - reached[cell]) / np.where(mass > 0, mass, 1.0), 0.0, 1.0)


@takes_numbers
def random_weights(
    count: int,
    inputs: int,
    seed: int = 0,
    scale: float = 1.0,
    normalised: bool = False,
    balanced: bool = True,
    signed: bool = True,
) -> Weights:
    """Draw the usual random initialisation of a network: independent directions, outer weights of either sign.

    Parameters
    ----------
    count, inputs
        Numbers of neurons, m ≥ 1, and of inputs, ≥ 2.
    seed
        Non-negative integer; the same seed gives the same bits. Default: 0.
    scale
        Standard deviation of each component of w_j, which is normal; or, if ``normalised``, the radius of the sphere on
        which w_j is uniform. Default: 1.
    normalised
        Whether all w_j have the same norm. Default: False.
    balanced
        Whether ``|a_j| = |w_j|``; otherwise ``|a_j| = 1``. Default: True.
    signed
        Whether a_j has either sign with probability ½; otherwise it is positive. Default: True.

    Returns
    -------
    Weights
        The network, with inner weights of shape (m, inputs) and outer weights of shape (m,).

    Raises
    ------
    InputError
        If an argument is not allowed.
    """
    count, inputs = whole_number("count", count, 1), whole_number("inputs", inputs, 2)
    if not (math.isfinite(scale) and scale > 0):
        raise InputError(f"scale = {scale}: it must be positive")
    rng = np.random.default_rng(whole_number("seed", seed, 0))
    inner = rng.standard_normal((count, inputs))
    norms = np.sqrt(np.einsum("ij,ij->i", inner, inner))
    inner *= scale / (norms[:, None] if normalised else 1.0)
    signs = rng.choice([-1.0, 1.0], count) if signed else np.ones(count)
    sizes = (np.full(count, scale) if normalised else scale * norms) if balanced else np.ones(count)
    return Weights(inner, signs * sizes)

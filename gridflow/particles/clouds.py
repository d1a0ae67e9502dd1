"""Particle clouds: validation, periodic wrapping and deposition on a grid."""

import math
from typing import Literal

import numpy as np

from gridflow.domains.torus import Grid
from gridflow.errors import InputError
from gridflow.measures import spectra


def checked_particles(
    dim: int, positions: np.ndarray, weights: np.ndarray | None, mass: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return positions (N, dim) and weights (N,) as float64 arrays; weights default to equal ones of total ``mass``.

    Raises
    ------
    InputError
        If a shape is wrong, a number is not finite, or a weight is negative.
    """
    at = np.asarray(positions, dtype=float)
    if at.ndim == 1 and dim == 1:
        at = at[:, None]
    if at.ndim != 2 or at.shape[1] != dim or len(at) == 0:
        raise InputError(f"particle positions have shape {at.shape}; (N, {dim}) with N ≥ 1 is needed")
    masses = np.full(len(at), mass / len(at)) if weights is None else np.asarray(weights, dtype=float)
    if masses.shape != at.shape[:1]:
        raise InputError(f"particle weights have shape {masses.shape}; ({len(at)},) is needed")
    for name, values in (("positions", at), ("weights", masses)):
        if not np.isfinite(values).all():
            which = int(np.argwhere(~np.isfinite(values))[0][0])
            raise InputError(f"particle {name} must be finite; that of particle {which} is {values[which]}")
    if masses.min() < 0:
        which = int(masses.argmin())
        raise InputError(f"particle weights must be ≥ 0; that of particle {which} is {masses[which]}")
    return at, masses


def wrap(positions: np.ndarray, lengths: tuple[float, ...], scratch: np.ndarray | None = None) -> None:
    """Wrap positions (N, d) into [0, L_a), in place; ``scratch``, an array of the same shape, is overwritten."""
    turns = np.empty_like(positions) if scratch is None else scratch
    periods = np.array(lengths, positions.dtype)
    np.divide(positions, periods, out=turns)
    np.floor(turns, out=turns)
    turns *= periods
    positions -= turns
    np.copyto(positions, 0, where=positions >= periods)  # a small negative number rounds to the period itself


def deposit(
    grid: Grid,
    positions: np.ndarray,
    weights: np.ndarray,
    method: Literal["cloud-in-cell", "band-limited"] = "cloud-in-cell",
) -> np.ndarray:
    """Deposit particles on a grid as cell averages; both methods conserve the total mass Σ w.

    Parameters
    ----------
    grid
        The periodic grid.
    positions, weights
        Shapes (N, d), in units of length and wrapped onto the torus, and (N,), in units of mass.
    method
        ``cloud-in-cell`` (default): each particle is spread over a box the size of a cell, centred on it. The result is
        ≥ 0, and mode k is reduced by ``∏ sinc(k_a / n_a)``. ``band-limited``: every mode that the grid resolves is
        exactly that of the particles. The result oscillates, also below 0, where particles are sparse.

    Returns
    -------
    ndarray
        Float64 of shape ``grid.shape`` (mass / volume).

    Raises
    ------
    InputError
        If the method is unknown.
    """
    if method == "band-limited":
        return spectra.to_density(grid, spectra.of_particles(grid, positions, weights))
    if method != "cloud-in-cell":
        raise InputError(f'deposit "{method}": allowed are cloud-in-cell and band-limited')
    scaled = np.mod(positions, grid.lengths) / np.array(grid.spacing) - 0.5
    lower = np.floor(scaled).astype(int)
    share = scaled - lower
    density = np.zeros(grid.size)
    for corner in np.ndindex(*(2,) * grid.dim):
        index = np.ravel_multi_index(tuple((lower + corner).T), grid.shape, mode="wrap")
        portion = weights * math.prod(share[:, a] if high else 1 - share[:, a] for a, high in enumerate(corner))
        density += np.bincount(index, weights=portion, minlength=grid.size)
    return density.reshape(grid.shape) / grid.cell_volume

"""Particle velocities by direct summation: slow, short and without transforms, to check the fast ones against.

``v(x) = −∇V(x)``, ``V = K * (Σ_j w_j δ_{x_j} − ν)``.
"""

import math

import numpy as np
from scipy.special import bernoulli, comb

from gridflow.equation.flow import Flow
from gridflow.equation.kernels import Riesz
from gridflow.errors import InputError
from gridflow.measures import spectra
from solvers.loops.pairs import gradient_sums

BLOCK = 4096
"""Number of particles whose waves are held in memory at a time."""


def velocity(
    flow: Flow, positions: np.ndarray, weights: np.ndarray, modes: tuple[int, ...] | None = None
) -> np.ndarray:
    """Velocities by direct sums over all particles and all modes kept, in O(N n) for n modes.

    Parameters
    ----------
    flow
        The equation.
    positions, weights
        Shapes (N, d) and (N,).
    modes
        Number of modes along each axis. Default: the shape of the flow's grid.

    Returns
    -------
    ndarray
        Shape (N, d), float64.
    """
    grid = flow.grid.with_cells(modes or flow.grid.shape)
    xi = spectra.wave_vectors(grid)
    measured = np.zeros(grid.shape, complex)
    blocks = [slice(start, start + BLOCK) for start in range(0, len(positions), BLOCK)]
    for block in blocks:
        waves = [np.exp(-1j * np.outer(positions[block, a], xi[a].ravel())) for a in range(grid.dim)]
        measured += _folded(waves, weights[block])
    difference = measured / grid.volume - spectra.of_density(flow.grid, flow.target, grid)
    potential = spectra.whole_symbol(flow.kernel, grid) * difference
    found = np.empty(positions.shape)
    for block in blocks:
        waves = [np.exp(1j * np.outer(positions[block, a], xi[a].ravel())) for a in range(grid.dim)]
        for axis in range(grid.dim):
            found[block, axis] = -_unfolded(waves, 1j * xi[axis] * potential).real
    return found


def closed_form_velocity(flow: Flow, positions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Velocities in one dimension for Riesz kernels of integer order s, with all modes, by pairwise sums in O(N²).

    The kernel is a Bernoulli polynomial, ``G(x) = (−1)^{s+1} L^{2s−1} B_{2s}(x/L) / (2s)!`` on [0, L). For s = 1 its
    derivative jumps at 0, where it is set to 0. The target's part is the sum over the modes of its cell averages.

    Returns
    -------
    ndarray
        Shape (N, 1), float64.

    Raises
    ------
    InputError
        If d ≠ 1, the kernel is not a Riesz kernel, or s is not an integer.

    References
    ----------
    DLMF, https://dlmf.nist.gov/24.8.E1.
    """
    kernel, grid = flow.kernel, flow.grid
    if grid.dim != 1 or not isinstance(kernel, Riesz) or kernel.s != int(kernel.s):
        raise InputError(f"the closed form needs d = 1 and a Riesz kernel of whole order, not d = {grid.dim}, {kernel}")
    degree, length = 2 * int(kernel.s) - 1, grid.lengths[0]
    scale = (-1) ** (int(kernel.s) + 1) * length ** (degree - 1) / math.factorial(degree)
    # B_n(x) = Σ_k (n over k) B_{n−k} x^k
    k = np.arange(degree + 1)
    coefficients = scale * comb(degree, k) * bernoulli(degree)[::-1]
    at = np.ascontiguousarray(np.mod(positions[:, 0], length) / length)
    gradient = gradient_sums(at, np.ascontiguousarray(weights, dtype=float), coefficients)
    xi = spectra.wave_vectors(grid)[0]
    target = spectra.whole_symbol(kernel, grid) * spectra.of_density(grid, flow.target)
    for start in range(0, len(at), BLOCK):
        block = slice(start, start + BLOCK)
        gradient[block] -= (np.exp(1j * np.outer(positions[block, 0], xi)) @ (1j * xi * target)).real
    found: np.ndarray = -gradient[:, None]
    return found


def _folded(waves: list[np.ndarray], weights: np.ndarray) -> np.ndarray:
    """Σ_j w_j ∏_a waves_a[j, k_a], over all modes k."""
    last = waves[-1] * weights[:, None]
    if len(waves) == 1:
        return last.sum(axis=0)
    shape = tuple(wave.shape[1] for wave in waves)
    first = waves[0]
    if len(waves) == 2:
        return first.T @ last
    result = np.empty(shape, complex)
    for k, column in enumerate(first.T):
        result[k] = (waves[1] * column[:, None]).T @ last
    return result


def _unfolded(waves: list[np.ndarray], coefficients: np.ndarray) -> np.ndarray:
    """Σ_k c_k ∏_a waves_a[j, k_a], at all particles j."""
    if len(waves) == 1:
        return waves[0] @ coefficients
    if len(waves) == 2:
        found: np.ndarray = ((waves[0] @ coefficients) * waves[1]).sum(axis=1)
        return found
    total = np.zeros(len(waves[0]), complex)
    for column, plane in zip(waves[0].T, coefficients, strict=True):
        total += column * ((waves[1] @ plane) * waves[2]).sum(axis=1)
    return total

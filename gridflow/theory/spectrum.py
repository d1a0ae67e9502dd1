"""The spectrum of the flow linearised at its target, as far as one deviation excites it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gridflow.equation.flow import Equation

CELLS = 2**14
"""Largest number of cells on which the spectrum is computed."""
STEPS = 240
"""Largest number of Lanczos steps."""
ROUND_OFF = 1e-14
"""Rate relative to the largest one that is no more than round-off."""
AGREED = 0.01
"""Relative difference of the two times, between which the exact one lies, at which the spectrum is accurate enough."""


def excited_spectrum(
    flow: Equation[Any], deviation: np.ndarray, agree: Callable[[np.ndarray, np.ndarray], float]
) -> tuple[np.ndarray, np.ndarray]:
    """Rates and energies of the linearised flow from a deviation: ``E(t) ≈ Σ_j E_j exp(−2 λ_j t)``.

    ``A f = −∇·(ν ∇K f) + β ν K f`` is self-adjoint in ``⟨f, g⟩ = ∫ f K g``, in which ``E = ½ ⟨f, f⟩``. Hence
    ``E(t) = ½ ∫ e^{−2λt} dα(λ)`` with the spectral measure α of the deviation, wherever that sits and however ν varies.
    m steps of the Lanczos process from the deviation give the Gauss quadrature of this measure with m nodes, which is
    below E(t) at all times, and the Gauss–Radau quadrature with a further node at 0, which is above. The result is the
    mean of the two.

    Parameters
    ----------
    flow
        The equation; its target must be ≥ 0.
    deviation
        Deviation f of the density from the target, shape ``grid.shape``.
    agree
        Function of rates and energies that returns the time in question. The process ends when it gives the same, to
        one per cent, for the two quadratures.

    Returns
    -------
    rates
        λ_j ≥ 0 (1 / time).
    energies
        E_j; their sum is the energy of the deviation.

    References
    ----------
    Golub and Meurant, Matrices, Moments and Quadrature with Applications (2010), chapters 4 and 6.
    """
    grid = flow.grid
    volumes = grid.cell_volumes
    count = min(STEPS, grid.size)
    vectors, pulls = np.zeros((count, grid.size)), np.zeros((count, grid.size))
    diagonal, beside = np.zeros(count), np.zeros(count)
    loss, pull = flow.transported(flow.target, deviation)
    norm = start = np.sqrt(max(grid.integral(deviation * pull), 0.0))
    rates, energies = np.zeros(0), np.zeros(0)
    next_vector = deviation
    for step in range(count):
        if not norm > 1e-13 * start:
            break  # the deviation excites no further rates
        vectors[step], pulls[step] = (next_vector / norm).ravel(), (pull / norm).ravel()
        rest = (loss / norm).ravel()
        weighted = pulls[: step + 1] * np.broadcast_to(volumes, grid.shape).ravel()
        for _ in range(2):  # twice is enough to make it orthogonal to round-off
            along = weighted @ rest
            rest -= along @ vectors[: step + 1]
            diagonal[step] += along[step]
        next_vector = rest.reshape(grid.shape)
        loss, pull = flow.transported(flow.target, next_vector)
        norm = np.sqrt(max(grid.integral(next_vector * pull), 0.0))
        beside[step] = norm
        if step % 5 == 4 or step == count - 1 or not norm > 1e-13 * start:
            below = _quadrature(diagonal[: step + 1], beside[:step], start)
            above = _with_zero(diagonal[: step + 1], beside[: step + 1], start)
            rates, energies = np.concatenate([below[0], above[0]]), np.concatenate([below[1], above[1]]) / 2
            first, second = agree(*below), agree(*above)
            if second <= first * (1 + AGREED):
                break
    return rates, energies


def _quadrature(diagonal: np.ndarray, beside: np.ndarray, norm: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of the Gauss quadrature of half the measure, from its Jacobi matrix."""
    from scipy.linalg import eigh_tridiagonal  # imported here because it loads slowly

    nodes, vectors = eigh_tridiagonal(diagonal, beside)
    resolved = nodes > ROUND_OFF * nodes.max()
    return np.where(resolved, nodes, 0.0), vectors[0] ** 2 * (norm**2 / 2)


def _with_zero(diagonal: np.ndarray, beside: np.ndarray, norm: float) -> tuple[np.ndarray, np.ndarray]:
    """The same for the Gauss–Radau quadrature with a node at 0: the matrix is extended so that 0 is an eigenvalue."""
    least = ROUND_OFF * diagonal.max()
    pivot, number = diagonal[0], 0  # elimination from the first row on
    while pivot > least and number < diagonal.size - 1:
        pivot = diagonal[number + 1] - beside[number] ** 2 / pivot
        number += 1
    # beside_m² e_m·T_m⁻¹ e_m; where a pivot vanishes, the matrix has the eigenvalue 0 already
    last = beside[-1] ** 2 / pivot if pivot > least else 0.0
    return _quadrature(np.append(diagonal, last), beside, norm)

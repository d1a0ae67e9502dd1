"""Sums over pairs of particles on a circle."""

import numpy as np

from solvers.loops.compilation import entry


@entry
def gradient_sums(at, weights, coefficients):
    """Return ``Σ_j w_j P({x_i − x_j})`` over the particles with x_j ≠ x_i, for a polynomial P on [0, 1).

    Parameters
    ----------
    at
        Positions x in [0, 1), as fractions of the circle, shape (N,).
    weights
        w, shape (N,).
    coefficients
        Coefficients of P, lowest power first.
    """
    found = np.zeros(at.size)
    last = coefficients.size - 1
    for j in range(at.size):
        for i in range(at.size):  # the inner loop, since it is not a reduction and can be vectorised
            apart = at[i] - at[j]
            apart += 1.0 if apart < 0.0 else 0.0
            value = coefficients[last]
            for k in range(last - 1, -1, -1):
                value = value * apart + coefficients[k]
            found[i] += 0.0 if apart == 0.0 else weights[j] * value
    return found

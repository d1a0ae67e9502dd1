"""Sums over pairs of particles on a circle."""

import numpy as np

from solvers.loops.compilation import entry


@entry
def gradient_sums(at, weights, coefficients):
    """``Σ_j w_j P({x_i − x_j})`` for a polynomial P on [0, 1), lowest power first; nothing from one at the same place.

    Positions are in [0, 1), in units of the circle.
    """
    found = np.zeros(at.size)
    last = coefficients.size - 1
    for j in range(at.size):
        for i in range(at.size):  # inside, so that it has no sum in a fixed order and runs on vectors
            apart = at[i] - at[j]
            apart += 1.0 if apart < 0.0 else 0.0
            value = coefficients[last]
            for k in range(last - 1, -1, -1):
                value = value * apart + coefficients[k]
            found[i] += 0.0 if apart == 0.0 else weights[j] * value
    return found

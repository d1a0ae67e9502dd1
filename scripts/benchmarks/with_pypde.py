"""The flow in py-pde: central differences, an adaptive Runge–Kutta–Fehlberg scheme, and a potential by our own FFT.

There are two natural ways to write ∇·(μ∇V). The divergence of the product conserves mass; the product rule with
−ΔV = μ − 1 does not, but differentiates less. The equation uses the numpy backend, which calls an FFT as it is; the
differences that py-pde compiles serve it all the same.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pde
import plain_numpy

PERIODIC = "periodic"


class DivergenceForm(pde.PDEBase):
    """∂_t μ = ∇·(μ∇V)."""

    def evolution_rate(self, state: pde.ScalarField, t: float = 0) -> pde.ScalarField:
        """∂_t μ."""
        del t
        v = pde.ScalarField(state.grid, plain_numpy.potential(state.data))
        return (state * v.gradient(PERIODIC)).divergence(PERIODIC)


class ProductRule(pde.PDEBase):
    """∂_t μ = ∇μ·∇V + μ (1 − μ)."""

    def evolution_rate(self, state: pde.ScalarField, t: float = 0) -> pde.ScalarField:
        """∂_t μ."""
        del t
        v = pde.ScalarField(state.grid, plain_numpy.potential(state.data))
        return state.gradient(PERIODIC).dot(v.gradient(PERIODIC)) + state * (1 - state)


@dataclass(frozen=True)
class Script:
    """An equation on the unit square or cube, used on bare arrays."""

    equation: pde.PDEBase

    def rhs(self, mu: np.ndarray) -> np.ndarray:
        """∂_t μ."""
        return self.equation.evolution_rate(_field(mu)).data

    def run(self, mu: np.ndarray, t_end: float) -> np.ndarray:
        """μ at ``t_end``."""
        solved = self.equation.solve(
            _field(mu), t_end, dt=1e-3, solver="runge-kutta", adaptive=True, backend="numpy", tracker=None
        )
        return solved.data


@cache
def _grid(shape: tuple[int, ...]) -> pde.CartesianGrid:
    """A grid keeps the operators that are compiled for it."""
    return pde.CartesianGrid([[0, 1]] * len(shape), shape, periodic=True)


def _field(mu: np.ndarray) -> pde.ScalarField:
    return pde.ScalarField(_grid(mu.shape), mu)


divergence_form = Script(DivergenceForm())
product_rule = Script(ProductRule())

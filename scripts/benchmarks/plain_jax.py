"""The scheme of ``plain_numpy`` compiled by JAX, in double precision; the whole run is one compiled loop."""

import jax
import plain_numpy
from jax import lax
from jax import numpy as jnp

jax.config.update("jax_enable_x64", True)
asarray = jnp.asarray


def _potential(mu: jax.Array) -> jax.Array:
    modes = jnp.fft.rfftn(mu - 1) * plain_numpy.inverse_laplacian(mu.shape)
    return jnp.fft.irfftn(modes, mu.shape)


def _tendency(mu: jax.Array) -> jax.Array:
    return plain_numpy.tendency(mu, _potential(mu), jnp)


@jax.jit
def _integrate(mu: jax.Array, t_end: float) -> jax.Array:
    """SSP Runge–Kutta of second order from time 0 to ``t_end``."""

    def step(state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        mu, time = state
        v = _potential(mu)
        stable = plain_numpy.step_for(plain_numpy.largest_rate(v, jnp), jnp)
        dt = jnp.minimum(stable, t_end - time)
        first = mu + dt * plain_numpy.tendency(mu, v, jnp)
        return 0.5 * mu + 0.5 * (first + dt * _tendency(first)), time + dt

    return lax.while_loop(lambda state: state[1] < t_end, step, (mu, jnp.zeros(())))[0]


_compiled_tendency = jax.jit(_tendency)


def rhs(mu: jax.Array) -> jax.Array:
    """∂_t μ."""
    return _compiled_tendency(mu).block_until_ready()


def run(mu: jax.Array, t_end: float) -> jax.Array:
    """μ at ``t_end``."""
    return _integrate(mu, t_end).block_until_ready()

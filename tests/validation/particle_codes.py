"""Particle codes with and without faults, written without any solver of ours: direct sums in numpy."""

import itertools

import numpy as np

import gridflow as gf
from gridflow.measures import spectra
from gridflow.validation.images import free_pull


def fourier_velocity(lengths, s, modes, target=None, wave_number=2 * np.pi):
    """−∇V for equal particles of mass 1 by sums over |k_a| ≤ modes; ``wave_number`` is 2π unless it was forgotten.

    ``target``: coefficients of ν for the same modes, or None for a constant.
    """
    dim = len(lengths)
    k = np.arange(-modes, modes + 1)
    xi = [wave_number * k.reshape([-1 if a == b else 1 for b in range(dim)]) / lengths[a] for a in range(dim)]
    square = np.asarray(sum(x**2 for x in xi) + np.zeros((k.size,) * dim))
    square[(modes,) * dim] = np.inf
    symbol = square**-s

    def waves_along(x):
        """exp(2πi k x) by powers of exp(2πi x), for every particle and every k."""
        powers = np.vander(np.exp(2j * np.pi * x), modes + 1, increasing=True)
        return np.concatenate([powers[:, :0:-1].conj(), powers], axis=1)

    def velocity(x):
        waves = [waves_along(x[:, a] / lengths[a]) for a in range(dim)]
        if dim == 1:
            found = waves[0].conj().sum(axis=0)
        elif dim == 2:
            found = waves[0].conj().T @ waves[1].conj()
        else:
            pairs = waves[0].conj()[:, :, None] * waves[1].conj()[:, None, :]
            found = (pairs.reshape(len(x), -1).T @ waves[2].conj()).reshape((k.size,) * 3)
        potential = symbol * (found / (len(x) * np.prod(lengths)) - (0 if target is None else target))
        result = np.empty_like(x)
        for a in range(dim):
            values = 1j * xi[a] * potential
            if dim == 1:
                result[:, a] = -(waves[0] @ values).real
            elif dim == 2:
                result[:, a] = -((waves[0] @ values) * waves[1]).sum(axis=1).real
            else:
                along = (waves[0] @ values.reshape(k.size, -1)).reshape(-1, k.size, k.size)
                result[:, a] = -np.einsum("jbc,jb,jc->j", along, waves[1], waves[2]).real
        return result

    return velocity


def coefficients(grid, density, modes):
    """Of a density for −modes … modes along each axis."""
    found = spectra.of_density(grid, density)
    return found[np.ix_(*(np.arange(-modes, modes + 1),) * grid.dim)]


def open_velocity(lengths, s, target=None):
    """−∇V for equal particles in a box without periodic images: pair by pair, softened in more than one dimension.

    A constant target pulls with the field of a uniform box, summed over points.
    """
    dim = len(lengths)
    strength, power = free_pull(s, dim)
    points = gf.Grid(({1: 512, 2: 32, 3: 16}[dim],) * dim, tuple(lengths))
    places = np.stack([np.broadcast_to(x, points.shape).ravel() for x in points.mesh()], axis=-1)
    background = np.full(points.size, 1 / points.size) if target is None else target
    soft = {1: 0.0, 2: 0.01, 3: 0.02}[dim]  # as such codes do, lest close pairs rule

    def pulled(x, sources, masses):
        found = np.zeros_like(x)
        for i, place in enumerate(x):
            apart = place - sources
            square = (apart**2).sum(axis=1) + soft**2
            factor = np.zeros_like(square)
            np.power(square, power / 2, out=factor, where=square > 0)
            found[i] = (masses * strength * factor) @ apart
        return found

    def velocity(x):
        inside = np.mod(x, lengths)
        return pulled(inside, inside, np.full(len(x), 1 / len(x))) - pulled(inside, places, background)

    return velocity


def midpoint(velocity, x, dt):
    return x + dt * velocity(x + dt / 2 * velocity(x))


def euler(velocity, x, dt):
    return x + dt * velocity(x)


def advance(velocity, start, times, steps, method=midpoint):
    """Positions at the times, wrapped or not as they come: shape (T, N, d)."""
    x, frames = start, [start]
    for begin, end in itertools.pairwise(times):
        for _ in range(steps):
            x = method(velocity, x, (end - begin) / steps)
        frames.append(x)
    return np.array(frames)

"""Two thousand particles fill a disc-shaped hole, s = 1: a particle code in plain numpy, to be validated by gridflow.

Usage: python particles_numpy.py FILE.npz; then, with the run of the bundled case hole2d,
gridflow compare hole2d.run FILE.npz
"""

import sys

import numpy as np

N, MODES, STEPS, FRAMES = 2000, 24, 16, 8
rng = np.random.default_rng(0)
x = rng.random((4 * N, 2))
x = x[((x - 0.5) ** 2).sum(axis=1) > 0.25**2][:N]  # uniform outside the disc of the case hole2d

k = np.arange(-MODES, MODES + 1)
xi = 2 * np.pi * np.stack(np.meshgrid(k, k, indexing="ij"))
square = (xi**2).sum(axis=0)
square[MODES, MODES] = np.inf  # the mean does not act


def velocity(x):
    """−∇V, V = (−Δ)^−1 (Σ_j δ_{x_j} / N − 1) on the modes |k| ≤ MODES; a constant target has none of its own."""
    along_x, along_y = (np.exp(2j * np.pi * np.outer(x[:, a], k)) for a in (0, 1))
    potential = (along_x.conj().T @ along_y.conj()) / N / square
    return np.stack([-(along_x @ (1j * xi[a] * potential) * along_y).sum(axis=1).real for a in (0, 1)], axis=1)


times, frames, dt = [0.0], [x % 1], 2.0 / (FRAMES * STEPS)
for step in range(1, FRAMES * STEPS + 1):
    x = x + dt * velocity(x + dt / 2 * velocity(x))  # the midpoint rule
    if step % STEPS == 0:
        times.append(step * dt)
        frames.append(x % 1)
np.savez(sys.argv[1], times=times, positions=frames)

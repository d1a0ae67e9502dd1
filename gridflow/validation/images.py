"""Velocities of a code without periodic images, to recognise such a code."""

import math

import numpy as np
from scipy.signal import fftconvolve
from scipy.special import gammaln, gammasgn

from gridflow.equation.flow import Flow
from gridflow.measures import spectra
from gridflow.particles.clouds import deposit

CELLS = {1: 256, 2: 64, 3: 24}
"""Cells along an axis for the difference from periodic velocities, which is smooth."""


def free_pull(s: float, dim: int) -> tuple[float, float] | None:
    """``(a, p)`` with ``−∇G(x) = a |x|^p x`` for the Riesz kernel of order s on the whole space, ``(−Δ)^s G = δ``.

    ``G = Γ(d/2 − s) / (4^s π^{d/2} Γ(s)) |x|^{2s−d}``; its gradient has a limit where 2s = d. None where the kernel is
    a logarithm times a power.
    """
    at = dim / 2 - s + 1
    if at <= 0 and at == math.floor(at):
        return None
    logarithm = math.log(2) + float(gammaln(at)) - s * math.log(4) - dim / 2 * math.log(math.pi) - float(gammaln(s))
    return float(gammasgn(at)) * math.exp(logarithm), 2 * s - dim - 2


class WithoutImages:
    """Change of the particles' velocities if periodic images are left out.

    Particles and target are spread over the cells of a coarse grid; the near field, the same with and without images,
    drops out of the difference as far as the cells resolve it.

    Parameters
    ----------
    flow
        A flow of a Riesz kernel without growth; see :meth:`of`.
    pull
        Factor and power of the force of a point in free space; see :func:`free_pull`.
    """

    def __init__(self, flow: Flow, pull: tuple[float, float]) -> None:
        grid = flow.grid
        self.grid = grid.with_cells((CELLS[grid.dim],) * grid.dim)
        self._target = np.maximum(spectra.to_density(self.grid, spectra.of_density(grid, flow.target, self.grid)), 0.0)
        self._pulls = {nearest: self._pull(pull, nearest) for nearest in (False, True)}
        symbol = spectra.whole_symbol(flow.kernel, self.grid)
        self._factors = [-1j * xi * symbol for xi in spectra.wave_vectors(self.grid)]

    @classmethod
    def of(cls, flow: Flow) -> "WithoutImages | None":
        """For a flow whose kernel has a free counterpart; None for others."""
        order = flow.kernel.order(flow.grid.dim)
        if order is None or flow.growth:
            return None
        pull = free_pull(order, flow.grid.dim)
        return None if pull is None else cls(flow, pull)

    def changes(self, positions: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Return the change of the velocity at the particles, shape (N, d), for every way to leave images out."""
        grid = self.grid
        own = deposit(grid, positions, weights)
        modes = np.fft.fftn(own - self._target)
        periodic = [np.fft.ifftn(factor * modes).real for factor in self._factors]
        found = {}
        for nearest, name in ((False, "no periodic images"), (True, "no periodic images but the nearest")):
            for with_target in (True, False):
                density = (own - self._target if with_target else own) * grid.cell_volume
                change = [
                    self._convolved(density, pull, nearest) - field
                    for pull, field in zip(self._pulls[nearest], periodic, strict=True)
                ]
                key = name if with_target else f"{name}, nor the target's pull"
                found[key] = np.stack([self._at(positions, component) for component in change], axis=-1)
        return found

    def _pull(self, pull: tuple[float, float], nearest: bool) -> list[np.ndarray]:
        """Its components at the distances between cells: all of them, or those to the nearest image."""
        strength, power = pull
        along = []
        for axis, n in enumerate(self.grid.shape):
            steps = np.arange(n) if nearest else np.arange(1 - n, n)
            steps = np.where(nearest & (2 * steps > n), steps - n, steps)
            apart = steps * self.grid.spacing[axis]
            apart = np.where(nearest & (2 * abs(steps) == n), 0.0, apart)  # two images equally far: none wins
            along.append(apart.reshape([-1 if a == axis else 1 for a in range(self.grid.dim)]))
        square = np.asarray(sum(component**2 for component in along))
        factor = np.zeros_like(square)
        np.power(square, power / 2, out=factor, where=square > 0)
        return [strength * factor * component for component in along]

    def _convolved(self, density: np.ndarray, pull: np.ndarray, nearest: bool) -> np.ndarray:
        if nearest:
            return np.fft.ifftn(np.fft.fftn(density) * np.fft.fftn(pull)).real
        found: np.ndarray = fftconvolve(density, pull, mode="full")
        return found[tuple(slice(n - 1, 2 * n - 1) for n in self.grid.shape)]

    def _at(self, positions: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Values of cells at particles, by the weights with which the particles were spread over them."""
        scaled = np.mod(positions, self.grid.lengths) / np.array(self.grid.spacing) - 0.5
        lower = np.floor(scaled).astype(int)
        share = scaled - lower
        total = np.zeros(len(positions))
        for corner in np.ndindex(*(2,) * self.grid.dim):
            index = tuple(np.mod(lower + corner, self.grid.shape).T)
            total += values[index] * math.prod(
                share[:, a] if high else 1 - share[:, a] for a, high in enumerate(corner)
            )
        return total

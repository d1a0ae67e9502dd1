"""Particles in the potential of their own empirical measure.

``V = K * (Σ_j w_j δ_{x_j} − ν)`` on the modes that are kept: a non-uniform FFT from the particles to the modes, the
kernel's symbol, and one back to the particles. Cost O(N log(1/ε)^d + n log n) for n modes.
"""

import numpy as np

from gridflow.compute.nonuniform import NonuniformTransform
from gridflow.equation.flow import Flow
from gridflow.errors import InputError
from gridflow.measures import spectra


class MeanField:
    """Evaluates velocities ``−∇V`` and potentials at particles again and again; plans and buffers are kept.

    Two real functions at the particles are the real and imaginary part of one complex transform: one transform back
    serves d ≤ 2, two serve d = 3 or growth in two dimensions.

    Parameters
    ----------
    flow
        The equation; its target is the trigonometric polynomial with the given cell averages.
    modes
        Number of modes along each axis. Default: the cells of the flow's grid.
    count
        Number of particles.
    accuracy
        Of the transforms, relative in L².
    with_potential
        Whether potentials are asked for in two dimensions; in one and three they come at no cost.
    dtype, threads
        See :class:`gridflow.compute.nonuniform.NonuniformTransform`.

    Attributes
    ----------
    velocity
        −∇V at the particles, shape (N, d), length / time; of the last call.
    potential
        V at the particles, shape (N,), or None.
    """

    def __init__(
        self,
        flow: Flow,
        count: int,
        modes: tuple[int, ...] | None = None,
        accuracy: float = 1e-9,
        with_potential: bool = False,
        dtype: np.dtype | type = np.float64,
        threads: int | None = None,
    ) -> None:
        dim = flow.grid.dim
        if modes is not None and len(modes) != dim:
            raise InputError(f"modes {modes}: the flow has {dim} dimensions")
        self.modes = flow.grid.with_cells(modes or flow.grid.shape)
        asked = dim + (with_potential or dim % 2)
        self._transform = NonuniformTransform(
            flow.grid.lengths, self.modes.shape, count, accuracy, (asked + 1) // 2, dtype, threads
        )
        self.symbol = spectra.whole_symbol(flow.kernel, self.modes)
        self._target = spectra.of_density(flow.grid, flow.target, self.modes)
        functions = [1j * xi * self.symbol for xi in spectra.wave_vectors(self.modes)]
        if asked > dim:
            functions.append(self.symbol.astype(complex))
        pairs = [functions[i : i + 2] for i in range(0, asked, 2)]
        factors = [pair[0] + (1j * pair[1] if len(pair) > 1 else 0) for pair in pairs]
        self._factors = np.stack(factors).astype(np.result_type(dtype, np.complex64))
        self._products = np.empty_like(self._factors)
        self.difference = np.empty(self.modes.shape, complex)
        self.velocity = np.empty((count, dim), dtype)
        self.potential = np.empty(count, dtype) if asked > dim else None

    def evaluate(self, positions: np.ndarray, weights: np.ndarray) -> None:
        """Work out ``velocity``, ``potential`` and ``difference`` (the modes of μ − ν) for particles.

        Parameters
        ----------
        positions, weights
            Shapes (N, d) and (N,).
        """
        found = self.modes_of(positions, weights)
        np.multiply(self._factors, found, out=self._products)
        dim = self.velocity.shape[1]
        for piece, values in self._transform.at_points(self._products):
            for number, function in enumerate(values):
                for part, component in enumerate((function.real, function.imag)):
                    axis = 2 * number + part
                    if axis < dim:
                        np.negative(component, out=self.velocity[piece, axis])
                    elif axis == dim and self.potential is not None:
                        self.potential[piece] = component

    def modes_of(self, positions: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Coefficients of μ − ν for particles, complex of the shape of the modes; also kept as ``difference``."""
        self._transform.place(positions)
        np.multiply(self._transform.to_modes(weights), 1 / self.modes.volume, out=self.difference)
        self.difference -= self._target
        return self.difference

    @property
    def energy(self) -> float:
        """½ KMD² of the difference last worked out."""
        return 0.5 * spectra.discrepancy(self.modes, self.symbol, self.difference)

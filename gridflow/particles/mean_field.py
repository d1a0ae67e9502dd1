"""Particles in the potential of their own empirical measure.

The potential is ``V = K * (Σ_j w_j δ_{x_j} − ν)``, truncated to finitely many modes. It is evaluated by a non-uniform
FFT from particles to modes, multiplication by the kernel's symbol, and a non-uniform FFT back to the particles. The
cost is O(N log(1/ε)^d + n log n) for N particles, n modes and accuracy ε.
"""

import numpy as np

from gridflow.compute.nonuniform import NonuniformTransform
from gridflow.equation.flow import Flow
from gridflow.errors import InputError
from gridflow.measures import spectra


class MeanField:
    """Workspace for repeated evaluation of V and of velocities ``−∇V`` at particles; plans and buffers are reused.

    Two real functions at the particles are the real and imaginary parts of one complex transform. One transform back
    thus suffices for d ≤ 2, and two for d = 3 or for growth in two dimensions.

    Parameters
    ----------
    flow
        The equation; its target is the trigonometric polynomial with the given cell averages.
    count
        Number of particles N.
    modes
        Number of modes along each axis. Default: the shape of the flow's grid.
    accuracy
        Relative L² error of the transforms. Default: 1e−9.
    with_potential
        Whether the potential is needed in two dimensions; in one and three it is free of charge. Default: False.
    dtype, threads
        See :class:`gridflow.compute.nonuniform.NonuniformTransform`.

    Attributes
    ----------
    velocity
        −∇V at the particles after the last evaluation, shape (N, d), length / time.
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
        """Compute ``velocity``, ``potential`` and ``difference`` (the modes of μ − ν) for the given particles.

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
        """Return the Fourier coefficients of μ − ν, complex of shape ``modes.shape``; also stored as ``difference``."""
        self._transform.place(positions)
        np.multiply(self._transform.to_modes(weights), 1 / self.modes.volume, out=self.difference)
        self.difference -= self._target
        return self.difference

    @property
    def energy(self) -> float:
        """½ KMD² of the most recently computed ``difference``."""
        return 0.5 * spectra.discrepancy(self.modes, self.symbol, self.difference)

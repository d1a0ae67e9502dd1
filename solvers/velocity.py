"""Face velocities of a flow: by differences of the potential, or face-averaged straight from Fourier space."""

from typing import Protocol

import numpy as np

from gridflow.errors import InputError
from gridflow.flow import Flow, PotentialField
from gridflow.kernels import laplacian_symbol
from solvers import stencils


class VelocityField(Protocol):
    """Evaluates velocities into its own buffers, which the next call overwrites."""

    face: np.ndarray
    """Velocity on the upper faces, shape (d, *grid.shape)."""
    potential: np.ndarray | None
    """V at cell centres where the scheme needs it, else None."""
    stiffness: float
    """max_ξ (λ + β) K̂ with the symbol λ of the scheme's own divergence of its own velocity."""
    local_response: float
    """Λ = min_{ξ ≠ 0} λ K̂, the part of ∇·u = λK̂ (μ − ν) that answers to the density on the spot; 1 for s = 1."""

    def evaluate(self, density: np.ndarray) -> float:
        """Fill ``face`` (and ``potential``); return the energy ½ ∫ V (μ − ν) dx."""


class _KernelPass:
    """Transforms μ − ν, multiplies it by K̂ and sums the energy on the way."""

    def __init__(self, flow: Flow, dtype: np.dtype) -> None:
        self.field = PotentialField(flow, dtype)
        rows = (-1, flow.grid.spectral_shape[-1])
        self._spectrum = self.field.transform.spectrum.reshape(rows)
        self._multiplier = self.field.multiplier.reshape(rows)
        self._has_nyquist = flow.grid.shape[-1] % 2 == 0
        self._energy_per_power = 0.5 * flow.grid.volume / flow.grid.size

    def run(self, density: np.ndarray, out: np.ndarray) -> float:
        """Write K̂ f̂ into ``out`` (normalised for an inverse transform); return ½ |T| Σ K̂ |f̂|²."""
        self.field.deviation_spectrum(density)
        weighed = out.reshape(self._spectrum.shape)
        power = stencils.weigh_spectrum(self._spectrum, self._multiplier, self._has_nyquist, weighed)
        return self._energy_per_power * power


def _responses(flow: Flow, divergence: np.ndarray) -> tuple[float, float]:
    """Stiffness and local response for the symbol λ of the divergence of the velocity of a potential."""
    stiffness = float(((divergence + flow.growth) * flow.symbol).max())
    differentiable = divergence > 0
    return stiffness, float((divergence * flow.symbol)[differentiable].min())


class DifferenceVelocity:
    """u = −(V_{i+1} − V_i) / h: two transforms, and the discrete energy decays exactly.

    The same symbol defines V and the energy and the divergence is minus the adjoint of the difference, so
    ``dE/dt = −Σ_faces μ_face u² ∏h ≤ 0`` for any face values ≥ 0.
    """

    def __init__(self, flow: Flow, dtype: np.dtype) -> None:
        self._kernel = _KernelPass(flow, dtype)
        self._transform = self._kernel.field.transform
        self._inverse_spacing = [dtype.type(1 / h) for h in flow.grid.spacing]
        self.face = np.zeros((flow.grid.dim, *flow.grid.shape), dtype)
        self.potential: np.ndarray | None = self._transform.real
        self.stiffness, self.local_response = _responses(flow, laplacian_symbol(flow.grid, "mimetic"))

    def evaluate(self, density: np.ndarray) -> float:
        """Fill ``face`` and ``potential``; return the energy."""
        energy = self._kernel.run(density, out=self._transform.spectrum)
        self._transform.backward()
        for axis, inverse in enumerate(self._inverse_spacing):
            potential, face = (stencils.along(a, axis) for a in (self._transform.real, self.face[axis]))
            stencils.descend(potential, inverse, face)
        return energy


class SpectralVelocity:
    """Averages over the faces of the exact gradient: û = −iξ_a K̂ f̂ e^{iξ_a h_a/2} / sinc(ξ_a h_a/2).

    f̂ are modes of cell averages, whose sinc factors across the face are those of a face average; the one along the
    axis is divided out. The discrete divergence of this velocity has the symbol |ξ|² K̂. One forward and d inverse
    transforms. As exact for smooth data as K̂ is: to the last digit with ``Riesz(s, "spectral")``, to second order
    with the mimetic symbol. The energy identity of the difference velocity is given up: decay holds in the linear
    regime and is otherwise an observation.
    """

    def __init__(self, flow: Flow, dtype: np.dtype) -> None:
        grid = flow.grid
        self._kernel = _KernelPass(flow, dtype)
        self._transform = self._kernel.field.transform
        self._kept = np.empty_like(self._transform.spectrum)
        self.face = np.zeros((grid.dim, *grid.shape), dtype)
        self.potential: np.ndarray | None = np.zeros(grid.shape, dtype) if flow.growth else None
        self._factors = []
        divergence = np.zeros(grid.spectral_shape)
        for axis, (xi, k, n, h) in enumerate(
            zip(grid.wavevector(), grid.mode_numbers, grid.shape, grid.spacing, strict=True)
        ):
            flat = xi.reshape(-1)
            factor = -1j * flat * np.exp(0.5j * flat * h) / np.sinc(k / n)
            factor[2 * abs(k) == n] = 0.0  # the Nyquist mode has no sign, so no derivative
            self._factors.append(factor.astype(self._kept.dtype))
            divergence += grid.along(axis, np.where(2 * abs(k) == n, 0.0, flat**2))
        self.stiffness, self.local_response = _responses(flow, divergence)

    def evaluate(self, density: np.ndarray) -> float:
        """Fill ``face`` (and ``potential`` under growth); return the energy."""
        transform = self._transform
        energy = self._kernel.run(density, out=self._kept)
        for axis, factor in enumerate(self._factors):
            kept, spectrum = (stencils.along(a, axis) for a in (self._kept, transform.spectrum))
            stencils.weigh_along(kept, factor, spectrum)
            transform.backward()
            self.face[axis] = transform.real
        if self.potential is not None:
            transform.spectrum[...] = self._kept
            transform.backward()
            self.potential[...] = transform.real
        return energy


def velocity_field(name: str, flow: Flow, dtype: np.dtype) -> VelocityField:
    """Look a velocity up by its name; InputError names the ones there are."""
    if name == "difference":
        return DifferenceVelocity(flow, dtype)
    if name == "spectral":
        return SpectralVelocity(flow, dtype)
    raise InputError(f'velocity "{name}": allowed are difference, spectral')

"""Face velocities of a flow: by differences of the potential, or as face averages computed in Fourier space."""

import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from gridflow.compute.fft import Spectrum, Transform, as_planes
from gridflow.compute.threads import Team, team_for_modes
from gridflow.equation.flow import Flow
from gridflow.errors import InputError
from solvers.loops.planes import Field, field_of
from solvers.loops.spectra import to_potential, to_velocity


class VelocityField(Protocol):
    """Evaluates velocities into its own buffers, which the next call overwrites."""

    spectral: bool
    """Whether ``fields`` are face velocities; otherwise the only field is the potential."""
    stiffness: float
    """max_ξ (λ + β) K̂ with the symbol λ of the scheme's own divergence of its own velocity."""
    local_response: float
    """Λ = min_{ξ ≠ 0} λ K̂, the part of ∇·u = λK̂ (μ − ν) that responds locally to the density; 1 for s = 1."""

    def divergence(self) -> np.ndarray:
        """λ, the symbol of −∇· of the velocity of a potential, on the half-spectrum; a new array."""

    def evaluate(self, density: np.ndarray, measure: bool) -> float:
        """Compute the velocity for a density; return the energy ½ ∫ V (μ − ν) dx if ``measure``, else NaN."""

    def fields(self, depth: int) -> tuple[Field, ...]:
        """Return the velocity in the form that the compiled loops need, with ``depth`` ghost planes."""

    def potential(self, depth: int) -> Field:
        """Return V at cell centres, with ``depth`` ghost planes, for flows with growth."""

    def kept_potential(self) -> np.ndarray | None:
        """Return V as last evaluated, (planes, rows, numbers), if it is available; see :meth:`potential_of`."""

    def potential_of(self, density: np.ndarray) -> np.ndarray:
        """Return V of a density, shape ``grid.shape``, in a buffer of the velocity, which must then be re-evaluated."""

    def face(self, axis: int) -> np.ndarray:
        """Velocity on the upper faces of an axis, shape ``grid.shape``; a view where possible."""


class _Modes:
    """Half-spectrum operations common to both kinds of velocity, divided among a team of threads."""

    def __init__(self, flow: Flow, dtype: np.dtype, transform: Transform, team: Team) -> None:
        self.transform = transform
        self.grid = grid = flow.grid
        planes, rows, _ = as_planes(grid.shape)
        self.shape = (planes, rows, grid.spectral_shape[-1])
        self.symbol = flow.symbol.astype(dtype, copy=False).reshape(self.shape)
        self.scale = dtype.type(1 / grid.size)
        self._team = team_for_modes(math.prod(self.shape), team)
        self._has_nyquist = grid.shape[-1] % 2 == 0
        self._terms = np.zeros((self._team.size, self.shape[-1]))
        self._power = np.zeros(planes)
        low, high = float(flow.target.min()), float(flow.target.max())
        self.uniform = low == high
        self._mean = low * grid.size if self.uniform else 0.0
        self._minus = np.zeros((1, 1, 1), dtype)
        if not self.uniform:
            values, spectrum = transform.field(), transform.spectrum()
            values[...] = flow.target
            transform.forward(values, spectrum)
            self._minus = np.ascontiguousarray(spectrum.lines[:, :rows, : 2 * self.shape[-1]])

    def forward(self, density: np.ndarray, spectrum: Spectrum) -> None:
        """Transform μ. If ν is uniform, its mean is subtracted here; any other ν is subtracted by the passes."""
        self.transform.forward(density, spectrum)
        if self.uniform:
            spectrum.modes[(0,) * self.grid.dim] -= self._mean

    def passed(self, run: Callable[..., None], spectra: Any, factors: Any, measure: bool) -> float:
        """Run a pass over all planes; return the energy ½ |T| Σ K̂ |f̂|² if ``measure``, else NaN."""

        def job(lo: int, hi: int, thread: int) -> None:
            run(
                lo, hi, spectra, self.symbol, self._minus, factors, self._has_nyquist, measure,
                self._terms[thread], self._power,
            )  # fmt: skip

        self._team.share(self.shape[0], job)
        if not measure:
            return float("nan")
        return 0.5 * self.grid.volume / self.grid.size**2 * float(self._power.sum())


def _responses(flow: Flow, divergence: np.ndarray) -> tuple[float, float]:
    """Return the stiffness and the local response for the symbol λ of −∇· of the velocity of a potential."""
    stiffness = float(((divergence + flow.growth) * flow.symbol).max())
    return stiffness, float((divergence * flow.symbol)[divergence > 0].min())


class DifferenceVelocity:
    """Velocity u = −(V_{i+1} − V_i) / h by differences: two transforms, and the discrete energy never rises.

    V and the energy have the same symbol, and the divergence is minus the adjoint of the difference. Therefore
    ``dE/dt = −Σ_faces μ_face u² ∏h ≤ 0`` for any face values ≥ 0. The compiled loops compute the differences.
    """

    spectral = False

    def __init__(self, flow: Flow, dtype: np.dtype, transform: Transform, team: Team) -> None:
        self._modes = _Modes(flow, dtype, transform, team)
        self._spectrum = transform.spectrum()
        self._pass = to_potential(self._modes.uniform)
        self.stiffness, self.local_response = _responses(flow, self.divergence())

    def divergence(self) -> np.ndarray:
        """Return the symbol of the standard second-order stencil."""
        return self._modes.grid.laplacian_symbol("mimetic")

    def evaluate(self, density: np.ndarray, measure: bool) -> float:
        """Compute V; return the energy or NaN."""
        modes = self._modes
        modes.forward(density, self._spectrum)
        energy = modes.passed(self._pass, self._spectrum.lines, modes.scale, measure)
        modes.transform.backward(self._spectrum)
        return energy

    def fields(self, depth: int) -> tuple[Field, ...]:
        """Return the potential as the only field."""
        return (self.potential(depth),)

    def potential(self, depth: int) -> Field:
        """Return V as last evaluated."""
        return field_of(self._modes.transform, self._spectrum.lines, depth)

    def kept_potential(self) -> np.ndarray | None:
        """Return V as last evaluated."""
        return self._spectrum.lines

    def potential_of(self, density: np.ndarray) -> np.ndarray:
        """Compute V of a density."""
        self.evaluate(density, measure=False)
        return self._spectrum.values

    def face(self, axis: int) -> np.ndarray:
        """Return the differences −∂V along an axis, shape ``grid.shape``; a new array."""
        v, h = self._spectrum.values, self._modes.grid.spacing[axis]
        velocity: np.ndarray = (v - np.roll(v, -1, axis)) * v.dtype.type(1 / h)
        return velocity


class SpectralVelocity:
    """Face averages of the exact gradient: û = −iξ_a K̂ f̂ e^{iξ_a h_a/2} / sinc(ξ_a h_a/2).

    f̂ are the modes of cell averages. Their sinc factors along the axes within the face are those of a face average; the
    factor along the normal axis is divided out. The discrete divergence of this velocity has the symbol |ξ|² K̂. One
    forward and d inverse transforms are needed. For smooth data the velocity is as accurate as K̂: to round-off with
    ``Riesz(s, "spectral")``, to second order with the mimetic symbol. There is no discrete energy identity. Decay of
    the energy is guaranteed in the linear regime only, and otherwise observed.
    """

    spectral = True

    def __init__(self, flow: Flow, dtype: np.dtype, transform: Transform, team: Team) -> None:
        grid = flow.grid
        self._modes = _Modes(flow, dtype, transform, team)
        self._spectra = tuple(transform.spectrum() for _ in range(grid.dim))
        self._for_growth = transform.spectrum() if flow.growth else None
        self._pass = to_velocity(grid.dim, self._modes.uniform)
        self._to_potential = to_potential(self._modes.uniform)
        factors = []
        for xi, k, n, h in zip(grid.wavevector(), grid.mode_numbers, grid.shape, grid.spacing, strict=True):
            flat = xi.reshape(-1)
            factor = -1j * flat * np.exp(0.5j * flat * h) / np.sinc(k / n) / grid.size
            factor.imag[2 * abs(k) == n] = 0.0  # the derivative of the Nyquist mode is real on faces
            factors.append(factor.view(float).astype(dtype))
        self._factors = tuple(factors)
        self.stiffness, self.local_response = _responses(flow, self.divergence())

    def divergence(self) -> np.ndarray:
        """Return the symbol |ξ|², also at Nyquist modes, which represent waves that vanish at the cell faces."""
        return self._modes.grid.laplacian_symbol("spectral")

    def evaluate(self, density: np.ndarray, measure: bool) -> float:
        """Compute the velocity along every axis and, with growth, V; return the energy or NaN."""
        modes = self._modes
        modes.forward(density, self._spectra[-1])
        if self._for_growth is not None:
            self._for_growth.lines[...] = self._spectra[-1].lines
            self._finish_potential(self._for_growth)
        energy = modes.passed(self._pass, tuple(s.lines for s in self._spectra), self._factors, measure)
        for spectrum in self._spectra:
            modes.transform.backward(spectrum)
        return energy

    def fields(self, depth: int) -> tuple[Field, ...]:
        """Return the velocity along every axis."""
        return tuple(field_of(self._modes.transform, spectrum.lines, depth) for spectrum in self._spectra)

    def potential(self, depth: int) -> Field:
        """Return V as last evaluated, for a flow with growth."""
        assert self._for_growth is not None, "a velocity keeps V under growth"
        return field_of(self._modes.transform, self._for_growth.lines, depth)

    def kept_potential(self) -> np.ndarray | None:
        """Return V as last evaluated, for a flow with growth; else None."""
        return None if self._for_growth is None else self._for_growth.lines

    def potential_of(self, density: np.ndarray) -> np.ndarray:
        """Compute V of a density, which overwrites the velocity of the first axis."""
        self._modes.forward(density, self._spectra[0])
        self._finish_potential(self._spectra[0])
        return self._spectra[0].values

    def _finish_potential(self, spectrum: Spectrum) -> None:
        """Convert modes of μ to V in place."""
        self._modes.passed(self._to_potential, spectrum.lines, self._modes.scale, measure=False)
        self._modes.transform.backward(spectrum)

    def face(self, axis: int) -> np.ndarray:
        """Return the velocity along an axis as last evaluated."""
        return self._spectra[axis].values


VELOCITIES: dict[str, type[DifferenceVelocity] | type[SpectralVelocity]] = {
    "difference": DifferenceVelocity,
    "spectral": SpectralVelocity,
}


def velocity_field(name: str, flow: Flow, dtype: np.dtype, transform: Transform, team: Team) -> VelocityField:
    """Return a velocity by name; for an unknown name, InputError lists all."""
    if name not in VELOCITIES:
        raise InputError(f'velocity "{name}": allowed are {", ".join(VELOCITIES)}')
    return VELOCITIES[name](flow, dtype, transform, team)

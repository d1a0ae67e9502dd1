"""The equation: a density flowing down its kernel mean discrepancy to a target, on the torus or the sphere."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from gridflow.compute.fft import SerialTransform
from gridflow.compute.harmonics import SphereTransform
from gridflow.compute.threads import count
from gridflow.domains.base import Domain
from gridflow.domains.sphere import SphereGrid, WholeSphere
from gridflow.domains.torus import Grid
from gridflow.equation.kernels import Kernel, OfActivation
from gridflow.errors import InputError

MASS_TOLERANCE = 1e-9
"""Relative difference of masses taken for round-off of the user's own arithmetic."""


G = TypeVar("G", bound=Domain)


@dataclass(frozen=True, eq=False)
class Equation(ABC, Generic[G]):
    """What the flows on every domain share: see :class:`Flow` and :class:`SphereFlow`.

    Parameters
    ----------
    grid
        The cells.
    kernel
        K, see :mod:`gridflow.equation.kernels`.
    target
        ν as cell averages (mass / volume), shape ``grid.shape``; ≥ 0 unless there is growth.
    growth
        β ≥ 0 (1 / time per unit of V); 0 conserves mass.
    """

    grid: G
    kernel: Kernel
    target: np.ndarray
    growth: float = 0.0
    _symbol: np.ndarray = field(init=False, repr=False)

    domains: ClassVar[dict[type[Domain], type["Equation[Any]"]]] = {}
    """The equation on each domain."""

    def __init_subclass__(cls, domain: type[Domain], **options: Any) -> None:
        super().__init_subclass__(**options)
        Equation.domains[domain] = cls

    @staticmethod
    def on(grid: Domain, kernel: Kernel, target: np.ndarray, growth: float = 0.0) -> "Equation[Any]":
        """The equation of the kind that a domain has: :class:`Flow`, :class:`SphereFlow`, :class:`WholeSphereFlow`."""
        equation = grid.among(Equation.domains)
        if equation is None:
            raise InputError(f"there is no equation on {grid}")
        return equation(grid, kernel, target, growth)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.growth) and self.growth >= 0):
            raise InputError(f"growth = {self.growth}: it must be ≥ 0")
        checked = self.grid.check if self.growth else self.grid.check_density
        target = np.array(checked(self.target, "the target"), dtype=float)
        target.flags.writeable = False
        symbol = self.kernel.multiplier(self.grid)
        if not np.isfinite(symbol).all():
            raise InputError(f"the symbol of {self.kernel} overflows on this grid; choose another unit of length")
        symbol.flags.writeable = False
        object.__setattr__(self, "target", target)
        object.__setattr__(self, "_symbol", symbol)

    @property
    def symbol(self) -> np.ndarray:
        """K̂, float64 of shape ``grid.spectral_shape``, read-only."""
        return self._symbol

    @property
    def seen(self) -> np.ndarray | None:
        """Of every degree whether the kernel of a network sees it; None for kernels that see all modes."""
        return self.symbol > 0 if isinstance(self.kernel, OfActivation) else None

    @cached_property
    def target_mass(self) -> float:
        """∫ ν dx."""
        return self.grid.integral(self.target)

    @cached_property
    def reference(self) -> float:
        """Mean of |ν|, a typical density (mass / volume)."""
        return self.grid.integral(abs(self.target)) / self.grid.volume

    def check_density(self, density: np.ndarray, name: str = "the density") -> np.ndarray:
        """Return a density as a float64 array, or raise InputError saying why this flow cannot start from it.

        It must have the grid's shape, be finite and ≥ 0, and without growth have the target's mass.
        """
        density = self.grid.check_density(density, name)
        mass = self.grid.integral(density)
        if mass == 0:
            raise InputError(f"{name} has no mass: it is 0 in every cell")
        if self.growth == 0 and abs(mass - self.target_mass) > MASS_TOLERANCE * self.target_mass:
            raise InputError(
                f"{name} has mass {mass:.12g} but the target has mass {self.target_mass:.12g}; "
                "without growth they must agree (gridflow.normalize scales either)"
            )
        return density

    @abstractmethod
    def potential(self, density: np.ndarray) -> np.ndarray:
        """V = K * (μ − ν) at cell centres, of the grid's shape."""

    @abstractmethod
    def energy(self, density: np.ndarray) -> float:
        """E = ½ ∫ V (μ − ν) dx = ½ KMD²."""

    @abstractmethod
    def dissipation(self, density: np.ndarray) -> float:
        """−dE/dt."""


@dataclass(frozen=True, eq=False)
class Flow(Equation[Grid], domain=Grid):
    """Wasserstein(–Fisher–Rao) gradient flow of half the squared kernel mean discrepancy, on the torus.

    ``∂_t μ = ∇·(μ ∇V) − β μ V`` with ``V = K * (μ − ν)``, the gradient flow of
    ``E(μ) = ½ ∫ V (μ − ν) dx = ½ KMD²``. Along it ``dE/dt = −∫ μ |∇V|² dx − β ∫ μ V² dx``.

    Parameters
    ----------
    grid
        The periodic grid.
    kernel
        K, see :mod:`gridflow.equation.kernels`.
    target
        ν as cell averages (mass / volume), shape ``grid.shape``, ≥ 0; with growth of either sign, as the measure of a
        network with output weights of both signs.
    growth
        β ≥ 0 (1 / time per unit of V); 0 conserves mass.

    Raises
    ------
    InputError
        If the target is not a density on the grid or the growth rate is negative.

    References
    ----------
    Chizat, Colombo, Colombo, Fernández-Real, arXiv:2603.01977.
    """

    def potential(self, density: np.ndarray) -> np.ndarray:
        """First variation V = K * (μ − ν) at cell centres.

        Parameters
        ----------
        density
            μ as cell averages, shape ``grid.shape`` (mass / volume).

        Returns
        -------
        ndarray
            V, shape ``grid.shape``, in units of mass · length^{2s − d} for a Riesz kernel.
        """
        return self._field.potential(self.grid.check(density, "the density")).copy()

    def face_velocity(self, density: np.ndarray) -> np.ndarray:
        """Velocity v = −∇V normal to the faces, by differences of V.

        Returns
        -------
        ndarray
            Shape ``(d, *grid.shape)``, length / time; ``[a, i]`` is ``−(V_{i+1} − V_i) / h_a`` on the upper face of
            cell i along axis a.
        """
        v = self.potential(density)
        return np.stack([(v - np.roll(v, -1, axis)) / h for axis, h in enumerate(self.grid.spacing)])

    def energy(self, density: np.ndarray) -> float:
        """E = ½ ∫ V (μ − ν) dx = ½ |T| Σ_k K̂ |f̂_k|² = ½ KMD², summed in Fourier space."""
        return self._field.energy(self.grid.check(density, "the density"))

    def dissipation(self, density: np.ndarray) -> float:
        """−dE/dt = ∫ μ |∇V|² dx + β ∫ μ V² dx, with the mean of the two cells as μ on a face (second order).

        For a scheme's own face values see :meth:`solvers.FiniteVolume.dissipation`.
        """
        density = self.grid.check(density, "the density")
        v = self._field.potential(density)
        total = self.growth * float((density * v**2).sum()) if self.growth else 0.0
        for axis, h in enumerate(self.grid.spacing):
            difference = (np.roll(v, -1, axis) - v) / h
            total += float(((density + np.roll(density, -1, axis)) / 2 * difference**2).sum())
        return total * self.grid.cell_volume

    @cached_property
    def _field(self) -> "PotentialField":
        return PotentialField(self)


class PotentialField:
    """Work space that evaluates V = K * (μ − ν) and the energy again and again."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._transform = SerialTransform(flow.grid, np.float64, count(None, flow.grid.size))
        self._deviation = self._transform.field()
        self._spectrum = self._transform.spectrum()

    def potential(self, density: np.ndarray) -> np.ndarray:
        """V at cell centres, in a buffer: valid until the next call."""
        modes = self._deviation_modes(density)
        modes *= self._flow.symbol
        self._transform.backward(self._spectrum)
        self._spectrum.values[...] /= self._flow.grid.size
        return self._spectrum.values

    def energy(self, density: np.ndarray) -> float:
        """½ |T| Σ_k K̂ |f̂_k|²."""
        modes, grid = self._deviation_modes(density), self._flow.grid
        power = modes.real**2 + modes.imag**2
        power *= self._flow.symbol
        power *= grid.mode_multiplicity()
        return float(0.5 * grid.volume / grid.size**2 * power.sum())

    def _deviation_modes(self, density: np.ndarray) -> np.ndarray:
        """Unnormalised half-spectrum of μ − ν."""
        np.subtract(density, self._flow.target, out=self._deviation)
        self._transform.forward(self._deviation, self._spectrum)
        return self._spectrum.modes


@dataclass(frozen=True, eq=False)
class SphereFlow(Equation[SphereGrid], domain=SphereGrid):
    """The same equation on the unit sphere S², with the Laplace–Beltrami operator and kernels ``K(θ·θ')``.

    ``V_ℓm = K̂_ℓ (μ − ν)_ℓm``. With ``kernels.ReLU()`` and growth 2 it is the infinite-width limit of training a
    shallow ReLU network of three inputs.

    Parameters
    ----------
    grid
        The cells.
    kernel
        ``Riesz(s)``, with K̂_ℓ = (ℓ (ℓ + 1))^{−s} for ℓ ≥ 1; ``ReLU``, ``Activation`` or ``Symbol``.
    target, growth
        As for :class:`Flow`.

    Raises
    ------
    InputError
        If an argument is not allowed, or ducc0 is not installed when first a potential is needed.
    """

    def potential(self, density: np.ndarray) -> np.ndarray:
        """V = K * (μ − ν) at cell centres, shape ``grid.shape``."""
        return self._transform.synthesise(self._pull(density)).copy()

    def energy(self, density: np.ndarray) -> float:
        """E = ½ Σ_ℓ K̂_ℓ Σ_m |(μ − ν)_ℓm|² = ½ KMD²."""
        return 0.5 * float(self.symbol @ self._transform.power(self._deviation(density)))

    def dissipation(self, density: np.ndarray) -> float:
        """−dE/dt = ∫ μ |∇V|² + β ∫ μ V², by the spectral gradient of V at cell centres."""
        pull, transform = self._pull(density), self._transform
        gradient, v = transform.gradient(pull), transform.synthesise(pull)
        return self.grid.integral(density * ((gradient**2).sum(axis=0) + self.growth * v**2))

    @cached_property
    def _transform(self) -> SphereTransform:
        return SphereTransform(self.grid)

    def _pull(self, density: np.ndarray) -> np.ndarray:
        """Harmonic coefficients of V."""
        return self._deviation(density) * self.symbol[self._transform.degree]

    def _deviation(self, density: np.ndarray) -> np.ndarray:
        return self._transform.analyse(self.grid.check(density, "the density") - self.target)


@dataclass(frozen=True, eq=False)
class WholeSphereFlow(Equation[WholeSphere], domain=WholeSphere):
    """The equation on S^d told by one number, the mean density: for networks with any number of inputs.

    Its potential is that of the means alone; what a network of points does on S^d it works out itself, see
    :class:`solvers.Network`.
    """

    def potential(self, density: np.ndarray) -> np.ndarray:
        """K̂_0 times the difference of the means."""
        return self.symbol * (self.grid.check(density, "the density") - self.target)

    def energy(self, density: np.ndarray) -> float:
        """½ ∫ V (μ − ν) of the means, a lower bound of that of any measures with them."""
        return 0.5 * self.grid.integral(self.potential(density) * (density - self.target))

    def dissipation(self, density: np.ndarray) -> float:
        """β ∫ μ V² of the means."""
        return self.growth * self.grid.integral(density * self.potential(density) ** 2)

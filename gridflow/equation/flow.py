"""The equation: a density flowing down its kernel mean discrepancy to a target, on the torus or the sphere."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from gridflow.arguments import takes_numbers
from gridflow.compute.harmonics import SphereTransform
from gridflow.domains.base import Domain
from gridflow.domains.sphere import SphereGrid, WholeSphere
from gridflow.domains.torus import Grid
from gridflow.equation.kernels import Kernel
from gridflow.equation.potential import PotentialField
from gridflow.errors import InputError

MASS_TOLERANCE = 1e-9
"""Relative difference of two masses that is attributed to round-off in the user's own arithmetic."""


G = TypeVar("G", bound=Domain)


@dataclass(frozen=True, eq=False)
class Equation(ABC, Generic[G]):
    """Base class of the flows on every domain; see :class:`Flow` and :class:`SphereFlow`.

    Parameters
    ----------
    grid
        The domain and its cells.
    kernel
        Kernel K, see :mod:`gridflow.equation.kernels`.
    target
        Target ν as cell averages (mass / volume), shape ``grid.shape``; ≥ 0 unless growth is positive.
    growth
        Rate β ≥ 0 (1 / (time · V)). Default: 0, which conserves mass.
    """

    grid: G
    kernel: Kernel
    target: np.ndarray
    growth: float = 0.0
    _symbol: np.ndarray = field(init=False, repr=False)

    domains: ClassVar[dict[type[Domain], type["Equation[Any]"]]] = {}
    """The equation class of each domain class."""

    def __init_subclass__(cls, domain: type[Domain], **options: Any) -> None:
        super().__init_subclass__(**options)
        Equation.domains[domain] = cls

    @staticmethod
    def on(grid: Domain, kernel: Kernel, target: np.ndarray, growth: float = 0.0) -> "Equation[Any]":
        """The equation of the kind that a domain has: :class:`Flow`, :class:`SphereFlow`, :class:`WholeSphereFlow`."""
        return grid.one_of(Equation.domains, "equation")(grid, kernel, target, growth)

    def __post_init__(self) -> None:
        meant = self.grid.one_of(Equation.domains, "equation")
        if not issubclass(type(self), meant):
            raise InputError(f"{type(self).__name__} is not an equation on {self.grid}; there use {meant.__name__}")
        if not isinstance(self.kernel, Kernel):
            raise InputError(f"kernel = {self.kernel!r}: a kernel is needed, such as gridflow.Riesz(s=1)")
        if not (math.isfinite(self.growth) and self.growth >= 0):
            raise InputError(f"growth = {self.growth}: it must be ≥ 0")
        checked = self.grid.check if self.growth else self.grid.check_density
        target = np.array(checked(self.target, "the target"), dtype=float)
        target.flags.writeable = False
        symbol = self.kernel.multiplier(self.grid)
        if not np.isfinite(symbol).all():
            raise InputError(
                f"the symbol of {self.kernel} is not finite on this grid; if it overflows, use another unit of length"
            )
        symbol.flags.writeable = False
        object.__setattr__(self, "target", target)
        object.__setattr__(self, "_symbol", symbol)

    @property
    def symbol(self) -> np.ndarray:
        """Symbol K̂ of the kernel, float64 of shape ``grid.spectral_shape``, read-only."""
        return self._symbol

    @property
    def seen(self) -> np.ndarray | None:
        """Mask of the modes with K̂ > 0, shape ``grid.spectral_shape``; None for kernels that see all modes."""
        return None if self.kernel.sees_all else self.symbol > 0

    @cached_property
    def target_mass(self) -> float:
        """Mass of the target, ∫ ν dx."""
        return self.grid.integral(self.target)

    @cached_property
    def reference(self) -> float:
        """Mean of |ν|, used as a typical density (mass / volume)."""
        return self.grid.integral(abs(self.target)) / self.grid.volume

    def check_density(self, density: np.ndarray, name: str = "the density") -> np.ndarray:
        """Return a density as a float64 array after checking that this flow can start from it.

        Parameters
        ----------
        density
            Cell averages (mass / volume), shape ``grid.shape``.
        name
            What to call it in an error message.

        Raises
        ------
        InputError
            If the shape is wrong, a value is negative or not finite, the mass is zero or, without growth, the mass
            differs from that of the target.
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
    def transported(self, carrier: np.ndarray, deviation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rate at which the potential of a deviation moves a density, with its growth, by spectral derivatives.

        With the target as the carrier this is the linearised flow ``f ↦ A f``, so that ``∂_t f = −A f`` near it. With
        the deviation itself it is the quadratic rest, ``∂_t f = −A f − transported(f, f)``.

        Parameters
        ----------
        carrier
            The density w that is moved, shape ``grid.shape`` (mass / volume); it may have either sign.
        deviation
            The deviation f, shape ``grid.shape`` (mass / volume).

        Returns
        -------
        loss : ndarray
            ``−∇·(w ∇K f) + β w K f`` at cell centres (mass / volume / time).
        potential : ndarray
            ``K f`` at cell centres.
        """

    @abstractmethod
    def filtered(self, values: np.ndarray, factors: np.ndarray) -> np.ndarray:
        """Return a function whose modes are those of ``values`` times ``factors``, of shape ``grid.spectral_shape``."""

    @abstractmethod
    def potential(self, density: np.ndarray) -> np.ndarray:
        """Return V = K * (μ − ν) at cell centres, shape ``grid.shape``, for a density of that shape."""

    @abstractmethod
    def energy(self, density: np.ndarray) -> float:
        """Return E = ½ ∫ V (μ − ν) dx = ½ KMD² of a density of shape ``grid.shape``."""

    @abstractmethod
    def dissipation(self, density: np.ndarray) -> float:
        """Return −dE/dt at a density of shape ``grid.shape``."""


@takes_numbers
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
        Kernel K, see :mod:`gridflow.equation.kernels`.
    target
        Target ν as cell averages (mass / volume), shape ``grid.shape``, ≥ 0. With growth it may have either sign, like
        the measure of a network with output weights of both signs.
    growth
        Rate β ≥ 0 (1 / (time · V)). Default: 0, which conserves mass.

    Raises
    ------
    InputError
        If the target is not a density on the grid, the growth rate is negative, or the kernel is not defined or not
        finite on this grid.

    References
    ----------
    Chizat, Colombo, Colombo, Fernández-Real, arXiv:2603.01977.
    """

    def potential(self, density: np.ndarray) -> np.ndarray:
        """First variation V = K * (μ − ν) of the energy at cell centres.

        Parameters
        ----------
        density
            Density μ as cell averages (mass / volume), shape ``grid.shape``.

        Returns
        -------
        ndarray
            V, float64 of shape ``grid.shape``; in units of mass · length^{2s − d} for a Riesz kernel.

        Raises
        ------
        InputError
            If the density has the wrong shape or is not finite.
        """
        return self._field.potential(self.grid.check(density, "the density"), self.target).copy()

    def face_velocity(self, density: np.ndarray) -> np.ndarray:
        """Velocity v = −∇V normal to the faces, by finite differences of V.

        Parameters
        ----------
        density
            Density μ as cell averages (mass / volume), shape ``grid.shape``.

        Returns
        -------
        ndarray
            Float64 of shape ``(d, *grid.shape)``, length / time. Entry ``[a, i]`` is ``−(V_{i+1} − V_i) / h_a`` on the
            upper face of cell i along axis a.
        """
        v = self.potential(density)
        return np.stack([(v - np.roll(v, -1, axis)) / h for axis, h in enumerate(self.grid.spacing)])

    def energy(self, density: np.ndarray) -> float:
        """Energy E = ½ ∫ V (μ − ν) dx = ½ |T| Σ_k K̂ |f̂_k|² = ½ KMD² with f = μ − ν, summed in Fourier space.

        Parameters
        ----------
        density
            Density μ as cell averages (mass / volume), shape ``grid.shape``.

        Returns
        -------
        float
            E ≥ 0; in units of mass² · length^{2s − d} for a Riesz kernel.

        Raises
        ------
        InputError
            If the density has the wrong shape or is not finite.
        """
        return self._field.energy(self.grid.check(density, "the density"), self.target)

    def dissipation(self, density: np.ndarray) -> float:
        """Dissipation −dE/dt = ∫ μ |∇V|² dx + β ∫ μ V² dx, to second order: μ on a face is the mean of its two cells.

        For the face values of a particular scheme see :meth:`solvers.FiniteVolume.dissipation`.

        Parameters
        ----------
        density
            Density μ as cell averages (mass / volume), shape ``grid.shape``.

        Returns
        -------
        float
            −dE/dt, in units of energy / time.

        Raises
        ------
        InputError
            If the density has the wrong shape or is not finite.
        """
        density = self.grid.check(density, "the density")
        v = self._field.potential(density, self.target)
        total = self.growth * float((density * v**2).sum()) if self.growth else 0.0
        for axis, h in enumerate(self.grid.spacing):
            difference = (np.roll(v, -1, axis) - v) / h
            total += float(((density + np.roll(density, -1, axis)) / 2 * difference**2).sum())
        return total * self.grid.cell_volume

    def transported(self, carrier: np.ndarray, deviation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``−∇·(w ∇K f) + β w K f`` and K f; see :meth:`Equation.transported`. Nyquist modes have no derivative."""
        return self._field.transported(carrier, deviation, self.growth)

    def filtered(self, values: np.ndarray, factors: np.ndarray) -> np.ndarray:
        """Multiply the modes of a function; see :meth:`Equation.filtered`."""
        return self._field.filtered(values, factors).copy()

    @cached_property
    def _field(self) -> "PotentialField":
        return PotentialField(self.grid, self.symbol)


@takes_numbers
@dataclass(frozen=True, eq=False)
class SphereFlow(Equation[SphereGrid], domain=SphereGrid):
    """The same equation on the unit sphere S², with the Laplace–Beltrami operator and kernels ``K(θ·θ')``.

    The potential is ``V_ℓm = K̂_ℓ (μ − ν)_ℓm``. With the kernel ``ReLU()`` and growth 2 the flow is the infinite-width
    limit of training a shallow ReLU network with three inputs.

    Parameters
    ----------
    grid
        The cells.
    kernel
        ``Riesz(s)``, with K̂_ℓ = (ℓ (ℓ + 1))^{−s} for ℓ ≥ 1, or ``ReLU``, ``Activation`` or ``Symbol``.
    target, growth
        As for :class:`Flow`.

    Raises
    ------
    InputError
        If an argument is not allowed; also from the first use of the potential if ducc0 is not installed.
    """

    def potential(self, density: np.ndarray) -> np.ndarray:
        """V = K * (μ − ν) at cell centres, float64 of shape ``grid.shape``, for a density of that shape."""
        return self._transform.synthesise(self._pull(density)).copy()

    def energy(self, density: np.ndarray) -> float:
        """Energy E = ½ Σ_ℓ K̂_ℓ Σ_m |(μ − ν)_ℓm|² = ½ KMD² of a density of shape ``grid.shape``."""
        return 0.5 * float(self.symbol @ self._transform.power(self._deviation(density)))

    def dissipation(self, density: np.ndarray) -> float:
        """Dissipation −dE/dt = ∫ μ |∇V|² + β ∫ μ V², with the spectral gradient of V at cell centres."""
        pull, transform = self._pull(density), self._transform
        gradient, v = transform.gradient(pull), transform.synthesise(pull)
        return self.grid.integral(density * ((gradient**2).sum(axis=0) + self.growth * v**2))

    def transported(self, carrier: np.ndarray, deviation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``−∇·(w ∇K f) + β w K f`` and K f; see :meth:`Equation.transported`."""
        transform, values = self._transform, self.grid.check(deviation, "the deviation")
        pull = transform.analyse(values) * self.symbol[transform.degree]
        potential = transform.synthesise(pull).copy()
        loss = transform.divergence(carrier * transform.gradient(pull))
        if self.growth:
            loss = loss + self.growth * transform.analyse(carrier * potential)
        return transform.synthesise(loss).copy(), potential

    def filtered(self, values: np.ndarray, factors: np.ndarray) -> np.ndarray:
        """Multiply the modes of a function; see :meth:`Equation.filtered`."""
        transform = self._transform
        return transform.synthesise(transform.analyse(values) * factors[transform.degree]).copy()

    @cached_property
    def _transform(self) -> SphereTransform:
        return SphereTransform(self.grid)

    def _pull(self, density: np.ndarray) -> np.ndarray:
        """Return the harmonic coefficients of V."""
        return self._deviation(density) * self.symbol[self._transform.degree]

    def _deviation(self, density: np.ndarray) -> np.ndarray:
        return self._transform.analyse(self.grid.check(density, "the density") - self.target)


@takes_numbers
@dataclass(frozen=True, eq=False)
class WholeSphereFlow(Equation[WholeSphere], domain=WholeSphere):
    """The equation on S^d reduced to the mean density, for networks with any number of inputs.

    Its potential is that of the means only. A network of points computes the full dynamics on S^d itself, see
    :class:`solvers.Network`.

    Parameters
    ----------
    grid
        The sphere as a single cell.
    kernel
        A kernel on spheres, such as ``ReLU``.
    target
        Mean of ν (mass / area), shape (1,).
    growth
        As for :class:`Flow`.
    """

    def potential(self, density: np.ndarray) -> np.ndarray:
        """Symbol K̂_0 times the difference of the means, shape (1,)."""
        return self.symbol * (self.grid.check(density, "the density") - self.target)

    def transported(self, carrier: np.ndarray, deviation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``β w K f`` and K f of the means; see :meth:`Equation.transported`."""
        potential = self.filtered(deviation, self.symbol)
        return self.growth * carrier * potential, potential

    def filtered(self, values: np.ndarray, factors: np.ndarray) -> np.ndarray:
        """The mean times the one factor; see :meth:`Equation.filtered`."""
        return np.asarray(values * factors)

    def energy(self, density: np.ndarray) -> float:
        """½ ∫ V (μ − ν) of the means, a lower bound on the energy of any measures with these means."""
        return 0.5 * self.grid.integral(self.potential(density) * (density - self.target))

    def dissipation(self, density: np.ndarray) -> float:
        """Dissipation by growth, β ∫ μ V², of the means."""
        return self.growth * self.grid.integral(density * self.potential(density) ** 2)

"""Exact facts about the Coulomb flow, s = 1.

With ∇·v = μ − ν every fluid particle obeys ``Dμ/Dt = −μ (μ − ν)``. The objects here state what follows from that; each
checks the hypotheses it needs.
"""

from dataclasses import dataclass

import numpy as np

from gridflow.errors import InputError
from gridflow.flow import Flow
from gridflow.kernels import Riesz

_ROUND_OFF = 1e-12


def uniform_background(flow: Flow) -> float | None:
    """The constant a with ν ≡ a if the flow is Coulomb (s = 1) without growth towards a constant target, else None."""
    coulomb = isinstance(flow.kernel, Riesz) and flow.kernel.s == 1 and flow.growth == 0
    low, high = float(flow.target.min()), float(flow.target.max())
    if not coulomb or high - low > _ROUND_OFF * high:
        return None
    return flow.target_mass / flow.grid.volume


@dataclass(frozen=True)
class LogisticLaw:
    """Density along a characteristic for ν ≡ a: ``μ(t) = a μ0 / (μ0 + (a − μ0) e^{−a t})``.

    For smooth data the minimum and the maximum of μ follow it exactly.

    Parameters
    ----------
    start
        μ0 at the characteristic's foot (mass / volume), ≥ 0; a number or an array.
    background
        a (mass / volume), positive.
    """

    start: float | np.ndarray
    background: float

    def __call__(self, time: float | np.ndarray) -> float | np.ndarray:
        """μ at a time ≥ 0."""
        a, decay = self.background, np.exp(-self.background * np.asarray(time))
        empty = np.asarray(self.start) == 0
        mu = np.where(empty, 1.0, self.start)  # an empty start stays empty; the quotient would end as 0 / 0
        return np.where(empty, 0.0, a * mu / (mu + (a - mu) * decay))[()]


@dataclass(frozen=True)
class HoleLaw:
    """A hole in a constant density, ν ≡ a: ``|H(t)| = |H0| e^{−a t}`` for any shape and any dimension.

    Outside, the density stays constant in space: ``c(t) = M / (|T| − |H(t)|)``, the plateau.

    Parameters
    ----------
    volume
        |H0| in units of length^d, below the torus' volume.
    torus_volume
        |T|.
    background
        a = M / |T| (mass / volume).
    """

    volume: float
    torus_volume: float
    background: float

    def __post_init__(self) -> None:
        if not 0 < self.volume < self.torus_volume:
            raise InputError(f"hole volume {self.volume}: it must be between 0 and the torus' {self.torus_volume}")

    @classmethod
    def of(cls, flow: Flow, initial: np.ndarray) -> "HoleLaw | None":
        """The law of a run if its hypotheses hold: s = 1, constant target, no growth, one value outside a hole.

        Cells cut by the hole's boundary hold less than the value outside; they must lie within two cells of the hole.
        """
        background = uniform_background(flow)
        if background is None or not _is_hole_in_constant(initial):
            return None
        return cls(flow.grid.volume - flow.target_mass / float(initial.max()), flow.grid.volume, background)

    def __call__(self, time: float | np.ndarray) -> float | np.ndarray:
        """Volume of the hole at a time ≥ 0."""
        return self.volume * np.exp(-self.background * np.asarray(time))

    def plateau(self, time: float | np.ndarray) -> float | np.ndarray:
        """Density outside the hole at a time ≥ 0."""
        return self.background * self.torus_volume / (self.torus_volume - self(time))


def _is_hole_in_constant(initial: np.ndarray) -> bool:
    empty = initial == 0
    top = initial.max()
    if not empty.any() or empty.all():
        return False
    near = empty
    for _ in range(2):
        for axis in range(initial.ndim):
            near = near | np.roll(near, 1, axis) | np.roll(near, -1, axis)
    return bool((near | (initial >= top * (1 - _ROUND_OFF))).all())


@dataclass(frozen=True, eq=False)
class Coulomb1D:
    """Exact solution in one dimension for ν ≡ a, by characteristics labelled with mass.

    ``X_m(t) = e^{−at} X_m(0) + (1 − e^{−at}) (m/a + X̄ − M/(2a))``, X̄ the mean position, which is conserved. The initial
    density is constant in each cell, which makes cumulative masses exact for the given cell averages.

    Parameters
    ----------
    flow
        A one-dimensional Coulomb flow without growth to a constant target.
    initial
        Cell averages at t = 0.
    """

    flow: Flow
    initial: np.ndarray

    def __post_init__(self) -> None:
        if self.flow.grid.dim != 1 or uniform_background(self.flow) is None:
            raise InputError("Coulomb1D needs d = 1, s = 1, no growth and a constant target")
        object.__setattr__(self, "initial", self.flow.check_density(self.initial, "the initial density"))

    def cumulative_mass(self, time: float) -> np.ndarray:
        """Exact mass between 0 and each of the n + 1 cell edges at a time ≥ 0."""
        grid = self.flow.grid
        length, background = grid.lengths[0], self.flow.target_mass / grid.volume
        edges = grid.edges(0)
        label = np.concatenate([[0.0], np.cumsum(self.initial) * grid.spacing[0]])
        total = label[-1]
        mean = float(((edges[1:] + edges[:-1]) / 2 * np.diff(label)).sum()) / total
        decay = np.exp(-background * time)
        position = decay * edges + (1 - decay) * (label / background + mean - total / (2 * background))
        x = np.concatenate([position[:-1] - length, position[:-1], position[:-1] + length, [position[-1] + length]])
        m = np.concatenate([label[:-1] - total, label[:-1], label[:-1] + total, [2 * total]])
        found = np.interp(edges, x, m)
        return found - found[0]

    def __call__(self, time: float) -> np.ndarray:
        """Exact cell averages at a time ≥ 0, shape ``grid.shape``."""
        return np.diff(self.cumulative_mass(time)) / self.flow.grid.spacing[0]

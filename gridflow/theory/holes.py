"""How a hole fills, and how fast the energy falls meanwhile: laws for every s."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gridflow.arguments import takes_numbers
from gridflow.equation.flow import Equation
from gridflow.errors import InputError
from gridflow.theory.brackets import green_function
from gridflow.theory.coulomb import HoleLaw
from gridflow.theory.hypotheses import order_of
from gridflow.theory.laws import Window

POINTS = 40
"""Number of times at which the energy of a hole is computed."""


@takes_numbers
@dataclass(frozen=True)
class HoleFilling:
    """Volume of a hole for s > 1, once it is what drains last: ``|H(t)| ~ t^{−d/(2s−2)}``.

    Near a hole of width R that is empty inside and has the density of the target outside, nothing but R sets the
    scale: ``∇·v`` is of order ``−ν R^{2s−2}`` inside. So ``dR/dt ~ −ν R^{2s−1}`` and ``R ~ (ν t)^{−1/(2s−2)}``, the
    length to which the modes have decayed by then. The law is approached slowly, from smaller exponents.

    Parameters
    ----------
    s
        Order of the kernel, above 1.
    dim
        Dimension d.

    Raises
    ------
    InputError
        Unless s > 1.
    """

    s: float
    dim: int

    hypotheses = ("s > 1 and no growth", "the density is 0 in an open set", "elsewhere it has reached the target")

    def __post_init__(self) -> None:
        if not self.s > 1:
            raise InputError(f"s = {self.s}: this law of holes needs s > 1; see HoleLaw for s = 1")

    @classmethod
    def of(cls, flow: Equation[Any]) -> "HoleFilling":
        """The law of a flow; InputError unless it has a Riesz kernel with s > 1 and no growth."""
        return cls(order_of(flow, "the law of holes"), flow.grid.dim)

    @property
    def exponent(self) -> float:
        """Exponent of time, d / (2s − 2)."""
        return self.dim / (2 * self.s - 2)


@dataclass(frozen=True, eq=False)
class HoleEnergy:
    """Energy while a hole fills, for s = 1 and ν ≡ a: that of a round hole of volume ``|H_0| e^{−at}`` in a constant.

    In one dimension it is ``E_0 e^{−2at}``. In the plane its rate tends to 2a like 1 / t, as ``E ~ |H|² log(1/|H|)``,
    in three dimensions to 5a/3, as ``E ~ |H|^{5/3}``. The shape of the hole changes E by a factor that tends to a
    constant, and the curve is scaled to the initial energy.

    Parameters
    ----------
    times, energies
        Ascending times from 0 and the energies then, shapes (n,).
    shape
        Initial energy divided by that of a round hole of the same volume: 1 for a round one, and less for all others,
        since a ball has the largest energy (Riesz rearrangement).
    """

    times: np.ndarray
    energies: np.ndarray
    shape: float = 1.0

    hypotheses = (*HoleLaw.hypotheses, "the hole is round, or small")
    is_exponential = True
    exponent = None

    @classmethod
    def of(cls, flow: Equation[Any], initial: np.ndarray) -> "HoleEnergy":
        """The law of a run from a hole in a constant density, of shape ``grid.shape``.

        Raises
        ------
        InputError
            If a hypothesis of :class:`gridflow.theory.HoleLaw` fails.
        """
        law = HoleLaw.of(flow, initial)
        if law is None:
            raise InputError("the energy of a hole is known for s = 1, ν ≡ a and a hole in a constant density")
        grid = flow.grid
        order = np.argsort(-green_function(flow, flow.symbol).ravel())  # from a cell outwards: balls, but for the cells
        volumes = np.broadcast_to(grid.cell_volumes, grid.shape).ravel()[order]
        reached = np.cumsum(volumes)
        smallest = 4**grid.dim * float(volumes.max())
        times = np.linspace(0, max(math.log(law.volume / smallest), 0.1) / law.background, POINTS)
        energies = np.empty(POINTS)
        density = np.empty(grid.size)
        for place, time in enumerate(times):
            empty = np.clip((float(law(time)) - reached) / volumes + 1, 0, 1)
            density[order] = float(law.plateau(time)) * (1 - empty)
            energies[place] = flow.energy(density.reshape(grid.shape))
        shape = flow.energy(initial) / float(energies[0])
        return cls(times, energies * shape, shape)

    def __call__(self, time: float | np.ndarray) -> float | np.ndarray:
        """Energy at times ≥ 0; after the hole is four cells wide, continued at the last rate."""
        time = np.asarray(time, dtype=float)
        logarithms = np.log(self.energies)
        late = np.maximum(time - self.times[-1], 0.0) * self.rate
        return np.exp(np.interp(time, self.times, logarithms) - late)[()]

    @property
    def rate(self) -> float:
        """Rate −d log E / dt when the hole is four cells wide (1 / time)."""
        return self._between(float(self.times[-2]), float(self.times[-1]))

    def theorem(self, flow: Equation[Any]) -> str:  # noqa: ARG002 - others depend on the flow
        """The law in words."""
        return "s = 1: a hole fills exponentially fast"

    def formula(self, flow: Equation[Any]) -> str:
        """The law as a formula."""
        first, background = self._between(0.0, float(self.times[1])), flow.target_mass / flow.grid.volume
        rates = f"{first:.3g}" if abs(self.rate / first - 1) < 1e-3 else f"{first:.3g}, later {self.rate:.3g}"
        return f"|H| ~ exp(−{background:.4g} t), E falls at the rate {rates}"

    def observable(self, flow: Equation[Any], times: np.ndarray, minima: np.ndarray) -> Window:  # noqa: ARG002
        """Until the hole is four cells wide."""
        return Window(0.0, float(self.times[-1]), "", "the hole is less than four cells wide")

    def expected(self, window: Window) -> float | None:
        """Mean rate in a window (1 / time); None if the window is empty."""
        end = min(window.end, float(self.times[-1]))
        return self._between(window.start, end) if window.start < end else None

    def _between(self, start: float, end: float) -> float:
        """Mean rate between two times."""
        ends = np.interp([start, end], self.times, np.log(self.energies))
        return float((ends[0] - ends[1]) / (end - start))

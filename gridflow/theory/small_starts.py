"""A certificate before a run for s > 1, from starts so close to a constant target that they cannot get far from it."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gridflow.equation.flow import Equation
from gridflow.errors import InputError
from gridflow.measures import sobolev
from gridflow.theory.hypotheses import is_constant, order_of

FARTHEST = 10.0
"""Factor by which the bound on ‖∇f‖ may grow, and on min μ may fall, before the start counts as too far."""
LIMIT = 150.0
"""Largest logarithm with which the rates are computed."""
SMALLEST = 1e-30
"""Share of its first value down to which y is followed."""
LONGEST = 1e9
"""Last time at which the bound is known, in units of the first decay."""
POINTS = 400
"""Number of times at which the bound is tabulated; between them it is interpolated from above."""


@dataclass(frozen=True, eq=False)
class SmallStartCertificate:
    """Upper bound for s > 1 and ν ≡ a, from bounds on what :class:`gridflow.theory.RieszCertificate` reads off a run.

    With f = μ − a, y = √(2E), R = ‖∇f‖ and g = ∇·v, of symbol |ξ|^{2−2s}, the flow obeys

    - ``y' ≤ −m y^{1+2p} R^{−2p}`` with p = (s − 1) / (s + 1) and m ≤ min μ, the inequality of that certificate,
    - ``R' ≤ (‖∇²V‖_∞ + ½ ‖g‖_∞) R + ‖f‖_∞ ‖∇g‖``, from ``∂_t f = −v·∇f − f g − a g``, whose last term helps,
    - ``|D log μ / Dt| = |g|``, which bounds min μ and max μ.

    ``‖∇²V‖_∞`` and ``‖g‖_∞`` are at most ``S = Σ |ξ|^{2−2s} |f̂_k|``, which y and R bound by Cauchy–Schwarz, and ‖∇g‖ by
    interpolation. All right-hand sides are monotone in the other bounds, so that solving the equations bounds what
    obeys the inequalities.

    Parameters
    ----------
    times, energies
        Ascending times from 0 and bounds on the energy then, shapes (n,).
    """

    times: np.ndarray
    energies: np.ndarray

    hypotheses = ("s > 1 and no growth", "ν ≡ a", "the start is near the target in H¹ of the grid")

    @classmethod
    def of(cls, flow: Equation[Any], initial: np.ndarray) -> "SmallStartCertificate":
        """The bound of a run from a density of shape ``grid.shape``; InputError if a hypothesis fails."""
        s, grid, target = order_of(flow, "the certificate for small starts"), flow.grid, float(flow.target.flat[0])
        if not (s > 1 and is_constant(flow.target)):
            raise InputError("the certificate for small starts needs s > 1 and a constant target")
        energy, least = flow.energy(initial), float(initial.min())
        norm = sobolev.norm(grid, initial - target, 1.0, flow.kernel.laplacian)
        if not (energy > 0 and least > 0 and norm > 0):
            raise InputError("the certificate for small starts needs a density without a hole")
        start = np.log([math.sqrt(2 * energy), norm, least, float(initial.max())])
        rates = _Rates(flow, s, target)
        first = -1 / rates(start)[0]

        def change(stretched: float, bounds: np.ndarray) -> np.ndarray:
            return first * math.exp(stretched) * rates(bounds)

        def too_far(_: float, bounds: np.ndarray) -> float:
            moved = max(bounds[1] - start[1], start[2] - bounds[2])
            return min(math.log(FARTHEST) - float(moved), float(bounds[0] - start[0]) - math.log(SMALLEST))

        too_far.terminal = True  # type: ignore[attr-defined]
        from scipy.integrate import solve_ivp  # imported here because it loads slowly

        last = math.log(LONGEST)
        found = solve_ivp(
            change, (0.0, last), start, events=too_far, rtol=1e-8, atol=1e-10, t_eval=np.linspace(0, last, POINTS)
        )
        return cls(first * np.expm1(found.t), np.exp(2 * found.y[0]) / 2)

    def __call__(self, time: float | np.ndarray) -> float | np.ndarray:
        """Upper bound on the energy at times ≥ 0; after the last time known it stays the same."""
        return np.exp(np.interp(np.asarray(time, dtype=float), self.times, np.log(self.energies)))[()]

    def time_to(self, energy: float) -> float:
        """Time at which the bound reaches an energy > 0; infinite if it is not known to."""
        if self.energies[-1] > energy:
            return math.inf
        return float(np.interp(-math.log(energy), -np.log(self.energies), self.times))


class _Rates:
    """The right-hand sides for the logarithms of y, R, min μ and max μ; see :class:`SmallStartCertificate`."""

    def __init__(self, flow: Equation[Any], s: float, target: float) -> None:
        grid = flow.grid
        squared, place = np.unique(grid.laplacian_symbol(flow.kernel.laplacian), return_inverse=True)
        modes = np.broadcast_to(grid.mode_multiplicity(), grid.spectral_shape)
        self._squared = squared[1:]
        self._share = np.bincount(place.ravel(), modes.ravel())[1:] / grid.volume
        self._s, self._target = s, target

    def __call__(self, logarithms: np.ndarray) -> np.ndarray:
        # only attempted steps, which the event beyond FARTHEST discards, come near these limits
        y, norm, least, largest = np.exp(np.clip(logarithms, -LIMIT, LIMIT))
        s, p, xi = self._s, (self._s - 1) / (self._s + 1), self._squared
        weights = xi**-s / y**2 + xi / norm**2
        total = math.sqrt(2 * float((self._share * xi ** (2 - 2 * s) / weights).sum()))
        if s <= 3:
            between = (3 - s) / (1 + s)
            slope = y ** (1 - between) * norm**between
        else:
            slope = float(xi[0]) ** ((3 - s) / 2) * y
        height = max(largest - self._target, self._target - least)
        growth = 1.5 * total + height * slope / norm
        return np.array([-least * (y / norm) ** (2 * p), growth, -total, total])

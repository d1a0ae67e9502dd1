"""Strong-stability-preserving Runge–Kutta schemes as coefficient tables, and the choice of the step.

Every stage is a convex combination of the old state and one forward Euler step of the stage before,
``y_i = α_i y_0 + (1 − α_i) (y_{i−1} + Δt L(y_{i−1}))``, so whatever a forward Euler step keeps (mass, positivity, decay
of a convex energy) every scheme here keeps under the same bound on Δt.
"""

import math
from dataclasses import dataclass

from gridflow.errors import InputError


@dataclass(frozen=True)
class SSPRungeKutta:
    """An explicit SSP scheme in Shu–Osher form with SSP coefficient 1.

    Parameters
    ----------
    name
        What users call it.
    order
        Order of accuracy.
    blend
        α_i of each stage: the weight of the old state.

    References
    ----------
    Shu and Osher, J. Comput. Phys. 77 (1988) 439; Gottlieb, Shu and Tadmor, SIAM Review 43 (2001) 89.
    """

    name: str
    order: int
    blend: tuple[float, ...]

    def resolved_decay(self, tolerance: float) -> float:
        """Largest z = rate · Δt whose decay is right to ``tolerance`` per e-folding.

        The scheme replaces e^{−z} by a polynomial with error z^{p+1}/(p+1)! per step, z^p/(p+1)! per unit of decay.
        """
        return (tolerance * math.factorial(self.order + 1)) ** (1 / self.order)


SCHEMES = {
    scheme.name: scheme
    for scheme in (
        SSPRungeKutta("euler", 1, (0.0,)),
        SSPRungeKutta("ssprk2", 2, (0.0, 1 / 2)),
        SSPRungeKutta("ssprk3", 3, (0.0, 3 / 4, 1 / 3)),
    )
}


def scheme(name: str) -> SSPRungeKutta:
    """Look a scheme up by its name; InputError names the ones there are."""
    if name not in SCHEMES:
        raise InputError(f'integrator "{name}": allowed are {", ".join(SCHEMES)}')
    return SCHEMES[name]


@dataclass(frozen=True)
class StepBounds:
    """The bounds on Δt at one state.

    Attributes
    ----------
    positivity
        No cell loses more than it holds.
    relaxation
        A forward Euler step does not raise the energy: 2 / (max μ · max_ξ (λ + β) K̂).
    accuracy
        The decay of the KMD is right to the tolerance per e-folding.
    """

    positivity: float
    relaxation: float
    accuracy: float

    @property
    def strict(self) -> float:
        """What positivity and stability require of every stage."""
        return min(self.positivity, self.relaxation)

    def longest(self, cfl: float) -> float:
        """The longest step: a share of the strict bounds, or the accuracy bound if smaller."""
        return min(cfl * self.strict, self.accuracy)


def fit(dt: float, time: float, until: float) -> float:
    """The step to take when dt is allowed and the state must land on ``until``.

    Returns exactly the remaining time when dt reaches it, and half of it rather than leaving a sliver behind.
    """
    remaining = until - time
    if dt >= remaining:
        return remaining
    return min(dt, remaining / 2)

"""Runge–Kutta tableaux: strong-stability-preserving, exponential and embedded schemes.

Every stage of an SSP scheme is a convex combination of the old state and a forward Euler step of the previous stage,
``y_i = α_i y_0 + (1 − α_i) (y_{i−1} + Δt L(y_{i−1}))``. Whatever a forward Euler step preserves (mass, positivity,
decay of a convex energy) is therefore preserved by the scheme under the same bound on Δt. An exponential scheme
integrates the linear part exactly, so modes that have already decayed do not limit Δt. Positivity is not guaranteed and
must be checked after every step.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gridflow.errors import InputError


@dataclass(frozen=True)
class SSPRungeKutta:
    """An explicit SSP scheme in Shu–Osher form with SSP coefficient 1.

    Parameters
    ----------
    name
        Name of the integrator for users.
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
        """Return the largest z = rate · Δt for which decay is accurate to ``tolerance`` per e-folding.

        A scheme of order p replaces e^{−z} by a polynomial. Its error is z^{p+1}/(p+1)! per step and thus z^p/(p+1)!
        per e-folding.
        """
        return (tolerance * math.factorial(self.order + 1)) ** (1 / self.order)


class PhiWeights(NamedTuple):
    """Coefficients of φ_1, φ_2, φ_3."""

    first: float
    second: float
    third: float


@dataclass(frozen=True)
class ExponentialRungeKutta:
    """An explicit exponential scheme for ``u' = L u + N(u)`` with an embedded error estimate.

    Stage i is ``U_i = u + Δt (c φ_1(cz) R + Σ_m w_im(cz) D_m)``, where z = Δt L, R = L u + N(u) is the tendency at the
    start, ``D_m = N(U_m) − N(u)``, and w_im is a linear combination of the functions
    ``φ_l(z) = ∫_0^1 e^{(1−θ)z} θ^{l−1} / (l−1)! dθ``. The last stage is the new state; the tendency there is reused as
    R of the next step.

    Parameters
    ----------
    name
        Name of the integrator for users.
    order
        Order of accuracy.
    nodes
        Node c of each stage, either ½ or 1; the last is 1.
    weights
        For each stage, the weights of the differences D of the earlier stages.
    error
        Weights of the differences D of all stages in the error estimate, that of the new state last.
    error_order
        The estimate is O(Δt^error_order).

    References
    ----------
    Cox and Matthews, J. Comput. Phys. 176 (2002) 430; Krogstad, J. Comput. Phys. 203 (2005) 72 (ETDRK4-B); Whalen, Brio
    and Moloney, J. Comput. Phys. 280 (2015) 579 (the embedded third order).
    """

    name: str
    order: int
    nodes: tuple[float, ...]
    weights: tuple[tuple[PhiWeights, ...], ...]
    error: tuple[PhiWeights, ...]
    error_order: int

    def next_step(self, dt: float, error: float, tolerance: float) -> float:
        """Return the step to try after a step dt with the given error."""
        return _next_step(dt, error, tolerance, self.error_order)


@dataclass(frozen=True)
class EmbeddedRungeKutta:
    """An explicit scheme for ``y' = f(y)`` whose last stage is the new state, with an embedded error estimate.

    Stage i is ``Y_i = y + Δt Σ_{j<i} a_ij f(Y_j)`` with Y_0 = y and the coefficients a of ``stages``. The scheme has
    the FSAL property: f at the last stage is reused at the first stage of the next step.

    Parameters
    ----------
    name
        Name of the integrator for users.
    order
        Order of accuracy.
    stages
        For each stage after the first, the weights of the earlier stages.
    error
        Weights of all stages in the error estimate.
    error_order
        The estimate is O(Δt^error_order).

    References
    ----------
    Dormand and Prince, J. Comput. Appl. Math. 6 (1980) 19; Bogacki and Shampine, Appl. Math. Lett. 2 (1989) 321.
    """

    name: str
    order: int
    stages: tuple[tuple[float, ...], ...]
    error: tuple[float, ...]
    error_order: int

    def next_step(self, dt: float, error: float, tolerance: float) -> float:
        """Return the step to try after a step dt with the given error."""
        return _next_step(dt, error, tolerance, self.error_order)


def _next_step(dt: float, error: float, tolerance: float, error_order: int) -> float:
    """Return 0.9 times the step that would meet the tolerance, between 1/5 and 3 times dt."""
    grown = 0.9 * (tolerance / error) ** (1 / error_order) if error > 0 else math.inf
    return dt * min(max(grown, 0.2), 3.0)


_NONE = PhiWeights(0, 0, 0)
EULER = SSPRungeKutta("euler", 1, (0.0,))
SSPRK2 = SSPRungeKutta("ssprk2", 2, (0.0, 1 / 2))
SSPRK3 = SSPRungeKutta("ssprk3", 3, (0.0, 3 / 4, 1 / 3))
ETDRK2 = ExponentialRungeKutta(
    "etdrk2", 2, (1.0, 1.0), ((), (PhiWeights(0, 1, 0),)), error=(PhiWeights(0, 1, 0), _NONE), error_order=2
)
ETDRK4 = ExponentialRungeKutta(
    "etdrk4",
    4,
    (0.5, 0.5, 1.0, 1.0),
    (
        (),
        (PhiWeights(0, 1, 0),),
        (_NONE, PhiWeights(0, 2, 0)),
        (PhiWeights(0, 2, -4), PhiWeights(0, 2, -4), PhiWeights(0, -1, 4)),
    ),
    error=(_NONE, _NONE, PhiWeights(0, 1, -4), PhiWeights(0, -1, 4)),
    error_order=4,
)
"""In the notation of Cox and Matthews (2002), with h = Δt, z = h L, R = L u + N_u, and N_a = N(a) for each stage:

    ``a  = u + h/2 φ_1(z/2) R``
    ``b  = u + h/2 φ_1(z/2) R + h φ_2(z/2) (N_a − N_u)``
    ``c  = u + h φ_1(z) R + 2h φ_2(z) (N_b − N_u)``
    ``u⁺ = u + h φ_1(z) R + h (2φ_2 − 4φ_3)(z) (N_a + N_b − 2N_u) + h (4φ_3 − φ_2)(z) (N_c − N_u)``

Since h φ_1(z) L u = (e^z − 1) u, the last line agrees with their scheme, equation (2.5) of Kassam and Trefethen, SIAM
J. Sci. Comput. 26 (2005) 1214; b and c are those of Krogstad. The error estimate is the difference from the step in
which N at the new state replaces N_c, ``h (4φ_3 − φ_2)(z) (N_{u⁺} − N_c)``.
"""
RK23 = EmbeddedRungeKutta(
    "rk23", 3, ((1 / 2,), (0, 3 / 4), (2 / 9, 1 / 3, 4 / 9)), error=(-5 / 72, 1 / 12, 1 / 9, -1 / 8), error_order=3
)
RK45 = EmbeddedRungeKutta(
    "rk45",
    5,
    (
        (1 / 5,),
        (3 / 40, 9 / 40),
        (44 / 45, -56 / 15, 32 / 9),
        (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
        (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
        (35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
    ),
    error=(71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40),
    error_order=5,
)

RESOLVED_DECAY = 0.25
"""Largest exponential step relative to the e-folding time of the KMD, so that a run resolves the decay."""
AUTO = "auto"
EXPLICIT = {scheme.name: scheme for scheme in (EULER, SSPRK2, SSPRK3)}
EXPONENTIAL = {scheme.name: scheme for scheme in (ETDRK2, ETDRK4)}
EMBEDDED = {scheme.name: scheme for scheme in (RK23, RK45)}


def of_integrator(name: str) -> tuple[SSPRungeKutta, ExponentialRungeKutta | None]:
    """Return the explicit and the exponential scheme of an integrator; for an unknown name, InputError lists all.

    Exponential integrators and ``auto`` fall back to the explicit third-order scheme.
    """
    if name in EXPLICIT:
        return EXPLICIT[name], None
    if name == AUTO:
        return SSPRK3, ETDRK4
    if name in EXPONENTIAL:
        return SSPRK3, EXPONENTIAL[name]
    raise InputError(f'integrator "{name}": allowed are {", ".join((AUTO, *EXPLICIT, *EXPONENTIAL))}')


def add_up(row: Sequence[float], dt: float, stages: Iterable[np.ndarray], total: np.ndarray, term: np.ndarray) -> None:
    """Compute ``Δt Σ_j row_j stages_j`` into ``total``, with ``term`` as workspace; both are of the stages' shape."""
    total.fill(0)
    for weight, values in zip(row, stages, strict=False):
        if weight:
            np.multiply(values, values.dtype.type(dt * weight), out=term)
            total += term

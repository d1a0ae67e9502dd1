"""What the laws ask of a flow, checked in one place."""

from typing import Any

import numpy as np

from gridflow.equation.flow import Equation
from gridflow.equation.kernels import ReLU, Riesz
from gridflow.errors import InputError

ROUND_OFF = 1e-12
"""Relative variation below which a density counts as constant."""


def is_constant(density: np.ndarray) -> bool:
    """Whether a density has one value, up to round-off."""
    low, high = float(density.min()), float(density.max())
    return high - low <= ROUND_OFF * high


def order_of(flow: Equation[Any], law: str) -> float:
    """s of a flow with a Riesz kernel and without growth; InputError, naming the law that needs it, for another one."""
    if not isinstance(flow.kernel, Riesz):
        raise InputError(f"{law} needs a Riesz kernel; the flow has {flow.kernel}")
    if flow.growth:
        raise InputError(f"{law} needs a flow without growth; this one has growth = {flow.growth}")
    return flow.kernel.s


def decay_order(flow: Equation[Any], law: str) -> float:
    """s of a flow whose symbol falls like |ξ|^{−2s}: that of a Riesz kernel without growth, or of a ReLU kernel.

    Growth adds β to |ξ|² in the rate (|ξ|² + β) K̂ of a mode, which is nothing to the fine ones.
    """
    if isinstance(flow.kernel, ReLU):
        return flow.kernel.order(flow.grid.dim)
    return order_of(flow, law)


def in_words(flow: Equation[Any], s: float) -> str:
    """The condition s > 1 as it holds for a flow: of all modes, or of those that a network sees."""
    return f"s = {s:g} on the modes that a network sees" if isinstance(flow.kernel, ReLU) else "s > 1"


def uniform_background(flow: Equation[Any]) -> float | None:
    """The constant a with ν ≡ a if the flow is Coulomb (s = 1) without growth towards a constant target, else None."""
    coulomb = flow.kernel.is_coulomb and flow.growth == 0
    if not coulomb or not is_constant(flow.target):
        return None
    return flow.target_mass / flow.grid.volume

"""Hypotheses of the laws, each checked in one place."""

from typing import Any

import numpy as np

from gridflow.equation.flow import Equation
from gridflow.errors import InputError

ROUND_OFF = 1e-12
"""Relative variation below which a density counts as constant."""


def is_constant(density: np.ndarray) -> bool:
    """Whether a density is constant up to round-off."""
    low, high = float(density.min()), float(density.max())
    return high - low <= ROUND_OFF * high


def order_of(flow: Equation[Any], law: str) -> float:
    """Order s of a flow with a Riesz kernel and no growth; otherwise InputError, naming the law that needs it."""
    s = flow.kernel.order(flow.grid.dim) if flow.kernel.sees_all else None
    if s is None:
        raise InputError(f"{law} needs a Riesz kernel; the flow has {flow.kernel}")
    if flow.growth:
        raise InputError(f"{law} needs a flow without growth; this one has growth = {flow.growth}")
    return s


def require_coulomb(flow: Equation[Any], law: str) -> None:
    """Raise InputError, naming the law, unless the kernel is that of order s = 1 and there is no growth."""
    if (s := order_of(flow, law)) != 1:
        raise InputError(f"{law} needs s = 1; the flow has s = {s}")


def decay_order(flow: Equation[Any], law: str) -> float:
    """Order s of a flow whose symbol decays like |ξ|^{−2s}: a Riesz kernel without growth, or a ReLU kernel.

    Growth adds β to |ξ|² in the rate (|ξ|² + β) K̂ of a mode, which is negligible for the fine modes.
    """
    s = None if flow.kernel.sees_all else flow.kernel.order(flow.grid.dim)
    return order_of(flow, law) if s is None else s


def in_words(flow: Equation[Any], s: float) -> str:
    """The condition s > 1 as it holds for a flow: of all modes, or of those that a network sees."""
    return "s > 1" if flow.kernel.sees_all else f"s = {s:g} on the modes that a network sees"


def uniform_background(flow: Equation[Any]) -> float | None:
    """Constant value of the target of a Coulomb flow, for the laws that hold on a uniform background.

    Parameters
    ----------
    flow
        Any flow.

    Returns
    -------
    float or None
        a with ν ≡ a (mass / volume) if s = 1 and there is no growth; None for other flows.
    """
    coulomb = flow.kernel.is_coulomb and flow.growth == 0
    if not coulomb or not is_constant(flow.target):
        return None
    return flow.target_mass / flow.grid.volume

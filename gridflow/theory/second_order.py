"""The next order after linear theory: quadratic interaction, which makes harmonics that decay slowly."""

import math
from typing import Any

import numpy as np

from gridflow.equation.coarsening import coarsened
from gridflow.equation.flow import Equation
from gridflow.errors import InputError
from gridflow.theory.hypotheses import is_constant

CELLS = 2**13
"""Largest number of cells on which the harmonics are computed."""
RATIO = 1.15
"""Ratio of one time to the previous one; a mode that decays within an interval then errs by less than 1 %."""
FIRST = 0.02
"""First time, in units of the fastest decay."""
LONGEST = 600
"""Largest number of intervals of time."""


def second_order(flow: Equation[Any], initial: np.ndarray, goal: float) -> tuple[np.ndarray, np.ndarray]:
    """Energy of the expansion of the flow to second order in the deviation from a constant target.

    ``f = f₁ + f₂`` with ``∂_t f₁ = −A f₁`` and ``∂_t f₂ = −A f₂ + ∇·(f₁ ∇K f₁) − β f₁ K f₁``: a wave k makes a wave 2k,
    whose rate is lower by 2^{2−2s}, so for s > 1 it survives the first. f₁ is exact, and f₂ is integrated in the
    intervals of a logarithmic sequence of times, with the decay exact and the forcing that of the middle.

    Parameters
    ----------
    flow
        The equation, with a constant target.
    initial
        Initial density, shape ``grid.shape`` (mass / volume).
    goal
        Energy at which to end.

    Returns
    -------
    times, energies
        From time 0 to the first time with an energy of at most ``goal``, or to the last that was computed.

    Raises
    ------
    InputError
        If the target is not constant, the energy is not finite, or no mode decays.
    """
    if not is_constant(flow.target):
        raise InputError("the second order is that of a constant target")
    coarse = coarsened(flow, CELLS)
    grid = coarse.grid
    first = flow.grid.averages_on(grid, initial) - coarse.target
    rates = (grid.laplacian_symbol("spectral") + flow.growth) * coarse.symbol * float(coarse.target.flat[0])
    if not rates.max() > 0:
        raise InputError("no mode decays")
    second, before = np.zeros(grid.shape), 0.0
    times, energies = [0.0], [coarse.energy(coarse.target + first)]
    after = FIRST / float(rates.max())
    while energies[-1] > goal and len(times) < LONGEST:
        span, middle = after - before, (after + before) / 2
        linear = coarse.filtered(first, np.exp(-rates * middle))
        forcing, _ = coarse.transported(linear, linear)
        decay = np.exp(-rates * span)
        with np.errstate(divide="ignore", invalid="ignore"):
            held = np.where(rates * span > 1e-8, -np.expm1(-rates * span) / rates, span)
        second = coarse.filtered(second, decay) - coarse.filtered(forcing, held)
        times.append(after)
        energies.append(coarse.energy(coarse.target + coarse.filtered(first, np.exp(-rates * after)) + second))
        before, after = after, RATIO * after
    if not math.isfinite(energies[-1]):
        raise InputError("the second order is not finite")
    return np.array(times), np.array(energies)

"""Decay of the energy: fits, and the measured rates of a stored run; what became of its holes."""

from gridflow.decay.fits import (
    Fit,
    exact_dissipation,
    fit_exponential,
    fit_power,
    local_exponents,
    numerical_share,
    round_off_energy,
    seen_window,
)
from gridflow.decay.holes import HoleColumns, HoleEvent, hole_columns, hole_events

__all__ = [
    "Fit",
    "HoleColumns",
    "HoleEvent",
    "exact_dissipation",
    "fit_exponential",
    "fit_power",
    "hole_columns",
    "hole_events",
    "local_exponents",
    "numerical_share",
    "round_off_energy",
    "seen_window",
]

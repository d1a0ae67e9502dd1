"""Decay of the energy: fits, and the measured rates of a stored run."""

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

__all__ = [
    "Fit",
    "exact_dissipation",
    "fit_exponential",
    "fit_power",
    "local_exponents",
    "numerical_share",
    "round_off_energy",
    "seen_window",
]

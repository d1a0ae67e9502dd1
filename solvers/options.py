"""Options that every solver on a grid has, checked in one place."""

import numpy as np

from gridflow.errors import InputError


def real_dtype(dtype: str | np.dtype | type) -> np.dtype:
    """float64 or float32; InputError for anything else."""
    for allowed in ("float64", "float32"):
        if dtype == allowed or dtype is np.dtype(allowed) or dtype is np.dtype(allowed).type:
            return np.dtype(allowed)
    raise InputError(f"dtype {dtype!r}: allowed are float64 and float32")


def checked_cfl(cfl: float) -> float:
    """The share of a bound to use; InputError unless it is in (0, 1]."""
    if not 0 < cfl <= 1:
        raise InputError(f"cfl = {cfl}: it must be in (0, 1]")
    return float(cfl)


def checked_tolerance(tolerance: float) -> float:
    """A relative error allowed; InputError unless it is positive."""
    if not tolerance > 0:
        raise InputError(f"tolerance = {tolerance}: it must be positive")
    return float(tolerance)

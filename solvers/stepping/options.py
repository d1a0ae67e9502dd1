"""Validation of the options of solvers."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gridflow.equation.contract import State
from gridflow.equation.flow import Equation
from gridflow.errors import InputError


def real_dtype(dtype: str | np.dtype | type) -> np.dtype:
    """Return float64 or float32; InputError for anything else."""
    for allowed in ("float64", "float32"):
        if dtype == allowed or dtype is np.dtype(allowed) or dtype is np.dtype(allowed).type:
            return np.dtype(allowed)
    raise InputError(f"dtype {dtype!r}: allowed are float64 and float32")


def checked_cfl(cfl: float) -> float:
    """Return the fraction of a bound to use; InputError unless it is in (0, 1]."""
    if not 0 < cfl <= 1:
        raise InputError(f"cfl = {cfl}: it must be in (0, 1]")
    return float(cfl)


def checked_tolerance(tolerance: float) -> float:
    """Return a relative error; InputError unless it is positive."""
    if not tolerance > 0:
        raise InputError(f"tolerance = {tolerance}: it must be positive")
    return float(tolerance)


def given_density(flow: Equation[Any], initial: np.ndarray | None) -> np.ndarray:
    """Return the initial density of a grid solver; InputError if there is none or it does not fit the flow."""
    if initial is None:
        raise InputError(f"this solver needs an initial density, cell averages of shape {flow.grid.shape}")
    return flow.check_density(initial, "the initial density")


def restored(
    state: State, wanted: Mapping[str, np.ndarray], own: Callable[[np.ndarray], np.ndarray] = np.ndarray.copy
) -> State:
    """Return a copy of a state, in arrays that belong to the solver.

    Parameters
    ----------
    state
        The state, as read from a checkpoint; it is left unchanged.
    wanted
        Arrays of the names, shapes and types that the solver needs.
    own
        Function that copies an array to one of the solver's own. Default: an ordinary copy.

    Raises
    ------
    InputError
        If an array is missing or has the wrong shape or type.
    """
    held = {}
    for name, needed in wanted.items():
        found = state.arrays.get(name)
        if found is None or found.shape != needed.shape or found.dtype != needed.dtype:
            what = "nothing" if found is None else f"{found.dtype} of shape {found.shape}"
            raise InputError(
                f"the checkpoint holds {what} as {name}; this solver needs {needed.dtype} of shape {needed.shape}"
            )
        held[name] = own(found)
    return State(held, state.time, state.step, state.dt, dict(state.control))

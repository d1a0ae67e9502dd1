"""Compilation of the loops: once per machine, cached on disk, with the same bits for any number of threads.

Pieces are compiled into the entries that call them. An entry is specialised by whole numbers and booleans that its
factory closes over (the dimension, the scheme), which the compiler propagates into the pieces: a run compiles only
what it needs, and branches on them cost nothing. No fast-math: sums are in a fixed order.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit

from gridflow.files import sha256

_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False, "no_cfunc_wrapper": True}

SOURCES = int(sha256(*(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))))[:14], 16)
"""Hash of the source of all modules here. Compiled code on disk is looked up by the constants that the entry's factory
closes over, and renewed when the entry's own module changes. Entries refer to this hash, so that a change of any piece
renews them, too."""


def piece(function: Callable[..., Any]) -> Any:
    """Compile a function into whatever calls it, specialised by the constants it is called with."""
    return njit(forceinline=True, **_OPTIONS)(function)


def line_function(function: Callable[..., Any]) -> Any:
    """Compile a loop over lines, for other compiled functions to call."""
    return njit(**_OPTIONS)(function)


def contracted(function: Callable[..., Any]) -> Any:
    """Compile a function, for others to call, in which a product and a sum may be contracted to one rounding.

    For arithmetic that need not be exact. The instructions are the same for any number of threads.
    """
    return njit(fastmath={"contract"}, **_OPTIONS)(function)


def entry(function: Callable[..., Any]) -> Any:
    """Compile a function that Python calls, on as many threads as it likes, and keep it on disk."""
    return njit(cache=True, **_OPTIONS)(function)

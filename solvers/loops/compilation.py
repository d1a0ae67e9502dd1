"""Compilation of the loops: once per machine, cached on disk, with the same bits for any number of threads.

Pieces are inlined into the entries that call them. An entry is specialised by integers and booleans that its factory
closes over, such as the dimension and the scheme. The compiler propagates these constants into the pieces, so a run
compiles only what it needs, and branches on them cost nothing. Fast-math is not used; sums have a fixed order.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit

from gridflow.files import sha256

_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False, "no_cfunc_wrapper": True}
_OF_PIECES: dict[str, Any] = _OPTIONS | {"forceinline": True, "no_cpython_wrapper": True}

SOURCES = sha256(*(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))))[:14]
"""Hash of the source of all modules here."""


def piece(function: Callable[..., Any]) -> Any:
    """Inline a function into its callers, specialised by the constants it is called with.

    References to all arrays that are passed to it are counted, so a thin layer on another function costs something in
    every plane. Only compiled code can call it. A wrapper for calls from Python would take a sixth of the time of
    compiling; to call it from Python, call it in a function that is compiled with ``numba.njit``.
    """
    return njit(**_OF_PIECES)(function)


def body(function: Callable[..., Any]) -> Any:
    """Copy the source of a function into the entry that calls it, before anything is compiled.

    It suits a march that is most of an entry: that of the sharp scheme would be optimised twice as a piece, which takes
    longer to compile. Small marches are faster as pieces, the survey by 15 %.
    """
    return njit(inline="always", **_OF_PIECES)(function)


def line_function(function: Callable[..., Any]) -> Any:
    """Compile a loop over lines, to be called by other compiled functions."""
    return njit(**_OPTIONS)(function)


def contracted(function: Callable[..., Any]) -> Any:
    """Compile a function, to be called by others, in which products and sums may be fused, with a single rounding.

    It is for arithmetic whose rounding is uncritical. The instructions, and hence the bits, are the same for any number
    of threads.
    """
    return njit(fastmath={"contract"}, **_OPTIONS)(function)


def entry(function: Callable[..., Any]) -> Any:
    """Compile a function to be called from Python, on any number of threads, and keep it in the disk cache.

    The cache has one index for each qualified name, which it reads and writes without a lock. The name is therefore
    given the constants that the factory closes over, so that processes which compile two variants at once cannot
    mistake one for the other, and the hash of all sources, so that a change of any piece compiles the function again
    and the files of other sources are never read.
    """
    constants = [str(int(cell.cell_contents)) for cell in function.__closure__ or ()]
    function.__qualname__ = "-".join([function.__qualname__, *constants, SOURCES])
    return njit(cache=True, **_OPTIONS)(function)

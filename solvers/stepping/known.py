"""A cache for results about the arrays of a state, valid while the numbers in the arrays do not change."""

from typing import Generic, TypeVar

import numpy as np

from solvers.loops.fingerprint import fingerprint

T = TypeVar("T")


class Known(Generic[T]):
    """Cache of one value that depends on some arrays.

    A callback may modify a state between two steps, or replace its arrays. The value is therefore valid only for the
    identical array objects, and only if their numbers and the order of these are unchanged.
    """

    def __init__(self) -> None:
        self._kept: tuple[tuple[tuple[int, int], ...], T] | None = None
        self._arrays: tuple[np.ndarray, ...] = ()

    def compile(self, *arrays: np.ndarray) -> None:
        """Compile the hash of arrays like these, or load it from the disk cache."""
        _key(arrays)

    def get(self, *arrays: np.ndarray) -> T | None:
        """Return the value for these arrays; None if there is none or a number has changed."""
        if self._kept is None or self._kept[0] != _key(arrays):
            return None
        return self._kept[1]

    def keep(self, value: T, *arrays: np.ndarray) -> None:
        """Store a value for these arrays, replacing the previous one."""
        self._kept, self._arrays = (_key(arrays), value), arrays  # references prevent the reuse of object ids

    def forget(self) -> None:
        """Discard the value."""
        self._kept, self._arrays = None, ()


def _key(arrays: tuple[np.ndarray, ...]) -> tuple[tuple[int, int], ...]:
    return tuple((id(array), int(fingerprint(array.view(f"u{array.itemsize}").ravel()))) for array in arrays)

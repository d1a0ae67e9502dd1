"""What was worked out of the arrays of a state, kept for as long as they hold the same numbers."""

from typing import Generic, TypeVar

import numpy as np

T = TypeVar("T")


class Known(Generic[T]):
    """Keeps one value that belongs to some arrays.

    A callback may change a state between two steps, or put other arrays in the place of its own. So a value counts only
    if it was kept for these very arrays and the sum of their bits is still the same.
    """

    def __init__(self) -> None:
        self._kept: tuple[tuple[tuple[int, int], ...], T] | None = None
        self._arrays: tuple[np.ndarray, ...] = ()

    def get(self, *arrays: np.ndarray) -> T | None:
        """The value kept for these arrays; None if there is none or a number has changed."""
        if self._kept is None or self._kept[0] != _key(arrays):
            return None
        return self._kept[1]

    def keep(self, value: T, *arrays: np.ndarray) -> None:
        """Keep a value for these arrays, in the place of what was kept before."""
        self._kept, self._arrays = (_key(arrays), value), arrays  # arrays that live on keep their identity

    def forget(self) -> None:
        """Keep nothing."""
        self._kept, self._arrays = None, ()


def _key(arrays: tuple[np.ndarray, ...]) -> tuple[tuple[int, int], ...]:
    return tuple((id(array), fingerprint(array)) for array in arrays)


def fingerprint(density: np.ndarray) -> int:
    """Sum of the bits of all numbers as whole numbers: another one whenever a single number changes."""
    bits = density.view(f"u{density.itemsize}")
    return int(bits.sum(dtype=bits.dtype))  # in their own type, modulo its range: no buffers for a conversion

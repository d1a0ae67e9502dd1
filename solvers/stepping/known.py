"""Cached results about the arrays of a state, valid while the arrays hold the same numbers."""

from typing import Generic, TypeVar

import numpy as np

T = TypeVar("T")


class Known(Generic[T]):
    """Caches one value that belongs to some arrays.

    A callback may modify a state between two steps, or replace its arrays. The value is therefore valid only for the
    very arrays it was stored for, and only if the sum of their bits is unchanged.
    """

    def __init__(self) -> None:
        self._kept: tuple[tuple[tuple[int, int], ...], T] | None = None
        self._arrays: tuple[np.ndarray, ...] = ()

    def get(self, *arrays: np.ndarray) -> T | None:
        """Return the value for these arrays; None if there is none or a number has changed."""
        if self._kept is None or self._kept[0] != _key(arrays):
            return None
        return self._kept[1]

    def keep(self, value: T, *arrays: np.ndarray) -> None:
        """Store a value for these arrays, replacing the previous one."""
        self._kept, self._arrays = (_key(arrays), value), arrays  # references keep identities from being reused

    def forget(self) -> None:
        """Discard the value."""
        self._kept, self._arrays = None, ()


def _key(arrays: tuple[np.ndarray, ...]) -> tuple[tuple[int, int], ...]:
    return tuple((id(array), fingerprint(array)) for array in arrays)


def fingerprint(density: np.ndarray) -> int:
    """Sum of the bit patterns of all numbers, as integers; it changes whenever a single number changes."""
    bits = density.view(f"u{density.itemsize}")
    return int(bits.sum(dtype=bits.dtype))  # modulo the range of the type, which avoids buffers for a conversion

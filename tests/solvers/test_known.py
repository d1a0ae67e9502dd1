"""What is known of an array is forgotten as soon as a number or the order of the numbers changes."""

import numpy as np
import pytest

from solvers.stepping.known import Known

CHANGES = {
    "shifted": lambda rng, array: np.roll(array, 1 + rng.integers(array.size - 1)),
    "reflected": lambda rng, array: array[::-1],  # noqa: ARG005
    "two exchanged": lambda rng, array: exchanged(array, *rng.choice(array.size, 2, replace=False)),
    "shuffled": lambda rng, array: rng.permutation(array.ravel()).reshape(array.shape),
    "last bit": lambda rng, array: nudged(array, rng.integers(array.size)),
}
VALUES = {
    "random": lambda rng, size: rng.random(size),
    "two values": lambda rng, size: rng.integers(0, 2, size).astype(float),
    "powers of two": lambda rng, size: 2.0 ** rng.integers(-3, 3, size),
}


def exchanged(array, one, other):
    found = array.copy()
    found.flat[one], found.flat[other] = array.flat[other], array.flat[one]
    return found


def nudged(array, place):
    found = array.copy()
    found.flat[place] = np.nextafter(found.flat[place], np.inf)
    return found


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_noticed(change, values, dtype):
    """Whether an array differs from what it was is told by its bytes."""
    rng = np.random.default_rng(7)
    for _ in range(100):
        shape = rng.integers(2, 12, rng.integers(1, 4))
        array, known = VALUES[values](rng, shape).astype(dtype), Known()
        known.keep("value", array)
        before = array.tobytes()
        array[...] = CHANGES[change](rng, array.copy())
        assert (known.get(array) == "value") == (array.tobytes() == before)


def test_it_belongs_to_the_arrays_that_it_was_kept_for():
    array, known = np.arange(12.0).reshape(3, 4).T, Known()  # not contiguous
    assert known.get(array) is None
    known.keep(1, array, array[1])
    row = array[1]
    assert known.get(array, row) is None
    known.keep(2, array, row)
    assert known.get(array, row) == 2
    assert known.get(array.copy(), row) is None
    known.forget()
    assert known.get(array, row) is None

"""What counts as a whole number, and that every place that needs one asks the same question."""

import numpy as np
import pytest

import gridflow as gf
from gridflow import compute, errors
from gridflow.densities import regions
from gridflow.equation.kernels.networks import ReLU
from gridflow.networks.measures import random_weights
from gridflow.runtime.schedule import EverySteps

GRID = gf.Grid((8, 8))
TAKERS = {
    "steps": lambda n: EverySteps(n).steps,
    "threads": lambda n: compute.threads.count(n, 16),
    "particles": lambda n: len(gf.sample(GRID, gf.uniform(GRID), n, seed=n)[0]),
    "neurons": lambda n: random_weights(n, n, seed=n).count,
    "lattice": lambda n: regions.lattice(GRID, (n, n), 0.1).ndim,
    "power": lambda n: ReLU(n).power,
}


@pytest.mark.parametrize("take", TAKERS.values(), ids=TAKERS)
def test_integers_of_numpy_are_whole_numbers_and_booleans_and_floats_are_not(take):
    for two in (2, np.int64(2), np.uint8(2)):
        assert take(two) == 2
    for other in (True, np.True_, 2.0, np.float64(2), "2", None, np.int8(-1)):
        if other is None and take is TAKERS["threads"]:
            continue  # None leaves the choice to the program
        with pytest.raises(gf.InputError):
            take(other)


def test_the_message_names_the_value_and_what_is_allowed():
    assert type(errors.whole_number("n", np.int64(3), 1)) is int
    for least, words in ((0, "a non-negative integer"), (2, "a whole number of at least 2")):
        with pytest.raises(gf.InputError, match=f"^n = -1: it must be {words}$"):
            errors.whole_number("n", -1, least)

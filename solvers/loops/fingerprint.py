"""A compiled hash of the numbers of an array and of their order."""

import numpy as np

from solvers.loops.compilation import entry

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@entry
def fingerprint(bits):
    """Return the hash of an array, given as unsigned integers of its numbers' size, in one dimension.

    It is the sum, modulo 2^64, of all numbers, each shifted by its position and then mixed as in SplitMix64 (Steele,
    Lea, Flood, OOPSLA 2014). Mixing is invertible, so a change of a single number always changes the hash. Any other
    change leaves it the same with a probability of about 2^−64.
    """
    total = np.uint64(0)
    for i in range(bits.size):
        mixed = np.uint64(bits[i]) + np.uint64(i) * _STEP
        mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
        mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
        total += mixed ^ (mixed >> np.uint64(31))
    return total

"""Numbers as a sentence says them."""

import math


def rounded(count: float) -> str:
    """Return a number of steps to two digits."""
    digits = max(int(math.log10(max(count, 1.0))) - 1, 0)
    return f"{int(round(count, -digits))}"


def duration(seconds: float) -> str:
    """Return a wall-clock time, in seconds, in words, to one or two digits."""
    for size, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} seconds" if seconds >= 1.5 else "a second" if seconds >= 0.5 else "less than a second"

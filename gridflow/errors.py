"""The two exceptions a user can meet: bad input, and a run that could not continue; and the check of whole numbers.

Each message is one line that states what was given, what is allowed and what to do about it. The command line prints it
without a traceback and exits with status 2 (``InputError``) or 1 (``RunError``).
"""

from numbers import Integral
from typing import Any, TypeGuard


class InputError(ValueError):
    """The caller asked for something impossible; the message states the value given and the values allowed."""

    def of(self, name: str) -> "InputError":
        """Return the error of the thing with a name, which every line of the message then begins with."""
        return InputError("\n".join(f"{name}: {line}" for line in str(self).splitlines()))


class RunError(RuntimeError):
    """A run could not continue, for example because the density became negative or NaN, or because the disk is full."""


def is_whole(value: Any, least: int) -> TypeGuard[int]:
    """Whether a value is an integer of Python or numpy, not a boolean, of at least ``least``."""
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least


def whole_number(name: str, value: Any, least: int, rule: str | None = None) -> int:
    """Return a value as an int if it is a whole number of at least ``least``; see :func:`is_whole`.

    Parameters
    ----------
    name
        Name of the value, for the message.
    value
        What the caller gave.
    least
        Smallest number allowed.
    rule
        What the message says is needed. Default: that it must be such a whole number.

    Raises
    ------
    InputError
        If the value is anything else; a float is refused even if it is whole.
    """
    if not is_whole(value, least):
        kind = f"whole number of at least {least}" if least else "non-negative integer"
        raise InputError(f"{name} = {value}: {rule or f'it must be a {kind}'}")
    return int(value)

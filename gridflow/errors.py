"""The two exceptions a user can meet: bad input, and a run that could not continue.

Each message is one line that states what was given, what is allowed and what to do about it. The command line prints it
without a traceback and exits with status 2 (``InputError``) or 1 (``RunError``).
"""


class InputError(ValueError):
    """The caller asked for something impossible; the message states the value given and the values allowed."""


class RunError(RuntimeError):
    """A run could not continue, for example because the density became negative or NaN, or because the disk is full."""

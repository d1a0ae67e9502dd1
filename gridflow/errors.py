"""The two ways a user meets a failure: the input was bad, or the run could not go on.

Both messages are one line that names what was given, what is allowed and the way out; the command line
prints them without a traceback and exits with 2 and 1.
"""


class InputError(ValueError):
    """The caller asked for something that cannot be: names the value given and the values allowed."""


class RunError(RuntimeError):
    """A run could not go on (a density that is not finite or negative, a damaged file, a full disk)."""

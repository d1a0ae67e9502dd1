"""Checks that arguments are numbers where annotations say so, for public functions and classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, wraps
from inspect import Parameter, isclass, signature
from numbers import Real
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import numpy as np

from gridflow.errors import InputError

Made = TypeVar("Made", bound=Any)


@dataclass(frozen=True)
class Numbers:
    """What an annotation allows.

    Attributes
    ----------
    one
        What a single number is called, ``a number`` or ``a whole number``; empty if only lists are allowed.
    listed
        Whether a list of numbers, or of lists of them, is allowed.
    optional
        Whether None is.
    """

    one: str = ""
    listed: bool = False
    optional: bool = False

    @classmethod
    def of(cls, annotation: Any) -> "Numbers | None":
        """Read an annotation; None if it allows anything but numbers, lists of numbers and None."""
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            return cls.of(arguments[0])
        if annotation in (float, int):
            return cls("a number" if annotation is float else "a whole number")
        if annotation is NoneType:
            return cls(optional=True)
        if origin in (Sequence, tuple):
            inside = cls.of(arguments[0])
            return None if inside is None else cls(listed=True)
        if origin not in (Union, UnionType):
            return None
        members = [cls(listed=True) if each is np.ndarray else cls.of(each) for each in arguments]
        known = [member for member in members if member is not None]
        if len(known) < len(members) or (not any(member.one for member in known) and np.ndarray in arguments):
            return None
        one = next((member.one for member in known if member.one), "")
        return cls(one, any(member.listed for member in known), any(member.optional for member in known))

    def allow(self, value: Any) -> bool:
        """Whether a value is a number or a list of numbers as allowed; a bool is none, 2.0 may be a whole one.

        A number for a list is left to the function, which may take it for all of its entries.
        """
        if value is None:
            return self.optional
        if _is_number(value):
            return True
        try:
            array = np.asarray(value)
        except ValueError:  # lists of unequal lengths
            return False
        if array.ndim > 0 and not self.listed:
            return False
        return array.dtype.kind in "fiu" or (array.dtype.kind == "O" and all(map(_is_number, array.flat)))

    def __str__(self) -> str:
        kinds = [self.one, "a list of numbers" if self.listed else "", "None" if self.optional else ""]
        return " or ".join(filter(None, kinds))


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


def takes_numbers(made: Made) -> Made:
    """Decorate a function or a class so that a text, None or a bool instead of a number is refused with one line.

    What is asked of an argument follows from its annotation: ``float`` and ``int``, also with limits, sequences of
    them, and these or None. Arguments annotated otherwise are not looked at. Whether a number has an allowed value is
    for the function to check.

    Parameters
    ----------
    made
        The function; or a class, whose constructor is then checked.

    Returns
    -------
    Callable
        The function, wrapped, or the class itself.
    """
    call = made.__init__ if isclass(made) else made
    skip = 1 if isclass(made) else 0

    @cache
    def wanted() -> tuple[tuple[Parameter, ...], dict[str, Numbers]]:
        """The parameters, and what each is to be; read at the first call, when every annotation can be resolved."""
        hints = get_type_hints(call, include_extras=True)
        parameters = tuple(signature(call).parameters.values())[skip:]
        found = {each.name: Numbers.of(hints[each.name]) for each in parameters if each.name in hints}
        return parameters, {key: numbers for key, numbers in found.items() if numbers is not None}

    @wraps(call)
    def checked(*arguments: Any, **named: Any) -> Any:
        parameters, numbers = wanted()
        given = dict(zip((each.name for each in parameters), arguments[skip:], strict=False)) | named
        for key, value in given.items():
            if key in numbers and not numbers[key].allow(value):
                name = type(arguments[0]).__name__ if skip else made.__name__
                raise InputError(f"{name} {key} = {value!r}: it must be {numbers[key]}")
        return call(*arguments, **named)

    if isclass(made):
        made.__init__ = checked  # type: ignore[method-assign] # it has the same signature
        return made
    return cast(Made, checked)

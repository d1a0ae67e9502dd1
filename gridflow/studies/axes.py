"""Keys of a case with several values each, and the combinations of these values."""

import itertools
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gridflow.cases.reading import is_key, plain_value, texts_of, value_of
from gridflow.errors import InputError


@dataclass(frozen=True)
class Axis:
    """A key of the case and its values, in TOML's types; numpy scalars and arrays are converted.

    Raises
    ------
    InputError
        If the key is not one, there are no values, a value is repeated, or a value has no counterpart in TOML.
    """

    key: str
    values: Sequence[Any]

    def __post_init__(self) -> None:
        if not is_key(self.key):
            raise InputError(f"over {self.key!r}: a key is written table.key, for example kernel.s")
        values = plain_value(self.values, f"over {self.key}")
        if not isinstance(values, list) or not values:
            raise InputError(f"over {self.key} = {values!r}: it must be a list of values, for example [1, 1.5, 2]")
        if len({repr(value) for value in values}) < len(values):
            raise InputError(f"over {self.key} = {values!r}: a value is repeated")
        object.__setattr__(self, "values", tuple(values))

    @classmethod
    def parse(cls, text: str) -> "Axis":
        """Parse ``table.key=value,value,…`` with values in TOML notation; a bare word is a string.

        Raises
        ------
        InputError
            If the key or a value is missing, or a value is repeated.
        """
        key, equals, listed = text.partition("=")
        if not equals or not is_key(key.strip()) or not listed.strip():
            raise InputError(f"over {text}: write it as table.key=value,value, for example kernel.s=1,1.5,2")
        try:
            values = tomllib.loads(f"values = [{listed}]")["values"]
        except tomllib.TOMLDecodeError:
            values = [value_of(part) for part in listed.split(",")]
        if "" in values:
            raise InputError(f"over {text}: a value is missing")
        return cls(key.strip(), values)


def axes_of(over: Mapping[str, Sequence[Any]]) -> tuple[Axis, ...]:
    """Return the axes of ``{key: values}``; InputError if it is no such mapping or an axis is not allowed."""
    if not isinstance(over, Mapping) or not over:
        raise InputError(
            f"over = {over!r}: it must name keys and their values, for example {{'kernel.s': [1, 1.5, 2]}}"
        )
    return tuple(Axis(key, values) for key, values in over.items())


def parsed_axes(texts: Sequence[str]) -> dict[str, Sequence[Any]]:
    """Parse keys with their values, each as for :meth:`Axis.parse`; InputError if a key is repeated."""
    over = dict[str, Sequence[Any]]()
    for axis in map(Axis.parse, texts):
        if axis.key in over:
            raise InputError(f"over {axis.key}: this key is repeated; list all of its values once")
        over[axis.key] = axis.values
    return over


@dataclass(frozen=True)
class Member:
    """One run of a sweep.

    Attributes
    ----------
    name
        Name of its directory: keys and values, in characters that every file system accepts.
    overrides
        The value of every key; see :func:`gridflow.cases.reading.load_case`.
    """

    name: str
    overrides: Mapping[str, Any]


def members(axes: Sequence[Axis]) -> list[Member]:
    """Return all combinations of values, the last axis fastest; InputError if two names clash."""
    found = []
    for values in itertools.product(*(axis.values for axis in axes)):
        overrides = {axis.key: value for axis, value in zip(axes, values, strict=True)}
        pairs = ",".join(texts_of(overrides))
        found.append(Member(re.sub(r"[^\w.=,+-]", "_", pairs.replace('"', "").replace(" ", "")), overrides))
    names = [member.name for member in found]
    if len(set(names)) < len(names):
        raise InputError(f"two members of the sweep would share the directory {max(names, key=names.count)}")
    return found

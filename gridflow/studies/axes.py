"""Keys of a case with several values each, and the combinations of these values."""

import itertools
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gridflow.cases.reading import text_of, value_of
from gridflow.errors import InputError


@dataclass(frozen=True)
class Axis:
    """A key of the case and its values, in TOML's types."""

    key: str
    values: tuple[Any, ...]

    @classmethod
    def parse(cls, text: str) -> "Axis":
        """Parse ``table.key=value,value,…`` with values in TOML notation; a bare word is a string.

        Raises
        ------
        InputError
            If the key or the values are missing, or a value is repeated.
        """
        key, equals, listed = text.partition("=")
        key = key.strip()
        if not equals or not all(key.split(".")) or not listed.strip():
            raise InputError(f"--over {text}: write it as table.key=value,value, for example kernel.s=1,1.5,2")
        try:
            values = tuple(tomllib.loads(f"values = [{listed}]")["values"])
        except tomllib.TOMLDecodeError:
            values = tuple(value_of(part) for part in listed.split(","))
        if not values or any(value == "" for value in values):
            raise InputError(f"--over {text}: a value is missing")
        if len({repr(value) for value in values}) < len(values):
            raise InputError(f"--over {text}: a value is repeated")
        return cls(key, values)


@dataclass(frozen=True)
class Member:
    """One run of a sweep.

    Attributes
    ----------
    name
        Name of its directory: keys and values, in characters that every file system accepts.
    values
        One for every axis, in their order.
    overrides
        As for :func:`gridflow.cases.reading.load_case`.
    """

    name: str
    values: tuple[Any, ...]
    overrides: tuple[str, ...]


def members(axes: Sequence[Axis]) -> list[Member]:
    """Return all combinations of values, the last axis fastest; InputError if a key is repeated or two names clash."""
    keys = [axis.key for axis in axes]
    for key in keys:
        if keys.count(key) > 1:
            raise InputError(f"--over {key}: this key is repeated; list all of its values once")
    found = []
    for values in itertools.product(*(axis.values for axis in axes)):
        pairs = [f"{key}={text_of(value)}" for key, value in zip(keys, values, strict=True)]
        name = re.sub(r"[^\w.=,+-]", "_", ",".join(pairs).replace('"', "").replace(" ", ""))
        found.append(Member(name, values, tuple(pairs)))
    names = [member.name for member in found]
    if len(set(names)) < len(names):
        raise InputError(f"two members of the sweep would share the directory {max(names, key=names.count)}")
    return found

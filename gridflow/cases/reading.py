"""Reads and validates case files; every error is reported in one line."""

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
import tomli_w
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gridflow.cases.base import Table, bare, tables_by_kind
from gridflow.cases.case import Case
from gridflow.cases.densities import DENSITIES
from gridflow.cases.domains import DOMAINS
from gridflow.cases.kernels import KERNELS
from gridflow.cases.shapes import PARTS
from gridflow.cases.solvers import SOLVERS
from gridflow.errors import InputError
from gridflow.runtime.store import RunDirectory

Changes = Mapping[str, Any]
"""Values to change in a case: ``{"table.key": value}``."""
MOVED = {"solver.growth": "flow.growth"}
"""Keys of version 0.1 and their present names."""
_EXPECTED = ": it should be "


def upgraded(data: dict[str, Any]) -> dict[str, Any]:
    """Convert a stored case of an earlier version to the present key names."""
    found = {name: dict(table) if isinstance(table, dict) else table for name, table in data.items()}
    for before, now in MOVED.items():
        (table, key), (new_table, new_key) = before.split("."), now.split(".")
        if key in found.get(table, {}):
            found.setdefault(new_table, {})[new_key] = found[table].pop(key)
    return found


def stored_case(stored: RunDirectory, set: Changes | None = None) -> Case:
    """Return the case that a run was made from, with some values changed; see :func:`load_case`.

    Raises
    ------
    InputError
        As for :func:`load_case`, or if the run was started from Python and has no case.
    """
    if stored.case is None:
        raise InputError(f"{stored.path} was made from Python; resume it there with gridflow.run(..., resume=True)")
    return _checked(upgraded(tomllib.loads(stored.case)), f"{stored.path}/case.toml", set)


def value_of(text: str) -> Any:
    """Parse a value in TOML notation; a bare word is a string."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()


def text_of(value: Any) -> str:
    """Format a value in TOML notation."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {text_of(entry)}" for key, entry in value.items()) + "}"
    head, _, text = tomli_w.dumps({"value": value}).partition(" = ")
    if head != "value":  # a list of tables under headings
        return "[" + ", ".join(text_of(entry) for entry in value) + "]"
    return text.strip()


def parsed_changes(texts: Iterable[str]) -> dict[str, Any]:
    """Parse changes ``table.key=value``, with values in TOML notation; the last one of a key counts.

    Raises
    ------
    InputError
        If a text has no key or no equals sign.
    """
    changes = dict[str, Any]()
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not is_key(key.strip()):
            raise InputError(f"set {text}: write it as table.key=value, for example kernel.s=2")
        changes.pop(key.strip(), None)  # a change applies after those before it
        changes[key.strip()] = value_of(value)
    return changes


def texts_of(changes: Changes) -> list[str]:
    """Format changes as ``table.key=value``, with values in TOML notation."""
    return [f"{key}={text_of(value)}" for key, value in changes.items()]


def plain_changes(changes: Changes | None) -> dict[str, Any]:
    """Convert changes, None for none, to the types of TOML, and check their keys.

    Raises
    ------
    InputError
        If these are not changes, or a value has no counterpart in TOML; the message names the key and the value.
    """
    if changes is None:
        return {}
    if not isinstance(changes, Mapping):
        raise InputError(f"set = {changes!r}: it must be a mapping of keys to values, for example {{'kernel.s': 2}}")
    for key in changes:
        if not is_key(key):
            raise InputError(f"set {key!r}: a key is written table.key, for example kernel.s")
    return {key: plain_value(value, f"set {key}") for key, value in changes.items()}


def plain_value(value: Any, name: str) -> Any:
    """Convert a value, called ``name`` in messages, to the types of TOML; numpy scalars and arrays become plain.

    Raises
    ------
    InputError
        If the value has no counterpart in TOML.
    """
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    match value:
        case str() | bool() | int() | float() | date() | time():
            return value
        case list() | tuple() | range():
            return [plain_value(entry, f"{name}.{number}") for number, entry in enumerate(value)]
        case Mapping():
            return {str(key): plain_value(entry, f"{name}.{key}") for key, entry in value.items()}
    raise InputError(f"{name} = {value!r}: it must be a number, a string, true or false, a list or a table")


def is_key(key: Any) -> bool:
    """Whether ``key`` is written as a key of a case, for example ``table.key``."""
    return isinstance(key, str) and all(part.strip() for part in key.split("."))


def load_case(path: str | os.PathLike[str], set: Changes | None = None) -> Case:
    """Read and validate a case file.

    Parameters
    ----------
    path
        The TOML file.
    set
        Values to change, for example ``{"kernel.s": 2}``. A value is what TOML can hold: a number, a string, a boolean,
        a date, or a list or mapping of these; numpy scalars and arrays are converted.

    Returns
    -------
    Case
        The case. Its tables are attributes, for example ``case.grid.shape``. ``case.build(folder)`` constructs the
        solver and the initial density, and :func:`gridflow.run_case` runs it.

    Raises
    ------
    InputError
        One line per error: the key, the value, what is allowed and, for a typo, the nearest valid key.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"case file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"case file {path} cannot be read: it is not text in UTF-8") from None
    return parse_case(text, str(path), set)


def located(
    case: str | os.PathLike[str] | Case, set: Changes | None, folder: str | os.PathLike[str]
) -> tuple[Case, Path]:
    """Return a case and the folder of the files that it names: that of its case file, or the one given with a Case.

    Raises
    ------
    InputError
        If the case file is not allowed, or values to change are given with a Case.
    """
    if not isinstance(case, Case):
        return load_case(case, set), Path(case).parent
    if set:
        raise InputError("set is for case files; change the Case itself, or load it with load_case(path, set)")
    return case, Path(folder)


def parse_case(text: str, name: str, set: Changes | None = None) -> Case:
    """Validate the text of a case file, called ``name`` in messages; see :func:`load_case`."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{name} is not valid TOML: {error}") from None
    return _checked(data, name, set)


def _checked(data: dict[str, Any], name: str, changes: Changes | None) -> Case:
    for key, value in plain_changes(changes).items():
        _change(data, key, value)
    try:
        return Case.model_validate(data)
    except ValidationError as error:
        raise InputError("\n".join(f"{name}: {line}" for line in _explain_all(error.errors()))) from None


def _change(data: dict[str, Any], key: str, value: Any) -> None:
    path = key.split(".")
    table = data
    for part in path[:-1]:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise InputError(f"set {key} = {value!r}: {part} is a value, not a table")
    table[path[-1]] = value


def _explain_all(errors: Sequence[ErrorDetails]) -> list[str]:
    """Return one line for each invalid value.

    For a value that may have several types, pydantic reports one error per type. Errors inside a list are more
    informative than "not a number", so only the deepest are kept; errors at the same depth are joined into one line.
    """
    lines, choices = [], dict[str, list[tuple[int, ErrorDetails]]]()
    meant = {meaning for detail in errors if (meaning := _meant(detail))}
    for detail in errors:
        path, _, choice = _locate(detail["loc"])
        if detail["type"] == "missing" and ".".join(path) in meant:  # it is there, but misspelt
            continue
        if choice is None:
            lines.append(_explain(detail))
        else:
            choices.setdefault(choice, []).append((len(path), detail))
    for found in choices.values():
        deepest = max(depth for depth, _ in found)
        told = [_explain(detail) for depth, detail in found if depth == deepest]
        head, separator, _ = told[0].partition(_EXPECTED)
        lines.append(head + separator + " or ".join(dict.fromkeys(line.partition(_EXPECTED)[2] for line in told)))
    return lines


def _meant(detail: ErrorDetails) -> str:
    """Return the key that a misspelt one stands for; an empty string if there is none near it."""
    path, model, _ = _locate(detail["loc"])
    if detail["type"] != "extra_forbidden" or model is None:
        return ""
    name = _nearest(path[-1], list(model.model_fields))
    return ".".join([*path[:-1], name]) if name else ""


def _explain(detail: ErrorDetails) -> str:
    """Return one line for an error of pydantic."""
    path, model, _ = _locate(detail["loc"])
    key = ".".join(path) or "the case"
    value = detail["input"]
    match detail["type"]:
        case "extra_forbidden":
            if key in MOVED:
                table, _, name = MOVED[key].partition(".")
                return f"{key} = {value!r}: this key is {MOVED[key]} now: write [{table}] {name} = {value!r}"
            allowed = sorted(model.model_fields) if model else []
            return f"{key} = {value!r}: unknown key{_suggestion(path[-1], allowed)}; allowed are {', '.join(allowed)}"
        case "missing":
            return f"{key}: this key is required"
        case "union_tag_not_found":
            kinds = detail["ctx"]["discriminator"].strip("'")
            return f"{key}.{kinds}: this key is required; allowed are {', '.join(_kinds(path))}"
        case "union_tag_invalid":
            kinds = _kinds(path)
            tag = detail["ctx"]["tag"]
            return f'{key}.kind = "{tag}": unknown{_suggestion(tag, kinds)}; allowed are {", ".join(kinds)}'
        case "too_short":
            least = detail["ctx"]["min_length"]
            return f"{key} = {value!r}: it must " + ("not be empty" if least == 1 else f"have at least {least} entries")
        case "value_error":
            return f"{key}: {detail['ctx']['error']}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{key} = {value!r}: it must be a table"
        case _:
            message = detail["msg"].removeprefix("Input should be ")
            return f"{key} = {value!r}{_EXPECTED}{message}"


def _locate(location: tuple[int | str, ...]) -> tuple[list[str], type[Table] | None, str | None]:
    """Find the key that an error is about.

    Returns
    -------
    path
        The keys as the user wrote them.
    model
        The table of the last key, if any.
    choice
        The key whose value may have several types, if the error concerns one of these types.
    """
    path: list[str] = []
    model: type[Table] | None = Case
    choice: str | None = None
    annotation: Any = Case
    for part in location:
        tagged = tables_by_kind(annotation)
        if part in tagged:  # added by pydantic for the chosen member of a union; not written by the user
            annotation = model = tagged[str(part)]
            continue
        if isinstance(part, str) and get_origin(annotation) in (Union, UnionType):  # likewise
            choice = ".".join(path)
            annotation = None
            continue
        path.append(str(part))
        if isinstance(annotation, type) and issubclass(annotation, Table):
            model = annotation
            annotation = _without_none(get_type_hints(annotation, include_extras=True).get(str(part)))
        elif isinstance(part, int):
            annotation = next(iter(get_args(bare(annotation))), None)
    return path, model, choice


def _without_none(annotation: Any) -> Any:
    """Return the type of an optional table without None."""
    others = tuple(argument for argument in get_args(annotation) if argument is not type(None))
    return Union[others] if type(None) in get_args(annotation) else annotation  # noqa: UP007 - made at run time


def _kinds(path: Sequence[str]) -> list[str]:
    """Return the kinds of the table at a path, which may end with the number of an entry of a list."""
    unions: dict[str, Mapping[str, Any]] = {"grid": DOMAINS, "kernel": KERNELS, "solver": SOLVERS, "parts": PARTS}
    name = next((part for part in reversed(path) if not part.isdigit()), "")
    return list(unions.get(name, DENSITIES))


def _nearest(word: str, allowed: Sequence[str]) -> str:
    """Return the allowed name nearest to a word, or an empty string."""
    plain = {name.casefold(): name for name in allowed}
    close = difflib.get_close_matches(word.casefold(), plain, n=1)
    return plain[close[0]] if close else ""


def _suggestion(word: str, allowed: Sequence[str]) -> str:
    name = _nearest(word, allowed)
    return f' (did you mean "{name}"?)' if name else ""

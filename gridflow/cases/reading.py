"""Reads and validates case files; every error is reported in one line."""

import difflib
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import tomli_w
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gridflow.cases.base import Table, bare, tables_by_kind
from gridflow.cases.case import Case
from gridflow.cases.densities import DENSITIES
from gridflow.cases.domains import DOMAINS
from gridflow.cases.kernels import KERNELS
from gridflow.cases.solvers import SOLVERS
from gridflow.errors import InputError
from gridflow.runtime.store import RunDirectory

Changes = Mapping[str, Any] | Sequence[str]
"""Values to change in a case: a mapping ``{"table.key": value}``, or strings ``table.key=value``."""
MOVED = {"solver.growth": "flow.growth"}
"""Keys of version 0.1 and their present names."""
_EXPECTED = ": it should be "


def upgraded(data: dict[str, Any]) -> dict[str, Any]:
    """Convert a stored case of an earlier version to the present key names."""
    solver = dict(data.get("solver", {}))
    if "growth" not in solver:
        return data
    return {**data, "flow": {"growth": solver.pop("growth")}, "solver": solver}


def stored_case(stored: RunDirectory, set: Changes = ()) -> Case:
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
    return tomli_w.dumps({"value": value}).partition("=")[2].strip()


def as_texts(changes: Changes) -> tuple[str, ...]:
    """Convert changes to strings ``table.key=value``."""
    if isinstance(changes, Mapping):
        return tuple(f"{key}={text_of(value)}" for key, value in changes.items())
    return tuple(changes)


def load_case(path: str | os.PathLike[str], set: Changes = ()) -> Case:
    """Read and validate a case file.

    Parameters
    ----------
    path
        The TOML file.
    set
        Values to change: a mapping such as ``{"kernel.s": 2}``, or strings such as ``"kernel.s=2"`` with the value in
        TOML notation (a bare word is a string).

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


def parse_case(text: str, name: str, set: Changes = ()) -> Case:
    """Validate the text of a case file, called ``name`` in messages; see :func:`load_case`."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{name} is not valid TOML: {error}") from None
    return _checked(data, name, set)


def _checked(data: dict[str, Any], name: str, changes: Changes) -> Case:
    for override in as_texts(changes):
        _override(data, override)
    try:
        return Case.model_validate(data)
    except ValidationError as error:
        raise InputError("\n".join(f"{name}: {line}" for line in _explain_all(error.errors()))) from None


def _override(data: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    path = key.strip().split(".")
    if not equals or not all(path):
        raise InputError(f"--set {override}: write it as table.key=value, for example kernel.s=2")
    table = data
    for part in path[:-1]:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise InputError(f"--set {override}: {part} is a value, not a table")
    table[path[-1]] = value_of(value)


def _explain_all(errors: Sequence[ErrorDetails]) -> list[str]:
    """Return one line for each invalid value.

    For a value that may have several types, pydantic reports one error per type. Errors inside a list are more
    informative than "not a number", so only the deepest are kept; errors at the same depth are joined into one line.
    """
    lines, choices = [], dict[str, list[tuple[int, ErrorDetails]]]()
    for detail in errors:
        path, _, choice = _locate(detail["loc"])
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
            return f"{key} = {value!r}: unknown key{_nearest(path[-1], allowed)}; allowed are {', '.join(allowed)}"
        case "missing":
            return f"{key}: this key is required"
        case "union_tag_not_found":
            kinds = detail["ctx"]["discriminator"].strip("'")
            return f"{key}.{kinds}: this key is required; allowed are {', '.join(_kinds(path[-1]))}"
        case "union_tag_invalid":
            kinds = _kinds(path[-1])
            tag = detail["ctx"]["tag"]
            return f'{key}.kind = "{tag}": unknown{_nearest(tag, kinds)}; allowed are {", ".join(kinds)}'
        case "too_short":
            return f"{key} = {value!r}: it needs at least {detail['ctx']['min_length']} of them"
        case "value_error":
            return f"{key}: {detail['ctx']['error']}"
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


def _kinds(name: str) -> list[str]:
    unions: dict[str, Mapping[str, Any]] = {"grid": DOMAINS, "kernel": KERNELS, "solver": SOLVERS}
    return list(unions.get(name, DENSITIES))


def _nearest(word: str, allowed: Sequence[str]) -> str:
    plain = {name.casefold(): name for name in allowed}
    close = difflib.get_close_matches(word.casefold(), plain, n=1)
    return f' (did you mean "{plain[close[0]]}"?)' if close else ""

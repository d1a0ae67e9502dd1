"""What all tables of a case file have in common, and how a table is derived from the object that it describes."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter, signature
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, create_model
from pydantic_core.core_schema import CoreSchema, literal_schema

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Table(BaseModel):
    """A table of a case file: unknown keys are errors, and a text is never taken for a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    def given(self) -> dict[str, Any]:
        """The parameters of what the table describes; those that are not set are left to its defaults."""
        return {
            name: getattr(self, name)
            for name in type(self).model_fields
            if name != "kind" and getattr(self, name) is not None
        }


T = TypeVar("T", bound=Table)


@dataclass(frozen=True, eq=False)
class OneOf:
    """Limits a text to some names: ``Annotated[str, OneOf(names)]``."""

    names: Collection[str]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """What pydantic checks: that the value is one of the names."""
        return literal_schema(list(self.names))


def derived_table(
    kind: str, make: Callable[..., Any], base: type[T], types: Mapping[Any, Any], skip: int = 0
) -> type[T]:
    """The table of a case file whose keys are the parameters of a function or a class.

    Parameters
    ----------
    kind
        Value of the key ``kind``.
    make
        What the table describes. Annotations of its parameters give the type of each key and its limits.
    base
        The class of the table.
    types
        What stands in a case file for an annotation that TOML has no value for.
    skip
        Number of leading parameters that are not keys.
    """
    hints = get_type_hints(make, include_extras=True)
    keys: dict[str, Any] = {"kind": (Literal[kind], ...)}
    for parameter in list(signature(make).parameters.values())[skip:]:
        type_, default = in_toml(hints[parameter.name], types), parameter.default
        if default is Parameter.empty:
            keys[parameter.name] = (type_, ...)
        elif default in (None, ()):  # not set: the maker's own default
            keys[parameter.name] = (type_ if _may_be_none(type_) else Union[type_, None], None)  # noqa: UP007 - made at run time
        else:
            keys[parameter.name] = (type_, default)
    name = "".join(part.capitalize() for part in kind.split("_")) + "Table"
    table: type[T] = create_model(name, __base__=base, __doc__=make.__doc__, __module__=base.__module__, **keys)
    return table


def union_of(tables: Mapping[str, type[Table]]) -> Any:
    """The type of a table that is one of several, told by its ``kind``."""
    return Annotated[Union[tuple(tables.values())], Field(discriminator="kind")]  # noqa: UP007 - made at run time


def in_toml(annotation: Any, types: Mapping[Any, Any]) -> Any:
    """The type of a value in TOML for the annotation of a parameter: lists for sequences, nothing for functions."""
    if annotation in types:
        return types[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return Annotated[in_toml(bare(annotation), types), *annotation.__metadata__]
    if origin in (Sequence, tuple):
        return list[in_toml(arguments[0], types)]  # type: ignore[misc] # made at run time
    if origin in (Union, UnionType):
        members = [in_toml(each, types) for each in arguments if get_origin(each) is not Callable]
        return Union[tuple(members)]  # noqa: UP007 - made at run time
    return annotation


def bare(annotation: Any) -> Any:
    """An annotation without the limits that ``Annotated`` adds to it."""
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def tables_by_kind(annotation: Any) -> dict[str, Any]:
    """The members of a union of tables by their ``kind``; none if the annotation is not such a union."""
    members = _members(annotation)
    return {get_args(m.model_fields["kind"].annotation)[0]: m for m in members if "kind" in m.model_fields}


def _members(annotation: Any) -> Iterator[Any]:
    for argument in get_args(annotation):
        if isinstance(argument, type) and issubclass(argument, Table):
            yield argument
        elif get_args(argument):
            yield from _members(argument)


def _may_be_none(annotation: Any) -> bool:
    return type(None) in get_args(annotation)

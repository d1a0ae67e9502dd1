"""The base class of all tables of a case file, and the derivation of a table from the object that it describes."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter, signature
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, create_model
from pydantic_core.core_schema import CoreSchema, literal_schema

FinitePositive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Table(BaseModel):
    """A table of a case file. Unknown keys are errors, and strings are never converted to numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    def given(self) -> dict[str, Any]:
        """Return the parameters that are set; the described object has its own defaults for the others."""
        return {
            name: getattr(self, name)
            for name in type(self).model_fields
            if name != "kind" and getattr(self, name) is not None
        }


T = TypeVar("T", bound=Table)


@dataclass(frozen=True, eq=False)
class OneOf:
    """Restricts a string to given names: ``Annotated[str, OneOf(names)]``."""

    names: Collection[str]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema by which pydantic checks that a value is one of the names."""
        return literal_schema(list(self.names))


def derived_table(
    kind: str, make: Callable[..., Any], base: type[T], types: Mapping[Any, Any], skip: int = 0
) -> type[T]:
    """Create the table of a case file whose keys are the parameters of a function or a class.

    Parameters
    ----------
    kind
        Value of the key ``kind``.
    make
        Function or class that the table describes. The annotation of a parameter determines the type of the key and the
        allowed values.
    base
        Base class of the table.
    types
        Replacements for annotations that have no counterpart in TOML.
    skip
        Number of leading parameters that are not keys.

    Returns
    -------
    type
        A subclass of ``base``.
    """
    hints = get_type_hints(make, include_extras=True)
    keys: dict[str, Any] = {"kind": (Literal[kind], ...)}
    for parameter in list(signature(make).parameters.values())[skip:]:
        type_, default = in_toml(hints[parameter.name], types), parameter.default
        if default is Parameter.empty:
            keys[parameter.name] = (type_, ...)
        elif default in (None, ()):  # not set: the default of ``make``
            keys[parameter.name] = (type_ if _may_be_none(type_) else Union[type_, None], None)  # noqa: UP007 - made at run time
        else:
            keys[parameter.name] = (type_, default)
    name = "".join(part.capitalize() for part in kind.split("_")) + "Table"
    table: type[T] = create_model(name, __base__=base, __doc__=make.__doc__, __module__=base.__module__, **keys)
    return table


def union_of(tables: Mapping[str, type[Table]]) -> Any:
    """Return the type of a table that is one of several, distinguished by ``kind``."""
    return Annotated[Union[tuple(tables.values())], Field(discriminator="kind")]  # noqa: UP007 - made at run time


def in_toml(annotation: Any, types: Mapping[Any, Any]) -> Any:
    """Return the type in TOML for the annotation of a parameter: sequences become lists, functions are dropped."""
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
    """Return an annotation without the metadata that ``Annotated`` adds."""
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def tables_by_kind(annotation: Any) -> dict[str, Any]:
    """Return the members of a union of tables by their ``kind``; an empty dictionary for any other annotation."""
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

"""What all tables of a case file have in common."""

from collections.abc import Iterator
from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Table(BaseModel):
    """A table of a case file: unknown keys are errors, and a text is never taken for a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


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

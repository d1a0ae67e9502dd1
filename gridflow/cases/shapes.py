"""The tables of a case file that describe the parts of a shape: one for each kind, with the shape's sizes as keys."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, ConfigDict, model_validator

from gridflow.cases.base import Table, derived_table, union_of
from gridflow.densities.shapes import SHAPES
from gridflow.densities.solids import Operation, Shape, combined


class PartTable(Table):
    """A part of a shape: how it is combined with those before it, and how it is turned and moved."""

    model_config = ConfigDict(allow_inf_nan=False)

    op: Operation = "union"
    rotate: float = 0.0
    axis: list[float] | None = None
    move: list[float] | None = None

    make: ClassVar[Callable[..., Shape]]

    @model_validator(mode="after")
    def _an_axis_turns(self) -> "PartTable":
        if self.axis is not None and self.rotate == 0:
            raise ValueError(f"axis = {self.axis}: set rotate, the angle in degrees")
        return self

    def build(self) -> Shape:
        """Return the shape, turned about its centre and then moved; InputError if a size is not allowed."""
        shape = self._plain()
        shape = shape.rotated(self.rotate, self.axis) if self.rotate else shape
        return shape if self.move is None else shape.moved(self.move)

    def _plain(self) -> Shape:
        return type(self).make(**{name: value for name, value in self.given().items() if name not in _PLACING})


_PLACING = frozenset(PartTable.model_fields)


def _begun(parts: list[PartTable]) -> list[PartTable]:
    if not parts:
        raise ValueError("at least one part is needed")
    if parts[0].op != "union":
        raise ValueError(f'op = "{parts[0].op}" of the first part: there is nothing before it; leave op out')
    return parts


class GroupTable(PartTable):
    """Several parts that are combined first, and then turned and moved as one, about the centre of the first."""

    kind: Literal["group"]
    parts: Annotated[list["AnyPart"], AfterValidator(_begun)]

    def _plain(self) -> Shape:
        return shape_of(self.parts)


def shape_of(parts: Sequence[PartTable]) -> Shape:
    """Combine parts from the first to the last, each by its ``op`` with those before it."""
    return combined([(part.op, part.build()) for part in parts])


def _table_of(kind: str, make: Callable[..., Shape]) -> type[PartTable]:
    table = derived_table(kind, make, PartTable, {})
    table.make = make
    return table


PARTS: dict[str, type[PartTable]] = {kind: _table_of(kind, make) for kind, make in sorted(SHAPES.items())}
PARTS["group"] = GroupTable
"""The table of each kind."""
AnyPart: Any = union_of(PARTS)
GroupTable.model_rebuild()
Parts: Any = Annotated[list[AnyPart], AfterValidator(_begun)]
"""The type of the list of a shape's parts."""

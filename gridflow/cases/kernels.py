"""The tables of a case file that make kernels: one for every kernel that has a kind, its keys the kernel's fields."""

from dataclasses import MISSING, fields
from typing import Annotated, Any, ClassVar, Literal, Union, get_type_hints

from pydantic import Field, create_model

from gridflow.cases.base import Table
from gridflow.equation.kernels import Kernel


class KernelTable(Table):
    """``[kernel]``: its kind and parameters."""

    make: ClassVar[type[Kernel]]

    def build(self) -> Kernel:
        """The kernel."""
        return type(self).make(**self.model_dump(exclude={"kind"}))


def _table_of(kind: str, make: type[Kernel]) -> type[KernelTable]:
    hints = get_type_hints(make, include_extras=True)
    keys: dict[str, Any] = {"kind": (Literal[kind], ...)}
    for field in fields(make):  # type: ignore[arg-type] # kernels with a kind are dataclasses
        keys[field.name] = (hints[field.name], ... if field.default is MISSING else field.default)
    table = create_model(f"{make.__name__}Table", __base__=KernelTable, __doc__=make.__doc__, **keys)
    table.make = make
    return table


KERNELS = {kind: _table_of(kind, make) for kind, make in sorted(Kernel.kinds.items())}
"""The table of each kind."""
AnyKernel: Any = Annotated[Union[tuple(KERNELS.values())], Field(discriminator="kind")]  # noqa: UP007 - made at run time

"""The tables of a case file that make kernels: one for every kernel that has a kind, its keys the parameters."""

from typing import Any, ClassVar

from gridflow.cases.base import Table, derived_table, union_of
from gridflow.equation.kernels import Kernel


class KernelTable(Table):
    """``[kernel]``: its kind and parameters."""

    make: ClassVar[type[Kernel]]

    def build(self) -> Kernel:
        """The kernel."""
        return type(self).make(**self.given())


def _table_of(kind: str, make: type[Kernel]) -> type[KernelTable]:
    table = derived_table(kind, make, KernelTable, {})
    table.make = make
    return table


KERNELS = {kind: _table_of(kind, make) for kind, make in sorted(Kernel.kinds.items())}
"""The table of each kind."""
AnyKernel: Any = union_of(KERNELS)

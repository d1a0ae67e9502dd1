"""The tables of a case file that describe kernels: one for each kind, with the kernel's parameters as keys."""

from typing import Any, ClassVar

from gridflow.cases.base import Table, derived_table, union_of
from gridflow.equation.kernels import Kernel


class KernelTable(Table):
    """``[kernel]``: the kind of a kernel and its parameters."""

    make: ClassVar[type[Kernel]]

    def build(self) -> Kernel:
        """Construct the kernel; InputError if a parameter is not allowed."""
        return type(self).make(**self.given())


def _table_of(kind: str, make: type[Kernel]) -> type[KernelTable]:
    table = derived_table(kind, make, KernelTable, {})
    table.make = make
    return table


KERNELS = {kind: _table_of(kind, make) for kind, make in sorted(Kernel.kinds.items())}
"""The table of each kind."""
AnyKernel: Any = union_of(KERNELS)

"""The tables of a case file that describe domains: one for each domain with cells, with its parameters as keys."""

from typing import Any, ClassVar

from gridflow.cases.base import Table, derived_table, union_of
from gridflow.domains.base import Domain


class DomainTable(Table):
    """``[grid]``: the kind of domain and its parameters, such as the number of cells."""

    make: ClassVar[type[Domain]]

    def build(self) -> Domain:
        """Construct the domain; InputError if a parameter is not allowed."""
        return type(self).make(**self.given())


def _table_of(kind: str, make: type[Domain]) -> type[DomainTable]:
    table = derived_table(kind, make, DomainTable, {})
    table.make = make
    return table


DOMAINS = {kind: _table_of(kind, make) for kind, make in sorted(Domain.kinds.items()) if make.has_cells}
"""The table of each kind."""
AnyDomain: Any = union_of(DOMAINS)

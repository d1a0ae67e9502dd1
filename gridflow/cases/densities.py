"""The tables of a case file that describe densities: one for each kind, with the density's parameters as keys."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self, get_type_hints

import numpy as np
from pydantic import ConfigDict

from gridflow.cases.base import Table, bare, derived_table, union_of
from gridflow.cases.shapes import Parts, PartTable, shape_of
from gridflow.densities.base import KINDS, DensityKind, FilePath
from gridflow.densities.solids import Shape
from gridflow.domains.base import Domain
from gridflow.errors import InputError
from gridflow.files import publish, sha256

Resolver = Callable[[Any, Domain, Path], Any]


class DensityTable(Table):
    """``[initial]``, ``[target]`` and their negative parts: the kind of a density and its parameters."""

    model_config = ConfigDict(allow_inf_nan=False)

    density: ClassVar[DensityKind]
    resolvers: ClassVar[dict[str, Resolver]]
    """Functions that convert the value of a key to that of the parameter, where the two differ."""

    def build(self, grid: Domain, folder: Path) -> np.ndarray:
        """Compute the cell averages.

        Parameters
        ----------
        grid
            Domain of the density.
        folder
            Folder to which paths in the case are relative.

        Returns
        -------
        ndarray
            Cell averages, float64 of shape ``grid.shape`` (mass / volume).

        Raises
        ------
        InputError
            If the kind is not available on this domain, or a parameter is not allowed.
        """
        density = type(self).density
        if not density.lives_on(grid):
            kinds = [kind for kind, other in sorted(KINDS.items()) if other.lives_on(grid)]
            raise InputError(
                f'kind = "{density.name}" is not available on a {grid.kind}; allowed are {", ".join(kinds)}'
            )
        return density.make(grid, **self._parameters(grid, folder))

    def region(self, grid: Domain, folder: Path) -> np.ndarray | None:
        """Return the volume fraction of the hole in each cell, shape ``grid.shape``; None if there is no hole."""
        region = type(self).density.region
        if region is None:
            return None
        parameters = self._parameters(grid, folder)
        parameters.pop("mass", None)
        return region(grid, **parameters)

    def _parameters(self, grid: Domain, folder: Path) -> dict[str, Any]:
        """Return the parameters of the density, converted from what the keys of the table hold."""
        parameters = self.given()
        for name, resolve in type(self).resolvers.items():
            parameters[name] = resolve(parameters[name], grid, folder)
        return parameters

    def moved(self, folder: Path, other: Path) -> Self:
        """Copy the files that the table names into another folder, and return the table that names the copies.

        Parameters
        ----------
        folder
            Folder to which the paths are relative.
        other
            Folder of the copies, whose names begin with digits of their checksums.

        Raises
        ------
        InputError
            If a file cannot be read.
        RunError
            If a copy cannot be written.
        """
        values = self.model_dump(exclude_none=True)
        for name, resolve in type(self).resolvers.items():
            value = getattr(self, name)
            if resolve is _path:
                values[name] = _copied(folder / value, other)
            elif resolve is _terms:
                values[name] = [term.moved(folder, other).model_dump(exclude_none=True) for term in value]
        return self.model_validate(values)


def _copied(path: Path, folder: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    name = f"{sha256(content)[:8]}-{path.name}"
    publish(folder / name, lambda file: file.write(content))
    return name


def _path(value: str, grid: Domain, folder: Path) -> Path:  # noqa: ARG001 - a resolver
    return folder / value


def _terms(value: list[DensityTable], grid: Domain, folder: Path) -> list[np.ndarray]:
    return [term.build(grid, folder) for term in value]


def _shape(value: list[PartTable], grid: Domain, folder: Path) -> Shape:  # noqa: ARG001 - a resolver
    return shape_of(value)


_RESOLVED: dict[Any, tuple[Any, Resolver]] = {
    FilePath: (str, _path),
    Sequence[np.ndarray]: (list["AnyDensity"], _terms),
    Shape: (Parts, _shape),
}
"""For annotations that have no counterpart in TOML: the type in the case file, and the function that converts it."""


def _table_of(density: DensityKind) -> type[DensityTable]:
    types = {annotation: type_ for annotation, (type_, _) in _RESOLVED.items()}
    table = derived_table(density.name, density.make, DensityTable, types, skip=1)
    table.density = density
    hints = {name: bare(hint) for name, hint in get_type_hints(density.make, include_extras=True).items()}
    table.resolvers = {name: _RESOLVED[hint][1] for name, hint in hints.items() if hint in _RESOLVED}
    return table


DENSITIES = {kind: _table_of(density) for kind, density in sorted(KINDS.items())}
"""The table of each kind."""
AnyDensity: Any = union_of(DENSITIES)
for _table in DENSITIES.values():
    _table.model_rebuild()

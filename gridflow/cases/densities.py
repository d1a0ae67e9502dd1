"""The tables of a case file that make densities."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args

import numpy as np
from pydantic import Field

from gridflow.cases.base import Positive, Table, tables_by_kind
from gridflow.densities import regions
from gridflow.densities import sphere as sphere_densities
from gridflow.densities import torus as densities
from gridflow.domains.base import Domain
from gridflow.domains.sphere import SphereGrid
from gridflow.domains.torus import Grid
from gridflow.errors import InputError
from gridflow.networks.measures import measure_from_network
from gridflow.networks.weights import Weights, from_state_dict, load_weights


class DensityTable(Table):
    """``[initial]`` or ``[target]``: a density by its kind and parameters."""

    make: ClassVar[Callable[..., np.ndarray]]
    hole: ClassVar[Callable[..., np.ndarray] | None] = None
    domain: ClassVar[type[Domain]] = Grid
    mass: Positive = 1.0

    def build_on(self, grid: Domain, folder: Path) -> np.ndarray:
        """Cell averages on a grid; InputError if the kind is for another sort of grid."""
        if not isinstance(grid, type(self).domain):
            sort = "the sphere" if isinstance(grid, SphereGrid) else "the torus and the circle"
            kinds = [kind for kind, table in tables_by_kind(AnyDensity).items() if isinstance(grid, table.domain)]
            own = get_args(type(self).model_fields["kind"].annotation)[0]
            raise InputError(f'kind = "{own}" is not for {sort}, where there are {", ".join(kinds)}')
        return self.build(grid, folder)

    def build(self, grid: Any, folder: Path) -> np.ndarray:  # noqa: ARG002 - files are found relative to the folder
        """Cell averages on a grid."""
        return type(self).make(grid, **self.model_dump(exclude={"kind"}))

    def region(self, grid: Domain) -> np.ndarray | None:
        """Volume fraction of the hole, or None for a density without one."""
        make = type(self).hole
        return None if make is None else make(grid, **self.model_dump(exclude={"kind", "mass"}))


class UniformTable(DensityTable):
    """Constant density."""

    make = densities.uniform
    domain = Domain
    kind: Literal["uniform"]


class CosineTable(DensityTable):
    """``1 + A ∏ cos(2π m x / L)``."""

    make = densities.cosine
    kind: Literal["cosine"]
    amplitude: Annotated[float, Field(ge=-1, le=1)] = 0.9
    modes: int | list[int] = 1


class GaussianTable(DensityTable):
    """Gaussian bumps."""

    make = densities.gaussian
    kind: Literal["gaussian"]
    centers: list[list[float]] | list[float]
    widths: Positive | list[Positive]
    weights: list[float] | None = None


class BallHoleTable(DensityTable):
    """An empty ball."""

    make = densities.ball_hole
    hole = regions.ball
    kind: Literal["ball_hole"]
    radius: Positive
    center: list[float] | None = None


class BoxHoleTable(DensityTable):
    """An empty box."""

    make = densities.box_hole
    hole = regions.box
    kind: Literal["box_hole"]
    sides: Positive | list[Positive]
    center: list[float] | None = None


class ShellHoleTable(DensityTable):
    """An empty shell."""

    make = densities.shell_hole
    hole = regions.shell
    kind: Literal["shell_hole"]
    inner: Positive
    outer: Positive
    center: list[float] | None = None


class LatticeTable(DensityTable):
    """A lattice of empty balls."""

    make = densities.lattice_of_holes
    hole = regions.lattice
    kind: Literal["lattice_of_holes"]
    counts: int | list[int]
    radius: Positive


class RandomTable(DensityTable):
    """A random field at the border of H^r."""

    make = densities.random_sobolev
    kind: Literal["random_sobolev"]
    r: float
    amplitude: Positive = 0.5
    seed: Annotated[int, Field(ge=0)] = 0


class FileTable(DensityTable):
    """A density read from a file, its path relative to the case file."""

    path: str

    def build(self, grid: Any, folder: Path) -> np.ndarray:
        """Cell averages on a grid."""
        return type(self).make(grid, folder / self.path, mass=self.mass)


def _load(path: Path) -> np.ndarray:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a numpy array: {error}") from None


def _weights(path: Path) -> Weights:
    """The weights of a network in a ``.npz`` file of ours, or in one of PyTorch."""
    return load_weights(path) if path.suffix == ".npz" else from_state_dict(path)


class ImageTable(FileTable):
    """A picture; dark is empty."""

    make = densities.from_image
    kind: Literal["image"]


class ArrayTable(FileTable):
    """Cell averages in an ``.npy`` file."""

    make = staticmethod(lambda grid, path, mass: densities.normalize(grid, _load(path), mass))
    domain = Domain
    kind: Literal["array"]


class ParticlesTable(FileTable):
    """Particle positions (N, d) in an ``.npy`` file, spread by cloud-in-cell."""

    make = staticmethod(lambda grid, path, mass: densities.from_particles(grid, _load(path), mass=mass))
    kind: Literal["particles"]


class CapHoleTable(DensityTable):
    """An empty cap of the sphere."""

    make = sphere_densities.cap_hole
    domain = SphereGrid
    kind: Literal["cap_hole"]
    radius: Positive
    center: list[float]


class BumpsTable(DensityTable):
    """Bumps on the sphere, von Mises–Fisher."""

    make = sphere_densities.bumps
    domain = SphereGrid
    kind: Literal["bumps"]
    centers: list[list[float]]
    concentrations: Positive | list[Positive]
    weights: list[float] | None = None


class HarmonicTable(DensityTable):
    """``1 + A P_ℓ(axis·x)`` on the sphere."""

    make = sphere_densities.harmonic
    domain = SphereGrid
    kind: Literal["harmonic"]
    degree: Annotated[int, Field(ge=1)]
    amplitude: Annotated[float, Field(ge=-1, le=1)] = 0.5
    axis: list[float] = Field(default=[0.0, 0.0, 1.0])


class RandomHarmonicsTable(DensityTable):
    """A random field at the border of H^r on the sphere."""

    make = sphere_densities.random_sobolev_on_sphere
    domain = SphereGrid
    kind: Literal["random_harmonics"]
    r: float
    amplitude: Positive = 0.5
    seed: Annotated[int, Field(ge=0)] = 0
    degrees: Literal["all", "even"] = "all"


class NetworkMeasureTable(FileTable):
    """The measure of a network's positive output weights, read from a file; its mass as it is unless one is given."""

    domain = Domain
    kind: Literal["network"]
    mass: Positive | None = None  # type: ignore[assignment] # a network has its own
    negative: bool = False

    def build(self, grid: Any, folder: Path) -> np.ndarray:
        """Cell averages on a grid, of the negative output weights if those are asked for."""
        density = measure_from_network(grid, _weights(folder / self.path))[self.negative]
        return density if self.mass is None else densities.normalize(grid, density, self.mass)


class SumTable(DensityTable):
    """A weighted sum of densities."""

    domain = Domain
    kind: Literal["sum"]
    terms: "Annotated[list[AnyDensity], Field(min_length=1)]"

    def build(self, grid: Any, folder: Path) -> np.ndarray:
        """Cell averages on a grid; each term weighs its own mass."""
        terms = [term.build_on(grid, folder) for term in self.terms]
        return densities.normalize(grid, np.sum(terms, axis=0), self.mass)


class ProductTable(DensityTable):
    """A product of densities."""

    domain = Domain
    kind: Literal["product"]
    terms: "Annotated[list[AnyDensity], Field(min_length=1)]"

    def build(self, grid: Any, folder: Path) -> np.ndarray:
        """Cell averages on a grid."""
        terms = [term.build_on(grid, folder) for term in self.terms]
        return densities.normalize(grid, np.prod(terms, axis=0), self.mass)


AnyDensity = Annotated[
    UniformTable
    | CosineTable
    | GaussianTable
    | BallHoleTable
    | BoxHoleTable
    | ShellHoleTable
    | LatticeTable
    | RandomTable
    | ImageTable
    | ArrayTable
    | ParticlesTable
    | CapHoleTable
    | BumpsTable
    | HarmonicTable
    | RandomHarmonicsTable
    | NetworkMeasureTable
    | SumTable
    | ProductTable,
    Field(discriminator="kind"),
]

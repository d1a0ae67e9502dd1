"""What every density is: a function that makes cell averages, and a kind by which case files name it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import signature
from os import PathLike
from typing import Annotated, TypeVar, get_type_hints

import numpy as np
from annotated_types import Ge

from gridflow.arguments import takes_numbers
from gridflow.domains.base import Domain
from gridflow.errors import InputError, whole_number

Seed = Annotated[int, Ge(0)]
NonNegative = Annotated[float, Ge(0)]
"""Parameters that case files check by their annotations."""
FilePath = str | PathLike[str]
"""A parameter of this type is a path; in a case file it is relative to the case."""
Maker = TypeVar("Maker", bound=Callable[..., np.ndarray])


@dataclass(frozen=True)
class DensityKind:
    """A density that case files can ask for.

    Attributes
    ----------
    name
        The ``kind`` of ``[initial]`` and ``[target]``.
    make
        The function that makes it: ``make(grid, **parameters)`` returns cell averages of shape ``grid.shape``.
    domain
        The domains it lives on, the annotation of ``make``'s first parameter.
    region
        For a density that may have a hole, the function of the same parameters, but for ``mass``, that gives the volume
        fraction of the hole in each cell, or None if these parameters make none; else None.
    """

    name: str
    make: Callable[..., np.ndarray]
    domain: type[Domain]
    region: Callable[..., np.ndarray | None] | None

    def lives_on(self, grid: Domain) -> bool:
        """Whether there are such densities on a domain."""
        return isinstance(grid, self.domain)


KINDS: dict[str, DensityKind] = {}
"""All registered densities, by kind."""


def register_density(kind: str, region: Callable[..., np.ndarray | None] | None = None) -> Callable[[Maker], Maker]:
    """Register the function that makes a density, so that case files find it by its kind.

    Its first parameter is the grid; its annotation says on which domains the density lives. The others are the keys of
    the case file, with their defaults and with the limits in their annotations. A parameter of type
    :data:`FilePath` is a path relative to the case file, one of type ``Sequence[np.ndarray]`` a list of densities.

    Parameters
    ----------
    kind
        Name in case files.
    region
        See :attr:`DensityKind.region`.
    """

    def register(make: Maker) -> Maker:
        first = next(iter(signature(make).parameters))
        checked = takes_numbers(make)
        KINDS[kind] = DensityKind(kind, checked, get_type_hints(make)[first], region)
        return checked

    return register


def from_array(grid: Domain, values: np.ndarray) -> np.ndarray:
    """Check a density given as an array.

    Parameters
    ----------
    grid
        Where the density lives.
    values
        Cell averages, shape ``grid.shape``.

    Returns
    -------
    ndarray
        A float64 copy.

    Raises
    ------
    InputError
        If the shape is not the grid's, or a value is negative or not finite; names the cell.
    """
    return grid.check_density(values, "the density").copy()


@takes_numbers
def normalize(grid: Domain, density: np.ndarray, mass: float = 1.0) -> np.ndarray:
    """Scale a density to a mass.

    Parameters
    ----------
    grid
        Where the density lives.
    density
        Cell averages, shape ``grid.shape``, ≥ 0.
    mass
        Total mass ∫ μ dx of the result, positive.

    Returns
    -------
    ndarray
        The scaled density, float64 of shape ``grid.shape``.

    Raises
    ------
    InputError
        If the density is negative or not finite somewhere, or has no mass, or ``mass`` is not positive.
    """
    if not (math.isfinite(mass) and mass > 0):
        raise InputError(f"mass = {mass}: it must be positive")
    density = from_array(grid, density)
    total = grid.integral(density)
    if total == 0:
        raise InputError("the density has no mass to normalise: it is 0 in every cell")
    return density * (mass / total)


def sizes_and_shares(
    kind: str, bumps: int, sizes: tuple[str, Sequence[float] | float], weights: Sequence[float] | None
) -> tuple[np.ndarray, np.ndarray]:
    """Broadcast the sizes and weights of a sum of bumps.

    Parameters
    ----------
    kind
        The density, named in messages.
    bumps
        Number of bumps.
    sizes
        Name of the parameter that gives the sizes, and its value: one positive number, or one for each bump.
    weights
        One number ≥ 0, or one for each bump. None: 1.

    Returns
    -------
    tuple of ndarray
        Sizes and weights, each of shape (bumps,).

    Raises
    ------
    InputError
        If a shape is wrong, a size is not positive and finite, or a weight is negative or not finite.
    """
    name, given = sizes
    found = []
    for what, values in ((name, given), ("weights", 1.0 if weights is None else weights)):
        array = np.asarray(values, dtype=float)
        if array.shape not in ((), (bumps,)):
            raise InputError(f"{kind} {what} have shape {array.shape}; one number or {bumps} are needed")
        found.append(np.broadcast_to(array, (bumps,)))
    size, share = found
    if not (np.isfinite(size) & (size > 0)).all():
        raise InputError(f"{kind} {name} {size.tolist()} must be positive and finite")
    if not (np.isfinite(share) & (share >= 0)).all():
        raise InputError(f"{kind} weights ≥ 0 are needed, not {share.tolist()}")
    return size, share


def check_random(kind: str, amplitude: float, seed: int) -> None:
    """Raise InputError, naming the kind, unless the amplitude is positive and the seed ≥ 0."""
    if not amplitude > 0:
        raise InputError(f"{kind} amplitude = {amplitude}: it must be positive")
    whole_number(f"{kind} seed", seed, 0)


def one_plus_wave(kind: str, amplitude: float, wave: np.ndarray, largest: float) -> np.ndarray:
    """The density ``1 + A f / m`` of a random function f whose largest modulus is m.

    Raises
    ------
    InputError
        If it is negative somewhere; names the kind and the largest amplitude A that is allowed.
    """
    density: np.ndarray = 1 + amplitude / largest * wave
    if density.min() < 0:
        most = amplitude / (1 - density.min())
        digit = 10.0 ** (math.floor(math.log10(most)) - 2)
        raise InputError(
            f"{kind} amplitude = {amplitude}: the density reaches {density.min():.3g} < 0; "
            f"at most {math.floor(most / digit) * digit:.3g} keeps it ≥ 0 on this grid"
        )
    return density

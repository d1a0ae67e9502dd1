"""Arrays in files, of every format that has a reader, and how one is laid onto a grid.

A format is a class in :mod:`gridflow.densities.formats` that names its suffixes and has one method, ``read``. No reader
unpickles: a file can only give numbers.
"""

import difflib
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from gridflow.domains.base import Domain
from gridflow.errors import InputError

Shapes = Mapping[str, tuple[int, ...]]
"""Shapes of the variables of a file by name; the name is empty if a file has one array without a name."""
Choose = Callable[[Shapes], str]
"""Chooses one of the variables of a file; InputError if none or several are possible."""
TIME = ("time", "t")
"""Names of the axis of time."""
_USUAL = "density"
_OPPOSITE = {"latitude": "colatitude"}
"""Axes that run against the axis of a grid."""
_PLACES = {"x", "y", "z", "colatitude", "longitude"}
"""Names that say which axis of a domain is meant."""


@dataclass(frozen=True, eq=False)
class Field:
    """An array of a file.

    Attributes
    ----------
    values
        The numbers.
    axes
        Names of the axes, such as ``("time", "z", "y", "x")``, or None if the file does not name them.
    """

    values: np.ndarray
    axes: tuple[str, ...] | None = None


class ArrayFormat(ABC):
    """A file format; a subclass names its suffixes, ``class Mine(ArrayFormat, suffixes=(".xyz",))``."""

    by_suffix: ClassVar[dict[str, type["ArrayFormat"]]] = {}

    def __init_subclass__(cls, suffixes: tuple[str, ...], **options: Any) -> None:
        super().__init_subclass__(**options)
        for suffix in suffixes:
            assert suffix not in ArrayFormat.by_suffix, f"{suffix} has a reader already"
            ArrayFormat.by_suffix[suffix] = cls

    @staticmethod
    @abstractmethod
    def read(path: Path, choose: Choose) -> Field:
        """Read one variable.

        Parameters
        ----------
        path
            The file, which exists.
        choose
            Called with the shapes of all variables; returns the name of the one to read.

        Returns
        -------
        Field
            The variable. Axes that it names run upwards.

        Raises
        ------
        InputError
            If the file is not of this format. Any other exception is reported as a damaged file.
        """


def installed(module: str, extra: str) -> Any:
    """Import a module of an optional package; InputError, which names the extra to install, if it is missing."""
    try:
        return import_module(module)
    except ImportError:
        raise InputError(f'reading this format needs more packages: pip install "gridflow[{extra}]"') from None


def read_field(path: Path, dims: Collection[int], variable: str | None = None) -> Field:
    """Read one variable of a file; the suffix determines the format.

    Parameters
    ----------
    path
        The file.
    dims
        Numbers of axes, those of length 1 not counted, that the variable may have, if none is named.
    variable
        Name of the variable. Default: the only one, or the only one with so many axes, or ``density``.

    Returns
    -------
    Field
        The variable.

    Raises
    ------
    InputError
        If the file cannot be read, or there is no such variable, or several are possible; one line that names the file.
    """
    reader = ArrayFormat.by_suffix.get(path.suffix.lower())
    if reader is None:
        raise InputError(f'{path}: the ending "{path.suffix}" is not one of {", ".join(sorted(ArrayFormat.by_suffix))}')

    def choose(found: Shapes) -> str:
        return _chosen(found, dims, variable)

    try:
        path.open("rb").close()
        return reader.read(path, choose)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}".splitlines()[0]) from None
    except Exception as error:  # libraries raise anything on damaged files; report it in one line
        raise InputError(f"{path} cannot be read: {type(error).__name__}: {error}".splitlines()[0]) from None


def _chosen(found: Shapes, dims: Collection[int], variable: str | None) -> str:
    if not found:
        raise InputError("there are no numbers in this file")
    if variable is not None:
        if variable in found:
            return variable
        if list(found) == [""]:
            raise InputError(f'variable = "{variable}": the file has one array, without a name; leave variable out')
        close = difflib.get_close_matches(variable, found, n=1)
        nearest = f' (did you mean "{close[0]}"?)' if close else ""
        raise InputError(f'there is no variable "{variable}"{nearest}; there are {", ".join(found)}')
    possible = [name for name, shape in found.items() if len([n for n in shape if n != 1]) in dims]
    possible = possible if len(found) > 1 else list(found)
    if len(possible) > 1 and _USUAL in possible:
        return _USUAL
    if len(possible) != 1:
        listed = ", ".join(f"{name} {shape}" for name, shape in found.items())
        raise InputError(f"there are {listed}; set variable to the name of one")
    return possible[0]


def on_grid(grid: Domain, field: Field, time_index: int | None = None) -> np.ndarray:
    """Return the values of a field in the order of a grid's axes.

    Parameters
    ----------
    grid
        Any domain with cells.
    field
        The field. Axes of length 1 are dropped. Axes with the names of the grid's are brought into their order, a
        latitude as a colatitude; others are taken to have it.
    time_index
        Which time to take, counted from 0 or, if negative, from the end: along the axis that is named time, or the
        first one if the field has no names and one axis too many. Default: the only one.

    Returns
    -------
    ndarray
        Values of shape ``grid.shape``.

    Raises
    ------
    InputError
        If the shape is not that of the grid, the axes are those of another domain, or the time is missing or not there.
    """
    values, names = field.values, [name.lower() for name in field.axes or ("",) * field.values.ndim]
    kept = [axis for axis, n in enumerate(values.shape) if n != 1 or names[axis] in TIME]
    values = values.reshape([values.shape[axis] for axis in kept])
    names = [names[axis] for axis in kept]
    dim = len(grid.shape)
    time = next((axis for axis, name in enumerate(names) if name in TIME), None)
    if time is None and field.axes is None and values.ndim == dim + 1 and values.shape[1:] == grid.shape:
        time = 0
    if time is not None:
        values = np.take(values, _time(time_index, values.shape[time]), axis=time)
        del names[time]
    elif time_index not in (None, 0, -1):
        raise InputError(f"time_index = {time_index}: the array of shape {field.values.shape} has no axis of time")
    wanted = [coordinate.name for coordinate in grid.coordinates()]
    values = np.flip(values, tuple(axis for axis, name in enumerate(names) if name in _OPPOSITE))
    names = [_OPPOSITE.get(name, name) for name in names]
    same = sorted(names) == sorted(wanted)
    if same:
        values = values.transpose([names.index(name) for name in wanted])
    if values.shape != grid.shape or (_PLACES.intersection(names) and not same):
        axes = "" if field.axes is None else f" along {', '.join(field.axes)}"
        raise InputError(
            f"the array has shape {field.values.shape}{axes}; the grid has {grid.shape} along {', '.join(wanted)}"
        )
    return values


def _time(index: int | None, count: int) -> int:
    if index is None and count > 1:
        raise InputError(f"there are {count} times; set time_index, from 0 to {count - 1}")
    index = index or 0
    if not -count <= index < count:
        raise InputError(f"time_index = {index}: there are {count} times, from 0 to {count - 1}")
    return index

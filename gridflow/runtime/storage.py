"""Where the files of a run are: in a directory, or in one HDF5 file that is packed of them.

A packed run has the tree of the directory. Each HDF5 file of it is a group of the same name, each text a string. The
path of such a part is that of the packed file and then that of the group, ``hole.h5/snapshots/000000000003.nc``. Thus
whoever reads a run by paths reads either, and opens no more than the part.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from gridflow.errors import RunError
from gridflow.files import checksum

SCALE_ATTRIBUTES = ("CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST")
"""Attributes with which HDF5 keeps dimension scales; they refer to places in a file, and are made anew in another."""


def packed(path: Path) -> tuple[Path, str] | None:
    """Return the packed file that a path leads into and the name of the part within; None if it leads into none."""
    for above in path.parents:
        if above.is_file():
            return above, path.relative_to(above).as_posix()
    return None


@contextmanager
def reading(path: Path) -> Iterator[h5py.Group]:
    """Open a part for reading: a file, or a group of a packed file.

    Parameters
    ----------
    path
        The part.

    Yields
    ------
    Group
        What it holds.

    Raises
    ------
    RunError
        If it is damaged in any way; the message names the part.
    """
    file_path, name = packed(path) or (path, "/")
    try:
        with h5py.File(file_path, "r") as file:
            yield file[name]
    except RunError:
        raise
    except (OSError, KeyError, ValueError, RuntimeError) as error:  # what h5py raises on damaged files
        raise RunError(f"{path} is damaged: {error}") from error


def exists(path: Path) -> bool:
    """Whether there is such a part; False, too, if the file above it is no HDF5 file."""
    place = packed(path)
    if place is None:
        return path.is_file()
    if not h5py.is_hdf5(place[0]):
        return False
    with reading(place[0]) as file:
        return place[1] in file


def names(folder: Path, suffix: str) -> list[str]:
    """Return the names, in their order, of the parts in a folder that have a suffix; none if there is no folder."""
    if packed(folder) is None:
        if not folder.is_dir():
            return []
        with os.scandir(folder) as entries:  # no path for each: a movie lists the snapshots at every frame
            return sorted(entry.name for entry in entries if entry.name.endswith(suffix))
    if not exists(folder):
        return []
    with reading(folder) as group:
        return sorted(name for name in group if name.endswith(suffix))


def listed(folder: Path, suffix: str) -> list[Path]:
    """Return the parts in a folder whose names have a suffix, in the order of their names."""
    return [folder / name for name in names(folder, suffix)]


def text(path: Path) -> str:
    """Return a text; RunError if it is in a packed file and damaged."""
    if packed(path) is None:
        return path.read_text(encoding="utf-8")
    with reading(path) as dataset:
        return bytes(checked(path, dataset)).decode()


def put_text(group: h5py.Group, name: str, content: str) -> None:
    """Write a text into a packed file, as a string with its checksum."""
    raw = content.encode()
    dataset = group.create_dataset(name, data=raw, dtype=h5py.string_dtype("utf-8", len(raw)))
    dataset.attrs["sha256"] = checksum(np.asarray(dataset[()]))


def checked(path: Path, dataset: h5py.Dataset) -> np.ndarray:
    """Return the values of a dataset of a part; RunError if they do not have its checksum."""
    values = dataset[()]
    if checksum(np.asarray(values)) != dataset.attrs.get("sha256"):
        raise RunError(f"{path} is damaged: the checksum of {dataset.name} does not match")
    return values


def copy(source: h5py.Group, target: h5py.Group) -> None:
    """Copy what a group holds into another, bit by bit as it is compressed, with dimension scales and attributes."""
    for name, held in source.items():
        if isinstance(held, h5py.Group):
            copy(held, target.create_group(name))
            continue
        source.copy(held, target, name, without_attrs=True)
        for key, value in held.attrs.items():
            if key not in SCALE_ATTRIBUTES:
                target[name].attrs[key] = value
    datasets = [(name, held) for name, held in source.items() if isinstance(held, h5py.Dataset)]
    for name, held in datasets:
        if held.is_scale:
            target[name].make_scale(held.attrs["NAME"].decode())
    for name, held in datasets:
        for along, dimension in zip(target[name].dims, held.dims, strict=True):
            for scale in dimension.values():
                along.attach_scale(target[scale.name.rpartition("/")[2]])

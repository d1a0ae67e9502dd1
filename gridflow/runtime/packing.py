"""A whole run as one file, and that file as a run directory again."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import h5py

from gridflow.errors import InputError, RunError
from gridflow.files import make_folder, publish_text, publishing_folder
from gridflow.runtime import schema, storage
from gridflow.runtime.outputs import checked_output, free_name
from gridflow.runtime.store import CASE, CHECKPOINTS, MANIFEST, SNAPSHOTS, RunDirectory, open_run
from gridflow.runtime.writer import LOCK

SUFFIXES = (".h5", ".hdf5")
TEXTS = (MANIFEST, CASE)


def pack(run: str | os.PathLike[str] | RunDirectory, output: str | os.PathLike[str] | None = None) -> Path:
    """Make one HDF5 file of a whole run: problem, series, snapshots, checkpoints, manifest and case.

    Whatever reads a run directory reads the file, too. Arrays are copied as they are compressed, with their checksums.
    The directory stays as it is.

    Parameters
    ----------
    run
        The run directory. No process may be writing it.
    output
        File to write, ``.h5`` or ``.hdf5``. Default: a free name in the current folder, after the run.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    InputError
        If there is no such run, it is packed already or being written, or the suffix or the folder of the output is not
        allowed.
    RunError
        If the run is damaged, or the file cannot be written.
    """
    stored = run if isinstance(run, RunDirectory) else open_run(run)
    if stored.path.is_file():
        raise InputError(f"{stored.path} is packed already")
    path = free_name(stored.path.resolve().stem, SUFFIXES[0]) if output is None else checked_output(output, SUFFIXES)
    with _still(stored.path):
        stored = open_run(stored.path)  # as it is now that nobody writes it
        _refuse_damage(stored)
        schema.publish_hdf5(path, partial(_write, stored))
    return path


def unpack(packed: str | os.PathLike[str], output: str | os.PathLike[str] | None = None) -> Path:
    """Make a run directory of a packed run, which can be resumed.

    Parameters
    ----------
    packed
        File that :func:`pack` has written; it stays as it is.
    output
        Directory to make; nothing may have its name. Default: a free name in the current folder, after the file.

    Returns
    -------
    Path
        The run directory.

    Raises
    ------
    InputError
        If there is no such packed run, the directory exists, or there is no folder for it.
    RunError
        If the packed run is damaged, or the directory cannot be written.
    """
    stored = open_run(packed)
    if not stored.path.is_file():
        raise InputError(f"{stored.path} is a run directory; nothing is packed in it")
    path = free_name(stored.path.resolve().stem, ".run") if output is None else Path(output)
    if os.path.lexists(path):
        raise InputError(f"output {path} exists; choose another name")
    if not path.parent.is_dir():
        raise InputError(f"output {path}: there is no folder {path.parent}")
    _refuse_damage(stored)
    with publishing_folder(path) as prepared:
        for folder in (SNAPSHOTS, CHECKPOINTS):
            make_folder(prepared / folder)
        for part in stored.parts():
            _publish(part, prepared / part.relative_to(stored.path))
    return path


def _write(stored: RunDirectory, file: h5py.File) -> None:
    """Write the parts of a run into a file, each under the name that it has in the directory."""
    for part in stored.parts():
        name = part.relative_to(stored.path).as_posix()
        if name in TEXTS:
            storage.put_text(file, name, storage.text(part))
            continue
        with storage.reading(part) as source:
            storage.copy(source, file.create_group(name))


def _publish(part: Path, path: Path) -> None:
    """Write a part of a packed run to a file of its own."""
    if path.name in TEXTS:
        publish_text(path, storage.text(part))
        return
    with storage.reading(part) as source:
        schema.publish_hdf5(path, partial(storage.copy, source))


def _refuse_damage(stored: RunDirectory) -> None:
    if damaged := stored.verify():
        raise RunError(f"{damaged[0]}; nothing is written")


@contextmanager
def _still(path: Path) -> Iterator[None]:
    """Keep processes from writing a run directory; InputError if one does. It need not be writable."""
    if not (path / LOCK).exists():
        yield
        return
    with (path / LOCK).open(encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            raise InputError(f"{path} is being written by another process; pack it when that has ended") from None
        yield

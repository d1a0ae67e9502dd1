"""Atomic writing of files and folders, and checksums that identify their content."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from gridflow.errors import RunError

UNFINISHED = ".*.part*"
"""Glob pattern of the temporary names under which files are written before they are published."""


@contextmanager
def publishing(path: Path, keep_ending: bool = False) -> Iterator[Path]:
    """Write a file atomically: it appears complete or not at all, even if the machine crashes.

    Yields a temporary name in the same folder. At the end of the block, whatever was written there is flushed to disk
    and renamed to ``path``. If the block fails, the temporary file is removed.

    Parameters
    ----------
    path
        Final name of the file.
    keep_ending
        Give the temporary name the same suffix as ``path``, for writers that infer the format from it. Code that lists
        the folder by suffix must then skip names that match ``UNFINISHED``. Default: False.

    Raises
    ------
    RunError
        If the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.part" + (path.suffix if keep_ending else ""))
    try:
        yield temporary
        _flush(temporary)
        temporary.replace(path)
        _flush(path.parent)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):  # what could not be written is not there either; the error above is the one to report
            temporary.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, unless they are there; RunError if that is not possible."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from error


def publish(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Like :func:`publishing`, for a function that writes to an open binary file."""
    with publishing(path) as temporary, temporary.open("w+b") as file:
        write(file)


def publish_text(path: Path, text: str) -> None:
    """Like :func:`publishing`, for text, encoded as UTF-8."""
    publish(path, lambda file: file.write(text.encode()))


def publish_folder(prepared: Path, path: Path, replaced: Path | None = None) -> None:
    """Move a complete folder, prepared under another name beside ``path``, into place, and flush the move to disk.

    Parameters
    ----------
    prepared
        The folder. Its files must be on disk, as after :func:`publishing`.
    path
        Its final name.
    replaced
        Name to which a folder that is at ``path`` is moved first; the caller removes it. Default: None, for a ``path``
        at which there is nothing.

    Raises
    ------
    RunError
        If the folder cannot be moved.
    """
    try:
        for folder in (prepared, *(entry for entry in prepared.rglob("*") if entry.is_dir())):
            _flush(folder)
        if replaced is not None:
            path.rename(replaced)
        prepared.rename(path)
        _flush(path.parent)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from error


@contextmanager
def publishing_folder(path: Path) -> Iterator[Path]:
    """Make a folder that appears complete or not at all.

    Yields a folder under another name beside ``path``, at which there must be nothing, to be filled with files that are
    on disk, as after :func:`publishing`. At the end of the block it is moved into place; if the block fails, it is
    removed.

    Parameters
    ----------
    path
        Final name of the folder.

    Raises
    ------
    RunError
        If the folder or a file in it cannot be written; the message has the final name.
    """
    prepared = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        make_folder(prepared)
        yield prepared
        publish_folder(prepared, path)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from error
    except RunError as error:
        raise RunError(str(error).replace(str(prepared), str(path))) from error
    finally:
        shutil.rmtree(prepared, ignore_errors=True)


def sha256(*parts: bytes | np.ndarray) -> str:
    """Return the SHA-256 of the concatenated bytes of the parts, as hexadecimal digits."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else np.ascontiguousarray(part).data)
    return digest.hexdigest()


def checksum(array: np.ndarray) -> str:
    """Return the SHA-256 of an array's dtype, shape and bytes, as hexadecimal digits."""
    return sha256(f"{array.dtype.str}{array.shape}".encode(), array)


def _flush(path: Path) -> None:
    """Flush a file, or the entries of a folder, to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

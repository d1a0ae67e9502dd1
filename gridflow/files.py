"""Files that appear whole or not at all, and the checksums that content is known by."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from gridflow.errors import RunError

UNFINISHED = ".*.part*"
"""Pattern of the names under which files are written before they appear."""


@contextmanager
def publishing(path: Path, keep_ending: bool = False) -> Iterator[Path]:
    """Write a file by name so that it appears whole or not at all, also when the machine stops.

    Yields another name in the same folder. At the end of the block what was written there is flushed to the disk and
    renamed to ``path``; if the block fails it is removed.

    Parameters
    ----------
    keep_ending
        Give the other name the ending of ``path``, for writers that tell the format by it. Readers that list a folder
        by endings must not look there.

    Raises
    ------
    RunError
        If the disk does not take it.
    """
    temporary = path.with_name(f".{path.name}.part" + (path.suffix if keep_ending else ""))
    try:
        yield temporary
        _flush(temporary)
        temporary.replace(path)
        _flush(path.parent)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def publish(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """As :func:`publishing`, for what is written to an open binary file."""
    with publishing(path) as temporary, temporary.open("w+b") as file:
        write(file)


def publish_text(path: Path, text: str) -> None:
    """As :func:`publishing`, for a text, in UTF-8."""
    publish(path, lambda file: file.write(text.encode()))


def sha256(*parts: bytes | np.ndarray) -> str:
    """SHA-256 of the bytes of some parts, one after the other, in hexadecimal digits."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else np.ascontiguousarray(part).data)
    return digest.hexdigest()


def checksum(array: np.ndarray) -> str:
    """SHA-256 of an array's type, shape and bytes."""
    return sha256(f"{array.dtype.str}{array.shape}".encode(), array)


def _flush(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

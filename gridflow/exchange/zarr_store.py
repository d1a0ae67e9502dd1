"""A Zarr store: a folder with a text that describes each array, and a file for each of its chunks.

It is written here rather than with the library zarr, so that every file is on the disk before the folder appears, and
nothing is left of it if that fails.

Source: the Zarr specification, version 2, which xarray and the libraries of all languages read.
"""

import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gridflow.errors import InputError
from gridflow.exchange.fields import Fields, Frames
from gridflow.files import make_folder, publish, publish_text, publishing_folder
from gridflow.runtime.schema import AXES_OF_POINTS, GZIP_LEVEL, chunk_shape, field_label
from gridflow.runtime.store import RunDirectory

CHUNK_BYTES = 2**27
"""Largest size of a chunk; so most have a whole snapshot, and the longest can be compressed at once."""
ATTRIBUTES = ".zattrs"


@dataclass(frozen=True)
class Zarr(Fields, kind="zarr", suffixes=(".zarr",)):
    """All snapshots as a Zarr store over (time, x, y, z), in chunks of one time: xarray, dask, the cloud."""

    def write(self, stored: RunDirectory, path: Path) -> Path:
        """Write the folder, one snapshot at a time. No folder that exists is replaced."""
        if os.path.lexists(path):
            raise InputError(f"{path} exists; remove it or choose another name")
        frames = self.frames(stored)
        with publishing_folder(path) as prepared:
            _fill(Store(prepared), frames)
        return path


class Store:
    """A store that is being written.

    Parameters
    ----------
    path
        Its folder, which is empty.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._metadata: dict[str, Any] = {}
        self._chunks: dict[str, tuple[tuple[int, ...], np.dtype]] = {}
        self._describe(".zgroup", {"zarr_format": 2})

    def create(
        self,
        name: str,
        shape: tuple[int, ...],
        chunks: tuple[int, ...],
        dtype: np.dtype,
        dimensions: list[str],
        label: tuple[str, str],
    ) -> None:
        """Describe an array. It has no fill value: xarray takes it for missing, and 0 is a density as good as any."""
        make_folder(self.path / name)
        little = dtype.newbyteorder("<")
        self._chunks[name] = chunks, little
        described = {
            "zarr_format": 2,
            "shape": list(shape),
            "chunks": list(chunks),
            "dtype": little.str,
            "compressor": {"id": "zlib", "level": GZIP_LEVEL},
            "fill_value": None,
            "order": "C",
            "filters": None,
        }
        self._describe(f"{name}/.zarray", described)
        units, meaning = label
        texts = {"_ARRAY_DIMENSIONS": dimensions, "units": units, "long_name": meaning}
        self._describe(f"{name}/{ATTRIBUTES}", texts)

    def put(self, name: str, values: np.ndarray, first: tuple[int, ...] = ()) -> None:
        """Write the chunks of a block, which begins in the chunk ``first`` of its leading axes and fills the others."""
        chunks, dtype = self._chunks[name]
        inner = chunks[len(first) :]
        for corner in np.ndindex(*(-(-n // c) for n, c in zip(values.shape, inner, strict=True))):
            cut = tuple(slice(k * c, (k + 1) * c) for k, c in zip(corner, inner, strict=True))
            piece = values[cut].astype(dtype)
            piece = np.pad(piece, [(0, c - n) for c, n in zip(inner, piece.shape, strict=True)])  # chunks are whole
            raw = zlib.compress(np.ascontiguousarray(piece).tobytes(), GZIP_LEVEL)
            file = self.path / name / ".".join(map(str, (*first, *corner)))
            publish(file, lambda handle, raw=raw: handle.write(raw))  # type: ignore[misc]  # raw is that of this chunk

    def finish(self, attributes: dict[str, str]) -> None:
        """Describe the whole store, and gather all descriptions in one text, so that a reader opens only that."""
        self._describe(ATTRIBUTES, attributes)
        gathered = {"zarr_consolidated_format": 1, "metadata": self._metadata}
        publish_text(self.path / ".zmetadata", json.dumps(gathered, indent=2, sort_keys=True))

    def _describe(self, name: str, content: dict[str, Any]) -> None:
        self._metadata[name] = content
        publish_text(self.path / name, json.dumps(content, indent=2, sort_keys=True))


def _fill(store: Store, frames: Frames) -> None:
    grid = frames.stored.grid
    along = grid.coordinates()
    order = [each.name for each in along]
    constant = [
        ("time", frames.times, ["time"], ("time", "simulated time")),
        *((each.name, each.values, [each.name], (each.units, each.meaning)) for each in along),
        ("target", frames.stored.target, order, field_label("target", grid.measure)),
    ]
    for name, values, dimensions, label in constant:
        chunks = chunk_shape(values.shape, values.itemsize, CHUNK_BYTES)
        store.create(name, values.shape, chunks, values.dtype, dimensions, label)
        store.put(name, values)
    for name, (shape, dtype) in frames.arrays.items():
        dimensions = ["time", *AXES_OF_POINTS.get(name, order)]
        chunks = (1, *chunk_shape(shape, dtype.itemsize, CHUNK_BYTES))
        store.create(name, (len(frames), *shape), chunks, dtype, dimensions, field_label(name, grid.measure))
    for number, frame in enumerate(frames):
        for name in frames.arrays:
            store.put(name, getattr(frame, name), (number,))
    store.finish({"title": frames.stored.title, "status": frames.stored.status})

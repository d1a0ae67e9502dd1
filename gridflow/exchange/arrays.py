"""Plain arrays in a file of numpy."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np

from gridflow.exchange.fields import Fields
from gridflow.files import publish
from gridflow.runtime.store import RunDirectory


@dataclass(frozen=True)
class Npz(Fields, kind="npz", suffixes=(".npz",)):
    """All snapshots as arrays of numpy, over (time, x, y, z) as in gridflow, with coordinates and the target."""

    def write(self, stored: RunDirectory, path: Path) -> Path:
        """Write the file, one snapshot at a time, all of them once for each array."""
        frames = self.frames(stored)
        plain = {"time": frames.times, "target": stored.target}
        plain |= {each.name: each.values for each in stored.grid.coordinates()}

        def write(file: IO[bytes]) -> None:
            with ZipFile(file, "w") as archive:
                for name, values in plain.items():
                    _put(archive, name, values.shape, values.dtype, [values])
                for name, (shape, dtype) in frames.arrays.items():
                    _put(archive, name, (len(frames), *shape), dtype, (getattr(frame, name) for frame in frames))

        publish(path, write)
        return path


def _put(archive: ZipFile, name: str, shape: tuple[int, ...], dtype: np.dtype, blocks: Iterable[np.ndarray]) -> None:
    """Add an array block by block. Every member has the first date that the format knows, for equal bytes."""
    member = ZipInfo(f"{name}.npy")
    member.compress_type = ZIP_DEFLATED
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    with archive.open(member, "w", force_zip64=True) as file:
        np.lib.format.write_array_header_2_0(file, header)
        for block in blocks:
            file.write(np.ascontiguousarray(block, dtype).data)

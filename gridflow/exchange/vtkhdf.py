"""VTKHDF, the HDF5 format of VTK itself: images over time, for ParaView and PyVista.

Source: the VTKHDF specification, version 2, "ImageData" and "Temporal Data".
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np

from gridflow.exchange.fields import Fields, Frames, as_image
from gridflow.exchange.hdf5 import label, over_time
from gridflow.runtime.schema import publish_hdf5, write_chunks
from gridflow.runtime.store import RunDirectory

VERSION = (2, 2)


@dataclass(frozen=True)
class VtkHdf(Fields, kind="vtkhdf", suffixes=(".vtkhdf",)):
    """All snapshots as cell data of an image over time, in VTK's own format: ParaView, PyVista.

    Fields have the precision of the snapshots; the target is another one, the same at all times.
    """

    on_sphere: ClassVar[bool] = False

    def write(self, stored: RunDirectory, path: Path) -> Path:
        """Write the file, one snapshot at a time; see :meth:`gridflow.exchange.base.Format.write`."""
        frames = self.frames(stored)
        publish_hdf5(path, lambda file: _fill(file, frames))
        return path


def _fill(file: h5py.File, frames: Frames) -> None:
    """Write everything into an empty file. The target is stored once, and each time refers to it."""
    grid: Any = frames.stored.grid
    cells = [*grid.shape, *[0] * (3 - grid.dim)]
    root = file.create_group("VTKHDF")
    label(root, Type="ImageData")
    root.attrs["Version"] = np.array(VERSION)
    root.attrs["WholeExtent"] = np.array([end for n in cells for end in (0, n)])
    root.attrs["Origin"] = np.zeros(3)
    root.attrs["Spacing"] = np.array([*grid.spacing, *[1.0] * (3 - grid.dim)])
    root.attrs["Direction"] = np.eye(3).ravel()
    data, steps = root.create_group("CellData"), root.create_group("Steps")
    label(data, Scalars="density")
    steps.attrs["NSteps"] = len(frames)
    steps.create_dataset("Values", data=frames.times)
    offsets = steps.create_group("CellDataOffsets")
    target = as_image(grid, frames.stored.target)
    write_chunks(over_time(data, "target", 1, target.shape, target.dtype), target, (0,))
    offsets.create_dataset("target", data=np.zeros(len(frames), int))
    made = {}
    for name in frames.fields:
        made[name] = over_time(data, name, len(frames), target.shape, frames.arrays[name][1])
        offsets.create_dataset(name, data=np.arange(len(frames)))
    for number, frame in enumerate(frames):
        for name, dataset in made.items():
            write_chunks(dataset, as_image(grid, getattr(frame, name)), (number,))

"""VTKHDF, the HDF5 format of VTK itself: images over time, for ParaView and PyVista."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np

from gridflow.exchange.fields import Fields, as_image, names_of
from gridflow.exchange.netcdf import label
from gridflow.files import publishing
from gridflow.runtime.store import RunDirectory

VERSION = (2, 2)


@dataclass(frozen=True)
class VtkHdf(Fields, kind="vtkhdf", suffixes=(".vtkhdf",)):
    """All snapshots as cell data of an image over time, in VTK's own format: ParaView, PyVista.

    Fields have the precision of the snapshots; the target is another one, the same at all times.
    """

    on_sphere: ClassVar[bool] = False

    def write(self, stored: RunDirectory, path: Path) -> Path:
        """Write the file, one snapshot at a time; see :meth:`Format.write`."""
        grid: Any = stored.grid
        indices = self.chosen(stored)
        first = stored.snapshot(index=indices[0])
        cells = [*grid.shape, *[0] * (3 - grid.dim)]
        with publishing(path) as temporary, h5py.File(temporary, "w", track_order=True) as file:
            root = file.create_group("VTKHDF")
            label(root, Type="ImageData")
            root.attrs["Version"] = np.array(VERSION)
            root.attrs["WholeExtent"] = np.array([end for n in cells for end in (0, n)])
            root.attrs["Origin"] = np.zeros(3)
            root.attrs["Spacing"] = np.array([*grid.spacing, *[1.0] * (3 - grid.dim)])
            root.attrs["Direction"] = np.eye(3).ravel()
            data, steps = root.create_group("CellData"), root.create_group("Steps")
            label(data, Scalars="density")
            steps.attrs["NSteps"] = len(indices)
            steps.create_dataset("Values", data=stored.times[indices])
            offsets = steps.create_group("CellDataOffsets")
            fields = {name: getattr(first, name) for name in names_of(first)} | {"target": stored.target}
            for name, values in fields.items():
                shape = as_image(grid, values).shape
                data.create_dataset(
                    name, (len(indices), *shape), values.dtype, chunks=(1, *shape), compression="gzip",
                    compression_opts=1, shuffle=True,
                )  # fmt: skip
                offsets.create_dataset(name, data=np.arange(len(indices)))
            target = as_image(grid, stored.target)
            for number, frame in enumerate(self.frames(stored)):
                for name in names_of(first):
                    data[name][number] = as_image(grid, getattr(frame, name))
                data["target"][number] = target
        return path

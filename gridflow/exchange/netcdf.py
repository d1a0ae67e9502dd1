"""netCDF-4, as the conventions for climate and forecast data (CF) order it, for xarray, ParaView, MATLAB and others."""

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from gridflow._version import __version__
from gridflow.equation.contract import POSITIONS, WEIGHTS
from gridflow.exchange.fields import Fields, as_image, axes_of, names_of
from gridflow.files import publishing
from gridflow.runtime.schema import field_label
from gridflow.runtime.store import RunDirectory

CONVENTIONS = "CF-1.11"


@dataclass(frozen=True)
class NetCDF(Fields, kind="netcdf", suffixes=(".nc",)):
    """All snapshots in one netCDF-4 file, over (time, z, y, x): xarray, ParaView, VisIt, MATLAB, Julia.

    Fields are at the cells' centres, in the precision of the snapshots. Particles are over (time, particle, axis).
    """

    def write(self, stored: RunDirectory, path: Path) -> Path:
        """Write the file, one snapshot at a time; see :meth:`Format.write`."""
        indices = self.chosen(stored)
        first = stored.snapshot(index=indices[0])
        grid, axes = stored.grid, axes_of(stored.grid)
        with publishing(path) as temporary, h5py.File(temporary, "w", track_order=True) as file:
            label(file, Conventions=CONVENTIONS, source=f"gridflow {__version__}", title=stored.path.name)
            time = file.create_dataset("time", data=stored.times[indices])
            label(time, units="time", long_name="simulated time", standard_name="time", axis="T")
            time.make_scale("time")
            for axis in axes:
                scale = file.create_dataset(axis.name, data=axis.centers)
                label(scale, units=axis.units, long_name=f"{axis.name} of the cells' centres", axis=axis.letter)
                scale.make_scale(axis.name)
            order = [axis.name for axis in (axes if grid.sphere_dim == 2 else axes[::-1])]
            names = names_of(first)
            for name in names:
                shape = as_image(grid, getattr(first, name)).shape
                _create(file, grid.measure, name, (len(indices), *shape), getattr(first, name).dtype, ("time", *order))
            _create(
                file, grid.measure, "target", as_image(grid, stored.target).shape, stored.target.dtype, tuple(order)
            )
            file["target"][...] = as_image(grid, stored.target)
            points = [name for name in (POSITIONS, WEIGHTS) if getattr(first, name) is not None]
            for name in points:
                values = getattr(first, name)
                _create(
                    file, grid.measure, name, (len(indices), *values.shape), values.dtype, ("time", "particle", "axis")
                )
            for number, frame in enumerate(self.frames(stored)):
                for name in names:
                    file[name][number] = as_image(grid, getattr(frame, name))
                for name in points:
                    file[name][number] = getattr(frame, name)
        return path


def label(held: h5py.File | h5py.Dataset | h5py.Group, **attributes: str) -> None:
    """Give a dataset attributes as texts of fixed length, the only ones that the netCDF reader of VTK understands."""
    for name, text in attributes.items():
        held.attrs[name] = np.bytes_(text.encode())


def _create(
    file: h5py.File, measure: str, name: str, shape: tuple[int, ...], dtype: np.dtype, dimensions: tuple[str, ...]
) -> h5py.Dataset:
    """Create a compressed variable over some dimensions, one chunk for each time."""
    timed = dimensions[0] == "time"
    data = file.create_dataset(
        name, shape, dtype, chunks=(1, *shape[1:]) if timed else shape, compression="gzip", compression_opts=1,
        shuffle=True,
    )  # fmt: skip
    units, meaning = field_label(name, measure)
    label(data, units=units, long_name=meaning)
    for number, dimension in enumerate(dimensions[: len(shape)]):
        if dimension not in file:
            scale = file.create_dataset(dimension, (shape[number],), ">f4")
            scale.make_scale(f"This is a netCDF dimension but not a netCDF variable.{shape[number]:10d}")
        data.dims[number].attach_scale(file[dimension])
    return data

"""netCDF-4, as the conventions for climate and forecast data (CF) order it, for xarray, ParaView, MATLAB and others."""

from dataclasses import dataclass
from pathlib import Path

import h5py

from gridflow._version import __version__
from gridflow.exchange.fields import Axis, Fields, Frames, as_image, axes_of
from gridflow.exchange.hdf5 import label, over_time, put
from gridflow.runtime.schema import AXES_OF_POINTS, field_label, numbered, publish_hdf5, write_chunks
from gridflow.runtime.store import RunDirectory

CONVENTIONS = "CF-1.11"


@dataclass(frozen=True)
class NetCDF(Fields, kind="netcdf", suffixes=(".nc",)):
    """All snapshots in one netCDF-4 file, over (time, z, y, x): xarray, ParaView, VisIt, MATLAB, Julia.

    Fields are at the cells' centres, in the precision of the snapshots. Particles are over (time, particle, axis), and
    neurons over (time, neuron, input).
    """

    def write(self, stored: RunDirectory, path: Path) -> Path:
        """Write the file, one snapshot at a time; see :meth:`gridflow.exchange.base.Format.write`."""
        frames = self.frames(stored)
        publish_hdf5(path, lambda file: _fill(file, frames))
        return path


def _fill(file: h5py.File, frames: Frames) -> None:
    """Write everything into an empty file.

    Coordinates in lengths have no attribute ``axis``: by it VTK and ParaView take x and y for angles on a globe.
    """
    stored, grid = frames.stored, frames.stored.grid
    label(file, Conventions=CONVENTIONS, source=f"gridflow {__version__}", title=stored.title, status=stored.status)
    time = file.create_dataset("time", data=frames.times)
    label(time, units="time", long_name="simulated time", standard_name="time", axis="T")
    scales = {"time": time}
    for axis in axes_of(grid):
        scales[axis.name] = file.create_dataset(axis.name, data=axis.centers)
        label(scales[axis.name], units=axis.units, long_name=f"{axis.name} of the cells' centres")
    for name, scale in scales.items():
        scale.make_scale(name)
    for axis in axes_of(grid):
        if axis.bounds is not None:
            _bound(file, scales, axis)
    for points in frames.points:
        sizes = dict(zip(AXES_OF_POINTS[points], frames.arrays[points][0], strict=True))
        for name in sizes.keys() - scales.keys():
            (scales[name],) = numbered(file, (name,), (sizes[name],))
    places = [axis.name for axis in axes_of(grid)]
    order = places if grid.sphere_dim == 2 else places[::-1]
    target = as_image(grid, stored.target)
    made = {"target": put(file, "target", target)}
    over = {"target": order}
    for name, (shape, dtype) in frames.arrays.items():
        along = list(AXES_OF_POINTS.get(name, order))
        sizes_along = shape if name in frames.points else tuple(len(scales[each]) for each in order)
        made[name] = over_time(file, name, len(frames), sizes_along, dtype)
        over[name] = ["time", *along]
    for name, dataset in made.items():
        units, meaning = field_label(name, grid.measure)
        label(dataset, units=units, long_name=meaning)
        for dimension, along_it in zip(dataset.dims, over[name], strict=True):
            dimension.attach_scale(scales[along_it])
    for number, frame in enumerate(frames):
        for name in frames.fields:
            write_chunks(made[name], as_image(grid, getattr(frame, name)), (number,))
        for name in frames.points:
            write_chunks(made[name], getattr(frame, name), (number,))


def _bound(file: h5py.File, scales: dict[str, h5py.Dataset], axis: Axis) -> None:
    """Add the ends of the cells along an axis; without them readers would leave the poles of a globe open."""
    if "bounds" not in scales:
        (scales["bounds"],) = numbered(file, ("bounds",), (2,))
    ends = file.create_dataset(f"{axis.name}_bounds", data=axis.bounds)
    for dimension, name in zip(ends.dims, (axis.name, "bounds"), strict=True):
        dimension.attach_scale(scales[name])
    label(scales[axis.name], bounds=f"{axis.name}_bounds", standard_name=axis.name)

"""What the formats that are HDF5 have in common: texts that readers in C understand, and compressed arrays."""

import h5py
import numpy as np

from gridflow.runtime.schema import chunk_shape, create_compressed, write_chunks


def label(held: h5py.File | h5py.Dataset | h5py.Group, **attributes: str) -> None:
    """Give a dataset attributes as texts of fixed length, the only ones that the netCDF reader of VTK understands."""
    for name, text in attributes.items():
        held.attrs[name] = np.bytes_(text.encode())


def over_time(group: h5py.Group, name: str, steps: int, shape: tuple[int, ...], dtype: np.dtype) -> h5py.Dataset:
    """Create a compressed dataset with a block of a shape for each of some times, in chunks of one time."""
    return create_compressed(group, name, (steps, *shape), dtype, (1, *chunk_shape(shape, dtype.itemsize)))


def put(group: h5py.Group, name: str, values: np.ndarray) -> h5py.Dataset:
    """Write a compressed dataset that has no time."""
    dataset = create_compressed(group, name, values.shape, values.dtype, chunk_shape(values.shape, values.itemsize))
    write_chunks(dataset, values)
    return dataset

"""The contents of a run's files.

All HDF5 files of a run are written here. Equal content gives equal bytes: datasets are written in the order of their
names, and none contains a date. ``docs/store.md`` describes the format.
"""

import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import h5py
import numpy as np

from gridflow.domains.base import Domain
from gridflow.equation.contract import (
    INNER,
    NEGATIVE,
    OUTER,
    POSITIONS,
    WEIGHTS,
    State,
)
from gridflow.files import checksum, publish
from gridflow.runtime.storage import checked, reading

SERIES_UNITS = {
    "step": ("1", "number of steps taken"),
    "time": ("time", "simulated time"),
    "dt": ("time", "length of the last step"),
    "mass": ("mass", "mass of the density"),
    "min": ("mass / volume", "smallest cell average"),
    "max": ("mass / volume", "largest cell average"),
    "energy": ("energy", "half the squared kernel mean discrepancy to the target"),
    "kmd": ("energy^(1/2)", "kernel mean discrepancy to the target"),
    "dissipation": ("energy / time", "rate at which the scheme lowers the energy"),
    "hole_volume": ("volume", "contoured volume of the hole in the density"),
    "tracer_volume": ("volume", "contoured volume of the carried hole"),
    "largest_norm": ("mass / length^(d/2 + r)", "largest Sobolev norm of mu - nu at a step since the row before"),
    "least_min": ("mass / volume", "smallest cell average at a step since the row before"),
    "exponential_steps": ("1", "number of exponential steps among those taken"),
    "negative_mass": ("mass", "∫ max(−μ, 0) dx"),
    "empirical_loss": ("energy", "half the mean squared error on the samples"),
    "tracer_target": ("mass", "mass of the target inside the carried hole"),
    "plateau": ("mass / volume", "largest cell average, the density outside a hole"),
}
"""Units and meaning of the series' columns; ``_exact`` and ``_ratio`` columns inherit those of their quantity."""
CHUNK_BYTES = 2**20
"""Largest size of a chunk of a compressed field, equal to the chunk cache of HDF5 readers."""
GZIP_LEVEL = 1


@dataclass(frozen=True)
class Snapshot:
    """A stored density at a time.

    Attributes
    ----------
    time, step
        Simulated time and step number.
    density, tracer, negative
        Arrays of the grid's shape; ``tracer`` and ``negative`` only from solvers that have them.
    positions, weights
        Of particles, shapes (N, d) and (N,).
    inner_weights, outer_weights
        Of networks, shapes (m, inputs) and (m,).
    """

    time: float
    step: int
    density: np.ndarray
    tracer: np.ndarray | None = None
    positions: np.ndarray | None = None
    weights: np.ndarray | None = None
    negative: np.ndarray | None = None
    inner_weights: np.ndarray | None = None
    outer_weights: np.ndarray | None = None


def publish_hdf5(path: Path, write: Callable[[h5py.File], None]) -> None:
    """Like :func:`gridflow.files.publish`, for a function that writes to an HDF5 file."""

    def write_hdf5(handle: IO[bytes]) -> None:
        with h5py.File(handle, "w") as file:
            write(file)

    publish(path, write_hdf5)


def _put(file: h5py.File, name: str, data: np.ndarray, units: str, meaning: str) -> h5py.Dataset:
    return _label(file.create_dataset(name, data=data), data, units, meaning)


def _label(dataset: h5py.Dataset, data: np.ndarray, units: str, meaning: str) -> h5py.Dataset:
    dataset.attrs["units"] = units
    dataset.attrs["long_name"] = meaning
    dataset.attrs["sha256"] = checksum(np.asarray(data))
    return dataset


def _put_compressed(file: h5py.File, name: str, data: np.ndarray, units: str, meaning: str) -> h5py.Dataset:
    """Write a dataset in the format of HDF5's shuffle and gzip filters, but compressed here, in few large chunks.

    HDF5 would make many small writes to a Python file object and hold its lock throughout; a background thread would
    then wait for the interpreter each time. zlib instead compresses a whole chunk in parallel with the run.
    """
    chunk = _chunk_shape(data.shape, data.itemsize)
    dataset = file.create_dataset(
        name, data.shape, data.dtype, chunks=chunk, compression="gzip", compression_opts=GZIP_LEVEL, shuffle=True
    )
    for corner in np.ndindex(*(-(-n // c) for n, c in zip(data.shape, chunk, strict=True))):
        start = tuple(k * c for k, c in zip(corner, chunk, strict=True))
        piece = data[tuple(slice(begin, begin + c) for begin, c in zip(start, chunk, strict=True))]
        if piece.shape != chunk:  # HDF5 stores complete chunks at the edges, too
            piece = np.pad(piece, [(0, c - n) for c, n in zip(chunk, piece.shape, strict=True)])
        planes = np.ascontiguousarray(piece).view(np.uint8).reshape(-1, data.itemsize).T.copy()
        dataset.id.write_direct_chunk(start, zlib.compress(planes.data, GZIP_LEVEL))
    return _label(dataset, data, units, meaning)


def _chunk_shape(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Return the largest chunk of whole planes, rows or cells that fits into ``CHUNK_BYTES``."""
    sizes = list(shape)
    for axis, n in enumerate(shape):
        below = math.prod(shape[axis + 1 :]) * itemsize
        sizes[axis] = min(n, max(1, CHUNK_BYTES // below))
        if sizes[axis] > 1:
            break
    return tuple(sizes)


def write_fields(file: h5py.File, grid: Domain, fields: Mapping[str, np.ndarray], state: State | None) -> None:
    """Write fields as netCDF-4: coordinates as dimension scales, fields over (time, x, y, z).

    Constant fields have no time dimension. Positions are over (time, particle, axis) and weights over (time, particle).
    The weights of a network are over (time, neuron, input) and (time, neuron).
    """
    scales = []
    if state is not None:
        scales.append(_put(file, "time", np.array([state.time]), "time", "simulated time"))
        step = _put(file, "step", np.array([state.step]), *SERIES_UNITS["step"])
    scales += [_put(file, *coordinate) for coordinate in grid.coordinates()]
    for scale in scales:
        scale.make_scale(scale.name.removeprefix("/"))
    if state is not None:
        step.dims[0].attach_scale(scales[0])
    meanings = {
        "initial": ("mass / volume", "cell averages of the density at time 0"),
        "target": ("mass / volume", "cell averages of the target density"),
        "density": ("mass / volume", "cell averages of the density"),
        "tracer": ("1", "volume fraction of the hole"),
        POSITIONS: ("length", "positions of the particles"),
        WEIGHTS: ("mass", "masses of the particles"),
        NEGATIVE: ("mass / volume", "cell averages of the density of negative output weights"),
        INNER: ("1", "weights of the neurons' inputs"),
        OUTER: ("1", "weights of the neurons' outputs"),
    }
    points = next((kind for kind in _CLOUDS if kind[0] in fields), None)
    time = [] if state is None else scales[:1]
    cloud = [] if points is None else [*time, *_numbered(file, points[2:], fields[points[0]].shape)]
    for name, values in sorted(fields.items()):
        data = values if state is None else values[np.newaxis]
        dataset = _put_compressed(file, name, data, *meanings[name])
        along = cloud[: data.ndim] if points is not None and name in points else scales
        for dimension, scale in zip(dataset.dims, along, strict=True):
            dimension.attach_scale(scale)


_CLOUDS = ((POSITIONS, WEIGHTS, "particle", "axis"), (INNER, OUTER, "neuron", "input"))
"""Pairs of point arrays and the names of their dimensions."""


def _numbered(file: h5py.File, names: tuple[str, ...], shape: tuple[int, ...]) -> list[h5py.Dataset]:
    """Create netCDF dimensions for points and their components, which have sizes but no coordinates."""
    scales = []
    for name, size in zip(names, shape, strict=True):
        scale = file.create_dataset(name, (size,), ">f4")
        scale.make_scale(f"This is a netCDF dimension but not a netCDF variable.{size:10d}")
        scales.append(scale)
    return scales


def write_series(file: h5py.File, columns: Mapping[str, np.ndarray]) -> None:
    """Write one dataset per column, over the dimension time."""
    time = _put(file, "time", columns["time"], *SERIES_UNITS["time"])
    time.make_scale("time")
    for name, values in sorted(columns.items()):
        if name == "time":
            continue
        base = name.removesuffix("_exact").removesuffix("_ratio")
        units, meaning = SERIES_UNITS[base]
        if name.endswith("_exact"):
            meaning = f"exact law of: {meaning}"
        elif name.endswith("_ratio"):
            units, meaning = "1", f"measured over exact: {meaning}"
        _put(file, name, values, units, meaning).dims[0].attach_scale(time)


def write_checkpoint(file: h5py.File, state: State) -> None:
    """Write all bits of a state."""
    clock = np.array([state.time, state.dt])
    _put(file, "clock", clock, "time", "simulated time and length of the last step")
    _put(file, "step", np.array([state.step]), "1", "number of steps taken")
    for name, value in sorted(state.control.items()):
        _put(file, f"control/{name}", np.array([value]), "1", "step-size controller")
    for name, array in sorted(state.arrays.items()):
        _put(file, f"state/{name}", array, "1", "state of the solver")


def read_arrays(path: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Read those of the named datasets that a file has; RunError if a checksum does not match."""
    with reading(path) as file:
        return {name: checked(path, file[name]) for name in names if name in file}


def read_snapshot(path: Path) -> Snapshot:
    """Read a snapshot file; RunError if it is damaged."""
    kept = ("density", "tracer", POSITIONS, WEIGHTS, NEGATIVE, INNER, OUTER)
    arrays = read_arrays(path, ("time", "step", *kept))
    fields = {name: arrays[name][0] for name in kept if name in arrays}
    return Snapshot(float(arrays["time"][0]), int(arrays["step"][0]), **fields)


def read_series(path: Path) -> dict[str, np.ndarray]:
    """Read all columns of a series file; RunError if it is damaged."""
    with reading(path) as file:
        return {name: checked(path, dataset) for name, dataset in file.items()}


def verify_checkpoint(path: Path) -> None:
    """Verify a checkpoint file, one array at a time, without keeping any; RunError if it is damaged."""
    with reading(path) as file:
        for dataset in (file["clock"], file["step"], *file.get("control", {}).values(), *file["state"].values()):
            checked(path, dataset)


def read_checkpoint(path: Path) -> State:
    """Read the state in a checkpoint file; RunError if it is damaged."""
    with reading(path) as file:
        clock, step = checked(path, file["clock"]), checked(path, file["step"])
        arrays = {name: checked(path, dataset) for name, dataset in file["state"].items()}
        control = {name: float(checked(path, dataset)[0]) for name, dataset in file.get("control", {}).items()}
    return State(arrays, float(clock[0]), int(step[0]), float(clock[1]), control)

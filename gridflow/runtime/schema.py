"""The contents of a run's files.

Equal content gives equal bytes: datasets are written in the order of their names, and none contains a date.
``docs/store.md`` describes the format.
"""

import math
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import h5py
import numpy as np

from gridflow.domains.base import Domain
from gridflow.equation.contract import INNER, NEGATIVE, OUTER, POSITIONS, WEIGHTS, State
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
    "hole_volume": ("volume", "contoured volume of the hole"),
    "contour_volume": ("volume", "contoured volume of the set where the density is below half its plateau"),
    "hole_target": ("mass", "mass of the target inside the hole"),
    "holes": ("1", "number of connected holes"),
    "largest_norm": ("mass / length^(d/2 + r)", "largest Sobolev norm of mu - nu at a step since the row before"),
    "least_min": ("mass / volume", "smallest cell average at a step since the row before"),
    "exponential_steps": ("1", "number of exponential steps among those taken"),
    "negative_mass": ("mass", "∫ max(−μ, 0) dx"),
    "empirical_loss": ("energy", "half the mean squared error on the samples"),
    "plateau": ("mass / volume", "largest cell average, the density outside a hole"),
}
"""Units and meaning of the series' columns; see :func:`column_label` for the others."""
FIELDS = {
    "density": ("mass / volume", "cell averages of the density"),
    "tracer": ("1", "volume fraction of the hole"),
    POSITIONS: ("length", "positions of the particles"),
    WEIGHTS: ("mass", "masses of the particles"),
    NEGATIVE: ("mass / volume", "cell averages of the density of negative output weights"),
    INNER: ("1", "weights of the neurons' inputs"),
    OUTER: ("1", "weights of the neurons' outputs"),
}
"""Units and meaning of the arrays of a snapshot."""
CONSTANT_FIELDS = {
    "initial": ("mass / volume", "cell averages of the density at time 0"),
    "target": ("mass / volume", "cell averages of the target density"),
}
"""The same of a problem."""
AXES_OF_POINTS = {
    POSITIONS: ("particle", "axis"),
    WEIGHTS: ("particle",),
    INNER: ("neuron", "input"),
    OUTER: ("neuron",),
}
"""Dimensions of arrays that do not have those of the grid."""
KINDS = {
    "_exact": "exact law of: ",
    "_ratio": "measured over exact: ",
    "_least": "lower bound of the law of: ",
    "_most": "upper bound of the law of: ",
}
"""Endings of the columns of what theory says of a quantity, and their meanings."""
RENAMED = {"hole_volume": "contour_volume", "tracer_volume": "hole_volume", "tracer_target": "hole_target"}
"""Columns of a series of version 0.1, and of the versions after it without the column ``holes``."""
PER_HOLE = {
    "volume": ("volume", "contoured volume"),
    "perimeter": ("volume / length", "size of the border"),
    "elongation": ("1", "root of the ratio of the second moments"),
    "x": ("length", "first coordinate of the centroid"),
    "y": ("length", "second coordinate of the centroid"),
    "z": ("length", "third coordinate of the centroid"),
    "cell": ("1", "flat index of the deepest cell"),
    "within": ("1", "number of the hole, 0 if it is filled, that is now the place"),
}
"""Units and meaning of the columns ``hole<number>_<what>`` of a single hole."""
OF_ONE_HOLE = re.compile(rf"hole(?P<number>\d+)_(?P<what>{'|'.join(PER_HOLE)})")
"""Names of these columns."""
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
    dataset = create_compressed(file, name, data.shape, data.dtype, chunk_shape(data.shape, data.itemsize))
    write_chunks(dataset, data)
    return _label(dataset, data, units, meaning)


def create_compressed(
    group: h5py.Group, name: str, shape: tuple[int, ...], dtype: np.dtype, chunks: tuple[int, ...]
) -> h5py.Dataset:
    """Create a dataset with HDF5's shuffle and gzip filters, for :func:`write_chunks`."""
    return group.create_dataset(
        name, shape, dtype, chunks=chunks, compression="gzip", compression_opts=GZIP_LEVEL, shuffle=True
    )


def write_chunks(dataset: h5py.Dataset, data: np.ndarray, first: tuple[int, ...] = ()) -> None:
    """Write a block in the format of HDF5's shuffle and gzip filters, but compressed here, in few large chunks.

    HDF5 would make many small writes to a Python file object and hold its lock throughout; a background thread would
    then wait for the interpreter each time. zlib instead compresses a whole chunk in parallel with the run. HDF5 would
    also keep chunks back until it closes the file, and crash if the disk is full by then.

    Parameters
    ----------
    dataset
        From :func:`create_compressed`.
    data
        The block, of the shape of the dataset without the axes of ``first``, converted to its type.
    first
        Index along leading axes whose chunks have the length 1.
    """
    chunk = dataset.chunks[len(first) :]
    for corner in np.ndindex(*(-(-n // c) for n, c in zip(data.shape, chunk, strict=True))):
        start = tuple(k * c for k, c in zip(corner, chunk, strict=True))
        piece = data[tuple(slice(begin, begin + c) for begin, c in zip(start, chunk, strict=True))]
        if piece.shape != chunk:  # HDF5 stores complete chunks at the edges, too
            piece = np.pad(piece, [(0, c - n) for c, n in zip(chunk, piece.shape, strict=True)])
        whole = np.ascontiguousarray(piece, dataset.dtype)
        planes = whole.view(np.uint8).reshape(-1, dataset.dtype.itemsize).T.copy()
        dataset.id.write_direct_chunk((*first, *start), zlib.compress(planes.data, GZIP_LEVEL))


def chunk_shape(shape: tuple[int, ...], itemsize: int, most: int | None = None) -> tuple[int, ...]:
    """Return the largest chunk of whole planes, rows or cells that fits into ``most`` bytes, else ``CHUNK_BYTES``."""
    most = CHUNK_BYTES if most is None else most
    sizes = list(shape)
    for axis, n in enumerate(shape):
        below = math.prod(shape[axis + 1 :]) * itemsize
        sizes[axis] = min(n, max(1, most // below))
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
    time = [] if state is None else scales[:1]
    points = max((name for name in fields if name in AXES_OF_POINTS), key=lambda name: fields[name].ndim, default=None)
    cloud = [] if points is None else [*time, *numbered(file, AXES_OF_POINTS[points], fields[points].shape)]
    for name, values in sorted(fields.items()):
        data = values if state is None else values[np.newaxis]
        dataset = _put_compressed(file, name, data, *field_label(name, grid.measure))
        along = cloud[: data.ndim] if name in AXES_OF_POINTS else scales
        for dimension, scale in zip(dataset.dims, along, strict=True):
            dimension.attach_scale(scale)


def numbered(file: h5py.File, names: tuple[str, ...], shape: tuple[int, ...]) -> list[h5py.Dataset]:
    """Create netCDF dimensions for points and their components, which have sizes but no coordinates."""
    scales = []
    for name, size in zip(names, shape, strict=True):
        scale = file.create_dataset(name, (size,), ">f4")
        scale.make_scale(f"This is a netCDF dimension but not a netCDF variable.{size:10d}")
        scales.append(scale)
    return scales


def write_series(file: h5py.File, columns: Mapping[str, np.ndarray], measure: str) -> None:
    """Write one dataset per column, over the dimension time; ``measure`` is that of the domain."""
    time = _put(file, "time", columns["time"], *SERIES_UNITS["time"])
    time.make_scale("time")
    for name, values in sorted(columns.items()):
        if name == "time":
            continue
        _put(file, name, values, *column_label(name, measure)).dims[0].attach_scale(time)


def field_label(name: str, measure: str) -> tuple[str, str]:
    """Return the units and the meaning of an array; ``measure`` is that of the domain, such as area."""
    units, meaning = (FIELDS | CONSTANT_FIELDS)[name]
    return units.replace("volume", measure), meaning


def column_label(name: str, measure: str) -> tuple[str, str]:
    """Return the units and the meaning of a column of the series; ``measure`` is that of the domain."""
    kind = next((kind for kind in KINDS if name.endswith(kind)), "")
    if found := OF_ONE_HOLE.fullmatch(name):
        units, meaning = PER_HOLE[found["what"]]
        meaning = f"{meaning} of hole {found['number']}"
    else:
        units, meaning = SERIES_UNITS[name.removesuffix(kind)]
    told = meaning.replace("volume", measure)
    return "1" if kind == "_ratio" else units.replace("volume", measure), (KINDS[kind] if kind else "") + told


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
    arrays = read_arrays(path, ("time", "step", *FIELDS))
    fields = {name: arrays[name][0] for name in FIELDS if name in arrays}
    return Snapshot(float(arrays["time"][0]), int(arrays["step"][0]), **fields)


def field_types(path: Path) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    """Return the shape and the type of every array of a snapshot, without reading them."""
    with reading(path) as file:
        return {name: (file[name].shape[1:], file[name].dtype) for name in FIELDS if name in file}


def read_series(path: Path) -> dict[str, np.ndarray]:
    """Read all columns of a series file, those of older versions by their present names; RunError if it is damaged."""
    with reading(path) as file:
        columns = {name: checked(path, dataset) for name, dataset in file.items()}
    return columns if "holes" in columns else _renamed(columns)


def _renamed(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Give the columns of an older series their present names; a contour is that of the hole where its law held."""
    if "tracer_volume" not in columns and "hole_volume_exact" in columns:
        return columns
    bases = {name: name.removesuffix("_exact").removesuffix("_ratio") for name in columns}
    return {RENAMED.get(base, base) + name.removeprefix(base): columns[name] for name, base in bases.items()}


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

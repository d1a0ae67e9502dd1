"""The files of a run: how they get onto the disk whole, and what is in them.

The only module that knows HDF5. Equal content is equal bytes: datasets are written in the order of their names and none
holds a date. ``docs/store.md`` describes the format.
"""

import math
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np

from gridflow.domains.base import Domain
from gridflow.equation.contract import (
    CELLS,
    INNER,
    MODES,
    NEGATIVE,
    NEURONS,
    OUTER,
    PARTICLES,
    POSITIONS,
    WEIGHTS,
    Kind,
    Representation,
    State,
)
from gridflow.errors import RunError
from gridflow.files import checksum, publish

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
    "exponential_steps": ("1", "number of exponential steps among those taken"),
    "negative_mass": ("mass", "mass of what is below 0"),
    "empirical_loss": ("energy", "half the mean squared error on the samples"),
    "tracer_target": ("mass", "mass of the target inside the carried hole"),
    "plateau": ("mass / volume", "largest cell average, the density outside a hole"),
}
"""Units and meaning of the series' columns; ``_exact`` and ``_ratio`` columns follow their quantity."""
CHUNK_BYTES = 2**20
"""Size to which a chunk of a compressed field may grow: what HDF5's readers keep of a dataset at a time."""
GZIP_LEVEL = 1


KINDS_BEFORE: dict[str, Kind] = {"Spectral": MODES, "Particles": PARTICLES, "Network": NEURONS}
"""What a solver represented a density by, by its name: for runs that do not record it. All others had cells."""


def representation(manifest: Mapping[str, Any]) -> Representation:
    """What a run's solver represented the density by, from its manifest."""
    if "representation" in manifest:
        return Representation(**manifest["representation"])
    settings = manifest["solver"]
    return Representation(KINDS_BEFORE.get(str(settings.get("solver")), CELLS), bool(settings.get("negative_sha256")))


@dataclass(frozen=True)
class Snapshot:
    """A density at a time, as stored; of particles also these, (N, d) and (N,), of networks (m, inputs) and (m,)."""

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
    """As :func:`gridflow.files.publish`, for what is written into an HDF5 file."""

    def write_hdf5(handle: IO[bytes]) -> None:
        with h5py.File(handle, "w") as file:
            write(file)

    publish(path, write_hdf5)


@contextmanager
def reading(path: Path) -> Iterator[h5py.File]:
    """Open a published file; whatever is wrong with it is one RunError that names it."""
    try:
        with h5py.File(path, "r") as file:
            yield file
    except RunError:
        raise
    except (OSError, KeyError, ValueError, RuntimeError) as error:  # all that h5py raises on damaged bytes
        raise RunError(f"{path} is damaged: {error}") from error


def _put(file: h5py.File, name: str, data: np.ndarray, units: str, meaning: str) -> h5py.Dataset:
    return _label(file.create_dataset(name, data=data), data, units, meaning)


def _label(dataset: h5py.Dataset, data: np.ndarray, units: str, meaning: str) -> h5py.Dataset:
    dataset.attrs["units"] = units
    dataset.attrs["long_name"] = meaning
    dataset.attrs["sha256"] = checksum(np.asarray(data))
    return dataset


def _put_compressed(file: h5py.File, name: str, data: np.ndarray, units: str, meaning: str) -> h5py.Dataset:
    """Write a dataset as HDF5's shuffle and gzip filters would, but compressed here, in few large pieces.

    HDF5 would ask a Python file for many small writes and hold its lock throughout; a background thread would wait for
    the interpreter at each of them, while zlib compresses a whole chunk beside the run.
    """
    chunk = _chunk_shape(data.shape, data.itemsize)
    dataset = file.create_dataset(
        name, data.shape, data.dtype, chunks=chunk, compression="gzip", compression_opts=GZIP_LEVEL, shuffle=True
    )
    for corner in np.ndindex(*(-(-n // c) for n, c in zip(data.shape, chunk, strict=True))):
        start = tuple(k * c for k, c in zip(corner, chunk, strict=True))
        piece = data[tuple(slice(begin, begin + c) for begin, c in zip(start, chunk, strict=True))]
        if piece.shape != chunk:  # HDF5 stores whole chunks at the edges too
            piece = np.pad(piece, [(0, c - n) for c, n in zip(chunk, piece.shape, strict=True)])
        planes = np.ascontiguousarray(piece).view(np.uint8).reshape(-1, data.itemsize).T.copy()
        dataset.id.write_direct_chunk(start, zlib.compress(planes.data, GZIP_LEVEL))
    return _label(dataset, data, units, meaning)


def _chunk_shape(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """As many whole planes, rows or cells of an array as fit into a chunk."""
    sizes = list(shape)
    for axis, n in enumerate(shape):
        below = math.prod(shape[axis + 1 :]) * itemsize
        sizes[axis] = min(n, max(1, CHUNK_BYTES // below))
        if sizes[axis] > 1:
            break
    return tuple(sizes)


def write_fields(file: h5py.File, grid: Domain, fields: Mapping[str, np.ndarray], state: State | None) -> None:
    """netCDF-4: coordinates as dimension scales, fields over (time, x, y, z); no time for what does not change.

    Positions are over (time, particle, axis), weights over (time, particle); weights of a network over (time, neuron,
    input) and (time, neuron).
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
"""Arrays of points: which hold what there is of each, and the names of their dimensions."""


def _numbered(file: h5py.File, names: tuple[str, ...], shape: tuple[int, ...]) -> list[h5py.Dataset]:
    """netCDF's dimensions of points and their components, which have sizes but no coordinates."""
    scales = []
    for name, size in zip(names, shape, strict=True):
        scale = file.create_dataset(name, (size,), ">f4")
        scale.make_scale(f"This is a netCDF dimension but not a netCDF variable.{size:10d}")
        scales.append(scale)
    return scales


def write_series(file: h5py.File, columns: Mapping[str, np.ndarray]) -> None:
    """One dataset per column over the dimension time."""
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
    """All bits of a state."""
    clock = np.array([state.time, state.dt])
    _put(file, "clock", clock, "time", "simulated time and length of the last step")
    _put(file, "step", np.array([state.step]), "1", "number of steps taken")
    for name, value in sorted(state.control.items()):
        _put(file, f"control/{name}", np.array([value]), "1", "what the next step is chosen by")
    for name, array in sorted(state.arrays.items()):
        _put(file, f"state/{name}", array, "1", "state of the solver")


def _checked(path: Path, dataset: h5py.Dataset) -> np.ndarray:
    values = dataset[()]
    if checksum(values) != dataset.attrs.get("sha256"):
        raise RunError(f"{path} is damaged: the checksum of {dataset.name} does not match")
    return values


def read_arrays(path: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Those of the named datasets that a file has; RunError if a checksum does not match."""
    with reading(path) as file:
        return {name: _checked(path, file[name]) for name in names if name in file}


def read_snapshot(path: Path) -> Snapshot:
    """What a snapshot file holds; RunError if it is damaged."""
    kept = ("density", "tracer", POSITIONS, WEIGHTS, NEGATIVE, INNER, OUTER)
    arrays = read_arrays(path, ("time", "step", *kept))
    fields = {name: arrays[name][0] for name in kept if name in arrays}
    return Snapshot(float(arrays["time"][0]), int(arrays["step"][0]), **fields)


def read_series(path: Path) -> dict[str, np.ndarray]:
    """All columns of a series file; RunError if it is damaged."""
    with reading(path) as file:
        return {name: _checked(path, dataset) for name, dataset in file.items()}


def verify_checkpoint(path: Path) -> None:
    """Read a checkpoint file, one array at a time, and keep none; RunError if it is damaged."""
    with reading(path) as file:
        for dataset in (file["clock"], file["step"], *file.get("control", {}).values(), *file["state"].values()):
            _checked(path, dataset)


def read_checkpoint(path: Path) -> State:
    """The state in a checkpoint file; RunError if it is damaged."""
    with reading(path) as file:
        clock, step = _checked(path, file["clock"]), _checked(path, file["step"])
        arrays = {name: _checked(path, dataset) for name, dataset in file["state"].items()}
        control = {name: float(_checked(path, dataset)[0]) for name, dataset in file.get("control", {}).items()}
    return State(arrays, float(clock[0]), int(step[0]), float(clock[1]), control)

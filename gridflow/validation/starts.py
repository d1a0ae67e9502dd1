"""Particles at one time, for the start of a particle code: drawn from a run, and written to a file."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from gridflow.arguments import takes_numbers
from gridflow.domains.torus import Grid
from gridflow.equation.contract import NEGATIVE
from gridflow.errors import InputError
from gridflow.files import publishing
from gridflow.particles.clouds import checked_particles
from gridflow.particles.sampling import Method, Weighting, sample
from gridflow.runtime.store import RunDirectory, open_run


@dataclass(frozen=True, eq=False)
class Cloud:
    """Particles at one time, to be written.

    Parameters
    ----------
    grid
        Grid of the run, whose torus is the box.
    positions, weights
        Positions in the box, shape (N, d), and masses, shape (N,).
    time
        The time.
    """

    grid: Grid
    positions: np.ndarray
    weights: np.ndarray
    time: float

    @property
    def is_equal(self) -> bool:
        """Whether all particles have the same mass."""
        return bool((self.weights == self.weights[0]).all())


@takes_numbers
def sample_run(
    run: str | os.PathLike[str] | RunDirectory,
    count: int,
    output: str | os.PathLike[str],
    *,
    time: float | None = None,
    index: int | None = None,
    method: Method = "independent",
    weights: Weighting = "equal",
    seed: int = 0,
) -> Path:
    """Draw particles from a stored density and write them, as ``gridflow sample`` does.

    Parameters
    ----------
    run
        Run directory, of a run on a torus.
    count
        Number of particles N ≥ 1.
    output
        File to write; see :func:`write_particles`.
    time, index
        A snapshot by its time or its index, as for :meth:`gridflow.runtime.store.RunDirectory.snapshot`. Default: the
        initial density, in double precision.
    method, weights, seed
        As for :func:`gridflow.sample`.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If there is no such snapshot, the density has both signs or no torus to live on, or an argument is not allowed.
    RunError
        If a file of the run is damaged, or the output cannot be written.
    """
    stored = run if isinstance(run, RunDirectory) else open_run(run)
    grid: Any = stored.grid
    if time is None and index is None:
        start = stored.started
        density, negative, at = start["initial"], start.get(NEGATIVE), 0.0
    else:
        frame = stored.snapshot(time, index)
        density, negative, at = frame.density.astype(float), frame.negative, frame.time
    if negative is not None:
        raise InputError(f"{stored.path} has a second density, of negative weights, which no particles stand for")
    return write_particles(output, grid, *sample(grid, density, count, method, weights, seed), at)


@takes_numbers
def write_particles(
    path: str | os.PathLike[str], grid: Grid, positions: np.ndarray, weights: np.ndarray, time: float = 0.0
) -> Path:
    """Write particles to a file, for a code of your own; the suffix determines the format.

    ``.npz``, ``.h5`` and ``.hdf5`` hold ``times`` (1,), ``positions`` (1, N, d) and ``weights`` (N,); ``.npy`` the
    positions alone, (N, d); ``.csv`` the columns t, id, x, y, z and w. ``.h5md`` is H5MD, ``.gsd`` that of HOOMD, in
    single precision, with a box around 0 and without the time, and ``.json`` openPMD. All but ``.npy`` are formats of
    ``gridflow compare``.

    Parameters
    ----------
    path
        The file; it is replaced.
    grid
        Grid of the run, whose torus is the box.
    positions
        Positions, shape (N, d), in units of length.
    weights
        Masses, shape (N,), ≥ 0.
    time
        Time of the particles. Default: 0.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If the suffix is not one of these, the format cannot hold the particles, its library is not installed, or a
        shape or a value is not allowed.
    RunError
        If the file cannot be written.
    """
    file = Path(path)
    write = FORMATS.get(file.suffix.lower())
    if write is None:
        raise InputError(f'output {file}: the ending "{file.suffix}" is not one of {", ".join(FORMATS)}')
    cloud = Cloud(grid, *checked_particles(grid.dim, positions, weights), float(time))
    with publishing(file, keep_ending=True) as temporary:
        write(temporary, cloud)
    return file


def _write_npz(file: Path, cloud: Cloud) -> None:
    np.savez(file, times=[cloud.time], positions=cloud.positions[np.newaxis], weights=cloud.weights)


def _write_npy(file: Path, cloud: Cloud) -> None:
    if not cloud.is_equal:
        raise InputError("a .npy file holds positions alone, and the weights are not equal; write another format")
    np.save(file, cloud.positions)


def _write_hdf5(file: Path, cloud: Cloud) -> None:
    with h5py.File(file, "w") as held:
        held["times"], held["weights"] = [cloud.time], cloud.weights
        held["positions"] = cloud.positions[np.newaxis]


def _write_csv(file: Path, cloud: Cloud) -> None:
    names = ["t", "id", *"xyz"[: cloud.grid.dim], "w"]
    count = len(cloud.weights)
    columns = (np.full(count, cloud.time), np.arange(count), *cloud.positions.T, cloud.weights)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    lines = [",".join(names), *(",".join(map(repr, row)) for row in rows)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_h5md(file: Path, cloud: Cloud) -> None:
    with h5py.File(file, "w") as held:
        about = held.create_group("h5md")
        about.attrs["version"] = (1, 1)
        about.create_group("author").attrs["name"] = "gridflow"
        about.create_group("creator").attrs["name"] = "gridflow"
        group = held.create_group("particles/all")
        group["position/time"], group["position/step"] = [cloud.time], [0]
        group["position/value"] = cloud.positions[np.newaxis]
        group["mass"], group["id"] = cloud.weights, np.arange(len(cloud.weights))
        group["box/edges"] = np.array(cloud.grid.lengths)
        group["box"].attrs["dimension"] = cloud.grid.dim
        group["box"].attrs["boundary"] = ["periodic"] * cloud.grid.dim


def _write_gsd(file: Path, cloud: Cloud) -> None:
    dim, lengths = cloud.grid.dim, np.array(cloud.grid.lengths)
    if dim == 1:
        raise InputError("GSD has two or three dimensions, and the run has one; write another format")
    try:
        import gsd.hoomd  # imported here because it is optional, as below
    except ImportError:
        raise InputError("GSD files need gsd: pip install 'gridflow[trajectories]'") from None
    frame = gsd.hoomd.Frame()
    frame.configuration.step, frame.configuration.dimensions = 0, dim
    frame.configuration.box = [*lengths, *[0.0] * (3 - dim), 0.0, 0.0, 0.0]
    frame.particles.N = len(cloud.weights)
    frame.particles.types, frame.particles.typeid = ["A"], np.zeros(len(cloud.weights), dtype=np.uint32)
    frame.particles.position = np.pad(cloud.positions - lengths / 2, ((0, 0), (0, 3 - dim)))
    frame.particles.mass = cloud.weights
    with gsd.hoomd.open(str(file), "w") as held:
        held.append(frame)


def _write_openpmd(file: Path, cloud: Cloud) -> None:
    try:
        import openpmd_api as openpmd
    except ImportError:
        raise InputError("openPMD files need openPMD-api: pip install 'gridflow[trajectories]'") from None
    series = openpmd.Series(str(file), openpmd.Access.create)
    iteration = series.iterations[0]
    iteration.time, iteration.dt, iteration.time_unit_SI = cloud.time, 0.0, 1.0
    species, scalar = iteration.particles["all"], openpmd.Mesh_Record_Component.SCALAR

    def store(record: str, component: str, values: np.ndarray) -> None:
        held = np.ascontiguousarray(values)
        species[record][component].reset_dataset(openpmd.Dataset(held.dtype, held.shape))
        species[record][component].store_chunk(held)
        series.flush()

    for axis in range(cloud.grid.dim):
        store("position", "xyz"[axis], cloud.positions[:, axis])
        store("positionOffset", "xyz"[axis], np.zeros(len(cloud.weights)))
    store("id", scalar, np.arange(len(cloud.weights), dtype=np.uint64))
    store("weighting", scalar, cloud.weights)
    series.close()


FORMATS: dict[str, Callable[[Path, Cloud], None]] = {
    ".npz": _write_npz,
    ".npy": _write_npy,
    ".csv": _write_csv,
    ".h5": _write_hdf5,
    ".hdf5": _write_hdf5,
    ".h5md": _write_h5md,
    ".gsd": _write_gsd,
    ".json": _write_openpmd,
}
"""What writes a file, by its suffix."""

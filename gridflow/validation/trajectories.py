"""Reads trajectories of particle codes, in several file formats."""

import csv
import json
import math
import os
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from gridflow.domains.torus import Grid
from gridflow.equation.contract import PARTICLES
from gridflow.equation.flow import Flow
from gridflow.errors import InputError
from gridflow.particles.clouds import checked_particles
from gridflow.runtime.store import RunDirectory, is_run

FORMATS = (".npz", ".h5", ".hdf5", ".h5md", ".csv", ".gsd", ".bp", ".json")
"""Suffixes of readable files; run directories of particles can be read, too."""


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Positions and weights of N particles over time, read one frame at a time.

    Attributes
    ----------
    name
        Name in reports.
    times
        Times of the frames, shape (T,), ascending.
    frame
        Function that returns the positions, shape (N, d), and the weights, shape (N,) or None if they are equal, of a
        frame by its index.
    keeps_order
        Whether the particles have the same order in every frame.
    box, origin
        Period and lower corner of the box along each axis, or None if the file does not contain them.

    Raises
    ------
    InputError
        If the times are not finite, ascending and one-dimensional.
    """

    name: str
    times: np.ndarray
    frame: Callable[[int], tuple[np.ndarray, np.ndarray | None]]
    keeps_order: bool = True
    box: tuple[float, ...] | None = None
    origin: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        times = np.asarray(self.times, dtype=float)
        if times.ndim != 1 or times.size == 0:
            raise InputError(f"{self.name}: times have shape {times.shape}; (T,) with T ≥ 1 is needed")
        if not np.isfinite(times).all() or (np.diff(times) <= 0).any():
            raise InputError(f"{self.name}: times must be finite and ascending")
        object.__setattr__(self, "times", times)


def from_arrays(
    times: np.ndarray, positions: np.ndarray, weights: np.ndarray | None = None, name: str = "particles"
) -> Trajectory:
    """Make a trajectory from arrays.

    Parameters
    ----------
    times
        Times of the frames, shape (T,), ascending.
    positions
        Positions, shape (T, N, d), in one dimension also (T, N), in any unit of length. Datasets of a file, such as
        those of h5py, are read one frame at a time.
    weights
        Masses, shape (N,) or (T, N), ≥ 0. Default: equal.
    name
        Name in reports.

    Raises
    ------
    InputError
        If a shape does not fit, or the times are not ascending.
    """
    positions = positions if hasattr(positions, "shape") else np.asarray(positions, dtype=float)
    if positions.ndim not in (2, 3) or len(positions) != np.size(times):
        raise InputError(
            f"{name}: positions have shape {tuple(positions.shape)}; (T, N, d) is needed, T = {np.size(times)} times"
        )
    if weights is not None:
        weights = weights if hasattr(weights, "shape") else np.asarray(weights, dtype=float)
        if tuple(weights.shape) not in (positions.shape[1:2], positions.shape[:2]):
            raise InputError(
                f"{name}: weights have shape {tuple(weights.shape)}; ({positions.shape[1]},) or "
                f"{tuple(positions.shape[:2])} is needed"
            )

    def frame(index: int) -> tuple[np.ndarray, np.ndarray | None]:
        at = np.asarray(positions[index], dtype=float)
        at = at[:, None] if at.ndim == 1 else at
        if weights is None:
            return at, None
        return at, np.asarray(weights if weights.ndim == 1 else weights[index], dtype=float)

    return Trajectory(name, np.asarray(times), frame)


def read(path: str | os.PathLike[str]) -> Trajectory:
    """Read the output of a particle code; the suffix determines the format.

    Readable are ``.npz`` and HDF5 with ``times``, ``positions`` and optionally ``weights`` (see :func:`from_arrays`);
    CSV with the columns t, x, y, z and optionally id and w; GSD; H5MD; openPMD in HDF5, ADIOS2 or JSON (``%T`` in the
    name stands for the iteration if there is one file for each); and runs of ``solvers.Particles``, also packed ones.

    Parameters
    ----------
    path
        The file or run directory.

    Raises
    ------
    InputError
        If the file cannot be read; one line names it and the problem.
    """
    file = Path(path)
    if is_run(file):
        return _read_run(file)
    if file.suffix.lower() not in FORMATS:
        raise InputError(
            f'{file}: the ending "{file.suffix}" is not one of {", ".join(FORMATS)}, nor is it a run directory'
        )
    if "%" not in file.name and not file.exists():
        raise InputError(f"{file} does not exist")
    if file.suffix in (".bp", ".json") or "%" in file.name:
        return _read_openpmd(file)
    readers = {".npz": _read_npz, ".csv": _read_csv, ".gsd": _read_gsd}
    try:
        return readers.get(file.suffix.lower(), _read_hdf5)(file)
    except InputError:
        raise
    except Exception as error:  # libraries raise anything on damaged files; report it in one line
        raise InputError(f"{file} cannot be read: {type(error).__name__}: {error}".splitlines()[0]) from None


def placed(
    given: Trajectory,
    grid: Grid,
    box: Sequence[float] | float | None = None,
    origin: Sequence[float] | float | None = None,
    time_unit: float = 1.0,
) -> Trajectory:
    """Convert a trajectory to the units of a run, with positions wrapped onto its torus.

    Parameters
    ----------
    given
        The trajectory.
    grid
        The run's grid.
    box
        Period of the particles' box along each axis, in their unit of length; one number holds for all axes. Positions
        are scaled by the ratio of the run's periods to these. Default: what the file says, else the run's periods.
    origin
        Lower corner of that box, in the same unit. Default: what the file says, else 0.
    time_unit
        Length of one unit of their time in the run's units. Default: 1.

    Raises
    ------
    InputError
        If a number is not allowed. Invalid positions or weights raise it when a frame is read.
    """
    if not (math.isfinite(time_unit) and time_unit > 0):
        raise InputError(f"time_unit = {time_unit}: it must be positive")
    periods = _per_axis(grid, box if box is not None else given.box, grid.lengths, "box")
    corner = _per_axis(grid, origin if origin is not None else given.origin, (0.0,) * grid.dim, "origin")
    if (periods <= 0).any():
        raise InputError(f"box = {periods.tolist()}: every period must be positive")
    scale = np.array(grid.lengths) / periods

    def frame(index: int) -> tuple[np.ndarray, np.ndarray | None]:
        at, weights = given.frame(index)
        try:
            at, _ = checked_particles(grid.dim, at, weights)
        except InputError as error:
            raise InputError(f"{given.name}, frame {index} (t = {given.times[index]:g}): {error}") from None
        return np.mod((at - corner) * scale, grid.lengths), weights

    return Trajectory(given.name, given.times * time_unit, frame, given.keeps_order)


def masses(flow: Flow, weights: np.ndarray | None, count: int) -> np.ndarray:
    """Return the particles' masses: the given ones, or equal ones with the total mass of the target."""
    return np.full(count, flow.target_mass / count) if weights is None else weights


def _per_axis(grid: Grid, given: Sequence[float] | float | None, default: tuple[float, ...], name: str) -> np.ndarray:
    values = np.array(default if given is None else grid.per_axis(np.asarray(given, dtype=float)), dtype=float)
    if values.shape != (grid.dim,) or not np.isfinite(values).all():
        raise InputError(f"{name} = {values.tolist()}: {grid.dim} finite numbers, or one for all axes, are needed")
    return values


def _read_run(path: Path) -> Trajectory:
    stored = RunDirectory(path)
    if stored.representation.kind != PARTICLES:
        raise InputError(f"{path} is a run of {stored.manifest['solver'].get('solver')}; one of Particles is needed")

    def frame(index: int) -> tuple[np.ndarray, np.ndarray | None]:
        snapshot = stored.snapshot(index=index)
        if snapshot.positions is None:
            raise InputError(f"{path} has a snapshot without positions")
        return snapshot.positions.astype(float), snapshot.weights.astype(
            float
        ) if snapshot.weights is not None else None

    return Trajectory(str(path), stored.times, frame)


def _need(found: Any, names: Sequence[str], file: Path) -> None:
    missing = [name for name in names if name not in found]
    if missing:
        raise InputError(f"{file} has no {' and no '.join(missing)}; it holds {', '.join(sorted(found)) or 'nothing'}")


def _read_npz(file: Path) -> Trajectory:
    if not zipfile.is_zipfile(file):
        raise InputError(f"{file} cannot be read: it is not what numpy.savez writes")
    with np.load(file, allow_pickle=False) as held:
        _need(held, ("times", "positions"), file)
        return from_arrays(held["times"], held["positions"], held.get("weights"), str(file))


def _read_hdf5(file: Path) -> Trajectory:
    held = h5py.File(file, "r")  # stays open, since frames are read on demand
    if "h5md" in held:
        return _read_h5md(file, held)
    if "openPMD" in held.attrs:
        held.close()
        return _read_openpmd(file)
    _need(held, ("times", "positions"), file)
    return from_arrays(held["times"][()], held["positions"], held.get("weights"), str(file))


def _read_h5md(file: Path, held: h5py.File) -> Trajectory:
    """Read H5MD, https://www.nongnu.org/h5md: one group with position/{time, value} and optionally id and mass."""
    groups = list(held.get("particles", {}))
    if len(groups) != 1:
        raise InputError(f"{file} has the groups of particles {groups}; exactly one is needed")
    group = held["particles"][groups[0]]
    _need(group, ("position",), file)
    _need(group["position"], ("time", "value"), file)
    box = group.get("box/edges")
    box = box["value"][0] if isinstance(box, h5py.Group) else None if box is None else box[()]
    identity, mass = (group.get(name) for name in ("id", "mass"))
    fixed = identity is None or isinstance(identity, h5py.Dataset)

    def frame(index: int) -> tuple[np.ndarray, np.ndarray | None]:
        at = group["position/value"][index].astype(float)
        weights = None
        if mass is not None:
            weights = (mass["value"][index] if isinstance(mass, h5py.Group) else mass[()]).astype(float)
        if not fixed:
            order = np.argsort(identity["value"][index], kind="stable")
            at, weights = at[order], weights if weights is None else weights[order]
        return at, weights

    edges = None if box is None else tuple(float(edge) for edge in (np.diag(box) if np.ndim(box) == 2 else box))
    return Trajectory(str(file), group["position/time"][()], frame, True, edges)


def _read_csv(file: Path) -> Trajectory:
    with file.open(newline="", encoding="utf-8-sig") as text:
        line = text.readline().strip()
        names = [name.strip().lower() for name in next(csv.reader([line.lstrip("# ")]), [])]
        if "t" not in names and ("," not in line or any(_is_number(name) for name in names)):
            raise InputError(f'{file}: the first line is "{line[:40]}"; it must name columns, as in t,id,x,y,w')
        _need(names, ("t", "x"), file)
        unknown = [name for name in names if name not in ("t", "id", "x", "y", "z", "w")]
        if unknown:
            raise InputError(f"{file} has the columns {', '.join(unknown)}; allowed are t, id, x, y, z and w")
        lines = [line for line in text if line.strip()]
    if not lines:
        raise InputError(f"{file} has no rows")
    wide = next((number for number, line in enumerate(lines, 2) if line.count(",") != len(names) - 1), None)
    if wide is not None:
        raise InputError(
            f"{file}, row {wide} of the table has {lines[wide - 2].count(',') + 1} values, not {len(names)}"
        )
    rows = np.loadtxt(lines, delimiter=",", ndmin=2)
    column = {name: rows[:, number] for number, name in enumerate(names)}
    order = np.lexsort((column.get("id", np.arange(len(rows))), column["t"]))
    times, counts = np.unique(column["t"], return_counts=True)
    if len(set(counts.tolist())) != 1:
        odd = times[counts != counts[0]][0]
        raise InputError(f"{file} has {counts[0]} particles at t = {times[0]:g} and not as many at t = {odd:g}")
    shape = len(times), counts[0]
    if "id" in column and (np.diff(column["id"][order].reshape(shape), axis=0) != 0).any():
        raise InputError(f"{file}: the ids at one time are not those at another")
    positions = np.stack([column[a][order].reshape(shape) for a in "xyz" if a in column], axis=-1)
    weights = column["w"][order].reshape(shape) if "w" in column else None
    found = from_arrays(times, positions, weights, str(file))
    return Trajectory(found.name, found.times, found.frame, "id" in column)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _read_gsd(file: Path) -> Trajectory:
    """Read GSD of HOOMD: times are step numbers, boxes are centred at 0, and particles keep their order."""
    try:
        import gsd.hoomd
    except ImportError:
        raise InputError(f"{file}: GSD files need gsd: pip install 'gridflow[trajectories]'") from None
    held = gsd.hoomd.open(str(file), "r")
    if len(held) == 0:
        raise InputError(f"{file} has no frames")
    first = held[0].configuration
    dim = int(first.dimensions)
    box = tuple(float(edge) for edge in first.box[:dim])

    def frame(index: int) -> tuple[np.ndarray, np.ndarray | None]:
        particles = held[index].particles
        mass = np.asarray(particles.mass, dtype=float)
        return np.asarray(particles.position, dtype=float)[:, :dim], mass / mass.sum()

    steps = np.array([held[index].configuration.step for index in range(len(held))], dtype=float)
    return Trajectory(str(file), steps, frame, True, box, tuple(-edge / 2 for edge in box))


def _need_openpmd_json(file: Path) -> None:
    """Raise InputError unless a JSON file has the attribute openPMD; the library may crash on a file without any."""
    try:
        held = json.loads(file.read_text())
    except ValueError as error:
        raise InputError(f"{file} cannot be read as openPMD: {error}".splitlines()[0]) from None
    attributes = held.get("attributes") if isinstance(held, dict) else None
    if not isinstance(attributes, dict) or "openPMD" not in attributes:
        raise InputError(f"{file} cannot be read as openPMD: it has no attribute openPMD")


def _read_openpmd(file: Path) -> Trajectory:
    """Read openPMD, https://www.openpmd.org: one species with position, optionally positionOffset, id, weighting."""
    try:
        import openpmd_api as openpmd
    except ImportError:
        raise InputError(f"{file}: openPMD files need openPMD-api: pip install 'gridflow[trajectories]'") from None
    if file.suffix == ".json" and "%" not in file.name:
        _need_openpmd_json(file)
    try:
        series = openpmd.Series(str(file), openpmd.Access.read_only)
    except Exception as error:  # the library's own errors have no common type
        raise InputError(f"{file} cannot be read as openPMD: {error}".splitlines()[0]) from None
    steps = sorted(series.iterations)
    if not steps:
        raise InputError(f"{file} has no iterations")
    species = list(series.iterations[steps[0]].particles)
    if len(species) != 1:
        raise InputError(f"{file} has the species {species}; exactly one is needed")
    axes = [axis for axis in "xyz" if axis in series.iterations[steps[0]].particles[species[0]]["position"]]
    ordered = "id" in series.iterations[steps[0]].particles[species[0]]

    def frame(index: int) -> tuple[np.ndarray, np.ndarray | None]:
        held = series.iterations[steps[index]].particles[species[0]]

        def load(record: str, component: str = openpmd.Mesh_Record_Component.SCALAR) -> np.ndarray:
            values = held[record][component].load_chunk()
            series.flush()
            return np.array(values, dtype=float)

        at = np.stack([load("position", axis) for axis in axes], axis=-1)
        if "positionOffset" in held:
            at += np.stack([load("positionOffset", axis) for axis in axes], axis=-1)
        weights = load("weighting") if "weighting" in held else None
        if ordered:
            order = np.argsort(load("id"), kind="stable")
            at, weights = at[order], weights if weights is None else weights[order]
        return at, weights

    times = [series.iterations[step].time * series.iterations[step].time_unit_SI for step in steps]
    return Trajectory(str(file), np.array(times), frame, ordered)

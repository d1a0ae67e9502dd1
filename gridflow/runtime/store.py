"""The run directory: the files that a run leaves on disk, and how to read them, also when they are packed in one."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gridflow.domains.base import Domain
from gridflow.equation.contract import INNER, NEGATIVE, OUTER, Representation
from gridflow.equation.flow import Equation
from gridflow.equation.kernels import Kernel
from gridflow.errors import InputError, RunError
from gridflow.files import checksum
from gridflow.runtime import datasets, manifests, schema, storage, summaries, thumbnails
from gridflow.runtime.schema import Snapshot

if TYPE_CHECKING:
    import pandas
    import xarray

FORMAT = 1
MANIFEST, CASE, PROBLEM, SERIES = "manifest.json", "case.toml", "problem.nc", "series.h5"
RUNNING = "running"
"""Status of a run from its start on, also of one that was killed."""
DONE = ("finished", "stopped")
"""Statuses of a run that has ended normally."""
SNAPSHOTS, CHECKPOINTS = "snapshots", "checkpoints"
REQUIRED = ("format", "gridflow", "versions", "grid", "problem", "solver", "t_end", "status")
"""Keys that every manifest has."""


class RunDirectory:
    """Read access to a run, a directory or packed in one file; safe while the run is in progress.

    Parameters
    ----------
    path
        The run directory or packed run.

    Raises
    ------
    InputError
        If the path is neither or was written by a later version of the format.
    RunError
        If a packed run is damaged.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._times: dict[str, float] = {}
        self._published: list[str] = []
        self._ordered: list[tuple[float, Path]] = []
        if not is_run(self.path):
            what = "is neither a run directory nor a packed run" if self.path.is_file() else "is not a run directory"
            raise InputError(f"{self.path} {what}: it has no {MANIFEST}")
        try:
            self.manifest: dict[str, Any] = json.loads(storage.text(self.path / MANIFEST))
        except ValueError as error:
            raise InputError(f"{self.path / MANIFEST} is damaged: {error}") from None
        missing = [key for key in REQUIRED if key not in self.manifest]
        if missing:
            raise InputError(f"{self.path / MANIFEST} is damaged: it lacks {', '.join(missing)}")
        if self.manifest["format"] > FORMAT:
            raise InputError(
                f"{self.path} has store format {self.manifest['format']}; this gridflow reads up to {FORMAT}"
            )

    def __repr__(self) -> str:
        solver = self.manifest["solver"].get("solver", "")
        return f"<{type(self).__name__} {self.path}: {self.title}; {solver}, {self.status}>"

    def _repr_html_(self) -> str:
        """Show the run in a notebook: what was solved, how far it has got, and the first and the last density."""
        grid, t_end = self.grid, float(self.manifest["t_end"])
        reason = self.manifest.get("reason", "")
        rows = [("status", f"{self.status}: {reason}" if reason else self.status), ("directory", str(self.path))]
        rows += summaries.equation_rows(grid, self.manifest["problem"]["kernel"], self.manifest["solver"])
        rows += summaries.readable(lambda: summaries.series_rows(self.series, t_end, grid.measure), rows)
        pictures = summaries.readable(self._pictures, rows)
        return summaries.Summary(self.title, rows, pictures, self.representation.signed).html()

    def _pictures(self) -> list[tuple[str, np.ndarray]]:
        """Return captions and pixels of the first and the last snapshot; none if there is nothing to draw."""
        stored, found = self._index(), []
        for _, path in stored[:1] + stored[1:][-1:]:
            frame = schema.read_snapshot(path)
            net = frame.density if frame.negative is None else frame.density - frame.negative
            pixels = thumbnails.small(self.grid, net)
            if pixels is not None:
                found.append((f"t = {frame.time:.4g}", pixels))
        return found

    @property
    def grid(self) -> Domain:
        """The run's grid."""
        return manifests.domain(self.manifest)

    @property
    def status(self) -> str:
        """Status: ``running`` (or killed), ``finished``, ``stopped``, ``interrupted`` or ``failed``."""
        return str(self.manifest["status"])

    @property
    def title(self) -> str:
        """Title of the case; the name of the directory if there is none."""
        return str(self.manifest.get("record", {}).get("title", "")) or self.path.name

    @property
    def case(self) -> str | None:
        """Text of the resolved case file, or None if the run was not made from one."""
        path = self.path / CASE
        return storage.text(path) if storage.exists(path) else None

    @property
    def target(self) -> np.ndarray:
        """Target density ν (mass / volume), float64 of shape ``grid.shape``; RunError if the file is damaged."""
        return schema.read_arrays(self.path / PROBLEM, ("target",))["target"]

    @property
    def initial(self) -> np.ndarray:
        """Density at time 0 (mass / volume), float64 of shape ``grid.shape``; RunError if the file is damaged."""
        return schema.read_arrays(self.path / PROBLEM, ("initial",))["initial"]

    @property
    def started(self) -> dict[str, np.ndarray]:
        """Initial data by name: ``initial``, ``target`` and, if present, the negative density and the weights."""
        return schema.read_arrays(self.path / PROBLEM, ("initial", "target", NEGATIVE, INNER, OUTER))

    @property
    def flow(self) -> Equation[Any]:
        """The equation that was solved; InputError if its kernel is a user-defined function."""
        return Equation.on(self.grid, self.kernel, self.target, float(self.manifest["problem"]["growth"]))

    @property
    def kernel(self) -> Kernel:
        """The kernel; InputError if it is a user-defined function, which no file can hold."""
        return manifests.kernel(self.manifest)

    @property
    def representation(self) -> Representation:
        """What the solver represented the density by."""
        return manifests.representation(self.manifest)

    @property
    def series(self) -> dict[str, np.ndarray]:
        """The time series, one array of shape (rows,) per column; empty until it is first written."""
        path = self.path / SERIES
        return schema.read_series(path) if storage.exists(path) else {}

    @property
    def times(self) -> np.ndarray:
        """Times of the stored snapshots, ascending, float64 of shape (snapshots,)."""
        return np.array([time for time, _ in self._index()])

    def snapshot(self, time: float | None = None, index: int | None = None) -> Snapshot:
        """Read one stored density, by time or by index.

        Parameters
        ----------
        time
            Time of the snapshot, to a relative 1e−9.
        index
            Position in the order of time; negative values count from the end.

        Returns
        -------
        Snapshot
            The density, float64 or float32 of shape ``grid.shape``, with whatever else the solver stores.

        Raises
        ------
        InputError
            If neither or both are given, or there is no such snapshot; the message states the times available.
        RunError
            If the file is damaged.
        """
        if (time is None) == (index is None):
            raise InputError("snapshot needs either time= or index=")
        stored = self._index()
        if not stored:
            raise InputError(f"{self.path} holds no snapshots")
        if index is not None:
            if not -len(stored) <= index < len(stored):
                raise InputError(f"snapshot index {index}: {self.path} holds {len(stored)} snapshots")
            return schema.read_snapshot(stored[index][1])
        assert time is not None
        nearest, path = min(stored, key=lambda entry: abs(entry[0] - time))
        if abs(nearest - time) > 1e-9 * max(abs(time), 1e-300):
            raise InputError(
                f"no snapshot at time {time}; the nearest of {len(stored)} "
                f"from {stored[0][0]:.6g} to {stored[-1][0]:.6g} is at {nearest:.10g}"
            )
        return schema.read_snapshot(path)

    def snapshots(self) -> Iterator[Snapshot]:
        """Iterate over all snapshots in the order of time, reading one at a time."""
        for _, path in self._index():
            yield schema.read_snapshot(path)

    def types(self, index: int) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
        """Shapes and types of the arrays of a snapshot, by its position in the order of time; none is read."""
        return schema.field_types(self._index()[index][1])

    def to_xarray(self) -> "xarray.Dataset":
        """Return the snapshots as a dataset of xarray, which the extra ``xarray`` of gridflow installs.

        Returns
        -------
        xarray.Dataset
            Every array of the snapshots over (time, x, y, z), on the sphere over (time, colatitude, longitude); points
            over (time, particle, axis) and the like. ``initial`` and ``target`` have no time. Coordinates are times,
            steps and cell centres. All have ``units`` and ``long_name``; the attributes say which run it is. With dask
            a snapshot is read, and its checksum compared, when its values are needed; without dask, at once.

        Raises
        ------
        InputError
            If xarray is not installed.
        RunError
            If a file is damaged.
        """
        problem = self.manifest["problem"]
        said = {
            "title": self.title,
            "gridflow": self.manifest["gridflow"],
            "domain": repr(self.grid),
            "kernel": problem["kernel"],
            "growth": problem["growth"],
            "solver": str(self.manifest["solver"].get("solver", "")),
            "t_end": self.manifest["t_end"],
            "status": self.status,
        }
        constant = schema.read_arrays(self.path / PROBLEM, tuple(schema.CONSTANT_FIELDS))
        return datasets.labelled(self.grid, self._index(), constant, said)

    def series_frame(self) -> "pandas.DataFrame":
        """Return the time series as a table of pandas, which the extra ``xarray`` of gridflow installs.

        Returns
        -------
        pandas.DataFrame
            One column for each of :attr:`series`, with the time as the index; units by column in ``attrs["units"]``.

        Raises
        ------
        InputError
            If pandas is not installed.
        RunError
            If the file is damaged.
        """
        return datasets.table(self.grid, self.series)

    def checkpoints(self) -> list[Path]:
        """Paths of the published checkpoints, newest first."""
        return storage.listed(self.path / CHECKPOINTS, ".h5")[::-1]

    def parts(self) -> list[Path]:
        """Paths of all files of the run that are there, or of the parts of a packed one; the lock is none of them."""
        single = [path for name in (MANIFEST, CASE, PROBLEM, SERIES) if storage.exists(path := self.path / name)]
        return [*single, *storage.listed(self.path / SNAPSHOTS, ".nc"), *self.checkpoints()[::-1]]

    def verify(self) -> list[str]:
        """Read every file and compare its checksums; return one line per file that is missing or damaged.

        A run that has ended, and was made by this version, knows its files. Of one that goes on only the snapshots are
        certain to stay.
        """
        there = self.parts()
        missing = (path for name in self._expected() if (path := self.path / name) not in there)
        problems = [f"{path} is missing" for path in missing]
        readers: dict[str, Callable[[Path], Any]] = {
            MANIFEST: storage.text,
            CASE: storage.text,
            PROBLEM: self._read_problem,
            SERIES: schema.read_series,
            SNAPSHOTS: schema.read_snapshot,
            CHECKPOINTS: schema.verify_checkpoint,
        }
        for path in there:
            try:
                readers[path.relative_to(self.path).parts[0]](path)
            except RunError as error:
                problems.append(str(error))
        return problems

    def _expected(self) -> list[str]:
        """Return the names of files that must be there."""
        known = self.manifest.get("files", ())
        kept = [name for name in known if self.status != RUNNING or name.startswith(f"{SNAPSHOTS}/")]
        return sorted({PROBLEM, *kept})

    def _read_problem(self, path: Path) -> None:
        """Compare the initial and target densities with the manifest; RunError if they differ from it."""
        for name, values in schema.read_arrays(path, ("initial", "target")).items():
            if checksum(values) != self.manifest["problem"][f"{name}_sha256"]:
                raise RunError(f"{path} is damaged: {name} does not match the manifest")

    def _index(self) -> list[tuple[float, Path]]:
        """Times and paths of the snapshots, ascending; each file is opened once, and sorted in when it is new."""
        folder = self.path / SNAPSHOTS
        published = storage.names(folder, ".nc")
        if published != self._published:
            for name in published:
                if name not in self._times:
                    with storage.reading(folder / name) as file:
                        self._times[name] = float(file["time"][0])
            self._ordered = sorted((self._times[name], folder / name) for name in published)
            self._published = published
        return self._ordered


def is_run(path: Path) -> bool:
    """Whether there is a run directory or a packed run at a path."""
    return storage.exists(path / MANIFEST)


def refuse_packed(path: Path) -> None:
    """Raise InputError if there is a packed run at a path, which only a directory of it can go on from."""
    if path.is_file() and is_run(path):
        raise InputError(f"{path} is a packed run, which is only read; to run on, first: gridflow unpack {path}")


def open_run(path: str | os.PathLike[str]) -> RunDirectory:
    """Open a run for reading, a directory or one that :func:`gridflow.runtime.packing.pack` has made one file.

    Parameters
    ----------
    path
        The run directory or packed run.

    Returns
    -------
    RunDirectory
        What is stored, read when it is asked for.

    Raises
    ------
    InputError
        If the path is neither or was written by a later version of the format.
    RunError
        If a packed run is damaged.
    """
    return RunDirectory(path)

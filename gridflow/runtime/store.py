"""The run directory: the files that a run leaves on disk, and how to read them.

Every file is written under a temporary name, flushed to disk and renamed. A run killed at any moment therefore leaves
only complete files.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from gridflow.domains.base import Domain
from gridflow.equation.contract import INNER, NEGATIVE, OUTER, Representation, State
from gridflow.equation.flow import Equation
from gridflow.equation.kernels import Kernel
from gridflow.errors import InputError, RunError
from gridflow.files import UNFINISHED, checksum, publish_folder, publish_text
from gridflow.runtime import manifests, schema
from gridflow.runtime.background import Background
from gridflow.runtime.schema import Snapshot

FORMAT = 1
MANIFEST, CASE, PROBLEM, SERIES = "manifest.json", "case.toml", "problem.nc", "series.h5"
DONE = ("finished", "stopped")
"""Statuses of a run that has ended normally."""
SNAPSHOTS, CHECKPOINTS, LOCK = "snapshots", "checkpoints", ".lock"
REQUIRED = ("format", "gridflow", "versions", "grid", "problem", "solver", "t_end", "status")
"""Keys that every manifest has."""


class RunDirectory:
    """Read access to a run; safe while the run is in progress.

    Parameters
    ----------
    path
        The run directory.

    Raises
    ------
    InputError
        If the path is not a run directory or was written by a later version of the format.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._times: dict[Path, float] = {}
        if not (self.path / MANIFEST).is_file():
            raise InputError(f"{self.path} is not a run directory: it has no {MANIFEST}")
        try:
            self.manifest: dict[str, Any] = json.loads((self.path / MANIFEST).read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(f"{self.path / MANIFEST} is damaged: {error}") from None
        missing = [key for key in REQUIRED if key not in self.manifest]
        if missing:
            raise InputError(f"{self.path / MANIFEST} is damaged: it lacks {', '.join(missing)}")
        if self.manifest["format"] > FORMAT:
            raise InputError(
                f"{self.path} has store format {self.manifest['format']}; this gridflow reads up to {FORMAT}"
            )

    @property
    def grid(self) -> Domain:
        """The run's grid."""
        return manifests.domain(self.manifest)

    @property
    def status(self) -> str:
        """Status: ``running`` (or killed), ``finished``, ``stopped``, ``interrupted`` or ``failed``."""
        return str(self.manifest["status"])

    @property
    def case(self) -> str | None:
        """Text of the resolved case file, or None if the run was not made from one."""
        path = self.path / CASE
        return path.read_text(encoding="utf-8") if path.is_file() else None

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
        return schema.read_series(path) if path.is_file() else {}

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

    def checkpoints(self) -> list[Path]:
        """Paths of the published checkpoints, newest first."""
        return sorted((self.path / CHECKPOINTS).glob("*.h5"), reverse=True)

    def verify(self) -> list[str]:
        """Read every file and compare its checksums; return one line per damaged file."""
        problems = []
        readers: list[tuple[Callable[[Path], Any], list[Path]]] = [
            (schema.read_snapshot, sorted((self.path / SNAPSHOTS).glob("*.nc"))),
            (schema.verify_checkpoint, self.checkpoints()),
            (schema.read_series, [self.path / SERIES] if (self.path / SERIES).is_file() else []),
            (self._read_problem, [self.path / PROBLEM]),
        ]
        for read, paths in readers:
            for path in paths:
                try:
                    read(path)
                except RunError as error:
                    problems.append(str(error))
        return problems

    def _read_problem(self, path: Path) -> None:
        """Compare the initial and target densities with the manifest; RunError if they differ from it."""
        for name, values in schema.read_arrays(path, ("initial", "target")).items():
            if checksum(values) != self.manifest["problem"][f"{name}_sha256"]:
                raise RunError(f"{path} is damaged: {name} does not match the manifest")

    def _index(self) -> list[tuple[float, Path]]:
        """Times and paths of the snapshots, ascending; files are opened once, since they never change."""
        published = list((self.path / SNAPSHOTS).glob("*.nc"))
        for path in published:
            if path not in self._times:
                with schema.reading(path) as file:
                    self._times[path] = float(file["time"][0])
        return sorted((self._times[path], path) for path in published)


def open_run(path: str | os.PathLike[str]) -> RunDirectory:
    """Open a run directory for reading.

    Parameters
    ----------
    path
        The run directory.

    Returns
    -------
    RunDirectory
        What is stored, read when it is asked for.

    Raises
    ------
    InputError
        If the path is not a run directory or was written by a later version of the format.
    """
    return RunDirectory(path)


class RunWriter(RunDirectory):
    """Write access to a run, held by one process at a time.

    Construct it with :meth:`create` or :meth:`resume`. Snapshots are written in the background, one at a time. A
    checkpoint waits for them, so that everything before it is on disk.
    """

    def __init__(self, path: Path) -> None:
        if not (path / MANIFEST).is_file():
            raise InputError(f"{path} is not a run directory: it has no {MANIFEST}")
        self._lock = _lock(path)
        self._background = Background()
        try:
            super().__init__(path)
        except InputError:
            self._lock.close()
            raise
        for stale in path.rglob(UNFINISHED):  # left by a process that was killed while writing
            stale.unlink()

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        manifest: Mapping[str, Any],
        densities: Mapping[str, np.ndarray],
        case: str | None = None,
        force: bool = False,
    ) -> "RunWriter":
        """Create a run directory with its ``initial`` and ``target`` densities; ``force`` replaces an existing run.

        Raises
        ------
        InputError
            If the path exists and ``force`` is not given, or if the path is something other than a run directory.
        RunError
            If the directory cannot be written.
        """
        path = Path(path)
        if path.exists():
            if not force:
                raise InputError(f"{path} exists; resume it, choose another name, or pass force=True to replace it")
            if not (path / MANIFEST).is_file():
                raise InputError(f"{path} exists and is not a run directory; it will not be replaced")
        try:
            cls._create(path, manifest, densities, case)
        except OSError as error:
            raise RunError(f"cannot write {path}: {error}") from error
        return cls(path)

    @staticmethod
    def _create(path: Path, manifest: Mapping[str, Any], densities: Mapping[str, np.ndarray], case: str | None) -> None:
        """Prepare the directory under another name, move it into place, and then remove what it replaces."""
        prepared = path.with_name(f".{path.name}.{os.getpid()}.part")
        replaced = path.with_name(f".{path.name}.{os.getpid()}.old")
        try:
            for folder in (SNAPSHOTS, CHECKPOINTS):
                (prepared / folder).mkdir(parents=True)
            grid = Domain.from_record(manifest["grid"])
            schema.publish_hdf5(prepared / PROBLEM, lambda file: schema.write_fields(file, grid, densities, None))
            if case is not None:
                publish_text(prepared / CASE, case)
            _publish_manifest(prepared, {"format": FORMAT, **manifest, "status": "running"})
            if path.exists():
                with _lock(path):
                    publish_folder(prepared, path, replaced)
                shutil.rmtree(replaced)
            else:
                publish_folder(prepared, path)
        finally:
            shutil.rmtree(prepared, ignore_errors=True)

    @classmethod
    def resume(
        cls, path: str | os.PathLike[str], manifest: Mapping[str, Any], warn: Callable[[str], None]
    ) -> "RunWriter":
        """Open a run for continuation; if its problem differs from ``manifest``, InputError names the difference.

        Different versions of libraries are reported to ``warn``, since they may change the last bits.
        """
        writer = cls(Path(path))
        given = json.loads(json.dumps(manifest))
        if difference := manifests.difference(writer.manifest, given):
            writer.close()
            raise InputError(f"{path} was run with {difference}; only the same problem resumes")
        for name, before in writer.manifest["versions"].items():
            if given["versions"].get(name) != before:
                now = given["versions"].get(name)
                warn(f"{path} was begun with {name} {before}; with {now} the last bits may differ")
        return writer

    def flush(self) -> None:
        """Wait until every snapshot is on disk; RunError if the last one could not be written."""
        self._background.wait()

    def close(self) -> None:
        """Finish writing and release the run for other processes."""
        try:
            self.flush()
        finally:
            self._lock.close()

    def write_case(self, text: str) -> None:
        """Replace the resolved case, for example when a run is continued to a later time."""
        publish_text(self.path / CASE, text)

    def write_status(self, status: str, **facts: Any) -> None:
        """Publish the manifest with a new status and further entries."""
        self.manifest |= {"status": status, **facts}
        _publish_manifest(self.path, self.manifest)

    def write_snapshot(self, state: State, held: Mapping[str, np.ndarray], dtype: str) -> None:
        """Write a snapshot of a state in the background: the arrays ``held``, compressed.

        One copy of the arrays, in ``dtype``, is kept until they are on disk. The previous snapshot is awaited first.

        Raises
        ------
        RunError
            If the previous snapshot could not be written.
        """
        self.flush()
        fields = {name: array.astype(dtype) for name, array in held.items()}
        path = self.path / SNAPSHOTS / f"{state.step:012d}.nc"
        moment = State({}, state.time, state.step)  # a copy, because the run advances its own state
        grid = self.grid
        self._background.begin(
            lambda: schema.publish_hdf5(path, lambda file: schema.write_fields(file, grid, fields, moment))
        )

    def write_series(self, columns: Mapping[str, np.ndarray]) -> None:
        """Write all rows of the time series."""
        schema.publish_hdf5(self.path / SERIES, lambda file: schema.write_series(file, columns))

    def write_checkpoint(self, state: State) -> None:
        """Write everything that a continuation needs, read it back, and delete all but the previous checkpoint.

        All earlier snapshots are on disk first. Later checkpoints belong to a past that this run was not resumed from,
        because they are damaged or lack their rows of the series; they are deleted, too.
        """
        self.flush()
        path = self.path / CHECKPOINTS / f"{state.step:012d}.h5"
        schema.publish_hdf5(path, lambda file: schema.write_checkpoint(file, state))
        schema.verify_checkpoint(path)
        others = [other for other in self.checkpoints() if other != path]
        before = [other for other in others if other.name < path.name]
        for other in set(others) - set(before[:1]):
            other.unlink()

    def newest_state(self, warn: Callable[[str], None]) -> State | None:
        """Read the newest intact checkpoint, or return None if there is none; damaged ones are reported and skipped."""
        for path in self.checkpoints():
            try:
                return schema.read_checkpoint(path)
            except RunError as error:
                warn(f"{error}; trying the one before")
        return None


def _lock(path: Path) -> IO[str]:
    handle = (path / LOCK).open("w", encoding="utf-8")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        raise InputError(f"{path} is being written by another process") from None
    return handle


def _publish_manifest(path: Path, manifest: Mapping[str, Any]) -> None:
    publish_text(path / MANIFEST, json.dumps(manifest, indent=2, sort_keys=True) + "\n")

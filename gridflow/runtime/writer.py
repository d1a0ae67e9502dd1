"""Writing of run directories.

Every file is written under a temporary name, flushed to disk and renamed. A run killed at any moment therefore leaves
only complete files.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from gridflow.domains.base import Domain
from gridflow.equation.contract import State
from gridflow.errors import InputError, RunError
from gridflow.files import UNFINISHED, publish_folder, publish_text
from gridflow.runtime import manifests, schema
from gridflow.runtime.background import Background
from gridflow.runtime.store import (
    CASE,
    CHECKPOINTS,
    FORMAT,
    MANIFEST,
    PROBLEM,
    RUNNING,
    SERIES,
    SNAPSHOTS,
    RunDirectory,
    is_run,
    refuse_packed,
)

LOCK = ".lock"
"""File that is held by the process that writes a run."""


class RunWriter(RunDirectory):
    """Write access to a run, held by one process at a time.

    Construct it with :meth:`create` or :meth:`resume`. Snapshots are written in the background, one at a time. A
    checkpoint waits for them, so that everything before it is on disk.
    """

    def __init__(self, path: Path) -> None:
        refuse_packed(path)
        if not is_run(path):
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
        path = cls.check_free(path, force)
        try:
            cls._create(path, manifest, densities, case)
        except OSError as error:
            raise RunError(f"cannot write {path}: {error}") from error
        return cls(path)

    @staticmethod
    def check_free(path: str | os.PathLike[str], force: bool) -> Path:
        """Return the path of a run to create; InputError if it exists, or is no run that ``force`` may replace."""
        path = Path(path)
        if path.exists():
            if not force:
                raise InputError(f"{path} exists; resume it, choose another name, or pass force=True to replace it")
            if not (path / MANIFEST).is_file():
                raise InputError(f"{path} exists and is not a run directory; it will not be replaced")
        return path

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
            _publish_manifest(prepared, {"format": FORMAT, **manifest, "status": RUNNING})
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
        """Publish the manifest with a new status and further entries; at the end of a run also the names of its files.

        A snapshot that was there when the run ended before still belongs to it.
        """
        self.manifest |= {"status": status, **facts}
        if status != RUNNING:
            before = {name for name in self.manifest.get("files", ()) if name.startswith(f"{SNAPSHOTS}/")}
            kept = [name for name in (CASE, SERIES) if (self.path / name).is_file()]
            kept += [f"{SNAPSHOTS}/{path.name}" for path in (self.path / SNAPSHOTS).glob("*.nc")]
            kept += [f"{CHECKPOINTS}/{path.name}" for path in self.checkpoints()[:1]]  # the other may be a signal's own
            self.manifest["files"] = sorted({*kept, *before})
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
        schema.publish_hdf5(self.path / SERIES, lambda file: schema.write_series(file, columns, self.grid.measure))

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

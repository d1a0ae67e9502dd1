"""Plain arrays: a file of numpy, and a store of Zarr."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gridflow.equation.contract import INNER, OUTER, POSITIONS, WEIGHTS
from gridflow.errors import InputError, RunError
from gridflow.exchange.fields import FIELDS, Fields, names_of
from gridflow.files import publish_folder, publishing
from gridflow.runtime.schema import field_label
from gridflow.runtime.store import RunDirectory

ARRAYS = (*FIELDS, POSITIONS, WEIGHTS, INNER, OUTER)


@dataclass(frozen=True)
class Npz(Fields, kind="npz", suffixes=(".npz",)):
    """All snapshots as arrays of numpy, over (time, x, y, z) as in gridflow, with coordinates and the target."""

    def write(self, stored: RunDirectory, path: Path) -> Path:
        """Write the file, one snapshot at a time; see :meth:`Format.write`."""
        from zipfile import ZIP_DEFLATED, ZipFile

        indices = self.chosen(stored)
        first = stored.snapshot(index=indices[0])
        plain = {"time": stored.times[indices], "target": stored.target}
        plain |= {each.name: each.values for each in stored.grid.coordinates()}
        with publishing(path) as temporary, ZipFile(temporary, "w", ZIP_DEFLATED) as archive:
            for name, values in plain.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, np.ascontiguousarray(values), allow_pickle=False)
            for name in ARRAYS:
                if (one := getattr(first, name)) is None:
                    continue
                header = {"descr": one.dtype.str, "fortran_order": False, "shape": (len(indices), *one.shape)}
                with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                    np.lib.format.write_array_header_2_0(file, header)  # the array follows, one snapshot at a time
                    for frame in self.frames(stored):
                        file.write(np.ascontiguousarray(getattr(frame, name)).tobytes())
        return path


@dataclass(frozen=True)
class Zarr(Fields, kind="zarr", suffixes=(".zarr",)):
    """All snapshots as a Zarr store over (time, x, y, z), one chunk for each time: xarray, dask, the cloud."""

    def write(self, stored: RunDirectory, path: Path) -> Path:
        """Write the folder, one snapshot at a time; see :meth:`Format.write`."""
        try:
            import zarr  # an optional dependency
        except ImportError:
            raise InputError('the format zarr needs the package zarr: pip install "gridflow[xarray]"') from None
        if path.exists():
            raise InputError(f"{path} exists; remove it or choose another name")
        indices = self.chosen(stored)
        first = stored.snapshot(index=indices[0])
        prepared = path.with_name(f".{path.name}.part")
        shutil.rmtree(prepared, ignore_errors=True)  # left by a process that was killed
        try:
            root: Any = zarr.open_group(str(prepared), mode="w", zarr_format=2)
            order, measure = [each.name for each in stored.grid.coordinates()], stored.grid.measure
            _put(root, "time", stored.times[indices], ["time"], "time", "simulated time")
            for axis in stored.grid.coordinates():
                _put(root, axis.name, axis.values, [axis.name], axis.units, axis.meaning)
            _put(root, "target", stored.target, order, *field_label("target", measure))
            names = names_of(first)
            for name in names:
                one = getattr(first, name)
                made = root.create_array(
                    name, shape=(len(indices), *one.shape), chunks=(1, *one.shape), dtype=one.dtype
                )
                _label(made, ["time", *order], *field_label(name, measure))
            for number, frame in enumerate(self.frames(stored)):
                for name in names:
                    root[name][number] = getattr(frame, name)
            zarr.consolidate_metadata(str(prepared), zarr_format=2)
            publish_folder(prepared, path)
        except OSError as error:
            raise RunError(f"cannot write {path}: {error.strerror or error}") from error
        finally:
            shutil.rmtree(prepared, ignore_errors=True)
        return path


def _put(root: Any, name: str, values: np.ndarray, dimensions: list[str], units: str, meaning: str) -> None:
    made = root.create_array(name, shape=values.shape, chunks=values.shape, dtype=values.dtype)
    made[...] = values
    _label(made, dimensions, units, meaning)


def _label(array: Any, dimensions: list[str], units: str, meaning: str) -> None:
    array.attrs.update({"_ARRAY_DIMENSIONS": dimensions, "units": units, "long_name": meaning})

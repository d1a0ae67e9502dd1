"""Readers of arrays, one class for each file format."""

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from gridflow.densities.arrays import TIME, ArrayFormat, Choose, Field, installed
from gridflow.errors import InputError
from gridflow.files import checksum

_COORDINATES = ("x", "y", "z", "colatitude", "longitude", *TIME)
"""Columns of a table that are positions."""
_NUMBERS = "biufc"


class NumpyArray(ArrayFormat, suffixes=(".npy",)):
    """One array, without names."""

    @staticmethod
    def read(path: Path, choose: Choose) -> Field:
        """See :meth:`ArrayFormat.read`."""
        with _without_pickles():
            values = np.asarray(np.load(path, allow_pickle=False))
        choose({"": values.shape})
        return Field(values)


class NumpyArchive(ArrayFormat, suffixes=(".npz",)):
    """Named arrays."""

    @staticmethod
    def read(path: Path, choose: Choose) -> Field:
        """See :meth:`ArrayFormat.read`."""
        with _without_pickles(), np.load(path, allow_pickle=False) as file:
            arrays = {name: np.asarray(file[name]) for name in file.files}
        return Field(arrays[choose(_numeric(arrays))])


@contextmanager
def _without_pickles() -> Iterator[None]:
    try:
        yield
    except ValueError:  # NumPy's own message would advise unpickling an unknown file
        raise InputError("this is not a NumPy file of numbers") from None


class Csv(ArrayFormat, suffixes=(".csv",)):
    """A matrix whose rows are along x; or, under a line of names, a table with one row for each cell.

    The columns x, y, z of a table, or colatitude and longitude, are positions in any order; every other column is a
    variable.
    """

    @staticmethod
    def read(path: Path, choose: Choose) -> Field:
        """See :meth:`ArrayFormat.read`."""
        lines = [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.split("#")[0].strip()]
        if not lines:
            raise InputError("the file is empty")
        delimiter = next((mark for mark in ",;\t" if mark in lines[0]), None)
        heads = next(csv.reader(lines, delimiter=delimiter)) if delimiter else lines[0].split()
        heads = [name.strip() for name in heads]
        named = not all(_is_number(name) for name in heads)
        try:
            values = np.loadtxt(lines[named:], delimiter=delimiter, ndmin=2)
        except ValueError as error:
            raise InputError(f"the numbers cannot be read: {str(error).split(';')[0]}") from None
        if not named:
            choose({"": values.shape})
            return Field(values)
        if values.shape[1:] != (len(heads),):
            raise InputError(f"the first line has {len(heads)} names, the others {values.shape[1]} numbers")
        columns = dict(zip(heads, values.T, strict=True))
        axes = tuple(name for name in heads if name.lower() in _COORDINATES)
        places = [np.unique(columns[name], return_inverse=True) for name in axes]
        shape = tuple(len(positions) for positions, _ in places) or (len(values),)
        name = choose({name: shape for name in heads if name not in axes})
        if not axes:
            return Field(columns[name])
        found = np.zeros(shape)
        index = tuple(where for _, where in places)
        found[index] = columns[name]
        filled = len(np.unique(np.ravel_multi_index(index, shape)))
        if not filled == len(values) == found.size:
            raise InputError(
                f"{len(values)} rows with {filled} positions do not fill the {shape} cells of their {', '.join(axes)}"
            )
        return Field(found, axes)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


class Matlab(ArrayFormat, suffixes=(".mat",)):
    """Variables of MATLAB, of version 7.3 in HDF5."""

    @staticmethod
    def read(path: Path, choose: Choose) -> Field:
        """See :meth:`ArrayFormat.read`."""
        from scipy.io import loadmat, whosmat  # imported here because it loads slowly

        try:
            shapes = {name: shape for name, shape, kind in whosmat(path) if kind not in _NO_ARRAYS}
        except NotImplementedError:  # version 7.3, which stores axes in the opposite order
            return Field(_read_hdf5(path, lambda shapes: choose({k: s[::-1] for k, s in shapes.items()})).values.T)
        name = choose(shapes)
        return Field(np.asarray(loadmat(path, variable_names=[name])[name]))


_NO_ARRAYS = ("cell", "struct", "object", "char", "function", "opaque", "sparse", "unknown")


class NetCDF(ArrayFormat, suffixes=(".nc", ".nc4", ".cdf")):
    """Variables of netCDF 3, or of netCDF 4 in HDF5, such as the snapshots of a run."""

    @staticmethod
    def read(path: Path, choose: Choose) -> Field:
        """See :meth:`ArrayFormat.read`."""
        with path.open("rb") as file:
            head = file.read(4)
        if head == b"CDF\x05":
            raise InputError("the classic format of netCDF for 64-bit data is not read; write netCDF 4")
        return _read_netcdf3(path, choose) if head.startswith(b"CDF") else _read_hdf5(path, choose)


class Hdf5(ArrayFormat, suffixes=(".h5", ".hdf5")):
    """Datasets of HDF5; names of axes are those of attached dimension scales."""

    @staticmethod
    def read(path: Path, choose: Choose) -> Field:
        """See :meth:`ArrayFormat.read`."""
        return _read_hdf5(path, choose)


class VtkImage(ArrayFormat, suffixes=(".vti", ".vtk")):
    """Image data of VTK, on cells or points."""

    @staticmethod
    def read(path: Path, choose: Choose) -> Field:
        """See :meth:`ArrayFormat.read`."""
        xml = path.suffix.lower() == ".vti"
        module = installed("vtkmodules.vtkIOXML" if xml else "vtkmodules.vtkIOLegacy", "viz3d")
        reader = module.vtkXMLImageDataReader() if xml else module.vtkGenericDataObjectReader()
        to_numpy = installed("vtkmodules.util.numpy_support", "viz3d").vtk_to_numpy
        logger = installed("vtkmodules.vtkCommonCore", "viz3d").vtkLogger
        told = logger.GetCurrentVerbosityCutoff()
        logger.SetStderrVerbosity(logger.VERBOSITY_OFF)
        try:
            reader.SetFileName(str(path))
            reader.Update()
        finally:
            logger.SetStderrVerbosity(told)
        data = reader.GetOutput()
        if reader.GetErrorCode() or data is None or not data.IsA("vtkImageData") or not data.GetNumberOfPoints():
            raise InputError("undamaged image data of VTK is needed")
        points = data.GetDimensions()
        cells = tuple(max(n - 1, 1) for n in points)
        arrays = {
            held.GetArrayName(number): to_numpy(held.GetArray(number)).reshape(shape, order="F")
            for held, shape in ((data.GetPointData(), points), (data.GetCellData(), cells))
            for number in range(held.GetNumberOfArrays())
            if held.GetArray(number) is not None and held.GetArray(number).GetNumberOfComponents() == 1
        }
        return Field(arrays[choose(_numeric(arrays))], ("x", "y", "z"))


class VtkHdf(ArrayFormat, suffixes=(".vtkhdf",)):
    """Image data of VTK in HDF5, on cells or points, with times or without."""

    @staticmethod
    def read(path: Path, choose: Choose) -> Field:
        """See :meth:`ArrayFormat.read`."""
        with _hdf5(path) as file:
            root = file.get("VTKHDF", {})
            kind = root.attrs.get("Type", b"") if root else b""
            if kind not in (b"ImageData", "ImageData"):
                raise InputError("image data of VTK is needed")
            arrays = {name: data for part in ("PointData", "CellData") for name, data in root.get(part, {}).items()}
            values = arrays[choose(_numeric(arrays))][()]
            times = ("time",) if "Steps" in root else ()
        return Field(values, (*times, *("z", "y", "x")[len(times) - values.ndim :]))


class Tiff(ArrayFormat, suffixes=(".tif", ".tiff")):
    """Pictures of TIFF: x to the right, y upwards, and a stack of pages along z."""

    @staticmethod
    def read(path: Path, choose: Choose) -> Field:
        """See :meth:`ArrayFormat.read`."""
        tifffile = installed("tifffile", "tiff")
        with tifffile.TiffFile(path) as file:
            series = {str(number) if len(file.series) > 1 else "": each for number, each in enumerate(file.series)}
            chosen = series[choose({name: tuple(each.shape) for name, each in series.items()})]
            values, axes = np.asarray(chosen.asarray()), chosen.axes
        values = np.flip(values, axes.index("Y")) if "Y" in axes else values
        return Field(values, tuple(_TIFF_AXES.get(letter, letter) for letter in axes))


_TIFF_AXES = {"X": "x", "Y": "y", "Z": "z", "I": "z", "Q": "z", "T": "time"}
"""Names of the axes of TIFF: I and Q are pages whose meaning the file does not say."""


def _numeric(arrays: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Shapes of those arrays that hold numbers."""
    return {name: tuple(each.shape) for name, each in arrays.items() if each.dtype.kind in _NUMBERS and each.ndim}


@contextmanager
def _hdf5(path: Path) -> Iterator[Any]:
    import h5py  # imported here because it loads slowly

    if not h5py.is_hdf5(path):
        raise InputError("this is not a file of HDF5")
    with h5py.File(path, "r") as file:
        yield file


def _read_hdf5(path: Path, choose: Choose) -> Field:
    with _hdf5(path) as file:
        datasets: dict[str, Any] = {}

        def collect(name: str, item: Any) -> None:
            if hasattr(item, "dims") and item.attrs.get("CLASS") != b"DIMENSION_SCALE":
                datasets[name] = item

        file.visititems(collect)
        dataset = datasets[choose(_numeric(datasets))]
        values = dataset[()]
        if "sha256" in dataset.attrs and checksum(values) != dataset.attrs["sha256"]:
            raise InputError(f"the file is damaged: the checksum of {dataset.name} does not match")
        values = _unpacked(values, dataset.attrs)
        scales = [dimension[0] if len(dimension) else None for dimension in dataset.dims]
        if not all(scales):
            return Field(values)
        axes = tuple(str(scale.name).rpartition("/")[2] for scale in scales if scale)
        return _upwards(values, axes, [scale[()] for scale in scales if scale])


def _read_netcdf3(path: Path, choose: Choose) -> Field:
    from scipy.io import netcdf_file  # imported here because it loads slowly

    with netcdf_file(path, "r", mmap=False) as file:
        shapes = {
            name: tuple(each.shape)
            for name, each in file.variables.items()
            if name not in file.dimensions and each.data.dtype.kind in _NUMBERS
        }
        variable = file.variables[choose(shapes)]
        values, axes = _unpacked(variable[:], variable._attributes), tuple(variable.dimensions)
        along = [file.variables[name][:] if name in file.variables else np.zeros(1) for name in axes]
        return _upwards(values, axes, along)


def _unpacked(values: np.ndarray, attributes: Mapping[str, Any]) -> np.ndarray:
    """Apply the conventions of netCDF for packed numbers; InputError if a value is missing."""
    for name in ("_FillValue", "missing_value"):
        if name in attributes and (values == np.ravel(attributes[name])[0]).any():
            raise InputError(f"some values are missing: they have the {name} {np.ravel(attributes[name])[0]}")
    if "scale_factor" not in attributes and "add_offset" not in attributes:
        return np.asarray(values)
    factor, offset = (np.ravel(attributes.get(name, one))[0] for name, one in (("scale_factor", 1), ("add_offset", 0)))
    return np.asarray(values * float(factor) + float(offset))


def _upwards(values: np.ndarray, axes: tuple[str, ...], along: list[np.ndarray]) -> Field:
    """Flip the axes along which positions descend."""
    down = tuple(axis for axis, positions in enumerate(along) if positions[0] > positions[-1])
    return Field(np.flip(values, down), axes)

"""Stored runs as the tables and labelled arrays of other libraries: pandas and xarray."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gridflow.domains.base import Domain
from gridflow.errors import InputError
from gridflow.runtime import schema

if TYPE_CHECKING:
    import pandas
    import xarray


def labelled(
    grid: Domain,
    snapshots: Sequence[tuple[float, Path]],
    constant: Mapping[str, np.ndarray],
    attributes: Mapping[str, Any],
) -> "xarray.Dataset":
    """Return the snapshots of a run as a dataset; see :meth:`gridflow.runtime.store.RunDirectory.to_xarray`.

    Parameters
    ----------
    grid
        The domain, whose cells are the coordinates.
    snapshots
        Times and files, ascending.
    constant
        Arrays of the grid's shape that do not depend on time.
    attributes
        What is said of the run.
    """
    try:
        import xarray  # imported here because it is optional, as below
    except ImportError:
        raise InputError("to_xarray needs xarray, which is not installed: pip install 'gridflow[xarray]'") from None
    along = grid.coordinates()
    places = tuple(each.name for each in along)
    coordinates: dict[str, Any] = {
        each.name: (each.name, each.values, {"units": each.units, "long_name": each.meaning}) for each in along
    }
    variables: dict[str, Any] = {}
    for name, values in constant.items():
        variables[name] = (places, values, _described(*schema.field_label(name, grid.measure)))
    paths = [path for _, path in snapshots]
    steps = [int(schema.read_arrays(path, ("step",))["step"][0]) for path in paths]
    coordinates["time"] = ("time", [time for time, _ in snapshots], _described(*schema.SERIES_UNITS["time"]))
    coordinates["step"] = ("time", np.array(steps, dtype=int), _described(*schema.SERIES_UNITS["step"]))
    for name, (shape, dtype) in (schema.field_types(paths[0]) if paths else {}).items():
        axes = ("time", *schema.AXES_OF_POINTS.get(name, places))
        variables[name] = (
            axes,
            _stacked(paths, name, shape, dtype),
            _described(*schema.field_label(name, grid.measure)),
        )
    return xarray.Dataset(variables, coordinates, dict(attributes))


def table(grid: Domain, columns: Mapping[str, np.ndarray]) -> "pandas.DataFrame":
    """Return a series as a table; see :meth:`gridflow.runtime.store.RunDirectory.series_frame`."""
    try:
        import pandas
    except ImportError:
        raise InputError("series_frame needs pandas, which is not installed: pip install 'gridflow[xarray]'") from None
    times = pandas.Index(columns.get("time", np.zeros(0)), name="time")
    frame = pandas.DataFrame({name: values for name, values in columns.items() if name != "time"}, index=times)
    frame.attrs["units"] = {name: schema.column_label(name, grid.measure)[0] for name in columns}
    return frame


def _described(units: str, meaning: str) -> dict[str, str]:
    return {"units": units, "long_name": meaning}


def _stacked(paths: Sequence[Path], name: str, shape: tuple[int, ...], dtype: np.dtype) -> Any:
    """Return an array over (time, …) of all snapshots: with dask each is read when it is needed, without it now."""
    try:
        from dask import array
        from dask.delayed import delayed
    except ImportError:
        return np.stack([_read(path, name) for path in paths])
    return array.stack([array.from_delayed(delayed(_read)(path, name), shape, dtype) for path in paths])


def _read(path: Path, name: str) -> np.ndarray:
    values: np.ndarray = schema.read_arrays(path, (name,))[name][0]
    return values

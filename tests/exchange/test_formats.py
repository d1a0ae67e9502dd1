"""Every format gives back the stored values at their places and times, to the readers that users have."""

import numpy as np
import pytest

import gridflow as gf
from gridflow.domains.sphere import SphereGrid
from gridflow.exchange import Format
from solvers import FiniteVolume, Particles, SphereFiniteVolume

vtk = pytest.importorskip("vtk")
numpy_support = pytest.importorskip("vtk.util.numpy_support")
xarray = pytest.importorskip("xarray")

SHAPES = {1: ((7,), (2.0,)), 2: ((6, 4), (3.0, 1.0)), 3: ((6, 5, 4), (3.0, 1.0, 2.0))}
TIMES = [0.0, 0.1, 0.3]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """An asymmetric field on cells that are no cubes, in every dimension, and one on the sphere."""
    folder = tmp_path_factory.mktemp("exchange")
    random = np.random.default_rng(7)
    made = {}
    for dim, (shape, lengths) in SHAPES.items():
        grid = gf.Grid(shape, lengths)
        start = gf.normalize(grid, 1 + random.random(shape))
        solver = FiniteVolume(gf.Flow(grid, gf.Riesz(1), gf.uniform(grid)), reconstruction="upwind",
                              velocity="difference", tracer=random.random(shape))  # fmt: skip
        path = folder / f"{dim}.run"
        gf.run(solver, start, TIMES[-1], store=path, snapshots=gf.AtTimes(TIMES[:-1]), snapshot_dtype="float64")
        made[dim] = gf.open_run(path)
    grid = SphereGrid((12, 24))
    flow = gf.SphereFlow(grid, gf.Riesz(1), gf.uniform(grid))
    start = gf.normalize(grid, 1 + random.random(grid.shape))
    gf.run(SphereFiniteVolume(flow), start, 0.3, store=folder / "s.run", snapshots=gf.AtTimes([0.1]))
    made["sphere"] = gf.open_run(folder / "s.run")
    return made


def expected(stored, time):
    """The density at a time, with x as the first axis of three."""
    density = stored.snapshot(time=time).density
    return density.reshape(density.shape + (1,) * (3 - density.ndim))


def image_values(data, name, cells):
    """Cell or point values of an image of VTK, with x as the first axis of three."""
    held = data.GetCellData().GetArray(name) or data.GetPointData().GetArray(name)
    return numpy_support.vtk_to_numpy(held).reshape(cells, order="F")


def at_time(reader, time):
    reader.UpdateInformation()
    times = reader.GetOutputInformation(0).Get(vtk.vtkStreamingDemandDrivenPipeline.TIME_STEPS())
    assert times == pytest.approx(TIMES)
    reader.UpdateTimeStep(time)
    data = reader.GetOutputDataObject(0)
    while data.IsA("vtkMultiBlockDataSet"):
        data = data.GetBlock(0)
    return data


@pytest.mark.parametrize("dim", SHAPES)
def test_netcdf_is_what_xarray_reads(runs, tmp_path, dim):
    path = gf.export(runs[dim], tmp_path / "run.nc")
    with xarray.open_dataset(path, engine="h5netcdf") as data:
        assert data.density.dims == ("time", *"zyx"[3 - dim :])
        assert data.time.values.tolist() == runs[dim].times.tolist()
        assert data.density.attrs["units"] == "mass / volume"
        for axis, name in enumerate("xyz"[:dim]):
            assert data[name].values.tolist() == runs[dim].grid.centers(axis).tolist()
        back = data.transpose(..., *"xyz"[:dim])
        assert (back.density.sel(time=0.3).values == runs[dim].snapshot(time=0.3).density).all()
        assert (back.tracer.sel(time=0.1).values == runs[dim].snapshot(time=0.1).tracer).all()
        assert (back.target.values == runs[dim].target).all()


def test_netcdf_opens_in_other_libraries(runs, tmp_path):
    netcdf = pytest.importorskip("netCDF4")
    path = gf.export(runs[3], tmp_path / "run.nc")
    with netcdf.Dataset(path) as data:
        assert data["density"].dimensions == ("time", "z", "y", "x")
        assert (runs[3].snapshot(time=0.3).density == data["density"][2].T).all()


@pytest.mark.parametrize("dim", [2, 3])
def test_netcdf_opens_in_vtk_with_axes_and_times(runs, tmp_path, dim):
    path = gf.export(runs[dim], tmp_path / "run.nc")
    reader = vtk.vtkNetCDFCFReader()
    reader.SetFileName(str(path))
    reader.SphericalCoordinatesOff()
    reader.SetDimensions(f"({', '.join('zyx'[3 - dim :])})")
    data = at_time(reader, 0.1)
    wanted = expected(runs[dim], 0.1)
    np.testing.assert_array_equal(image_values(data, "density", wanted.shape), wanted)
    ends = [c for axis in range(dim) for c in runs[dim].grid.centers(axis)[[0, -1]]]
    np.testing.assert_allclose(data.GetBounds()[: 2 * dim], ends)


def test_netcdf_has_the_sphere_by_latitude(runs, tmp_path):
    stored = runs["sphere"]
    with xarray.open_dataset(gf.export(stored, tmp_path / "run.nc"), engine="h5netcdf") as data:
        x, y, z = np.moveaxis(stored.grid.points, -1, 0)
        latitude = np.degrees(np.arctan2(z, np.hypot(x, y)))
        longitude = np.degrees(np.arctan2(y, x)) % 360
        density = stored.snapshot(index=-1).density
        for ring, along in ((0, 0), (3, 7), (11, 23)):
            place = {"latitude": latitude[ring, along], "longitude": longitude[ring, along]}
            assert data.density.isel(time=-1).sel(place, method="nearest").values == density[ring, along]
        assert (np.diff(data.latitude) > 0).all()


@pytest.mark.parametrize(("to", "reader"), [("vtkhdf", "vtkHDFReader"), ("xdmf", "vtkXdmfReader")])
@pytest.mark.parametrize("dim", [2, 3])
def test_the_formats_of_vtk_open_in_vtk(runs, tmp_path, to, reader, dim):
    made = getattr(vtk, reader)()
    made.SetFileName(str(gf.export(runs[dim], tmp_path / f"run.{to}")))
    wanted = expected(runs[dim], 0.1)
    data = at_time(made, 0.1)
    for name, values in (("density", wanted), ("target", runs[dim].target.reshape(wanted.shape))):
        np.testing.assert_array_equal(image_values(data, name, wanted.shape), values)
    lengths = [end for length in runs[dim].grid.lengths for end in (0.0, length)]
    np.testing.assert_allclose(data.GetBounds()[: 2 * dim], lengths)


@pytest.mark.parametrize("dim", SHAPES)
def test_numpy_and_zarr_have_the_arrays_of_gridflow(runs, tmp_path, dim):
    with np.load(gf.export(runs[dim], tmp_path / "run.npz")) as data:
        assert data["time"].tolist() == runs[dim].times.tolist()
        for number, time in enumerate(TIMES):
            assert (data["density"][number] == runs[dim].snapshot(time=time).density).all()
        assert (data["x"] == runs[dim].grid.centers(0)).all()
    pytest.importorskip("zarr")
    with xarray.open_zarr(gf.export(runs[dim], tmp_path / "run.zarr")) as data:
        assert data.density.dims == ("time", *"xyz"[:dim])
        assert (data.density.sel(time=0.3).values == runs[dim].snapshot(time=0.3).density).all()
        assert (data.target.values == runs[dim].target).all()
    with pytest.raises(gf.InputError, match=r"run\.zarr exists; remove it"):
        gf.export(runs[dim], tmp_path / "run.zarr")


def test_particles_keep_their_places_in_numpy_and_netcdf(tmp_path):
    grid = gf.Grid((8, 8))
    solver = Particles(gf.Flow(grid, gf.Riesz(2), gf.uniform(grid)), *gf.sample(grid, gf.uniform(grid), 20, seed=1))
    gf.run(solver, gf.uniform(grid), 0.2, store=tmp_path / "p.run", snapshots=gf.EveryTime(0.1))
    stored = gf.open_run(tmp_path / "p.run")
    last = stored.snapshot(index=-1)
    with np.load(gf.export(stored, tmp_path / "p.npz")) as data:
        assert (data["positions"][-1] == last.positions).all()
    with xarray.open_dataset(gf.export(stored, tmp_path / "p.nc"), engine="h5netcdf") as data:
        assert (data.positions[-1].values == last.positions).all()
        assert data.weights.dims == ("time", "particle")


def test_chosen_times_are_written_alone(runs, tmp_path):
    with np.load(gf.export(runs[2], tmp_path / "a.npz", times=[0.29, 0.11, 0.3])) as data:
        assert data["time"].tolist() == pytest.approx([0.1, 0.3])
    with np.load(gf.export(runs[2], tmp_path / "b.npz", every=2)) as data:
        assert data["time"].tolist() == pytest.approx([0.0, 0.3])
    with pytest.raises(gf.InputError, match="every = 0: it must be at least 1"):
        gf.export(runs[2], tmp_path / "c.npz", every=0)


@pytest.mark.parametrize("suffix", [".nc", ".npz", ".vtkhdf", ".xdmf", ".zarr"])
def test_a_full_disk_is_one_line_and_leaves_nothing_behind(runs, tmp_path, suffix, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    stored = gf.open_run(runs[2].path)
    kind = Format.found(next(name for name in Format.kinds() if suffix in _suffixes(name)), [stored])
    monkeypatch.setattr(kind, "frames", full)
    with pytest.raises(gf.RunError, match=r"cannot write .*No space left"):
        gf.export(stored, tmp_path / f"run{suffix}")
    assert list(tmp_path.iterdir()) == []


def _suffixes(kind):
    return {suffix for made in Format.registered["export"][kind].values() for suffix in made.suffixes}


def test_the_sphere_is_refused_where_there_are_no_coordinates_for_it(runs, tmp_path):
    with pytest.raises(gf.InputError, match=r'export cannot make "vtkhdf" of .*: it has no coordinates for the sphere'):
        gf.export(runs["sphere"], tmp_path / "run.vtkhdf")

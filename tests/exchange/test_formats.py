"""Every format gives back the stored values at their places and times, to the readers that users have."""

import sys

import numpy as np
import pytest
from shell import call, gridflow

import gridflow as gf
from gridflow.domains.sphere import SphereGrid
from gridflow.exchange.arrays import Npz
from gridflow.exchange.fields import Frames
from solvers import FiniteVolume, Network, Particles, SphereFiniteVolume

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


@pytest.mark.parametrize("dim", SHAPES)
def test_netcdf_opens_in_vtk_with_axes_and_times(runs, tmp_path, dim):
    path = gf.export(runs[dim], tmp_path / "run.nc")
    reader = vtk.vtkNetCDFCFReader()
    reader.SetFileName(str(path))  # and all else as it is by default in ParaView, such as spherical coordinates
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


def test_netcdf_of_the_sphere_is_a_globe_in_vtk(runs, tmp_path):
    """Each cell has its value where it is, to the height of a cell, within which its corners are."""
    stored = runs["sphere"]
    reader = vtk.vtkNetCDFCFReader()
    reader.SetFileName(str(gf.export(stored, tmp_path / "run.nc")))
    reader.UpdateInformation()
    reader.UpdateTimeStep(0.3)
    data = reader.GetOutput()
    values = numpy_support.vtk_to_numpy(data.GetCellData().GetArray("density"))
    np.testing.assert_allclose(data.GetBounds()[4:], (-1, 1))  # closed at the poles
    centers = vtk.vtkCellCenters()
    centers.SetInputData(data)
    centers.Update()
    places = numpy_support.vtk_to_numpy(centers.GetOutput().GetPoints().GetData())
    places = places / np.linalg.norm(places, axis=1, keepdims=True)
    density, points = stored.snapshot(index=-1).density, stored.grid.points
    for ring, along in ((1, 3), (4, 20), (9, 11)):
        nearest = np.linalg.norm(places - points[ring, along], axis=1).argmin()
        assert np.linalg.norm(places[nearest] - points[ring, along]) < np.pi / 12 / 2
        assert values[nearest] == density[ring, along]


@pytest.mark.parametrize(("to", "reader"), [("vtkhdf", "vtkHDFReader"), ("xdmf", "vtkXdmfReader")])
@pytest.mark.parametrize("dim", SHAPES)
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
    def times(**options):
        with np.load(gf.export(runs[2], tmp_path / "a.npz", **options)) as data:
            assert len(data["density"]) == len(data["time"])
            return data["time"].tolist()

    assert times(times=[0.29, 0.11, 0.3]) == pytest.approx([0.1, 0.3])
    assert times(every=2) == pytest.approx([0.0, 0.3])
    assert times(index=[-1, 0, 2]) == pytest.approx([0.0, 0.3])
    for options, words in (
        ({"every": 0}, "every = 0: it must be a whole number of at least 1"),
        ({"every": 1.5}, r"every = 1\.5: it must be a whole number"),
        ({"index": [3]}, "index = 3: .* holds 3 snapshots"),
        ({"index": [0.5]}, r"index = \[0\.5\]: it must be one or more whole numbers"),
        ({"index": [0], "times": [0.1]}, "one of them is allowed"),
        ({"times": [np.nan]}, "one or more finite numbers"),
    ):
        with pytest.raises(gf.InputError, match=words):
            gf.export(runs[2], tmp_path / "b.npz", **options)
    said = gridflow("export", runs[2].path, "-o", "c.npz", "--index", "1,-1", folder=tmp_path)
    assert said.returncode == 0
    with np.load(tmp_path / "c.npz") as data:
        assert data["time"].tolist() == pytest.approx([0.1, 0.3])


def test_an_empty_hole_is_zero_and_not_missing(tmp_path):
    """Zarr has a fill value by default, 0, which xarray takes for missing."""
    grid = gf.Grid((8, 8))
    flow = gf.Flow(grid, gf.Riesz(1), gf.uniform(grid))
    solver = FiniteVolume(flow, reconstruction="upwind", velocity="difference")
    gf.run(solver, gf.ball_hole(grid, 0.3), 0.1, store=tmp_path / "h.run", snapshots=gf.EveryTime(0.1))
    assert gf.open_run(tmp_path / "h.run").snapshot(index=0).density.min() == 0
    with xarray.open_zarr(gf.export(tmp_path / "h.run", tmp_path / "h.zarr")) as data:
        assert data.time.values.tolist() == [0.0, 0.1]
        assert float(data.density[0].min(skipna=False)) == 0.0
    with xarray.open_dataset(gf.export(tmp_path / "h.run", tmp_path / "h.nc"), engine="h5netcdf") as data:
        assert float(data.density[0].min(skipna=False)) == 0.0


def longer(folder, t_end, **options):
    """A run in one dimension, which goes on if it is there."""
    grid = gf.Grid((7,), (2.0,))
    solver = FiniteVolume(gf.Flow(grid, gf.Riesz(1), gf.uniform(grid)), reconstruction="upwind", velocity="difference")
    resume = (folder / "l.run").exists()
    gf.run(
        solver, gf.cosine(grid), t_end, store=folder / "l.run", snapshots=gf.EveryTime(0.1), resume=resume, **options
    )
    return gf.open_run(folder / "l.run")


@pytest.mark.parametrize("suffix", [".nc", ".npz", ".vtkhdf", ".xdmf", ".zarr"])
def test_a_run_that_went_on_in_another_precision_has_the_wider_one(tmp_path, suffix):
    longer(tmp_path, 0.2)
    stored = longer(tmp_path, 0.4, snapshot_dtype="float64")
    assert {stored.snapshot(index=index).density.dtype.name for index in range(5)} == {"float32", "float64"}
    path = gf.export(stored, tmp_path / f"run{suffix}")
    if suffix in (".vtkhdf", ".xdmf"):
        reader = vtk.vtkHDFReader() if suffix == ".vtkhdf" else vtk.vtkXdmfReader()
        reader.SetFileName(str(path))
        reader.UpdateInformation()
        for frame in stored.snapshots():
            reader.UpdateTimeStep(frame.time)
            assert (image_values(reader.GetOutputDataObject(0), "density", (7,)) == frame.density).all()
        return
    opened = {".npz": np.load, ".zarr": xarray.open_zarr}.get(suffix, xarray.open_dataset)
    with opened(path) as data:
        assert data["density"].dtype == np.float64
        assert (np.asarray(data["density"]) == [frame.density for frame in stored.snapshots()]).all()


def test_what_a_run_writes_meanwhile_is_not_half_in_the_file(tmp_path):
    """The frames of a run that goes on are those that were there when the export began."""
    stored = longer(tmp_path, 0.2)
    frames = Npz().frames(stored)
    longer(tmp_path, 0.5)
    assert len(stored.times) == 6
    assert [frame.time for frame in frames] == frames.times.tolist() == pytest.approx([0.0, 0.1, 0.2])


def test_a_run_that_failed_has_what_it_wrote_and_one_without_snapshots_nothing(tmp_path):
    def poison(live):
        if live.steps == 3:
            live.density[2] = np.nan

    with pytest.raises(gf.RunError, match="not finite"):
        longer(tmp_path, 0.5, callbacks=[gf.Callback(poison, gf.EverySteps(1))])
    with xarray.open_dataset(gf.export(tmp_path / "l.run", tmp_path / "l.nc"), engine="h5netcdf") as data:
        assert data.attrs["status"] == "failed"
        assert bool(np.isfinite(data.density).all())
    for file in (tmp_path / "l.run" / "snapshots").iterdir():
        file.unlink()
    with pytest.raises(gf.InputError, match=r'export cannot make "netcdf" of .*: it holds no snapshots yet'):
        gf.export(tmp_path / "l.run", tmp_path / "none.nc")
    assert not (tmp_path / "none.nc").exists()


@pytest.mark.parametrize("suffix", [".nc", ".npz", ".vtkhdf", ".xdmf", ".zarr"])
def test_equal_content_is_equal_bytes_from_a_packed_run_too(runs, tmp_path, suffix):
    packed = gf.pack(runs[2], tmp_path / f"{runs[2].path.name}.h5")
    packed = packed.rename(tmp_path / runs[2].path.name)  # the name of a run is its title if it has no other
    files = []
    for number, run in enumerate((runs[2], packed)):
        (tmp_path / str(number)).mkdir()
        made = gf.export(run, tmp_path / str(number) / f"run{suffix}")
        files.append(
            {each.relative_to(made.parent): each.read_bytes() for each in made.parent.rglob("*") if each.is_file()}
        )
    assert len(files[0]) >= 1
    assert files[0] == files[1]


def test_neurons_are_in_netcdf_and_zarr(tmp_path):
    grid = gf.Circle(16)
    flow = gf.Flow(grid, gf.ReLU(), gf.uniform(grid), growth=2.0)
    network = Network(flow, gf.Weights(np.array([[1.0, 0.5], [0.2, 1.0], [0.3, 0.4]]), np.array([1.0, 2.0, 0.5])))
    gf.run(network, t_end=0.1, store=tmp_path / "n.run", snapshots=gf.EveryTime(0.1))
    last = gf.open_run(tmp_path / "n.run").snapshot(index=-1)
    for engine, path in (("h5netcdf", tmp_path / "n.nc"), ("zarr", tmp_path / "n.zarr")):
        with xarray.open_dataset(gf.export(tmp_path / "n.run", path), engine=engine) as data:
            assert data.inner_weights.dims == ("time", "neuron", "input")
            assert (data.inner_weights[-1].values == last.inner_weights).all()
            assert (data.outer_weights[-1].values == last.outer_weights).all()


@pytest.mark.parametrize("suffix", [".nc", ".npz", ".vtkhdf", ".xdmf", ".zarr"])
def test_what_cannot_be_read_or_written_is_one_line_and_leaves_nothing_behind(runs, tmp_path, suffix, monkeypatch):
    def full(frames):
        yield frames.stored.snapshot(index=0)
        raise OSError(28, "No space left on device")

    with pytest.raises(gf.RunError, match=rf"^cannot write /proc/run\{suffix}.*: [\w ]+$"):
        gf.export(runs[2], f"/proc/run{suffix}")
    monkeypatch.setattr(Frames, "__iter__", full)
    with pytest.raises(gf.RunError, match=r"cannot write .*No space left"):
        gf.export(runs[2], tmp_path / f"run{suffix}")
    assert list(tmp_path.iterdir()) == []


FULL = """
import resource, signal, sys
import gridflow as gf
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
limits = (".nc", 2000), (".vtkhdf", 2000), (".vtkhdf", 4500), (".xdmf", 5000), (".npz", 1000), (".zarr", 300)
for suffix, size in limits:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        gf.export(sys.argv[1], sys.argv[2] + "/run" + suffix)
        print(suffix, "was written")
    except gf.RunError as error:
        print(error)
"""


def test_a_disk_that_is_full_halfway_ends_in_one_line_too(runs, tmp_path):
    """HDF5 must not find out only when it closes the file, where it loses the error or crashes."""
    done = call(sys.executable, "-c", FULL, runs[3].path, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) == 6
    assert all(line.startswith(f"cannot write {tmp_path}/run.") and "File too large" in line for line in lines), lines
    assert list(tmp_path.iterdir()) == []


def test_the_sphere_is_refused_where_there_are_no_coordinates_for_it(runs, tmp_path):
    with pytest.raises(gf.InputError, match=r'export cannot make "vtkhdf" of .*: it has no coordinates for the sphere'):
        gf.export(runs["sphere"], tmp_path / "run.vtkhdf")

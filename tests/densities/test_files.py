"""Densities from files: every format gives the same numbers, and what does not fit is told in one line."""

import io

import h5py
import numpy as np
import pytest
import scipy.io
from PIL import Image, PngImagePlugin

import gridflow as gf
from gridflow.densities.arrays import ArrayFormat
from gridflow.densities.files import from_particle_file
from gridflow.errors import InputError
from solvers import FiniteVolume, SphereFiniteVolume

PLANE, SPACE = gf.Grid((6, 5), (1.0, 2.0)), gf.Grid((6, 5, 4))
FLAT, DEEP = (np.random.default_rng(0).random(grid.shape) + 0.1 for grid in (PLANE, SPACE))


def table(path):
    """Cells in any order, positions in any column."""
    rows = np.stack([*np.broadcast_arrays(*PLANE.mesh()), FLAT, 2 + FLAT**2], axis=-1).reshape(-1, 4)
    order = np.random.default_rng(1).permutation(len(rows))
    np.savetxt(path, rows[order][:, [1, 0, 3, 2]], header="y, x, other, density", delimiter=",", comments="")


def netcdf3(path):
    """Axes in the opposite order, one of them descending, and packed as the conventions of netCDF allow."""
    with scipy.io.netcdf_file(path, "w") as file:
        for name, size in (("time", 2), ("z", 4), ("y", 5), ("x", 6)):
            file.createDimension(name, size)
        file.createVariable("y", "f8", ("y",))[:] = SPACE.centers(1)[::-1]
        packed = file.createVariable("rho", "f8", ("time", "z", "y", "x"))
        packed.scale_factor, packed.add_offset = 0.5, 0.25
        packed[0], packed[1] = 7, (DEEP.transpose(2, 1, 0)[:, ::-1] - 0.25) / 0.5


def netcdf4(path):
    with h5py.File(path, "w") as file:
        file["rho"] = np.stack([np.ones((4, 6, 5)), DEEP.transpose(2, 0, 1)])
        for dimension, name, size in zip(file["rho"].dims, ("time", "z", "x", "y"), (2, 4, 6, 5), strict=True):
            file[name] = np.arange(size) / size
            file[name].make_scale(name)
            dimension.attach_scale(file[name])


def matlab73(path):
    """Version 7.3 of MATLAB: HDF5 with axes in the opposite order behind a header of its own."""
    with h5py.File(path, "w", userblock_size=512) as file:
        file["rho"] = DEEP.T
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


def vtkhdf(path):
    with h5py.File(path, "w") as file:
        file.create_group("VTKHDF").attrs["Type"] = np.bytes_("ImageData")
        file["VTKHDF/CellData/density"] = DEEP.T


def vti(path):
    """On points, as text: x is the fastest."""
    numbers = " ".join(map(repr, DEEP.ravel(order="F").tolist()))
    path.write_text(
        '<?xml version="1.0"?><VTKFile type="ImageData"><ImageData WholeExtent="0 5 0 4 0 3" Origin="0 0 0" '
        'Spacing="1 1 1"><Piece Extent="0 5 0 4 0 3"><PointData><DataArray type="Float64" Name="rho" format="ascii">'
        f"{numbers}</DataArray></PointData></Piece></ImageData></VTKFile>"
    )


def vtk(path):
    """On cells, of which there is one fewer than points along each axis."""
    numbers = "\n".join(map(repr, DEEP.ravel(order="F").tolist()))
    path.write_text(
        "# vtk DataFile Version 3.0\n\nASCII\nDATASET STRUCTURED_POINTS\nDIMENSIONS 7 6 5\nORIGIN 0 0 0\n"
        f"SPACING 1 1 1\nCELL_DATA {DEEP.size}\nSCALARS rho double\nLOOKUP_TABLE default\n{numbers}\n"
    )


def tiff(path):
    """Pages along z, and rows from the top."""
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(path, DEEP.T[:, ::-1], photometric="minisblack")


@pytest.mark.parametrize(
    ("name", "write", "grid", "values", "keys"),
    [
        ("a.npy", lambda path: np.save(path, FLAT), PLANE, FLAT, {}),
        ("times.npy", lambda path: np.save(path, [FLAT * 0, FLAT]), PLANE, FLAT, {"time_index": -1}),
        ("a.npz", lambda path: np.savez(path, density=FLAT, other=2 * FLAT, t=3.0), PLANE, FLAT, {}),
        ("b.npz", lambda path: np.savez(path, u=1 + FLAT, v=FLAT), PLANE, FLAT, {"variable": "v"}),
        ("matrix.csv", lambda path: np.savetxt(path, FLAT, delimiter=";"), PLANE, FLAT, {}),
        ("line.csv", lambda path: np.savetxt(path, FLAT[:, 0]), gf.Grid(6), FLAT[:, 0], {}),
        ("table.csv", table, PLANE, FLAT, {}),
        ("a.mat", lambda path: scipy.io.savemat(path, {"rho": FLAT, "name": "a"}), PLANE, FLAT, {}),
        ("b.mat", matlab73, SPACE, DEEP, {}),
        ("classic.nc", netcdf3, SPACE, DEEP, {"time_index": 1}),
        ("four.nc", netcdf4, SPACE, DEEP, {"time_index": 1, "variable": "rho"}),
        ("a.vtkhdf", vtkhdf, SPACE, DEEP, {}),
        ("a.vti", vti, SPACE, DEEP, {}),
        ("a.vtk", vtk, SPACE, DEEP, {}),
        ("stack.tif", tiff, SPACE, DEEP, {}),
    ],
)
def test_every_format_gives_the_numbers_in_the_order_of_the_grid(tmp_path, name, write, grid, values, keys):
    if name.endswith((".vti", ".vtk")):
        pytest.importorskip("vtkmodules")
    write(tmp_path / name)
    found = gf.from_file(grid, tmp_path / name, mass=2.0, **keys)
    # text has 18 digits, packed numbers round twice
    assert found == pytest.approx(gf.normalize(grid, values, 2.0), rel=16 * np.finfo(float).eps)


def test_a_snapshot_and_a_problem_of_a_run_can_start_another(tmp_path):
    flow = gf.Flow(PLANE, gf.Riesz(1), gf.uniform(PLANE))
    start = gf.from_array(PLANE, gf.normalize(PLANE, FLAT))
    run = gf.run(FiniteVolume(flow, tracer=FLAT / 2), start, 0.1, store=tmp_path / "a.run", progress=False)
    last = max((tmp_path / "a.run" / "snapshots").glob("*.nc"))
    # snapshots are in single precision
    assert gf.from_file(PLANE, last) == pytest.approx(run.density, rel=2.0**-22)
    problem = tmp_path / "a.run" / "problem.nc"
    assert gf.from_file(PLANE, problem, variable="initial") == pytest.approx(start, rel=8 * np.finfo(float).eps)
    with pytest.raises(InputError, match=r"initial \(6, 5\), target \(6, 5\); set variable"):
        gf.from_file(PLANE, problem)
    with h5py.File(problem, "r+") as file:
        file["initial"][0, 0] += 1
    with pytest.raises(InputError, match="checksum of /initial does not match"):
        gf.from_file(PLANE, problem, variable="initial")


@pytest.mark.parametrize("grid", [gf.Grid(6), gf.Grid((5, 5)), gf.Grid((4, 4, 4)), gf.SphereGrid((6, 6))], ids=str)
def test_exports_of_a_run_are_read_back(tmp_path, grid):
    """As many cells along every axis, so that no shape tells axes apart; latitudes of an export run north."""
    round_, kernel = grid.sphere_dim == 2, gf.Riesz(1)
    flow = (gf.SphereFlow if round_ else gf.Flow)(grid, kernel, gf.uniform(grid))
    start = gf.normalize(grid, np.random.default_rng(3).random(grid.shape) + 0.5)
    solver = (SphereFiniteVolume if round_ else FiniteVolume)(flow)
    run = gf.run(solver, start, 0.01, store=tmp_path / "a.run", progress=False)
    for suffix in ("nc", "npz") if round_ else ("nc", "npz", "vtkhdf"):  # which has no coordinates for the sphere
        file = gf.export(tmp_path / "a.run", tmp_path / f"a.{suffix}")
        # fields of snapshots are in single precision
        assert gf.from_file(grid, file, "density", time_index=0) == pytest.approx(start, rel=2.0**-22)
        assert gf.from_file(grid, file, "density", time_index=-1) == pytest.approx(run.density, rel=2.0**-22)


def axes(path, names, shape):
    """An array whose axes have names."""
    with scipy.io.netcdf_file(path, "w") as file:
        for name, size in zip(names, shape, strict=True):
            file.createDimension(name, size)
        file.createVariable("rho", "f8", names)[:] = 1.0


class Trap:
    """Its unpickling would show."""

    def __reduce__(self):
        return print, ("unpickled",)


@pytest.mark.parametrize(
    ("name", "write", "keys", "words"),
    [
        ("a.npy", lambda path: np.save(path, FLAT.T), {}, ("shape (5, 6)", "the grid has (6, 5)")),
        ("a.npy", lambda path: np.save(path, -FLAT), {}, ("negative",)),
        ("a.npy", lambda path: np.save(path, FLAT + 1j), {}, ("complex128",)),
        ("a.npy", lambda path: np.save(path, [FLAT, FLAT]), {}, ("2 times", "set time_index, from 0 to 1")),
        ("a.npy", lambda path: np.save(path, [FLAT, FLAT]), {"time_index": 2}, ("time_index = 2", "0 to 1")),
        ("a.npy", lambda path: np.save(path, FLAT), {"time_index": 2}, ("no axis of time",)),
        ("a.npy", lambda path: np.save(path, FLAT), {"variable": "u"}, ("without a name",)),
        ("a.npy", lambda path: np.save(path, np.array([Trap()]), allow_pickle=True), {}, ("not a NumPy file",)),
        ("a.npz", lambda path: np.savez(path, u=np.array([Trap()])), {}, ("not a NumPy file",)),
        ("a.npz", lambda path: np.savez(path, u=FLAT, v=FLAT), {}, ("u (6, 5), v (6, 5)", "set variable")),
        ("a.npz", lambda path: np.savez(path, first=FLAT), {"variable": "frist"}, ('did you mean "first"?',)),
        ("a.csv", lambda path: path.write_text("x,rho\n0,1\n0.5,2\n0,3\n"), {}, ("3 rows with 2 positions",)),
        ("a.csv", lambda path: path.write_text("1,2\n3\n"), {}, ("cannot be read", "columns changed")),
        ("four.nc", netcdf4, {"time_index": 0}, ("(2, 4, 6, 5) along time, z, x, y",)),
        ("a.xyz", lambda path: path.write_text(""), {}, ('".xyz" is not one of', ".npz", ".vti")),
        ("a.npy", lambda path: path.mkdir(), {}, ("Is a directory",)),
        ("a.npy", lambda path: np.save(path, DEEP), {}, ("shape (6, 5, 4)", "the grid has (6, 5) along x, y")),
        (
            "a.nc",
            lambda path: axes(path, ("x", "z"), (6, 5)),
            {},
            ("along x, z; the grid has (6, 5) along x, y",),
        ),
        ("a.nc", lambda path: axes(path, ("latitude", "longitude"), (6, 5)), {}, ("along latitude, longitude",)),
        ("a.nc", lambda path: path.write_bytes(b"CDF\x05" + bytes(40)), {}, ("64-bit data", "netCDF 4")),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(tmp_path, capsys, name, write, keys, words):
    write(tmp_path / name)
    with pytest.raises(InputError) as error:
        gf.from_file(PLANE, tmp_path / name, **keys)
    message = str(error.value)
    assert name in message
    assert "\n" not in message
    assert all(word in message for word in words)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("suffix", sorted(ArrayFormat.by_suffix))
@pytest.mark.parametrize("content", [b"", b"garbage\x00\xff\n" * 9])
def test_damaged_files_of_every_format(tmp_path, suffix, content):
    path = tmp_path / f"damaged{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"damaged\{suffix}") as error:
        gf.from_file(PLANE, path)
    assert "\n" not in str(error.value)


def test_missing_values_are_refused(tmp_path):
    with scipy.io.netcdf_file(tmp_path / "a.nc", "w") as file:
        file.createDimension("x", 6)
        rho = file.createVariable("rho", "f8", ("x",))
        rho._FillValue = -9.0
        rho[:] = [1, 2, 3, -9, 5, 6]
    with pytest.raises(InputError, match="some values are missing: they have the _FillValue -9"):
        gf.from_file(gf.Grid(6), tmp_path / "a.nc")


def test_particles_come_from_the_same_formats(tmp_path):
    positions = np.random.default_rng(0).random((20, 2))
    np.savez(tmp_path / "a.npz", positions=positions, time=np.arange(3))
    found = from_particle_file(PLANE, tmp_path / "a.npz")
    assert found == pytest.approx(gf.from_particles(PLANE, positions))
    with pytest.raises(InputError, match=r"a\.npz: particle positions have shape \(20, 2\)"):
        from_particle_file(SPACE, tmp_path / "a.npz")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_stand_as_the_camera_was_held(tmp_path, orientation):
    """The tag says where row 0 and column 0 of the file are in the picture (EXIF 2.3, tag 274)."""
    upright = np.arange(20, dtype=np.uint8).reshape(4, 5) * 10
    stored = {
        1: upright,
        2: upright[:, ::-1],  # column 0 on the right
        3: upright[::-1, ::-1],  # row 0 at the bottom, column 0 on the right
        4: upright[::-1],  # row 0 at the bottom
        5: upright.T,  # row 0 on the left, column 0 at the top
        6: upright[:, ::-1].T,  # row 0 on the right, column 0 at the top
        7: upright[::-1, ::-1].T,  # row 0 on the right, column 0 at the bottom
        8: upright[::-1].T,  # row 0 on the left, column 0 at the bottom
    }
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(np.ascontiguousarray(stored[orientation])).save(tmp_path / "a.png", exif=exif)
    found = gf.from_image(gf.Grid((5, 4)), tmp_path / "a.png")
    assert found == pytest.approx(gf.normalize(gf.Grid((5, 4)), upright[::-1].T), rel=1e-14)


def test_sixteen_bits_with_a_transparent_shade(tmp_path):
    """The shade in the chunk tRNS is white; the others keep all their bits."""
    pixels = np.arange(16, dtype=np.uint16).reshape(4, 4) * 3001
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "png")
    whole = data.getvalue()
    at = whole.index(b"IDAT") - 4
    chunk = io.BytesIO()
    PngImagePlugin.putchunk(chunk, b"tRNS", (3001).to_bytes(2))
    (tmp_path / "a.png").write_bytes(whole[:at] + chunk.getvalue() + whole[at:])
    expected = np.where(pixels == 3001, 65535, pixels)[::-1].T
    found = gf.from_image(gf.Grid((4, 4)), tmp_path / "a.png")
    assert found == pytest.approx(gf.normalize(gf.Grid((4, 4)), expected), rel=1e-14)


def test_a_picture_of_float64(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(tmp_path / "a.tif", FLAT.T[::-1])
    assert gf.from_image(PLANE, tmp_path / "a.tif") == pytest.approx(gf.normalize(PLANE, FLAT), rel=1e-14)

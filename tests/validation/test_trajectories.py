"""Trajectories as particle codes write them: every format gives the same arrays, every fault one line."""

import h5py
import numpy as np
import pytest

import gridflow as gf
from gridflow.validation.trajectories import Trajectory, from_arrays, placed, read
from solvers import Particles

TIMES = np.array([0.0, 0.5, 1.0])
RNG = np.random.default_rng(3)
POSITIONS = {dim: RNG.random((3, 7, dim)) for dim in (1, 2, 3)}
WEIGHTS = RNG.random((3, 7)) + 0.1


def write_npz(path, dim, weights):
    np.savez(path, times=TIMES, positions=POSITIONS[dim], **({} if weights is None else {"weights": weights}))


def write_hdf5(path, dim, weights):
    with h5py.File(path, "w") as file:
        file["times"], file["positions"] = TIMES, POSITIONS[dim]
        if weights is not None:
            file["weights"] = weights


def write_h5md(path, dim, weights):
    """With ids, in an order of its own at every time."""
    order = np.array([RNG.permutation(7) for _ in TIMES])
    with h5py.File(path, "w") as file:
        file.create_group("h5md")
        group = file.create_group("particles/all")
        group["position/time"], group["position/step"] = TIMES, np.arange(3)
        group["position/value"] = np.take_along_axis(POSITIONS[dim], order[:, :, None], axis=1)
        group["id/value"] = order
        group["box/edges"] = np.ones(dim)
        if weights is not None:
            held = np.broadcast_to(weights, (3, 7))
            group["mass/value"] = np.take_along_axis(held, order, axis=1)


def write_csv(path, dim, weights):
    """Rows in any order: the ids say which particle is which."""
    held = None if weights is None else np.broadcast_to(weights, (3, 7))
    rows = [
        [time, i, *POSITIONS[dim][frame, i], *([] if held is None else [held[frame, i]])]
        for frame, time in enumerate(TIMES)
        for i in range(7)
    ]
    names = ["t", "id", *"xyz"[:dim], *([] if held is None else ["w"])]
    lines = [",".join(repr(float(value)) for value in rows[i]) for i in RNG.permutation(len(rows))]
    path.write_text("\n".join([",".join(names), *lines]) + "\n")


def write_gsd(path, dim, weights):
    """Boxes around 0, single precision, steps for times."""
    import gsd.hoomd

    with gsd.hoomd.open(str(path), "w") as file:
        for step, at in enumerate(POSITIONS[dim]):
            frame = gsd.hoomd.Frame()
            frame.configuration.step = step
            frame.configuration.dimensions = dim
            frame.configuration.box = [1, 1, 1 if dim == 3 else 0, 0, 0, 0]
            frame.particles.N = 7
            frame.particles.position = np.pad(at - 0.5, ((0, 0), (0, 3 - dim)))
            if weights is not None:
                frame.particles.mass = np.broadcast_to(weights, (3, 7))[step]
            file.append(frame)


def write_openpmd(path, dim, weights):
    """With ids, in an order of its own at every time."""
    import openpmd_api as openpmd

    series = openpmd.Series(str(path), openpmd.Access.create)
    scalar = openpmd.Mesh_Record_Component.SCALAR
    for step, at in enumerate(POSITIONS[dim]):
        iteration = series.iterations[step]
        iteration.time, iteration.dt, iteration.time_unit_SI = float(TIMES[step]), 0.5, 1.0
        species, order = iteration.particles["all"], RNG.permutation(7)

        def store(record, component, values, species=species, order=order):
            held = np.ascontiguousarray(values[order])
            species[record][component].reset_dataset(openpmd.Dataset(held.dtype, held.shape))
            species[record][component].store_chunk(held)
            series.flush()

        for axis in range(dim):
            store("position", "xyz"[axis], at[:, axis])
            store("positionOffset", "xyz"[axis], np.zeros(7))
        store("id", scalar, np.arange(7, dtype=np.uint64))
        if weights is not None:
            store("weighting", scalar, np.broadcast_to(weights, (3, 7))[step])
    series.close()


WRITERS = {
    "a.npz": write_npz,
    "a.h5": write_hdf5,
    "a.h5md": write_h5md,
    "a.csv": write_csv,
    "a.gsd": write_gsd,
    "pmd.h5": write_openpmd,
    "pmd.json": write_openpmd,
}


FITTING = [(name, dim) for name in WRITERS for dim in (1, 2, 3) if (name, dim) != ("a.gsd", 1)]
"""GSD knows two and three dimensions."""


@pytest.mark.parametrize(("name", "dim"), FITTING)
@pytest.mark.parametrize("kind", ["equal", "constant", "changing"])
def test_every_format_gives_the_same_arrays(tmp_path, name, kind, dim):
    weights = {"equal": None, "constant": WEIGHTS[0], "changing": WEIGHTS}[kind]
    WRITERS[name](tmp_path / name, dim, weights)
    grid = gf.Grid((8,) * dim)
    found = placed(read(tmp_path / name), grid, time_unit=0.5 if name == "a.gsd" else 1.0)
    np.testing.assert_array_equal(found.times, TIMES)
    assert found.keeps_order
    single = name == "a.gsd"
    for frame in range(3):
        at, held = found.frame(frame)
        np.testing.assert_allclose(at, POSITIONS[dim][frame], rtol=0, atol=2e-7 if single else 1e-15)
        if weights is None:
            assert single or held is None  # GSD always has masses, 1 unless said
            assert held is None or np.ptp(held) == 0
        else:
            expected = np.broadcast_to(weights, (3, 7))[frame]
            # masses of GSD have units of their own: only their ratios count
            expected = expected / expected.sum() if single else expected
            np.testing.assert_allclose(held, expected, rtol=2e-7 if single else 1e-15)


def test_a_run_of_particles_is_read(tmp_path):
    grid = gf.Grid((16, 16))
    flow = gf.Flow(grid, gf.Riesz(1), gf.uniform(grid))
    solver = Particles(flow, POSITIONS[2][0])
    gf.run(solver, t_end=1.0, store=tmp_path / "p.run", snapshots=gf.AtTimes(TIMES))
    found = read(tmp_path / "p.run")
    np.testing.assert_array_equal(found.times, TIMES)
    # snapshots are single precision: positions below 1 round by half of 2^-24
    np.testing.assert_allclose(found.frame(0)[0], POSITIONS[2][0], rtol=0, atol=2.0**-25)
    assert np.ptp(found.frame(2)[1]) == 0


def test_in_one_dimension_positions_may_lack_their_axis():
    found = from_arrays(TIMES, POSITIONS[1][:, :, 0])
    np.testing.assert_array_equal(found.frame(1)[0], POSITIONS[1][1])


def test_other_boxes_corners_and_units_of_time():
    """[−π, π) × [0, 3) in milliseconds, to 1 × 2 in seconds; positions need not be wrapped."""
    grid = gf.Grid((8, 8), (1.0, 2.0))
    theirs = POSITIONS[2] * [2 * np.pi, 3] - [np.pi, 0] + [4 * np.pi, -3]
    found = placed(from_arrays(TIMES * 1000, theirs), grid, (2 * np.pi, 3), (-np.pi, 0), 0.001)
    np.testing.assert_allclose(found.times, TIMES, rtol=1e-15)
    np.testing.assert_allclose(found.frame(2)[0], POSITIONS[2][2] * [1, 2], rtol=0, atol=1e-14)


def test_without_ids_a_table_does_not_keep_order(tmp_path):
    (tmp_path / "a.csv").write_text("t,x\n0,0.1\n0,0.2\n1,0.3\n1,0.4\n")
    found = read(tmp_path / "a.csv")
    assert not found.keeps_order
    np.testing.assert_array_equal(found.frame(1)[0], [[0.3], [0.4]])


def test_names_behind_a_sign_of_comment(tmp_path):
    """As numpy.savetxt writes them."""
    np.savetxt(tmp_path / "a.csv", [[0, 1, 0.5], [1, 1, 0.7]], delimiter=",", header="t,id,x")
    np.testing.assert_array_equal(read(tmp_path / "a.csv").frame(1)[0], [[0.7]])


def hdf5_with(**held):
    def write(path):
        with h5py.File(path, "w") as file:
            for name, values in held.items():
                file[name] = values

    return write


def npz_with(**held):
    return lambda path: np.savez(path, **held)


def text(lines):
    return lambda path: path.write_text(lines)


HALF = np.full((3, 7, 2), 0.5)
BAD = {
    "no_file": ("a.npz", None, "does not exist"),
    "ending": ("a.xyz", text("1"), 'the ending ".xyz" is not one of .npz'),
    "not_npz": ("a.npz", text("hello"), "cannot be read"),
    "not_hdf5": ("a.h5", text("hello"), "cannot be read"),
    "not_gsd": ("a.gsd", text("hello"), "cannot be read"),
    "not_json": ("a.json", text("hello"), "cannot be read as openPMD: Expecting value"),
    "not_openpmd": ("a.json", text("{}"), "cannot be read as openPMD: it has no attribute openPMD"),
    "no_positions": ("a.npz", npz_with(times=TIMES, x=HALF), "has no positions; it holds times, x"),
    "no_times": ("a.h5", hdf5_with(positions=HALF), "has no times; it holds positions"),
    "shape": ("a.npz", npz_with(times=TIMES, positions=HALF[:2]), "(T, N, d) is needed, T = 3 times"),
    "weights": ("a.h5", hdf5_with(times=TIMES, positions=HALF, weights=[1.0, 2]), "weights have shape (2,); (7,) or"),
    "descending": ("a.npz", npz_with(times=TIMES[::-1], positions=HALF), "times must be finite and ascending"),
    "nan_time": ("a.npz", npz_with(times=TIMES * np.nan, positions=HALF), "times must be finite and ascending"),
    "objects": ("a.npz", npz_with(times=np.array([None]), positions=HALF), "cannot be read"),
    "csv_empty": ("a.csv", text(""), 'the first line is ""; it must name columns'),
    "csv_no_names": ("a.csv", text("0,1\n0,2\n"), 'the first line is "0,1"; it must name columns'),
    "csv_semicolons": ("a.csv", text("t;x\n0;2\n"), 'the first line is "t;x"; it must name columns'),
    "csv_no_x": ("a.csv", text("t,y\n0,2\n"), "has no x; it holds t, y"),
    "csv_short": ("a.csv", text("t,x\n0,1\n1\n"), "row 3 of the table has 1 values, not 2"),
    "csv_no_rows": ("a.csv", text("t,x\n"), "has no rows"),
    "csv_column": ("a.csv", text("t,x,q\n0,1,2\n"), "has the columns q; allowed are t, id, x, y, z and w"),
    "csv_word": ("a.csv", text("t,x\n0,left\n"), "cannot be read: ValueError"),
    "csv_count": ("a.csv", text("t,x\n0,1\n0,2\n1,1\n"), "has 2 particles at t = 0 and not as many at t = 1"),
    "csv_ids": ("a.csv", text("t,id,x\n0,1,1\n1,2,1\n"), "the ids at one time are not those at another"),
    "h5md_groups": ("a.h5md", hdf5_with(h5md=0, particles=np.zeros(0)), "has the groups of particles []"),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_file_gives_one_line(tmp_path, fault):
    name, write, expected = BAD[fault]
    if write is not None:
        write(tmp_path / name)
    with pytest.raises(gf.InputError) as caught:
        read(tmp_path / name)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("positions", "weights", "expected"),
    [
        (np.full((3, 7, 3), 0.5), None, "frame 0 (t = 0)"),
        (np.full((3, 7, 2), np.nan), None, "frame 0 (t = 0)"),
        (HALF, np.full(7, -1.0), "frame 0 (t = 0)"),
    ],
    ids=["dimension", "nan", "negative"],
)
def test_bad_values_name_their_frame(positions, weights, expected):
    found = placed(from_arrays(TIMES, positions, weights), gf.Grid((8, 8)))
    with pytest.raises(gf.InputError) as caught:
        found.frame(0)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"box": [1, 2, 3]}, "box"),
        ({"box": [0, 1]}, "every period must be positive"),
        ({"origin": [np.nan, 1]}, "origin"),
        ({"time_unit": 0}, "time_unit = 0"),
    ],
    ids=["three", "zero", "nan", "unit"],
)
def test_bad_placements(options, expected):
    with pytest.raises(gf.InputError, match=expected):
        placed(from_arrays(TIMES, HALF), gf.Grid((8, 8)), **options)


def test_times_need_a_shape():
    with pytest.raises(gf.InputError, match=r"times have shape \(0,\)"):
        Trajectory("none", np.zeros(0), None)

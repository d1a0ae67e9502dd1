"""What the spectral solver keeps, what it reports, and that it can be interrupted."""

import math
import tracemalloc

import numpy as np
import pytest

import gridflow as gf
from gridflow.equation.contract import State
from solvers import Spectral

SHAPES = ((48,), (24, 30), (12, 15, 18))


def problem(shape, s=1.5, growth=0.0):
    grid = gf.Grid(shape, (1.0, 1.3, 0.7)[: len(shape)])
    return gf.Flow(grid, gf.Riesz(s), gf.cosine(grid, 0.2), growth), gf.cosine(grid, -0.4)


def steps_of(solver, state, number):
    for _ in range(number):
        solver.step(state, math.inf)
    return state


@pytest.mark.parametrize(
    ("shape", "dtype"), [*((shape, "float64") for shape in SHAPES), ((24, 30), "float32")], ids=str
)
def test_mass_energy_and_what_is_told(shape, dtype):
    flow, start = problem(shape)
    solver = Spectral(flow, dtype=dtype)
    state, before = solver.initialize(start), math.inf
    eps = float(np.finfo(dtype).eps)
    for _ in range(30):
        found, density = solver.diagnose(state), solver.density(state).astype(float)
        assert set(found) == {"mass", "min", "max", "energy", "dissipation", "negative_mass"}
        assert found["mass"] == pytest.approx(1.0, rel=100 * eps)
        assert (found["min"], found["max"]) == (density.min(), density.max())
        # transforms of μ and of ν, each right to log2(N) ε
        own = 0.5 * flow.symbol.max() * density.max()
        error = 16 * math.log2(density.size) * eps
        assert found["energy"] == pytest.approx(flow.energy(density), abs=error * (own * flow.energy(density)) ** 0.5)
        assert found["energy"] <= before * (1 + error)
        assert found["negative_mass"] == 0
        before = found["energy"]
        solver.step(state, math.inf)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("growth", [0.0, 1.0])
def test_the_dissipation_is_minus_the_derivative_of_the_energy(shape, growth):
    """Of the cell averages' energy, along the tendency, which a small step shows: second order in its length."""
    flow, start = problem(shape, growth=growth)
    solver = Spectral(flow)
    state = solver.initialize(start)
    dissipation = solver.diagnose(state)["dissipation"]
    assert dissipation == pytest.approx(gf.decay.exact_dissipation(flow, solver.density(state)), rel=1e-3)
    dt = 1e-4 * solver.stable_dt(state)
    energies = [flow.energy(solver.density(state))]
    for until in (dt, 2 * dt):
        solver.step(state, until)
        energies.append(flow.energy(solver.density(state)))
    slope = (4 * energies[1] - 3 * energies[0] - energies[2]) / (2 * dt)
    assert -slope == pytest.approx(dissipation, rel=1e-6)


@pytest.mark.parametrize("shape", SHAPES[1:], ids=str)  # one dimension has one thread
def test_the_same_bits_for_any_number_of_threads(shape, monkeypatch):
    monkeypatch.setattr("gridflow.compute.threads.FEWEST_MODES", 1)
    seen = []
    for threads in (1, 2, 3):
        flow, start = problem(shape, growth=0.5)
        solver = Spectral(flow, threads=threads)
        state = steps_of(solver, solver.initialize(start), 10)
        seen.append((state.time, solver.density(state).tobytes(), tuple(solver.diagnose(state).values())))
    assert seen[0] == seen[1] == seen[2]


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        *((shape, options) for shape in SHAPES for options in ({}, {"integrator": "etdrk2"})),
        ((24, 30), {"dtype": "float32"}),
    ],
    ids=str,
)
def test_a_restored_state_goes_on_with_the_same_bits(shape, options):
    flow, start = problem(shape)
    solver = Spectral(flow, **options)
    state = solver.initialize(start)
    for number in range(12):
        arrays = {name: values.copy() for name, values in state.arrays.items()}
        before = State(arrays, state.time, state.step, state.dt, dict(state.control))
        until = state.time * 1.05 if number % 3 == 2 else math.inf
        solver.step(state, until)
        other = Spectral(flow, **options)
        again = other.restore(before)
        if number % 2:
            other.diagnose(again)
        other.step(again, until)
        assert (again.time, again.control) == (state.time, state.control)
        assert np.array_equal(other.density(again), solver.density(state))


def test_symmetries():
    """Shifts by cells, reflections and exchanges of axes of the data do the same to the result, up to round-off."""
    grid = gf.Grid((24, 24))
    target = gf.cosine(grid, 0.2)
    start = gf.normalize(grid, 1 + 0.3 * np.sin(2 * np.pi * grid.mesh()[0]) * np.cos(2 * np.pi * grid.mesh()[1]))

    def reached(change):
        solver = Spectral(gf.Flow(grid, gf.Riesz(1.5), change(target)))
        state = solver.initialize(change(start))
        while state.time < 2.0:
            solver.step(state, 2.0)
        return solver.density(state)

    plain = reached(lambda f: f)
    for change in (lambda f: np.roll(f, (3, -5), (0, 1)), lambda f: f[::-1], lambda f: f.T):
        assert reached(change) == pytest.approx(change(plain), abs=1e-13)


@pytest.mark.parametrize("growth", [0.0, 1.0])
@pytest.mark.parametrize("shape", [(512, 512), (64, 64, 64)], ids=str)
def test_steps_allocate_no_full_array(shape, growth):
    flow, start = problem(shape, growth=growth)
    solver = Spectral(flow)
    state = steps_of(solver, solver.initialize(start), 2)
    tracemalloc.start()
    steps_of(solver, state, 3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < flow.grid.size * 8 / 8


def test_a_density_that_becomes_negative_is_reported_and_kept():
    """A disc hole has edges that no trigonometric polynomial resolves: it overshoots, which is said and not changed."""
    grid = gf.Grid((64, 64))
    flow = gf.Flow(grid, gf.Riesz(1), gf.uniform(grid))
    solver = Spectral(flow)
    with pytest.warns(RuntimeWarning, match=r"leave out 0\.07\d of the initial deviation"):
        state = solver.initialize(gf.ball_hole(grid, 0.25))
    with pytest.warns(RuntimeWarning, match=r"at t = .* the density is negative: -0\.\d+ in cell \[\d+, \d+\]") as seen:
        steps_of(solver, state, 5)
    assert len(seen) == 1
    found, density = solver.diagnose(state), solver.density(state)
    assert found["min"] == density.min() < -0.01
    assert found["negative_mass"] == pytest.approx(-density[density < 0].sum() * grid.cell_volume)
    assert found["mass"] == pytest.approx(1.0, rel=1e-13)


@pytest.mark.filterwarnings("ignore:at t = :RuntimeWarning", "ignore:the modes that:RuntimeWarning")
def test_a_run_stores_what_is_negative(tmp_path):
    grid = gf.Grid((32, 32))
    flow = gf.Flow(grid, gf.Riesz(1), gf.uniform(grid))
    run = gf.run(Spectral(flow), gf.ball_hole(grid, 0.25), t_end=0.2, store=tmp_path / "a.run")
    stored = gf.open_run(tmp_path / "a.run")
    assert stored.snapshot(index=-1).density.min() < 0
    assert stored.series["negative_mass"][-1] > 0
    assert stored.series["min"][-1] == run.density.min()
    gf.plot(tmp_path / "a.run", tmp_path / "a.png")


def test_options_that_are_not_allowed_are_named():
    flow, start = problem((16,))
    for options, message in (
        ({"integrator": "ssprk3"}, 'integrator "ssprk3": allowed are etdrk2, etdrk4'),
        ({"cfl": 0.0}, r"cfl = 0.0: it must be in \(0, 1\]"),
        ({"tolerance": -1.0}, "tolerance = -1.0: it must be positive"),
        ({"dtype": "int8"}, "dtype 'int8'"),
        ({"threads": 0}, "threads = 0"),
    ):
        with pytest.raises(gf.InputError, match=message):
            Spectral(flow, **options)
    with pytest.raises(gf.InputError, match=r"holds float64 of shape \(8,\) as density"):
        Spectral(flow).restore(State({"density": np.ones(8)}))
    solver = Spectral(flow)
    state = solver.initialize(start)
    solver.density(state)[3] = np.nan
    with pytest.raises(gf.RunError, match="the density is not finite"):
        solver.step(state, 1.0)

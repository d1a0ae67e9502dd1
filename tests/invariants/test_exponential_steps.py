"""What exponential steps of the finite-volume solver keep, and that a run with them can be interrupted."""

import math
import tracemalloc

import numpy as np
import pytest

import gridflow as gf
from gridflow.equation.contract import State
from solvers import FiniteVolume

SHAPES = ((64,), (24, 20), (10, 9, 12))
RECONSTRUCTIONS = ("sharp", "weno5", "muscl", "upwind")


def rough(shape, s=2.0, wave=0.0, growth=0.0, amplitude=0.4):
    grid = gf.Grid(shape, (1.0, 1.3, 0.7)[: len(shape)])
    nu = gf.cosine(grid, wave) if wave else gf.uniform(grid)
    return gf.Flow(grid, gf.Riesz(s), nu, growth), gf.random_sobolev(grid, 1.0, amplitude)


def steps_of(solver, state, number, until=math.inf):
    for _ in range(number):
        solver.step(state, until)
    return state


@pytest.mark.parametrize("reconstruction", RECONSTRUCTIONS)
@pytest.mark.parametrize("integrator", ["auto", "etdrk2", "etdrk4"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_mass_positivity_and_the_number_of_steps(shape, integrator, reconstruction):
    flow, start = rough(shape)
    solver = FiniteVolume(flow, reconstruction, integrator=integrator)
    state = steps_of(solver, solver.initialize(start), 200)
    density, found = solver.density(state), solver.diagnose(state)
    assert density.min() >= 0
    assert 0 < found["exponential_steps"] <= 200
    # an increment has no mean but the round-off of its transform, log2(N) ε of its size a step
    allowed = 200 * 2 * math.log2(flow.grid.size) * np.finfo(float).eps
    assert gf.diagnostics.mass(flow.grid, density) == pytest.approx(gf.diagnostics.mass(flow.grid, start), rel=allowed)


@pytest.mark.parametrize(
    ("shape", "reconstruction", "dtype"),
    [((256,), "sharp", "float64"), ((256,), "muscl", "float64"), ((256, 4), "muscl", "float32")],
)
def test_time_costs_its_logarithm(shape, reconstruction, dtype):
    """From one decade of time to the next the number of steps does not grow, as long as there are modes left (6e5)."""
    line, plane = gf.Grid(shape[:1]), gf.Grid(shape)
    flow = gf.Flow(plane, gf.Riesz(2), gf.uniform(plane))
    start = gf.random_sobolev(line, 1.0, 0.4).reshape(-1, *(1 for _ in shape[1:])) * np.ones(shape)
    solver = FiniteVolume(flow, reconstruction, dtype=dtype)
    state = solver.initialize(start)
    counts = []
    for until in 10.0 ** np.arange(3, 7):
        while state.time < until:
            solver.step(state, until)
        counts.append(state.step)
    # E ~ t^−3, so that the KMD falls by 3.5 e-foldings a decade, in quarters, and some steps are cut
    assert max(np.diff(counts)) <= 30
    assert solver.density(state).min() > 0


@pytest.mark.parametrize("s", [0.5, 1.5, 2.0, 3.0])
def test_auto_gives_what_explicit_steps_give(s):
    """Both are right to the tolerance: 1e−5 per e-folding or step, of which there are some tens, 1e−3 in all."""
    flow, start = rough((128,), s)
    until = 40 / flow.symbol[1] ** ((s - 1) / s)  # 40 of the slowest mode's times for s < 1, of the fastest's for s > 1
    energies = []
    for integrator in ("auto", "ssprk3"):
        solver = FiniteVolume(flow, integrator=integrator)
        state = solver.initialize(start)
        while state.time < until:
            solver.step(state, until)
        energies.append(flow.energy(solver.density(state)))
    assert energies[0] == pytest.approx(energies[1], rel=1e-3)


def test_a_coulomb_flow_has_no_use_for_them():
    """s = 1 relaxes all modes alike, so accuracy bounds the step before relaxation does."""
    grid = gf.Grid((64,))
    solver = FiniteVolume(gf.Flow(grid, gf.Riesz(1), gf.uniform(grid)))
    state = steps_of(solver, solver.initialize(gf.cosine(grid)), 300)
    assert solver.diagnose(state)["exponential_steps"] == 0


@pytest.mark.parametrize("integrator", ["auto", "etdrk4"])
def test_where_a_cell_would_become_negative_explicit_steps_are_taken(integrator):
    """A hole stays empty for s = 2, which no spectral increment keeps: the steps are the explicit ones, bit for bit."""
    grid = gf.Grid((32, 32))
    flow, hole = gf.Flow(grid, gf.Riesz(2), gf.uniform(grid)), gf.ball_hole(grid, 0.3)
    solver, plain = (FiniteVolume(flow, integrator=name, tracer=False) for name in (integrator, "ssprk3"))
    state, expected = solver.initialize(hole), plain.initialize(hole)
    for _ in range(60):
        solver.step(state, math.inf)
        plain.step(expected, math.inf)
        assert np.array_equal(solver.density(state), plain.density(expected))
    assert solver.diagnose(state)["exponential_steps"] == 0
    assert solver.density(state).min() < 2e-3
    assert state.control["patience"] > 1 or integrator == "auto"


def test_a_hole_that_is_carried_keeps_auto_explicit_until_it_is_filled():
    """Then χ is 0, and the energy goes on as without a tracer, to the tolerance of 1e−5 per e-folding or step."""
    grid = gf.Grid((32,))
    flow, hole = gf.Flow(grid, gf.Riesz(2), gf.uniform(grid)), gf.ball_hole(grid, 0.3)
    solver, plain = FiniteVolume(flow), FiniteVolume(flow, tracer=False)
    state, other = solver.initialize(hole), plain.initialize(hole)
    while state.time < 3e4:
        solver.step(state, 3e4)
        assert state.arrays["tracer"].max() <= 0.5 or state.control["exponential_steps"] == 0
    while other.time < 3e4:
        plain.step(other, 3e4)
    assert state.control["exponential_steps"] > 0
    assert (state.arrays["tracer"] == 0).all()
    assert solver.energy(state) == pytest.approx(plain.energy(other), rel=1e-2)


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((64,), {"tolerance": 1e-3}),
        ((24, 20), {"tolerance": 1e-3, "reconstruction": "muscl"}),
        ((24, 20), {"tolerance": 1e-3, "dtype": "float32"}),
        ((10, 9, 12), {"integrator": "etdrk2", "growth": 1e-4}),
        ((24, 20), {"tolerance": 1e-3, "wave": 0.3}),
        ((24, 20), {"integrator": "etdrk4"}),
    ],
    ids=str,
)
def test_a_restored_state_goes_on_with_the_same_bits(shape, options):
    """From wherever it is taken: before, at and after the first exponential step, and with a step that was cut."""
    options = dict(options)
    problem = {name: options.pop(name) for name in ("growth", "wave") if name in options}
    flow, start = rough(shape, **problem)
    solver = FiniteVolume(flow, **options)
    state = solver.initialize(start)
    kept = []
    for number in range(120):
        if number % 7 == 0:
            arrays = {name: values.copy() for name, values in state.arrays.items()}
            kept.append((number, State(arrays, state.time, state.step, state.dt, dict(state.control))))
        solver.step(state, state.time * 1.01 if number % 11 == 0 and number else math.inf)
        if number % 5 == 0:
            solver.diagnose(state)
    assert state.control["exponential_steps"] > 3
    for number, before in kept:
        other = FiniteVolume(flow, **options)
        again = other.restore(before)
        for later in range(number, 120):
            other.step(again, again.time * 1.01 if later % 11 == 0 and later else math.inf)
        assert (again.time, again.dt, again.control) == (state.time, state.dt, state.control)
        assert np.array_equal(other.density(again), solver.density(state))


@pytest.mark.parametrize("reconstruction", ["sharp", "muscl"])
@pytest.mark.parametrize("shape", [(40, 26), (12, 11, 9)], ids=str)
def test_the_same_bits_for_any_number_of_threads(shape, reconstruction, monkeypatch):
    monkeypatch.setattr("gridflow.compute.threads.FEWEST_MODES", 1)
    seen = []
    for threads in (1, 2, 3):
        flow, start = rough(shape)
        solver = FiniteVolume(flow, reconstruction, integrator="etdrk4", threads=threads)
        state = steps_of(solver, solver.initialize(start), 20)
        assert state.control["exponential_steps"] == 20
        seen.append((state.time, solver.density(state).tobytes()))
    assert seen[0] == seen[1] == seen[2]


@pytest.mark.parametrize(
    ("shape", "dtype"), [((256, 256), "float64"), ((64, 64, 64), "float64"), ((256, 256), "float32")], ids=str
)
def test_exponential_steps_allocate_no_full_array(shape, dtype):
    flow, start = rough(shape)
    solver = FiniteVolume(flow, integrator="etdrk4", dtype=dtype)
    state = steps_of(solver, solver.initialize(start), 2)
    tracemalloc.start()
    steps_of(solver, state, 3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert state.control["exponential_steps"] == 5
    assert peak < flow.grid.size * solver.dtype.itemsize / 8


def test_a_density_changed_from_outside_is_seen():
    flow, start = rough((64,))
    solver = FiniteVolume(flow)
    state = steps_of(solver, solver.initialize(start), 150)
    assert state.control["active"] == 1
    changed = solver.density(state)
    changed[...] = gf.cosine(flow.grid, 0.2)
    fresh = FiniteVolume(flow)
    twin = fresh.restore(State(dict(state.arrays), state.time, state.step, state.dt, dict(state.control)))
    steps_of(solver, state, 1)
    steps_of(fresh, twin, 1)
    assert np.array_equal(solver.density(state), fresh.density(twin))

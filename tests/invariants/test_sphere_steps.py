"""Laws of the finite volumes on the sphere that hold exactly, and the bits of their runs."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gridflow as gf
from gridflow.densities.sphere import bumps, cap_hole
from gridflow.domains.sphere import SphereGrid
from gridflow.equation.contract import State
from gridflow.equation.flow import SphereFlow
from gridflow.equation.kernels import ReLU
from solvers.sphere.rings import FEWEST_PARCELS, PARCEL_WIDTH, joined_cells
from solvers.sphere.solver import SphereFiniteVolume

SCHEMES = [("vanleer", "upwind"), ("vanleer", "muscl"), ("superbee", "muscl")]
"""Each is compiled for itself. `tests/solvers/test_lines.py` has the other limiters."""
SHAPES = ((4, 4), (8, 24), (13, 50), (16, 32), (24, 12))
EPS = float(np.finfo(float).eps)


def random_density(grid, seed, contrast):
    """Noise over orders of magnitude (contrast 100: down to the smallest numbers) with a tenth of the cells empty."""
    rng = np.random.default_rng(seed)
    values = np.exp(contrast * rng.standard_normal(grid.shape))
    values[rng.random(grid.shape) < 0.1] = 0.0
    values.flat[0] = 1.0
    return gf.normalize(grid, values)


def data(grid, kind, seed):
    if kind == "hole":
        return cap_hole(grid, 0.8, np.random.default_rng(seed).standard_normal(3))
    if kind == "spike":
        values = np.zeros(grid.shape)
        values.flat[seed % grid.size] = 1.0
        return gf.normalize(grid, values)
    return random_density(grid, seed, contrast=100.0 if kind == "extreme" else 2.0)


def energy_round_off(flow, max_density, energy):
    """As in tests/invariants/test_invariants.py: transforms are right to log2(N) ε relative to ‖μ‖."""
    own = 0.5 * flow.symbol.max() * flow.grid.volume * max_density**2
    return 8 * math.log2(flow.grid.size) * EPS * (energy + math.sqrt(energy * own)) + EPS**2 * own


@settings(max_examples=60, deadline=None)
@given(
    shape=st.sampled_from(SHAPES),
    scheme=st.sampled_from(SCHEMES),
    integrator=st.sampled_from(("euler", "ssprk2", "ssprk3")),
    cfl=st.sampled_from((0.5, 0.9, 1.0)),
    polar=st.sampled_from(("joined", "plain")),
    s=st.sampled_from((0.5, 1.0, 2.0)),
    kind=st.sampled_from(("random", "hole", "spike", "extreme")),
    growth=st.sampled_from((0.0, 0.0, 2.0, 1e2)),
    both=st.booleans(),
    rough=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_mass_positivity_and_energy(shape, scheme, integrator, cfl, polar, s, kind, growth, both, rough, seed):
    grid = SphereGrid(shape)
    target = random_density(grid, seed + 1, contrast=1.0) if rough else gf.uniform(grid)
    flow = SphereFlow(grid, gf.Riesz(s), target, growth)
    negative = random_density(grid, seed + 2, contrast=1.0) if growth and both else None
    solver = SphereFiniteVolume(flow, *scheme, integrator, cfl, polar=polar, negative=negative)
    state = solver.initialize(data(grid, kind, seed))
    mass = grid.integral(solver.density(state))
    before = solver.diagnose(state)
    steps = 10
    for _ in range(steps):
        solver.step(state, math.inf)
        assert all(values.min() >= 0 for values in state.arrays.values())
        now = solver.diagnose(state)
        max_density = sum(values.max() for values in state.arrays.values())
        slack = energy_round_off(flow, max_density, before["energy"])
        assert now["energy"] <= before["energy"] + slack
        before = now
    if not growth:
        assert abs(grid.integral(solver.density(state)) / mass - 1) <= 30 * steps * EPS


@pytest.mark.parametrize(("growth", "both"), [(0.0, False), (2.0, False), (2.0, True)])
@pytest.mark.parametrize("scheme", SCHEMES, ids="-".join)
def test_energy_identity(scheme, growth, both):
    """The tendency's derivative of E is −Σ_faces μ_face u² · length · distance − β Σ area μ V², to round-off."""
    grid = SphereGrid((13, 50))
    flow = SphereFlow(grid, gf.Riesz(1.25), random_density(grid, 1, contrast=0.5), growth)
    negative = random_density(grid, 3, contrast=0.5) if both else None
    solver = SphereFiniteVolume(flow, *scheme, polar="plain", negative=negative)
    state = solver.initialize(random_density(grid, 2, contrast=0.5))
    potential, tendency = solver.potential(state), solver.tendency(state)
    signed = sum(values * (1 if name == "density" else -1) for name, values in state.arrays.items())
    change = sum(values * (1 if name == "density" else -1) for name, values in tendency.items())
    assert abs(potential - flow.potential(signed)).max() <= 100 * EPS * abs(potential).max()
    found = solver.diagnose(state)
    h = float(signed.max() / abs(change).max())  # E is quadratic: a central difference of any width is exact
    above, below = flow.energy(signed + h * change), flow.energy(signed - h * change)
    assert (below - above) / (2 * h) == pytest.approx(found["dissipation"], rel=1e-11)
    assert found["energy"] == pytest.approx(flow.energy(signed), rel=1e-12)
    if scheme[1] == "upwind":  # whose face values can be written down in a line
        theta, edges, width = grid.colatitudes, grid.edges, 2 * np.pi / grid.shape[1]
        expected = growth * grid.integral(sum(state.arrays.values()) * potential**2)
        for name, values in state.arrays.items():
            v = potential if name == "density" else -potential
            south = (v[:-1] - v[1:]) / np.diff(theta)[:, None]
            donor = np.where(south > 0, values[:-1], values[1:])
            lengths = np.sin(edges[1:-1]) * width * np.diff(theta)
            expected += float((donor * south**2).sum(axis=1) @ lengths)
            distance = np.sin(theta) * width
            east = (v - np.roll(v, -1, 1)) / distance[:, None]
            donor = np.where(east > 0, values, np.roll(values, -1, 1))
            expected += float((donor * east**2).sum(axis=1) @ (np.diff(edges) * distance))
        assert found["dissipation"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("polar", ["joined", "plain"])
def test_mass_changes_by_growth_alone(polar):
    """d/dt ∫ μ = −β ∫ μ V, and the other way round for a density that counts as negative."""
    grid = SphereGrid((16, 32))
    flow = SphereFlow(grid, ReLU(), gf.uniform(grid), 2.0)
    solver = SphereFiniteVolume(flow, polar=polar, negative=bumps(grid, (0, 1, 1), 4.0, mass=0.5))
    state = solver.initialize(bumps(grid, (1, 0, 0.3), 3.0, mass=2.0))
    tendency = {name: values.copy() for name, values in solver.tendency(state).items()}
    potential = solver.potential(state)
    for name, sign in (("density", 1), ("negative", -1)):
        expected = -2 * sign * grid.integral(state.arrays[name] * potential)
        assert grid.integral(tendency[name]) == pytest.approx(expected, rel=1e-11)


def test_both_densities_trade_places_with_the_target_mirrored():
    """(μ⁺, μ⁻, ν) → (μ⁻, μ⁺, −ν) turns V into −V: the same run with the names exchanged, to the last bits but signs."""
    grid = SphereGrid((16, 32))
    target = bumps(grid, (1, 1, 1), 5.0) - bumps(grid, (0, -1, 0.2), 3.0)
    one, two = bumps(grid, (0, 0, 1), 2.0), bumps(grid, (-1, 0.5, 0), 4.0)
    states = []
    for sign, first, second in ((1, one, two), (-1, two, one)):
        solver = SphereFiniteVolume(SphereFlow(grid, ReLU(), sign * target, 2.0), negative=second)
        state = solver.initialize(first)
        for _ in range(10):
            solver.step(state, 10.0)
        states.append(state)
    assert states[0].time == pytest.approx(states[1].time, rel=1e-12)
    assert states[0].arrays["density"] == pytest.approx(states[1].arrays["negative"], rel=1e-9, abs=1e-12)
    assert states[0].arrays["negative"] == pytest.approx(states[1].arrays["density"], rel=1e-9, abs=1e-12)


def test_the_cells_of_a_parcel_hold_its_mass_along_a_line():
    grid = SphereGrid((32, 64))
    solver = SphereFiniteVolume(SphereFlow(grid, gf.Riesz(1), gf.uniform(grid)))
    given = random_density(grid, 4, contrast=1.0)
    held = solver.density(solver.initialize(given))
    for j, width in enumerate(joined_cells(grid)):
        parcels = held[j].reshape(-1, width)
        assert parcels.mean(axis=1) == pytest.approx(given[j].reshape(-1, width).mean(axis=1), rel=1e-14)
        if width > 2:
            assert abs(np.diff(parcels, 2, axis=1)).max() <= 10 * EPS * held.max()


@pytest.mark.parametrize("shape", [(64, 128), (64, 96), (48, 250), (4, 4)], ids=str)
def test_cells_are_joined_as_far_as_they_are_narrow(shape):
    grid = SphereGrid(shape)
    joined = joined_cells(grid)
    width = joined * np.sin(grid.colatitudes) * 2 * np.pi / shape[1]
    least = PARCEL_WIDTH * np.pi / shape[0]
    assert (shape[1] % joined == 0).all()
    assert (shape[1] // joined >= FEWEST_PARCELS).all()
    assert (width[joined > 1] < 2 * least).all()
    stuck = (shape[1] % (2 * joined) != 0) | (shape[1] // (2 * joined) < FEWEST_PARCELS)
    assert ((width >= least) | stuck).all()
    assert (joined == joined[::-1]).all()


@pytest.mark.parametrize("options", [{}, {"limiter": "superbee", "polar": "plain"}, {"negative": True}], ids=str)
@pytest.mark.parametrize("shape", [(4, 4), (13, 50), (64, 128)], ids=str)
def test_the_same_bits_for_any_number_of_threads(shape, options):
    grid = SphereGrid(shape)
    both = options.get("negative")
    flow = SphereFlow(grid, gf.Riesz(1), random_density(grid, 1, 0.5), 2.0 if both else 0.0)
    given = options | ({"negative": random_density(grid, 3, 1.0)} if both else {})

    def bits(threads):
        solver = SphereFiniteVolume(flow, **given, threads=threads)
        assert solver.threads == threads
        state = solver.initialize(random_density(grid, 2, 1.0))
        for _ in range(4):
            solver.step(state, math.inf)
        numbers = np.array([state.time, state.dt, *solver.diagnose(state).values()])
        return [values.tobytes() for values in (*state.arrays.values(), numbers)]

    assert bits(1) == bits(2) == bits(3)


@pytest.mark.parametrize("both", [False, True])
def test_a_run_resumes_with_the_same_bits_and_reads_back(both, tmp_path):
    grid = SphereGrid((16, 32))
    flow = SphereFlow(grid, ReLU(), bumps(grid, (1, 1, 1), 5.0), 2.0 if both else 0.0)
    negative = bumps(grid, (0, -1, 1), 3.0) if both else None

    def go(name, t_end, resume=False):
        solver = SphereFiniteVolume(flow, negative=negative)
        every = gf.EveryTime(1.0)
        return gf.run(
            solver, cap_hole(grid, 0.8, (1, 0, 0)), t_end, store=tmp_path / name, snapshots=every,
            snapshot_dtype="float64", checkpoints=every, resume=resume,
        )  # fmt: skip

    whole, _ = go("whole.run", 4.0), go("parts.run", 2.0)
    parts = go("parts.run", 4.0, resume=True)
    assert whole.steps == parts.steps
    for name, values in whole.state.arrays.items():
        assert values.tobytes() == parts.state.arrays[name].tobytes()
    stored = gf.open_run(tmp_path / "parts.run")
    assert stored.grid == grid
    assert stored.verify() == []
    assert stored.flow.energy(stored.initial) > 0
    last = stored.snapshot(index=-1)
    assert (last.density == whole.density).all()
    assert (last.negative is None) == (not both)
    if both:
        assert (last.negative == whole.state.arrays["negative"]).all()
    assert len(stored.times) == 5
    assert (np.diff(stored.series["energy"]) < 0).all()


@pytest.mark.parametrize("both", [False, True])
def test_steps_allocate_no_full_array(both):
    grid = SphereGrid((256, 512))
    flow = SphereFlow(grid, gf.Riesz(1), gf.uniform(grid), 1.0 if both else 0.0)
    solver = SphereFiniteVolume(flow, negative=gf.uniform(grid) if both else None)
    state = solver.initialize(cap_hole(grid, 0.8, (1, 0, 0)))
    solver.step(state, math.inf)
    tracemalloc.start()
    for _ in range(5):
        solver.step(state, math.inf)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < grid.size * 8 / 8


@pytest.mark.parametrize("tracer", [False, True])
def test_what_a_solver_holds_is_told_beforehand(tracer):
    shape = (128, 256)
    grid = SphereGrid(shape)
    flow = SphereFlow(grid, gf.Riesz(1), gf.uniform(grid))
    SphereFiniteVolume(flow, threads=1).compile()
    tracemalloc.start()
    solver = SphereFiniteVolume(flow, threads=1, tracer=tracer)
    state = solver.initialize(cap_hole(grid, 0.8, (1, 0, 0)) if tracer else flow.target)
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert state.time == 0
    assert (
        0.7 <= held / SphereFiniteVolume.memory(shape, threads=1, tracer=tracer) <= 1
    )  # what ducc0 takes for a while is not traced


@pytest.mark.parametrize("center", [(1, 0, 0.5), (0, 0, 1)])
def test_a_hole_of_the_sphere_shrinks_at_the_rate_of_the_target_inside(center):
    """s = 1, d|H|/dt = −ν(H) for a target that varies, by quadrature over the run's own columns; also over a pole."""
    grid = SphereGrid((64, 128))
    target = gf.uniform(grid) * (1 + 0.6 * grid.points[..., 0])
    flow = SphereFlow(grid, gf.Riesz(1), target)
    run = gf.run(SphereFiniteVolume(flow), cap_hole(grid, 0.9, center), 8.0, series=gf.EverySteps(1))
    series, fraction = run.series, run.state.arrays["tracer"]
    balance = gf.theory.HoleBalance(float(series["hole_volume"][0]), series["time"], series["hole_target"])
    assert series["hole_volume"] == pytest.approx(balance.volumes, rel=0.03)
    assert series["hole_volume"][-1] < 0.6 * series["hole_volume"][0]
    assert fraction.min() >= 0
    assert fraction.max() <= 1 + 1e-2  # the scheme's divergence is that of the flow to second order only


def test_steps_land_on_times_exactly_and_later_stages_may_shorten_them():
    grid = SphereGrid((32, 64))
    flow = SphereFlow(grid, gf.Riesz(1), gf.uniform(grid))
    solver = SphereFiniteVolume(flow, integrator="ssprk2", cfl=1.0, tolerance=math.inf, tracer=False)
    state = solver.initialize(cap_hole(grid, 0.8, (0.3, 0.2, 0.9)))
    while state.time < 25.0:
        allowed = solver.stable_dt(state)
        solver.step(state, 25.0)
        assert state.dt <= allowed
        assert state.arrays["density"].min() >= 0
    assert state.time == 25.0
    assert solver.redone > 0


def test_a_density_changed_in_between_is_noticed():
    grid = SphereGrid((8, 16))
    solver = SphereFiniteVolume(SphereFlow(grid, gf.Riesz(1), gf.uniform(grid)))
    state = solver.initialize(bumps(grid, (1, 0, 0), 2.0))
    before = solver.diagnose(state)
    solver.density(state)[...] = gf.uniform(grid)
    assert solver.diagnose(state)["energy"] < 1e-20 < before["energy"]


def test_numbers_that_are_none_end_a_run_with_the_cell_and_the_time():
    grid = SphereGrid((8, 16))
    solver = SphereFiniteVolume(SphereFlow(grid, gf.Riesz(1), gf.uniform(grid)))
    state = solver.initialize(gf.uniform(grid))
    solver.density(state)[2, 3] = np.nan
    with pytest.raises(gf.RunError, match=r"at t = 0 the density is not finite: nan in cell \[2, 3\]"):
        solver.step(state, 1.0)


def test_numbers_too_large_are_named_as_such():
    grid = SphereGrid((8, 16))
    flow = SphereFlow(grid, gf.Riesz(1), gf.uniform(grid, mass=1e200))
    solver = SphereFiniteVolume(flow)
    with pytest.raises(gf.RunError, match="the fluxes overflow float64"):
        solver.step(solver.initialize(cap_hole(grid, 0.8, (1, 0, 0), mass=1e200)), 1.0)


def test_restore_refuses_what_does_not_fit():
    grid = SphereGrid((8, 16))
    flow = SphereFlow(grid, gf.Riesz(1), gf.uniform(grid), 2.0)
    with pytest.raises(gf.InputError, match=r"holds float64 of shape \(8,\) as density"):
        SphereFiniteVolume(flow).restore(State({"density": np.ones(8)}))
    with pytest.raises(gf.InputError, match="holds nothing as negative"):
        SphereFiniteVolume(flow, negative=flow.target).restore(State({"density": np.ones(grid.shape)}))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reconstruction": "sharp"}, 'reconstruction "sharp": on the sphere allowed are muscl, upwind'),
        ({"limiter": "koren"}, 'limiter "koren": allowed are vanleer, minmod, mc, superbee'),
        ({"integrator": "auto"}, 'integrator "auto": on the sphere allowed are euler, ssprk2, ssprk3'),
        ({"polar": "cut"}, 'polar "cut": allowed are joined, plain'),
        ({"cfl": 1.1}, r"cfl = 1.1: it must be in \(0, 1\]"),
        ({"tolerance": 0.0}, "tolerance = 0.0: it must be positive"),
        ({"threads": 0}, "threads = 0: it must be a whole number of at least 1"),
        ({"negative": np.ones((8, 16))}, "growth = 0.0: densities of both signs need growth > 0"),
    ],
)
def test_options_that_are_not_allowed_are_named(options, message):
    grid = SphereGrid((8, 16))
    with pytest.raises(gf.InputError, match=message) as error:
        SphereFiniteVolume(SphereFlow(grid, gf.Riesz(1), gf.uniform(grid)), **options)
    assert "\n" not in str(error.value)

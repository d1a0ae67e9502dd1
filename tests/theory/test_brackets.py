"""Bounds on the energy before a run, against the runs themselves."""

import math

import numpy as np
import pytest

import gridflow as gf
from gridflow.theory import CoulombCertificate, RieszCertificate
from gridflow.theory.brackets import Bracket, ConvexityFloor, CoulombFloor, DissipationFloor, HoleCertificate
from gridflow.theory.small_starts import SmallStartCertificate
from solvers import FiniteVolume

TIME_ERROR = 1e-4
"""Allowed relative excess: ten e-foldings of the KMD at the tolerance of a run, 1e-5 each."""


def energies(flow, start, share, **options):
    """Times and energies of a run until its energy is a share of the first."""
    solver = FiniteVolume(flow, **options)
    state = solver.initialize(start)
    found = [(0.0, solver.diagnose(state)["energy"])]
    while found[-1][1] > share * found[0][1] and state.step < 3000:
        solver.step(state, math.inf)
        found.append((state.time, solver.diagnose(state)["energy"]))
    return np.array(found).T


def random_density(rng, grid, least=0.0):
    """Smooth, rough, peaked or with a hole."""
    kind = rng.integers(4)
    if kind == 0:
        found = gf.cosine(grid, float(rng.uniform(0.1, 0.9)), [int(k) for k in rng.integers(1, 3, grid.dim)])
    elif kind == 1:
        found = gf.random_sobolev(grid, float(rng.uniform(0.3, 2)), float(rng.uniform(0.1, 0.9)), int(rng.integers(99)))
    elif kind == 2:
        found = gf.gaussian(grid, [rng.random(grid.dim).tolist()], float(rng.uniform(0.08, 0.2)))
    else:
        found = gf.ball_hole(grid, float(rng.uniform(0.1, 0.3)), rng.random(grid.dim).tolist())
    return gf.normalize(grid, found + least)


@pytest.mark.parametrize("number", range(48))
def test_no_run_leaves_its_bracket(number):
    """Any start and target for s = 1, s > 1 and another kernel, in one and two dimensions.

    For s = 1 first-order upwind with the stencil's symbol obeys the minimum and maximum principles of the bounds
    exactly. For the others the scheme must not dissipate by itself, which first order does.
    """
    rng = np.random.default_rng(number)
    grid = gf.Grid((64,)) if number % 3 else gf.Grid((16, 16))
    kernel = [gf.Riesz(1, "mimetic"), gf.Riesz(1, "mimetic"), gf.Riesz(1.5), gf.Riesz(3), gf.Gaussian(0.2)][number % 5]
    target = gf.uniform(grid) if rng.random() < 0.4 else random_density(rng, grid, least=float(rng.choice([0.05, 1.0])))
    start = random_density(rng, grid, least=float(rng.choice([0.0, 0.2])))
    flow = gf.Flow(grid, kernel, target)
    exact = {"reconstruction": "upwind", "integrator": "ssprk3"} if kernel.is_coulomb else {}
    times, found = energies(flow, start, 1e-3, **exact)
    bracket = Bracket.of(flow, start)
    # the dissipation and the mass of a cell that an edge cuts are not exact, O(h)
    of_edges = 2 / grid.shape[0]
    assert (bracket.lower(times) <= found * (1 + (TIME_ERROR if kernel.is_coulomb else of_edges))).all()
    upper = bracket.upper(times)
    if flow.kernel.is_coulomb and (start.min() > 0 or target.max() == target.min()):
        assert upper is not None
    if upper is not None:
        assert (found <= upper * (1 + (of_edges if start.min() == 0 else TIME_ERROR))).all()


@pytest.mark.parametrize("shape", [(128,), (48, 48), (16, 16, 16)], ids=str)
def test_a_hole_has_a_certificate_that_is_close(shape):
    """The bound by rearrangement; the time to a thousandth is within a fifth of the run's."""
    grid = gf.Grid(shape)
    flow = gf.Flow(grid, gf.Riesz(1), gf.uniform(grid))
    start = gf.ball_hole(grid, 0.25)
    times, found = energies(flow, start, 1e-3)
    bound = HoleCertificate.of(flow, start)
    assert (found <= bound(times) * (1 + 2 / shape[0])).all()
    assert 1 - 1 / shape[0] < bound.time_to(found[-1]) / times[-1] < 1.2
    with pytest.raises(gf.InputError, match="needs a constant target"):
        HoleCertificate.of(gf.Flow(grid, gf.Riesz(1), start), start)


@pytest.mark.parametrize("number", range(24))
def test_small_starts_are_certified_for_s_above_1(number):
    rng = np.random.default_rng(number)
    grid = gf.Grid((96,)) if number % 2 else gf.Grid((24, 24))
    s = float(rng.uniform(1.3, 3.5))
    flow = gf.Flow(grid, gf.Riesz(s), gf.uniform(grid))
    amplitude = float(rng.choice([0.003, 0.01, 0.03]))
    wave = gf.cosine(grid, amplitude, [int(k) for k in rng.integers(1, 3, grid.dim)])
    start = wave if rng.random() < 0.5 else gf.random_sobolev(grid, 2.5, amplitude, number)
    bound = SmallStartCertificate.of(flow, start)
    times, found = energies(flow, start, 1e-3)
    assert (found <= bound(times) * (1 + TIME_ERROR)).all()
    norm = gf.sobolev.norm(grid, start - flow.target, 1.0)
    still = RieszCertificate(found[0], s, 1.0, float(start.min()), norm)  # as if neither norm nor minimum changed
    assert (bound(times) >= still(times) * (1 - 1e-6)).all()
    if amplitude == 0.003:
        assert times[-1] <= bound.time_to(found[-1]) < 30 * times[-1]


def test_large_starts_are_not_certified_and_that_is_said():
    grid = gf.Grid((96,))
    flow = gf.Flow(grid, gf.Riesz(2), gf.uniform(grid))
    bracket = Bracket.of(flow, gf.cosine(grid, 0.8))
    assert bracket.times_to(1e-6 * flow.energy(gf.cosine(grid, 0.8)))[1] == math.inf
    assert "too far from the target" in bracket.not_certified(1e-12)
    for target, start, words in (
        (gf.cosine(grid, 0.3), gf.uniform(grid), "a constant target"),
        (gf.uniform(grid), gf.ball_hole(grid, 0.2), "without a hole"),
    ):
        with pytest.raises(gf.InputError, match=words):
            SmallStartCertificate.of(gf.Flow(grid, gf.Riesz(2), target), start)


def test_near_the_target_the_floor_is_the_rate_at_the_start():
    """s = 3: the curvature of V is bounded by the energy, and a small wave decays at its own rate."""
    grid = gf.Grid((64,))
    flow = gf.Flow(grid, gf.Riesz(3), gf.uniform(grid))
    start = gf.cosine(grid, 1e-4)
    rate = 2 * (2 * math.pi) ** -4
    assert ConvexityFloor.of(flow, start).time_to(flow.energy(start) / math.e) == pytest.approx(1 / rate, rel=1e-3)
    with pytest.raises(gf.InputError, match="needs a flow without growth"):
        ConvexityFloor.of(gf.Flow(grid, gf.Riesz(3), gf.uniform(grid), 2.0), start)


@pytest.mark.parametrize(
    "bound",
    [
        CoulombFloor(2.0, 3.0, 1.5), CoulombCertificate(2.0, 0.5, 1.5), DissipationFloor(2.0, 0.7, 0.0),
        DissipationFloor(2.0, 0.7, 0.4), ConvexityFloor(2.0, 0.7, 0.0), ConvexityFloor(2.0, 0.7, 0.3),
    ],
    ids=repr,
)  # fmt: skip
def test_times_of_bounds_invert_them(bound):
    for energy in (1.9, 0.5, 1e-6):
        assert bound(bound.time_to(energy)) == pytest.approx(energy, rel=1e-9)
    assert bound.time_to(3.0) == 0
    assert bound(0.0) == pytest.approx(2.0)


def test_without_a_theorem_the_bracket_says_why():
    grid = gf.Grid((32,))
    flow = gf.Flow(grid, gf.Riesz(1), gf.uniform(grid))
    nothing = Bracket.of(flow, gf.cosine(grid), "the run is another flow")
    assert nothing.times_to(1e-9) == (0.0, math.inf)
    assert (nothing.no_floor, nothing.no_ceiling) == ("the run is another flow",) * 2
    assert nothing.upper(np.zeros(2)) is None
    assert (nothing.lower(np.zeros(2)) == 0).all()

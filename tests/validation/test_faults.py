"""What ``gridflow compare`` says of particle codes that are right, and of codes with one fault."""

import numpy as np
import pytest
from particle_codes import advance, coefficients, euler, fourier_velocity, open_velocity

import gridflow as gf
from gridflow.measures import spectra
from gridflow.validation import Reference, compare
from solvers import FiniteVolume

PLANE = pytest.param("plane", marks=pytest.mark.long)
CASES = ("line", PLANE, "space")
TIMES = {"line": np.linspace(0, 2, 11), "plane": np.linspace(0, 2, 11), "space": np.linspace(0, 1, 6)}
COUNT = {"line": 1000, "plane": 1000, "space": 1000}
MODES = {"line": 60, "plane": 20, "space": 4}


def problem(case):
    """Flow and start: a cosine, s = 1; bumps on a lopsided torus, s = 1.5; a hole beside the middle, s = 1."""
    if case == "line":
        grid = gf.Grid(256)
        return gf.Flow(grid, gf.Riesz(1), gf.uniform(grid)), gf.cosine(grid, 0.9)
    if case == "plane":
        grid = gf.Grid((64, 64), (1.0, 1.2))
        target = gf.normalize(grid, gf.gaussian(grid, [0.5, 0.6], 0.2) + gf.uniform(grid))
        start = gf.normalize(grid, gf.gaussian(grid, [0.3, 0.7], 0.12) + 0.5 * gf.uniform(grid))
        return gf.Flow(grid, gf.Riesz(1.5), target), start
    grid = gf.Grid((20, 20, 20))
    return gf.Flow(grid, gf.Riesz(1), gf.uniform(grid)), gf.ball_hole(grid, 0.3, [0.35, 0.5, 0.6])


@pytest.fixture(scope="module", params=CASES)
def known(request, tmp_path_factory):
    """Name of a case, its flow, and the reference that its grid run is."""
    case = request.param
    flow, start = problem(case)
    path = tmp_path_factory.mktemp(case) / "grid.run"
    gf.run(FiniteVolume(flow), start, TIMES[case][-1], store=path, snapshots=gf.AtTimes(TIMES[case]))
    return case, flow, Reference(path)


def only(*cases):
    """Some of the cases: a fault that is seen the same way in every dimension is asked of two."""
    return pytest.mark.parametrize("known", cases, indirect=True)


def velocity_of(case, flow, **options):
    target = coefficients(flow.grid, flow.target, MODES[case]) if case == "plane" else None
    s = flow.kernel.s
    return fourier_velocity(flow.grid.lengths, s, MODES[case], target, **options)


def judged(known, velocity, seed=0, steps=6, method=None, times=None, count=None, **options):
    """The comparison of a code that starts from independent samples."""
    case, flow, reference = known
    start, _ = gf.sample(flow.grid, reference.stored.initial, count or COUNT[case], seed=seed)
    times = TIMES[case] if times is None else times
    frames = advance(velocity, start, times, steps, *([method] if method else []))
    return compare(reference, times, frames, **options)


def test_a_right_code_is_right(known):
    case, flow, _ = known
    found = judged(known, velocity_of(case, flow))
    assert found.verdict in ("consistent", "better-than-sampling"), found.reason
    assert found.since is None
    assert len(found.moments) == len(TIMES[case])
    # midpoint steps of a sixtieth of the time: their error, (λ Δt)² / 24; and 120 modes of 256 or 41 of 64
    assert found.motion.factor == pytest.approx(1, abs=0.005)
    assert found.motion.drift_share < 0.005


def test_a_velocity_off_by_two_per_cent(known):
    case, flow, _ = known
    exact = velocity_of(case, flow)
    for factor in (1.02, 0.98) if case == "line" else (1.02,):
        found = judged(known, lambda x, factor=factor: factor * exact(x))
        assert found.verdict == "inconsistent"
        assert found.since == pytest.approx(TIMES[case][1])
        assert found.motion.factor == pytest.approx(factor, abs=0.004)
        assert "a wrong constant in the velocity" in found.reason


@only("line", PLANE)
def test_a_forgotten_two_pi(known):
    """Wave numbers k in place of 2πk / L: velocities too large by (2π)^{2s−1}, or too small the other way round."""
    case, flow, _ = known
    exact = velocity_of(case, flow)
    factor = (2 * np.pi) ** (1 - 2 * flow.kernel.s)
    found = judged(known, lambda x: factor * exact(x))
    assert found.verdict == "inconsistent"
    assert f"nearly (2π)^{1 - 2 * flow.kernel.s:g}" in found.reason
    fast = judged(known, velocity_of(case, flow, wave_number=1.0), steps=30, times=TIMES[case][:4])
    assert fast.verdict == "inconsistent"
    assert fast.motion is None or fast.motion.factor > 2


@only("line", "space")
def test_a_wrong_sign(known):
    case, flow, _ = known
    exact = velocity_of(case, flow)
    found = judged(known, lambda x: -exact(x))
    assert found.verdict == "inconsistent"
    assert "the velocity has the wrong sign" in found.reason


def test_open_instead_of_periodic_images(known):
    case, flow, _ = known
    target = None
    if case == "plane":
        coarse = gf.Grid((32, 32), flow.grid.lengths)
        target = spectra.to_density(coarse, spectra.of_density(flow.grid, flow.target, coarse)).ravel()
        target = target / target.sum()
    velocity = open_velocity(np.array(flow.grid.lengths), flow.kernel.s, target)
    count = {"line": 400, "plane": 400, "space": 500}[case]
    found = judged(known, velocity, steps=4, times=TIMES[case][:4], count=count)
    assert found.verdict == "inconsistent"
    assert "missing periodic images" in found.reason


@only("line", PLANE)
def test_explicit_euler_with_steps_ten_times_too_large(known):
    """One step between stored times, where ten are within one per cent."""
    case, flow, _ = known
    exact = velocity_of(case, flow)
    fine = judged(known, exact, steps=12, method=euler)
    assert fine.verdict != "inconsistent", fine.reason
    found = judged(known, exact, steps=1, method=euler)
    assert found.verdict == "inconsistent"
    assert "explicit Euler steps of about" in found.reason
    assert found.motion.explicit[0] == pytest.approx(TIMES[case][1], rel=0.2)


@only(PLANE)
def test_euler_steps_beyond_stability(known):
    case, flow, _ = known
    exact = velocity_of(case, flow)
    found = judged(known, lambda x: 25 * exact(x), steps=1, method=euler)
    assert found.verdict == "inconsistent"


@only(PLANE, "space")
def test_a_drift(known):
    case, flow, _ = known
    exact = velocity_of(case, flow)
    start, _ = gf.sample(flow.grid, known[2].stored.initial, COUNT[case])
    wind = 0.08 * np.sqrt((exact(start) ** 2).mean()) * np.eye(flow.grid.dim)[0]
    found = judged(known, lambda x: exact(x) + wind)
    assert found.verdict == "inconsistent"
    assert "constant drift" in found.reason
    assert found.motion.drift == pytest.approx(wind, abs=0.005 * wind[0])  # as the factor of a right code


@only("line", PLANE)
def test_a_wrong_kernel(known):
    """s + 1 in place of s, scaled to the same speed: no factor explains it."""
    case, flow, _ = known
    exact = velocity_of(case, flow)
    target = coefficients(flow.grid, flow.target, MODES[case]) if case == "plane" else None
    other = fourier_velocity(flow.grid.lengths, flow.kernel.s + 1, MODES[case], target)
    start, _ = gf.sample(flow.grid, known[2].stored.initial, COUNT[case])
    scale = np.sqrt((exact(start) ** 2).mean() / (other(start) ** 2).mean())
    assert judged(known, lambda x: scale * other(x)).verdict == "inconsistent"


@only("line", "space")
def test_a_wrong_start_and_wrong_weights(known):
    case, flow, reference = known
    exact = velocity_of(case, flow)
    start, _ = gf.sample(flow.grid, gf.uniform(flow.grid), COUNT[case])
    frames = advance(exact, start, TIMES[case], 6)
    found = compare(reference, TIMES[case], frames)
    assert found.verdict == "inconsistent"
    assert found.since == 0
    assert "another initial density" in found.reason or "another target" in found.reason
    heavy = compare(reference, TIMES[case][:1], frames[:1], np.full(COUNT[case], 2 / COUNT[case]))
    assert "wrong weights" in heavy.reason


@pytest.mark.long
@only("line", "space")
def test_without_their_order_only_distances_tell(known):
    """Frames shuffled one by one: right codes pass, a wrong sign and time scale are seen beyond noise."""
    case, flow, reference = known
    exact = velocity_of(case, flow)
    start, _ = gf.sample(flow.grid, reference.stored.initial, 4000 if case == "line" else 1000, seed=3)
    rng = np.random.default_rng(0)
    beyond_noise = ((4.0, "times the time"), (-1.0, "the wrong sign")) if case == "line" else ()
    for factor, expected in ((1.0, None), *beyond_noise):
        frames = advance(lambda x, factor=factor: factor * exact(x), start, TIMES[case], 6)
        found = compare(reference, TIMES[case], np.array([rng.permutation(frame) for frame in frames]))
        if expected is None:
            assert found.motion is None
            assert "do not keep their order" in found.note
            assert found.verdict != "inconsistent", found.reason
        else:
            assert found.verdict == "inconsistent"
            assert expected in found.reason

"""Upper bounds on the energy: their inequalities by themselves, and against measured curves."""

import math

import numpy as np
import pytest

import gridflow as gf
from gridflow.equation.kernels import Kernel
from gridflow.measures import sobolev
from gridflow.theory import CoulombCertificate, MinimumCertificate, RieszCertificate
from solvers import FiniteVolume


def run(flow, start, times, **options):
    """Energies, minima and densities at some times."""
    solver = FiniteVolume(flow, **options)
    state = solver.initialize(start)
    energies, minima, densities = [], [], []
    for until in times:
        while state.time < until:
            solver.step(state, until)
        found = solver.diagnose(state)
        energies.append(found["energy"])
        minima.append(found["min"])
        densities.append(solver.density(state).copy())
    return np.array(energies), np.array(minima), densities


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("symbol", ["spectral", "mimetic"])
def test_the_interpolation_behind_the_certificate(seed, symbol):
    """‖f‖²_{−s} ≤ ‖f‖_{1−2s}^{2/(1+p)} ‖f‖_r^{2p/(1+p)}, with equality for a single mode."""
    rng = np.random.default_rng(seed)
    s, r = 1 + 2 * rng.random() + 0.05, 3 * rng.random()
    p = (s - 1) / (r + s)
    grid = gf.Grid((24, 16))
    for f in (rng.standard_normal(grid.shape), np.cos(2 * np.pi * grid.mesh()[0]) * np.ones(grid.shape)):
        low, mid, high = (sobolev.norm(grid, f, order, symbol) for order in (1 - 2 * s, -s, r))
        bound = low ** (2 / (1 + p)) * high ** (2 * p / (1 + p))
        assert mid**2 <= bound * (1 + 1e-12)
    assert mid**2 == pytest.approx(bound, rel=1e-10)


def test_the_certificates_solve_their_differential_equations():
    """dE/dt = −2 m(t) E with m' = m (n − m); dE/dt = −m (2E)^{1+p} R^{−2p}: central differences, O(h²)."""
    coulomb = CoulombCertificate(0.3, 0.4, 1.3)
    riesz = RieszCertificate(0.3, 2.0, 1.0, 0.4, 1.7)
    p = 1 / riesz.exponent
    for t in (0.1, 1.0, 5.0):
        h = 1e-4
        minimum = gf.theory.LogisticLaw(0.4, 1.3)(t)
        slope = (coulomb(t + h) - coulomb(t - h)) / (2 * h)
        assert slope == pytest.approx(-2 * minimum * coulomb(t), rel=1e-6)
        slope = (riesz(t + h) - riesz(t - h)) / (2 * h)
        assert slope == pytest.approx(-0.4 * (2 * riesz(t)) ** (1 + p) * 1.7 ** (-2 * p), rel=1e-6)


def test_times_are_inverses():
    minima = MinimumCertificate(0.3, np.array([0.0, 1.0, 2.0]), np.array([0.2, 0.4, 0.6]), 1.0)
    for bound in (CoulombCertificate(0.3, 0.4, 1.3), RieszCertificate(0.3, 2.0, 1.0, 0.4, 1.7), minima):
        for energy in (0.29, 0.1, 1e-6):
            assert bound(bound.time_to(energy)) == pytest.approx(energy, rel=1e-12)
        assert bound.time_to(0.4) == 0
        assert bound(0.0) == 0.3
        assert np.shape(bound(np.array([0.0, 1.0]))) == (2,)
        with pytest.raises(gf.InputError, match="energy = 0"):
            bound.time_to(0.0)
    assert MinimumCertificate(0.3, np.array([0.0]), np.array([0.0]), 1.0).time_to(0.1) == math.inf
    assert CoulombCertificate(1.0, 0.5, 1.0)(1e4) == 0  # without overflow


def test_the_minimum_certificate_of_the_exact_minimum_is_the_other_one():
    """Rows ever denser: from above, to first order in their distance."""
    exact, law = CoulombCertificate(1.0, 0.2, 1.0), gf.theory.LogisticLaw(0.2, 1.0)
    excess = []
    for rows in (40, 80, 160):
        times = np.linspace(0, 4, rows)
        excess.append(MinimumCertificate(1.0, times, law(times), 1.0)(4.0) / exact(4.0) - 1)
    assert min(excess) > 0
    assert gf.diagnostics.fitted_order(1 / np.array([40, 80, 160]), excess) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("shape", [(128,), (32, 32), (16, 16, 16)], ids=str)
@pytest.mark.parametrize("target", ["uniform", "cosine", "gaussian"])
def test_no_measured_curve_exceeds_a_coulomb_certificate(shape, target):
    grid = gf.Grid(shape)
    nu = {
        "uniform": gf.uniform(grid),
        "cosine": gf.cosine(grid, 0.6),
        "gaussian": gf.normalize(grid, 0.5 + gf.gaussian(grid, [[0.3] * grid.dim], 0.15)),
    }[target]
    flow = gf.Flow(grid, gf.Riesz(1), nu)
    for start in (gf.cosine(grid, -0.5), gf.random_sobolev(grid, 2.0, 0.4)):
        times = np.linspace(0, 4, 21)
        energies, minima, _ = run(flow, start, times)
        before = CoulombCertificate.of(flow, start)
        after = MinimumCertificate(flow.energy(start), times, minima, float(nu.min()))
        # the solver's tolerance of 1e−5 per e-folding of the KMD, eight of them, twice for the energy
        assert (energies <= before(times) * (1 + 2e-4)).all()
        assert (energies <= after(times) * (1 + 2e-4)).all()


def test_the_coulomb_certificate_is_not_far_above():
    """s = 1, ν = 1, a start ≥ ½: within a factor 10 of the energy at t = 3."""
    for shape in ((256,), (64, 64), (24, 24, 24)):
        grid = gf.Grid(shape)
        flow = gf.Flow(grid, gf.Riesz(1), gf.uniform(grid))
        for start in (gf.cosine(grid, 0.5), gf.random_sobolev(grid, 2.0, 0.5)):
            assert start.min() >= 0.5 - 1e-12
            (energy,), _, _ = run(flow, start, [3.0])
            assert 1 < CoulombCertificate.of(flow, start)(3.0) / energy < 10


@pytest.mark.parametrize("shape", [(128,), (32, 32), (16, 16, 16)], ids=str)
@pytest.mark.parametrize("s", [1.25, 1.5, 2.0, 3.0])
def test_no_measured_curve_exceeds_a_riesz_certificate(shape, s):
    grid = gf.Grid(shape)
    for nu, start in (
        (gf.uniform(grid), gf.random_sobolev(grid, 1.0, 0.4)),
        (gf.cosine(grid, 0.3), gf.cosine(grid, -0.4)),
    ):
        flow = gf.Flow(grid, gf.Riesz(s), nu)
        times = np.concatenate([[0.0], np.geomspace(1e-2, 1e2, 25) * (2 * np.pi) ** (2 * s - 2)])
        energies, _, densities = run(flow, start, times)
        for r in (0.0, 0.5, 1.0):
            bound = RieszCertificate.of(flow, densities, r)
            assert (energies <= bound(times) * (1 + 1e-3)).all()  # as above, some tens of e-foldings
            assert bound.exponent == (r + s) / (s - 1)


def test_a_kernel_that_says_its_order_has_the_certificate_of_a_riesz_kernel():
    class Mine(Kernel):
        def multiplier(self, grid):
            return gf.Riesz(2).multiplier(grid)

        def order(self, dim):  # noqa: ARG002
            return 2.0

    grid = gf.Grid((16, 16))
    found = [
        RieszCertificate.of(gf.Flow(grid, kernel, gf.uniform(grid)), [gf.cosine(grid)], 1.0)
        for kernel in (Mine(), gf.Riesz(2))
    ]
    assert found[0] == found[1]


def test_hypotheses_that_fail_are_named():
    grid = gf.Grid((16, 16))
    uniform, hole = gf.uniform(grid), gf.ball_hole(grid, 0.3)
    coulomb, riesz = gf.Flow(grid, gf.Riesz(1), uniform), gf.Flow(grid, gf.Riesz(2), uniform)
    with pytest.raises(gf.InputError, match=r"the initial density has a hole.*no certificate before a run for s = 1"):
        CoulombCertificate.of(coulomb, hole)
    with pytest.raises(gf.InputError, match="the target has a hole"):
        CoulombCertificate.of(gf.Flow(grid, gf.Riesz(1), hole), uniform)
    with pytest.raises(gf.InputError, match="needs s = 1; the flow has s = 2"):
        CoulombCertificate.of(riesz, uniform)
    with pytest.raises(gf.InputError, match="needs s > 1; see CoulombCertificate"):
        RieszCertificate.of(coulomb, [gf.cosine(grid)], 1.0)
    with pytest.raises(gf.InputError, match="a run with a hole has no certificate for s > 1"):
        RieszCertificate.of(riesz, [hole], 1.0)
    with pytest.raises(gf.InputError, match="needs a Riesz kernel"):
        CoulombCertificate.of(gf.Flow(grid, gf.Gaussian(0.1), uniform), uniform)
    with pytest.raises(gf.InputError, match="without growth; this one has growth = 2"):
        CoulombCertificate.of(gf.Flow(grid, gf.Riesz(1), uniform, 2.0), uniform)
    with pytest.raises(gf.InputError, match="above −s = -2"):
        RieszCertificate(1.0, 2.0, -2.0, 1.0, 1.0)
    with pytest.raises(gf.InputError, match="ascending times from 0"):
        MinimumCertificate(1.0, np.array([1.0, 2.0]), np.array([1.0, 1.0]), 1.0)

"""The linearised flow and the next order, against dense matrices and closed forms."""

import math

import numpy as np
import pytest
from scipy.linalg import expm

import gridflow as gf
from gridflow.equation.coarsening import coarsened
from gridflow.equation.flow import Equation
from gridflow.theory import LinearDecay
from gridflow.theory.second_order import second_order
from gridflow.theory.spectrum import excited_spectrum

DOMAINS = {
    "torus": (gf.Grid((24, 16), (1.0, 1.5)), gf.Riesz(1.5), 0.0),
    "circle": (gf.Circle(48), gf.ReLU(), 2.0),
    "sphere": (gf.SphereGrid((12, 24)), gf.ReLU(), 2.0),
}


def problem(name, seed=0):
    """A flow with a target that varies, and a random deviation, smooth enough for products to be resolved."""
    grid, kernel, growth = DOMAINS[name]
    rng = np.random.default_rng(seed)
    wave = np.sin(3 + np.arange(grid.size).reshape(grid.shape) * 2 * np.pi / grid.shape[-1])
    flow = Equation.on(grid, kernel, gf.normalize(grid, 1 + 0.4 * wave), growth)
    return flow, rng.standard_normal((2, *grid.shape))


@pytest.mark.parametrize("name", DOMAINS)
def test_the_linearised_flow_is_self_adjoint_and_dissipates(name):
    """⟨Af, g⟩ = ⟨f, Ag⟩ and ⟨Af, f⟩ ≥ 0 in ∫ f K g; with μ as the carrier it is the dissipation at μ."""
    flow, (f, g) = problem(name)
    grid = flow.grid
    (af, kf), (ag, kg) = flow.transported(flow.target, f), flow.transported(flow.target, g)
    assert grid.integral(af * kg) == pytest.approx(grid.integral(ag * kf), rel=1e-10)
    assert grid.integral(af * kf) > 0
    assert kf == pytest.approx(flow.potential(flow.target + f), abs=1e-12 * abs(kf).max())


def test_transport_is_minus_the_divergence():
    """One wave carried by another, by hand: −∂(w ∂Kf) + β w K f."""
    grid = gf.Grid((64,))
    flow = gf.Flow(grid, gf.Riesz(2), gf.uniform(grid), growth=0.7)
    x, k = 2 * np.pi * grid.centers(0), 2 * np.pi
    w, f = 1 + 0.5 * np.cos(x), np.sin(2 * x)
    v = f / (2 * k) ** 4
    expected = -(-0.5 * k * np.sin(x) * np.cos(2 * x) / (2 * k) ** 3 - w * f / (2 * k) ** 2) + 0.7 * w * v
    assert flow.transported(w, f)[0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("growth", [0.0, 2.0])
def test_the_spectrum_gives_the_matrix_exponential(growth):
    """E(t) of f' = −A f with the dense matrix A on 40 cells, for a target that falls to a tenth of its mean."""
    grid = gf.Grid((40,))
    flow = gf.Flow(grid, gf.Riesz(1.5), gf.cosine(grid, 0.9), growth)
    start = flow.target + 0.01 * np.sin(2 * np.pi * 3 * grid.centers(0)) * flow.target
    f = start - flow.target
    matrix = np.column_stack([flow.transported(flow.target, each)[0] for each in np.eye(40)])
    decay = LinearDecay.of(flow, start, share=1e-8)
    for time in (0.0, 1.0, 10.0, 40.0):
        exact = flow.energy(flow.target + expm(-time * matrix) @ f)
        assert decay(time) == pytest.approx(exact, rel=0.02, abs=1e-8 * decay(0.0))
    assert decay.energies.sum() == pytest.approx(flow.energy(start), rel=1e-9)


def test_the_quadratures_enclose_and_end_where_the_deviation_excites_no_more():
    """About a constant target one wave has one rate, and the process ends after one step."""
    grid = gf.Grid((64,))
    flow = gf.Flow(grid, gf.Riesz(2), gf.uniform(grid))
    wave = 0.1 * np.cos(2 * np.pi * 3 * grid.centers(0))
    rates, energies = excited_spectrum(flow, wave, lambda *_: 1.0)
    held = energies > 1e-9 * energies.sum()
    assert rates[held] == pytest.approx(np.full(held.sum(), (6 * np.pi) ** -2), rel=1e-9)


def test_harmonics_are_those_of_the_expansion():
    """ε cos kx makes −ε² K̂ k² (e^{−r₂t} − e^{−2r₁t}) / (2r₁ − r₂) cos 2kx at second order."""
    grid, s, amplitude = gf.Grid((64,)), 2.0, 0.2
    flow = gf.Flow(grid, gf.Riesz(s), gf.uniform(grid))
    start = flow.target + amplitude * np.cos(2 * np.pi * grid.centers(0))
    times, energies = second_order(flow, start, 1e-4 * flow.energy(start))
    k = 2 * np.pi
    first, second = k ** (2 - 2 * s), (2 * k) ** (2 - 2 * s)
    harmonic = -(amplitude**2) * k ** (2 - 2 * s) * (np.exp(-second * times) - np.exp(-2 * first * times))
    harmonic /= 2 * first - second
    exact = ((amplitude * np.exp(-first * times)) ** 2 * k ** (-2 * s) + harmonic**2 * (2 * k) ** (-2 * s)) / 4
    assert energies == pytest.approx(exact, rel=0.01)  # intervals of 15 % of time, with errors of their square
    with pytest.raises(gf.InputError, match="constant target"):
        second_order(gf.Flow(grid, gf.Riesz(s), gf.cosine(grid, 0.2)), start, 1e-9)


@pytest.mark.parametrize("name", DOMAINS)
def test_coarser_cells_hold_the_same_masses(name):
    """Masses are conserved and positivity is kept on any coarser grid; constants stay constant."""
    flow, _ = problem(name)
    coarse = coarsened(flow, flow.grid.size // 3)
    assert coarse.grid.size < flow.grid.size
    assert coarse.target_mass == pytest.approx(flow.target_mass, rel=1e-12)
    spike = np.zeros(flow.grid.shape)
    spike.flat[5] = 1.0
    found = flow.grid.averages_on(coarse.grid, spike)
    assert found.min() >= 0
    assert coarse.grid.integral(found) == pytest.approx(flow.grid.integral(spike), rel=1e-12)
    ones = flow.grid.averages_on(coarse.grid, np.ones(flow.grid.shape))
    assert ones == pytest.approx(np.ones(coarse.grid.shape), rel=1e-12)
    assert coarsened(flow, flow.grid.size) is flow


def test_coarse_cells_are_averages_of_the_fine_ones_in_place():
    grid = gf.Grid((48, 24), (2.0, 1.0))
    values = np.random.default_rng(0).random(grid.shape)
    coarse = grid.with_cells((16, 12))
    blocks = values.reshape(16, 3, 12, 2).mean(axis=(1, 3))
    assert grid.averages_on(coarse, values) == pytest.approx(blocks, rel=1e-12)


def test_waves_that_a_coarse_grid_lacks_decay_by_themselves():
    grid = gf.Grid((256,))
    flow = gf.Flow(grid, gf.Riesz(2), gf.uniform(grid))
    fine = 0.1 * np.cos(2 * np.pi * 60 * grid.centers(0))
    start = gf.cosine(grid, 0.3) + fine
    rest = LinearDecay.beyond(flow, coarsened(flow, 64), start)
    assert rest(0.0) == pytest.approx(flow.energy(flow.target + fine), rel=1e-9, abs=0)
    assert rest(5.0) == pytest.approx(rest(0.0) * math.exp(-10.0 * (120 * math.pi) ** -2), rel=1e-9, abs=0)
    assert LinearDecay.beyond(flow, flow, start)(0.0) == 0

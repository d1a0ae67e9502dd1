"""Predicted rates: sums over modes, their asymptotic powers, and the windows in which a grid shows them."""

import math

import numpy as np
import pytest

import gridflow as gf
from gridflow.theory import ExponentialRate, LinearDecay, LinearModes, PowerLaw, Window

GRIDS = [gf.Grid((64,), (1.7,)), gf.Grid((24, 17), (1.0, 0.6)), gf.Grid((8, 9, 12), (1.0, 1.3, 0.7))]


@pytest.mark.parametrize("grid", GRIDS, ids=lambda g: str(g.shape))
@pytest.mark.parametrize("kernel", [gf.Riesz(1), gf.Riesz(2.5), gf.Gaussian(0.1), gf.Matern(0.5, 0.2)], ids=str)
@pytest.mark.parametrize("growth", [0.0, 2.0])
def test_linear_decay_of_the_energy_of_two_modes(grid, kernel, growth):
    flow = gf.Flow(grid, kernel, gf.uniform(grid), growth)
    modes = [(1, 0, 0)[: grid.dim], (2, 1, -1)[: grid.dim]]
    start, expected = np.ones(grid.shape) / grid.volume, 0.0
    times = np.array([0.0, 0.3, 2.0]) / LinearModes(flow).rate(modes[0])
    for mode, amplitude in zip(modes, (0.3, 0.2), strict=True):
        phase = sum(2 * np.pi * k * x / length for k, x, length in zip(mode, grid.mesh(), grid.lengths, strict=True))
        wave = amplitude / grid.volume * np.cos(phase)
        start = start + wave
        energy = flow.energy(flow.target + wave)
        expected = expected + energy * np.exp(-2 * LinearModes(flow).rate(mode) * times)
    # bins of 1 % in the rate hold one of the two modes each, unless the two are alike within that
    assert LinearDecay.of(flow, start)(times) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("shape", [(128,), (32, 32)], ids=str)
@pytest.mark.parametrize("s", [1.0, 1.5, 2.0, 3.0])
def test_linear_decay_is_that_of_all_modes(shape, s):
    """The sum over bins against the sum over modes; and its exponent against differences."""
    grid = gf.Grid(shape)
    flow = gf.Flow(grid, gf.Riesz(s), gf.uniform(grid))
    start = gf.random_sobolev(grid, 1.0, 0.3)
    squared = sum(xi**2 for xi in grid.wavevector())
    power = grid.mode_multiplicity() * abs(np.fft.rfftn(start - 1) / grid.size) ** 2 * flow.symbol / 2
    decay = LinearDecay.of(flow, start)
    for t in np.geomspace(0.1, 1e4, 9) * (2 * np.pi) ** (2 * s - 2):
        exact = float((power * np.exp(-2 * squared * flow.symbol * t)).sum())
        assert decay(t) == pytest.approx(exact, rel=1e-3, abs=1e-300)
        if exact > 1e-200:
            h = 1e-4
            slope = -(math.log(decay(t * (1 + h))) - math.log(decay(t * (1 - h)))) / (2 * h)
            assert decay.exponent(t) == pytest.approx(slope, rel=1e-5)
            assert decay(decay.time_to(exact)) == pytest.approx(exact, rel=1e-6)


def test_linear_decay_towards_a_target_that_varies_slowly():
    """A fine wave on a slow target decays everywhere at the rate of the target there: ⟨e^{−2νωt}⟩."""
    grid = gf.Grid((2048,))
    target = gf.cosine(grid, 0.5)
    flow = gf.Flow(grid, gf.Riesz(1.5), target)
    start = target + 1e-4 * np.cos(2 * np.pi * 100 * grid.centers(0))
    decay, rate = LinearDecay.of(flow, start), 1 / (2 * np.pi * 100)
    for t in (0.5 / rate, 2 / rate):
        exact = flow.energy(start) * float(np.exp(-2 * target * rate * t).mean())
        assert decay(t) == pytest.approx(exact, rel=1e-3)  # 32 values for the cosine: O(1/32²)
    from solvers import FiniteVolume

    solver = FiniteVolume(flow)
    state = solver.initialize(start)
    until = 0.5 / rate
    while state.time < until:
        solver.step(state, until)
    # the next order is the ratio of the wavelengths, 1/100, and it is a wave of twenty cells
    assert flow.energy(solver.density(state)) == pytest.approx(float(decay(until)), rel=0.03)


def test_times_that_are_never_reached():
    grid = gf.Grid((32,))
    hole = gf.Flow(grid, gf.Riesz(2), gf.ball_hole(grid, 0.3))
    decay = LinearDecay.of(hole, gf.uniform(grid))
    assert decay.time_to(decay(0.0) * 1e-6) == math.inf
    assert decay.time_to(decay(0.0) * 2) == 0
    with pytest.raises(gf.InputError, match="energy = -1"):
        decay.time_to(-1)


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("s", [1.5, 2.0, 3.0])
@pytest.mark.parametrize("r", [0.5, 1.0, 2.0])
def test_the_power_law_is_that_of_modes_in_its_window(dim, s, r):
    """Borderline H^r data in d dimensions: Σ |k|^{−2s−2r−d} e^{−2|ξ|^{2−2s}t} between the ends of the window."""
    cells = {1: 4096, 2: 512, 3: 160}[dim]
    grid = gf.Grid((cells,) * dim)
    flow = gf.Flow(grid, gf.Riesz(s), gf.uniform(grid))
    law = PowerLaw.of(flow, r)
    window = law.window(flow, tolerance=0.02)
    assert law.exponent == (r + s) / (s - 1)
    k = np.arange(1, cells // 2 + 1, dtype=float)
    # a shell of modes is a sphere; the sum over one axis stands for the radial integral, the first shells left out
    rates, held = (2 * np.pi * k) ** (2 - 2 * s), k ** (dim - 1 - 2 * s - 2 * r - dim)
    decay = LinearDecay(rates, held)
    assert window.decades > 0.9
    times = np.geomspace(window.start, window.end, 7)
    assert decay.exponent(times) == pytest.approx(law.exponent, rel=0.025)
    assert decay.exponent(window.end * 10) > law.exponent * 1.02
    assert abs(decay.exponent(window.start / 10) / law.exponent - 1) > 0.02
    assert window.after == "the last mode of the grid is decaying"


def test_windows_meet():
    shared = Window(1.0, 100.0, "a", "b").within(Window(5.0, 1000.0, "c", "d"))
    assert shared == Window(5.0, 100.0, "c", "b")
    assert shared.decades == pytest.approx(math.log10(20))
    assert Window(5.0, 4.0, "", "").decades == 0


def test_laws_pass_through_a_point_and_name_what_they_lack():
    grid = gf.Grid((16, 16))
    uniform, hole = gf.uniform(grid), gf.ball_hole(grid, 0.3)
    law = PowerLaw(2.0, 1.0)
    assert law(20.0, start=10.0, energy=0.8) == pytest.approx(0.1)
    rate = ExponentialRate.of(gf.Flow(grid, gf.Riesz(1), gf.cosine(grid, 0.5)))
    assert rate.rate == pytest.approx(2 * gf.cosine(grid, 0.5).min())
    assert rate(1.0, energy=2.0) == pytest.approx(2 * math.exp(-rate.rate))
    for flow, message in (
        (gf.Flow(grid, gf.Riesz(1), uniform), "needs s > 1; for s = 1 the rate is exponential"),
        (gf.Flow(grid, gf.Riesz(2), hole), "the target is 0 somewhere"),
        (gf.Flow(grid, gf.Riesz(2), uniform, 2.0), "without growth"),
        (gf.Flow(grid, gf.Gaussian(0.1), uniform), "needs a Riesz kernel"),
    ):
        with pytest.raises(gf.InputError, match=message):
            PowerLaw.of(flow, 1.0)
    with pytest.raises(gf.InputError, match="finite regularity"):
        PowerLaw(2.0, math.inf)
    with pytest.raises(gf.InputError, match="needs s = 1; the flow has s = 2"):
        ExponentialRate.of(gf.Flow(grid, gf.Riesz(2), uniform))
    with pytest.raises(gf.InputError, match="without a hole"):
        ExponentialRate.of(gf.Flow(grid, gf.Riesz(1), hole))

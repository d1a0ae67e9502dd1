"""Fits of curves whose law is known, and the scheme's own share of a dissipation."""

import numpy as np
import pytest

import gridflow as gf
from gridflow import decay
from gridflow.theory import Window
from solvers import FiniteVolume

WHOLE = Window(1.0, 1e4, "", "")


def test_a_power_is_found_with_no_error():
    times = np.geomspace(0.1, 1e5, 200)
    fit = decay.fit_power(times, 3.0 * times**-2.5, WHOLE)
    assert fit.exponent == pytest.approx(2.5, rel=1e-10)
    assert fit.amplitude == pytest.approx(3.0, rel=1e-9)
    assert fit.error < 1e-10
    places, slopes = decay.local_exponents(times, times**-2.5)
    assert slopes == pytest.approx(2.5, rel=1e-9)
    assert places[0] >= 0.1


def test_rows_may_lie_anyhow():
    """Many rows early and few late weigh the same: the fit of a curve that bends is that of even rows."""
    times = np.concatenate([np.linspace(1, 10, 500), np.geomspace(11, 1e4, 60)])

    def bent(t):
        return t**-2.0 * np.exp(-0.05 * np.log(t) ** 2)

    even = np.geomspace(1, 1e4, 400)
    assert decay.fit_power(times, bent(times), WHOLE).exponent == pytest.approx(
        decay.fit_power(even, bent(even), WHOLE).exponent, rel=5e-3
    )


def test_the_error_covers_what_bends_a_curve():
    """Slopes of the parts differ by the wave's own slope, which a scatter about one line would not show."""
    times = np.geomspace(1.0, 1e4, 400)
    wavy = times**-2.0 * np.exp(0.3 * np.sin(np.log(times)))
    fit = decay.fit_power(times, wavy, WHOLE)
    assert abs(fit.exponent - 2.0) < 3 * fit.error
    assert 0.02 < fit.error < 0.3


def test_an_exponential_is_found():
    times = np.linspace(0, 20, 100)
    fit = decay.fit_exponential(times, 0.4 * np.exp(-1.7 * times), Window(1.0, 15.0, "", ""))
    assert (fit.exponent, fit.amplitude) == pytest.approx((1.7, 0.4), rel=1e-10)


def test_a_window_without_rows_is_named():
    with pytest.raises(gf.InputError, match=r"from t = 5 to 6 holds 2 rows and a fit needs 8: record rows more often"):
        decay.fit_power(np.arange(1.0, 9), np.arange(1.0, 9), Window(5.0, 6.0, "", ""))
    with pytest.raises(gf.InputError, match="8 times and 7 energies"):
        decay.local_exponents(np.ones(8), np.ones(7))


def test_a_curve_is_seen_until_its_round_off():
    grid = gf.Grid((64,))
    flow = gf.Flow(grid, gf.Riesz(2), gf.uniform(grid))
    floor = decay.round_off_energy(flow, 1.0)
    times = np.geomspace(1, 1e8, 81)
    energies = np.maximum(1e-6 * times**-4.0, floor)
    seen = decay.seen_window(times, energies, floor)
    assert seen.after == "round-off"
    assert 1e-6 * seen.end**-4.0 >= 1e4 * floor
    assert 1e-6 * (seen.end * 10**0.2) ** -4.0 < 1e4 * floor
    assert decay.seen_window(times, times**-0.1, floor) == Window(1.0, 1e8, "the run's first row", "the run's end")
    assert decay.round_off_energy(flow, 1.0, "float32") / floor == pytest.approx(2.0**58)


def test_round_off_energy_bounds_that_of_a_density_at_rest():
    """The energy of a density that is the target up to one rounding of each number is below it."""
    for shape in ((64,), (32, 32)):
        grid = gf.Grid(shape)
        for s in (1.0, 2.0):
            flow = gf.Flow(grid, gf.Riesz(s), gf.uniform(grid))
            noise = 1 + np.finfo(float).eps * np.random.default_rng(0).choice([-1, 0, 1], shape)
            assert flow.energy(noise) < decay.round_off_energy(flow, 1.0)


@pytest.mark.parametrize("shape", [(40,), (32, 24), (12, 14, 16)], ids=str)
@pytest.mark.parametrize("growth", [0.0, 2.0])
def test_exact_dissipation_is_minus_the_derivative_of_the_energy(shape, growth):
    """Of smooth functions on a fine grid, by a small step of the flow there, averaged over the coarse cells."""
    grid, fine = gf.Grid(shape), gf.Grid(tuple(5 * n for n in shape))
    flow = gf.Flow(grid, gf.Riesz(1.5), gf.uniform(grid), growth)
    mesh = fine.mesh()
    wave = sum((0.3 / (a + 1)) * np.sin(2 * np.pi * (a + 1) * x + a) for a, x in enumerate(mesh))
    mu = 1 + wave + 0.2 * np.prod(np.broadcast_arrays(*(np.cos(2 * np.pi * x) for x in mesh)), axis=0)
    # the tendency ∇·(μ∇V) − βμV, exactly, by FFTs on the fine grid, whose points are taken for cell centres
    axes, xi = tuple(range(fine.dim)), fine.wavevector()
    squared = sum(w**2 for w in xi)
    squared[(0,) * fine.dim] = 1.0
    v_modes = np.fft.rfftn(mu - 1) * squared**-1.5
    v_modes[(0,) * fine.dim] = 0.0
    tendency = -growth * mu * np.fft.irfftn(v_modes, fine.shape, axes)
    for w in xi:
        flux = mu * np.fft.irfftn(1j * w * v_modes, fine.shape, axes)
        tendency = tendency + np.fft.irfftn(1j * w * np.fft.rfftn(flux), fine.shape, axes)

    def averages(f):
        """Exact cell averages on the coarse grid, by the sinc factors of its cells."""
        modes = np.fft.rfftn(f)
        for axis, k in enumerate(fine.mode_numbers):
            modes = modes * fine.along(axis, np.sinc(k / shape[axis]))
        smooth = np.fft.irfftn(modes, fine.shape, axes)
        return smooth[(slice(2, None, 5),) * fine.dim]

    density, change = averages(mu), averages(tendency)
    slope = (flow.energy(density + 1e-4 * change) - flow.energy(density - 1e-4 * change)) / 2e-4  # E is quadratic
    assert decay.exact_dissipation(flow, density) == pytest.approx(-slope, rel=1e-9)


def test_the_share_of_a_scheme_falls_with_its_order():
    grid = gf.Grid((64, 64))
    flow = gf.Flow(grid, gf.Riesz(1), gf.uniform(grid))
    shares = []
    for reconstruction in ("upwind", "muscl", "sharp"):
        solver = FiniteVolume(flow, reconstruction)
        state = solver.initialize(gf.cosine(grid, 0.5))
        found = solver.diagnose(state)["dissipation"]
        shares.append(abs(decay.numerical_share(flow, solver.density(state), found)))
    # first, second and more than fourth order in h = 1/64, of waves of length 1
    assert 1e-3 < shares[0] < 1e-1
    assert 1e-4 < shares[1] < 1e-2
    assert shares[2] < 1e-6

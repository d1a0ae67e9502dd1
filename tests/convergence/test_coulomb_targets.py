"""The Coulomb flow towards targets that vary: characteristics, finite volumes, and the balance of a hole."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import gridflow as gf
from gridflow.theory import Coulomb1D, HoleBalance, HoleBounds
from solvers import FiniteVolume


def smooth(cells):
    """Cell averages of 1 + 0.6 sin 2πx + 0.2 cos 4πx, exactly."""
    grid = gf.Grid((cells,))
    x = grid.edges(0)
    masses = x - 0.6 * np.cos(2 * np.pi * x) / (2 * np.pi) + 0.2 * np.sin(4 * np.pi * x) / (4 * np.pi)
    return grid, np.diff(masses) * cells


def advanced(flow, start, until, **options):
    solver = FiniteVolume(flow, **options)
    state = solver.initialize(start)
    while state.time < until:
        solver.step(state, until)
    return solver.density(state)


def test_finite_volumes_converge_to_the_characteristics():
    """About fifth order where all is smooth, as for a constant target."""
    cells, errors = (64, 128, 256), []
    for n in cells:
        grid, start = smooth(n)
        flow = gf.Flow(grid, gf.Riesz(1), gf.cosine(grid, 0.5))
        exact = Coulomb1D(flow, start, smooth=True)(1.0)
        errors.append(abs(advanced(flow, start, 1.0, tolerance=1e-9) - exact).mean())
    assert gf.diagnostics.fitted_order(1 / np.array(cells), errors) > 4
    assert errors[-1] < 1e-6


def test_the_integrated_solution_converges_to_itself():
    """Sixth order in the cells of the splines, down to the integrator's tolerance."""
    found = []
    for n in (32, 64, 128):
        grid, start = smooth(n)
        flow = gf.Flow(grid, gf.Riesz(1), gf.cosine(grid, 0.5))
        found.append(Coulomb1D(flow, start, smooth=True).cumulative_mass(1.0)[:: n // 32])
    coarse, fine = (abs(each - found[-1]).max() for each in found[:2])
    assert np.log2(coarse / fine) > 5
    assert fine < 1e-8


def test_characteristics_are_those_of_many_particles():
    """dx/dt = −V'(x) with V from a Fourier sum over the exact positions' own empirical measure, N = 4000."""
    grid, start = smooth(256)
    flow = gf.Flow(grid, gf.Riesz(1), gf.cosine(grid, 0.5))
    exact = Coulomb1D(flow, start, smooth=True)
    number = 4000
    feet = np.interp((np.arange(number) + 0.5) / number, exact._masses, grid.edges(0))

    def velocity(_, x):
        """Order statistics: v = m − G(x) + C, G of ν = 1 + ½ cos 2πx, C from the mean of the lifted positions."""
        rank = np.empty(number)
        rank[np.argsort(x)] = (np.arange(number) + 0.5) / number
        of_target = x + np.sin(2 * np.pi * x) / (4 * np.pi)
        # ∫ F − G over [0, 1] with F = 1 − (mean of x) and ∫ G = ½
        return rank - of_target + (0.5 - (1 - x.mean()))

    reached = solve_ivp(velocity, (0, 0.7), feet, rtol=1e-10, atol=1e-12).y[:, -1]
    # ranks are right to half of a particle, and feet by linear interpolation within a cell to h²
    assert exact.characteristics(feet, 0.7) == pytest.approx(reached, abs=2 / number)


@pytest.mark.parametrize("amplitude", [0.0, 0.5])
def test_the_length_of_a_hole_in_one_dimension(amplitude):
    """d|H|/dt = −ν(H): the edges move with the characteristics; against the contour of the density, and the balance."""
    grid = gf.Grid((512,))
    target = gf.cosine(grid, amplitude) if amplitude else gf.uniform(grid)
    flow, hole = gf.Flow(grid, gf.Riesz(1), target), gf.box_hole(grid, 0.25, [0.375])
    exact = Coulomb1D(flow, hole)
    edges = np.array([0.25, 0.5])
    times = np.linspace(0, 2, 21)
    positions = np.array([exact.characteristics(edges, t) for t in times])
    lengths = positions[:, 1] - positions[:, 0]

    def mass_to_the_left(x):
        return x + amplitude * np.sin(2 * np.pi * x) / (2 * np.pi)

    inside = mass_to_the_left(positions[:, 1]) - mass_to_the_left(positions[:, 0])
    balance = HoleBalance(lengths[0], times, inside)
    # log-linear quadrature of a function whose logarithm has a second derivative of order 1: Δt²/12 of 0.25
    assert balance.volumes == pytest.approx(lengths, abs=0.1**2 / 12 * 0.25 + 1e-12)
    region = gf.regions.box(grid, 0.25, [0.375])
    below, above = HoleBounds.of(flow, region)(times)
    assert (below <= lengths + 1e-12).all()
    assert (lengths <= above + 1e-12).all()
    solver = FiniteVolume(flow, tracer=region)
    state = solver.initialize(hole)
    while state.time < 2.0:
        solver.step(state, 2.0)
    carried = 1 - gf.diagnostics.volume_below(grid, state.arrays["tracer"], 0.5)
    assert carried == pytest.approx(lengths[-1], abs=0.25 * grid.spacing[0])  # an edge is two cells wide


def test_the_balance_is_exact_for_a_constant_target():
    times = np.array([0.0, 0.3, 1.0, 4.0])
    law = gf.theory.HoleLaw(0.3, 1.0, 1.5)
    balance = HoleBalance(0.3, times, 1.5 * law(times))
    assert balance.volumes == pytest.approx(law(times), rel=1e-12)
    assert balance(0.15) == pytest.approx((balance(0.0) + balance(0.3)) / 2)
    assert HoleBalance(0.3, times, np.array([0.1, 0.0, 0.0, 0.0])).volumes[-1] == pytest.approx(0.3 - 0.1 * 0.15)
    with pytest.raises(gf.InputError, match="ascending times from 0"):
        HoleBalance(0.3, times[1:], times[1:])
    with pytest.raises(gf.InputError, match="≥ 0; -1"):
        HoleBalance(0.3, times, -np.ones(4))


def test_the_balance_of_a_run_in_two_dimensions():
    """The carried hole's contoured volume against the quadrature of the target's mass inside, d|H|/dt = −ν(H)."""
    grid = gf.Grid((96, 96))
    flow = gf.Flow(grid, gf.Riesz(1), gf.cosine(grid, 0.6))
    hole, where = gf.ball_hole(grid, 0.25, [0.4, 0.5]), gf.regions.ball(grid, 0.25, [0.4, 0.5])
    series = gf.run(FiniteVolume(flow, tracer=where), hole, 1.5, series=gf.EverySteps(2)).series
    balance = HoleBalance(float(series["hole_volume"][0]), series["time"], series["hole_target"])
    # contours lose a percent or two of a disc whose radius falls to seventeen cells
    assert series["hole_volume"] == pytest.approx(balance.volumes, rel=0.02)
    below, above = HoleBounds.of(flow, where)(series["time"])
    assert (below * 0.98 <= series["hole_volume"]).all()
    assert (series["hole_volume"] <= above * 1.02).all()

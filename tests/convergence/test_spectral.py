"""The spectral solver against exact laws, and against finite volumes: two methods that share no discretisation."""

import math

import numpy as np
import pytest

import gridflow as gf
from gridflow.theory import Coulomb1D, LinearModes, LogisticLaw
from solvers import FiniteVolume, Spectral


def advanced(solver, start, until):
    state = solver.initialize(start)
    while state.time < until:
        solver.step(state, until)
    return solver.density(state)


def values_at_corners(grid, averages):
    """Values at cell corners of the trigonometric polynomial with these averages."""
    axes = tuple(range(grid.dim))
    modes = np.fft.rfftn(averages)
    for axis, (k, n) in enumerate(zip(grid.mode_numbers, grid.shape, strict=True)):
        modes = modes * grid.along(axis, np.exp(-1j * np.pi * k / n) / np.sinc(k / n) * (2 * abs(k) < n))
    return np.fft.irfftn(modes, s=grid.shape, axes=axes)


@pytest.mark.parametrize("shape", [(192,), (192, 192), (48, 48, 48)], ids=str)
def test_the_extrema_follow_the_logistic_law(shape):
    """1 + 0.5 ∏ cos 2πx, s = 1, ν = 1; extrema lie at corners. The tolerance is 1e−10 a step, of some hundred steps."""
    grid = gf.Grid(shape)
    flow = gf.Flow(grid, gf.Riesz(1), gf.uniform(grid))
    density = advanced(Spectral(flow, tolerance=1e-10), gf.cosine(grid, 0.5), 1.0)
    values = values_at_corners(grid, density)
    allowed = 1e-8 if grid.dim < 3 else 1e-6  # 64 cells resolve the steepening minimum to six digits
    for found, start in ((values.min(), 0.5), (values.max(), 1.5)):
        assert found == pytest.approx(LogisticLaw(start, 1.0)(1.0), rel=allowed)


def test_spectral_accuracy():
    """Every eight cells more along an axis gain a factor, as long as the tolerance allows."""
    errors = []
    for n in (16, 24, 32, 48):
        grid = gf.Grid((n,))
        flow = gf.Flow(grid, gf.Riesz(1), gf.uniform(grid))
        density = advanced(Spectral(flow, tolerance=1e-11), gf.cosine(grid, 0.5), 0.5)
        errors.append(abs(values_at_corners(grid, density).min() / LogisticLaw(0.5, 1.0)(0.5) - 1))
    assert (np.array(errors[1:]) < np.array(errors[:-1]) / 10).all()
    assert errors[-1] < 1e-9


def test_order_in_time():
    """Fixed steps, by a tolerance that accepts them all and landing: fourth order against a fine run."""
    grid = gf.Grid((48, 48))
    flow = gf.Flow(grid, gf.Riesz(1.5), gf.cosine(grid, 0.3))
    start = gf.normalize(grid, 1 + 0.4 * gf.cosine(grid, 0.9) ** 2)

    def fixed(integrator, steps, until=3.0):
        solver = Spectral(flow, integrator=integrator, tolerance=1e3, cfl=1.0)
        state = solver.initialize(start)
        for number in range(1, steps + 1):
            while state.time < until * number / steps:
                solver.step(state, until * number / steps)
        assert state.step == steps
        return solver.density(state)

    for integrator, order in (("etdrk4", 4), ("etdrk2", 2)):
        exact, steps = fixed("etdrk4", 160), np.array([15, 20, 30])
        errors = [abs(fixed(integrator, n) - exact).max() for n in steps]
        assert gf.diagnostics.fitted_order(1 / steps, errors) == pytest.approx(order, abs=0.3)


@pytest.mark.parametrize("s", [0.7, 1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize(("shape", "mode"), [((32,), (2,)), ((24, 24), (1, 2)), ((16, 16, 16), (1, 0, 1))], ids=str)
def test_modes_decay_by_themselves(shape, mode, s):
    """At an amplitude of 1e−6 to that of its square."""
    grid = gf.Grid(shape)
    flow = gf.Flow(grid, gf.Riesz(s), gf.uniform(grid))
    phase = sum(2 * np.pi * k * x for k, x in zip(mode, grid.mesh(), strict=True))
    until = 1 / LinearModes(flow).rate(mode)
    density = advanced(Spectral(flow, tolerance=1e-9), 1 + 1e-6 * np.cos(phase), until)
    amplitude = 2 * abs((density * np.exp(-1j * phase)).mean())
    assert amplitude * 1e6 == pytest.approx(math.exp(-1), rel=1e-5)


@pytest.mark.parametrize("amplitude", [0.0, 0.5])
def test_one_dimension_by_characteristics(amplitude):
    """O3, for a constant target in closed form and for another one integrated."""
    grid = gf.Grid((256,))
    target = gf.cosine(grid, amplitude) if amplitude else gf.uniform(grid)
    flow = gf.Flow(grid, gf.Riesz(1), target)
    x = grid.edges(0)
    start = np.diff(x - 0.5 * np.cos(2 * np.pi * x) / (2 * np.pi)) * 256
    exact = Coulomb1D(flow, start, smooth=True)(0.7)
    # splines of fifth degree through 256 cells: (2π/256)⁶ of some units
    assert advanced(Spectral(flow, tolerance=1e-10), start, 0.7) == pytest.approx(exact, abs=1e-8)


@pytest.mark.parametrize("s", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("cells", [((16, 16), (32, 32), (64, 64)), ((16,), (32,), (64,))], ids=str)
def test_finite_volumes_converge_to_it(cells, s):
    """At the order of the finite volumes: five along an axis, four in two dimensions (3.97 on grids so coarse)."""
    errors = []
    until = 0.3 * (2 * np.pi) ** (2 * s - 2)
    for shape in cells:
        grid = gf.Grid(shape)
        flow = gf.Flow(grid, gf.Riesz(s), gf.cosine(grid, 0.2))
        start = gf.cosine(grid, -0.4)
        exact = fine(lambda finest: (gf.cosine(finest, 0.2), gf.cosine(finest, -0.4)), s, until, shape)
        errors.append(abs(advanced(FiniteVolume(flow, tolerance=1e-10), start, until) - exact).mean())
    assert gf.diagnostics.fitted_order([1 / shape[0] for shape in cells], errors) > 3.9


def fine(problem, s, until, shape, growth=0.0):
    """The spectral solution on 64 cells along an axis, averaged over the cells of a coarser grid."""
    finest = gf.Grid((64,) * len(shape))
    target, start = problem(finest)
    density = advanced(Spectral(gf.Flow(finest, gf.Riesz(s), target, growth), tolerance=1e-9), start, until)
    blocks = [part for n in shape for part in (n, 64 // n)]
    return density.reshape(blocks).mean(axis=tuple(range(1, len(blocks), 2)))


def test_finite_volumes_with_growth_converge_to_it():
    """At second order: the mean of μV over a cell is taken for the product of the means."""
    errors, cells = [], (32, 64)
    for n in cells:
        grid = gf.Grid((n, n))
        flow = gf.Flow(grid, gf.Riesz(1.5), gf.cosine(grid, 0.2), growth=2.0)
        start = gf.cosine(grid, -0.4)
        exact = fine(lambda finest: (gf.cosine(finest, 0.2), gf.cosine(finest, -0.4)), 1.5, 2.0, (n, n), growth=2.0)
        errors.append(abs(advanced(FiniteVolume(flow, tolerance=1e-9), start, 2.0) - exact).mean())
    assert gf.diagnostics.fitted_order([1 / n for n in cells], errors) == pytest.approx(2, abs=0.2)


def test_long_times_cost_their_logarithm_and_give_the_same_energy():
    """s = 2 from smooth data to t = 1e5: steps per decade do not grow, and the energy is that of finite volumes."""
    grid = gf.Grid((96,))
    flow = gf.Flow(grid, gf.Riesz(2), gf.uniform(grid))
    x = grid.edges(0)
    start = np.diff(x + sum(0.1 * np.sin(2 * np.pi * k * x) / (2 * np.pi * k) for k in (1, 2, 5, 9))) * 96
    solver, other = Spectral(flow), FiniteVolume(flow, tolerance=1e-7)
    state, twin, counts = solver.initialize(start), other.initialize(start), []
    for until in (1e2, 1e3, 1e4):
        for one, reached in ((solver, state), (other, twin)):
            while reached.time < until:
                one.step(reached, until)
        counts.append(state.step)
        energies = [one.diagnose(reached)["energy"] for one, reached in ((solver, state), (other, twin))]
        assert energies[0] == pytest.approx(energies[1], rel=2e-3)  # waves of ten cells, fifth order
    assert max(np.diff(counts)) <= 30

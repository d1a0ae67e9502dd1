"""The sharp scheme, and WENO beside it, held to exact laws of the Coulomb flow, s = 1, and to its measured accuracy."""

import math

import numpy as np
import pytest

import gridflow as gf
from solvers import FiniteVolume

SMOOTH = ("sharp", "weno5")


def coulomb(grid):
    return gf.Flow(grid, gf.Riesz(1), gf.uniform(grid))


def advanced(solver, initial, times):
    """The solver's state at some times."""
    state = solver.initialize(initial)
    for until in times:
        while state.time < until:
            solver.step(state, until)
        yield state


def order(sizes, errors):
    return gf.diagnostics.fitted_order(1 / np.array(sizes), np.array(errors))


# holes


def disc_hole(n, times, **options):
    """Relative errors of area and plateau of a disc of radius ¼, the least density and the error of the mass."""
    grid = gf.Grid((n, n))
    flow, hole = coulomb(grid), gf.ball_hole(grid, 0.25)
    law, solver = gf.theory.HoleLaw.of(flow, hole), FiniteVolume(flow, **options)
    found = []
    for state in advanced(solver, hole, times):
        density, plateau = solver.density(state), float(law.plateau(state.time))
        area = gf.diagnostics.volume_below(grid, density, plateau / 2)
        mass = gf.diagnostics.mass(grid, density)
        found.append((area / float(law(state.time)) - 1, density.max() / plateau - 1, density.min(), mass - 1))
    return np.array(found, dtype=float)


@pytest.mark.long
def test_disc_hole():
    """The edge stays as wide as it is: errors fall faster than h (orders 2.2, 1.8); h^{2/3} with a limited slope."""
    sizes, times = (64, 128, 256), (1.0, 2.0, 3.0)
    found = np.array([disc_hole(n, times) for n in sizes])
    area, plateau, least, mass = np.moveaxis(found, -1, 0)
    at_256 = sizes.index(256)
    assert (abs(area[at_256]) <= (1e-3, 3e-3, 1e-2)).all()
    assert (abs(plateau[at_256]) <= 1e-7).all()
    assert (least >= 0).all()
    assert (abs(mass) <= 1e-13).all()
    for k in range(2):
        assert order(sizes, area[:, k]) >= 1.8


@pytest.mark.long
def test_disc_hole_in_single_precision():
    """A velocity by differences of V loses ε V / h to rounding, half of it on half as many cells: 1e−4 on 256²."""
    times = (1.0, 2.0)
    double, single = disc_hole(128, times), disc_hole(128, times, dtype="float32")
    assert (abs(single[:, 0] - double[:, 0]) <= 5e-5).all()
    assert (abs(single[:, 1]) <= 1e-5).all()
    assert (single[:, 2] >= 0).all()
    assert (abs(single[:, 3]) <= 1e-5).all()


@pytest.mark.long
@pytest.mark.parametrize("reconstruction", SMOOTH)
def test_disc_into_vacuum(reconstruction):
    """O1: the largest value obeys the logistic law while the disc spreads into the empty space around it."""
    grid = gf.Grid((128, 128))
    disc = gf.normalize(grid, gf.regions.ball(grid, 0.25))
    law, solver = gf.theory.LogisticLaw(disc.max(), 1.0), FiniteVolume(coulomb(grid), reconstruction)
    for state in advanced(solver, disc, (0.25, 0.5, 1.0, 2.0)):
        density = solver.density(state)
        assert density.min() >= 0
        assert density.max() == pytest.approx(float(law(state.time)), rel=1e-6)


# smooth data


def value_at(grid, density, point):
    """The density at a point by trigonometric interpolation of its cell averages."""
    modes = np.fft.fftn(density) / grid.size
    for axis, (n, h, length, x) in enumerate(zip(grid.shape, grid.spacing, grid.lengths, point, strict=True)):
        k = np.fft.fftfreq(n, 1 / n)
        # averages carry a sinc, and the first centre is at h/2
        modes = modes * grid.along(axis, np.exp(2j * np.pi * k * (x - h / 2) / length) / np.sinc(k / n))
    return float(modes.sum().real)


def error_of_the_minimum(shape, **options):
    """O1: the minimum of 1 + 0.9 cos 2πx cos 2πy … stays where it is and obeys the logistic law."""
    grid = gf.Grid(shape)
    solver = FiniteVolume(coulomb(grid), tolerance=1e-9, **options)
    (state,) = advanced(solver, gf.cosine(grid, 0.9), (1.0,))
    lowest = (0.5,) + (0.0,) * (grid.dim - 1)
    return abs(value_at(grid, solver.density(state), lowest) - float(gf.theory.LogisticLaw(0.1, 1.0)(1.0)))


@pytest.mark.long
@pytest.mark.parametrize("reconstruction", SMOOTH)
def test_a_smooth_minimum_in_two_dimensions(reconstruction):
    sizes = (32, 64, 128)
    errors = [error_of_the_minimum((n, n), reconstruction=reconstruction) for n in sizes]
    assert (np.array(errors[1:]) <= (3e-5, 5e-7)).all()
    assert order(sizes, errors) >= 4.5


@pytest.mark.long
@pytest.mark.parametrize("reconstruction", SMOOTH)
def test_a_smooth_minimum_in_three_dimensions(reconstruction):
    sizes = (12, 18, 27)
    assert order(sizes, [error_of_the_minimum((n,) * 3, reconstruction=reconstruction) for n in sizes]) >= 4


@pytest.mark.parametrize("reconstruction", SMOOTH)
def test_order_in_one_dimension(reconstruction):
    """L1 error of cell averages against the closed form O3 for smooth positive data.

    The closed form takes its start as constant in each of its own cells, which leaves an error of second order in them.
    """
    sizes, errors = (32, 64, 128), []
    fine = gf.Grid((2**17,))
    exact = gf.theory.Coulomb1D(coulomb(fine), gf.cosine(fine, 0.9))(1.0)
    for n in sizes:
        grid = gf.Grid((n,))
        solver = FiniteVolume(coulomb(grid), reconstruction, tolerance=1e-10)
        (state,) = advanced(solver, gf.cosine(grid, 0.9), (1.0,))
        errors.append(abs(solver.density(state) - exact.reshape(n, -1).mean(1)).mean())
    assert order(sizes, errors) >= 4.5


# energy


def random_density(grid):
    rng = np.random.default_rng(7)
    return gf.normalize(grid, np.where(rng.random(grid.shape) < 0.1, 0.0, np.exp(rng.standard_normal(grid.shape))))


RUNS = {
    "disc": ((256, 256), 1.0, lambda grid: gf.ball_hole(grid, 0.25), 1.0),
    "ball": ((48, 48, 48), 1.0, lambda grid: gf.ball_hole(grid, 0.3), 1.0),
    "random-1": ((512,), 1.0, random_density, 1.0),
    "random-2": ((96, 80), 1.0, random_density, 1.0),
    "random-3": ((24, 20, 22), 1.0, random_density, 1.0),
    "random-s=1.5": ((96, 80), 1.5, random_density, 2.0),
    "random-s=0.5": ((48, 40), 0.5, random_density, 0.2),
}


@pytest.mark.long
@pytest.mark.parametrize("reconstruction", SMOOTH)
@pytest.mark.parametrize("name", RUNS)
def test_the_energy_falls_in_every_step_of_these_runs(name, reconstruction):
    """Checked, not a theorem: face values of these schemes may lie outside of the two cells that share the face.

    An FFT of N numbers is right to log2(N) ε of ‖μ‖, which moves E by at most that times 2 √(E S), S the energy of μ
    itself in the largest value of the symbol.
    """
    shape, s, make, t_end = RUNS[name]
    grid = gf.Grid(shape)
    flow = gf.Flow(grid, gf.Riesz(s), gf.uniform(grid))
    solver = FiniteVolume(flow, reconstruction)
    state = solver.initialize(make(grid))
    energy = flow.energy(solver.density(state))
    while state.time < t_end:
        solver.step(state, t_end)
        density, before = solver.density(state), energy
        energy = flow.energy(density)
        own = 0.5 * flow.symbol.max() * float((density**2).sum()) * grid.cell_volume
        round_off = 8 * math.log2(grid.size) * np.finfo(float).eps * (before + math.sqrt(before * own))
        assert energy <= before + round_off


# the tracer


@pytest.mark.parametrize("n", [64, 65])
def test_the_tracer_of_a_hole_is_as_accurate_as_the_density(n):
    """1 − χ and μ / c obey one equation, and the reconstructions commute with affine maps of what they are given.

    But for what counts as flat, and that is seen at the foot of the edge only. Density and tracer are to differ by a
    hundredth of the area's own error, 1 % at t = 1 (measured: 1e−5, and 1e−6 on 129²).
    """
    grid = gf.Grid((n, n))
    flow, hole = coulomb(grid), gf.ball_hole(grid, 0.25)
    law, solver = gf.theory.HoleLaw.of(flow, hole), FiniteVolume(flow, tracer=gf.regions.ball(grid, 0.25))
    for state in advanced(solver, hole, (0.5, 1.0, 2.0)):
        tracer, density = state.arrays["tracer"], solver.density(state)
        assert tracer.min() >= 0
        carried = grid.volume - gf.diagnostics.volume_below(grid, tracer, 0.5)
        contoured = gf.diagnostics.volume_below(grid, density, float(law.plateau(state.time)) / 2)
        assert carried == pytest.approx(contoured, rel=1e-4)


def test_ball_hole_in_three_dimensions():
    """The volume of a ball of radius ¼ at t = 2, by marching cubes: 1 % on 128³ (measured by hand, −0.88 %).

    Errors fall with order 1.8 at least, as for discs, so half as many cells allow 2^1.8 times as much.
    """
    grid = gf.Grid((64, 64, 64))
    flow, hole = coulomb(grid), gf.ball_hole(grid, 0.25)
    law = gf.theory.HoleLaw.of(flow, hole)
    solver = FiniteVolume(flow)
    state = solver.initialize(hole)
    while state.time < 2.0:
        solver.step(state, 2.0)
    density = solver.density(state)
    volume = gf.diagnostics.volume_below(grid, density, float(law.plateau(2.0)) / 2)
    assert density.min() >= 0
    assert abs(volume / float(law(2.0)) - 1) <= 0.01 * 2**1.8
    assert abs(gf.diagnostics.mass(grid, density) - 1) <= 1e-13

"""MUSCL and upwind in the Coulomb flow, s = 1, held to its exact laws (docs/mathematics.md)."""

import numpy as np
import pytest

import gridflow as gf
from solvers import FiniteVolume


def advance(solver, initial, times):
    """Densities at some times, copied."""
    state = solver.initialize(initial)
    for until in times:
        while state.time < until:
            solver.step(state, until)
        yield solver.density(state).copy()


def muscl(flow, **options):
    return FiniteVolume(flow, **{"reconstruction": "muscl"} | options)


def coulomb(grid):
    return gf.Flow(grid, gf.Riesz(1, "mimetic"), gf.uniform(grid))


def hole_errors(grid, hole, times, limiter, **options):
    """Relative errors of the contoured volume and of the plateau against the hole law, shape (times, 2)."""
    flow = coulomb(grid)
    law = gf.theory.HoleLaw.of(flow, hole)
    errors = []
    for time, density in zip(times, advance(muscl(flow, limiter=limiter, **options), hole, times), strict=True):
        plateau = float(law.plateau(time))
        volume = gf.diagnostics.volume_below(grid, density, plateau / 2)
        errors.append((volume / float(law(time)) - 1, density.max() / plateau - 1))
    return np.array(errors)


SIZES = (64, 128, 256)


@pytest.fixture(scope="module", params=["vanleer", "superbee"])
def disc(request):
    """Limiter and errors, shape (sizes, times, 2), of a disc of radius ¼ at t = 1 and 2."""
    grids = [gf.Grid((n, n)) for n in SIZES]
    errors = [hole_errors(grid, gf.ball_hole(grid, 0.25), (1.0, 2.0), request.param) for grid in grids]
    return request.param, np.array(errors)


@pytest.mark.long
def test_disc_hole(disc):
    """Area and plateau; the edge of a limited second-order scheme spreads like h^{2/3}, of superbee like h."""
    limiter, errors = disc
    area, plateau = errors[..., 0], errors[..., 1]
    at_256 = SIZES.index(256)
    allowed = {"vanleer": (0.02, 0.05), "superbee": (0.01, 0.02)}[limiter]
    assert (abs(area[at_256]) <= allowed).all()
    assert (abs(plateau[at_256]) <= 5e-6).all()
    # van Leer's 2/3 is approached from below: 0.63 at t = 1, 0.70 at t = 2
    orders = [gf.diagnostics.fitted_order(1 / np.array(SIZES), area[:, k]) for k in range(2)]
    assert orders[0] >= {"vanleer": 0.62, "superbee": 0.9}[limiter]
    assert orders[1] >= {"vanleer": 0.65, "superbee": 0.9}[limiter]
    assert gf.diagnostics.fitted_order(1 / np.array(SIZES), plateau[:, 0]) >= 1.8


SHAPES = {
    "box": lambda grid: gf.box_hole(grid, (0.4, 0.5)),
    "shell": lambda grid: gf.shell_hole(grid, 0.15, 0.35),
    "lattice": lambda grid: gf.lattice_of_holes(grid, (2, 2), 0.15),
}


@pytest.mark.long
@pytest.mark.parametrize("shape", SHAPES)
def test_other_shapes_of_holes(shape):
    """The error of the volume is the width of the smeared edge times its length, and superbee's width is order h.

    The disc has |∂H| / |H| = 8 and at 256², t = 1 an error below 1 %; other shapes are allowed that in proportion.
    """
    ratio = {"box": 1.8 / 0.2, "shell": 2 * 0.5 / (0.35**2 - 0.15**2), "lattice": 2 / 0.15}[shape]
    sizes, errors = (64, 128, 256), []
    for n in sizes:
        grid = gf.Grid((n, n))
        errors.append(hole_errors(grid, SHAPES[shape](grid), (1.0,), "superbee")[0])
    volume, plateau = np.array(errors).T
    assert abs(volume[-1]) <= 0.01 * ratio / 8
    assert abs(plateau[-1]) <= 5e-6
    assert gf.diagnostics.fitted_order(1 / np.array(sizes), volume) >= 0.65
    assert gf.diagnostics.fitted_order(1 / np.array(sizes), plateau) >= 1.8


def test_ball_hole_in_three_dimensions():
    """64³, |∂H| / |H| = 10: as for the disc, with (256 / 64)^0.62 for the grid, the disc's order at this time."""
    grid = gf.Grid((64, 64, 64))
    volume, plateau = hole_errors(grid, gf.ball_hole(grid, 0.3), (1.0,), "vanleer")[0]
    assert abs(volume) <= 0.02 * (256 / 64) ** 0.62 * 10 / 8
    assert abs(plateau) <= 5e-6 * (256 / 64) ** 2


def test_interval_hole_against_the_closed_form():
    """L1 distance to O3: h^{2/3} from the smeared edges for van Leer."""
    sizes, errors = (256, 512, 1024), []
    for n in sizes:
        grid = gf.Grid((n,))
        hole = gf.ball_hole(grid, 0.2)
        flow = coulomb(grid)
        (density,) = advance(muscl(flow), hole, (1.0,))
        errors.append(abs(density - gf.theory.Coulomb1D(flow, hole)(1.0)).mean())
    assert gf.diagnostics.fitted_order(1 / np.array(sizes), errors) >= 0.6


def smooth(grid):
    """A smooth start in one dimension, cell averages of 1 + 0.9 cos(2πx) e^{0.3 sin 4πx} scaled to mass 1."""
    wave = lambda x: 1 + 0.9 * np.cos(2 * np.pi * x) * np.exp(0.3 * np.sin(4 * np.pi * x))  # noqa: E731
    return gf.from_function(grid, lambda x: np.maximum(wave(x), 0), mass=1.0)


def test_cumulative_mass_in_one_dimension():
    grid = gf.Grid((4096,))
    flow = coulomb(grid)
    (density,) = advance(muscl(flow), smooth(grid), (1.5,))
    found = np.concatenate([[0.0], np.cumsum(density) * grid.spacing[0]])
    exact = gf.theory.Coulomb1D(flow, smooth(grid)).cumulative_mass(1.5)
    assert abs(found - exact).max() <= 1e-6


ONE_DIMENSION = (128, 256, 512, 1024)


@pytest.fixture(scope="module")
def solution():
    """Cell averages of the closed form O3 at t = 1 on 64 cells for one of the finest grid."""
    fine = gf.Grid((64 * ONE_DIMENSION[-1],))
    return gf.theory.Coulomb1D(coulomb(fine), gf.cosine(fine, 0.9))(1.0)


@pytest.mark.parametrize(
    ("options", "order"),
    [
        ({"reconstruction": "upwind"}, 0.9),
        ({"limiter": "vanleer"}, 1.8),
        ({"limiter": "vanleer", "velocity": "spectral"}, 1.8),
        ({"limiter": "vanleer", "integrator": "ssprk2", "tolerance": 1e-7}, 1.8),
    ],
    ids=str,
)
def test_order_in_one_dimension(solution, options, order):
    """L1 error of cell averages against the closed form O3 for smooth positive data.

    The closed form takes its start as constant in each cell; on 64 cells for one of the finest grid that matters 64
    times less than the first-order error it is on the grid itself.
    """
    errors = []
    for n in ONE_DIMENSION:
        grid = gf.Grid((n,))
        (density,) = advance(muscl(coulomb(grid), **options), gf.cosine(grid, 0.9), (1.0,))
        errors.append(abs(density - solution.reshape(n, -1).mean(1)).mean())
    assert gf.diagnostics.fitted_order(1 / np.array(ONE_DIMENSION), errors) >= order


@pytest.mark.parametrize(
    ("options", "order"), [({"reconstruction": "upwind"}, 0.9), ({}, 1.8)], ids=["upwind", "muscl"]
)
def test_order_in_two_dimensions(options, order):
    """L1 distance between resolutions, each averaged onto the next coarser: a self-converged solution."""
    sizes, solutions = (32, 64, 128, 256), []
    for n in sizes:
        grid = gf.Grid((n, n))
        solutions += advance(muscl(coulomb(grid), **options), gf.cosine(grid, 0.9), (1.0,))
    differences = [
        abs(coarse - fine.reshape(n, 2, n, 2).mean((1, 3))).mean()
        for n, coarse, fine in zip(sizes, solutions, solutions[1:], strict=False)
    ]
    assert gf.diagnostics.fitted_order(1 / np.array(sizes[:-1]), differences) >= order


@pytest.mark.parametrize("velocity", ["difference", "spectral"])
def test_extrema_follow_the_logistic_law(velocity):
    """O1: smooth extrema obey the logistic law; limiters clip them to second order in h, as cell averages do."""
    sizes, errors = (32, 64, 128), []
    lowest, highest = (float(gf.theory.LogisticLaw(start, 1.0)(1.0)) for start in (0.1, 1.9))
    for n in sizes:
        grid = gf.Grid((n, n))
        (density,) = advance(muscl(coulomb(grid), velocity=velocity), gf.cosine(grid, 0.9), (1.0,))
        errors.append((density.min() - lowest, density.max() - highest))
    for error in np.array(errors).T:
        assert gf.diagnostics.fitted_order(1 / np.array(sizes), error) >= 1.8


@pytest.mark.long
def test_disc_hole_in_single_precision():
    """A velocity by differences of V loses ε V / h to rounding: half on 128² of the 1e−4 of the plateau that was
    measured on 256², and no more."""
    grid, times = gf.Grid((128, 128)), (1.0, 2.0)
    hole = gf.ball_hole(grid, 0.25)
    double = hole_errors(grid, hole, times, "vanleer")
    single = hole_errors(grid, hole, times, "vanleer", dtype="float32")
    assert (abs(single[:, 0] - double[:, 0]) <= 1e-5).all()
    assert (abs(single[:, 1] - double[:, 1]) <= 1e-4).all()


def test_late_decay_is_resolved_in_time():
    """s = 1, ν = 1: the energy falls like e^{−2t} for as long as one asks, to the tolerance per e-folding."""
    grid = gf.Grid((64, 64))
    flow = coulomb(grid)
    solver = muscl(flow)
    early, late = advance(solver, gf.cosine(grid, 0.5), (4.0, 12.0))
    rate = np.log(flow.energy(early) / flow.energy(late)) / 8
    # the nonlinear correction to the rate is of the order of the remaining amplitude: e^{−4}/8 on average
    assert rate == pytest.approx(2, rel=2 * solver.tolerance + np.exp(-4) / 8)

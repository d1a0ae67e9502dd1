"""Exact laws against the equations they solve, integrated or differentiated independently."""

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import gridflow as gf
from gridflow import theory
from gridflow.domains.torus import Grid
from gridflow.equation.flow import Flow
from gridflow.equation.kernels import Gaussian, Matern, Riesz, Symbol
from gridflow.errors import InputError
from gridflow.theory import Coulomb1D, HoleLaw, LinearModes, LogisticLaw, uniform_background

EPS = np.finfo(float).eps


def coulomb(grid, mass=1.0, **options):
    return Flow(grid, Riesz(1), gf.uniform(grid, mass), **options)


# logistic law


STARTS = np.array([0.0, 1e-8, 0.1, 0.5, 1.0, 1.7, 40.0])


@pytest.mark.parametrize("background", [1.0, 0.3, 4.0])
def test_the_logistic_law_solves_its_equation(background):
    """dμ/dt = −μ (μ − a) integrated to 1e-12."""
    times = np.array([0.0, 0.1, 1.0, 5.0])
    law = LogisticLaw(STARTS, background)
    reference = solve_ivp(
        lambda _, y: -y * (y - background), (0, 5), STARTS, t_eval=times, rtol=1e-12, atol=1e-18, method="DOP853"
    ).y.T
    for time, expected in zip(times, reference, strict=True):
        # the integrator's tolerance per step, hundreds of steps, amplified by e^{a t} ≤ e^{20} only where μ ≪ a
        assert law(time) == pytest.approx(expected, rel=1e-9, abs=1e-17)
    assert law(0.0) == pytest.approx(STARTS, rel=4 * EPS)


def test_the_logistic_law_is_a_flow():
    """Going on from μ(s) for a time t is μ(s + t)."""
    for s, t in ((0.2, 0.7), (3.0, 1.5)):
        via = LogisticLaw(LogisticLaw(STARTS, 1.3)(s), 1.3)(t)
        assert via == pytest.approx(LogisticLaw(STARTS, 1.3)(s + t), rel=64 * EPS)


def test_the_logistic_law_of_many_times():
    times = np.linspace(0, 3, 7)
    law = LogisticLaw(0.2, 1.0)
    assert law(times) == pytest.approx([law(t) for t in times], rel=4 * EPS)
    assert (np.diff(law(times)) > 0).all()
    assert float(LogisticLaw(1.0, 1.0)(7.0)) == 1.0


@pytest.mark.parametrize("time", [100.0, 800.0, 1e6])
def test_the_logistic_law_for_ever(time):
    """Vacuum stays vacuum, everything else ends at a; e^{−at} underflows beyond t = 745/a."""
    assert LogisticLaw(0.0, 1.0)(time) == 0
    assert LogisticLaw(np.array([0.0, 0.5, 2.0]), 1.0)(time) == pytest.approx([0, 1, 1], rel=4 * EPS)


# uniform background


def test_uniform_background_checks_its_hypotheses():
    grid = Grid((8, 9), (1.0, 2.0))
    assert uniform_background(coulomb(grid, 3.0)) == pytest.approx(1.5, rel=8 * EPS)
    assert uniform_background(Flow(grid, Riesz(1, "spectral"), gf.uniform(grid))) == pytest.approx(0.5, rel=8 * EPS)
    tilted = gf.uniform(grid)
    tilted[0, 0] *= 1 + 1e-9
    for flow in (
        Flow(grid, Riesz(2), gf.uniform(grid)),
        Flow(grid, Riesz(1.0001), gf.uniform(grid)),
        Flow(grid, Gaussian(0.1), gf.uniform(grid)),
        Flow(grid, Symbol(lambda x, y: 1 / (x**2 + y**2)), gf.uniform(grid)),
        Flow(grid, Riesz(1), gf.cosine(grid, 0.1)),
        Flow(grid, Riesz(1), tilted),
        coulomb(grid, growth=2.0),
    ):
        assert uniform_background(flow) is None


# hole law


HOLES = {
    "ball": lambda grid: (gf.ball_hole(grid, 0.3), gf.regions.ball(grid, 0.3)),
    "box": lambda grid: (gf.box_hole(grid, 0.4, [0.1] * grid.dim), gf.regions.box(grid, 0.4, [0.1] * grid.dim)),
    "shell": lambda grid: (gf.shell_hole(grid, 0.2, 0.45), gf.regions.shell(grid, 0.2, 0.45)),
    "lattice": lambda grid: (gf.lattice_of_holes(grid, 2, 0.2), gf.regions.lattice(grid, 2, 0.2)),
}
HOLE_GRIDS = (Grid(32), Grid((24, 21)), Grid((20, 21, 22)))


@pytest.mark.parametrize("grid", HOLE_GRIDS, ids=lambda g: str(g.dim))
@pytest.mark.parametrize("hole", HOLES)
def test_the_hole_law_of_a_hole(grid, hole):
    initial, region = HOLES[hole](grid)
    law = HoleLaw.of(coulomb(grid), initial)
    # |T| − M/max μ is a difference of numbers of order 1; sums of N cells
    assert law.volume == pytest.approx(region.sum() * grid.cell_volume, rel=0, abs=8 * math.log2(grid.size) * EPS)
    assert law.background == pytest.approx(1, rel=16 * EPS)
    assert law.torus_volume == 1
    assert law.plateau(0.0) == pytest.approx(initial.max(), rel=64 * EPS)
    assert law(0.0) == law.volume


def test_the_hole_law_solves_its_equation():
    """d|H|/dt = −a |H|; outside, dc/dt = −c (c − a); the mass c (|T| − |H|) is kept."""
    law = HoleLaw(0.7, 2.5, 1.6)
    reference = solve_ivp(
        lambda _, y: [-1.6 * y[0], -y[1] * (y[1] - 1.6)],
        (0, 3),
        [0.7, law.plateau(0.0)],
        t_eval=[0.5, 3.0],
        rtol=1e-12,
        atol=1e-14,
        method="DOP853",
    ).y
    times = np.array([0.5, 3.0])
    assert law(times) == pytest.approx(reference[0], rel=1e-10)  # the integrator's tolerance, a hundred steps
    assert law.plateau(times) == pytest.approx(reference[1], rel=1e-10)
    assert law.plateau(times) * (2.5 - law(times)) == pytest.approx(1.6 * 2.5, rel=8 * EPS)
    assert law.plateau(times) == pytest.approx(LogisticLaw(law.plateau(0.0), 1.6)(times), rel=32 * EPS)


@pytest.mark.parametrize("grid", HOLE_GRIDS, ids=lambda g: str(g.dim))
def test_the_hole_law_needs_its_hypotheses(grid):
    hole = gf.ball_hole(grid, 0.3)
    assert HoleLaw.of(coulomb(grid), hole) is not None
    for flow in (
        Flow(grid, Riesz(2), gf.uniform(grid)),
        Flow(grid, Matern(0.5, 0.1), gf.uniform(grid)),
        Flow(grid, Riesz(1), gf.cosine(grid, 0.5)),
        coulomb(grid, growth=1.0),
    ):
        assert HoleLaw.of(flow, hole) is None
    for initial in (
        gf.cosine(grid, 0.5),
        gf.cosine(grid, 1.0),
        gf.uniform(grid),
        gf.gaussian(grid, [0.5] * grid.dim, 0.01),  # empty far away, but not constant
        gf.normalize(grid, hole * gf.cosine(grid, 0.3)),  # a hole in a density that varies
        gf.normalize(grid, hole + 1e-3),  # nothing is empty
        gf.normalize(grid, hole + gf.ball_hole(grid, 0.1)),  # two values outside the smaller hole
    ):
        assert HoleLaw.of(coulomb(grid), initial) is None


@pytest.mark.parametrize("volume", [0.0, -0.1, 1.0, 2.0, math.nan])
def test_a_hole_is_smaller_than_the_torus(volume):
    with pytest.raises(InputError, match=r"between 0 and the torus' 1\.0") as error:
        HoleLaw(volume, 1.0, 1.0)
    assert str(volume) in str(error.value)


# Coulomb flow on a line


def starts():
    for grid, mass in ((Grid(24), 1.0), (Grid(17, 1.7), 2.5)):
        length = grid.lengths[0]
        yield "hole", grid, mass, gf.box_hole(grid, 0.37 * length, 0.2 * length, mass)
        yield "cosine", grid, mass, gf.cosine(grid, 0.9, 2, mass)
        yield "bump", grid, mass, gf.gaussian(grid, [0.97 * length], 0.05 * length, mass=mass)
        yield "noise", grid, mass, gf.normalize(grid, np.random.default_rng(0).random(grid.shape), mass)
        spike = np.zeros(grid.shape)
        spike[3] = 1
        yield "spike", grid, mass, gf.normalize(grid, spike, mass)


LINES = [pytest.param(*rest, id=f"{name}-{rest[0].size}") for name, *rest in starts()]


@pytest.mark.parametrize(("grid", "mass", "initial"), LINES)
def test_coulomb_on_a_line_starts_keeps_mass_and_ends_uniform(grid, mass, initial):
    exact = Coulomb1D(coulomb(grid, mass), initial)
    background = mass / grid.lengths[0]
    # positions and masses round by a few ε of their largest values, averages by that over h
    allowed = 16 * EPS * grid.size * max(initial.max(), background) * grid.size
    assert exact(0.0) == pytest.approx(initial, rel=0, abs=allowed)
    for time in (0.0, 0.1, 1.0, 3.0, 30.0, 2000.0):
        density = exact(time)
        assert density.sum() * grid.cell_volume == pytest.approx(mass, rel=4 * grid.size * EPS)
        assert density.min() >= -allowed
        assert exact.cumulative_mass(time).shape == (grid.size + 1,)
        assert exact.cumulative_mass(time)[0] == 0
        assert exact.cumulative_mass(time)[-1] == pytest.approx(mass, rel=4 * grid.size * EPS)
    # differences from a die like e^{−a t}, here e^{−40}
    assert exact(40.0 / background) == pytest.approx(background, rel=0, abs=allowed)


def integrated(grid, mass, initial, time):
    """Cell averages by integrating dX_m/dt = m − G(X_m) + C(t), with C from ∫ v dx = 0 over a period.

    The density between two characteristics is constant, so v is linear between them and the trapezoidal rule exact.
    """
    length = grid.lengths[0]
    label = np.concatenate([[0.0], np.cumsum(initial) * grid.spacing[0]])

    def velocity(_, x):
        v = label - mass / length * x  # the last one is the first one's image: X + L and m + M
        return v - (np.diff(x) * (v[1:] + v[:-1]) / 2).sum() / length

    solved = solve_ivp(velocity, (0, time), grid.edges(0), rtol=1e-12, atol=1e-14, method="DOP853")
    x = solved.y[:, -1]
    periods = np.concatenate([x[:-1] - length, x[:-1], x + length])
    labels = np.concatenate([label[:-1] - mass, label[:-1], label + mass])
    return np.diff(np.interp(grid.edges(0), periods, labels)) / grid.spacing[0]


@pytest.mark.parametrize(("grid", "mass", "initial"), LINES)
@pytest.mark.parametrize("time", [0.05, 0.7, 3.0])
def test_coulomb_on_a_line_against_integrated_characteristics(grid, mass, initial, time):
    ours = Coulomb1D(coulomb(grid, mass), initial)(time)
    # positions to 1e-12 L per step, tens of steps: masses by max μ of that, averages by that over h
    allowed = 1e-10 * initial.max() * grid.size
    assert ours == pytest.approx(integrated(grid, mass, initial, time), rel=0, abs=allowed)


def test_coulomb_on_a_line_agrees_with_the_other_laws():
    """The gap's width follows the hole law and the rest its plateau."""
    grid = Grid(1000)
    initial = gf.box_hole(grid, 0.4)
    flow = coulomb(grid)
    law, exact = HoleLaw.of(flow, initial), Coulomb1D(flow, initial)
    for time in (0.3, 1.0, 2.0):
        density, plateau = exact(time), float(law.plateau(time))
        # a cumulative mass has n steps of rounding, an average divides by h
        assert density.max() == pytest.approx(plateau, rel=16 * grid.size * EPS)
        # the share of each cell that the gap covers is what is missing to the plateau
        missing = (1 - density / plateau).sum() * grid.spacing[0]
        assert missing == pytest.approx(float(law(time)), rel=16 * grid.size * EPS)
        empty = np.flatnonzero(density < 1e-9)
        assert len(empty) * grid.spacing[0] == pytest.approx(float(law(time)), abs=2 * grid.spacing[0])


def test_the_target_on_a_line_stays():
    grid = Grid(12)
    flow, initial = coulomb(grid), gf.uniform(grid)
    assert Coulomb1D(flow, initial)(0.7) == pytest.approx(initial, rel=64 * grid.size * EPS)


def test_coulomb_on_a_line_translates():
    """By whole cells: the law has no origin."""
    grid = Grid(20, 1.3)
    initial = gf.normalize(grid, np.random.default_rng(3).random(20) ** 4)
    exact = Coulomb1D(coulomb(grid), initial)(0.8)
    for shift in range(1, 20):
        moved = Coulomb1D(coulomb(grid), np.roll(initial, shift))(0.8)
        assert moved == pytest.approx(np.roll(exact, shift), rel=0, abs=64 * EPS * grid.size * initial.max())


def test_coulomb_on_a_line_needs_its_hypotheses():
    grid = Grid(8)
    for flow in (
        coulomb(Grid((8, 8))),
        Flow(grid, Riesz(2), gf.uniform(grid)),
        Flow(grid, Matern(0.5, 0.1), gf.uniform(grid)),
        coulomb(grid, growth=1.0),
    ):
        with pytest.raises(InputError, match="Coulomb1D needs"):
            Coulomb1D(flow, gf.uniform(flow.grid))
    with pytest.raises(InputError, match=r"mass 2 but the target has mass 1"):
        Coulomb1D(coulomb(grid), gf.uniform(grid, 2.0))
    with pytest.raises(InputError, match="the initial density is negative"):
        Coulomb1D(coulomb(grid), -np.ones(8))


# linear modes


@pytest.mark.parametrize("s", [0.5, 1, 1.5, 2])
@pytest.mark.parametrize("mode", [(1, 0), (2, 3), (-2, 3), (2, -3), (-4, -4), (0, -1)])
def test_rate_of_a_spectral_riesz_mode(s, mode):
    """a |ξ|^{2 − 2s}."""
    grid = Grid((9, 8), (1.0, 1.4))
    modes = LinearModes(Flow(grid, Riesz(s, "spectral"), gf.uniform(grid, 2.8)))
    squared = (2 * np.pi * mode[0]) ** 2 + (2 * np.pi * mode[1] / 1.4) ** 2
    assert modes.rate(mode) == pytest.approx(2.0 * squared ** (1 - s), rel=32 * EPS)
    assert modes(0.3, mode) == pytest.approx(math.exp(-0.3 * modes.rate(mode)), rel=4 * EPS)
    assert modes(0.0, mode) == 1


@pytest.mark.parametrize("growth", [0.0, 2.0])
@pytest.mark.parametrize(
    "kernel",
    [Riesz(1, "mimetic"), Riesz(1.5), Gaussian(0.1), Matern(1.5, 0.3), Symbol(lambda *xi: np.exp(-abs(sum(xi)) / 20))],
)
def test_rate_of_the_linearised_equation(torus, kernel, growth):
    """∂_t f = a ΔV − β a V on a wave, by numpy's FFT: every mode of the grid at once."""
    flow = Flow(torus, kernel, gf.uniform(torus, 1.7), growth)
    background, rng = 1.7 / torus.volume, np.random.default_rng(0)
    f = rng.standard_normal(torus.shape)
    v = flow.potential(flow.target + f)
    numbers = np.meshgrid(*(np.fft.fftfreq(n, 1 / n) for n in torus.shape), indexing="ij")
    squared = sum((2 * np.pi * k / length) ** 2 for k, length in zip(numbers, torus.lengths, strict=True))
    change = -background * (squared + growth) * np.fft.fftn(v)
    spectrum = np.fft.fftn(f)
    modes = LinearModes(flow)
    for index in np.ndindex(*torus.shape):
        mode = tuple(int(k[index]) for k in numbers)
        if any(2 * abs(k) == n for k, n in zip(mode, torus.shape, strict=True)):
            continue  # a Nyquist mode is its own mirror image along one axis alone
        # transforms of N numbers: log2(N) ε of the largest coefficients
        scale = background * (squared[index] + growth) * flow.symbol.max() * abs(spectrum).max()
        expected = -modes.rate(mode) * spectrum[index]
        assert abs(change[index] - expected) <= 16 * math.log2(torus.size) * EPS * scale + 1e-300


def test_the_mean_grows_back_with_growth_alone():
    """Mode 0: −β a K̂(0)."""
    grid = Grid((8, 9))
    for growth in (0.0, 2.0):
        modes = LinearModes(Flow(grid, Gaussian(0.2), gf.uniform(grid), growth))
        assert modes.rate((0, 0)) == pytest.approx(growth * 2 * np.pi * 0.04, rel=32 * EPS)


def test_opposite_modes_have_one_rate(torus):
    modes = LinearModes(Flow(torus, Symbol(lambda *xi: np.exp(-abs(sum(xi)) / 20)), gf.uniform(torus)))
    for mode in ((1, 2, 2), (-1, 2, 1), (2, 0, -2), (0, 0, 1)):
        mode = mode[-torus.dim :]
        assert modes.rate(mode) == modes.rate(tuple(-k for k in mode))


def test_linear_modes_need_a_constant_target():
    grid = Grid((8, 9))
    with pytest.raises(InputError, match="constant target"):
        LinearModes(Flow(grid, Riesz(1), gf.cosine(grid, 1e-6)))


@pytest.mark.parametrize("mode", [(1,), (1, 2, 3), (5, 0), (0, 5), (0, -5)])
def test_modes_are_those_of_the_grid(mode):
    grid = Grid((8, 9))
    modes = LinearModes(Flow(grid, Riesz(1), gf.uniform(grid)))
    with pytest.raises(InputError, match=r"not one of the grid of shape \(8, 9\)") as error:
        modes.rate(mode)
    assert str(mode) in str(error.value)


def test_the_package_exports_its_laws():
    others = ("uniform_background", "Window", "Bracket")
    laws = [getattr(theory, name) for name in theory.__all__ if name not in others]
    assert all(law.hypotheses and law.__doc__ for law in laws)
    curves = [law for law in laws if law is not theory.HoleFilling]  # which is a power, without an amplitude
    assert all(law.__call__.__doc__ for law in curves)

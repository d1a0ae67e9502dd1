"""Samples of densities: where they are, how near the density they are, and what is refused."""

import numpy as np
import pytest
from scipy.stats import kstest

import gridflow as gf
from gridflow.errors import InputError
from gridflow.measures import spectra
from gridflow.particles.sampling import METHODS

GRIDS = (gf.Grid((64,), (1.7,)), gf.Grid((32, 40), (1.0, 1.3)), gf.Grid((16, 12, 20), (1.0, 0.8, 1.2)))


def smooth(grid):
    bump = gf.gaussian(grid, [0.4 * length for length in grid.lengths], [0.25])
    return gf.normalize(grid, bump + 0.5 * gf.uniform(grid), mass=2.0)


def distance(grid, density, positions, weights, s=2.0):
    """KMD over that of independent samples."""
    found, symbol = spectra.of_density(grid, density), spectra.whole_symbol(gf.Riesz(s), grid)
    squared = spectra.discrepancy(grid, symbol, spectra.of_particles(grid, positions, weights) - found)
    return (squared / spectra.sampling_noise(grid, symbol, found, len(weights))) ** 0.5


@pytest.mark.parametrize("grid", GRIDS, ids=str)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("weights", ["equal", "density"])
def test_samples_are_on_the_torus_with_the_mass(grid, method, weights):
    density = smooth(grid)
    positions, masses = gf.sample(grid, density, 777, method, weights, seed=3)
    assert positions.shape == (777, grid.dim)
    assert (positions >= 0).all()
    assert (positions < grid.lengths).all()
    assert masses.sum() == pytest.approx(2.0, rel=1e-13)
    assert masses.min() > 0
    assert (len(set(masses.tolist())) == 1) == (weights == "equal")
    again = gf.sample(grid, density, 777, method, weights, seed=3)
    assert (again[0] == positions).all()
    assert (gf.sample(grid, density, 777, method, weights, seed=4)[0] != positions).any()


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_none_is_in_a_hole(grid):
    hole = gf.ball_hole(grid, 0.2)
    for method in METHODS:
        positions, _ = gf.sample(grid, hole, 2000, method, seed=1)
        cells = tuple((positions / grid.spacing).astype(int).T)
        assert hole[cells].min() > 0
    positions, weights = gf.sample(grid, hole, 2000, weights="density", seed=1)
    cells = tuple((positions / grid.spacing).astype(int).T)
    assert (weights[hole[cells] == 0] == 0).all()


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_independent_samples_have_the_noise_of_the_formula(grid):
    """Mean of 60 squared ratios: 1 within three standard errors."""
    squares = np.array(
        [distance(grid, smooth(grid), *gf.sample(grid, smooth(grid), 500, seed=s)) ** 2 for s in range(60)]
    )
    assert abs(squares.mean() - 1) < 3 * squares.std() / 60**0.5


def test_the_mean_of_the_noise_to_three_per_cent():
    """100 repetitions of s = 1 in three dimensions, where many modes share the noise: four times their scatter."""
    grid = gf.Grid((24, 24, 24))
    hole = gf.ball_hole(grid, 0.3)
    squares = np.array([distance(grid, hole, *gf.sample(grid, hole, 1000, seed=s), s=1.0) ** 2 for s in range(100)])
    assert squares.std() / 10 < 0.0075
    assert squares.mean() == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize(("grid", "low", "lowest"), [(GRIDS[0], 1e-2, 1e-3), (GRIDS[1], 0.2, 0.08)], ids=["1d", "2d"])
def test_stratified_and_quasi_random_samples_are_nearer(grid, low, lowest):
    """Independent: 1. Stratified: N^−1/d of that, up to a constant. Quasi-random: about N^−1/2 of it."""
    density = smooth(grid)
    ratio = {
        m: np.median([distance(grid, density, *gf.sample(grid, density, 4096, m, seed=s)) for s in range(5)])
        for m in METHODS
    }
    assert ratio["stratified"] < low < ratio["independent"]
    assert ratio["quasi-random"] < lowest


def test_a_line_is_quasi_random_as_a_shifted_lattice():
    """Quantiles: the particles' distribution function is off by less than one particle everywhere."""
    grid = gf.Grid(256)
    density = gf.cosine(grid, 0.9)
    positions, _ = gf.sample(grid, density, 1000, "quasi-random", seed=2)
    x = np.sort(positions[:, 0])
    exact = x + 0.9 * np.sin(2 * np.pi * x) / (2 * np.pi)
    rank = (np.arange(1000) + 0.5) / 1000
    assert abs(exact - rank).max() < 0.5 / 1000 + 0.9 * np.pi**2 * 4 / 12 / 256**2 / 2


def test_a_smooth_density_is_sampled_to_fourth_order():
    """Modes of the density that is linear in cells, against those of the polynomial with the same averages."""
    errors = []
    for n in (16, 32, 64):
        grid = gf.Grid(n)
        density = gf.gaussian(grid, [0.5], 0.15)
        positions, weights = gf.sample(grid, density, 2**18, "quasi-random")
        found = spectra.of_particles(grid, positions, weights)
        errors.append(abs((found - spectra.of_density(grid, density))[[1, 2, 3]]).max())
    # limited slopes leave third order at the extrema
    assert np.log2(errors[0] / errors[1]) > 3
    assert np.log2(errors[1] / errors[2]) > 2.7


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_marginals_are_those_of_the_density(axis):
    """Kolmogorov and Smirnov's test of every coordinate, mapped by the exact distribution function of its marginal."""
    grid = GRIDS[2]
    density = smooth(grid)
    positions, _ = gf.sample(grid, density, 5000, seed=5)
    others = tuple(a for a in range(3) if a != axis)
    cumulative = np.concatenate([[0], np.cumsum(density.sum(axis=others))])
    uniform = np.interp(positions[:, axis], grid.edges(axis), cumulative / cumulative[-1])
    assert kstest(uniform, "uniform").pvalue > 1e-3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"count": 0}, "count = 0: a sample needs a whole number"),
        ({"count": 2.5}, "count = 2.5"),
        ({"method": "latin"}, 'sampling method "latin": allowed are independent, stratified, quasi-random'),
        ({"weights": "random"}, 'weights "random": allowed are equal and density'),
        ({"seed": -1}, "seed = -1: it must be a non-negative integer"),
    ],
)
def test_what_is_refused(options, words):
    grid = gf.Grid(16)
    arguments = {"count": 10} | options
    with pytest.raises(InputError) as error:
        gf.sample(grid, gf.uniform(grid), **arguments)
    assert words in str(error.value)
    with pytest.raises(InputError, match="no mass"):
        gf.sample(grid, np.zeros(16), 3)

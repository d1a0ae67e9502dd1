"""Transforms between particles and modes, and Fourier coefficients of densities and particles."""

import sys

import numpy as np
import pytest

import gridflow as gf
from gridflow.compute.nonuniform import FEWEST_POINTS, NonuniformTransform, pieces
from gridflow.domains.torus import Grid
from gridflow.errors import InputError
from gridflow.measures import spectra

EPS = np.finfo(float).eps


def cloud(grid, count, seed=0):
    rng = np.random.default_rng(seed)
    weights = rng.random(count)
    return rng.random((count, grid.dim)) * grid.lengths, weights / weights.sum()


def waves(grid, positions, sign):
    """e^{± i ξ_k·x_j}, shape (N, *grid.shape)."""
    phase = sum(
        positions[:, a].reshape(-1, *(1,) * grid.dim) * xi[None] for a, xi in enumerate(spectra.wave_vectors(grid))
    )
    return np.exp(sign * 1j * phase)


@pytest.mark.parametrize("accuracy", [1e-6, 1e-10])
def test_both_directions_are_the_sums_they_stand_for(torus, accuracy):
    positions, weights = cloud(torus, 300)
    transform = NonuniformTransform(torus.lengths, torus.shape, 300, accuracy, outputs=2)
    transform.place(positions - 3.0)  # anywhere
    shifted = positions - 3.0
    exact = np.tensordot(weights, waves(torus, shifted, -1), 1)
    # relative in L²: FINUFFT promises its tolerance up to a small factor
    assert np.linalg.norm(transform.to_modes(weights) - exact) <= 5 * accuracy * np.linalg.norm(exact)
    rng = np.random.default_rng(1)
    coefficients = rng.standard_normal((2, *torus.shape)) + 1j * rng.standard_normal((2, *torus.shape))
    exact = np.tensordot(coefficients, waves(torus, shifted, 1), (range(1, torus.dim + 1),) * 2)
    for piece, values in transform.at_points(coefficients):
        assert np.linalg.norm(values - exact[:, piece]) <= 5 * accuracy * np.linalg.norm(exact)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_bits_do_not_depend_on_threads(dtype):
    grid, count = Grid((32, 32)), 40000
    positions, weights = cloud(grid, count)
    assert pieces(count, grid.size) > 1
    found = []
    for threads in (1, 2, 3):
        transform = NonuniformTransform(grid.lengths, grid.shape, count, 1e-5, dtype=dtype, threads=threads)
        transform.place(positions.astype(dtype))
        modes = transform.to_modes(weights).copy()
        found.append((modes, np.concatenate([v[0] for _, v in transform.at_points(modes[None])])))
    for modes, values in found[1:]:
        assert (modes == found[0][0]).all()
        assert (values == found[0][1]).all()


def test_pieces_pay_only_for_many_points():
    assert pieces(FEWEST_POINTS - 1, 4) == 1
    assert pieces(10**5, 10**6) == 1
    assert [pieces(n, 2**16) for n in (10**5, 10**6, 10**7)] == [2, 2, 32]


def test_what_cannot_be_had_is_said(monkeypatch):
    with pytest.raises(InputError, match=r"accuracy = 1e-20: it must be between 1e-14 and 0\.1 in float64"):
        NonuniformTransform((1.0,), (8,), 4, 1e-20)
    with pytest.raises(InputError, match=r"between 1e-06 and 0\.1 in float32"):
        NonuniformTransform((1.0,), (8,), 4, 1e-9, dtype=np.float32)
    monkeypatch.setitem(sys.modules, "finufft", None)
    with pytest.raises(InputError, match=r"pip install 'gridflow\[particles\]'"):
        NonuniformTransform((1.0,), (8,), 4)


def test_coefficients_of_a_cosine(torus):
    """1 + A ∏ cos(2π x_a / L_a) has 1 / |T| times A / 2^d at its 2^d modes."""
    found = spectra.of_density(torus, gf.cosine(torus, 0.5))
    expected = np.zeros(torus.shape)
    expected[(0,) * torus.dim] = 1
    expected[np.ix_(*([1, -1],) * torus.dim)] = 0.5 / 2**torus.dim
    assert found * torus.volume == pytest.approx(expected, abs=50 * EPS)


def test_coefficients_and_averages_are_inverse_but_for_the_unpaired_modes(torus):
    density = gf.gaussian(torus, [0.3 * length for length in torus.lengths], 0.3)
    back = spectra.to_density(torus, spectra.of_density(torus, density))
    unpaired = np.where(spectra.paired(torus), 0, np.fft.fftn(density))
    assert back == pytest.approx(density - np.fft.ifftn(unpaired).real, abs=100 * EPS * density.max())


def test_other_modes_of_a_density_are_the_same_or_none():
    grid = Grid((12, 9))
    density = gf.gaussian(grid, [0.4, 0.6], 0.2)
    own = spectra.of_density(grid, density)
    fewer, more = (spectra.of_density(grid, density, Grid(shape)) for shape in ((5, 7), (20, 21)))
    for i in range(-2, 3):
        for j in range(-3, 4):
            assert fewer[i, j] == more[i, j] == own[i, j]
    assert (more[6:15] == 0).all()
    assert (more[:, 5:17] == 0).all()
    with pytest.raises(InputError, match="periods"):
        spectra.of_density(grid, density, Grid((12, 9), (1.0, 2.0)))


@pytest.mark.parametrize(
    "kernel",
    [gf.Riesz(1.5), gf.Gaussian(0.2), gf.Symbol(lambda *xi: 1 / (1 + xi[0] ** 2))],
    ids=("riesz", "gaussian", "own"),
)
def test_a_whole_symbol_is_the_half_one_mirrored(torus, kernel):
    if not isinstance(kernel, gf.Symbol):
        whole = spectra.whole_symbol(kernel, torus)
        value = {
            gf.Riesz: lambda q: q**-1.5,
            gf.Gaussian: lambda q: np.exp(-0.02 * q) * (0.08 * np.pi) ** (torus.dim / 2),
        }
        square = sum(xi**2 for xi in spectra.wave_vectors(torus)) + np.zeros(torus.shape)
        held = spectra.paired(torus) & (square > 0)
        assert whole[held] == pytest.approx(value[type(kernel)](square[held]), rel=100 * EPS)
    else:
        whole = spectra.whole_symbol(kernel, torus)
    mirror = np.ix_(*(-np.arange(n) % n for n in torus.shape))
    assert (whole == whole[mirror]).all()
    assert (whole[~spectra.paired(torus)] == 0).all()


@pytest.mark.parametrize("shape", [(64, 64), (16, 16, 16)], ids=str)
@pytest.mark.parametrize("kernel", [gf.Riesz(1), gf.Matern(0.5, 0.04)], ids=str)
def test_the_noise_formula_is_the_mean_over_samples(shape, kernel):
    """100 repetitions within 3 %: the relative deviation of a squared distance is below 15 %, a tenth of it remains."""
    grid = Grid(shape)
    density = gf.normalize(grid, gf.gaussian(grid, [0.4] * grid.dim, 0.25) + 0.5 * gf.uniform(grid))
    found, symbol = spectra.of_density(grid, density), spectra.whole_symbol(kernel, grid)
    squares = []
    for seed in range(100):
        positions, weights = gf.sample(grid, density, 500, seed=seed)
        squares.append(spectra.discrepancy(grid, symbol, spectra.of_particles(grid, positions, weights, 1e-6) - found))
    assert np.std(squares) < 0.15 * np.mean(squares)
    assert np.mean(squares) == pytest.approx(spectra.sampling_noise(grid, symbol, found, 500), rel=0.03)


def test_unequal_weights_are_worth_fewer_particles():
    assert spectra.effective_count(np.full(7, 0.3)) == pytest.approx(7)
    assert spectra.effective_count(np.array([1.0, 0, 0])) == 1


# deposits


@pytest.mark.parametrize("method", ["cloud-in-cell", "band-limited"])
def test_deposits_keep_mass(torus, method):
    positions, weights = cloud(torus, 200)
    density = gf.deposit(torus, positions, weights, method)
    assert density.sum() * torus.cell_volume == pytest.approx(1, rel=1e-9)  # the accuracy of the transform
    assert method == "band-limited" or density.min() >= 0


def test_a_band_limited_deposit_has_the_particles_modes(torus):
    positions, weights = cloud(torus, 200)
    found = spectra.of_density(torus, gf.deposit(torus, positions, weights, "band-limited"))
    exact = np.where(spectra.paired(torus), spectra.of_particles(torus, positions, weights), 0)
    assert found == pytest.approx(exact, abs=1e-9)


def test_a_cloud_in_cell_deposit_has_the_particles_modes_times_a_squared_sinc_and_aliases():
    """Mode 1 of 16: sinc² from the box and the cell's average, aliases of modes 15 and beyond times their sinc²."""
    grid = Grid(16)
    positions, weights = cloud(grid, 4000)
    found = spectra.of_density(grid, gf.deposit(grid, positions, weights))
    exact = spectra.of_particles(grid, positions, weights)
    # of_density divides by one sinc factor; a box of one cell leaves sinc(1/16)
    assert found[1] == pytest.approx(exact[1] * np.sinc(1 / 16), abs=2 * np.sinc(15 / 16) ** 2 / 4000**0.5 * 4)


def test_a_deposit_of_another_kind_is_refused():
    with pytest.raises(InputError, match='deposit "ngp": allowed are cloud-in-cell and band-limited'):
        gf.deposit(Grid(8), np.zeros((1, 1)), np.ones(1), "ngp")

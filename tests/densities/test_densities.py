"""Densities: masses, exact cell averages, spectra, pictures, particles, and what is refused."""

import math
import re
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from scipy import integrate

import gridflow as gf
from gridflow.densities import regions
from gridflow.domains.torus import Grid
from gridflow.errors import InputError
from gridflow.measures.diagnostics import fitted_order

EPS = np.finfo(float).eps


def total(grid, density):
    return density.sum() * grid.cell_volume


def sum_error(grid):
    """Relative error of a mass: sums of N positive terms added pairwise, and a few roundings more."""
    return (math.log2(grid.size) + 8) * EPS


def outer(factors):
    result = np.ones(())
    for factor in factors:
        result = np.multiply.outer(result, factor)
    return result


def averages(grid, axis, function, **options):
    """Cell averages along one axis by adaptive quadrature, and the largest error it claims."""
    edges = grid.edges(axis)
    parts = [integrate.quad(function, a, b, **options) for a, b in pairwise(edges)]
    return np.array([v for v, _ in parts]) / grid.spacing[axis], max(e for _, e in parts) / grid.spacing[axis]


# every density


MAKERS = {
    "uniform": lambda grid, mass: gf.uniform(grid, mass),
    "cosine": lambda grid, mass: gf.cosine(grid, 0.7, 2, mass),
    "gaussian": lambda grid, mass: gf.gaussian(grid, [0.2] * grid.dim, 0.1, mass=mass),
    "ball_hole": lambda grid, mass: gf.ball_hole(grid, 0.3 * min(grid.lengths), [0.1] * grid.dim, mass),
    "box_hole": lambda grid, mass: gf.box_hole(grid, 0.3 * min(grid.lengths), [0.1] * grid.dim, mass),
    "shell_hole": lambda grid, mass: gf.shell_hole(
        grid, 0.1 * min(grid.lengths), 0.3 * min(grid.lengths), [0.1] * grid.dim, mass
    ),
    "lattice_of_holes": lambda grid, mass: gf.lattice_of_holes(grid, 2, 0.2 * min(grid.lengths), mass),
    "random_sobolev": lambda grid, mass: gf.random_sobolev(grid, 1.0, 0.5, 3, mass),
    "from_function": lambda grid, mass: gf.from_function(grid, lambda *x: 1 + sum(x), mass),
    "from_particles": lambda grid, mass: gf.from_particles(grid, np.eye(4, grid.dim), mass=mass),
}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("mass", [1.0, 2.5])
def test_every_density_has_its_mass_and_is_nonnegative(torus, name, mass):
    density = MAKERS[name](torus, mass)
    assert density.shape == torus.shape
    assert density.dtype == np.float64
    assert density.min() >= 0
    assert total(torus, density) == pytest.approx(mass, rel=sum_error(torus))
    # scaling rounds once per cell and once for the factor
    assert density == pytest.approx(mass * MAKERS[name](torus, 1.0), rel=4 * EPS)
    flow = gf.Flow(torus, gf.Riesz(1), gf.uniform(torus, mass))
    assert flow.check_density(density) is not None


@pytest.mark.parametrize("name", [name for name in MAKERS if name != "from_function"])
def test_the_default_mass_is_one(torus, name):
    defaults = {
        "uniform": lambda g: gf.uniform(g),
        "cosine": lambda g: gf.cosine(g),
        "gaussian": lambda g: gf.gaussian(g, [0.2] * g.dim, 0.1),
        "ball_hole": lambda g: gf.ball_hole(g, 0.1),
        "box_hole": lambda g: gf.box_hole(g, 0.1),
        "shell_hole": lambda g: gf.shell_hole(g, 0.05, 0.1),
        "lattice_of_holes": lambda g: gf.lattice_of_holes(g, 2, 0.1),
        "random_sobolev": lambda g: gf.random_sobolev(g, 1.0),
        "from_particles": lambda g: gf.from_particles(g, np.zeros((3, g.dim))),
    }
    assert total(torus, defaults[name](torus)) == pytest.approx(1, rel=sum_error(torus))


# arrays


def test_from_array_copies(torus):
    values = np.random.default_rng(0).random(torus.shape).astype(np.float32)
    density = gf.from_array(torus, values)
    assert density.dtype == np.float64
    assert (density == values).all()
    given = values.astype(float)
    copy = gf.from_array(torus, given)
    copy[...] = 7
    assert (given == values).all()


def test_normalize_scales(torus):
    values = np.random.default_rng(0).random(torus.shape)
    kept = values.copy()
    density = gf.normalize(torus, values, 3.0)
    assert (values == kept).all()
    assert density == pytest.approx(values * 3.0 / (values.mean() * torus.volume), rel=sum_error(torus))


def test_uniform(torus):
    assert gf.uniform(torus, 2.0) == pytest.approx(2.0 / torus.volume, rel=sum_error(torus))


@pytest.mark.parametrize("mass", [0.0, -1.0, math.inf, math.nan])
def test_normalize_needs_a_positive_mass(mass):
    with pytest.raises(InputError, match=re.escape(f"mass = {mass}: it must be positive")):
        gf.normalize(Grid(8), np.ones(8), mass)


def test_normalize_needs_a_density():
    with pytest.raises(InputError, match="no mass to normalise"):
        gf.normalize(Grid(8), np.zeros(8))
    with pytest.raises(InputError, match=r"negative: -1.0 in cell \[3\]"):
        gf.normalize(Grid(8), np.where(np.arange(8) == 3, -1.0, 1.0))
    with pytest.raises(InputError, match=r"not finite: nan in cell \[2\]"):
        gf.from_array(Grid(8), np.where(np.arange(8) == 2, np.nan, 1.0))
    with pytest.raises(InputError, match=r"shape \(9,\).*\(8,\)"):
        gf.from_array(Grid(8), np.ones(9))


# cosine


@pytest.mark.parametrize("amplitude", [-1.0, -0.3, 0.0, 0.9, 1.0])
@pytest.mark.parametrize("modes", [1, (2, 1, 3), (2, 0, 1), (9, 20, 6)])
def test_cosine_is_exact_cell_averages(torus, amplitude, modes):
    """Modes beyond the Nyquist wave number included; the reference is adaptive quadrature."""
    modes = modes if isinstance(modes, int) else modes[: torus.dim]
    density = gf.cosine(torus, amplitude, modes)
    factors, error = [], 0.0
    for axis, mode in enumerate((modes,) * torus.dim if isinstance(modes, int) else modes):
        wave = 2 * np.pi * mode / torus.lengths[axis]
        factor, claimed = averages(torus, axis, lambda x, wave=wave: math.cos(wave * x), epsabs=1e-14)
        factors.append(factor)
        error += claimed
    reference = (1 + amplitude * outer(factors)) / torus.volume
    # phases up to 2π m round by ε times as much
    round_off = (2 * np.pi * np.max(modes) + 8) * torus.dim * EPS
    assert density * torus.volume == pytest.approx(reference * torus.volume, rel=0, abs=error + round_off)


def test_cosine_constant_along_an_axis():
    density = gf.cosine(Grid((8, 9)), 0.5, (1, 0))
    assert (density == density[:, :1]).all()
    assert np.ptp(density[:, 0]) > 0.5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((1.1,), ("amplitude = 1.1", "between -1 and 1")),
        ((-1.1,), ("amplitude = -1.1", "between -1 and 1")),
        ((math.nan,), ("amplitude = nan",)),
        ((0.5, (1, 2, 3)), ("modes (1, 2, 3)", "2 dimensions")),
    ],
)
def test_cosine_errors(arguments, words):
    with pytest.raises(InputError) as error:
        gf.cosine(Grid((8, 9)), *arguments)
    assert all(word in str(error.value) for word in words)


# gaussian


def normal_averages(grid, axis, center, sigma):
    """Averages of the periodised normal density by quadrature of the nearest images, relative to each cell's value."""
    length = grid.lengths[axis]

    def density(x):
        return sum(
            math.exp(-(((x - center + image * length) / sigma) ** 2) / 2)
            for image in range(-math.ceil(9 * sigma / length) - 2, math.ceil(9 * sigma / length) + 3)
        ) / (sigma * math.sqrt(2 * math.pi))

    return averages(grid, axis, density, epsabs=0, epsrel=1e-12, limit=200)[0]


@pytest.mark.parametrize("where", [0.0, 0.03, 0.5, 0.999, 1.4, -0.2])
@pytest.mark.parametrize("sigma", [0.05, 0.2])
def test_gaussian_is_exact_cell_averages(torus, where, sigma):
    """Centres near the edge and beyond it, and every cell relative to its own value, down to e^{−100}."""
    centers = [where * length for length in torus.lengths]
    density = gf.gaussian(torus, centers, sigma)
    reference = outer(normal_averages(torus, axis, x, sigma) for axis, x in enumerate(centers))
    # erfc(z) amplifies the error of z, a few ε z from positions of up to 2 L, by 2 z² up to z = L/(√2 σ)
    z = 1.5 * max(torus.lengths) / (math.sqrt(2) * sigma)
    assert density == pytest.approx(reference, rel=torus.dim * (2e-12 + 8 * EPS * z * max(z, 1)))


@pytest.mark.parametrize("share", [1e-1, 1e-2, 1e-6, 1e-300])
def test_a_gaussian_narrower_than_a_cell(torus, share):
    """All the mass is in the cell of the centre; on a cell edge, half is on either side."""
    sigma = share * min(torus.spacing)
    cell = tuple(n - 1 for n in torus.shape)
    density = gf.gaussian(torus, [(i + 0.5) * h for i, h in zip(cell, torus.spacing, strict=True)], sigma)
    # P(|x| > h/2) = erfc(1/(2√2 share)) is lost to other cells along each axis: 6e-7 for a tenth of the cell
    outside = torus.dim * math.erfc(min(1 / (2 * math.sqrt(2) * share), 30))
    assert density[cell] * torus.cell_volume == pytest.approx(1, abs=2 * outside + sum_error(torus))
    corner = gf.gaussian(torus, [0.0] * torus.dim, sigma)
    both = corner[np.ix_(*([-1, 0] for _ in torus.shape))] * torus.cell_volume
    # P(|x| > h) is lost
    outside = torus.dim * math.erfc(min(1 / (math.sqrt(2) * share), 30))
    assert both == pytest.approx(0.5**torus.dim, abs=2 * outside + sum_error(torus))


@pytest.mark.parametrize("share", [0.2, 0.4, 0.7, 2.0, 20.0])
def test_a_wide_gaussian_is_its_theta_series(torus, share):
    """(1/L) Σ_k e^{−ξ²σ²/2} sinc(ξh/2) cos ξ(x − x0), the same function by Poisson's summation."""
    center, factors = [0.3 * length for length in torus.lengths], []
    sigma = share * min(torus.lengths)
    for axis, (n, length) in enumerate(zip(torus.shape, torus.lengths, strict=True)):
        factor = np.full(n, 1 / length)
        for k in range(1, 20):
            xi = 2 * np.pi * k / length
            amplitude = 2 / length * math.exp(-((xi * sigma) ** 2) / 2) * np.sinc(k / n)
            factor += amplitude * np.cos(xi * (torus.centers(axis) - center[axis]))
        left_out = 2 * math.exp(-((2 * np.pi * 20 / length * sigma) ** 2) / 2)
        assert left_out < 1e-15
        factors.append(factor)
    density = gf.gaussian(torus, center, sigma)
    # a cell's share is a difference of erfc's of order 1, h/(√(2π) σ) in size, and 18 σ/L + 3 images are added
    cells = [sigma / h * 2.6 for h in torus.spacing]
    images = 18 * sigma / min(torus.lengths) + 3
    round_off = sum(4 * EPS * max(c, 1) * math.sqrt(images) for c in cells) + sum_error(torus)
    assert density == pytest.approx(outer(factors), rel=round_off)


def test_gaussian_sums_and_weights(torus):
    centers = np.random.default_rng(2).random((3, torus.dim))
    widths, weights = [0.1, 0.2, 0.15], [1.0, 0.0, 2.0]
    density = gf.gaussian(torus, centers, widths, weights)
    parts = [gf.gaussian(torus, x, w) for x, w in zip(centers, widths, strict=True)]
    assert density == pytest.approx((parts[0] + 2 * parts[2]) / 3, rel=2 * sum_error(torus))
    equal = gf.gaussian(torus, centers, 0.1)
    assert equal == pytest.approx(sum(gf.gaussian(torus, x, 0.1) for x in centers) / 3, rel=2 * sum_error(torus))


def test_gaussian_positions_are_periodic():
    grid = Grid((8, 9), (1.0, 0.5))
    here = gf.gaussian(grid, (0.25, 0.125), 0.1)
    assert (gf.gaussian(grid, (3.25, -0.375), 0.1) == here).all()  # binary fractions: nothing rounds


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda g: gf.gaussian(g, (0.1,), 0.1), ("centers", "(1, 1)", "(bumps, 2)")),
        (lambda g: gf.gaussian(g, np.zeros((2, 2, 2)), 0.1), ("centers", "(2, 2, 2)", "(bumps, 2)")),
        (lambda g: gf.gaussian(g, (0.1, 0.1), 0.0), ("widths", "positive")),
        (lambda g: gf.gaussian(g, (0.1, 0.1), -1.0), ("widths", "positive")),
        (lambda g: gf.gaussian(g, (0.1, 0.1), math.inf), ("widths", "inf")),
        (lambda g: gf.gaussian(g, (0.1, 0.1), math.nan), ("widths", "nan")),
        (lambda g: gf.gaussian(g, (0.1, 0.1), [0.1, 0.2]), ("widths", "(2,)", "one number or 1")),
        (lambda g: gf.gaussian(g, (0.1, 0.1), 0.1, [1, 1]), ("weights", "(2,)")),
        (lambda g: gf.gaussian(g, (0.1, 0.1), 0.1, [-1]), ("weights ≥ 0",)),
        (lambda g: gf.gaussian(g, (0.1, 0.1), 0.1, [0.0]), ("no mass",)),
        (lambda g: gf.gaussian(g, (0.1, math.nan), 0.1), ("not finite", "nan")),
    ],
)
def test_gaussian_errors(call, words):
    with pytest.raises(InputError) as error:
        call(Grid((8, 9)))
    assert all(word in str(error.value) for word in words)


# holes


HOLES = {
    "ball": (gf.ball_hole, regions.ball, (0.31,)),
    "box": (gf.box_hole, regions.box, (0.43,)),
    "shell": (gf.shell_hole, regions.shell, (0.15, 0.32)),
    "lattice": (gf.lattice_of_holes, regions.lattice, (2, 0.17)),
}


@pytest.mark.parametrize("name", HOLES)
def test_holes_are_empty_and_the_rest_is_constant(torus, name):
    hole, region, sizes = HOLES[name]
    sizes = tuple(size * min(torus.lengths) if isinstance(size, float) else size for size in sizes)
    extra = () if name == "lattice" else ([0.05 * length for length in torus.lengths],)
    density, share = hole(torus, *sizes, *extra, 2.0), region(torus, *sizes, *extra)
    plateau = 2.0 / (torus.volume - share.sum() * torus.cell_volume)  # O2: c = M / (|T| − |H|)
    assert density == pytest.approx(plateau * (1 - share), rel=sum_error(torus) + 4 * EPS)
    assert (density[share == 1] == 0).all()


def test_a_slab_can_be_empty():
    """A box as long as the period, wherever it is centred."""
    grid = Grid((19, 16), (1.0, 0.7))
    for center in np.random.default_rng(0).random((20, 2)):
        density = gf.box_hole(grid, (1.0, 0.35), center)
        assert total(grid, density) == pytest.approx(1, rel=sum_error(grid))
        # half of the torus is empty: the plateau is 2 / |T|; overlaps are differences of positions below 2, over h
        assert density.max() == pytest.approx(2 / grid.volume, rel=64 * EPS * 19)


# random_sobolev


def modes(grid, density):
    """Fourier coefficients of the function whose cell averages are given, and their mode numbers along each axis."""
    spectrum = np.fft.fftn(density * grid.volume) / grid.size
    numbers = [np.fft.fftfreq(n, 1 / n) for n in grid.shape]
    for axis, (k, n) in enumerate(zip(numbers, grid.shape, strict=True)):
        # averaging multiplies by sinc(k/n), and cell i is centred at (i + ½) h
        spectrum = spectrum / grid.along(axis, np.sinc(k / n) * np.exp(1j * np.pi * k / n))
    return spectrum, numbers


SOBOLEV = ((64,), (63,), (16, 24), (15, 16), (8, 9, 10), (10, 8, 12))


@pytest.mark.parametrize("shape", SOBOLEV, ids=str)
@pytest.mark.parametrize("r", [0.5, 1.0, 2.5])
def test_spectrum_of_random_sobolev(shape, r):
    """|f̂_k| is exactly |k|^{−r−d/2} times one constant, and modes at or above n/2 are absent."""
    grid = Grid(shape, (1.0, 0.7, 1.2)[: len(shape)])
    density = gf.random_sobolev(grid, r, 0.3, seed=5)
    spectrum, numbers = modes(grid, density)
    radius = np.sqrt(sum(grid.along(axis, k) ** 2 for axis, k in enumerate(numbers)))
    resolved = np.logical_and.reduce(
        np.broadcast_arrays(
            *(grid.along(a, 2 * abs(k) < n) for a, (k, n) in enumerate(zip(numbers, shape, strict=True)))
        )
    )
    assert spectrum[(0,) * grid.dim] == pytest.approx(1, abs=sum_error(grid))
    resolved[(0,) * grid.dim] = False
    scaled = abs(spectrum[resolved]) * radius[resolved] ** (r + grid.dim / 2)
    # round-off of a transform, log2(N) ε of the largest coefficient, 1, against the smallest one of |k|^{−r−d/2}, and
    # division by sinc(k/n) ≥ 2/π along each axis
    round_off = 8 * math.log2(grid.size) * EPS * (np.pi / 2) ** grid.dim
    smallest = scaled.mean() * radius[resolved].max() ** -(r + grid.dim / 2)
    assert scaled == pytest.approx(scaled.mean(), rel=round_off / smallest)
    unresolved = abs(np.fft.fftn(density * grid.volume) / grid.size)[~resolved & (radius > 0)]
    assert unresolved.size == 0 or unresolved.max() <= round_off
    slope = -fitted_order(radius[resolved], abs(spectrum[resolved]))
    assert slope == pytest.approx(r + grid.dim / 2, abs=round_off / smallest + 1e-12)


@pytest.mark.parametrize(
    ("coarse", "fine"),
    [((32,), (64,)), ((31,), (128,)), ((12, 16), (24, 32)), ((11, 12), (16, 27)), ((8, 6, 9), (9, 12, 16))],
)
@pytest.mark.parametrize("seed", [0, 1, 12345])
def test_refining_the_grid_keeps_every_mode(coarse, fine, seed):
    grids = [Grid(shape) for shape in (coarse, fine)]
    (few, few_numbers), (many, many_numbers) = (modes(grid, gf.random_sobolev(grid, 1.0, 0.2, seed)) for grid in grids)
    for index in np.ndindex(*coarse):
        number = [k[i] for k, i in zip(few_numbers, index, strict=True)]
        if any(2 * abs(k) >= n for k, n in zip(number, coarse, strict=True)):
            continue  # not in the mode set of the coarse grid
        partner = tuple(int(np.flatnonzero(k == m)[0]) for k, m in zip(many_numbers, number, strict=True))
        # two transforms of numbers of order 1, and sincs of at least 2/π
        assert few[index] == pytest.approx(
            many[partner], rel=0, abs=16 * math.log2(grids[1].size) * EPS * (np.pi / 2) ** 3
        )


@pytest.mark.parametrize(("dim", "cells"), [(1, 4096), (2, 128), (3, 32)])
def test_the_amplitude_is_the_largest_deviation_on_the_reference_grid(dim, cells):
    grid = Grid((cells,) * dim)
    density = gf.random_sobolev(grid, 1.0, 0.4, seed=2)
    assert abs(density - 1).max() == pytest.approx(0.4, rel=1e-12)


def test_random_sobolev_is_reproducible_and_seeds_differ(torus):
    first = gf.random_sobolev(torus, 1.0, seed=1)
    assert (first == gf.random_sobolev(torus, 1.0, seed=1)).all()
    others = [gf.random_sobolev(torus, 1.0, seed=seed) for seed in (0, 2, 3, 2**40, 2**63)]
    for i, density in enumerate([first, *others]):
        for other in [first, *others][:i]:
            assert abs(density - other).max() > 1e-3 / torus.volume


def test_phases_are_uniform():
    """Their sums over N independent modes have the standard error √(N/2), modes and seeds alike."""
    grid, phases = Grid((48, 47)), []
    for seed in range(6):
        spectrum, numbers = modes(grid, gf.random_sobolev(grid, 1.0, 0.2, seed))
        upper = (grid.along(0, numbers[0]) + 0 * grid.along(1, numbers[1]) > 0) & (2 * grid.along(0, numbers[0]) < 48)
        phases.append(np.angle(spectrum[upper]))
    phases = np.array(phases)
    for order in (1, 2, 3):
        waves = np.exp(1j * order * phases)
        assert abs(waves.sum().real) <= 5 * math.sqrt(waves.size / 2)
        assert abs(waves.sum().imag) <= 5 * math.sqrt(waves.size / 2)
        # seeds are independent of each other, and so are neighbouring modes
        for product in (waves[1:] * waves[:-1].conj(), waves[:, 1:] * waves[:, :-1].conj()):
            assert abs(product.sum().real) <= 5 * math.sqrt(product.size / 2)
            assert abs(product.sum().imag) <= 5 * math.sqrt(product.size / 2)


def test_random_sobolev_refuses_what_would_be_negative():
    grid = Grid(16384)  # finer than the reference: new modes reach beyond the amplitude
    with pytest.raises(InputError, match=r"amplitude = 1\.5") as error:
        gf.random_sobolev(grid, 0.0, 1.5)
    assert "< 0" in str(error.value)


@pytest.mark.parametrize("seed", range(4))
def test_the_largest_amplitude_a_refusal_names_is_allowed(seed):
    grid = Grid((64, 48))
    with pytest.raises(InputError, match="at most") as error:
        gf.random_sobolev(grid, 0.5, 3.0, seed)
    advice = float(re.search(r"at most (\S+) keeps", str(error.value)).group(1))
    assert gf.random_sobolev(grid, 0.5, advice, seed).min() >= 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"amplitude": 0.0}, ("amplitude = 0.0", "positive")),
        ({"amplitude": -1.0}, ("amplitude = -1.0", "positive")),
        ({"amplitude": math.nan}, ("amplitude = nan", "positive")),
        ({"seed": -1}, ("seed = -1", "non-negative integer")),
        ({"r": math.nan}, ("not finite",)),
    ],
)
def test_random_sobolev_errors(options, words):
    with pytest.raises(InputError) as error:
        gf.random_sobolev(Grid((8, 9)), **{"r": 1.0, **options})
    assert all(word in str(error.value) for word in words)


# from_function


@pytest.mark.parametrize("points", [1, 2, 3, 4, 6])
def test_from_function_is_exact_for_polynomials(torus, points):
    """Degree 2 · points − 1 along each axis."""
    degree = 2 * points - 1
    rng = np.random.default_rng(points)
    polynomials = [np.polynomial.Polynomial(rng.random(degree + 1)) for _ in torus.shape]

    def function(*x):
        return math.prod(p(component) for p, component in zip(polynomials, x, strict=True))

    exact = outer(np.diff(p.integ()(torus.edges(axis))) / torus.spacing[axis] for axis, p in enumerate(polynomials))
    # positive coefficients: no cancellation but in the reference's differences of antiderivatives, L/h of them
    assert gf.from_function(torus, function, points=points) == pytest.approx(exact, rel=1e-14 * 8 * max(torus.shape))


@pytest.mark.parametrize("points", [1, 2, 3])
def test_from_function_converges_with_order_twice_its_points(points):
    sizes, errors = (8, 16, 32), []
    for n in sizes:
        grid = Grid(n)
        exact = 2 + np.sinc(1 / n) * np.cos(2 * np.pi * grid.centers(0))
        ours = gf.from_function(grid, lambda x: 2 + np.cos(2 * np.pi * x), points=points)
        errors.append(np.linalg.norm(ours - exact) / math.sqrt(n))
    # the rule multiplies cos(ξx) by a factor off sinc by c x^{2p} (1 − c' x² + …), x = ξh/2 ≤ π/8, with c' ≤ 1/20
    assert fitted_order(1 / np.array(sizes), errors) == pytest.approx(2 * points, abs=2 / 20 * (np.pi / 8) ** 2)


def test_from_function_keeps_or_scales_the_mass():
    grid = Grid((8, 9), (1.0, 2.0))
    own = gf.from_function(grid, lambda x, y: 3 + 0 * x * y)
    assert own == pytest.approx(3, rel=16 * EPS)
    assert total(grid, gf.from_function(grid, lambda x, y: 3 + x + y, mass=1.0)) == pytest.approx(
        1, rel=sum_error(grid)
    )
    constant = gf.from_function(grid, lambda *x: 2)  # noqa: ARG005 - a density gets positions
    assert constant == pytest.approx(2, rel=16 * EPS)


def test_from_function_refuses_what_is_no_density():
    with pytest.raises(InputError, match="negative"):
        gf.from_function(Grid(8), lambda x: x - 0.5)
    with pytest.raises(InputError, match="not finite: nan"):
        gf.from_function(Grid(8), lambda x: x * np.nan)


# from_image


@pytest.fixture
def picture(tmp_path):
    """Writes pixels (rows from the top, as pictures are) to a PNG file."""

    def write(pixels, mode=None):
        path = tmp_path / "picture.png"
        Image.fromarray(np.asarray(pixels, dtype=np.uint8), mode).save(path)
        return path

    return write


PIXELS = np.array(
    [
        [0, 0, 0, 0, 0],
        [0, 255, 255, 100, 0],
        [0, 255, 0, 0, 0],
        [0, 255, 255, 0, 0],
        [0, 255, 0, 0, 0],
        [30, 255, 0, 0, 0],
    ]
)


def test_a_picture_stands_upright(picture):
    """Rows run down in a file and y runs up on the grid: cell (i, j) is column i, row height − 1 − j. Dark is empty."""
    grid = Grid((5, 6), (1.0, 1.2))
    density = gf.from_image(grid, picture(PIXELS), mass=2.0)
    for i in range(5):
        for j in range(6):
            expected = PIXELS[5 - j, i] / PIXELS.sum() * 2.0 / grid.cell_volume
            assert density[i, j] == pytest.approx(expected, rel=sum_error(grid) + 8 * EPS)
    assert density[0, 0] > 0  # the grey foot at the lower left
    assert density[4, 0] == density[0, 5] == 0


@pytest.mark.parametrize("shape", [(4, 4), (5, 6), (7, 11), (13, 4), (50, 60), (10, 12)])
def test_resampling_counts_pixel_areas_exactly(picture, shape):
    """The average over any block common to cells and pixels is kept, up to round-off; finer cells copy pixels."""
    grid = Grid(shape, (2.0, 1.0))
    density = gf.from_image(grid, picture(PIXELS))
    assert total(grid, density) == pytest.approx(1, rel=sum_error(grid))
    upright = PIXELS[::-1].T / PIXELS.sum()  # mass of each pixel
    # cumulative mass is piecewise linear in each direction: an independent route to every cell's mass
    cumulative = np.pad(upright.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    along_x = np.array([np.interp(np.linspace(0, 5, shape[0] + 1), np.arange(6), c) for c in cumulative.T]).T
    both = np.array([np.interp(np.linspace(0, 6, shape[1] + 1), np.arange(7), c) for c in along_x])
    masses = np.diff(np.diff(both, axis=0), axis=1)
    # cumulative masses are at most 1 and differences of them lose ε each
    assert density * grid.cell_volume == pytest.approx(masses, rel=0, abs=16 * EPS)


def test_a_uniform_picture_is_uniform(picture):
    grid = Grid((7, 9))
    assert gf.from_image(grid, picture(np.full((4, 5), 90))) == pytest.approx(1, rel=16 * EPS + sum_error(grid))


def test_transparent_pixels_are_white(picture):
    grid, black = Grid((4, 4)), np.zeros((4, 4, 4))
    pixels = black.copy()
    pixels[..., 3] = 255
    pixels[0, 1] = (0, 0, 0, 0)  # black in colour, but not to be seen
    pixels[3, 2] = (255, 255, 255, 255)
    density = gf.from_image(grid, picture(pixels))
    expected = np.zeros((4, 4))
    expected[1, 3] = expected[2, 0] = 8
    assert density == pytest.approx(expected, rel=sum_error(grid))


def test_a_grey_picture_with_transparency(tmp_path):
    image = Image.new("LA", (4, 4), (0, 255))
    image.putpixel((0, 0), (0, 0))
    image.putpixel((3, 0), (255, 255))
    image.save(tmp_path / "grey.png")
    density = gf.from_image(Grid((4, 4)), tmp_path / "grey.png")
    expected = np.zeros((4, 4))
    expected[0, 3] = expected[3, 3] = 8
    assert density == pytest.approx(expected, rel=sum_error(Grid((4, 4))))


def test_colours_count_by_their_luma(picture):
    """ITU-R 601: 0.299 R + 0.587 G + 0.114 B, which Pillow rounds to whole shades."""
    pixels = np.zeros((4, 4, 3))
    for row, colour in enumerate(((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255))):
        pixels[row] = colour
    density = gf.from_image(Grid((4, 4)), picture(pixels))
    shades = density[0, ::-1] / density[0, 0] * 255
    assert shades == pytest.approx(255 * np.array([0.299, 0.587, 0.114, 1]), abs=0.5 + 1e-9)


def test_sixteen_bits_keep_their_shades(tmp_path):
    pixels = np.arange(16, dtype=np.uint16).reshape(4, 4) * 4369
    Image.fromarray(pixels).save(tmp_path / "deep.png")
    density = gf.from_image(Grid((4, 4)), tmp_path / "deep.png")
    expected = pixels[::-1].T / pixels.sum() * 16.0
    assert density == pytest.approx(expected, rel=sum_error(Grid((4, 4))) + 8 * EPS)


def test_one_bit_and_palette_pictures(tmp_path):
    two = np.zeros((4, 4), dtype=bool)
    two[0, 3] = two[2, 0] = True
    Image.fromarray(two).save(tmp_path / "bits.png")
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([0, 0, 0, 255, 255, 255])
    palette.putpixel((3, 0), 1)
    palette.putpixel((0, 2), 1)
    palette.save(tmp_path / "palette.png")
    expected = np.zeros((4, 4))
    expected[3, 3] = expected[0, 1] = 8
    for name in ("bits.png", "palette.png"):
        density = gf.from_image(Grid((4, 4)), tmp_path / name)
        assert density == pytest.approx(expected, rel=sum_error(Grid((4, 4))))


def test_pictures_that_cannot_be_read(tmp_path, picture):
    grid = Grid((4, 4))
    with pytest.raises(InputError, match=r"nowhere\.png cannot be read"):
        gf.from_image(grid, tmp_path / "nowhere.png")
    with pytest.raises(InputError, match="cannot be read"):
        gf.from_image(grid, tmp_path)
    text = tmp_path / "text.png"
    text.write_text("not a picture")
    with pytest.raises(InputError, match=r"text\.png cannot be read"):
        gf.from_image(grid, text)
    cut = tmp_path / "cut.png"
    cut.write_bytes(picture(np.random.default_rng(0).integers(0, 255, (40, 40))).read_bytes()[:-600])
    with pytest.raises(InputError, match=r"cut\.png cannot be read"):
        gf.from_image(grid, cut)


def test_a_picture_with_a_damaged_chunk(tmp_path, picture):
    """Half the length of the chunk of pixels: the header is sound, so the damage shows only when they are read."""
    data = bytearray(picture(np.random.default_rng(0).integers(0, 255, (40, 40))).read_bytes())
    at = data.index(b"IDAT") - 4
    data[at : at + 4] = (int.from_bytes(data[at : at + 4]) // 2).to_bytes(4)
    path = tmp_path / "damaged.png"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"damaged\.png cannot be read"):
        gf.from_image(Grid((4, 4)), path)


def test_pictures_are_two_dimensional_and_not_black(picture):
    with pytest.raises(InputError, match="2-D grid; this one has 3"):
        gf.from_image(Grid((4, 4, 4)), picture(PIXELS))
    with pytest.raises(InputError, match="no mass"):
        gf.from_image(Grid((4, 4)), picture(np.zeros((3, 3))))


# from_particles


def test_cloud_in_cell_weights_are_linear(torus):
    """A particle θ_a h_a from a cell centre leaves shares ∏ (1 − θ_a or θ_a) in the 2^d cells around."""
    theta, cell = (0.25, 0.6, 0.1)[: torus.dim], tuple(n - 1 for n in torus.shape)  # across the edge
    position = [(i + 0.5 + t) * h for i, t, h in zip(cell, theta, torus.spacing, strict=True)]
    density = gf.from_particles(torus, np.array([position]), np.array([3.0]), mass=None)
    expected = np.zeros(torus.shape)
    for corner in np.ndindex(*(2,) * torus.dim):
        index = tuple((i + c) % n for i, c, n in zip(cell, corner, torus.shape, strict=True))
        expected[index] = 3.0 * math.prod(t if c else 1 - t for t, c in zip(theta, corner, strict=True))
    # positions in units of cells, up to n, round by ε n
    assert density * torus.cell_volume == pytest.approx(expected, rel=0, abs=16 * EPS * max(torus.shape))


def test_a_particle_at_a_cell_centre_stays_there():
    grid = Grid((8, 4))
    density = gf.from_particles(grid, np.array([[0.3125, 0.625]]))  # exact in binary
    expected = np.zeros((8, 4))
    expected[2, 2] = 32.0
    assert (density == expected).all()


def test_particles_keep_mass_and_centre_of_mass(torus):
    rng = np.random.default_rng(4)
    inside = [(h, length - h) for h, length in zip(torus.spacing, torus.lengths, strict=True)]
    positions = np.stack([rng.uniform(low, high, 500) for low, high in inside], axis=1)
    weights = rng.random(500)
    density = gf.from_particles(torus, positions, weights, mass=None)
    # 500 · 2^d terms added one after the other, in the worst case
    error = 2 * 500 * EPS * max(torus.shape)
    assert total(torus, density) == pytest.approx(weights.sum(), rel=error)
    for axis, x in enumerate(torus.mesh()):
        # linear weights reproduce linear functions
        assert (density * x).sum() * torus.cell_volume == pytest.approx((weights * positions[:, axis]).sum(), rel=error)


def test_particles_wrap():
    grid = Grid((8, 9), (1.0, 0.5))
    positions = np.random.default_rng(5).random((50, 2)) * grid.lengths
    here = gf.from_particles(grid, positions)
    for shift in ((1.0, 0.0), (-3.0, 1.5), (1000.0, -500.0)):
        there = gf.from_particles(grid, positions + shift)
        # positions moved by X round by ε X, weights by that over h
        assert there == pytest.approx(here, rel=0, abs=here.max() * 8 * EPS * max(map(abs, shift)) * 20 * 50)


@pytest.mark.parametrize("far", [2.0**62, 1e300])
def test_particles_wrap_however_far_they_went(far):
    grid = Grid((8, 8))
    density = gf.from_particles(grid, np.array([[far, 0.5625]]))
    # a float that large is a whole number of periods
    assert (density == gf.from_particles(grid, np.array([[0.0, 0.5625]]))).all()


def test_particles_on_a_line_may_be_a_vector():
    grid = Grid(8)
    positions = np.array([0.1, 0.9, 0.4])
    assert (gf.from_particles(grid, positions) == gf.from_particles(grid, positions[:, None])).all()


def test_many_particles_sample_the_density():
    """Counts per cell of N independent particles have the standard error √(N p), smoothed by the cloud to less."""
    grid, rng, number = Grid((6, 5)), np.random.default_rng(6), 20000
    density = gf.from_particles(grid, rng.random((number, 2)))
    # each axis averages two cells with weights θ and 1 − θ: E[w²] sums to (2/3)² of the variance of a count at most
    error = math.sqrt(grid.size / number) * 2 / 3
    assert abs(density - 1).max() <= 5 * error
    assert np.std(density) == pytest.approx(error, rel=5 / math.sqrt(2 * grid.size))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((np.zeros(3),), ("positions", "(3,)", "(N, 2)")),
        ((np.zeros((3, 1)),), ("positions", "(3, 1)", "(N, 2)")),
        ((np.zeros((0, 2)),), ("positions", "(0, 2)", "N ≥ 1")),
        ((np.zeros((3, 2)), np.ones(2)), ("weights", "(2,)", "(3,)")),
        ((np.zeros((3, 2)), np.array([1, -1, 1])), ("weights", "≥ 0")),
        ((np.zeros((3, 2)), np.array([1, np.nan, 1])), ("weights", "finite")),
        ((np.full((3, 2), np.inf),), ("positions", "finite")),
        ((np.zeros((3, 2)), np.zeros(3)), ("no mass",)),
    ],
)
def test_from_particles_errors(arguments, words):
    with pytest.raises(InputError) as error:
        gf.from_particles(Grid((8, 9)), *arguments)
    assert all(word in str(error.value) for word in words)

"""Symbols against the kernels they stand for, summed in real space over periodic images."""

import math
from itertools import pairwise, product

import numpy as np
import pytest
from scipy import integrate, special

from gridflow.domains.circle import Circle
from gridflow.domains.torus import Grid
from gridflow.equation.kernels import Activation, Gaussian, Kernel, Matern, ReLU, Riesz, Symbol
from gridflow.errors import InputError
from gridflow.measures.diagnostics import fitted_order

EPS = np.finfo(float).eps

# cells enough for a kernel of width 0.15 to be resolved to round-off, in every dimension, even and odd
SMOOTH = (
    Grid((32,), (1.3,)),
    Grid((27,), (0.9,)),
    Grid((21, 26), (1.0, 1.2)),
    Grid((20, 21), (1.1, 0.9)),
    Grid((14, 12, 13), (1.0, 0.8, 0.9)),
)


def smooth_grids(function):
    return pytest.mark.parametrize("grid", SMOOTH, ids=lambda g: "x".join(map(str, g.shape)))(function)


def apply(multiplier, grid, values):
    """K * f through numpy's FFT."""
    spectrum = np.fft.rfftn(values) * multiplier
    return np.fft.irfftn(spectrum, s=grid.shape, axes=tuple(range(grid.dim)))


def periodised(grid, kernel, reach, origin=None):
    """Σ over images of kernel(r) at the offsets of all cells from an origin, images beyond a reach left out."""
    total = np.zeros(grid.shape)
    origin = (0.0,) * grid.dim if origin is None else origin
    images = [range(-math.ceil(reach / length) - 1, math.ceil(reach / length) + 2) for length in grid.lengths]
    for image in product(*images):
        squares = np.zeros(grid.shape)
        for axis, m in enumerate(image):
            x = np.arange(grid.shape[axis]) * grid.spacing[axis] - origin[axis] + m * grid.lengths[axis]
            squares = squares + grid.along(axis, x) ** 2
        total += kernel(np.sqrt(squares))
    return total


def convolved(grid, kernel_values, values):
    """Σ_j K(x_i − x_j) f_j ∏h by direct summation over all pairs of cells."""
    result = np.zeros(grid.shape)
    for offset in np.ndindex(*grid.shape):
        result += kernel_values[offset] * np.roll(values, offset, tuple(range(grid.dim)))
    return result * grid.cell_volume


def band_limited(grid, largest=2, seed=0):
    """A real trigonometric polynomial with random coefficients at mode numbers up to ``largest`` along each axis."""
    rng = np.random.default_rng(seed)
    values = np.zeros(grid.shape)
    for mode in product(range(-largest, largest + 1), repeat=grid.dim):
        phase = sum(2 * np.pi * k * x / length for k, x, length in zip(mode, grid.mesh(), grid.lengths, strict=True))
        values = values + rng.standard_normal() * np.cos(phase + rng.uniform(0, 2 * np.pi))
    return values


def matern(nu, length):
    """The Matérn kernel of the distance (Rasmussen and Williams, 2006, equation 4.14)."""

    def kernel(r):
        z = np.sqrt(2 * nu) * np.maximum(r, 1e-300) / length
        if nu == 0.5:
            return np.exp(-z)
        if nu == 1.5:
            return (1 + z) * np.exp(-z)
        return np.where(r > 0, 2 ** (1 - nu) / special.gamma(nu) * z**nu * special.kv(nu, z), 1.0)

    return kernel


@smooth_grids
def test_gaussian_against_images(grid):
    """V = K * f by brute-force quadrature; the rule is exact but for the symbol at aliases of the modes of f."""
    width = 0.15
    values = band_limited(grid)
    kernel = periodised(grid, lambda r: np.exp(-(r**2) / (2 * width**2)), 9 * width)
    direct = convolved(grid, kernel, values)
    ours = apply(Gaussian(width).multiplier(grid), grid, values)
    # the lowest alias of a mode k ≤ 2 is k = n − 2
    alias = min(2 * np.pi * (n - 2) / length for n, length in zip(grid.shape, grid.lengths, strict=True))
    scale = kernel.sum() * grid.cell_volume * abs(values).max()
    aliasing = 2 * grid.dim * math.exp(-((width * alias) ** 2) / 2)
    assert aliasing < 1e-14
    # sums of N positive and negative terms: √N ε, transforms: log2(N) ε
    round_off = (math.sqrt(grid.size) + 8 * math.log2(grid.size)) * EPS
    assert abs(ours - direct).max() <= (round_off + aliasing) * scale


def test_gaussian_wider_than_the_torus_keeps_only_its_mean():
    grid = Grid((8, 9))
    multiplier = Gaussian(3.0).multiplier(grid)
    assert multiplier[0, 0] == pytest.approx(2 * np.pi * 9, rel=4 * EPS)  # ∫ exp(−|x|²/(2 w²)) = 2π w² in the plane
    multiplier[0, 0] = 0
    # exp(−w² ξ²/2) at the longest wave, ξ = 2π: 1e−77
    assert multiplier.max() == pytest.approx(2 * np.pi * 9 * math.exp(-18 * np.pi**2), rel=1e-12)


@pytest.mark.parametrize("nu", [0.5, 0.8, 1.5, 2.5, 7.0])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_matern_is_the_fourier_transform_of_its_kernel(nu, dim):
    """The radial Fourier integral over the whole space, by adaptive quadrature."""
    length, kernel = 0.2, matern(nu, 0.2)
    grid = Grid((8, 9, 10)[:dim], (1.0, 1.3, 0.9)[:dim])
    xi = np.sqrt(grid.laplacian_symbol("spectral"))
    wave = {
        1: lambda r, q: 2 * np.cos(q * r),
        2: lambda r, q: 2 * np.pi * r * special.j0(q * r),
        3: lambda r, q: 4 * np.pi * r**2 * np.sinc(q * r / np.pi),
    }[dim]
    multiplier = Matern(nu, length).multiplier(grid)
    # the kernel falls like z^{ν − 1/2} e^{−z}: beyond z = 80 the integrand is below 80^9 e^{−80} = 2e−18
    end = 80 * length / math.sqrt(2 * nu)
    for index in [(0,) * dim, (1,) * dim, tuple(n - 1 for n in multiplier.shape)]:
        q = xi[index]

        def integrand(r, q=q):
            return float(kernel(r)) * wave(r, q)

        pieces = np.linspace(0, end, 81)
        results = [integrate.quad(integrand, a, b, epsrel=1e-12, epsabs=1e-14) for a, b in pairwise(pieces)]
        error = sum(e for _, e in results) + 1e-13 * multiplier[(0,) * dim]
        assert multiplier[index] == pytest.approx(sum(v for v, _ in results), rel=0, abs=error)


def test_matern_of_one_half_is_the_laplace_kernel():
    """∫ exp(−|x|/ℓ) e^{−iξx} dx = 2ℓ/(1 + ℓ²ξ²); in the cells, the kernel summed over periods is cosh / sinh."""
    grid, length = Grid((64,), (1.4,)), 0.3
    (xi,) = grid.wavevector()
    multiplier = Matern(0.5, length).multiplier(grid)
    assert multiplier == pytest.approx(2 * length / (1 + (length * xi) ** 2), rel=32 * EPS)
    x = grid.edges(0)[:-1]
    closed = np.cosh((0.7 - x) / length) / np.sinh(0.7 / length)
    images = periodised(grid, lambda r: np.exp(-r / length), 40 * length)
    assert images == pytest.approx(closed, rel=1e-13)  # e^{−40} is left out, about fifty terms are added
    for k in (0, 1, 5, 20):
        value, error = integrate.quad(
            lambda y, k=k: np.cosh((0.7 - y) / length) / np.sinh(0.7 / length) * np.cos(xi[k] * y), 0, 1.4, epsrel=1e-12
        )
        assert multiplier[k] == pytest.approx(value, rel=0, abs=error + 1e-14)


@pytest.mark.parametrize(
    ("nu", "dim", "sizes"),
    [
        (0.5, 1, (16, 32, 64, 128)),
        (0.8, 1, (16, 32, 64)),
        (1.5, 1, (16, 32, 64)),
        (0.5, 2, (16, 24, 32)),
        (0.5, 3, (10, 14)),
    ],
)
def test_matern_against_images(nu, dim, sizes):
    """V = K * f by quadrature over images misses the symbol at aliases: its error falls like h^{2ν + d}."""
    length, errors = 0.1, []
    for n in sizes:
        grid = Grid((n,) * dim)
        phase = sum(2 * np.pi * x for x in grid.mesh())
        kernel = periodised(grid, matern(nu, length), 40 * length / math.sqrt(2 * nu) if dim < 3 else 2.0)
        direct = convolved(grid, kernel, np.cos(phase) + np.zeros(grid.shape))
        errors.append(abs(direct - apply(Matern(nu, length).multiplier(grid), grid, np.cos(phase))).max())
    # Aliases of mode 1 are n ± 1. The symbol (1 + q)^{−p/2}, p = 2ν + d, q = (ℓ ξ)²/(2ν), has the slope p q / (1 + q);
    # the pair (n − 1)^{−p} + (n + 1)^{−p} = 2 n^{−p} (1 + p (p + 1)/(2 n²) + …) adds p (p + 1)/n² to it.
    power, ends = 2 * nu + dim, np.array([sizes[0], sizes[-1]])
    q = (2 * np.pi * (ends - 1) * length) ** 2 / (2 * nu)
    lowest = power * q[0] / (1 + q[0])
    highest = power + 2 * power * (power + 1) / ends[0] ** 2
    assert lowest <= fitted_order(1 / np.array(sizes), errors) <= highest


def neutral_charge(dim, inner, outer):
    """A Gaussian of unit mass minus a wider one, and its Coulomb potential in free space, as functions of r.

    Outside, the two potentials cancel up to a Gaussian, so a lattice of such charges sums absolutely.
    """

    def density(r):
        return sum(
            sign * np.exp(-(r**2) / (2 * w**2)) / (2 * np.pi * w**2) ** (dim / 2)
            for sign, w in ((1, inner), (-1, outer))
        )

    a, b = math.sqrt(2) * inner, math.sqrt(2) * outer

    def tail(z):  # the repeated integral of erfc
        return np.exp(-(z**2)) / math.sqrt(np.pi) - z * special.erfc(z)

    def potential(r):
        if dim == 1:  # V'' = −f
            return (b * tail(r / b) - a * tail(r / a)) / 2
        r = np.maximum(r, 1e-6 * inner)  # the limit at r = 0, within r²
        if dim == 2:
            return (special.exp1(r**2 / b**2) - special.exp1(r**2 / a**2)) / (4 * np.pi)
        return (special.erfc(r / b) - special.erfc(r / a)) / (4 * np.pi * r)

    return density, potential


@smooth_grids
def test_coulomb_against_images(grid):
    """V of a neutral charge by direct summation of its free-space potential over periodic images."""
    inner, outer = 2.6 * max(grid.spacing), 3.4 * max(grid.spacing)
    density, potential = neutral_charge(grid.dim, inner, outer)
    origin = tuple(0.3 * length for length in grid.lengths)
    reach = 9 * outer
    ours = apply(Riesz(1, "spectral").multiplier(grid), grid, periodised(grid, density, reach, origin))
    direct = periodised(grid, potential, reach, origin)
    # the sum over images has a mean (the second moment of the charge), V has none; the samples of f miss only what lies
    # beyond the Nyquist wave number π/h ≥ π/h_max: exp(−(2.6 π)²/2) = 3e−15 of mode 0 in every alias
    difference = ours - (direct - direct.mean())
    assert abs(ours.mean()) <= 8 * EPS * abs(ours).max()
    assert abs(difference).max() <= 1e-13 * abs(potential(0.0))


@pytest.mark.parametrize("grid", [Grid((32,), (1.3,)), Grid((21,), (0.7,))])
@pytest.mark.parametrize("s", [1, 2, 3])
def test_riesz_in_one_dimension_is_a_bernoulli_polynomial(grid, s):
    """Σ_{k≠0} e^{2πikx}/(2πk)^{2s} = (−1)^{s+1} B_{2s}(x)/(2s)! (Abramowitz and Stegun, 23.1.16)."""
    length = grid.lengths[0]
    bernoulli = {1: [1, -1, 1 / 6], 2: [1, -2, 1, 0, -1 / 30], 3: [1, -3, 5 / 2, 0, -1 / 2, 0, 1 / 42]}[s]
    polynomial = np.poly1d(bernoulli) * ((-1) ** (s + 1) / math.factorial(2 * s) * length ** (2 * s - 1))
    values = band_limited(grid, 3, seed=s)
    ours = apply(Riesz(s, "spectral").multiplier(grid), grid, values)
    x = grid.centers(0)
    spectrum = np.fft.rfft(values) / grid.size

    def f(y):
        phases = 2 * np.pi * np.arange(4) * (y - x[0]) / length
        return (spectrum[0] + 2 * (spectrum[1:4] * np.exp(1j * phases[1:])).sum()).real

    for i in (0, 3, grid.size - 1):
        value, error = integrate.quad(lambda y, i=i: polynomial(y / length) * f(x[i] - y), 0, length, epsrel=1e-12)
        scale = abs(values).max() * length * polynomial(0)
        # quadrature error, and transforms of N numbers
        assert ours[i] == pytest.approx(value, rel=0, abs=error + 8 * math.log2(grid.size) * EPS * abs(scale))


@pytest.mark.parametrize(
    ("dim", "s", "lattice_sum"),
    [
        # Σ' |k|^{−2s} over the square lattice is 4 ζ(s) β(s) (Hardy, 1919); β(2) is Catalan's number
        (2, 2.0, 4 * special.zeta(2) * 0.915965594177219),
        # β(s) = 4^{−s} (ζ(s, ¼) − ζ(s, ¾))
        (2, 1.5, 4 * special.zeta(1.5) * 4**-1.5 * (special.zeta(1.5, 0.25) - special.zeta(1.5, 0.75))),
        (1, 1.5, 2 * special.zeta(3)),
        # simple cubic lattice sum of |k|^{−6}, A6 of Lennard-Jones crystals (Jones and Ingham, 1925)
        (3, 3.0, 8.40192397482754),
    ],
)
def test_value_of_the_riesz_kernel_at_the_origin(dim, s, lattice_sum):
    """K(0) = Σ K̂/|T| is an Epstein zeta function; the modes beyond n/2 left out are O(n^{d−2s})."""
    sizes, errors = [32, 64, 128] if dim < 3 else [16, 32, 64], []
    exact = lattice_sum / (2 * np.pi) ** (2 * s)
    for n in sizes:
        grid = Grid((n,) * dim)
        errors.append((Riesz(s, "spectral").multiplier(grid) * grid.mode_multiplicity()).sum() - exact)
    # on a lattice the tail is its integral times 1 + O(1/n), which moves the slope by as much
    assert fitted_order(1 / np.array(sizes), errors) == pytest.approx(2 * s - dim, abs=2 / sizes[0])
    # the modes left out have |k| ≥ n/2, the unit cells around them lie beyond n/2 − 1: ∫ |k|^{−2s} d^d k from there
    sphere = 2 * np.pi ** (dim / 2) / special.gamma(dim / 2)
    tail = sphere / (2 * s - dim) * (np.array(sizes) / 2 - 1) ** (dim - 2 * s) / (2 * np.pi) ** (2 * s)
    assert (np.array(errors) > -tail).all()
    assert max(errors) < 0


def stencil(grid, values):
    """−Δ_h by the (2d + 1)-point stencil."""
    result = np.zeros(grid.shape)
    for axis, h in enumerate(grid.spacing):
        result += (2 * values - np.roll(values, 1, axis) - np.roll(values, -1, axis)) / h**2
    return result


@pytest.mark.parametrize("s", [1, 2])
def test_mimetic_riesz_inverts_the_stencil(torus, s):
    values = np.random.default_rng(3).standard_normal(torus.shape)
    potential = apply(Riesz(s, "mimetic").multiplier(torus), torus, values)
    back = potential
    for _ in range(s):
        back = stencil(torus, back)
    # round-off of V, log2(N) ε, is amplified by each stencil to the largest eigenvalue of it
    largest = sum(4 / h**2 for h in torus.spacing) ** s
    bound = 8 * math.log2(torus.size) * EPS * largest * abs(potential).max()
    assert back == pytest.approx(values - values.mean(), rel=0, abs=bound)
    assert bound < 1e-9


@pytest.mark.parametrize("symbol", ["mimetic", "spectral"])
def test_orders_of_riesz_kernels_multiply(torus, symbol):
    """(−Δ)^{−s} (−Δ)^{−r} = (−Δ)^{−s−r}."""
    product_ = Riesz(0.3, symbol).multiplier(torus) * Riesz(1.9, symbol).multiplier(torus)
    # powers round to a few ε each, exponents up to 2.2 carry the logarithm's ε
    assert Riesz(2.2, symbol).multiplier(torus) == pytest.approx(product_, rel=64 * EPS)


def test_spectral_riesz_is_a_power_of_the_wavevector(torus):
    multiplier = Riesz(1.5, "spectral").multiplier(torus)
    squared = sum(xi**2 for xi in torus.wavevector())
    assert multiplier.dtype == np.float64
    assert multiplier.shape == torus.spectral_shape
    zero_mode = (0,) * torus.dim
    assert multiplier[zero_mode] == 0
    squared[zero_mode] = np.inf
    assert multiplier == pytest.approx(squared**-1.5, rel=16 * EPS)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_mimetic_tends_to_spectral_with_order_two(dim):
    mode, sizes, errors = (1, 2, 1)[:dim], (16, 32, 64), []
    for n in sizes:
        grid = Grid((n, n + 1, n + 2)[:dim], (1.0, 1.3, 0.7)[:dim])
        errors.append(grid.laplacian_symbol("mimetic")[mode] / grid.laplacian_symbol("spectral")[mode] - 1)
    # (2 sin(ξh/2)/(ξh))² = 1 − (ξh)²/12 + (ξh)⁴/360 − …: the second term bends the slope by 2 (ξh)²/30 ≤ 0.04 for
    # ξh ≤ 4π/16, and log(n + 2) runs slower than log n by up to 2/n at the coarse end
    assert fitted_order(1 / np.array(sizes), errors) == pytest.approx(2, abs=0.04 + 2 / sizes[0])
    assert all(error < 0 for error in errors)


@pytest.mark.parametrize(
    "kernel",
    [
        Riesz(0.5, "mimetic"),
        Riesz(1, "mimetic"),
        Riesz(2.5, "spectral"),
        Gaussian(0.1),
        Matern(1.5, 0.2),
        Symbol(lambda *xi: np.exp(-sum(abs(x) for x in xi))),
    ],
    ids=lambda kernel: type(kernel).__name__,
)
def test_multipliers_are_real_finite_and_nonnegative(torus, kernel):
    multiplier = kernel.multiplier(torus)
    assert multiplier.shape == torus.spectral_shape
    assert multiplier.dtype == np.float64
    assert np.isfinite(multiplier).all()
    assert (multiplier >= 0).all()


def test_a_symbol_of_ones_own(torus):
    width = 0.2

    def gaussian(*xi):
        return (2 * np.pi * width**2) ** (len(xi) / 2) * np.exp(-0.5 * width**2 * sum(x**2 for x in xi))

    # the exponent, up to 0.02 · 3 · (π n / L)² ~ 100, carries a few ε of its own size
    assert Symbol(gaussian).multiplier(torus) == pytest.approx(Gaussian(width).multiplier(torus), rel=1e-13)


def test_a_symbol_singular_at_zero_is_mean_free(torus):
    for function in (lambda *xi: 1 / sum(x**2 for x in xi), lambda *xi: sum(x**2 for x in xi) / sum(x**4 for x in xi)):
        multiplier = Symbol(function).multiplier(torus)
        assert multiplier[(0,) * torus.dim] == 0
        assert np.count_nonzero(multiplier) == multiplier.size - 1
    coulomb = Symbol(lambda *xi: 1 / sum(x**2 for x in xi)).multiplier(torus)
    assert coulomb == pytest.approx(Riesz(1, "spectral").multiplier(torus), rel=8 * EPS)


def test_a_constant_symbol_is_broadcast(torus):
    multiplier = Symbol(lambda *xi: 2).multiplier(torus)  # noqa: ARG005 - a kernel gets the wave vector
    assert multiplier.shape == torus.spectral_shape
    assert (multiplier == 2.0).all()


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x, y: 1 / (1 + x**2 + y**2) + 0j, ("real", "complex")),
        (lambda x, y: np.exp(1j * x) + 0 * y, ("real", "complex")),
        (lambda x, y: 1 - x**2 - y**2, ("finite and ≥ 0", "-")),
        (lambda x, y: np.where(x**2 + y**2 > 100, np.nan, 1.0), ("nan", "finite and ≥ 0")),
        (lambda x, y: np.where(x**2 + y**2 > 100, np.inf, 1.0), ("inf", "finite and ≥ 0")),
        (lambda x, y: np.exp(x / 100) + 0 * y, ("even", "K̂(−ξ) = K̂(ξ)")),
        (lambda x, y: 2 + np.tanh(x + y), ("even",)),
        (lambda x, y: 1 + 1e-9 * np.tanh(x + y), ("even",)),  # far above round-off
    ],
)
def test_bad_symbols_are_refused(function, words):
    with pytest.raises(InputError) as error:
        Symbol(function).multiplier(Grid((8, 9)))
    assert all(word in str(error.value) for word in words)


def test_the_refusal_names_the_wavevector():
    with pytest.raises(InputError, match=r"is -1.0 at ξ = \[0.0, 6.28"):
        Symbol(lambda x, y: np.where(np.isclose(y, 2 * np.pi) & (x == 0), -1.0, 1.0)).multiplier(Grid((8, 9)))


# the edges of holes


JUDGED = {"line": Grid((256,)), "odd": Grid((45,)), "plane": Grid((64, 96), (1.0, 1.7)), "space": Grid((24, 17, 40))}


@pytest.mark.parametrize("grid", JUDGED.values(), ids=JUDGED)
@pytest.mark.parametrize("s", [0.0, 0.1, 0.5, 0.75, 0.9, 0.99, 0.999, 1, 1.001, 1.25, 2, 3])
def test_a_symbol_shows_the_exponent_of_edges_that_an_order_tells(grid, s):
    """A symbol that falls like |ξ|^(−2s) is judged as the Riesz kernel that knows its order."""
    weights = (1.0, 2.0, 0.5)

    def power(*xi):
        return sum(w * x**2 for w, x in zip(weights, xi, strict=False)) ** -s

    exponent = max(1 - s, 0)
    if s > 0:
        assert Riesz(s).edge_exponent(grid) == Riesz(s, "mimetic").edge_exponent(grid) == exponent
    # λ and K̂ round to a few ε each, and the logarithm of their ratio with them
    assert Symbol(power).edge_exponent(grid) == pytest.approx(exponent, rel=0, abs=1e-13)


@pytest.mark.parametrize(
    ("kernel", "stays"),
    [
        (Gaussian(0.05), True),
        (Gaussian(1e-3), False),  # a quarter of a cell: V is a multiple of μ − ν
        (Matern(0.5, 0.1), True),  # 1 / (κ² + ξ²): s = 1
        (Matern(2.5, 0.1), True),
        (Matern(0.25, 0.1), False),  # s = 0.75
        (Matern(2.5, 5e-4), False),  # far below a cell
        (Symbol(lambda xi: np.log(2 + abs(xi)) / (1 + xi**2) ** 1.1), True),
        (Symbol(lambda xi: np.where(xi % (4 * np.pi) == 0, 0.0, 1 / (1 + abs(xi) ** 1.5))), False),
        (Symbol(lambda xi: np.where(xi % (4 * np.pi) == 0, 0.0, 1 / (1 + abs(xi) ** 2.5))), True),
        (Symbol(lambda xi: 0 * xi), True),
        (Symbol(lambda xi: 1.0 * (abs(xi) > 600)), False),  # of 256 cells' modes it sees the finest octave only
    ],
    ids=lambda given: given.kind or "symbol" if isinstance(given, Kernel) else None,
)
def test_jumps_stay_where_the_symbol_falls_fast_enough(kernel, stays):
    assert (kernel.edge_exponent(Grid((256,))) == 0) == stays


@pytest.mark.parametrize(
    "kernel",
    [ReLU(0), ReLU(1), Activation(np.tanh), Activation(lambda t: (t > 0) * 1.0)],
    ids=["relu0", "relu1", "tanh", "step"],
)
def test_jumps_stay_in_the_densities_of_networks(kernel):
    """Steps have s = 1, ReLU has s = 2; the numbers of a smooth activation are round-off at the fine modes."""
    assert kernel.edge_exponent(Circle(256)) == 0


def test_a_kernel_made_of_the_mimetic_symbol_says_so():
    """Near the finest mode that symbol falls below |ξ|², by up to 4/π² along an axis, which must not count."""

    class Screened(Symbol):
        laplacian = "mimetic"

        def multiplier(self, grid):
            return 1 / (9 + grid.laplacian_symbol("mimetic"))

    assert Screened(None).edge_exponent(Grid((64, 48))) == 0


@pytest.mark.parametrize("value", [0.0, -1.0, math.inf, math.nan])
def test_parameters_of_kernels_are_positive_and_finite(value):
    for make, name in (
        (lambda: Riesz(value), "s ="),
        (lambda: Gaussian(value), "width ="),
        (lambda: Matern(value, 1.0), "nu ="),
        (lambda: Matern(1.0, value), "length ="),
    ):
        with pytest.raises(InputError, match="must be positive") as error:
            make()
        assert f"{name} {value}" in str(error.value)


def test_riesz_has_two_symbols():
    with pytest.raises(InputError, match=r'"exact".*"mimetic".*"spectral"'):
        Riesz(1, "exact")

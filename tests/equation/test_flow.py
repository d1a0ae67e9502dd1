"""The equation: potential, energy and its gradient, velocity, dissipation, and what a flow can start from."""

import math

import numpy as np
import pytest

import gridflow as gf
from gridflow.domains.sphere import SphereGrid
from gridflow.domains.torus import Grid
from gridflow.equation.flow import MASS_TOLERANCE, Flow, SphereFlow
from gridflow.equation.kernels import Gaussian, Matern, Riesz, Symbol
from gridflow.errors import InputError

EPS = np.finfo(float).eps

KERNELS = {
    "coulomb": Riesz(1, "mimetic"),
    "spectral": Riesz(1.7, "spectral"),
    "rough": Riesz(0.4, "mimetic"),
    "gaussian": Gaussian(0.2),
    "matern": Matern(1.5, 0.3),
    # full even symbol: not a function of |ξ|, no symmetry between axes
    "skew": Symbol(lambda *xi: 1 / (1 + sum((a + 1) * x**2 for a, x in enumerate(xi)) + xi[0] * xi[-1] / 2)),
}


@pytest.fixture(params=KERNELS)
def kernel(request):
    return KERNELS[request.param]


def noise(grid, seed):
    return np.random.default_rng(seed).random(grid.shape)


def noisy_flow(grid, kernel, growth=0.0):
    """A flow to a random target of unit mass, and a random density of unit mass."""
    target, density = (gf.normalize(grid, noise(grid, seed)) for seed in (1, 2))
    return Flow(grid, kernel, target, growth), density


def fft_error(grid):
    """Relative error in the 2-norm of a pair of transforms: a few log2(N) ε each (Higham, 2002, theorem 24.2)."""
    return 16 * math.log2(grid.size) * EPS


def scale(flow, density):
    """A bound of max |V|: the largest multiplier times the 2-norm of μ − ν as a mean over cells, times √N."""
    return flow.symbol.max() * np.linalg.norm(density - flow.target)


def full_symbol(grid, symbol):
    """Symbol on all N modes: the stored half, and its mirror images."""
    index = np.ix_(*(np.arange(n) for n in grid.shape))
    mirrored = np.ix_(*((-np.arange(n)) % n for n in grid.shape))
    stored = index[-1] <= grid.shape[-1] // 2
    chosen = [np.where(stored, i, m) for i, m in zip(index, mirrored, strict=True)]
    return symbol[tuple(chosen)]


# potential


def test_potential_against_numpy(torus, kernel):
    flow, density = noisy_flow(torus, kernel)
    reference = np.fft.ifftn(np.fft.fftn(density - flow.target) * full_symbol(torus, flow.symbol)).real
    allowed = fft_error(torus) * scale(flow, density)
    assert flow.potential(density) == pytest.approx(reference, rel=0, abs=allowed)
    assert not np.allclose(reference, 0, atol=100 * allowed)


def test_potential_of_the_target_is_zero(torus, kernel):
    flow, _ = noisy_flow(torus, kernel)
    assert (flow.potential(flow.target) == 0).all()
    assert flow.energy(flow.target) == 0
    assert flow.dissipation(flow.target) == 0


def test_potential_of_one_mode(torus):
    """V̂_k = |ξ|^{−2s} f̂_k."""
    xi = [2 * np.pi / length for length in torus.lengths]
    wave = np.cos(sum(k * x for k, x in zip(xi, torus.mesh(), strict=True)))
    flow = Flow(torus, Riesz(1.5, "spectral"), gf.uniform(torus))
    expected = 0.3 * wave * sum(k**2 for k in xi) ** -1.5
    density = flow.target + 0.3 * wave
    assert flow.potential(density) == pytest.approx(expected, rel=0, abs=fft_error(torus) * scale(flow, density))


def test_potentials_are_the_callers_own(torus):
    flow, density = noisy_flow(torus, Riesz(1))
    first = flow.potential(density)
    kept = first.copy()
    other = flow.potential(2 * density)
    assert (first == kept).all()
    assert not (other == first).all()


def test_coulomb_potential_solves_the_discrete_poisson_equation(torus):
    """−Δ_h V = μ − ν by the (2d + 1)-point stencil."""
    flow, density = noisy_flow(torus, Riesz(1, "mimetic"))
    v = flow.potential(density)
    laplacian = sum((2 * v - np.roll(v, 1, axis) - np.roll(v, -1, axis)) / h**2 for axis, h in enumerate(torus.spacing))
    # round-off of V amplified by the largest eigenvalue
    allowed = fft_error(torus) * scale(flow, density) * sum(4 / h**2 for h in torus.spacing)
    assert laplacian == pytest.approx(density - flow.target, rel=0, abs=allowed)


# energy


def kernel_matrix(grid, flow):
    """K(x_i − x_j) = Σ_k K̂_k e^{iξ·(x_i − x_j)} / |T|, summed plainly."""
    modes = np.stack([m.ravel() for m in np.indices(grid.shape)])  # numbers 0 … n − 1, n − k standing for −k
    symbol = full_symbol(grid, flow.symbol).ravel()
    cells = modes / np.array(grid.shape)[:, None]
    waves = np.exp(2j * np.pi * (modes.T @ cells))  # (mode, cell)
    return (waves.conj().T * symbol) @ waves / grid.volume


TINY = (Grid((6,), (1.3,)), Grid((7,)), Grid((4, 5), (1.0, 0.7)), Grid((5, 6)), Grid((4, 5, 4), (0.8, 1.0, 1.2)))


@pytest.mark.parametrize("grid", TINY, ids=lambda g: "x".join(map(str, g.shape)))
def test_energy_is_the_double_sum_of_the_kernel(grid, kernel):
    """E = ½ Σ_i Σ_j K(x_i − x_j) f_i f_j h^{2d}, and KMD² is twice that."""
    flow, density = noisy_flow(grid, kernel)
    f = (density - flow.target).ravel() * grid.cell_volume
    matrix = kernel_matrix(grid, flow)
    expected = 0.5 * (f @ matrix @ f)
    # N² products of kernel values, each a sum of N waves of phases up to 2π n
    allowed = 8 * (2 * np.pi * max(grid.shape) + grid.size) * EPS * abs(matrix).max() * abs(f).sum() ** 2
    assert expected.imag == pytest.approx(0, abs=allowed)
    assert flow.energy(density) == pytest.approx(expected.real, rel=0, abs=allowed)
    assert flow.energy(density) > 10 * allowed
    assert gf.diagnostics.kmd(flow, density) ** 2 == pytest.approx(2 * expected.real, rel=0, abs=2 * allowed)


@pytest.mark.parametrize("grid", TINY, ids=lambda g: "x".join(map(str, g.shape)))
def test_energy_of_the_gaussian_kernel_by_images(grid):
    """The double sum with exp(−|x|²/(2w²)) itself, periodised; w is wide enough for the grid to resolve it."""
    width = 2.8 * max(grid.spacing)
    flow, density = noisy_flow(grid, Gaussian(width))
    f = (density - flow.target) * grid.cell_volume
    lags = np.ones(())
    for n, h, length in zip(grid.shape, grid.spacing, grid.lengths, strict=True):
        images = np.arange(-math.ceil(9 * width / length) - 1, math.ceil(9 * width / length) + 2) * length
        lags = np.multiply.outer(lags, np.exp(-((np.arange(n)[:, None] * h + images) ** 2) / (2 * width**2)).sum(1))
    total = sum(
        (f * np.roll(f, offset, tuple(range(grid.dim)))).sum() * lags[offset] for offset in np.ndindex(*grid.shape)
    )
    # a lag adds up about 20 terms per axis; aliases of the symbol are below exp(−(2.8 π)²/2) = 2e−17 of K̂(0)
    allowed = 64 * EPS * lags.max() * abs(f).sum() ** 2
    assert flow.energy(density) == pytest.approx(total / 2, rel=0, abs=allowed)


def test_energy_is_half_the_integral_of_v_f(torus, kernel):
    flow, density = noisy_flow(torus, kernel)
    f = density - flow.target
    expected = 0.5 * (flow.potential(density) * f).sum() * torus.cell_volume
    allowed = fft_error(torus) * flow.symbol.max() * (f**2).sum() * torus.cell_volume
    assert flow.energy(density) == pytest.approx(expected, rel=0, abs=allowed)


def test_energy_of_one_mode():
    """E = ½ |T| K̂ |f̂|² summed over ξ and −ξ: ¼ |T| K̂ A² for f = A cos ξ·x."""
    grid = Grid((12, 9), (1.0, 0.6))
    x, y = grid.mesh()
    flow = Flow(grid, Gaussian(0.1), gf.uniform(grid))
    xi_squared = (2 * np.pi) ** 2 + (4 * np.pi / 0.6) ** 2
    expected = 0.25 * 0.6 * 2 * np.pi * 0.01 * math.exp(-0.005 * xi_squared) * 0.09
    wave = np.cos(2 * np.pi * x + 4 * np.pi * y / 0.6 + 0.3)
    # ε of the density, 1.7, against the amplitude 0.3
    assert flow.energy(flow.target + 0.3 * wave) == pytest.approx(expected, rel=6 * fft_error(grid))


@pytest.mark.parametrize("growth", [0.0, 2.0])
def test_the_potential_is_the_gradient_of_the_energy(torus, kernel, growth):
    """(E(μ + εg) − E(μ − εg)) / (2ε) = ∫ V g dx: for a quadratic form without any error but round-off."""
    flow, density = noisy_flow(torus, kernel, growth)
    direction = np.random.default_rng(7).standard_normal(torus.shape)
    for epsilon in (1e-2, 1.0, 10.0):
        difference = flow.energy(density + epsilon * direction) - flow.energy(density - epsilon * direction)
        expected = (flow.potential(density) * direction).sum() * torus.cell_volume
        # energies up to ½ K̂max ‖f + εg‖² round by fft_error of that
        size = (abs(density - flow.target) + epsilon * abs(direction)) ** 2
        allowed = fft_error(torus) * flow.symbol.max() * size.sum() * torus.cell_volume / epsilon
        assert difference / (2 * epsilon) == pytest.approx(expected, rel=0, abs=allowed)


def test_second_difference_of_the_energy_is_the_energy_of_the_direction(torus, kernel):
    """E(μ + g) + E(μ − g) − 2 E(μ) = ∫ g K * g dx: E is a quadratic form, and convex."""
    flow, density = noisy_flow(torus, kernel)
    direction = np.random.default_rng(8).standard_normal(torus.shape)
    second = flow.energy(density + direction) + flow.energy(density - direction) - 2 * flow.energy(density)
    size = (abs(density - flow.target) + abs(direction)) ** 2
    allowed = 4 * fft_error(torus) * flow.symbol.max() * size.sum() * torus.cell_volume
    assert second == pytest.approx(2 * flow.energy(flow.target + direction), rel=0, abs=allowed)
    assert second > 0


def test_the_coulomb_energy_of_a_hole_in_one_dimension():
    """E = ½ ∫ V'² dx = w² / 24 for a gap of width w in a uniform density of unit mass."""
    grid, w = Grid(4096), 0.5
    flow = Flow(grid, Riesz(1, "spectral"), gf.uniform(grid))
    energy = flow.energy(gf.box_hole(grid, w))
    # −V'' = f is −1 on the gap and w/(1 − w) outside, so V' is linear and odd about the middle of each:
    # ∫ V'² = w³/12 + (w/(1 − w))² (1 − w)³/12
    exact = 0.5 * (w**3 + w**2 * (1 - w)) / 12
    assert exact == pytest.approx(w**2 / 24, rel=4 * EPS)
    # averages over cells lose (ξh)²/12 of every |f̂_k|², in all h² ∫ f² dx/24 of E; ∫ f² dx = 1, and aliases are O(h³)
    assert energy == pytest.approx(exact, rel=0, abs=grid.spacing[0] ** 2 / 12)


# velocity and dissipation


def test_face_velocity_is_the_difference_of_the_potential(torus, kernel):
    flow, density = noisy_flow(torus, kernel)
    v, u = flow.potential(density), flow.face_velocity(density)
    assert u.shape == (torus.dim, *torus.shape)
    for index in np.ndindex(*torus.shape):
        for axis, h in enumerate(torus.spacing):
            upper = tuple((i + (a == axis)) % n for a, (i, n) in enumerate(zip(index, torus.shape, strict=True)))
            assert u[(axis, *index)] == pytest.approx(-(v[upper] - v[index]) / h, rel=4 * EPS)


def test_face_velocity_of_coulomb_diverges_by_the_deviation(torus):
    """∇_h · v = μ − ν, exactly."""
    flow, density = noisy_flow(torus, Riesz(1, "mimetic"))
    divergence = sum(
        (u - np.roll(u, 1, axis)) / h
        for axis, (u, h) in enumerate(zip(flow.face_velocity(density), torus.spacing, strict=True))
    )
    allowed = fft_error(torus) * scale(flow, density) * sum(4 / h**2 for h in torus.spacing)
    assert divergence == pytest.approx(density - flow.target, rel=0, abs=allowed)


def test_velocity_of_one_mode_has_order_two():
    """v = −∇V, at faces: sin(ξh/2)/(ξh/2) of it."""
    sizes, errors = (16, 32, 64), []
    for n in sizes:
        grid = Grid(n)
        flow = Flow(grid, Riesz(1, "spectral"), gf.uniform(grid))
        u = flow.face_velocity(1 + 0.5 * np.cos(2 * np.pi * grid.centers(0)))[0]
        exact = 0.5 / (2 * np.pi) * np.sin(2 * np.pi * grid.edges(0)[1:])
        errors.append(abs(u - exact).max())
    # 1 − sinc = (ξh)²/24 (1 − (ξh)²/80): the slope bends by 2 (ξh)²/80 = 0.004 at n = 16
    assert gf.diagnostics.fitted_order(1 / np.array(sizes), errors) == pytest.approx(2, abs=0.004)


@pytest.mark.parametrize("growth", [0.0, 2.0])
def test_dissipation_is_the_rate_of_the_energy(torus, kernel, growth):
    """−dE/dt along dμ/dt = −∇_h · (μ̄ u) − β μ V, μ̄ the mean of two cells: equal by summation by parts."""
    flow, density = noisy_flow(torus, kernel, growth)
    v = flow.potential(density)
    change = -growth * density * v
    for axis, (u, h) in enumerate(zip(flow.face_velocity(density), torus.spacing, strict=True)):
        flux = u * (density + np.roll(density, -1, axis)) / 2
        change -= (flux - np.roll(flux, 1, axis)) / h
    rate = (v * change).sum() * torus.cell_volume
    # N products of V², 4/h² of them per axis; sums by parts cancel neighbours
    size = density.max() * (v**2).sum() * torus.cell_volume * (growth + sum(4 / h**2 for h in torus.spacing))
    assert flow.dissipation(density) == pytest.approx(-rate, rel=0, abs=16 * math.log2(torus.size) * EPS * size)
    assert flow.dissipation(density) > 0


def test_dissipation_of_one_mode():
    """∫ μ |V'|² dx for μ = 1 + A cos ξx is ½ (K̂ A)² ξ², with ξ² replaced by its stencil (2 sin(ξh/2)/h)²."""
    grid = Grid(18, 1.5)
    flow = Flow(grid, Gaussian(0.2), np.ones(18))
    xi, amplitude = 2 * np.pi / 1.5, 0.4
    symbol = math.sqrt(2 * np.pi) * 0.2 * math.exp(-0.02 * xi**2)
    stencil = (2 * math.sin(xi / 24) * 12) ** 2
    expected = 0.5 * (symbol * amplitude) ** 2 * stencil * 1.5
    density = 1 + amplitude * np.cos(xi * grid.centers(0))
    assert flow.dissipation(density) == pytest.approx(expected, rel=fft_error(grid) * 4)
    # and with growth, ∫ μ V² dx = ½ (K̂ A)² more of it per unit of β; ∫ cos³ = 0
    growing = Flow(grid, Gaussian(0.2), np.ones(18), growth=3.0)
    assert growing.dissipation(density) == pytest.approx(
        expected + 3 * 0.5 * (symbol * amplitude) ** 2 * 1.5, rel=fft_error(grid) * 4
    )


# what a flow can start from


def test_mass_mismatch_names_both_masses():
    grid = Grid((8, 9), (1.0, 2.0))
    flow = Flow(grid, Riesz(1), gf.uniform(grid, 1.25))
    with pytest.raises(InputError) as error:
        flow.check_density(gf.uniform(grid, 0.75), "the start")
    for word in ("the start", "mass 0.75", "mass 1.25", "normalize"):
        assert word in str(error.value)


def test_growth_drops_the_mass_requirement():
    grid = Grid((8, 9))
    flow = Flow(grid, Riesz(1), gf.uniform(grid), growth=2.0)
    density = gf.uniform(grid, 0.25)
    assert (flow.check_density(density) == density).all()
    assert Flow(grid, Riesz(1), np.zeros(grid.shape), growth=2.0).check_density(density) is not None


def test_masses_may_differ_by_round_off():
    grid = Grid(8)
    flow = Flow(grid, Riesz(1), gf.uniform(grid))
    for factor in (1 + 0.9 * MASS_TOLERANCE, 1 - 0.9 * MASS_TOLERANCE):
        assert flow.check_density(factor * np.ones(8)) == pytest.approx(factor, rel=EPS)
    for factor in (1 + 1.1 * MASS_TOLERANCE, 1 - 1.1 * MASS_TOLERANCE):
        with pytest.raises(InputError, match="they must agree"):
            flow.check_density(factor * np.ones(8))


@pytest.mark.parametrize("growth", [0.0, 1.0])
def test_densities_a_flow_cannot_start_from(growth):
    flow = Flow(Grid(8), Riesz(1), np.ones(8), growth)
    for density, word in (
        (np.zeros(8), "the density has no mass"),
        (-np.ones(8), "the density is negative: -1.0"),
        (np.full(8, np.nan), "the density is not finite: nan"),
        (np.ones(9), "the density has shape"),
    ):
        with pytest.raises(InputError, match=word):
            flow.check_density(density)
    for density, method in ((np.ones(9), "potential"), (np.full(8, np.inf), "energy"), (np.ones(7), "dissipation")):
        with pytest.raises(InputError, match="the density"):
            getattr(flow, method)(density)


def test_targets_are_densities():
    for target, word in (
        (np.ones(9), "the target has shape"),
        (-np.ones(8), "the target is negative"),
        (np.full(8, np.inf), "the target is not finite"),
    ):
        with pytest.raises(InputError, match=word):
            Flow(Grid(8), Riesz(1), target)


def test_an_equation_belongs_to_a_domain():
    with pytest.raises(InputError, match=r"Flow is not an equation on SphereGrid.*; there use SphereFlow"):
        Flow(SphereGrid((4, 8)), Riesz(1), np.ones((4, 8)))
    with pytest.raises(InputError, match=r"SphereFlow is not an equation on Grid.*; there use Flow"):
        SphereFlow(Grid(8), Riesz(1), np.ones(8))


def test_a_kernel_is_one():
    with pytest.raises(InputError, match=r"kernel = 'riesz': a kernel is needed, such as gridflow\.Riesz\(s=1\)"):
        Flow(Grid(8), "riesz", np.ones(8))


@pytest.mark.parametrize("growth", [-1.0, math.nan, math.inf])
def test_growth_is_nonnegative_and_finite(growth):
    with pytest.raises(InputError, match=f"growth = {growth}"):
        Flow(Grid(8), Riesz(1), np.ones(8), growth)


def test_a_flow_owns_its_target_and_symbol():
    given = np.ones(8)
    flow = Flow(Grid(8), Riesz(1), given)
    given[0] = 5
    assert (flow.target == 1).all()
    for array in (flow.target, flow.symbol):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    assert flow.target_mass == 1


def test_target_mass(torus):
    flow, _ = noisy_flow(torus, Riesz(1))
    # a sum of N positive terms, pairwise
    assert flow.target_mass == pytest.approx(1, rel=(math.log2(torus.size) + 8) * EPS)


def test_relu_kernel_of_the_circle():
    """K(φ) = (sin φ + (π − φ) cos φ)/(4π) has the symbol 2π σ̂_k²: σ̂_0 = 1/π, σ̂_1 = ¼, σ̂_{2n} = ±1/(π(4n² − 1))."""
    grid = Grid(64, 2 * np.pi)

    def symbol(k):
        even = 1 / (np.pi * (k**2 - 1.0 + (k**2 == 1)))
        return 2 * np.pi * np.where(k % 2 == 0, even, np.where(abs(k) == 1, 0.25, 0.0)) ** 2

    flow = Flow(grid, Symbol(symbol), gf.uniform(grid), growth=2.0)
    density = gf.gaussian(grid, (1.0,), 0.8)
    f = (density - flow.target) * grid.cell_volume
    lag = np.arange(64) * grid.spacing[0]
    phi = np.minimum(lag, 2 * np.pi - lag)
    kernel = (np.sin(phi) + (np.pi - phi) * np.cos(phi)) / (4 * np.pi)
    direct = 0.5 * sum((f * np.roll(f, j)).sum() * kernel[j] for j in range(64))
    # lags of K have the symbol K̂(k) plus its aliases at |k + 64 m| ≥ 32 (2 |m| − 1): Σ_m (2m − 1)^{−4} = π⁴/96
    alias = 2 * 2 / np.pi / (32**2 - 1) ** 2 * np.pi**4 / 96
    allowed = 0.5 / (2 * np.pi) * alias * 64 * (f**2).sum()  # Parseval's sum of |f̂_k|²
    assert flow.energy(density) == pytest.approx(direct, rel=0, abs=allowed)
    assert allowed < 1e-4 * direct

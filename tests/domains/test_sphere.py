"""The sphere as a domain: its grid, harmonics, densities and contours."""

import math

import numpy as np
import pytest
from scipy.special import eval_legendre

import gridflow as gf
from gridflow.compute.harmonics import Harmonics, PointTransform, SphereTransform
from gridflow.densities import sphere as densities
from gridflow.domains.base import Domain
from gridflow.domains.sphere import SphereGrid, WholeSphere, area_of_sphere
from gridflow.equation.flow import SphereFlow
from gridflow.equation.kernels import ReLU
from gridflow.measures.diagnostics import volume_below

SHAPES = ((4, 4), (9, 12), (16, 32), (33, 20))
ANYWHERE = ((1, 0, 0), (0, 0, 1), (0, 0, -2), (0.3, -0.4, 0.5), (-0.1, 0.05, -1))


@pytest.fixture(params=SHAPES, ids=str)
def grid(request):
    return SphereGrid(request.param)


def random_coefficients(harmonics, seed=0):
    real, imaginary = np.random.default_rng(seed).standard_normal((2, harmonics.count))
    return np.where(harmonics.order == 0, real, real + 1j * imaginary)


# the grid


def test_areas_are_those_between_edges_and_nodes_lie_inside(grid):
    heights = np.cos(grid.edges)
    assert grid.areas[:, 0] == pytest.approx(-np.diff(heights) * 2 * math.pi / grid.shape[1], rel=1e-12)
    assert grid.areas.sum() * grid.shape[1] == pytest.approx(4 * math.pi, rel=1e-14)
    assert grid.integral(np.ones(grid.shape)) == pytest.approx(grid.volume, rel=1e-14)
    assert (grid.edges[:-1] < grid.colatitudes).all()
    assert (grid.colatitudes < grid.edges[1:]).all()
    assert (grid.areas == grid.areas[::-1]).all()
    assert grid.colatitudes + grid.colatitudes[::-1] == pytest.approx(math.pi, rel=1e-15)


def test_quadrature_is_exact_below_twice_the_rings(grid):
    z = np.broadcast_to(np.cos(grid.colatitudes)[:, None], grid.shape)
    for degree in (1, 2, 3, 2 * grid.shape[0] - 1):
        assert abs(grid.integral(eval_legendre(degree, z))) <= 1e-13
    assert grid.integral(z**2) == pytest.approx(4 * math.pi / 3, rel=1e-13)


def test_points_are_unit_vectors_with_every_cell_opposite_another(grid):
    assert np.linalg.norm(grid.points, axis=-1) == pytest.approx(1, rel=1e-15)
    opposite = np.roll(grid.points[::-1], grid.shape[1] // 2, axis=1)
    assert abs(grid.points + opposite).max() <= 1e-15


def test_domains_are_made_again_from_their_records(grid):
    for domain in (grid, WholeSphere(3), gf.Grid((8, 9), (1.0, 2.0))):
        assert Domain.from_record(domain.record()) == domain


def test_areas_of_spheres():
    assert [area_of_sphere(dim) for dim in (1, 2, 3)] == pytest.approx([2 * math.pi, 4 * math.pi, 2 * math.pi**2])
    assert WholeSphere(5).volume == pytest.approx(math.pi**3)


# harmonics


def test_a_degree_stands_for_all_of_its_orders(grid):
    harmonics = Harmonics(grid.lmax)
    counted = np.bincount(harmonics.degree, np.where(harmonics.order > 0, 2, 1))
    assert grid.mode_multiplicity() == pytest.approx(counted, rel=0)


def test_harmonics_of_a_grid_come_back(grid):
    transform = SphereTransform(grid)
    given = random_coefficients(transform)
    assert abs(transform.analyse(transform.synthesise(given).copy()) - given).max() <= 1e-12


def test_parseval(grid):
    transform = SphereTransform(grid)
    given = random_coefficients(transform)
    values = transform.synthesise(given).copy()
    power = transform.power(given)
    assert power.shape == grid.spectral_shape
    assert power.sum() == pytest.approx(grid.integral(values**2), rel=1e-12)


def test_harmonics_are_orthonormal_and_gradients_theirs():
    """Y_20 and the real part of Y_11 in closed form."""
    grid = SphereGrid((8, 16))
    transform = SphereTransform(grid)
    x, _, z = np.moveaxis(grid.points, -1, 0)
    coefficients = transform.analyse(math.sqrt(5 / (16 * math.pi)) * (3 * z**2 - 1)).copy()
    assert abs(coefficients - ((transform.degree == 2) & (transform.order == 0))).max() <= 1e-14
    assert transform.power(transform.analyse(x))[1] == pytest.approx(4 * math.pi / 3)
    south, east = transform.gradient(transform.analyse(x))
    phi = grid.longitudes[None]
    assert abs(south - np.cos(grid.colatitudes)[:, None] * np.cos(phi)).max() <= 1e-13
    assert abs(east + np.sin(phi)).max() <= 1e-13


def test_points_see_what_cells_see():
    grid = SphereGrid((12, 24))
    cells, points = SphereTransform(grid), PointTransform(grid.lmax, 1e-12)
    given = random_coefficients(cells, 3)
    points.place(2 * grid.points.reshape(-1, 3))
    assert points.synthesise(given) == pytest.approx(cells.synthesise(given).ravel(), abs=1e-9)
    masses = np.random.default_rng(1).random(grid.shape)
    assert points.analyse(masses.ravel()) == pytest.approx(cells.analyse(masses / grid.areas), abs=1e-9)
    along = points.gradient(given)
    assert abs((along * grid.points.reshape(-1, 3)).sum(axis=1)).max() <= 1e-9
    assert (along**2).sum(axis=1) == pytest.approx((cells.gradient(given) ** 2).sum(axis=0).ravel(), rel=1e-8)


@pytest.mark.parametrize("s", [0.5, 1.0, 2.0])
def test_riesz_symbols_and_potentials(s):
    grid = SphereGrid((16, 32))
    flow = SphereFlow(grid, gf.Riesz(s), gf.uniform(grid))
    degrees = np.arange(1, grid.lmax + 1)
    assert flow.symbol[0] == 0
    assert flow.symbol[1:] == pytest.approx((degrees * (degrees + 1.0)) ** -s, rel=1e-14)
    z = np.cos(grid.colatitudes)[:, None] * np.ones(grid.shape)
    wave = 0.05 * eval_legendre(3, z)
    assert flow.potential(flow.target + wave) == pytest.approx(12**-s * wave, abs=1e-15)
    energy = 0.5 * 12**-s * grid.integral(wave**2)
    assert flow.energy(flow.target + wave) == pytest.approx(energy, rel=1e-11)
    expected = 12 ** (1 - 2 * s) * grid.integral(wave**2) / (4 * math.pi)
    assert flow.dissipation(flow.target + 1e-4 * wave) == pytest.approx(1e-8 * expected, rel=1e-4)


# densities


@pytest.mark.parametrize("center", ANYWHERE, ids=str)
@pytest.mark.parametrize("radius", [0.2, 0.8, 1.9, 3.0])
def test_areas_of_caps(radius, center):
    grid = SphereGrid((40, 64))
    fraction = densities.cap(grid, radius, center)
    assert 0 <= fraction.min() <= fraction.max() <= 1
    assert grid.integral(fraction) == pytest.approx(2 * math.pi * (1 - math.cos(radius)), rel=1e-8)
    angle = np.arccos(np.clip(grid.points @ center / np.linalg.norm(center), -1, 1))
    reach = math.pi / 40 + math.pi / 64
    assert (fraction[angle < radius - reach] == 1).all()
    assert (fraction[angle > radius + reach] == 0).all()
    rest = densities.cap(grid, math.pi - radius, np.negative(center))
    assert fraction + rest == pytest.approx(1, abs=0.02)  # each with its own points of quadrature in cut cells
    hole = densities.cap_hole(grid, radius, center, mass=2.0)
    assert grid.integral(hole) == pytest.approx(2, rel=1e-13)
    assert (hole[fraction == 1] == 0).all()


@pytest.mark.parametrize("center", ANYWHERE, ids=str)
@pytest.mark.parametrize("n", [32, 64])
def test_contours_of_caps_anywhere(center, n):
    """Along a ring all fractions are alike, and the contour between them is off by up to a tenth of a cell."""
    grid = SphereGrid((n, 2 * n))
    area = volume_below(grid, 1 - densities.cap(grid, 0.8, center), 0.5)
    boundary = 2 * math.pi * math.sin(0.8)
    assert abs(area - 2 * math.pi * (1 - math.cos(0.8))) <= 0.1 * math.pi / n * boundary


@pytest.mark.parametrize("pole", [1, -1])
def test_a_contour_around_a_pole_encloses_it(pole):
    """The field is the height itself, in which contours are linear; beyond the last ring it stays as there."""
    grid = SphereGrid((8, 16))
    heights = pole * np.cos(grid.colatitudes)
    first, second = np.sort(heights)[-1:-3:-1]
    level = (first + second) / 2
    area = volume_below(grid, -heights[:, None] * np.ones(grid.shape), -level)
    assert area == pytest.approx(2 * math.pi * (1 - level), rel=1e-6)


def test_bumps_have_their_masses_and_places():
    grid = SphereGrid((48, 96))
    centers = [(0, 0, 3), (1, 1, 0)]
    density = densities.bumps(grid, centers, (50.0, 20.0), weights=(1, 3), mass=2.0)
    assert grid.integral(density) == pytest.approx(2, rel=1e-13)
    north = grid.integral(np.where(grid.points @ (0, 0, 1) > 0.7, density, 0))
    assert north == pytest.approx(0.5, rel=1e-3)
    alone = densities.bumps(grid, centers[1], 20.0)
    assert grid.integral(alone * (grid.points @ (1, 1, 0)) / math.sqrt(2)) == pytest.approx(1 - 1 / 20, rel=1e-3)


def test_a_harmonic_has_one_degree():
    grid = SphereGrid((32, 64))
    transform = SphereTransform(grid)
    power = transform.power(transform.analyse(densities.harmonic(grid, 3, 0.4, (1, -2, 0.5), mass=4 * math.pi)))
    assert power[3] == pytest.approx(0.4**2 * 4 * math.pi / 7, rel=0.02)  # cell averages are a little flatter
    power[[0, 3]] = 0
    assert power.sum() <= 1e-5


DEGREES = {
    "all": ("all", lambda degree: degree > 0),
    "even": ("even", lambda degree: degree % 2 == 0),
    "some": ([2, 5, 7], lambda degree: degree in (2, 5, 7)),
    "chosen": (lambda degree: degree % 3 == 1, lambda degree: degree % 3 == 1),
}


@pytest.mark.parametrize("which", DEGREES)
def test_random_densities_have_the_power_asked_for_and_keep_it_when_refined(which):
    degrees, chosen = DEGREES[which]
    held = []
    for shape in ((16, 32), (24, 50)):
        grid = SphereGrid(shape)
        transform = SphereTransform(grid)
        density = densities.random_sobolev_on_sphere(grid, 1.5, 0.3, seed=4, degrees=degrees)
        assert grid.integral(density) == pytest.approx(1, rel=1e-13)
        held.append((transform, transform.analyse(density).copy()))
    power = held[0][0].power(held[0][1])
    present = np.array([chosen(degree) for degree in range(1, 16)])
    level = power[1:] * np.arange(1, 16.0) ** 4
    assert level[present] == pytest.approx(level[present][0], rel=1e-9)
    assert level[~present] == pytest.approx(0, abs=1e-20)
    common = (held[1][0].degree < 16) & (held[1][0].order < 16)
    assert held[1][1][common] == pytest.approx(held[0][1], abs=1e-14)


def test_functions_are_averaged_over_cells():
    grid = SphereGrid((16, 32))
    density = densities.from_function_on_sphere(grid, lambda x, y, z: 1 + z + x * y)
    heights = np.cos(grid.edges)
    middle = (heights[1:] + heights[:-1]) / 2
    assert density.mean(axis=1) == pytest.approx(1 + middle, rel=1e-13)
    scaled = densities.from_function_on_sphere(grid, lambda x, y, z: 2 + 0 * (x + y + z), mass=3.0, points=1)
    assert grid.integral(scaled) == pytest.approx(3, rel=1e-14)


def test_common_densities_work_on_the_sphere():
    grid = SphereGrid((8, 16))
    assert grid.integral(gf.uniform(grid, 2.0)) == pytest.approx(2, rel=1e-14)
    given = np.random.default_rng(0).random(grid.shape)
    assert grid.integral(gf.normalize(grid, given)) == pytest.approx(1, rel=1e-14)
    assert (gf.from_array(grid, given) == given).all()
    with pytest.raises(gf.InputError, match="the density is negative"):
        gf.normalize(grid, -given)


GRID = SphereGrid((8, 16))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SphereGrid((3, 8)), r"sphere shape \(3, 8\)"),
        (lambda: SphereGrid((8, 9)), "the second even"),
        (lambda: WholeSphere(0), "a sphere of dimension 0"),
        (lambda: PointTransform(4, accuracy=1.0), "accuracy = 1.0"),
        (lambda: densities.cap(GRID, 3.2, (0, 0, 1)), "cap radius = 3.2: it must be between 0 and π"),
        (lambda: densities.cap(GRID, 1.0, (0, 0, 0)), "every vector must be finite and not 0"),
        (lambda: densities.cap(GRID, 1.0, (0, 1)), r"vectors \(x, y, z\) are needed"),
        (lambda: densities.bumps(GRID, (0, 0, 1), -1.0), r"concentrations \[-1.0\] must be positive"),
        (lambda: densities.bumps(GRID, (0, 0, 1), 1.0, [-1]), "weights ≥ 0 are needed"),
        (lambda: densities.bumps(GRID, (0, 0, 1), [1.0, 2.0]), r"bump concentrations have shape \(2,\)"),
        (lambda: densities.harmonic(GRID, 0), "harmonic degree = 0"),
        (lambda: densities.harmonic(GRID, 2, 1.5), "harmonic amplitude = 1.5"),
        (lambda: densities.random_sobolev_on_sphere(GRID, 1.0, -1), "amplitude = -1: it must be positive"),
        (lambda: densities.random_sobolev_on_sphere(GRID, 0.5, 2.0), r"reaches -.* < 0; at most .* keeps it ≥ 0"),
        (lambda: densities.random_sobolev_on_sphere(GRID, 1.0, seed=-1), "seed = -1"),
        (lambda: densities.random_sobolev_on_sphere(GRID, 1.0, degrees="odd"), 'degrees "odd"'),
        (lambda: densities.random_sobolev_on_sphere(GRID, 1.0, degrees=[500]), "leave none of 1 to 127"),
        (lambda: densities.from_function_on_sphere(GRID, lambda x, y, z: z + x + y), "the density is negative"),
        (lambda: densities.from_function_on_sphere(GRID, lambda x, y, z: x + y + z, points=0), "points = 0"),
    ],
)
def test_errors_in_one_line(make, message):
    with pytest.raises(gf.InputError, match=message) as error:
        make()
    assert "\n" not in str(error.value)


def test_the_kernel_of_a_network_on_the_sphere():
    """K of two directions from its symbol, Σ (2ℓ+1)/(4π) K̂_ℓ P_ℓ, against the closed form."""
    grid = SphereGrid((64, 128))
    symbol = ReLU().multiplier(grid)
    cosines, degrees = np.linspace(-1, 1, 7), np.arange(symbol.size)
    summed = (eval_legendre(degrees[:, None], cosines) * ((2 * degrees + 1) / (4 * math.pi) * symbol)[:, None]).sum(0)
    assert summed == pytest.approx(ReLU().between(cosines, 2), abs=1e-6)

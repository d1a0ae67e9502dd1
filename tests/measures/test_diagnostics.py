"""Mass, distances, volumes of level sets and fitted orders."""

import math

import numpy as np
import pytest
from scipy import integrate

import gridflow as gf
from gridflow.domains.torus import Grid
from gridflow.errors import InputError
from gridflow.measures.diagnostics import fitted_order, kmd, mass, volume_below

EPS = np.finfo(float).eps
EPS32 = float(np.finfo(np.float32).eps)

# Round-off of a volume over |T|, per cell along an axis: marching cubes places its vertices in single precision.
CONTOUR = {1: 64 * EPS, 2: 64 * EPS, 3: 4 * EPS32}


def distance(grid, center):
    """Distance on the torus from a point, at cell centres."""
    squares = np.zeros(grid.shape)
    for x, c, length in zip(grid.mesh(), center, grid.lengths, strict=True):
        squares = squares + ((x - c + length / 2) % length - length / 2) ** 2
    return np.sqrt(squares)


def waves(grid, seed=0):
    """A smooth random field: a few long waves with random amplitudes and phases."""
    rng = np.random.default_rng(seed)
    field = np.zeros(grid.shape)
    for _ in range(6):
        mode = rng.integers(-2, 3, grid.dim)
        phase = sum(2 * np.pi * k * x / length for k, x, length in zip(mode, grid.mesh(), grid.lengths, strict=True))
        field = field + rng.standard_normal() * np.cos(phase + rng.uniform(0, 2 * np.pi))
    return field


# mass and distance


def test_mass(torus):
    density = np.random.default_rng(0).random(torus.shape)
    assert mass(torus, density) == pytest.approx(math.fsum(density.ravel()) * torus.cell_volume, rel=16 * EPS)


def test_mass_of_single_precision_is_summed_in_double():
    grid = Grid((300, 300))
    density = np.full(grid.shape, 0.1, dtype=np.float32)
    # ¹⁄₁₀ is rounded once to single precision; 90000 terms are added in double
    assert mass(grid, density) == pytest.approx(float(np.float32(0.1)), rel=32 * EPS)


def test_kmd_is_the_root_of_twice_the_energy(torus):
    flow = gf.Flow(torus, gf.Gaussian(0.2), gf.uniform(torus))
    density = gf.cosine(torus, 0.5)
    assert kmd(flow, density) ** 2 == pytest.approx(2 * flow.energy(density), rel=4 * EPS)
    # two densities apart by f: a norm, so twice the deviation is twice the distance
    twice = 2 * density - flow.target
    assert kmd(flow, twice) == pytest.approx(2 * kmd(flow, density), rel=1e-12)


# volumes of level sets


SIZES = {1: (16, 32, 64, 128), 2: (16, 32, 64, 128), 3: (16, 24, 32, 48)}


def similar_grid(dim, n):
    """Cells in proportions that stay the same: an order is a slope against one h."""
    return Grid((n, 5 * n // 4, 3 * n // 4)[:dim], (1.0, 1.2, 0.9)[:dim])


def slope_error(dim):
    """How far a fitted slope may be off because the surface meets cells elsewhere on every grid.

    Linear interpolation errs by θ (1 − θ)/2 h² f'' at a crossing θ; over N of them its mean has the relative
    standard error 0.45 / √N, N ~ n^{d−1}. Two of these at the ends of the range of n tilt the line.
    """
    n = np.array(SIZES[dim])
    return 2 * 0.45 / math.sqrt(n[0] ** (dim - 1)) / math.log(n[-1] / n[0])


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("center", [(0.5, 0.5, 0.5), (0.0, 0.02, 0.97)], ids=["inside", "across the boundary"])
@pytest.mark.parametrize("inverted", [False, True])
def test_volume_of_a_ball_has_order_two(dim, center, inverted):
    """{distance < R}, and the torus without it; chords of a convex surface always lie inside: a clean h²."""
    radius, errors = 0.31, []
    exact = {2: math.pi, 3: 4 * math.pi / 3}[dim] * radius**dim
    for n in SIZES[dim]:
        grid = similar_grid(dim, n)
        field = distance(grid, center[:dim])
        if inverted:
            errors.append(volume_below(grid, -field, -radius) - (grid.volume - exact))
        else:
            errors.append(volume_below(grid, field, radius) - exact)
    assert fitted_order(1 / np.array(SIZES[dim]), errors) == pytest.approx(2, abs=slope_error(dim))
    assert all((error > 0) == inverted for error in errors)
    # a chord across a cell, up to √d h long, is off a sphere by its sagitta, d h²/(8 R) at most along each of the d − 1
    # directions of the surface, and interpolation of the distance, whose second derivatives are 1/R, by as much again
    area = dim * exact / radius
    assert abs(errors[-1]) <= area * 2 * (dim - 1) * dim * max(grid.spacing) ** 2 / (8 * radius)


def test_length_below_has_order_two():
    """{cos x < c} is 1 − arccos(c)/π of the period."""
    errors, sizes, level = [], (31, 62, 124, 248), 0.4
    for n in sizes:
        grid = Grid(n, 1.3)
        # the same position of the crossing in its cell on every grid: x_c is θ h from a cell centre
        crossing = grid.centers(0)[n // 3] + 0.3 * grid.spacing[0]
        x = 2 * np.pi * (grid.centers(0) - crossing) / 1.3
        field = np.cos(x + math.acos(level))
        errors.append(volume_below(grid, field, level) - 1.3 * (1 - math.acos(level) / np.pi))
    # the other crossing lies anywhere in its cell: θ (1 − θ) between 0 and ¼ against 0.21
    assert fitted_order(1 / np.array(sizes), errors) == pytest.approx(2, abs=math.log(0.46 / 0.21) / math.log(8))
    # error of linear interpolation, h²/8 max|f''|, over |f'| = sin(arccos c), at two crossings
    allowed = 2 * (1.3 / 248) ** 2 / 8 * (2 * np.pi / 1.3) / math.sin(math.acos(level))
    assert abs(errors[-1]) <= allowed


def share_below(level, dim):
    """Share of the torus where Σ_a cos x_a < level, by iterated quadrature."""
    if dim == 1:
        return 1 - math.acos(min(max(level, -1), 1)) / math.pi
    kinks = sorted(math.acos(c) for c in (level - dim + 1, level + dim - 1) if -1 < c < 1)
    return (
        integrate.quad(
            lambda x: share_below(level - math.cos(x), dim - 1),
            0,
            math.pi,
            points=kinks or None,
            epsabs=1e-8,
            limit=100,
        )[0]
        / math.pi
    )


@pytest.mark.parametrize(("dim", "level"), [(2, -0.5), (2, 0.7), (3, -1.5), (3, -0.4), (3, 1.6)])
@pytest.mark.parametrize("shift", [0.0, 0.123])
def test_volume_below_a_sum_of_cosines_has_order_two(dim, level, shift):
    """Level sets of every topology: pockets, a surface that runs through the whole torus, all but pockets."""
    exact, errors = share_below(level, dim), []
    for n in SIZES[dim]:
        grid = similar_grid(dim, n)
        field = sum(
            np.cos(2 * np.pi * (x / length + shift)) for x, length in zip(grid.mesh(), grid.lengths, strict=True)
        )
        errors.append(volume_below(grid, field, level) / grid.volume - exact)
    assert fitted_order(1 / np.array(SIZES[dim]), errors) == pytest.approx(2, abs=slope_error(dim))


@pytest.mark.parametrize("shift", [0.0, 0.123, 0.3])
def test_the_middle_surface_of_a_sum_of_cosines_halves_the_torus(shift):
    """f → −f is a translation by half a period, so on even grids the two sides are equal but for round-off."""
    grid = Grid((16, 20, 12), (1.0, 1.2, 0.9))
    field = sum(np.cos(2 * np.pi * (x / length + shift)) for x, length in zip(grid.mesh(), grid.lengths, strict=True))
    below = volume_below(grid, field, 0.0)
    allowed = (CONTOUR[3] * 20 + ambiguous_cells(field < 0) / grid.size) * grid.volume
    assert below == pytest.approx(grid.volume / 2, rel=0, abs=allowed)


def ambiguous_cells(below):
    """Cubes of eight cell centres whose surface marching cubes has to choose.

    They have a face of alternating signs, or differ in two opposite corners alone. f and −f may be decided differently,
    by less than a cell each.
    """
    if below.ndim < 3:
        return 0
    corners = {c: np.roll(below, tuple(-k for k in c), (0, 1, 2)) for c in np.ndindex(2, 2, 2)}
    found = np.zeros(below.shape, dtype=bool)
    for axis in range(3):
        for side in (0, 1):
            a, b, c, d = (corners[(*uv[:axis], side, *uv[axis:])] for uv in ((0, 0), (0, 1), (1, 1), (1, 0)))
            found |= (a == c) & (b == d) & (a != b)
    count = sum(c.astype(int) for c in corners.values())
    for corner, value in corners.items():
        opposite = corners[tuple(1 - k for k in corner)]
        found |= ((count == 2) & value & opposite) | ((count == 6) & ~value & ~opposite)
    return int(found.sum())


SHAPES = [(16,), (17,), (12, 15), (20, 9), (8, 9, 10), (7, 12, 6), (20, 14, 18)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("seed", range(6))
def test_below_and_above_fill_the_torus(shape, seed):
    grid = Grid(shape, (1.0, 1.3, 0.7)[: len(shape)])
    field = waves(grid, seed)
    for level in (field.mean(), 0.5 * field.min() + 0.5 * field.mean(), 0.3 * field.mean() + 0.7 * field.max()):
        below, above = volume_below(grid, field, level), volume_below(grid, -field, -level)
        allowed = CONTOUR[grid.dim] * max(shape) + ambiguous_cells(field < level) / grid.size
        assert below + above == pytest.approx(grid.volume, rel=allowed)
        assert 0 < below < grid.volume


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_rolling_the_field_changes_nothing(shape, seed):
    """Saddles that come to lie in the seam of the torus included."""
    grid = Grid(shape, (1.0, 1.3, 0.7)[: len(shape)])
    field = waves(grid, seed)
    level = 0.2 * field.min() + 0.8 * field.mean()
    expected = volume_below(grid, field, level)
    for axis, n in enumerate(shape):
        for shift in range(1, n):
            assert volume_below(grid, np.roll(field, shift, axis), level) == pytest.approx(
                expected, rel=0, abs=CONTOUR[grid.dim] * max(shape) * grid.volume
            )


def test_a_saddle_in_the_plane_where_the_torus_closes():
    """Two low cells that meet across a diagonal, with −½ against 2 and 0.1: whichever plane they lie in."""
    grid = Grid((4, 4, 4))
    field = np.ones(grid.shape)
    field[1:3, 1:3, 0] = [[-0.5, 2.0], [0.1, -0.5]]
    volumes = [volume_below(grid, np.roll(field, k, 2), 0.0) for k in range(4)]
    assert volumes == pytest.approx([volumes[0]] * 4, rel=0, abs=CONTOUR[3] * 4)
    assert min(volumes) > 0


@pytest.mark.parametrize("shape", [(16, 5), (5, 16), (16, 4, 5), (4, 16, 5), (5, 4, 16)], ids=str)
def test_a_field_of_one_coordinate_has_the_same_share_in_every_dimension(shape):
    line, axis = Grid(16), shape.index(16)
    profile = waves(line, 1)
    grid = Grid(shape, (2.0, 0.7, 1.1)[: len(shape)])
    field = grid.along(axis, profile) + np.zeros(shape)
    for level in np.linspace(profile.min(), profile.max(), 9)[1:-1]:
        share = volume_below(line, profile, level)
        assert volume_below(grid, field, level) / grid.volume == pytest.approx(
            share, rel=0, abs=CONTOUR[grid.dim] * max(shape)
        )


@pytest.mark.parametrize("shape", [(16,), (12, 15), (8, 9, 10)], ids=str)
@pytest.mark.parametrize(
    ("offset", "factor"), [(0.0, 1e-3), (1.0, 1e-2), (1.0, 1e-6), (1.0, 1e-9), (0.0, 1e-60), (0.0, 1e60)]
)
def test_only_values_relative_to_the_level_count(shape, offset, factor):
    """{a + b f < a + b c} = {f < c}: for a density near its mean as well, and in any units."""
    grid = Grid(shape)
    field = waves(grid, 2)
    level = 0.3 * field.min() + 0.7 * field.mean()
    moved = volume_below(grid, offset + factor * field, offset + factor * level)
    # rounding of a + b f, ε a against the steepest change ~ b of the field over the torus
    rounding = 64 * EPS * offset / factor
    assert moved == pytest.approx(
        volume_below(grid, field, level), rel=0, abs=CONTOUR[grid.dim] * max(shape) + rounding
    )


@pytest.mark.parametrize("shape", [(16,), (12, 15), (8, 9, 10)], ids=str)
def test_levels_beyond_the_field(shape):
    grid = Grid(shape, (1.0, 1.3, 0.7)[: len(shape)])
    field = waves(grid)
    for level in (field.min(), field.min() - 1, -math.inf):
        assert volume_below(grid, field, level) == 0
    for level in (np.nextafter(field.max(), np.inf), field.max() + 1, math.inf):
        assert volume_below(grid, field, level) == grid.volume
    constant = np.full(shape, 0.3)
    assert volume_below(grid, constant, 0.3) == 0
    assert volume_below(grid, constant, 0.31) == grid.volume


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_a_level_at_the_plateau_of_a_hole(dim):
    """{μ < max μ} is the hole and the cells where it climbs to the plateau: the limit of levels from below."""
    grid = Grid((8,) * dim)
    field = np.ones(grid.shape)
    field[(2,) * dim] = 0.0
    below = volume_below(grid, field, 1 - 1e-5)
    # the surface sits 1e−5 h further in: a pyramid or a diamond of half-diagonal h, volume (2h)^d/d!
    assert below == pytest.approx((2 * grid.spacing[0]) ** dim / math.factorial(dim), rel=1e-4)
    assert volume_below(grid, field, 1.0) == pytest.approx(below, rel=1e-4)


@pytest.mark.parametrize("shape", [(12,), (12, 5), (12, 4, 5)], ids=str)
def test_where_the_field_equals_the_level_it_is_not_below(shape):
    """A step of heights 0, ½ and 1 and a level of ½: only the part that rises from 0 lies below."""
    grid, axis = Grid(shape), shape.index(12)
    steps = np.repeat([0.0, 0.5, 1.0], 4)
    field = grid.along(axis, steps) + np.zeros(shape)
    # three whole cells between the four zeros, one cell of climb to ½, and half of the fall from 1 to 0
    assert volume_below(grid, field, 0.5) == pytest.approx(4.5 / 12, rel=0, abs=CONTOUR[grid.dim] * 12)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_volume_of_the_hole_of_a_density(dim):
    """Half the plateau of exact cell averages of a ball."""
    grid = Grid((24, 20, 22)[:dim])
    radius = 0.3
    density = gf.ball_hole(grid, radius)
    exact = {1: 2, 2: math.pi, 3: 4 * math.pi / 3}[dim] * radius**dim
    found = volume_below(grid, density, density.max() / 2)
    # cell averages of a plane edge, joined linearly, cross ½ within h/8 of the edge
    assert found == pytest.approx(exact, rel=dim * max(grid.spacing) / 8 / radius)


def test_single_precision_fields_are_accepted():
    grid = Grid((16, 16))
    field = distance(grid, (0.5, 0.5))
    # rounding of the field, ε₃₂ of up to 0.7, moves the edge, 2π 0.3 long, as much
    assert volume_below(grid, field.astype(np.float32), 0.3) == pytest.approx(
        volume_below(grid, field, 0.3), rel=0, abs=2 * EPS32
    )


def test_fields_that_do_not_fit_are_refused():
    grid = Grid((8, 9))
    with pytest.raises(InputError, match=r"the field has shape \(8, 8\)"):
        volume_below(grid, np.ones((8, 8)), 0.5)
    with pytest.raises(InputError, match="the field is not finite: nan"):
        volume_below(grid, np.full((8, 9), np.nan), 0.5)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_a_level_that_is_no_number_is_refused(dim):
    grid = Grid((8,) * dim)
    with pytest.raises(InputError, match="nan"):
        volume_below(grid, waves(grid), math.nan)


# orders


@pytest.mark.parametrize("order", [-1.0, 0.5, 2.0, 7.0])
def test_fitted_order_of_a_power(order):
    h = np.array([0.3, 0.1, 0.02, 0.001])
    # logarithms of numbers down to 1e−21 are right to 50 ε
    assert fitted_order(h, 3 * h**order) == pytest.approx(order, rel=0, abs=200 * EPS)
    assert fitted_order(h, -3 * h**order) == pytest.approx(order, rel=0, abs=200 * EPS)  # errors may have a sign
    assert fitted_order(list(h), list(3 * h**order)) == pytest.approx(order, rel=0, abs=200 * EPS)


def test_fitted_order_is_the_least_squares_slope():
    h = np.array([1.0, 0.5, 0.25, 0.125])
    noise = np.array([0.1, -0.2, 0.05, 0.3])
    x = np.log(h)
    slope = 2 + ((x - x.mean()) * noise).sum() / ((x - x.mean()) ** 2).sum()
    assert fitted_order(h, h**2 * np.exp(noise)) == pytest.approx(slope, rel=1e-13)


@pytest.mark.parametrize(
    ("h", "errors"), [([0.1], [0.1]), ([0.1, 0.2], [0.1]), ([0.1, 0.2], [0.1, 0.0]), ([], []), ([0.1, 0.2], [0, 0])]
)
def test_fitted_order_needs_two_errors(h, errors):
    with pytest.raises(InputError, match="at least two spacings"):
        fitted_order(np.array(h), np.array(errors))

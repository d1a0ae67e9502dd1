"""Volume fractions against exact volumes, rigorous enclosures, quadrature and random sampling."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate

from gridflow.densities import regions
from gridflow.domains.torus import Grid
from gridflow.errors import InputError

EPS = np.finfo(float).eps
UNIT_BALL = {1: 2.0, 2: math.pi, 3: 4 * math.pi / 3}
VOLUME_ERROR = {1: 1e-12, 2: 1e-12, 3: 1e-8}  # of regions.ball, as its documentation states


def volume(grid, fraction):
    return fraction.sum() * grid.cell_volume


def some_center(grid, seed):
    return tuple(np.random.default_rng(seed).random(grid.dim) * grid.lengths)


def distances(grid, center, points):
    """Distance on the torus from a centre of points, shape (…, d)."""
    lengths = np.array(grid.lengths)
    offset = (points - np.array(center) + lengths / 2) % lengths - lengths / 2
    return np.sqrt((offset**2).sum(axis=-1))


def in_cell(grid, cell, unit):
    """Points of the unit cube, shape (N, d), moved into a cell."""
    return (np.array(cell) + unit) * np.array(grid.spacing)


def enclosure(grid, radius, center, pieces):
    """Bounds of the fractions: the shares of sub-cells that lie inside the ball and of those that touch it."""
    fine = Grid(tuple(pieces * n for n in grid.shape), grid.lengths)
    far, near = np.zeros(fine.shape), np.zeros(fine.shape)
    for axis, length in enumerate(grid.lengths):
        half = fine.spacing[axis] / 2
        offset = abs((fine.centers(axis) - center[axis] + length / 2) % length - length / 2)
        # a sub-cell's farthest point is half a side further from the centre, its nearest half a side closer
        far = far + fine.along(axis, offset + half) ** 2
        near = near + fine.along(axis, np.maximum(offset - half, 0)) ** 2
    blocks = tuple(m for n in grid.shape for m in (n, pieces))
    inside, touched = (
        (squares.reshape(blocks) <= radius**2).mean(axis=tuple(range(1, 2 * grid.dim, 2))) for squares in (far, near)
    )
    return inside, touched


@pytest.mark.parametrize("share", [0.5, 0.499, 0.31, 0.1, 0.02, 0.001])
@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_volume_of_a_ball(torus, share, seed):
    radius = share * min(torus.lengths)
    fraction = regions.ball(torus, radius, None if seed is None else some_center(torus, seed))
    exact = UNIT_BALL[torus.dim] * radius**torus.dim
    # beyond the stated error: positions are right to ε L, which moves a ball of radius r by d ε L/r of its volume
    position = 4 * torus.dim * EPS * max(torus.lengths) / radius
    assert volume(torus, fraction) == pytest.approx(exact, rel=VOLUME_ERROR[torus.dim] + position)


@pytest.mark.parametrize("shape", [(64,), (65, 40), (128, 128), (20, 17, 24)])
def test_volume_of_a_ball_on_finer_grids(shape):
    grid = Grid(shape, (1.0, 0.8, 0.9)[: len(shape)])
    for seed, radius in enumerate((0.4, 0.21, 0.05)):
        exact = UNIT_BALL[grid.dim] * radius**grid.dim
        found = volume(grid, regions.ball(grid, radius, some_center(grid, seed)))
        assert found == pytest.approx(exact, rel=VOLUME_ERROR[grid.dim])


@pytest.mark.parametrize("n", [10, 20, 64])
def test_a_disc_whose_extremes_meet_cell_edges(n):
    """The edge touches grid lines, where arcsin and √(r² − x²) keep only half of the digits."""
    grid = Grid((n, n))
    for k in range(1, n // 2 + 1):
        for center in (None, (0.3, 0.1)):
            found = volume(grid, regions.ball(grid, k / n, center))
            assert found == pytest.approx(math.pi * (k / n) ** 2, rel=VOLUME_ERROR[2])


@pytest.mark.parametrize("share", [0.5, 0.3, 0.01])
@pytest.mark.parametrize("seed", [1, 2])
def test_fractions_of_a_ball_lie_between_rigorous_bounds(torus, share, seed):
    """Every cell, against the sub-cells inside and those that touch; the gap is the share that the sphere crosses."""
    radius, center, pieces = share * min(torus.lengths), some_center(torus, seed), 12
    fraction = regions.ball(torus, radius, center)
    inside, touched = enclosure(torus, radius, center, pieces)
    assert (fraction >= inside - 1e-12).all()
    # at the cut locus, half a period away, the nearest image alone counts; balls of half a period only touch themselves
    assert (fraction <= touched + 1e-12).all()
    # a convex surface meets at most 2 d m^{d−1} of the m^d sub-cells of a cell, and their neighbours
    assert (touched - inside).max() <= min(1, 4 * torus.dim / pieces)
    assert (touched > inside).any()


@pytest.mark.parametrize("dim", [2, 3])
def test_fractions_of_cut_cells_by_random_points(dim):
    grid = Grid((9, 8, 7)[:dim], (1.0, 0.8, 0.9)[:dim])
    radius, center = 0.29, (0.97, 0.11, 0.4)[:dim]
    fraction = regions.ball(grid, radius, center)
    points = np.random.default_rng(5).random((20000, dim))
    cut = np.argwhere((fraction > 0) & (fraction < 1))
    assert len(cut) > 10
    for cell in cut:
        covered = fraction[tuple(cell)]
        sampled = (distances(grid, center, in_cell(grid, cell, points)) < radius).mean()
        # five standard errors of a binomial share, and 5 / N for its skewness: 6e-7 of false alarm per cell
        assert abs(sampled - covered) <= 5 * math.sqrt(covered * (1 - covered) / len(points)) + 5 / len(points)


def test_fractions_of_cut_cells_by_quadrature_in_the_plane():
    grid = Grid((9, 8), (1.0, 0.8))
    radius, center = 0.29, (0.97, 0.11)
    fraction = regions.ball(grid, radius, center)
    h, k = grid.spacing
    checked = 0
    for i, j in np.argwhere((fraction > 0) & (fraction < 1)):
        x0 = (i * h - center[0] + 0.5) % 1.0 - 0.5
        y0 = (j * k - center[1] + 0.4) % 0.8 - 0.4
        if max(abs(x0 + h), abs(y0 + k)) > 0.4:  # cells across the cut locus
            continue

        def chord(x, y0=y0):
            reach = math.sqrt(max(radius**2 - x**2, 0))
            return max(min(reach, y0 + k) - max(-reach, y0), 0)

        corners = [math.sqrt(max(radius**2 - y**2, 0)) for y in (y0, y0 + k)]
        kinks = sorted(x for c in (*corners, radius) for x in (-c, c) if x0 < x < x0 + h)
        value, error = integrate.quad(chord, x0, x0 + h, points=kinks or None, epsabs=1e-13, limit=200)
        # areas are differences of parts of the disc: ε r² against a cell's h k
        assert fraction[i, j] == pytest.approx(value / (h * k), rel=0, abs=(error + 16 * EPS * radius**2) / (h * k))
        checked += 1
    assert checked > 15


def test_fractions_of_cut_cells_by_quadrature_in_space():
    grid = Grid((9, 8, 7), (1.0, 0.8, 0.9))
    radius, center = 0.29, (0.5, 0.41, 0.4)
    fraction = regions.ball(grid, radius, center)
    cells = np.argwhere((fraction > 0) & (fraction < 1))
    nodes, weights = np.polynomial.legendre.leggauss(60)
    for cell in cells[:: len(cells) // 12]:
        (x0, y0, z0), (h, k, m) = cell * np.array(grid.spacing) - np.array(center), grid.spacing

        def slice_area(x, y0=y0, z0=z0, k=k, m=m):
            """Area of the slice at x inside the ball, chords in z integrated over y between their kinks."""
            squared = radius**2 - x**2
            kinks = [math.sqrt(max(squared - z**2, 0)) for z in (0.0, z0, z0 + m)]
            breaks = sorted({y0, y0 + k, *(y for c in kinks for y in (-c, c) if y0 < y < y0 + k)})
            total = 0.0
            for a, b in pairwise(breaks):
                # y = ½(a + b) + ½(b − a) sin(θ) takes the square roots at the ends away
                theta = np.pi / 2 * nodes
                y = (a + b) / 2 + (b - a) / 2 * np.sin(theta)
                reach = np.sqrt(np.maximum(squared - y**2, 0))
                chords = np.maximum(np.minimum(reach, z0 + m) - np.maximum(-reach, z0), 0)
                total += (b - a) / 2 * np.pi / 2 * (weights * np.cos(theta) * chords).sum()
            return total

        value, error = integrate.quad(slice_area, x0, x0 + h, epsabs=1e-9 * h * k * m, epsrel=0, limit=400)
        # the error left is that of the product's rule in z and of this rule: the stated 1e-8 of the volume of the ball
        allowed = error / (h * k * m) + VOLUME_ERROR[3] * UNIT_BALL[3] * radius**3 / (h * k * m)
        assert fraction[tuple(cell)] == pytest.approx(value / (h * k * m), rel=0, abs=allowed)


def test_one_dimension_is_exact():
    grid = Grid((10,), (2.0,))
    # [0.33, 1.07] covers 7/20 of cell 1 from the right: (0.4 − 0.33)/0.2, and (1.07 − 1)/0.2 of cell 5
    expected = np.array([0, 0.35, 1, 1, 1, 0.35, 0, 0, 0, 0])
    assert regions.ball(grid, 0.37, (0.7,)) == pytest.approx(expected, rel=0, abs=16 * EPS)
    assert regions.box(grid, 0.74, 0.7) == pytest.approx(expected, rel=0, abs=16 * EPS)
    assert regions.shell(grid, 0.17, 0.37, (0.7,)) == pytest.approx(
        expected - np.array([0, 0, 0.35, 1, 0.35, 0, 0, 0, 0, 0]), rel=0, abs=16 * EPS
    )


@pytest.mark.parametrize("make", ["ball", "box", "shell"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_translation_by_whole_cells_is_a_roll(torus, make, seed):
    side = min(torus.lengths)
    region = {
        "ball": lambda center: regions.ball(torus, 0.4 * side, center),
        "box": lambda center: regions.box(torus, tuple(0.7 * length for length in torus.lengths), center),
        "shell": lambda center: regions.shell(torus, 0.2 * side, 0.45 * side, center),
    }[make]
    center = some_center(torus, seed)
    offsets = tuple(np.random.default_rng(seed).integers(-9, 9, torus.dim))
    moved = region(tuple(x + k * h for x, k, h in zip(center, offsets, torus.spacing, strict=True)))
    # the two centres differ by a few ε of up to 3 L, and a fraction by that over h for each of the 2 d sides
    allowed = 2 * torus.dim * 16 * EPS * 3 * max(n for n in torus.shape) * 8
    assert moved == pytest.approx(np.roll(region(center), offsets, tuple(range(torus.dim))), rel=0, abs=allowed)


@pytest.mark.parametrize("shape", [(16,), (16, 8), (8, 16, 4)])
def test_translation_of_binary_positions_is_bitwise(shape):
    """With h, the radius and the centre binary fractions, nothing rounds differently after a move by whole cells."""
    grid = Grid(shape)
    center = (0.40625, 0.28125, 0.65625)[: grid.dim]
    for shift in ((3,) * grid.dim, (-2,) * grid.dim, (8,) * grid.dim):
        moved = tuple(x + k * h for x, k, h in zip(center, shift, grid.spacing, strict=True))
        for region in (lambda c: regions.ball(grid, 0.375, c), lambda c: regions.box(grid, 0.375, c)):
            assert (region(moved) == np.roll(region(center), shift, tuple(range(grid.dim)))).all()


@pytest.mark.parametrize("shape", [(8,), (9,), (8, 10), (7, 9), (6, 8, 10), (5, 7, 8)])
def test_a_ball_at_the_corner_wraps(shape):
    grid = Grid(shape, (1.0, 1.2, 0.9)[: len(shape)])
    fraction = regions.ball(grid, 0.35, (0.0,) * grid.dim)
    # mirror symmetry about the corner, up to the round-off of positions over h
    assert fraction == pytest.approx(np.flip(fraction), rel=0, abs=64 * EPS * max(shape))
    assert (fraction == regions.ball(grid, 0.35, grid.lengths)).all()  # the same point of the torus
    corners = fraction[np.ix_(*([0, -1] for _ in shape))]
    assert corners.min() > 0.5
    assert volume(grid, fraction) == pytest.approx(UNIT_BALL[grid.dim] * 0.35**grid.dim, rel=VOLUME_ERROR[grid.dim])
    if all(n % 2 == 0 for n in shape):
        middle = np.roll(regions.ball(grid, 0.35), [n // 2 for n in shape], tuple(range(grid.dim)))
        assert fraction == pytest.approx(middle, rel=0, abs=64 * EPS * max(shape))


def test_default_center_is_the_middle(torus):
    middle = tuple(length / 2 for length in torus.lengths)
    side = min(torus.lengths)
    assert (regions.ball(torus, 0.3 * side) == regions.ball(torus, 0.3 * side, middle)).all()
    assert (regions.box(torus, 0.3 * side) == regions.box(torus, 0.3 * side, middle)).all()
    assert (regions.shell(torus, 0.1 * side, 0.3 * side) == regions.shell(torus, 0.1 * side, 0.3 * side, middle)).all()


@pytest.mark.parametrize("shares", [(1.0, 1.0, 1.0), (1.0, 0.3, 0.5), (0.02, 0.9, 1.0), (0.37, 0.61, 0.2)])
def test_a_box_is_a_product_of_intervals(torus, shares):
    for seed in range(3):
        center = some_center(torus, seed)
        sides = tuple(share * length for share, length in zip(shares, torus.lengths, strict=False))
        fraction = regions.box(torus, sides, center)
        # each overlap is a difference of positions below 2 L, right to 2 ε L against the side
        assert volume(torus, fraction) == pytest.approx(math.prod(sides), rel=16 * torus.dim * EPS / min(shares))
        expected = np.ones(())
        for axis, (side, x, length) in enumerate(zip(sides, center, torus.lengths, strict=True)):
            edges = torus.edges(axis)
            overlap = sum(
                np.diff(np.clip(edges, x + image * length - side / 2, x + image * length + side / 2))
                for image in (-1, 0, 1)
            )
            expected = np.multiply.outer(expected, overlap / torus.spacing[axis])
        assert fraction == pytest.approx(expected, rel=0, abs=32 * torus.dim * EPS * max(torus.shape))


@pytest.mark.parametrize("make", ["ball", "box", "full box", "slab", "shell", "thin shell"])
def test_fractions_are_shares(torus, make):
    """Never below 0 or above 1, not even by round-off: 1 − χ has to be a density."""
    side, lengths = min(torus.lengths), torus.lengths
    for seed in range(12):
        center = some_center(torus, seed)
        fraction = {
            "ball": lambda center: regions.ball(torus, side / 2, center),
            "box": lambda center: regions.box(torus, 0.7 * side, center),
            "full box": lambda center: regions.box(torus, lengths, center),
            "slab": lambda center: regions.box(torus, (lengths[0], *(0.3 * x for x in lengths[1:])), center),
            "shell": lambda center: regions.shell(torus, 0.2 * side, 0.5 * side, center),
            "thin shell": lambda center: regions.shell(torus, 0.4 * side, 0.4 * side * (1 + 1e-12), center),
        }[make](center)
        assert fraction.shape == torus.shape
        assert fraction.dtype == np.float64
        assert fraction.min() >= 0
        assert fraction.max() <= 1


def test_a_shell_is_a_ball_without_a_ball(torus):
    side = min(torus.lengths)
    inner, outer, center = 0.21 * side, 0.44 * side, some_center(torus, 4)
    fraction = regions.shell(torus, inner, outer, center)
    exact = UNIT_BALL[torus.dim] * (outer**torus.dim - inner**torus.dim)
    assert volume(torus, fraction) == pytest.approx(exact, rel=2 * VOLUME_ERROR[torus.dim])
    whole = fraction + regions.ball(torus, inner, center)
    assert whole == pytest.approx(regions.ball(torus, outer, center), rel=0, abs=4 * EPS)


@pytest.mark.parametrize("thickness", [1e-3, 1e-6])
def test_a_thin_shell(thickness):
    grid = Grid((40, 30), (1.0, 0.9))
    radius = 0.3
    exact = math.pi * ((radius + thickness) ** 2 - radius**2)
    found = volume(grid, regions.shell(grid, radius, radius + thickness, (0.9, 0.1)))
    # a difference of two areas, each right to 1e-12
    assert found == pytest.approx(exact, rel=0, abs=2e-12 * math.pi * radius**2)


@pytest.mark.parametrize("counts", [1, 2, 3, "mixed"])
def test_a_lattice_is_the_sum_of_its_balls(torus, counts):
    counts = (3, 1, 2)[: torus.dim] if counts == "mixed" else (counts,) * torus.dim
    pitch = [length / n for length, n in zip(torus.lengths, counts, strict=True)]
    radius = 0.45 * min(pitch)
    fraction = regions.lattice(torus, counts, radius)
    balls = sum(
        regions.ball(torus, radius, tuple((i + 0.5) * p for i, p in zip(site, pitch, strict=True)))
        for site in np.ndindex(*counts)
    )
    assert fraction == pytest.approx(balls, rel=0, abs=4 * EPS * math.prod(counts))
    exact = math.prod(counts) * UNIT_BALL[torus.dim] * radius**torus.dim
    assert volume(torus, fraction) == pytest.approx(exact, rel=VOLUME_ERROR[torus.dim])


def test_touching_balls_of_a_lattice(torus):
    counts = 2
    radius = min(torus.lengths) / counts / 2
    fraction = regions.lattice(torus, counts, radius)
    assert 0 <= fraction.min() <= fraction.max() <= 1
    exact = counts**torus.dim * UNIT_BALL[torus.dim] * radius**torus.dim
    assert volume(torus, fraction) == pytest.approx(exact, rel=VOLUME_ERROR[torus.dim])


def test_one_count_serves_all_axes():
    grid = Grid((12, 10))
    assert (regions.lattice(grid, 2, 0.1) == regions.lattice(grid, (2, 2), 0.1)).all()
    assert (regions.lattice(grid, [2, 2], 0.1) == regions.lattice(grid, (2, 2), 0.1)).all()


GRID = Grid((8, 10), (1.0, 0.6))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: regions.ball(GRID, 0.0), ("radius = 0.0", "positive", "0.3")),
        (lambda: regions.ball(GRID, -1), ("radius = -1", "positive")),
        (lambda: regions.ball(GRID, 0.31), ("radius = 0.31", "at most half", "0.3")),
        (lambda: regions.ball(GRID, math.nan), ("radius = nan",)),
        (lambda: regions.ball(GRID, 0.1, (0.5,)), ("center (0.5,)", "1 components", "2 dimensions")),
        (lambda: regions.ball(GRID, 0.1, 0.5), ("center (0.5,)", "2 dimensions")),
        (lambda: regions.ball(GRID, 0.1, (0.5, 0.5, 0.5)), ("3 components", "2 dimensions")),
        (lambda: regions.ball(GRID, 0.1, (math.nan, 0.5)), ("center", "nan")),
        (lambda: regions.ball(GRID, 0.1, (math.inf, 0.5)), ("center", "inf")),
        (lambda: regions.box(GRID, (0.1,)), ("sides (0.1,)", "2 dimensions")),
        (lambda: regions.box(GRID, 0.7), ("(0.7, 0.7)", "at most the period", "(1.0, 0.6)")),
        (lambda: regions.box(GRID, (0.1, 0.0)), ("(0.1, 0.0)", "positive")),
        (lambda: regions.box(GRID, 0.1, (0.1,)), ("center (0.1,)",)),
        (lambda: regions.shell(GRID, 0.2, 0.2), ("inner = 0.2", "outer = 0.2", "inner < outer")),
        (lambda: regions.shell(GRID, 0.0, 0.2), ("inner = 0.0", "0 < inner")),
        (lambda: regions.shell(GRID, 0.1, 0.31), ("0.31", "at most half")),
        (lambda: regions.lattice(GRID, 0, 0.1), ("(0, 0)", "at least 1")),
        (lambda: regions.lattice(GRID, (1, 2, 3), 0.1), ("(1, 2, 3)", "2 whole numbers")),
        (lambda: regions.lattice(GRID, 2.5, 0.1), ("2.5", "whole numbers")),
        (lambda: regions.lattice(GRID, 2, 0.151), ("radius = 0.151", "half of the lattice pitch", "0.15")),
        (lambda: regions.lattice(GRID, 2, 0.0), ("radius = 0.0", "positive")),
    ],
)
def test_errors_name_the_value_and_what_is_allowed(call, words):
    with pytest.raises(InputError) as error:
        call()
    assert all(word in str(error.value) for word in words)

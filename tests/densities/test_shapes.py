"""Shapes: volumes against closed forms, how they combine, turn and wrap, and what is refused."""

import math

import numpy as np
import pytest

import gridflow as gf
from gridflow.densities import regions, shapes
from gridflow.errors import InputError
from gridflow.measures.diagnostics import fitted_order

EPS = np.finfo(float).eps
CENTER = (0.41, 0.47, 0.52)
PARTS = {1: 64, 2: 16, 3: 4}
"""Parts of a cut cell along each axis."""


def volume(grid, shape):
    return float(shape.fraction(grid).sum()) * grid.cell_volume


SMOOTH = {
    "disc": (2, shapes.ball(0.237, CENTER[:2]), math.pi * 0.237**2),
    "ball": (3, shapes.ball(0.237, CENTER), 4 / 3 * math.pi * 0.237**3),
    "ellipse": (2, shapes.ellipsoid((0.3, 0.15), CENTER[:2]).rotated(20), math.pi * 0.3 * 0.15),
    "ellipsoid": (3, shapes.ellipsoid((0.3, 0.15, 0.2), CENTER), 4 / 3 * math.pi * 0.3 * 0.15 * 0.2),
    "torus": (3, shapes.torus(0.25, 0.1, CENTER), 2 * math.pi**2 * 0.25 * 0.1**2),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_smooth_volumes_have_the_second_order(name):
    """The distance is interpolated linearly, so that the boundary is off by curvature times width²."""
    dim, shape, exact = SMOOTH[name]
    sizes = (16, 32, 64) if dim == 2 else (12, 24, 36)
    errors = [volume(gf.Grid((n,) * dim), shape) - exact for n in sizes]
    # the next term is two orders higher, and what sampling adds at random one half or more: a tenth at these sizes
    assert fitted_order(1 / np.array(sizes), np.abs(errors)) == pytest.approx(2, abs=0.1)


ANGULAR = {
    "box": (2, shapes.box((0.31, 0.43), CENTER[:2]), 0.31 * 0.43, 4),
    "turned box": (2, shapes.box((0.31, 0.43), CENTER[:2]).rotated(30), 0.31 * 0.43, 4),
    "turned brick": (
        3,
        shapes.box((0.31, 0.43, 0.27), CENTER).rotated(30, (1, 2, 3)),
        0.31 * 0.43 * 0.27,
        4 * (0.31 + 0.43 + 0.27),
    ),
    "turned cylinder": (
        3,
        shapes.cylinder(0.17, 0.4, CENTER).rotated(40, (1, 0.3, 0)),
        math.pi * 0.17**2 * 0.4,
        4 * math.pi * 0.17,
    ),
}


@pytest.mark.parametrize("name", ANGULAR)
def test_edges_cost_no_more_than_the_parts_that_hold_them(name):
    """Flat faces are exact; a corner of the plane lies in one part, an edge of length l in at most 3 l/w + 1 parts."""
    dim, shape, exact, edges = ANGULAR[name]
    for n in (15, 30):
        width = 1 / n / PARTS[dim]
        allowed = edges * width**2 if dim == 2 else (3 * edges / width + 12) * width**3
        assert abs(volume(gf.Grid((n,) * dim), shape) - exact) <= allowed


def test_an_interval_is_exact():
    grid = gf.Grid(9, 1.7)
    found = shapes.ball(0.3, 0.1).fraction(grid)
    assert found == pytest.approx(regions.ball(grid, 0.3, 0.1), rel=0, abs=64 * EPS)
    assert shapes.box(0.6, 0.1).fraction(grid) == pytest.approx(found, rel=0, abs=64 * EPS)


def test_combinations_of_boxes_on_the_edges_of_cells_are_exact():
    """Every cell is inside or outside, so that the fractions are those of sets."""
    grid = gf.Grid((16, 8, 8))
    sides = ((0.5, 0.5, 0.5), (0.25, 0.75, 0.25))
    centers = ((0.5, 0.5, 0.5), (0.75, 0.5, 0.5))
    one, other = (shapes.box(side, center) for side, center in zip(sides, centers, strict=True))
    a, b = (regions.box(grid, side, center) > 0.5 for side, center in zip(sides, centers, strict=True))
    assert ((one | other).fraction(grid) == (a | b)).all()
    assert ((one & other).fraction(grid) == (a & b)).all()
    assert ((one - other).fraction(grid) == (a & ~b)).all()
    assert ((other - (one - other)).fraction(grid) == b).all()


def test_every_cell_agrees_with_the_exact_ball_across_the_border(torus):
    """A part is off by the share of it within curvature times width² of the sphere; so is a cell by as much."""
    radius = 0.45 * min(torus.lengths)
    center = tuple(0.1 * length for length in torus.lengths)
    found, exact = shapes.ball(radius, center).fraction(torus), regions.ball(torus, radius, center)
    width = math.hypot(*torus.spacing) / PARTS[torus.dim]
    off = width**2 / (8 * (radius - width)) if torus.dim > 1 else 0
    # the area of a sphere inside a cell is at most that of the cell's faces
    faces = sum(2 / h for h in torus.spacing)
    assert np.abs(found - exact).max() <= off * faces + 64 * EPS * max(torus.shape)


def test_shapes_turn_about_their_centre_and_move():
    grid = gf.Grid((20, 20, 20))
    brick = shapes.box((0.2, 0.4, 0.3), CENTER)
    for axis, sides in (((0, 0, 2), (0.4, 0.2, 0.3)), ((1, 0, 0), (0.2, 0.3, 0.4)), ((0, -1, 0), (0.3, 0.4, 0.2))):
        turned = brick.rotated(90, axis).fraction(grid)
        assert turned == pytest.approx(shapes.box(sides, CENTER).fraction(grid), rel=0, abs=1e-12)
    turned = brick.rotated(37, (1, 1, 1)).rotated(-37, (1, 1, 1))
    assert turned.fraction(grid) == pytest.approx(brick.fraction(grid), rel=0, abs=1e-12)
    moved = brick.moved((0.1, 1.05, -0.25)).fraction(grid)
    assert moved == pytest.approx(np.roll(brick.fraction(grid), (2, 21, -5), (0, 1, 2)), rel=0, abs=1e-12)


def test_a_turn_is_counterclockwise_and_goes_through_whole_combinations():
    """A ball beside the centre of the first, turned by 90°, is above it."""
    grid = gf.Grid((40, 40))
    pair = shapes.ball(0.1, (0.4, 0.5)) | shapes.ball(0.05, (0.65, 0.5))
    above = shapes.ball(0.1, (0.4, 0.5)) | shapes.ball(0.05, (0.4, 0.75))
    assert pair.rotated(90).fraction(grid) == pytest.approx(above.fraction(grid), rel=0, abs=1e-12)
    about = shapes.ball(0.1, (0.6, 0.4)) | shapes.ball(0.05, (0.35, 0.4))
    assert pair.rotated(180, about=(0.5, 0.45)).fraction(grid) == pytest.approx(about.fraction(grid), abs=1e-12)


def test_a_stripe_wraps_around_the_torus():
    """Along the diagonal it closes after √2, so its share is width times √2."""
    grid = gf.Grid((32, 32))
    found = shapes.box((4, 0.2)).rotated(45).fraction(grid)
    assert found.mean() == pytest.approx(0.2 * math.sqrt(2), rel=1e-12)
    assert found == pytest.approx(np.roll(found, (5, 5), (0, 1)), rel=0, abs=1e-12)


def test_symmetric_shapes_have_symmetric_fractions():
    found = shapes.torus(0.27, 0.12).fraction(gf.Grid((12, 12, 12)))
    for same in (found[::-1], found[:, ::-1], found[:, :, ::-1], found.swapaxes(0, 1)):
        assert found == pytest.approx(same, rel=0, abs=1e-12)


def test_densities_of_a_shape():
    grid = gf.Grid((20, 24), (1.0, 1.2))
    disc = shapes.ball(0.3)
    hole = gf.from_shape(grid, disc, mass=2.0)
    assert hole == pytest.approx(gf.normalize(grid, 1 - disc.fraction(grid), 2.0), rel=8 * EPS)
    bump = gf.from_shape(grid, disc, inside=3.0, outside=0.5)
    assert bump.max() / bump.min() == pytest.approx(6, rel=8 * EPS)
    assert (shapes.hole_of(grid, disc) == disc.fraction(grid)).all()
    assert shapes.hole_of(grid, disc, 3.0, 0.5) is None
    assert (shapes.hole_of(grid, disc, 1.0, 0.0) == 1 - disc.fraction(grid)).all()


PLANE, SPACE = gf.Grid((8, 8)), gf.Grid((8, 8, 8))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: shapes.ball(0.0), ("ball radius = 0.0", "positive")),
        (lambda: shapes.box((0.1, math.inf)), ("box size = inf", "finite")),
        (lambda: shapes.box((0.1, 0.2, 0.3)).fraction(PLANE), ("[0.1, 0.2, 0.3]", "2 numbers")),
        (lambda: shapes.cylinder(0.1, 0.2).fraction(PLANE), ("three dimensions, not 2",)),
        (lambda: shapes.torus(0.2, 0.1).fraction(gf.Grid(8)), ("two or three dimensions",)),
        (lambda: shapes.ball(9.0).fraction(PLANE), ("ball", "reaches 9", "at most 4 times", "4, is allowed")),
        (lambda: shapes.ball(0.1, (0.5,)).fraction(PLANE), ("center = [0.5]", "2 finite numbers")),
        (lambda: shapes.ball(0.1).moved((math.nan, 0)).fraction(PLANE), ("offset = [nan, 0.0]",)),
        (lambda: shapes.ball(0.1).rotated(30).fraction(gf.Grid(8)), ("30 degrees", "one dimension")),
        (lambda: shapes.ball(0.1).rotated(30, (0, 0, 1)).fraction(PLANE), ("a rotation in the plane has none",)),
        (lambda: shapes.ball(0.1).rotated(30, (0, 0, 0)).fraction(SPACE), ("must not be 0",)),
        (lambda: shapes.ball(0.1).fraction(gf.SphereGrid((8, 16))), ("a shape needs a periodic grid",)),
        (lambda: gf.from_shape(PLANE, shapes.ball(0.1), inside=-1.0), ("inside = -1.0", "at least 0")),
        (lambda: gf.from_shape(PLANE, shapes.ball(0.1), outside=0.0), ("no mass",)),
        (lambda: gf.from_shape(PLANE, "ball"), ("parts = 'ball'", "must be a shape")),
        (lambda: shapes.ball(0.1) | 3, ("a union is that of two shapes; 3 is none",)),
        (lambda: shapes.ball(0.1).rotated("half"), ("rotated degrees = 'half'", "a number")),
        (lambda: shapes.ball(0.1).moved("up"), ("moved offset = 'up'", "a list of numbers")),
        (lambda: shapes.box([[0.1, 0.2]]), ("box size = [[0.1, 0.2]]", "a list of numbers")),
    ],
)
def test_errors_name_the_value_and_what_is_allowed(call, words):
    with pytest.raises(InputError) as error:
        call()
    assert all(word in str(error.value) for word in words)

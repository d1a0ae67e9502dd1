"""Holes told apart and measured: against closed forms, and against an independent flood fill."""

import math
from itertools import product

import numpy as np
import pytest

import gridflow as gf
from gridflow.measures.holes import components, hole_fraction, is_wide

holes = gf.diagnostics.holes
SIZES = {1: (32, 64, 128, 256), 2: (32, 64, 128, 256), 3: (16, 24, 32, 48)}


def root_mean_square(values):
    return math.sqrt(np.mean(np.square(values)))


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_balls_have_the_volume_border_and_place_of_balls(dim):
    """Volume and border of second order, over random places; the border down to the steps of the cells, some 1e-4."""
    rng = np.random.default_rng(dim)
    errors = []
    for n in SIZES[dim]:
        found = []
        for _ in range(8 if dim < 3 else 3):
            grid, r, center = gf.Grid((n,) * dim), 0.2 + 0.1 * rng.random(), rng.random(dim)
            (hole,) = holes(grid, gf.regions.ball(grid, r, center))
            volume = {1: 2 * r, 2: math.pi * r**2, 3: 4 / 3 * math.pi * r**3}[dim]
            border = {1: 2.0, 2: 2 * math.pi * r, 3: 4 * math.pi * r**2}[dim]
            found.append((hole.volume / volume - 1, hole.perimeter / border - 1))
            apart = (np.array(hole.centroid) - center + 0.5) % 1 - 0.5
            assert np.abs(apart).max() < 0.1 / n**1.5
            assert hole.elongation == pytest.approx(1, abs=0.01)
            assert hole.roundness == pytest.approx(1, abs=0.01)
            depth = (np.array(hole.deepest) + 0.5) / n - center
            assert np.linalg.norm((depth + 0.5) % 1 - 0.5) < 3 / n + 0.1 * r  # or one of those asked
        errors.append([root_mean_square(each) for each in np.transpose(found)])
    volumes, borders = np.transpose(errors)
    spacings = 1 / np.array(SIZES[dim])
    assert gf.diagnostics.fitted_order(spacings, volumes) > (
        1.5 if dim > 1 else 0.8
    )  # an interval ends along the cells
    if dim == 1:
        assert (borders == 0).all()
    else:
        assert gf.diagnostics.fitted_order(spacings[:3], borders[:3]) > 1.5
        assert borders[-1] < (2e-4 if dim == 2 else 1e-2)


def ellipse(grid, a, b, angle, center):
    """Volume fraction of an ellipse, by sixteen points a cell along each axis."""
    many = gf.Grid(tuple(16 * n for n in grid.shape), grid.lengths)
    x, y = (np.broadcast_to(each, many.shape) - c for each, c in zip(many.mesh(), center, strict=True))
    along, across = x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)
    inside = (along / a) ** 2 + (across / b) ** 2 < 1
    return inside.reshape(grid.shape[0], 16, grid.shape[1], 16).mean(axis=(1, 3))


def test_an_ellipse_has_the_elongation_of_its_axes_and_an_elliptic_integral_around_it():
    from scipy.special import ellipe

    grid = gf.Grid((128, 192), (1.0, 1.5))
    (hole,) = holes(grid, ellipse(grid, 0.3, 0.1, 0.7, (0.5, 0.7)))
    assert hole.elongation == pytest.approx(3, rel=0.01)
    assert hole.volume == pytest.approx(math.pi * 0.03, rel=2e-3)
    assert hole.perimeter == pytest.approx(4 * 0.3 * ellipe(1 - 1 / 9), rel=2e-3)
    assert hole.roundness == pytest.approx(2 * math.pi * math.sqrt(0.03) / (1.2 * ellipe(8 / 9)), rel=4e-3)


@pytest.mark.parametrize("shift", [(0, 0), (32, 0), (31, 63), (5, 60)])
def test_a_hole_across_the_ends_of_the_periods_is_one_hole(shift):
    grid = gf.Grid((64, 96), (1.0, 1.5))
    fraction = gf.regions.box(grid, (0.3, 0.5), (0.5, 0.75))
    (hole,), (moved,) = holes(grid, fraction), holes(grid, np.roll(fraction, shift, (0, 1)))
    assert moved.volume == pytest.approx(hole.volume, rel=1e-12)
    assert moved.perimeter == pytest.approx(hole.perimeter, rel=1e-9)
    place = (np.array(hole.centroid) + np.array(shift) / 64) % grid.lengths
    assert (np.array(moved.centroid) - place + 0.5) % 1 == pytest.approx(0.5, abs=1e-12)
    assert hole.perimeter == pytest.approx(1.6, rel=0.05)  # its corners are rounded
    assert hole.elongation == pytest.approx(5 / 3, rel=0.01)


def test_what_spans_a_period_has_no_place_along_it_and_a_core_is_apart_from_its_shell():
    grid = gf.Grid((64, 64))
    (band,) = holes(grid, gf.regions.box(grid, (0.25, 1.0), (0.0, 0.0)))
    assert band.volume == pytest.approx(0.25)
    assert band.perimeter == pytest.approx(2, rel=1e-6)
    assert (band.centroid[0] + 0.5) % 1 == pytest.approx(0.5)
    assert math.isnan(band.centroid[1])
    shell, core = holes(grid, gf.regions.shell(grid, 0.25, 0.4) + gf.regions.ball(grid, 0.15))
    assert shell.volume == pytest.approx(math.pi * (0.16 - 0.0625), rel=0.01)
    assert shell.perimeter == pytest.approx(2 * math.pi * 0.65, rel=0.01)
    assert core.volume == pytest.approx(math.pi * 0.0225, rel=0.01)
    (everything,) = holes(grid, np.ones(grid.shape))
    assert everything.volume == pytest.approx(1)
    assert everything.perimeter == 0


@pytest.mark.parametrize("center", [(1, 0, 0), (0, 0, 1), (0, 0, -1), (0.3, -0.2, 0.9)])
def test_a_cap_of_the_sphere(center):
    grid = gf.SphereGrid((64, 128))
    (cap,) = holes(grid, gf.sphere_densities.cap(grid, 0.7, center))
    assert cap.volume == pytest.approx(2 * math.pi * (1 - math.cos(0.7)), rel=0.01)
    assert cap.perimeter == pytest.approx(2 * math.pi * math.sin(0.7), rel=0.01)
    assert cap.centroid == pytest.approx(np.array(center) / np.linalg.norm(center), abs=2e-3)
    assert cap.elongation == pytest.approx(1, abs=0.01)
    assert cap.roundness == pytest.approx(1, abs=0.01)


def neighbours(grid, cell):
    """Cells that share a face with a cell."""
    if isinstance(grid, gf.SphereGrid):
        j, i = cell
        yield j, (i + 1) % grid.shape[1]
        yield j, (i - 1) % grid.shape[1]
        yield from ((k, i) for k in (j - 1, j + 1) if 0 <= k < grid.shape[0])
        return
    for axis, step in product(range(grid.dim), (1, -1)):
        yield tuple((k + step * (a == axis)) % grid.shape[a] for a, k in enumerate(cell))


def flood(grid, inside):
    """Sizes of the connected parts of a mask, largest first."""
    left, sizes = {tuple(cell) for cell in np.argwhere(inside).tolist()}, []
    while left:
        reached = [left.pop()]
        for cell in reached:
            more = [other for other in neighbours(grid, cell) if other in left]
            left.difference_update(more)
            reached.extend(more)
        sizes.append(len(set(reached)))
    return sorted(sizes, reverse=True)


@pytest.mark.parametrize(
    "grid", [gf.Grid((30,)), gf.Grid((12, 9)), gf.Grid((6, 5, 7)), gf.SphereGrid((9, 12))], ids=str
)
def test_as_many_parts_of_random_fractions_as_a_flood_fill_finds(grid):
    rng = np.random.default_rng(0)
    for number in range(150):
        fraction = rng.random(grid.shape) ** rng.choice([0.3, 1.0, 3.0])
        if isinstance(grid, gf.SphereGrid):
            fraction[[0, -1]] *= 0.5  # a pole joins cells that no face does
        if number % 3 == 0:
            fraction = (fraction + np.roll(fraction, 1, 0)) / 2
        found, inside = components(grid, fraction), fraction > 0.5
        sizes = sorted(found.cells[1:].tolist(), reverse=True)
        assert sizes == flood(grid, inside)
        assert ((found.labels > 0) == inside).all()
        if number % 30 == 0:
            measured = holes(grid, fraction)
            assert sum(hole.volume for hole in measured) == pytest.approx(
                grid.volume - gf.diagnostics.volume_below(grid, fraction, 0.5), rel=0.2
            )  # but for corners, where the contour of all joins parts that only touch


def test_the_empty_share_of_the_cells_of_a_start():
    grid = gf.Grid((64, 64))
    for region in (gf.regions.ball(grid, 0.2, (0.1, 0.9)), gf.regions.lattice(grid, 3, 0.1), gf.regions.box(grid, 0.3)):
        assert hole_fraction(grid, 1 - region) == pytest.approx(region, abs=1e-14)
    errors = []
    for n in (64, 128, 256):
        grid = gf.Grid((n, n))
        region = gf.regions.ball(grid, 0.2, (0.11, 0.93))
        fraction = hole_fraction(grid, gf.cosine(grid, 0.5) * (1 - region))
        assert is_wide(grid, fraction)
        errors.append(grid.integral(fraction - region))
    assert gf.diagnostics.fitted_order(1 / np.array([64, 128, 256]), np.array(errors)) > 1.6


def test_what_is_no_hole():
    grid = gf.Grid((200,))
    assert hole_fraction(grid, gf.cosine(grid, 0.9)) is None
    assert hole_fraction(grid, np.zeros(200)) is None
    faded = gf.gaussian(grid, 0.5, 0.01)
    assert faded.min() == 0  # it underflows
    assert hole_fraction(grid, faded) is None
    speck = np.ones(200)
    speck[7] = 0
    assert not is_wide(grid, hole_fraction(grid, speck))
    with pytest.raises(gf.InputError, match="there is no hole on"):
        holes(gf.WholeSphere(4), np.ones(1))
    with pytest.raises(gf.InputError, match="the fraction has shape"):
        holes(grid, np.ones(4))

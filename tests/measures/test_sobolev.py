"""Norms, shell spectra and regularity against functions whose modes are known."""

import numpy as np
import pytest

import gridflow as gf
from gridflow.measures import sobolev

EPS = np.finfo(float).eps
GRIDS = [gf.Grid((64,), (1.7,)), gf.Grid((24, 17), (1.0, 0.6)), gf.Grid((8, 9, 12), (1.0, 1.3, 0.7))]


@pytest.mark.parametrize("grid", GRIDS, ids=lambda g: str(g.shape))
@pytest.mark.parametrize("r", [-2.5, -1.0, 0.0, 0.5, 3.0])
def test_norm_of_a_plane_wave(grid, r):
    """‖a cos(ξ·x)‖² = |T| |ξ|^{2r} a²/2."""
    k = (2, -3, 1)[: grid.dim]
    xi = [2 * np.pi * m / length for m, length in zip(k, grid.lengths, strict=True)]
    phase = sum(x * w for x, w in zip(grid.mesh(), xi, strict=True))
    expected = np.sqrt(grid.volume * sum(w * w for w in xi) ** r / 2) * 0.7
    # the round-off of a transform, ε log2 N of the largest mode, weighs up to (ξ_max / ξ)^r more in another mode
    amplified = (np.pi / min(grid.spacing) * 2 / np.sqrt(sum(w * w for w in xi))) ** max(r, 0) if r > 0 else 100.0
    assert sobolev.norm(grid, 5 + 0.7 * np.cos(phase), r) == pytest.approx(expected, rel=64 * EPS * max(amplified, 1))


@pytest.mark.parametrize("grid", GRIDS, ids=lambda g: str(g.shape))
@pytest.mark.parametrize("s", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("symbol", ["spectral", "mimetic"])
def test_the_kernel_mean_discrepancy_is_a_norm(grid, s, symbol):
    flow = gf.Flow(grid, gf.Riesz(s, symbol), gf.uniform(grid))
    density = gf.normalize(grid, np.random.default_rng(0).random(grid.shape))
    assert sobolev.norm(grid, density - flow.target, -s, symbol) ** 2 == pytest.approx(
        2 * flow.energy(density), rel=1e-12
    )


@pytest.mark.parametrize("grid", GRIDS, ids=lambda g: str(g.shape))
def test_shells_hold_every_mode_once(grid):
    f = np.random.default_rng(1).standard_normal(grid.shape)
    shells = sobolev.shell_spectrum(grid, f)
    assert shells.modes.sum() == grid.size - 1
    # Parseval, with sums of N terms
    assert shells.power.sum() == pytest.approx(((f - f.mean()) ** 2).sum() * grid.cell_volume, rel=1e-13)
    assert (np.diff(shells.wavenumber) > 0).all()


def test_cell_averages_are_deconvolved():
    """Averages of a mode are smaller by its sinc factor; without it, those of a spike have all modes alike."""
    grid = gf.Grid((32,))
    k = 9
    edges = grid.edges(0)
    averages = np.diff(np.sin(2 * np.pi * k * edges)) / (2 * np.pi * k * grid.spacing[0])
    assert sobolev.norm(grid, averages, 0.0, deconvolve=True) == pytest.approx(np.sqrt(0.5), rel=1e-13)
    assert sobolev.norm(grid, averages, 0.0) == pytest.approx(np.sqrt(0.5) * np.sinc(k / 32), rel=1e-13)


@pytest.mark.parametrize("shape", [(512,), (96, 96), (40, 40, 40)], ids=str)
@pytest.mark.parametrize("r", [0.5, 1.0, 2.0])
def test_regularity_of_random_fields(shape, r):
    """In one dimension every shell is one mode and the line exact; else modes of a shell differ in |k|."""
    grid = gf.Grid(shape)
    found = sobolev.regularity(grid, gf.random_sobolev(grid, r, 0.2))
    assert found.r == pytest.approx(r, abs=1e-9 if grid.dim == 1 else 0.05)
    assert found.error < 0.02


@pytest.mark.parametrize("shape", [(512,), (128, 128)], ids=str)
def test_regularity_of_a_hole_and_of_smooth_densities(shape):
    """The indicator of a set with a smooth boundary is at the border of H^{1/2}."""
    grid = gf.Grid(shape)
    found = sobolev.regularity(grid, gf.ball_hole(grid, 0.23))
    assert found.r == pytest.approx(0.5, abs=max(3 * found.error, 0.05))
    for smooth in (gf.cosine(grid, 0.5), gf.gaussian(grid, [[0.5] * grid.dim], 0.08)):
        assert sobolev.regularity(grid, smooth).r == np.inf


def test_what_has_no_regularity_is_named():
    with pytest.raises(gf.InputError, match="constant"):
        sobolev.regularity(gf.Grid((64,)), np.ones(64))
    with pytest.raises(gf.InputError, match="too few shells"):
        sobolev.regularity(gf.Grid((12, 12)), np.ones((12, 12)))


def test_what_is_rough_beneath_something_smooth_is_found_where_it_shows():
    grid = gf.Grid((1024,))
    smooth, rough = gf.gaussian(grid, [0.5], 0.02), gf.random_sobolev(grid, 1.0, 0.5)
    found = sobolev.regularity(grid, smooth + 1e-3 * rough)
    assert found.r == pytest.approx(1.0, abs=0.02)
    assert sobolev.regularity(grid, smooth + 1e-6 * rough).r == np.inf  # next to nothing


def test_regularity_on_the_sphere_and_of_what_a_kernel_sees():
    grid = gf.SphereGrid((48, 96))
    for r in (0.5, 1.5):
        rough = gf.sphere_densities.random_sobolev_on_sphere(grid, r, 0.2)
        assert sobolev.regularity(grid, rough).r == pytest.approx(r, abs=0.1)
    # even degrees smooth, odd ones rough: a kernel that sees the even ones sees a smooth function
    odd = gf.sphere_densities.random_sobolev_on_sphere(grid, 0.5, 0.2, degrees=range(1, 47, 2))
    mixed = odd + gf.sphere_densities.bumps(grid, [[0, 0, 1], [0, 0, -1]], 6.0)
    assert sobolev.regularity(grid, mixed, np.arange(48) % 2 == 0).r == np.inf

"""Densities from formulas: their variables on every domain, and the averages of cells that a jump cuts."""

import math

import numpy as np
import pytest

import gridflow as gf
from gridflow.errors import InputError

EPS = np.finfo(float).eps


def test_a_smooth_formula_has_the_averages_of_its_function(torus):
    names = "xyz"[: torus.dim]
    wave = "*".join(f"cos(2*pi*{name}/L{name})" for name in names)
    found = gf.from_expression(torus, f"1 + 0.5*{wave}", mass=2.0)
    # four points per cell: the sinc of 2π/n is right to its term of degree 8, with halved cells to 2⁻⁸ of that
    error = torus.dim * (math.pi / min(torus.shape)) ** 8 / math.factorial(9)
    assert found == pytest.approx(gf.cosine(torus, 0.5, 1, 2.0), rel=0, abs=(error + 64 * EPS) * 2 / torus.volume)


@pytest.mark.parametrize(("shape", "halvings"), [((16,), 20), ((24, 20), 5), ((12, 10, 8), 2)])
def test_a_jump_is_averaged_to_the_size_of_the_last_parts(shape, halvings):
    """A plane x = a: the last part that it cuts is off by less than its width, and its four points by a quarter."""
    grid = gf.Grid(shape)
    found = gf.from_expression(grid, "where(x < 0.337, 0, 1)") * (1 - 0.337)
    exact = np.clip((grid.edges(0)[1:] - 0.337) / grid.spacing[0], 0, 1).reshape(-1, *(1,) * (grid.dim - 1))
    assert np.abs(found - exact).max() <= 2.0**-halvings / 2


def test_a_ball_by_a_formula_is_the_ball():
    grid = gf.Grid((48, 40), (1.0, 0.9))
    found = gf.from_expression(grid, "hypot(x - 0.47, y - 0.41) > 0.25")
    exact = gf.ball_hole(grid, 0.25, (0.47, 0.41))
    # some 4 R/h = 48 cut cells, each with about four times 2⁵ cut parts, whose errors of at most one are independent
    cells = 3 * math.sqrt(48 * 4 * 2**5) / 2**10
    assert abs(found.max() - exact.max()) <= cells * grid.cell_volume


def test_the_variables_of_the_sphere():
    grid = gf.SphereGrid((24, 48))
    cap = gf.from_expression(grid, "z >= 0.3")
    # the share of the ring that the latitude cuts
    ring = np.clip((np.cos(grid.edges[:-1]) - 0.3) / -np.diff(np.cos(grid.edges)), 0, 1)[:, None]
    assert cap == pytest.approx(gf.normalize(grid, np.broadcast_to(ring, grid.shape)), rel=0, abs=2.0**-5 * cap.max())
    same = gf.from_expression(grid, "2 + sin(theta)*cos(phi) + cos(theta)")
    assert same == pytest.approx(gf.from_expression(grid, "2 + x + z"), rel=64 * EPS)
    lune = gf.from_expression(grid, "phi < pi/2")
    quarter = (grid.longitudes > 0) & (grid.longitudes < math.pi / 2 - 1e-9)
    assert (lune[:, quarter] == lune.max()).all()
    assert lune.max() * 4 * math.pi == pytest.approx(4, rel=2.0**-5)


@pytest.mark.parametrize(
    ("grid", "text", "words"),
    [
        (gf.Grid(8), "x - 0.5", ('expression = "x - 0.5"', "negative")),
        (gf.Grid(8), "log(x - 2)", ("not finite",)),
        (gf.Grid(8), "0", ("no mass",)),
        (gf.Grid(8), 1.0, ("the formula 1.0 is no text",)),
        (gf.Grid(8), "y", ("the names are Lx, x, pi, e",)),
        (gf.Circle(8), "1 + y", ("the names are Lx, x, pi, e",)),
        (gf.SphereGrid((8, 16)), "Lx", ("phi, theta, x, y, z",)),
        (gf.WholeSphere(4), "1", ("there is no density by a formula",)),
    ],
)
def test_what_is_no_density(grid, text, words):
    with pytest.raises(InputError) as error:
        gf.from_expression(grid, text)
    assert all(word in str(error.value) for word in words)

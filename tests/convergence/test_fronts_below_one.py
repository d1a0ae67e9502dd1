"""Fronts of holes for s < 1, steep but continuous, and the edge of the tracer there, which is a jump."""

import numpy as np
import pytest

import gridflow as gf
from solvers import FiniteVolume
from solvers.finite_volume.reconstruction import foot_share

TIMES = (0.1, 0.2, 0.3)


def solver_for(n, s, reconstruction, **options):
    grid = gf.Grid((n,))
    return FiniteVolume(gf.Flow(grid, gf.Riesz(s), gf.uniform(grid)), reconstruction, threads=1, **options)


def states(solver, times=TIMES):
    """The solver's state at some times, from an interval that is empty."""
    state = solver.initialize(gf.ball_hole(solver.flow.grid, 0.25))
    for until in times:
        while state.time < until:
            solver.step(state, until)
        yield state


def densities(n, s, reconstruction):
    """The density at all times, shape (times, n)."""
    solver = solver_for(n, s, reconstruction, tolerance=1e-6)
    return np.array([solver.density(state).copy() for state in states(solver)])


def coarsened(values, n):
    return values.reshape(len(values), n, -1).mean(-1)


def test_order_at_a_front_that_is_continuous():
    """First order in L1 at least, since a front ~ h off is wrong by this distance times its height.

    With tanh profiles anywhere at the front the order is 0.76. The reference is `muscl` with differences of V, which
    has other face values and another velocity, extrapolated from two grids by its own first order. Extrapolated from
    grids twice as fine it changes by 3e−5, a quarter of the smallest error, and the fitted order by 0.02.
    """
    sizes, s = (256, 512, 1024, 2048), 0.75
    coarse, fine = (coarsened(densities(n, s, "muscl"), sizes[-1]) for n in (8192, 16384))
    reference = 2 * fine - coarse
    errors = np.array([abs(densities(n, s, "sharp") - coarsened(reference, n)).mean() for n in sizes])
    assert gf.diagnostics.fitted_order(1 / np.array(sizes), errors) >= 1 - 0.02


@pytest.mark.parametrize("s", [0.5, 0.75, 1.0, 1.5])
def test_settings_say_how_steep_the_edges_are(s):
    settings = solver_for(16, s, "sharp").settings()
    assert settings["reconstruction"] == "sharp"
    assert settings.get("edge_exponent", 0) == max(1 - s, 0)
    assert "edge_exponent" not in solver_for(16, s, "weno5").settings()


@pytest.mark.parametrize("p", [0.0, 0.1, 0.25, 0.5, 1.0])
def test_a_cell_with_the_foot_of_a_front_holds_no_more_than_its_share(p):
    """The averages of (x − a)^p over the first two cells in closed form, the foot a anywhere in the first."""

    def integral(x):
        return np.maximum(x, 0) ** (p + 1)

    foot = np.linspace(0, 1, 50, endpoint=False)
    first, second = integral(1 - foot), integral(2 - foot) - integral(1 - foot)
    assert (first <= foot_share(p) * second * (1 + 1e-14)).all()
    before = integral(1 + 0.01) - integral(0.01), integral(2 + 0.01) - integral(1 + 0.01)  # the foot lies before both
    assert p == 0 or before[0] > foot_share(p) * before[1]


def test_the_tracer_keeps_its_edge():
    """χ is a jump for every s: its edge stays two cells wide with `sharp` and spreads with `weno5`, as for s = 1."""
    widths = {}
    for reconstruction in ("sharp", "weno5"):
        grid = gf.Grid((512,))
        solver = solver_for(512, 0.75, reconstruction, tracer=gf.regions.ball(grid, 0.25))
        (state,) = states(solver, (0.3,))
        tracer = state.arrays["tracer"]
        widths[reconstruction] = np.count_nonzero((tracer > 0.1) & (tracer < 0.9)) / 2
    assert widths["sharp"] <= 2 < widths["weno5"]

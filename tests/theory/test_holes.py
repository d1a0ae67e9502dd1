"""Laws of holes for every s, against runs that carry the hole along."""

import numpy as np
import pytest

import gridflow as gf
from gridflow import regions
from gridflow.decay.holes import hole_rates
from gridflow.theory.holes import HoleEnergy, HoleFilling
from solvers import FiniteVolume


def test_the_energy_of_a_round_hole_is_that_of_the_law():
    """In the plane; the scheme's own share of the dissipation is of order 1e-4, the cells' shape of order h."""
    grid = gf.Grid((96, 96))
    flow = gf.Flow(grid, gf.Riesz(1), gf.uniform(grid))
    start = gf.ball_hole(grid, 0.25)
    law = HoleEnergy.of(flow, start)
    run = gf.run(FiniteVolume(flow), start, 3.0, series=gf.EverySteps(5))
    assert run.series["energy"] == pytest.approx(law(run.series["time"]), rel=0.02)
    assert 1.5 < law.rate < 2
    assert law(50.0) < law(40.0)
    with pytest.raises(gf.InputError, match="a hole in a constant density"):
        HoleEnergy.of(flow, gf.cosine(grid, 0.3))


@pytest.mark.parametrize(("s", "t_end"), [(1.5, 400.0), (2.0, 4000.0)])
def test_holes_fill_like_a_power_of_time_for_s_above_1(s, t_end):
    """|H| ~ t^{−d/(2s−2)}, approached from below: within a quarter when the hole has shrunk tenfold."""
    grid = gf.Grid((512,))
    flow = gf.Flow(grid, gf.Riesz(s), gf.uniform(grid))
    start = gf.ball_hole(grid, 0.2)
    solver = FiniteVolume(flow, tracer=regions.ball(grid, 0.2))
    run = gf.run(solver, start, t_end, series=gf.EverySteps(2))
    found = hole_rates(flow, run.series)
    expected = HoleFilling.of(flow).exponent
    assert expected == 1 / (2 * s - 2)
    assert found.expected == (expected, expected)
    assert 0.75 * expected < found.fit.exponent < expected
    assert "theory says" in found.sentence
    with pytest.raises(gf.InputError, match="needs s > 1"):
        HoleFilling(1.0, 1)


def series(times, volumes):
    return {"time": times, "hole_volume": volumes}


def test_rates_of_holes_and_when_they_are_filled():
    grid = gf.Grid((64, 64))
    target = gf.cosine(grid, 0.3, [1, 0])
    flow, t = gf.Flow(grid, gf.Riesz(1), target), np.linspace(0, 3, 61)
    found = hole_rates(flow, series(t, 0.2 * np.exp(-1.1 * t)))
    assert found.fit.exponent == pytest.approx(1.1, rel=1e-9)
    assert found.expected == (target.min(), target.max())
    assert found.filled == pytest.approx(np.log(0.2 * 64**2) / 1.1, rel=1e-6)
    assert found.extrapolated
    whole = hole_rates(flow, series(3 * t, 0.2 * np.exp(-3.3 * t)))
    assert not whole.extrapolated
    assert whole.filled == pytest.approx(np.log(0.2 * 64**2) / 1.1, abs=0.15)  # the distance of two rows
    slow = hole_rates(gf.Flow(grid, gf.Gaussian(0.2), target), series(t, 0.2 - 0.001 * t))
    assert slow.expected is None
    assert "needs a Riesz kernel" in slow.no_expectation
    assert slow.filled == np.inf
    gone = hole_rates(flow, series(t, np.where(t < 0.1, 0.2, 1e-9)))
    assert gone.fit is None
    assert hole_rates(flow, {"time": t}) is None

"""What the series keeps of the steps between its rows."""

import numpy as np
import pytest

import gridflow as gf
from gridflow.measures import sobolev
from gridflow.runtime.extremes import LEAST, NORM
from gridflow.theory.applicable import certified_order
from solvers import FiniteVolume

GRID = gf.Grid((96,))
FLOW = gf.Flow(GRID, gf.Riesz(1.5), gf.uniform(GRID))
START = gf.random_sobolev(GRID, 1.0, 0.6)


def run(every, t_end=20.0, **options):
    return gf.run(FiniteVolume(FLOW), START, t_end, series=gf.EverySteps(every), **options)


def test_rows_keep_the_extremes_of_all_steps_since_the_row_before(tmp_path):
    """Every step by hand, in blocks of seven; a resumed run records the same."""
    seen = []

    def look(live):
        norm = sobolev.norm(GRID, live.density - FLOW.target, certified_order(FLOW, START))
        seen.append((norm, float(live.density.min())))

    found = run(7, callbacks=[gf.Callback(look, gf.EverySteps(1), at_start=True)]).series
    steps = found["step"]
    assert len(steps) > 4
    for row in range(1, len(steps)):
        norms, minima = np.array(seen[steps[row - 1] + 1 : steps[row] + 1]).T
        assert found[NORM][row] == pytest.approx(norms.max(), rel=1e-12)
        assert found[LEAST][row] == minima.min()
    whole = run(7, store=tmp_path / "whole.run", checkpoints=gf.EverySteps(10), snapshots=gf.AtTimes([20.0]))
    run(7, store=tmp_path / "part.run", checkpoints=gf.EverySteps(10), snapshots=gf.AtTimes([20.0]))
    for checkpoint in sorted((tmp_path / "part.run" / "checkpoints").iterdir())[1:]:
        checkpoint.unlink()
    again = run(
        7, store=tmp_path / "part.run", checkpoints=gf.EverySteps(10), snapshots=gf.AtTimes([20.0]), resume=True
    )
    assert (again.series[NORM] == whole.series[NORM]).all()
    assert (again.series[LEAST] == whole.series[LEAST]).all()


@pytest.mark.parametrize(
    ("flow", "start"),
    [
        (gf.Flow(GRID, gf.Riesz(1), gf.uniform(GRID)), START),
        (gf.Flow(GRID, gf.Gaussian(0.2), gf.uniform(GRID)), START),
        (FLOW, gf.ball_hole(GRID, 0.2)),
    ],
    ids=["s = 1", "another kernel", "a hole"],
)
def test_where_no_certificate_can_be_wanted_nothing_is_kept(flow, start):
    assert NORM not in gf.run(FiniteVolume(flow), start, 1e-3).series

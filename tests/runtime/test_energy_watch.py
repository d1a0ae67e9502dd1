"""The warning about an energy that rises."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest

import gridflow as gf
from gridflow.runtime.callbacks import EnergyWatch
from solvers import FiniteVolume


def look(watch, energies):
    grid = gf.Grid((8, 8))
    solver = SimpleNamespace(flow=gf.Flow(grid, gf.Riesz(1), gf.uniform(grid)))
    for time, energy in enumerate(energies):
        diagnosis = {"energy": energy, "max": 1.0, "mass": 1.0}
        state = SimpleNamespace(time=float(time))
        watch.look(SimpleNamespace(solver=solver, state=state, density=np.ones(grid.shape), diagnosis=diagnosis))


def test_a_rise_is_named_once():
    with pytest.warns(RuntimeWarning, match="the energy rose from 1 at t = 1 to 1.5 at t = 2") as caught:
        look(EnergyWatch(), [2.0, 1.0, 1.5, 1.2, 1.9])
    assert len(caught) == 1


@pytest.mark.parametrize("energies", [[2.0, 1.0, 1.0, 0.5], [1.0, 1.0 + 1e-15], [0.0, 1e-33]])
def test_a_fall_and_round_off_are_no_rise(energies):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        look(EnergyWatch(), energies)


def test_a_run_watches():
    grid = gf.Grid((16, 16))
    solver = FiniteVolume(gf.Flow(grid, gf.Riesz(1), gf.uniform(grid)), "muscl")

    def disturb(run):
        run.density[...] = gf.ball_hole(grid, 0.4)

    with pytest.warns(RuntimeWarning, match="the energy rose"):
        gf.run(
            solver,
            gf.cosine(grid, 0.1),
            1.0,
            callbacks=[gf.Callback(disturb, gf.EverySteps(4))],
            series=gf.EverySteps(1),
        )

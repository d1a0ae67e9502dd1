"""A run directory that version 0.1.0 wrote opens, and goes on."""

import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

import gridflow as gf
from gridflow.cases.reading import stored_case
from gridflow.equation.contract import Representation

OLD = Path(__file__).parent / "version_0_1"


def test_it_opens():
    stored = gf.open_run(OLD)
    assert stored.verify() == []
    assert stored.status == "finished"
    assert stored.kernel == gf.Riesz(1.0)
    assert stored.flow.growth == 2.0
    assert stored.representation == Representation("cells")
    assert stored.times.tolist() == [0.0, 0.5, 1.0]
    assert stored.flow.energy(stored.initial) == pytest.approx(stored.series["energy"][0], rel=1e-12)
    assert stored_case(stored).flow.growth == 2.0  # which stood with the solver


def test_it_goes_on(tmp_path):
    shutil.copytree(OLD, tmp_path / "old.run")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of libraries whose versions have changed since
        run = gf.resume_case(tmp_path / "old.run", 1.5)
    assert run.status == "finished"
    stored = gf.open_run(tmp_path / "old.run")
    assert stored.times.tolist() == [0.0, 0.5, 1.0, 1.5]
    assert (np.diff(stored.series["energy"]) < 0).all()

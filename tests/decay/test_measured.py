"""The decay of stored runs: what is measured, and what is said where nothing can be."""

import json
import math

import numpy as np
import pytest
from typer.testing import CliRunner

import gridflow as gf
from gridflow.cli.main import app
from gridflow.cli.printing import plain
from gridflow.decay.measured import rates
from gridflow.equation.kernels import Kernel
from gridflow.runtime.schedule import EverySteps
from solvers import FiniteVolume


def stored(folder, flow, start, t_end, times=12, **options):
    path = folder / "a.run"
    gf.run(
        FiniteVolume(flow, **options), start, t_end, store=path, series=EverySteps(1),
        snapshots=gf.log_times(t_end / 1e3, t_end, times), snapshot_dtype="float64",
    )  # fmt: skip
    return gf.open_run(path)


@pytest.fixture(scope="module")
def power(tmp_path_factory):
    """s = 2, d = 1, a small amplitude, for which linear theory holds from the start."""
    grid = gf.Grid((512,))
    flow = gf.Flow(grid, gf.Riesz(2), gf.uniform(grid))
    return stored(tmp_path_factory.mktemp("power"), flow, gf.random_sobolev(grid, 1.0, 0.02), 2e5)


@pytest.fixture(scope="module")
def exponential(tmp_path_factory):
    grid = gf.Grid((64, 64))
    flow = gf.Flow(grid, gf.Riesz(1), gf.uniform(grid))
    return stored(tmp_path_factory.mktemp("exponential"), flow, gf.cosine(grid, 0.5), 8.0)


def test_a_power_is_measured_where_it_can_be_seen(power):
    found = rates(power)
    assert found.predicted == pytest.approx(3.0)
    assert not found.is_exponential
    assert found.window.decades > 1.5
    assert found.window.start == pytest.approx(found.law.window(found.flow).start)
    # small data: within the 1 % to which the window shows the power, and what the amplitude of 2 % bends it by
    assert found.fit.exponent == pytest.approx(3.0, rel=0.03)
    assert found.closest <= 1 + 1e-3
    assert len(found.shares[0]) > 5
    early = found.shares[1][found.shares[0] < 1e4]
    assert abs(early).max() < 1e-2
    given = rates(power, r=2.0)
    assert given.predicted == 4.0
    assert given.regularity.r == 2.0


def test_a_rate_is_measured_once_the_minimum_has_settled(exponential):
    found = rates(exponential)
    assert found.is_exponential
    assert found.predicted == pytest.approx(2.0)
    assert found.fit.exponent == pytest.approx(2.0, rel=1e-3)
    assert exponential.series["min"][np.searchsorted(exponential.series["time"], found.window.start)] >= 0.9
    assert found.closest <= 1 + 1e-4
    assert abs(found.shares[1]).max() < 1e-3


def test_facts_are_plain(power, exponential):
    for run in (power, exponential):
        facts = rates(run).facts()
        json.dumps(plain(facts), allow_nan=False)
        assert facts["measured"] == rates(run).fit.exponent
        assert facts["decades"] == rates(run).window.decades


def test_what_cannot_be_measured_is_said(tmp_path):
    grid = gf.Grid((32, 32))
    riesz = gf.Flow(grid, gf.Riesz(2), gf.uniform(grid))
    smooth = rates(stored(tmp_path / "smooth", riesz, gf.cosine(grid, 0.3), 100.0))
    assert smooth.predicted is None
    assert "smooth" in smooth.no_law
    assert smooth.certificate is not None
    rough = rates(stored(tmp_path / "rough", riesz, gf.random_sobolev(grid, 1.0, 0.2), 100.0), r=1.0)
    assert rough.fit is None
    assert "the law can be seen from t =" in rough.no_fit
    hole = rates(stored(tmp_path / "hole", riesz, gf.ball_hole(grid, 0.3), 1.0))
    assert hole.certificate is None
    assert "hole" in hole.no_certificate
    mmd = gf.Flow(grid, gf.Gaussian(0.2), gf.uniform(grid))
    other = rates(stored(tmp_path / "mmd", mmd, gf.random_sobolev(grid, 1.0, 0.2), 1.0), r=1.0)
    assert "needs a Riesz kernel" in other.no_law
    assert "needs a Riesz kernel" in other.no_certificate


def test_a_kernel_of_the_users_own_has_no_text(tmp_path):
    grid = gf.Grid((16,))
    flow = gf.Flow(grid, gf.Symbol(lambda xi: 1 / (1 + xi**2)), gf.uniform(grid))
    run = stored(tmp_path, flow, gf.cosine(grid), 0.1)
    with pytest.raises(gf.InputError, match="is a user-defined function and cannot be restored from a file"):
        rates(run)


@pytest.mark.parametrize(
    "kernel", [gf.Riesz(1.25), gf.Riesz(2, "mimetic"), gf.Gaussian(0.1), gf.Matern(0.5, 0.25)], ids=repr
)
def test_kernels_are_made_again_from_their_records(kernel, tmp_path):
    """Also from the text that alone runs of version 0.1 have, of which nothing is executed."""
    assert Kernel.from_record(json.loads(json.dumps(kernel.record()))) == kernel
    grid = gf.Grid((8,))
    gf.run(FiniteVolume(gf.Flow(grid, kernel, gf.uniform(grid))), gf.cosine(grid, 0.1), 1e-3, store=tmp_path / "a.run")
    stored = gf.open_run(tmp_path / "a.run")
    assert stored.kernel == kernel
    del stored.manifest["problem"]["kernel_record"]
    assert stored.kernel == kernel
    for text in ("Riesz", "Riesz(", "exec(code='1')", "Symbol(function=<f>)", "Riesz(s=open)"):
        stored.manifest["problem"]["kernel"] = text
        with pytest.raises(gf.InputError, match="cannot be restored"):
            _ = stored.kernel


def test_the_commands(power, exponential, tmp_path):
    runner = CliRunner()
    for run in (power, exponential):
        picture = tmp_path / f"{run.path.parent.name}.png"
        told = runner.invoke(app, ["rates", str(run.path), "-o", str(picture)])
        assert told.exit_code == 0, told.output
        assert "measured" in told.output
        assert "certificate" in told.output
        assert picture.stat().st_size > 10_000
        facts = json.loads(runner.invoke(app, ["rates", str(run.path), "--json"]).stdout)
        assert facts["measured"] == rates(run).fit.exponent
    grid = gf.Grid((32, 32))
    coulomb = gf.Flow(grid, gf.Riesz(1), gf.uniform(grid))
    short = stored(tmp_path / "short", coulomb, gf.cosine(grid, 0.9), 0.1)
    told = runner.invoke(app, ["rates", str(short.path)])
    assert told.exit_code == 0, told.output
    said = " ".join(told.output.split())
    assert "the smallest density has not reached that of the target by t = 0.1; run on" in said
    assert "none: the law cannot be observed at any time of this run" in said
    assert "inf" not in said
    case = tmp_path / "c.toml"
    assert runner.invoke(app, ["new", "random1d", "-o", str(case)]).exit_code == 0
    told = runner.invoke(app, ["predict", str(case), "--tol", "1e-4", "--set", "kernel.s=3"])
    assert told.exit_code == 0, told.output
    assert "t^−2" in told.output
    facts = json.loads(runner.invoke(app, ["predict", str(case), "--json"]).stdout)
    assert facts["exponent"] == pytest.approx(3.0)
    assert facts["certified"] is None
    assert math.isfinite(facts["steps"])

"""Each violated law is caught and no other is blamed; honest runs pass; where no law holds the reason is given."""

import json
import math
import shutil

import numpy as np
import pytest

import gridflow as gf
from gridflow.decay.verdicts import LAWS, Verdict, verdicts
from gridflow.runtime import schema
from solvers import FiniteVolume, Spectral

NAMES = [law for law, _, _ in LAWS]


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    """A disc-shaped hole, s = 1 and ν ≡ 1: every law says something of it."""
    grid = gf.Grid((48, 48))
    path = tmp_path_factory.mktemp("verdicts") / "hole.run"
    solver = FiniteVolume(gf.Flow(grid, gf.Riesz(1), gf.uniform(grid)), tracer=gf.regions.ball(grid, 0.3))
    gf.run(solver, gf.ball_hole(grid, 0.3), 1.5, store=path, snapshots=gf.EveryTime(0.1))
    return path


def judged(run):
    return {verdict.law: verdict for verdict in verdicts(run)}


def test_an_honest_run_passes_all_laws(honest):
    found = judged(honest)
    assert list(found) == NAMES
    assert {law: verdict.outcome for law, verdict in found.items()} == dict.fromkeys(NAMES, "pass")
    assert json.loads(json.dumps([verdict.facts() for verdict in found.values()]))[0]["outcome"] == "pass"


def late(values, by):
    """The values, of which those from the fifth row on are changed."""
    return np.concatenate([values[:5], by(values[5:])])


FAULTS = {
    "mass": ({"mass": lambda c: late(c["mass"], lambda m: m * (1 + 1e-10))}, {"mass conserved"}),
    "sign": ({"min": lambda c: np.where(c["step"] == c["step"][4], -1e-300, c["min"])}, {"density ≥ 0"}),
    "rise": (
        {"energy": lambda c: np.where(c["step"] == c["step"][4], c["energy"][3] * (1 + 1e-10), c["energy"])},
        {"energy decreasing"},
    ),
    "hole": ({"hole_volume": lambda c: late(c["hole_volume"], lambda v: 1.3 * v)}, {"volume of the hole"}),
    "fast": ({"energy": lambda c: c["energy"] * np.exp(-0.5 * c["time"])}, {"rate of convergence"}),
    "slow": (
        {"energy": lambda c: c["energy"][0] * (1 - 1e-3 * c["time"])},
        {"rate of convergence", "certificate"},
    ),
    "nan": ({"mass": lambda c: late(c["mass"], lambda m: m * math.nan)}, {"mass conserved"}),
}
"""Changes of a column of an honest series, and the laws that are violated then."""


@pytest.mark.parametrize("fault", FAULTS)
def test_each_violated_law_is_caught_and_no_other_blamed(honest, tmp_path, fault):
    changes, violated = FAULTS[fault]
    path = tmp_path / "broken.run"
    shutil.copytree(honest, path)
    columns = schema.read_series(path / "series.h5")
    columns |= {name: change(columns) for name, change in changes.items()}
    schema.publish_hdf5(path / "series.h5", lambda file: schema.write_series(file, columns, "volume"))
    assert {law for law, verdict in judged(path).items() if verdict.outcome == "fail"} == violated


def test_in_one_dimension_the_rate_is_twice_the_density_of_the_target(tmp_path):
    """In 1-D the energy of a hole is E_0 exp(−2at) for ν ≡ a, whatever its width."""
    grid = gf.Grid((128,), (2.0,))
    flow = gf.Flow(grid, gf.Riesz(1), gf.uniform(grid, mass=3.0))
    gf.run(FiniteVolume(flow), gf.ball_hole(grid, 0.4, mass=3.0), 1.5, store=tmp_path / "line.run")
    rate = judged(tmp_path / "line.run")["rate of convergence"]
    assert (rate.relation, rate.outcome) == ("=", "pass")
    assert rate.expected == pytest.approx(3.0, rel=1e-3)
    assert rate.tolerance < 0.1


def test_a_law_that_says_nothing_gives_its_reason(tmp_path):
    grid = gf.Grid((16, 16))
    grows = gf.Flow(grid, gf.Riesz(2), gf.uniform(grid), growth=1.0)
    gf.run(Spectral(grows), gf.cosine(grid), 0.5, store=tmp_path / "grows.run")
    found = judged(tmp_path / "grows.run")
    assert {law for law, verdict in found.items() if verdict.outcome == "pass"} == {"energy decreasing"}
    reasons = {law: found[law].reason for law in NAMES if found[law].outcome == "not applicable"}
    assert "with growth the mass changes" in reasons["mass conserved"]
    assert "trigonometric polynomial" in reasons["density ≥ 0"]
    assert reasons["volume of the hole"] == "no hole"
    assert "without growth" in reasons["certificate"]
    assert "without growth" in reasons["rate of convergence"]


def test_a_verdict_is_one_sided_where_its_law_is():
    def outcome(relation, measured):
        return Verdict("a", "b", relation, 1.0, measured, 0.1).outcome

    assert [outcome("≤", x) for x in (-5.0, 1.05, 1.15, math.nan)] == ["pass", "pass", "fail", "fail"]
    assert [outcome("≥", x) for x in (5.0, 0.95, 0.85)] == ["pass", "pass", "fail"]
    assert [outcome("=", x) for x in (0.85, 0.95, 1.15)] == ["fail", "pass", "fail"]

"""What solvers declare of themselves, against what they do."""

import numpy as np
import pytest

import gridflow as gf
import solvers
from gridflow.equation.contract import DENSITY, Representation
from gridflow.runtime.manifests import representation

CIRCLE = gf.Circle(32)
FLOW = gf.Flow(CIRCLE, gf.ReLU(), gf.uniform(CIRCLE), 2.0)
SPHERE = gf.SphereGrid((8, 16))
ON_SPHERE = gf.SphereFlow(SPHERE, gf.ReLU(), gf.uniform(SPHERE), 2.0)
MADE = {
    "cells": lambda: solvers.FiniteVolume(FLOW),
    "cells of both signs": lambda: solvers.FiniteVolume(FLOW, negative=gf.uniform(CIRCLE)),
    "rings": lambda: solvers.SphereFiniteVolume(ON_SPHERE),
    "rings of both signs": lambda: solvers.SphereFiniteVolume(ON_SPHERE, negative=gf.uniform(SPHERE)),
    "modes": lambda: solvers.Spectral(FLOW),
    "particles": lambda: solvers.Particles(FLOW, np.array([1.0, 2.0, 4.0])),
    "neurons": lambda: solvers.Network(FLOW, gf.network_from_measure(CIRCLE, gf.uniform(CIRCLE), 5)),
}
FOLLOW_ERRORS = ("particles", "neurons")


@pytest.mark.parametrize("name", MADE)
def test_a_state_holds_what_the_solver_declares(name):
    solver = MADE[name]()
    state = solver.initialize(gf.cosine(CIRCLE, 0.1) if solver.flow is FLOW else gf.uniform(SPHERE))
    declared = solver.representation
    assert set(declared.arrays) == set(state.arrays)
    assert declared.on_grid == (DENSITY in state.arrays)
    assert declared.signed == name.endswith("of both signs")


@pytest.mark.parametrize("name", MADE)
def test_the_steps_along_a_decay_begin_with_the_next_one(name):
    """Exponential steps are not tried at once, so that of the default solver the first may be longer."""
    solver = MADE[name]()
    state = solver.initialize(
        gf.cosine(CIRCLE, 0.5) if solver.flow is FLOW else gf.sphere_densities.harmonic(SPHERE, 2)
    )
    facts = solver.diagnose(state)
    times = np.full(3, 2 * facts["energy"] / facts["dissipation"])
    steps = solver.longest_steps(state, np.array([1.0, 2.0, 4.0]), times)
    if name in FOLLOW_ERRORS:
        assert steps is None
        return
    assert steps.shape == (3,)
    assert (np.diff(steps) >= 0).all()
    assert steps[0] >= solver.stable_dt(state) * (1 - 1e-9)


def test_runs_of_before_are_read_by_their_solvers_names():
    kinds = {"FiniteVolume": "cells", "Spectral": "modes", "Particles": "particles", "Network": "neurons"}
    for solver, kind in kinds.items():
        assert representation({"solver": {"solver": solver}}) == Representation(kind)
    for solver in ("SignedFiniteVolume", "SphereFiniteVolume"):
        found = representation({"solver": {"solver": solver, "negative_sha256": "0"}})
        assert found == Representation("cells", signed=True)
    assert representation({"solver": {}, "representation": {"kind": "modes", "signed": False}}).kind == "modes"

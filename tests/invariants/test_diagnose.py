"""What a solver tells of a state: the numbers that the definitions give, without a trace in what follows."""

import math

import numpy as np
import pytest

import gridflow as gf
from solvers import FiniteVolume

SHAPES = ((32,), (16, 20), (8, 9, 10))
OPTIONS = (
    {},
    {"reconstruction": "weno5", "integrator": "ssprk2"},
    {"reconstruction": "muscl"},
    {"reconstruction": "upwind", "integrator": "euler"},
)
IN_TWO_DIMENSIONS = (
    {"velocity": "difference"},
    {"reconstruction": "muscl", "velocity": "spectral"},
    {"dtype": "float32"},
    {"reconstruction": "muscl", "dtype": "float32"},
)
"""What compiles loops of its own for up to half a minute, and knows nothing of the number of dimensions."""
TABLE = [(shape, options) for shape in SHAPES for options in OPTIONS]
TABLE += [(SHAPES[1], options) for options in IN_TWO_DIMENSIONS]


def solver(shape, options, growth=0.0):
    grid = gf.Grid(shape, (1.0, 1.3, 0.7)[: len(shape)])
    flow = gf.Flow(grid, gf.Riesz(1.0), gf.cosine(grid, 0.3), growth)
    return FiniteVolume(flow, **options), gf.ball_hole(grid, 0.2)


@pytest.mark.parametrize(("shape", "options"), TABLE, ids=str)
@pytest.mark.parametrize("growth", [0.0, 1.0])
def test_the_numbers_are_those_of_the_definitions(shape, options, growth):
    advanced, start = solver(shape, options, growth)
    state = advanced.initialize(start)
    for steps in (0, 1, 3):
        for _ in range(steps):
            advanced.step(state, math.inf)
        found, density = advanced.diagnose(state), advanced.density(state)
        chosen = set() if "integrator" in options else {"exponential_steps"}
        assert set(found) == {"mass", "min", "max", "energy", "dissipation"} | chosen
        assert all(type(value) is float for value in found.values())
        assert (found["min"], found["max"]) == (density.min(), density.max())
        assert found["mass"] == pytest.approx(gf.diagnostics.mass(advanced.flow.grid, density), rel=1e-13)
        fresh, _ = solver(shape, options, growth)
        again = fresh.restore(state)
        allowed = 1e-4 if options.get("dtype") == "float32" else 1e-10
        assert found["energy"] == pytest.approx(advanced.flow.energy(density), rel=allowed)
        assert found["dissipation"] == pytest.approx(fresh.dissipation(again), rel=allowed)


@pytest.mark.parametrize(("shape", "options"), TABLE, ids=str)
def test_looking_changes_nothing(shape, options):
    """Step by step the same bits, and the same numbers from a state that was read back as from one that was reached."""
    watched, start = solver(shape, options)
    plain, _ = solver(shape, options)
    seen, unseen = watched.initialize(start), plain.initialize(start)
    for _ in range(4):
        first, again = watched.diagnose(seen), watched.diagnose(seen)
        assert first == again
        restored, _ = solver(shape, options)
        assert restored.diagnose(restored.restore(seen)) == first
        watched.step(seen, math.inf)
        plain.step(unseen, math.inf)
        assert (seen.dt, seen.time) == (unseen.dt, unseen.time)
        assert np.array_equal(watched.density(seen), plain.density(unseen))

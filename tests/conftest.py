"""What tests share: grids, and compiled loops."""

import os

import pytest

import gridflow as gf
from gridflow.domains.torus import Grid
from solvers import FiniteVolume

TORI = (
    ((9,), (1.7,)),
    ((12,), (0.8,)),
    ((8, 11), (1.0, 0.6)),
    ((7, 10), (1.3, 2.0)),
    ((5, 6, 8), (1.0, 1.3, 0.7)),
    ((8, 6, 5), (0.9, 1.1, 1.0)),
)
"""Every dimension, even and odd, unequal numbers of cells and unequal periods."""
SPECTRAL = (
    *((dim, {}) for dim in (3, 2, 1)),
    (2, {"velocity": "difference"}),
    *((dim, {"reconstruction": "muscl", "velocity": "spectral"}) for dim in (2, 1)),
)
DIFFERENCE = (
    (2, {"dtype": "float32"}),
    (2, {"reconstruction": "muscl", "dtype": "float32"}),
    *((dim, {"reconstruction": name}) for dim in (3, 2, 1) for name in ("muscl", "upwind")),
    (2, {"reconstruction": "muscl", "limiter": "superbee"}),
)
FAMILIES = (SPECTRAL, DIFFERENCE)
"""Finite volumes that tests need, by dimension and options, in two families that take as long as each other to compile.

The members of a family have pieces in common, which one process compiles once. A loop takes from some seconds to half a
minute to compile, so tests do with these wherever they can: every scheme in every dimension with the velocity that it
has by default; the other velocity, single precision and a second limiter in two dimensions. `test_lines.py` has every
limiter by itself.
"""
MANY = 1000
"""Number of tests from which on all of them are certain to be needed."""


@pytest.fixture(scope="session", autouse=True)
def loops_compiled_once(request):
    """Share the compiling out to the workers of a long run, which would else compile the same loops at once."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers == 1 or len(request.session.items) < MANY:
        return
    first = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
    for family in FAMILIES[first::workers]:
        for dim, options in family:
            grid = gf.Grid((8,) * dim)
            FiniteVolume(gf.Flow(grid, gf.Riesz(1.0), gf.uniform(grid)), **options).compile()


@pytest.fixture(params=TORI, ids=lambda torus: "x".join(map(str, torus[0])))
def torus(request):
    return Grid(*request.param)

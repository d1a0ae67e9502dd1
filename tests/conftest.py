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
KINDS = [
    *((dim, options) for options in ({}, {"velocity": "difference"}) for dim in (3, 2, 1)),
    *((dim, {"reconstruction": "muscl"}) for dim in (3, 2, 1)),
    *((dim, {"reconstruction": "upwind"}) for dim in (3, 2, 1)),
    *((dim, {"reconstruction": "muscl", "velocity": "spectral"}) for dim in (3, 2, 1)),
    *((2, {"reconstruction": "muscl", "limiter": limiter}) for limiter in ("superbee", "mc", "minmod")),
    *((2, {"dtype": "float32"} | options) for options in ({}, {"velocity": "difference"}, {"reconstruction": "muscl"})),
]
"""Finite volumes whose loops many tests need, by dimension and options; each takes up to half a minute to compile."""
MANY = 1000
"""Number of tests from which on all of them are certain to be needed."""


@pytest.fixture(scope="session", autouse=True)
def loops_compiled_once(request):
    """Share the compiling out to the workers of a long run, which would else compile the same loops at once."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers == 1 or len(request.session.items) < MANY:
        return
    first = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
    for dim, options in KINDS[first::workers]:
        grid = gf.Grid((8,) * dim)
        FiniteVolume(gf.Flow(grid, gf.Riesz(1.0), gf.uniform(grid)), **options).compile()


@pytest.fixture(params=TORI, ids=lambda torus: "x".join(map(str, torus[0])))
def torus(request):
    return Grid(*request.param)

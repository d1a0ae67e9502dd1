"""Grids the unit tests share: every dimension, even and odd, unequal numbers of cells and unequal periods."""

import pytest

from gridflow.domains.torus import Grid

TORI = (
    ((9,), (1.7,)),
    ((12,), (0.8,)),
    ((8, 11), (1.0, 0.6)),
    ((7, 10), (1.3, 2.0)),
    ((5, 6, 8), (1.0, 1.3, 0.7)),
    ((8, 6, 5), (0.9, 1.1, 1.0)),
)


@pytest.fixture(params=TORI, ids=lambda torus: "x".join(map(str, torus[0])))
def torus(request):
    return Grid(*request.param)

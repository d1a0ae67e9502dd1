"""Clouds of particles on the torus."""

import numpy as np
import pytest

from gridflow.particles.clouds import wrap


def test_positions_on_either_side_of_the_torus_are_wrapped_onto_it():
    positions = np.array([[-0.25, 2.5], [1.25, -4.5], [0.5, 0.0], [-1e-20, 2.0]])
    wrap(positions, (1.0, 2.0))
    assert positions == pytest.approx(np.array([[0.75, 0.5], [0.25, 1.5], [0.5, 0.0], [0.0, 0.0]]))
    assert (positions >= 0).all()
    assert (positions < (1.0, 2.0)).all()

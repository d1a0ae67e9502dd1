"""Steps whose length follows from an estimate of their error."""

import math

import pytest

from gridflow.equation.contract import State
from solvers.stepping.adaptive import PROPOSAL, adapt
from solvers.stepping.schemes import ETDRK4, RK45


@pytest.mark.parametrize("scheme", [RK45, ETDRK4], ids=lambda scheme: scheme.name)
@pytest.mark.parametrize("tolerance", [1e-3, 1e-9])
def test_only_a_step_that_meets_the_tolerance_is_taken(scheme, tolerance):
    """The error of a step is dt to the power that the scheme knows of: one more attempt is enough, a tenth short."""
    tried = []

    def attempt(dt):
        tried.append(dt)
        return dt**scheme.error_order

    longest = tolerance ** (1 / scheme.error_order)
    state = State({})
    taken = adapt(state, math.inf, 3 * longest, attempt, scheme, tolerance)
    assert tried == pytest.approx([3 * longest, 0.9 * longest])
    assert taken == tried[-1]
    assert state.control[PROPOSAL] == pytest.approx(0.9 * longest)


def test_a_step_that_cannot_be_taken_is_none():
    assert adapt(State({}), math.inf, 1.0, lambda _: None, RK45, 1e-3) is None
    assert adapt(State({}), math.inf, 1.0, lambda _: 1.0, RK45, 1e-3, least=0.5) is None

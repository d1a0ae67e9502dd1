"""Runge–Kutta tables: their order, their convexity, their polynomial; and the choice of a step."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from gridflow.errors import InputError
from gridflow.measures.diagnostics import fitted_order
from solvers.stepping.bounds import fit
from solvers.stepping.schemes import EMBEDDED, of_integrator
from solvers.stepping.schemes import EXPLICIT as SCHEMES

EPS = np.finfo(float).eps


def step(table, rate, y, dt):
    """y_i = α_i y_0 + (1 − α_i) (y_{i−1} + Δt L(y_{i−1}))."""
    start = y
    for blend in table.blend:
        y = blend * start + (1 - blend) * (y + dt * rate(y))
    return y


def solution(table, rate, y, end, steps):
    for _ in range(steps):
        y = step(table, rate, y, end / steps)
    return y


def stability_polynomial(table):
    """P(z) of y ↦ P(−z) y for y' = −rate y and z = rate Δt, from the table."""
    z = np.poly1d([1.0, 0.0])
    return step(table, lambda p: -1.0 * p, np.poly1d([1.0]), z)


@pytest.fixture(params=SCHEMES)
def table(request):
    return SCHEMES[request.param]


def slope_error(order, steps):
    """The next term of the error is Δt relative, with a constant of order 1: the slope bends by about 2 Δt."""
    return 2 / steps[0] + 0.01 * order


def test_order_on_a_linear_equation(table):
    steps = np.array([20, 40, 80, 160])
    errors = [solution(table, lambda y: -y, 1.0, 1.0, n) - math.exp(-1) for n in steps]
    assert fitted_order(1 / steps, errors) == pytest.approx(table.order, abs=slope_error(table.order, steps))


def test_order_on_the_logistic_equation(table):
    """y' = −y (y − 1), the density along a characteristic of the Coulomb flow."""
    steps = np.array([40, 80, 160, 320])
    exact = 2.5 / (2.5 - 1.5 * math.exp(-1))
    errors = [solution(table, lambda y: -y * (y - 1), 2.5, 1.0, n) - exact for n in steps]
    # the largest rate is 4: Δt counts four-fold
    assert fitted_order(1 / steps, errors) == pytest.approx(table.order, abs=slope_error(table.order, steps / 4))


def test_order_on_a_system(table):
    """A pendulum with friction, where derivatives of the rate do not commute; the reference is integrated to 1e-12."""

    def rate(y):
        return np.array([y[1], -np.sin(y[0]) - 0.3 * y[1] ** 2])

    start = np.array([1.0, 0.5])
    reference = solve_ivp(lambda _, y: rate(y), (0, 2), start, rtol=1e-12, atol=1e-14, method="DOP853").y[:, -1]
    steps = np.array([40, 80, 160, 320])
    errors = [np.linalg.norm(solution(table, rate, start, 2.0, n) - reference) for n in steps]
    # Δt = 2 / n
    assert fitted_order(1 / steps, errors) == pytest.approx(table.order, abs=slope_error(table.order, steps / 2))


def test_tables_are_convex_combinations(table):
    """Shu and Osher's form with SSP coefficient 1: weights in [0, 1], and the first stage is forward Euler."""
    assert all(0 <= blend < 1 for blend in table.blend)
    assert table.blend[0] == 0
    assert len(table.blend) == table.order


def test_stability_polynomial_is_the_truncated_exponential(table):
    """p stages of order p leave no choice: P(−z) = Σ_{k ≤ p} (−z)^k/k!."""
    expected = [(-1) ** k / math.factorial(k) for k in range(table.order, -1, -1)]
    # a few products of weights such as ⅓
    assert stability_polynomial(table).coeffs == pytest.approx(expected, rel=8 * EPS)


def test_positivity_under_the_euler_bound(table):
    """Exchange between six boxes: what forward Euler keeps ≥ 0 for Δt · rate ≤ 1, every scheme keeps."""
    rng = np.random.default_rng(0)
    matrix = rng.random((6, 6))
    matrix /= matrix.sum(0)  # columns add up to 1: forward Euler with Δt ≤ 1 of M − I is a convex combination

    def rate(y):
        return matrix @ y - y

    y = np.array([1.0, 0, 0, 0, 0, 0])
    for _ in range(20):
        y = step(table, rate, y, 1.0)
        assert y.min() >= 0
        assert y.sum() == pytest.approx(1, rel=64 * EPS)  # mass, up to the rounding of 20 steps of 6 numbers


@pytest.mark.parametrize("tolerance", [1e-2, 1e-3, 1e-4, 1e-6])
def test_resolved_decay_is_right_to_its_tolerance(table, tolerance):
    """Per e-folding, 1/z steps: |log P(−z) + z| / z is the tolerance, up to the next term, z relative."""
    z = table.resolved_decay(tolerance)
    factor = stability_polynomial(table)(z)
    error = abs(math.log(factor) + z) / z
    # the remainder of e^{−z} is z^{p+1}/(p+1)! (1 − z/(p+2) + …), and the logarithm divides by e^{−z} = 1 − z + …
    assert error == pytest.approx(tolerance, rel=1.5 * z + 64 * EPS / (z * tolerance))
    # and per step, e^{−z} itself: an alternating series errs by less than its first term left out
    assert abs(factor - math.exp(-z)) <= z * tolerance + 4 * EPS


def test_resolved_decay_grows_with_the_tolerance(table):
    decays = [table.resolved_decay(tolerance) for tolerance in (1e-8, 1e-6, 1e-4, 1e-2)]
    assert decays == sorted(decays)
    # a tolerance of z^p/(p+1)!: a hundred-fold of it allows 100^{1/p} times the step
    assert np.array(decays[1:]) / decays[:-1] == pytest.approx(100 ** (1 / table.order), rel=1e-14)


def test_schemes_are_found_by_name():
    for name, order in (("euler", 1), ("ssprk2", 2), ("ssprk3", 3)):
        explicit, exponential = of_integrator(name)
        assert (explicit.name, explicit.order, exponential) == (name, order, None)
    for name, order in (("auto", 4), ("etdrk2", 2), ("etdrk4", 4)):
        explicit, exponential = of_integrator(name)
        assert (explicit.name, exponential.order) == ("ssprk3", order)
    with pytest.raises(InputError, match=r'"rk4": allowed are auto, euler, ssprk2, ssprk3, etdrk2, etdrk4'):
        of_integrator("rk4")


# the choice of a step


def test_fit_lands_halves_or_goes_on():
    assert fit(0.5, 1.0, 1.25) == 0.25  # dt reaches: exactly what remains
    assert fit(0.25, 1.0, 1.25) == 0.25
    assert fit(0.2, 1.0, 1.25) == 0.125  # a second step would be a sliver: two halves
    assert fit(0.125, 1.0, 1.25) == 0.125
    assert fit(0.1, 1.0, 1.25) == 0.1
    assert fit(0.1, 1.0, math.inf) == 0.1
    assert fit(math.inf, 1.0, 3.0) == 2.0


@settings(max_examples=300, deadline=None)
@given(dt=st.floats(1e-6, 1e3), time=st.floats(0, 1e3), remaining=st.floats(1e-6, 1e3))
def test_fit_never_exceeds_and_never_leaves_a_sliver(dt, time, remaining):
    until = time + remaining
    if until == time:
        return
    taken = fit(dt, time, until)
    assert 0 < taken <= dt
    assert taken <= until - time
    left = until - time - taken
    assert left == 0 or left >= taken  # the step after is no shorter than this one
    assert taken >= min(dt, until - time) / 2


@settings(max_examples=100, deadline=None)
@given(dt=st.floats(1e-2, 10), until=st.floats(1e-2, 10))
def test_fitted_steps_are_as_few_as_halving_allows(dt, until):
    """⌈T/Δt⌉ steps, and one more where the last two are halves."""
    time, steps = 0.0, 0
    while time < until:
        taken = fit(dt, time, until)
        time = until if taken == until - time else time + taken
        steps += 1
    # adding Δt up to a thousand times rounds by ε of the time: a quotient that close to a whole number may tip
    assert until / dt * (1 - 1e-12) <= steps <= math.ceil(until / dt * (1 + 1e-12)) + 1


@pytest.mark.parametrize("scheme", EMBEDDED.values(), ids=lambda scheme: scheme.name)
def test_the_estimate_of_an_embedded_scheme_is_of_its_order(scheme):
    """Weights of the error times powers of the nodes vanish up to one below the order of the estimate."""
    nodes = np.array([0.0, *(sum(row) for row in scheme.stages)])
    moments = [abs(np.array(scheme.error) @ nodes**power) for power in range(scheme.error_order)]
    assert max(moments[:-1]) < 1e-15
    assert moments[-1] > 1e-4

"""Exponential Runge–Kutta schemes: the functions φ, and the coefficient tables by themselves."""

import math
from fractions import Fraction

import numpy as np
import pytest
from compiled import from_python
from scipy.integrate import solve_ivp

from gridflow.measures.diagnostics import fitted_order
from solvers.loops import exponential
from solvers.stepping.schemes import EXPONENTIAL

EPS = np.finfo(float).eps
phi, doubled = from_python(exponential.phi), from_python(exponential.doubled)


def contour_phi(z, points=64):
    """φ_1, φ_2, φ_3 as means over a circle of radius 2 around z, which converge geometrically.

    Kassam and Trefethen, SIAM J. Sci. Comput. 26 (2005) 1214. The circle must keep away from 0, where the quotients
    that are averaged cancel.
    """
    around = np.asarray(z, dtype=complex)[..., None] + 2 * np.exp(2j * np.pi * (np.arange(points) + 0.5) / points)
    first = (np.exp(around) - 1) / around
    second = (first - 1) / around
    return tuple(value.mean(-1).real for value in (first, second, (second - 0.5) / around))


@pytest.mark.parametrize("z", [0.0, -1e-300, -1e-12, -1e-3, -0.3, -0.999999, -1.0, -1.000001, -3.0, -30.0, -1e3])
def test_phi_by_a_contour(z):
    """Means of numbers below e^2 on the circle, divided by at most a distance of ½ three times: tens of roundings."""
    assert phi(z) == pytest.approx(contour_phi(z), rel=0, abs=100 * EPS)


@pytest.mark.parametrize("z", [-1e-8, -0.5, -0.99, -1.01, -2.0, -7.0, -40.0])
def test_phi_relative_to_itself(z):
    """Against the series Σ_j z^j / (j + l)! in fractions, which do not cancel."""
    exact = [float(sum(Fraction(z) ** j / math.factorial(j + order) for j in range(250))) for order in (1, 2, 3)]
    # beyond |z| = 1 each φ is a difference that loses at most a bit
    assert phi(z) == pytest.approx(exact, rel=16 * EPS)


@pytest.mark.parametrize("z", [0.0, -1e-9, -0.2, -0.6, -1.3, -8.0, -200.0])
def test_phi_of_twice_the_argument(z):
    """The doubling formula has terms of one sign: a few roundings."""
    assert doubled(z, *phi(z)) == pytest.approx(phi(2 * z), rel=32 * EPS)


@pytest.fixture(params=EXPONENTIAL)
def table(request):
    return EXPONENTIAL[request.param]


def combined(weights, functions):
    return sum(weight * function for weight, function in zip(weights, functions, strict=True))


def step(table, linear, remainder, u, dt):
    """A step for ``u' = linear · u + remainder(u)`` as the tables' documentation says, and its error estimate."""
    z = linear * dt
    start, differences, tendency = remainder(u), [], linear * u + remainder(u)
    for c, weights in zip(table.nodes, table.weights, strict=True):
        functions = contour_phi(c * z)
        increment = c * functions[0] * tendency
        for weight, difference in zip(weights, differences, strict=True):
            increment = increment + combined(weight, functions) * difference
        reached = u + dt * increment
        differences.append(remainder(reached) - start)
    functions = contour_phi(z)
    error = sum(combined(weight, functions) * each for weight, each in zip(table.error, differences, strict=True))
    return reached, dt * error


LINEAR = np.array([-40.0, -3.0, 0.0])


def remainder(u):
    return np.array([np.sin(u[1]) + u[2] ** 2, u[0] * u[2] - 0.2 * u[1] ** 2, np.cos(u[0]) - u[1] * u[2]])


START = np.array([0.1, 1.0, 0.5])


def test_order_with_a_stiff_linear_part(table):
    exact = solve_ivp(lambda _, u: LINEAR * u + remainder(u), (0, 2), START, rtol=1e-13, atol=1e-14, method="Radau").y[
        :, -1
    ]
    steps, errors = np.array([80, 160, 320]), []
    for n in steps:
        u = START
        for _ in range(n):
            u, _ = step(table, LINEAR, remainder, u, 2 / n)
        errors.append(np.linalg.norm(u - exact))
    # the leading term plus one Δt times as large, Δt ≤ 2/80 times rates of some units: a tenth of an order or two
    assert fitted_order(1 / steps, errors) == pytest.approx(table.order, abs=0.3)


def test_the_estimate_is_the_error_of_the_embedded_scheme(table):
    """It is O(Δt^q) with the q that the step controller goes by; the step itself is right to more than that."""
    steps, estimates, errors = np.array([100, 200, 400]), [], []
    for n in steps:
        dt = 1 / n
        u, estimate = step(table, LINEAR, remainder, START, dt)
        exact = solve_ivp(
            lambda _, v: LINEAR * v + remainder(v), (0, dt), START, rtol=1e-13, atol=1e-15, method="Radau"
        ).y[:, -1]
        estimates.append(np.linalg.norm(estimate))
        errors.append(np.linalg.norm(u - exact))
    # twice the order of magnitude Δt · 40 = 0.4 of the stiff mode still bends the line
    assert fitted_order(1 / steps, estimates) == pytest.approx(table.error_order, abs=0.4)
    shares = np.array(errors) / estimates
    assert (np.diff(shares) < 0).all()
    assert shares[-1] < 1


def test_linear_equations_are_solved_exactly(table):
    u, error = step(table, LINEAR, lambda u: 0 * u, START, 1.0)
    assert u == pytest.approx(START * np.exp(LINEAR), abs=100 * EPS)
    assert abs(error).max() == 0


@pytest.mark.parametrize("delta", [-1.0, -0.8, -0.3, 0.0, 0.3, 0.6])
def test_stiff_modes_that_are_faster_than_the_linear_part(delta):
    """As Δt → ∞ the fourth-order scheme multiplies a mode of rate (1 + δ) by 4δ⁴ + 2δ³ − δ², at most 1 for δ ≤ 0.6."""
    rate = 1e9
    factor, _ = step(EXPONENTIAL["etdrk4"], np.array([-rate]), lambda u: -delta * rate * u, np.array([1.0]), 1.0)
    assert factor[0] == pytest.approx(4 * delta**4 + 2 * delta**3 - delta**2, abs=1e-6)  # the next term is O(1 / rate)
    assert abs(factor[0]) <= 1


def test_a_step_is_tried_again_a_tenth_short(table):
    again = table.next_step(1.0, 1e-3 * 2**table.error_order, 1e-3)
    assert again == pytest.approx(0.45)
    assert table.next_step(2.0, 0.0, 1e-3) == 6.0
    assert table.next_step(2.0, 1e9, 1e-3) == pytest.approx(0.4)

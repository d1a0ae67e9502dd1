"""Formulas: what they mean, and that nothing but arithmetic gets through."""

import math

import numpy as np
import pytest

from gridflow.compute.expressions import MOST_NESTED, parse
from gridflow.errors import InputError

X, Y = np.array([-1.5, 0.25, 0.5, 3.0]), np.array([0.5, 0.25, -2.0, 7.0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-x**2", -(X**2)),
        ("2**-x", 2.0**-X),
        ("x/y/2", X / Y / 2),
        ("x - y - 1 + 7 % 4 // 2 * 3", X - Y - 1 + 3),
        ("(x > y) + (x == y)", (Y < X) + 1.0 * (X == Y)),
        ("0 <= x < 1", ((X >= 0) & (X < 1)) * 1.0),
        ("x > 0 and y > 0 or not x", ((X > 0) & (Y > 0)) * 1.0),
        ("not x > 0", (X <= 0) * 1.0),
        ("where(x < 0, y, max(x, y, 1))", np.where(X < 0, Y, np.maximum(np.maximum(X, Y), 1))),
        ("min(x, y) * hypot(3, 4) + atan2(1, 1) - pi/4", np.minimum(X, Y) * 5),
        ("log(exp(x)) + sign(y) * floor(abs(x)) + tanh(0) + e - e", X + np.sign(Y) * np.floor(abs(X))),
        ("sqrt(\n    4.0e0\n)", np.full(4, 2.0)),
    ],
)
def test_a_formula_means_what_it_says(text, expected):
    found = parse(text, ("x", "y"))(x=X, y=Y)
    assert found.dtype == np.float64
    # a handful of roundings of numbers below 9
    assert np.broadcast_to(found, 4) == pytest.approx(expected, rel=0, abs=64 * np.finfo(float).eps)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ("empty",)),
        ("__import__('os').system('true')", ('character "\'"',)),
        ("x.real", ('"x.real"', "not allowed")),
        ("x[0]", ("character '['",)),
        ("(lambda: x)()", ("character ':'",)),
        ("𝐬𝐢𝐧(x)", ("character",)),  # Python reads these letters as sin
        ("eval(x)", ('"eval"', "the functions are abs", "where")),
        ("sen(x)", ('did you mean "sin"?',)),
        ("z + 1", ('"z"', "the names are x, y, pi, e")),
        ("sin", ("write sin(",)),
        ("atan2(x)", ("atan2 takes 2 arguments",)),
        ("max(x)", ("max takes 2 or more arguments",)),
        ("sqrt(x, out=y)", ("sqrt takes 1 argument",)),
        ("sin(*x)", ('"*x"', "not allowed")),
        ("x^2", ("character '^'", "write **")),
        ("x > 0 & y > 0", ("character '&'", "write and")),
        ("x if y else 1", ('"x if y else 1"',)),
        ("x is y", ("< <= > >= == !=",)),
        ("True", ('"True"', "real number")),
        ("2j*x", ('"2j"', "real number")),
        ("9**9**9**9", ("an exponent is at most 100",)),
        ("x**(50*3)", ("an exponent is at most 100",)),
        ("1e999", ("too large",)),
        ("1or x", ("is not a formula",)),
        ("sin(x", ("is not a formula", "never closed")),
        ("x;y", ("character ';'",)),
        ("(" * 900, ("is not a formula",)),
        ("-" * 900 + "x", (f"more than {MOST_NESTED} levels",)),
        ("x+" * 1500, ("3000 characters", "at most 2000")),
    ],
)
def test_every_other_piece_is_named_in_one_line(text, words):
    with pytest.raises(InputError) as error:
        parse(text, ("x", "y"))
    message = str(error.value)
    assert all(word in message for word in words)
    assert "\n" not in message
    assert len(message) < 300


def test_the_deepest_formula_that_is_read_can_be_evaluated():
    assert float(parse("abs(" * 149 + "x" + ")" * 149, ("x",))(x=-2.0)) == 2.0


def test_what_has_no_value_is_nan_and_warns_nobody():
    assert math.isnan(float(parse("log(x) + 1/(1 + x)", ("x",))(x=-1.0)))

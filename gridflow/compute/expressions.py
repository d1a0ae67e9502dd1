"""Formulas of case files: text such as ``1 + 0.5*sin(2*pi*x)`` as a function of arrays.

Text is never run as Python. Python's grammar only splits it into nodes, and each kind of node that is allowed here has
a rule that makes a function of arrays of it; every other piece is refused by name. All numbers are float64, so that no
power can grow beyond them. A comparison is 1 where it is true and 0 elsewhere.
"""

import ast
import difflib
import math
import operator
import re
import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gridflow.errors import InputError

Values = Mapping[str, np.ndarray | float]
"""Values of the variables, arrays that broadcast against each other."""
Rule = Callable[[Values], Any]
MOST_CHARACTERS = 2000
MOST_NESTED = 150
LARGEST_EXPONENT = 100.0
CONSTANTS = {"pi": math.pi, "e": math.e}
_ALLOWED = re.compile(r"[A-Za-z0-9_ .,+\-*/%()<>=!]*")
_HINTS = {"^": "write ** for a power", "&": "write and", "|": "write or", "~": "write not"}


@dataclass(frozen=True)
class Formula:
    """A formula, made by :func:`parse`.

    Attributes
    ----------
    text
        The formula as it was written.
    evaluate
        Function of the values of the variables by name; returns float64, broadcast from them.
    """

    text: str
    evaluate: Callable[[Values], np.ndarray]

    def __call__(self, **values: np.ndarray | float) -> np.ndarray:
        """Values of the formula at given values of its variables."""
        return self.evaluate(values)


def parse(text: str, variables: Collection[str]) -> Formula:
    """Read a formula.

    Allowed are numbers, the variables, ``pi`` and ``e``; ``+ - * / // % **`` and brackets; comparisons, which may be
    chained, with ``and``, ``or`` and ``not``; and the functions of :data:`FUNCTIONS`.

    Parameters
    ----------
    text
        The formula, at most 2000 characters and 150 levels of nesting.
    variables
        Names that may occur beside ``pi`` and ``e``.

    Returns
    -------
    Formula
        The formula as a function of the variables.

    Raises
    ------
    InputError
        If it is no text, or a piece of it is not allowed; the message names the piece and what is allowed.
    """
    if not isinstance(text, str):
        raise InputError(f"the formula {text!r} is no text")
    text = " ".join(text.split())
    if not text:
        raise InputError("the formula is empty")
    if len(text) > MOST_CHARACTERS:
        raise InputError(f"the formula has {len(text)} characters; at most {MOST_CHARACTERS} are allowed")
    strange = _ALLOWED.sub("", text)
    if strange:
        hint = _HINTS.get(strange[0], "allowed are numbers, names, + - * / // % ** ( ) , and comparisons")
        raise InputError(f"character {strange[0]!r} in the formula {_short(text)}: {hint}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # such as "1or x", which Python reads with a warning
            tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else "it is nested too deeply or has too long a number"
        raise InputError(f"{_short(text)} is not a formula: {reason}") from None
    run = _Reader(text, frozenset(variables)).read(tree.body, 1)

    def evaluate(values: Values) -> np.ndarray:
        with np.errstate(all="ignore"):  # what is not finite is refused with the density
            return np.asarray(run(values), dtype=float)

    return Formula(text, evaluate)


@dataclass(frozen=True)
class _Reader:
    """Turns the nodes of one formula into functions of the values of its variables."""

    text: str
    variables: frozenset[str]

    def read(self, node: ast.expr, depth: int) -> Rule:
        """The function for a node; InputError, which names the piece, if it is not allowed."""
        if depth > MOST_NESTED:
            raise InputError(f"the formula {_short(self.text)} is nested more than {MOST_NESTED} levels deep")
        rule = _RULES.get(type(node))
        if rule is None:
            raise self.refused(node, "allowed are numbers, names, arithmetic, comparisons, and, or, not, and functions")
        return rule(self, node, depth + 1)

    def refused(self, node: ast.AST, allowed: str) -> InputError:
        """The error for a piece that is not allowed."""
        piece = ast.get_source_segment(self.text, node) or type(node).__name__
        return InputError(f"{_short(piece)} in the formula {_short(self.text)} is not allowed: {allowed}")

    def number(self, node: ast.Constant, depth: int) -> Rule:  # noqa: ARG002 - a rule
        """A number, as float64."""
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise self.refused(node, "a real number is needed")
        value = float(node.value) if abs(node.value) < 1e300 else math.inf
        if not math.isfinite(value):
            raise self.refused(node, "the number is too large")
        return lambda values: value  # noqa: ARG005 - a constant

    def name(self, node: ast.Name, depth: int) -> Rule:  # noqa: ARG002 - a rule
        """A variable or a constant."""
        name = node.id
        if name in self.variables:
            return lambda values: values[name]
        if name in CONSTANTS:
            return lambda values: CONSTANTS[name]  # noqa: ARG005 - a constant
        if name in FUNCTIONS:
            raise self.refused(node, f"it is a function; write {name}(…)")
        raise self.refused(node, _one_of("names", name, [*sorted(self.variables), *CONSTANTS]))

    def call(self, node: ast.Call, depth: int) -> Rule:
        """A function of :data:`FUNCTIONS`."""
        name = node.func.id if isinstance(node.func, ast.Name) else None
        if name is None or name not in FUNCTIONS:
            raise self.refused(node.func, _one_of("functions", name or "", sorted(FUNCTIONS)))
        function, least, most = FUNCTIONS[name]
        if node.keywords or not least <= len(node.args) <= most:
            count = f"{least} or more arguments" if most > least else f"{least} argument{'s' * (least > 1)}"
            raise self.refused(node, f"{name} takes {count}")
        arguments = [self.read(each, depth) for each in node.args]
        return lambda values: function(*(each(values) for each in arguments))

    def binary(self, node: ast.BinOp, depth: int) -> Rule:
        """An operation of two numbers."""
        operation = _BINARY.get(type(node.op))
        if operation is None:
            raise self.refused(node, "allowed are + - * / // % **")
        left, right = self.read(node.left, depth), self.read(node.right, depth)
        if isinstance(node.op, ast.Pow) and not any(isinstance(each, ast.Name) for each in ast.walk(node.right)):
            with np.errstate(all="ignore"):
                exponent = float(right({}))
            if not abs(exponent) <= LARGEST_EXPONENT:
                raise self.refused(node, f"an exponent is at most {LARGEST_EXPONENT:g} in size")
        return lambda values: operation(left(values), right(values))

    def unary(self, node: ast.UnaryOp, depth: int) -> Rule:
        """A sign, or ``not``."""
        operation = _UNARY.get(type(node.op))
        if operation is None:
            raise self.refused(node, "allowed are + - and not")
        operand = self.read(node.operand, depth)
        return lambda values: operation(operand(values))

    def compared(self, node: ast.Compare, depth: int) -> Rule:
        """A chain of comparisons, all of which hold."""
        comparisons = [_COMPARED.get(type(each)) for each in node.ops]
        if None in comparisons:
            raise self.refused(node, "allowed are < <= > >= == !=")
        terms = [self.read(each, depth) for each in (node.left, *node.comparators)]

        def holds(values: Values) -> Any:
            found = [term(values) for term in terms]
            links = zip(comparisons, found[:-1], found[1:], strict=True)
            return _all(*(compare(a, b) for compare, a, b in links if compare is not None))

        return holds

    def logical(self, node: ast.BoolOp, depth: int) -> Rule:
        """``and`` or ``or``."""
        operation = _all if isinstance(node.op, ast.And) else _any
        terms = [self.read(each, depth) for each in node.values]
        return lambda values: operation(*(term(values) for term in terms))


_RULES: dict[type[ast.expr], Callable[[_Reader, Any, int], Rule]] = {
    ast.Constant: _Reader.number,
    ast.Name: _Reader.name,
    ast.Call: _Reader.call,
    ast.BinOp: _Reader.binary,
    ast.UnaryOp: _Reader.unary,
    ast.Compare: _Reader.compared,
    ast.BoolOp: _Reader.logical,
}
"""The kinds of nodes that a formula may have."""


def _all(*terms: Any) -> Any:
    """1 where every term is nonzero, else 0."""
    result: Any = 1.0
    for term in terms:
        result = result * (np.asarray(term) != 0)
    return result


def _any(*terms: Any) -> Any:
    """1 where some term is nonzero, else 0."""
    return 1.0 - _all(*(np.asarray(term) == 0 for term in terms))


def _smallest(*terms: Any) -> Any:
    result = terms[0]
    for term in terms[1:]:
        result = np.minimum(result, term)
    return result


def _largest(*terms: Any) -> Any:
    result = terms[0]
    for term in terms[1:]:
        result = np.maximum(result, term)
    return result


def _power(base: Any, exponent: Any) -> Any:
    return np.power(np.asarray(base, dtype=float), exponent)


def _where(condition: Any, yes: Any, no: Any) -> Any:
    return np.where(np.asarray(condition) != 0, yes, no)


_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.FloorDiv: np.floor_divide,
    ast.Mod: np.mod,
    ast.Pow: _power,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: np.negative,
    ast.UAdd: np.positive,
    ast.Not: lambda value: _all(np.asarray(value) == 0),
}
_COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_MANY = 100
FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int]] = {
    **{
        name: (getattr(np, name), 1, 1)
        for name in (
            "sin",
            "cos",
            "tan",
            "sinh",
            "cosh",
            "tanh",
            "exp",
            "log",
            "log10",
            "sqrt",
            "sign",
            "floor",
            "ceil",
        )
    },
    "abs": (np.abs, 1, 1),
    "asin": (np.arcsin, 1, 1),
    "acos": (np.arccos, 1, 1),
    "atan": (np.arctan, 1, 1),
    "atan2": (np.arctan2, 2, 2),
    "hypot": (np.hypot, 2, 2),
    "min": (_smallest, 2, _MANY),
    "max": (_largest, 2, _MANY),
    "where": (_where, 3, 3),
}
"""The functions of formulas by name, each with its least and its largest number of arguments."""


def _one_of(what: str, name: str, allowed: list[str]) -> str:
    close = difflib.get_close_matches(name, allowed, n=1)
    nearest = f'did you mean "{close[0]}"? ' if close else ""
    return f"{nearest}the {what} are {', '.join(allowed)}"


def _short(text: str) -> str:
    """Text in quotation marks, cut to a length that a line can hold."""
    return f'"{text}"' if len(text) <= 60 else f'"{text[:57]}…"'

"""Docstrings that list parameters list all of them, and none that there are not."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(p for package in ("gridflow", "solvers") for p in (ROOT / package).rglob("*.py"))
SECTION = re.compile(r"Parameters\n-+\n(.*?)(?:\n\n[A-Z][a-z]+\n-+\n|\Z)", re.DOTALL)


def arguments(function):
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    return [
        each.arg for each in [*named, given.vararg, given.kwarg] if each is not None and each.arg not in ("self", "cls")
    ]


def constructor(class_):
    """Arguments of ``__init__``, or the fields of a dataclass."""
    for each in class_.body:
        if isinstance(each, ast.FunctionDef) and each.name == "__init__":
            return arguments(each)
    fields = [each for each in class_.body if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)]
    return [each.target.id for each in fields if "ClassVar" not in ast.dump(each.annotation)]


def listed(docstring):
    found = SECTION.search(docstring)
    lines = found.group(1).splitlines() if found else []
    heads = [line.split(":")[0] for line in lines if line and not line.startswith(" ")]
    return {name.strip().lstrip("*") for head in heads for name in head.split(",")}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT).with_suffix("")))
def test_documented_parameters_are_those_there_are(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and (names := listed(ast.get_docstring(node) or "")):
            there = {*(constructor(node) if isinstance(node, ast.ClassDef) else arguments(node))}
            assert {name for name in there if not name.startswith("_")} <= names, f"{node.name} lacks {there - names}"
            assert not there or names <= there, f"{node.name} lists {names - there}"

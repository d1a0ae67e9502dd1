"""Docstrings list the parameters there are, say what is returned, and refer to what exists."""

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest

import gridflow as gf
import solvers

ROOT = Path(__file__).parents[2]
MODULES = sorted(p for package in ("gridflow", "solvers") for p in (ROOT / package).rglob("*.py"))
REFERENCE = re.compile(r":(?:attr|class|data|func|meth|mod):`~?([\w.]+)`")
PUBLIC = {
    f"{name}.{function.__name__}": function
    for package in (gf, solvers)
    for name in package.__all__
    for each in [getattr(package, name)]
    for function in (vars(each).values() if inspect.isclass(each) else [each])
    if inspect.isfunction(function) and not function.__name__.startswith("_")
}
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


def has(owner, names):
    """Whether an attribute of an attribute … is there, or is declared without a value."""
    first, *rest = names
    declared = not rest and first in getattr(owner, "__annotations__", {})
    return declared or (hasattr(owner, first) and (not rest or has(getattr(owner, first), rest)))


def refers(module, name):
    """Whether a name is found in a module, in one of its classes, or by importing all but its end."""
    names = name.split(".")
    if any(has(owner, names) for owner in (module, *filter(inspect.isclass, vars(module).values()))):
        return True
    for end in range(len(names), 0, -1):
        try:
            found = importlib.import_module(".".join(names[:end]))
        except ImportError:
            continue
        return end == len(names) or has(found, names[end:])
    return False


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT).with_suffix("")))
def test_references_resolve(path):
    code = path.read_text(encoding="utf-8")
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    assert [name for name in REFERENCE.findall(code) if not refers(module, name)] == []


def test_public_functions_say_what_they_return():
    assert len(PUBLIC) > 100
    for name, function in PUBLIC.items():
        documented = inspect.getdoc(function) or ""
        returned = inspect.signature(function).return_annotation
        if "Parameters\n---" in documented and returned not in (None, inspect.Signature.empty):
            assert "Returns\n---" in documented, name

"""Public functions with four or more parameters say what each of them is, and those that raise say when."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FEWEST = 4
# Their name and type say it all, everywhere.
EVIDENT = {"self", "cls", "con", "engine", "entity", "day", "project", "run_id"}
EVIDENT |= {"source", "segmentation", "segmentations"}
# Its methods are those of the protocol Engine, and documented there.
OF_A_PROTOCOL = ROOT / "pipelines" / "engine" / "on_duckdb.py"


def public_functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Each public function and method of the floors that others call, with the place where it stands."""
    for floor in ("pipelines", "resources"):
        for path in sorted((ROOT / floor).rglob("*.py")):
            if path == OF_A_PROTOCOL:
                continue
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for owner in [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]:
                if isinstance(owner, ast.ClassDef) and owner.name.startswith("_"):
                    continue
                for node in owner.body:
                    if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                        yield f"{path.relative_to(ROOT)}:{node.name}", node


def parameters(function: ast.FunctionDef) -> list[str]:
    found = function.args
    return [each.arg for each in (*found.posonlyargs, *found.args, *found.kwonlyargs)]


def documented(docstring: str) -> set[str]:
    """The names in the section `Parameters`: a line `a, b : meaning` each."""
    section = re.search(r"^Parameters\n-+\n(.*?)(?=^\w[\w ]*\n-+\n|\Z)", docstring, re.DOTALL | re.MULTILINE)
    lines = re.findall(r"^(\w[\w, ]*?) ?:", section[1], re.MULTILINE) if section else []
    return {name.strip() for line in lines for name in line.split(",")}


LONG = [
    pytest.param(function, id=place)
    for place, function in public_functions()
    if len([name for name in parameters(function) if name not in ("self", "cls")]) >= FEWEST
]


def raised(function: ast.FunctionDef) -> list[str]:
    """The faults that a function raises itself and does not catch."""
    caught = {
        inner
        for each in ast.walk(function)
        if isinstance(each, ast.Try) and each.handlers
        for statement in each.body
        for inner in ast.walk(statement)
    }
    raises = [each for each in ast.walk(function) if isinstance(each, ast.Raise) and each not in caught]
    names = [each.exc.func for each in raises if isinstance(each.exc, ast.Call)]
    return [name.id for name in names if isinstance(name, ast.Name) and name.id.endswith("Error")]


RAISING = [
    pytest.param(function, id=place)
    for place, function in public_functions()
    if raised(function) and ast.get_docstring(function)
]


@pytest.mark.parametrize("function", RAISING)
def test_a_function_that_raises_says_when(function: ast.FunctionDef) -> None:
    docstring = ast.get_docstring(function) or ""
    assert "\nRaises\n------\n" in docstring, (
        f"{function.name}: say in a section Raises when {raised(function)}"
    )


def test_there_are_such_functions() -> None:
    assert len(LONG) > 50 and len(RAISING) > 50


@pytest.mark.parametrize("function", LONG)
def test_every_parameter_that_is_not_evident_is_documented(function: ast.FunctionDef) -> None:
    docstring = ast.get_docstring(function) or ""
    missing = [
        name for name in parameters(function) if name not in EVIDENT and name not in documented(docstring)
    ]
    assert not missing, f"{function.name}: say in a section Parameters what {', '.join(missing)} is"


def test_a_function_that_documents_nothing_is_found() -> None:
    tree = ast.parse(
        '''def f(con, table, keep, sql):
    """Do it.

    Parameters
    ----------
    keep, sql : what stays.

    Raises
    ------
    table : no parameter.
    """'''
    )
    (function,) = tree.body
    assert isinstance(function, ast.FunctionDef)
    assert documented(ast.get_docstring(function) or "") == {"keep", "sql"}

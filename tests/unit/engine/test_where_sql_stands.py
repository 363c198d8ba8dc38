"""SQL that selects rows stands in files, where the lint reads it; a string holds three lines of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from pipelines.engine.files import ROOT

LINES = 3
ROOMS = ("pipelines", "assets", "resources", "lohko")
MODULES = [path for room in ROOMS for path in sorted((ROOT.parent / room).rglob("*.py"))]
# DuckDB also selects by a FROM alone.
SELECT = re.compile(r"\bselect\b|^\s*from\s+\S+\s+\S", re.IGNORECASE)


def long_selects(source: str) -> list[int]:
    """The lines where a string that selects rows begins and goes on over more than three lines."""
    return [
        node.lineno
        for node in strings(ast.parse(source))
        if (node.end_lineno or node.lineno) - node.lineno >= LINES and SELECT.search(text_of(node))
    ]


def strings(node: ast.AST) -> Iterator[ast.expr]:
    """The strings of a tree, each as a whole: f-strings, adjacent and added pieces. Docstrings are none."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue
        if is_string(child):
            yield child
        else:
            yield from strings(child)


def is_string(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return is_string(node.left) or is_string(node.right)
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def text_of(node: ast.AST) -> str:
    """The text of a string without what is put into it."""
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) for part in node.values)
    if isinstance(node, ast.BinOp):
        return text_of(node.left) + text_of(node.right)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else "{}"


def test_no_select_of_rows_stands_in_a_python_string_over_three_lines() -> None:
    found = {path: long_selects(path.read_text(encoding="utf-8")) for path in MODULES}
    assert len(MODULES) > 200
    assert {str(path.relative_to(ROOT.parent)): lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "written",
    [
        '"""\nselect a\nfrom t\n"""',
        'f"""\n    SELECT {a}\n    from {t}\n"""',
        '("select a"\n" from t"\n f" where {b}"\n " limit 1")',
        '"select a" + (\n " from t"\n " where b"\n " limit 1")',
        '"""from t\nwhere a\nqualify b\nlimit 1"""',
        'run(con, \n f"""insert into s\nselect a\nfrom t\nlimit 1""")',
    ],
)
def test_such_a_string_is_found_however_it_is_written(written: str) -> None:
    assert long_selects(f"x = {written}")


@pytest.mark.parametrize(
    "written",
    [
        'def f():\n    """Ask.\n\n    A select of\n    rows from it.\n    """',
        'x = """select a\nfrom t\nlimit 1"""',
        'x = ("from here on"\n" selection is"\n " left to"\n" whom it concerns")'.replace("from", "of"),
        'x = """create table t (\n a int,\n b int,\n c int\n)"""',
    ],
)
def test_docstrings_short_strings_and_definitions_of_tables_are_let_through(written: str) -> None:
    assert long_selects(written) == []

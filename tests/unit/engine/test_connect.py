"""No name of a user's is looked up among the variables of Python."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from pipelines.engine import columns_of, connect, relation_exists, transaction
from pipelines.engine.files import ROOT

REPOSITORY = ROOT.parent
# Analysts open the published file with a plain connection, and so does the lock's test in its own process.
CODE = [
    path for path in REPOSITORY.rglob("*.py") if not {".venv", ".git"} & {*path.relative_to(REPOSITORY).parts}
]


def names_in(path: Path) -> Iterator[str]:
    """Every name that is a variable, a function, a parameter or an import somewhere in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.alias(name=name, asname=other):
                yield other or name.partition(".")[0]
            case _:
                pass


NAMES = sorted({name for path in (REPOSITORY / "pipelines").rglob("*.py") for name in names_in(path)})


def test_no_source_can_be_called_like_a_variable_of_ours() -> None:
    assert {"con", "quote", "rows", "cache", "relation", "duckdb"} <= {*NAMES}
    con = connect()
    con.execute("create schema raw")
    with transaction(con), con.cursor() as further:
        for name in (*NAMES, "csv", "parquet"):
            assert columns_of(con, f"raw.{name}") == []
            assert not relation_exists(further, name)
        assert con.execute("select 1").fetchall() == [(1,)]


@pytest.mark.parametrize("name", ["con", "quote", "rows", "cache"])
def test_a_plain_connection_would_look_them_up(name: str) -> None:
    con, quote, rows, cache = duckdb.connect(), 1, 2, 3  # noqa: F841
    with pytest.raises(duckdb.InvalidInputException, match=f'Python Object "{name}"'):
        con.execute(f"from {name}")
    with pytest.raises(duckdb.CatalogException, match=name):
        connect().execute(f"from {name}")


def test_every_connection_is_opened_by_the_helper() -> None:
    opened = {
        path.relative_to(REPOSITORY).as_posix()
        for path in CODE
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "duckdb.connect"
    }
    assert opened == {"pipelines/engine/connect.py", "tests/unit/engine/test_connect.py"}


def test_settings_are_added_and_a_file_is_read_only_where_asked(tmp_path: Path) -> None:
    with connect(tmp_path / "a.duckdb", config={"threads": 1}) as con:
        con.execute("create table t as select current_setting('threads') as n")
    with connect(tmp_path / "a.duckdb", read_only=True) as con:
        assert con.execute("from t").fetchall() == [(1,)]
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            con.execute("drop table t")

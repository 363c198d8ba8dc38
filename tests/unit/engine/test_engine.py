"""Work of the size of the history knows the protocol `Engine`, and no database."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from pipelines.engine import DuckDB, Engine, QueryError, connect
from pipelines.engine.files import ROOT

KNOW_NO_DATABASE = ("features", "drift", "roi")
# Of segments these are DuckDB's own: the record and what it was known by, what a person is shown of one day
# before it is run, and the database that types of conditions are asked of.
OF_DUCKDB = (
    *("history.py", "current.py", "versions.py", "known_then.py", "scratch_database.py", "verdicts.py"),
    *("dry.py", "preview.py", "compare.py", "binding.py"),
    *("why/alone.py", "why/record.py", "why/told.py"),
)


@pytest.mark.parametrize("stage", KNOW_NO_DATABASE)
def test_a_stage_of_the_size_of_the_history_imports_no_database(stage: str) -> None:
    paths = list((ROOT / stage).rglob("*.py"))
    assert paths
    imported = {(p.name, name) for p in paths for name in modules_in(p.read_text(encoding="utf-8"))}
    assert {
        (path, name) for path, name in imported if name.partition(".")[0] in ("duckdb", "pyspark")
    } == set()


def test_segments_are_evaluated_and_replayed_without_knowing_a_database() -> None:
    segments = ROOT / "segments"
    modules = {path.relative_to(segments).as_posix(): path for path in segments.rglob("*.py")}
    knowing = {name for name, path in modules.items() if knows_duckdb(path.read_text(encoding="utf-8"))}
    assert knowing == {*OF_DUCKDB}
    assert {"evaluate.py", "plan.py", "cuts.py", "assignment.py", "replay.py", "playback.py"} < modules.keys()


def knows_duckdb(text: str) -> bool:
    """Whether a text imports DuckDB, or the adapter that makes an engine of its connection."""
    adapters = (
        alias.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pipelines.engine")
        for alias in node.names
    )
    return "duckdb" in modules_in(text) or "DuckDB" in adapters


def modules_in(text: str) -> Iterator[str]:
    """Every module imported anywhere in a text: for types alone, and inside a function too."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.fixture
def engine() -> Engine:
    return DuckDB(connect())


def test_a_table_is_ensured_filled_cut_and_shaped(engine: Engine) -> None:
    engine.ensure("a.t", {"n": "bigint", "name": "varchar"})
    engine.insert("a.t", [(1, "x"), (2, None)])
    engine.ensure("a.t", {"other": "date"})
    engine.reshape("a.t", add={"day": "date"}, drop=["name"])
    assert engine.columns("a.t") == [("n", "BIGINT"), ("day", "DATE")]
    engine.delete("a.t", "n = $n", {"n": 1, "unused": 3})
    assert engine.rows("select n, day from a.t") == [{"n": 2, "day": None}]
    engine.delete("a.t")
    assert engine.rows("from a.t") == []


def test_results_are_stored_and_kept_and_dropped(engine: Engine) -> None:
    engine.store("a.t", "select $n as n", "replace", {"n": 1, "unused": 2})
    engine.store("a.v", "select n + 1 as n from a.t", "view", {})
    engine.keep("few", "select n from a.v where n = $n", {"n": 2})
    assert engine.rows("from few") == [{"n": 2}]
    for relation in ("few", "a.v", "a.t", "a.missing"):
        engine.drop(relation)
        assert engine.columns(relation) == []


def test_a_transaction_is_all_or_nothing(engine: Engine) -> None:
    engine.ensure("a.t", {"n": "bigint"})
    with pytest.raises(RuntimeError), engine.transaction():
        engine.insert("a.t", [(1,)])
        raise RuntimeError
    assert engine.rows("from a.t") == []


def test_a_select_is_bound_without_being_run(engine: Engine) -> None:
    assert engine.columns_of_select("select $n::bigint as n, 1.5 as x", {"n": 1}) == [
        ("n", "BIGINT"),
        ("x", "DECIMAL(2,1)"),
    ]
    with pytest.raises(QueryError, match="missing"):
        engine.columns_of_select("select missing", {})


def test_a_select_that_fails_says_whether_it_bound(engine: Engine) -> None:
    """What names columns may be told; what failed over a value may quote it."""
    faults = {
        "select missing": ("Binder Error", False),
        "from a.missing": ("Catalog Error", False),
        "select from where": ("Parser Error", False),
        "select cast(name as integer) from (values ('Anna')) as t(name)": ("Conversion Error", True),
        "select 9223372036854775807 + n from (values (cast(1 as bigint))) as t(n)": (
            "Out of Range Error",
            True,
        ),
    }
    for sql, said in faults.items():
        for ask in (
            lambda sql: engine.rows(sql),
            lambda sql: engine.keep("few", sql),
            lambda sql: engine.store("a.t", sql, "replace", {}),
        ):
            with pytest.raises(QueryError) as found:
                ask(sql)
            assert (found.value.kind, found.value.binds) == said
            assert f"{found.value.kind}: {found.value.reason}" == str(found.value).splitlines()[0]

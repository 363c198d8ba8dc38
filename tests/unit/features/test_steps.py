"""How the result of a step is stored."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import pytest

from pipelines.engine import (
    beside,
    bound,
    columns_of,
    connect,
    insert_rows,
    is_view,
    parse_step,
    quote,
    relation_exists,
    rows,
    run_step,
    store_select,
    transaction,
)

TEXT = """-- step: demo.day
-- One row per day.
-- key: day, name
-- store: partition day
select 1 as day, 'a' as name -- inline
;
"""


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with connect() as made:
        yield made


def table(con: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    return con.execute("from demo.day order by all").fetchall()


def store(con: duckdb.DuckDBPyConnection, sql: str, how: str, **parameters: object) -> None:
    store_select(con, "demo.day", sql, how, parameters)


def test_a_header_says_table_key_and_store() -> None:
    step = parse_step(TEXT, "demo.sql")
    assert (step.table, step.schema, step.key, step.store, step.inputs, step.description) == (
        "demo.day", "demo", ("day", "name"), "partition day", (), "One row per day.",
    )  # fmt: skip


def test_replace_stores_the_result_alone(con: duckdb.DuckDBPyConnection) -> None:
    store(con, "select 1 as day", "replace")
    store(con, "select 2 as other", "replace")
    assert columns_of(con, "demo.day") == [("other", "INTEGER")]
    assert table(con) == [(2,)]


def test_append_keeps_what_was_there(con: duckdb.DuckDBPyConnection) -> None:
    store(con, "select 1 as day, 'a' as name", "append")
    store(con, "select 'b' as name, 1 as day", "append")
    assert table(con) == [(1, "a"), (1, "b")]


def test_partition_replaces_the_partitions_of_the_result_and_no_other(
    con: duckdb.DuckDBPyConnection,
) -> None:
    store(con, "select * from (values (1, 'a'), (1, 'b'), (2, 'c')) v(day, name)", "partition day")
    store(con, "select 1 as day, 'd' as name", "partition day")
    assert table(con) == [(1, "d"), (2, "c")]


def test_a_partition_that_is_now_empty_is_emptied(con: duckdb.DuckDBPyConnection) -> None:
    store(con, "select $day as day, 'a' as name", "partition day", day=1)
    store(con, "select $day as day, 'a' as name where false", "partition day", day=1)
    assert table(con) == []


def test_a_view_follows_what_it_reads(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create table t as select 1 as day")
    store(con, "select day from t", "view")
    store(con, "select day + 1 as day from t", "view")
    con.execute("insert into t values (5)")
    assert table(con) == [(2,), (6,)]


def test_a_new_column_is_added_and_unknown_in_older_rows(con: duckdb.DuckDBPyConnection) -> None:
    store(con, "select 1 as day", "partition day")
    store(con, "select 'x' as \"two words\", 2 as day", "partition day")
    assert table(con) == [(1, None), (2, "x")]


def test_parameters_are_bound_only_when_named(con: duckdb.DuckDBPyConnection) -> None:
    assert bound("select $a, $a", {"a": 1, "b": 2}) == {"a": 1}
    step = parse_step(TEXT.replace("1 as day", "$day as day"), "demo.sql")
    run_step(con, step, {"day": 7, "unused": 8})
    assert table(con) == [(7, "a")]
    with pytest.raises(ValueError, match=r"binds \$day, .*\(given: days\)"):
        run_step(con, step, {"days": 7})


def test_a_failing_store_leaves_the_table_as_it_was(con: duckdb.DuckDBPyConnection) -> None:
    store(con, "select 1 as day, 5 as n", "append")
    with pytest.raises(duckdb.Error):
        store(con, "select 1 as day, 'no number' as n", "partition day")
    with pytest.raises(ValueError, match="unknown store 'partitoin day'"):
        store(con, "select 1 as day, 6 as n", "partitoin day")
    assert table(con) == [(1, 5)]
    store(con, "select 2 as day, 7 as n", "append")
    assert table(con) == [(1, 5), (2, 7)]


def test_a_transaction_inside_another_is_that_one(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create table t (a int)")
    with pytest.raises(RuntimeError, match="outer"), transaction(con):
        with transaction(con):
            con.execute("insert into t values (1)")
        raise RuntimeError("outer")
    assert rows(con, "from t") == []
    with transaction(con):
        con.execute("insert into t values (2)")
    assert rows(con, "from t") == [{"a": 2}]


def test_an_error_inside_a_nested_transaction_undoes_both(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create table t (a int)")
    with pytest.raises(duckdb.Error), transaction(con):
        con.execute("insert into t values (1)")
        with transaction(con):
            con.execute("insert into missing values (1)")
    assert rows(con, "from t") == []


def test_stores_inside_a_transaction_roll_back_with_it(con: duckdb.DuckDBPyConnection) -> None:
    store(con, "select 1 as day", "replace")
    with pytest.raises(RuntimeError), transaction(con):
        store(con, "select 2 as day", "replace")
        store(con, "select 3 as day", "append")
        raise RuntimeError
    assert table(con) == [(1,)]


def test_a_quote_inside_a_name_is_doubled() -> None:
    assert quote('a"b') == '"a""b"'


def test_whether_a_relation_is_there_can_be_asked_within_a_transaction(
    con: duckdb.DuckDBPyConnection,
) -> None:
    odd = 'demo.odd "name"'
    con.execute("create schema demo")
    con.execute('create view demo."odd ""name""" as select 1 as a, [1.5] as b')
    with transaction(con):
        assert relation_exists(con, odd)
        assert columns_of(con, odd) == [("a", "INTEGER"), ("b", "DECIMAL(2,1)[]")]
        assert not relation_exists(con, "demo.missing")
        assert columns_of(con, "nowhere.day") == []
        con.execute("create table demo.made (a int)")
        assert relation_exists(con, "demo.made")
    assert not is_view(con, "demo.made") and is_view(con, odd)


def test_rows_go_in_as_they_are(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "create table t (a bigint, b double, c decimal(18,4), d date, e timestamptz, f varchar[], g varchar)"
    )
    noon = datetime(2024, 5, 1, 12, tzinfo=UTC)
    found = [
        (1, 2, Decimal("0.1"), date(2024, 5, 1), noon, ["x", "y"], None),
        (2, 0.5, None, None, None, [], "unnest(?)"),
    ]
    insert_rows(con, "main.t", found)
    assert [row[:4] + row[5:] for row in con.execute("from t").fetchall()] == [
        (1, 2.0, Decimal("0.1000"), date(2024, 5, 1), ["x", "y"], None),
        (2, 0.5, None, None, [], "unnest(?)"),
    ]
    assert con.execute("select epoch(e) from t where a = 1").fetchall() == [(noon.timestamp(),)]
    insert_rows(con, "main.t", [])
    assert rows(con, "select count(*) as n from t") == [{"n": 2}]
    with pytest.raises(ValueError, match=r"shorter|longer"):
        insert_rows(con, "main.t", [(1, 2), (1,)])


def test_a_further_connection_has_the_same_data_and_time_zone(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("set TimeZone = 'Asia/Kolkata'")
    con.execute("create table t as select 1 as a")
    with beside(con) as further:
        assert further.execute("select a, current_setting('TimeZone') from t").fetchall() == [
            (1, "Asia/Kolkata")
        ]
    assert rows(con, "from t") == [{"a": 1}]

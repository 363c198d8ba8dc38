"""How the result of a step is stored."""

from collections.abc import Iterator

import duckdb
import pytest

from pipelines.steps import (
    bound,
    columns_of,
    parse_step,
    quote,
    rows,
    run_step,
    store_select,
    transaction,
)

TEXT = """-- demo.day
-- One row per day.
-- key: day, name
-- store: partition day
-- inputs: core.orders
select 1 as day, 'a' as name -- inline
;
"""


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        yield made


def table(con: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    return con.execute("from demo.day order by all").fetchall()


def store(con: duckdb.DuckDBPyConnection, sql: str, how: str, **parameters: object) -> None:
    store_select(con, "demo.day", sql, how, parameters)


def test_a_header_says_table_key_store_and_inputs() -> None:
    step = parse_step(TEXT, "demo.sql")
    assert (step.table, step.schema, step.key, step.store, step.inputs, step.description) == (
        "demo.day", "demo", ("day", "name"), "partition day", ("core.orders",), "One row per day.",
    )  # fmt: skip


@pytest.mark.parametrize("text", ["", "select 1", "-- demo.day\nselect 1"])
def test_a_step_without_its_header_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"demo.sql: a step opens with its table"):
        parse_step(text, "demo.sql")


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


def test_a_new_column_is_added_and_unknown_in_older_rows(con: duckdb.DuckDBPyConnection) -> None:
    store(con, "select 1 as day", "partition day")
    store(con, "select 'x' as \"two words\", 2 as day", "partition day")
    assert table(con) == [(1, None), (2, "x")]


def test_parameters_are_bound_only_when_named(con: duckdb.DuckDBPyConnection) -> None:
    assert bound("select $a, $a", {"a": 1, "b": 2}) == {"a": 1}
    step = parse_step(TEXT.replace("1 as day", "$day as day"), "demo.sql")
    run_step(con, step, {"day": 7, "unused": 8})
    assert table(con) == [(7, "a")]
    with pytest.raises(KeyError, match="day"):
        run_step(con, step)


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

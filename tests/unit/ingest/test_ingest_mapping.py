"""From a source's columns to a canonical table's: types, trimming, faults, defaults, attributes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.config.project import Source
from pipelines.engine import connect
from pipelines.errors import ConfigError, SourceError
from pipelines.ingest import ledger
from pipelines.ingest.mapping import Mapping, fingerprint, parse_mapping, typed_select
from pipelines.ingest.source import check_file

ORDERS = {"order_id": "id", "ordered_at": "at", "revenue": "amount", "status": "state"}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    con = connect()
    con.execute("set TimeZone = 'America/New_York'")
    ledger.create(con)
    con.execute("insert into ingest.file values (1, 's', 'f.csv', 1, 1, 'x', 4, 1, false)")
    yield con
    con.close()


def mapping(table: str, written: dict[str, str], columns: list[str]) -> Mapping:
    source = Source.model_validate({"files": "*", "tables": {table: written}})
    return parse_mapping("s", source, table, columns)


def typed(
    con: duckdb.DuckDBPyConnection, table: str, written: dict[str, str], row: dict[str, Any]
) -> dict[str, Any]:
    names = ", ".join(f'? as "{name}"' for name in row)
    con.execute(f"create table raw.s as select 1 as _file_id, 7 as _row, {names}", list(row.values()))
    cursor = con.execute(typed_select(mapping(table, written, list(row))), {"files": [1]})
    return dict(zip([c[0] for c in cursor.description], cursor.fetchone() or (), strict=True))


def order(con: duckdb.DuckDBPyConnection, **changed: Any) -> dict[str, Any]:
    row = {"id": "o1", "at": "2024-05-01 23:30:00-04", "amount": "12.5", "state": "completed"} | changed
    return typed(con, "orders", ORDERS, row)


def test_values_are_typed_and_carry_their_place(con: duckdb.DuckDBPyConnection) -> None:
    found = order(con)
    assert found["revenue"] == Decimal("12.5000")
    assert found["business_date"] == date(2024, 5, 1)
    assert (found["_batch_seq"], found["_file_id"], found["_row"]) == (4, 1, 7)
    assert found["_fault_reason"] is None and found["_fault_column"] is None


def test_a_business_date_is_the_projects(con: duckdb.DuckDBPyConnection) -> None:
    assert order(con, at="2024-05-02 03:59:59+00")["business_date"] == date(2024, 5, 1)


def test_an_id_stays_the_text_the_source_writes(con: duckdb.DuckDBPyConnection) -> None:
    assert order(con, id=" 17850.0 ")["order_id"] == "17850.0"


def test_an_unmapped_column_takes_its_default(con: duckdb.DuckDBPyConnection) -> None:
    found = typed(con, "orders", {"order_id": "id", "ordered_at": "at"}, {"id": "o1", "at": "2024-05-01"})
    assert found["status"] == "completed" and found["customer_id"] is None


@pytest.mark.parametrize(
    ("changed", "reason", "column"),
    [
        ({"id": None}, "missing", "order_id"),
        ({"id": "  "}, "missing", "order_id"),
        ({"at": None}, "missing", "ordered_at"),
        ({"at": " "}, "missing", "ordered_at"),
        ({"at": "yesterday"}, "not_timestamp", "ordered_at"),
        ({"amount": "twelve"}, "not_number", "revenue"),
        ({"amount": "1e30"}, "not_number", "revenue"),
        ({"state": "lost"}, "not_allowed", "status"),
        ({"id": None, "amount": "twelve"}, "missing", "order_id"),
    ],
)
def test_a_fault_names_its_reason_and_column(
    con: duckdb.DuckDBPyConnection, changed: dict[str, Any], reason: str, column: str
) -> None:
    found = order(con, **changed)
    assert (found["_fault_reason"], found["_fault_column"]) == (reason, column)


@pytest.mark.parametrize(
    ("probability", "reason"), [("1.5", "above_maximum"), ("-0.1", "below_minimum"), ("1", None), ("0", None)]
)
def test_a_value_beyond_the_range_of_its_column_is_a_fault(
    con: duckdb.DuckDBPyConnection, probability: str, reason: str | None
) -> None:
    written = {"opportunity_id": "o", "account_id": "a", "opened_on": "d", "probability": "p"}
    row = {"o": "1", "a": "2", "d": "2024-05-01", "p": probability}
    found = typed(con, "opportunities", written, row)
    assert found["_fault_reason"] == reason
    assert found["_fault_column"] == ("probability" if reason else None)


def test_a_date_that_is_none_is_a_fault(con: duckdb.DuckDBPyConnection) -> None:
    written = {"campaign_id": "c", "start_date": "a", "end_date": "b"}
    found = typed(con, "campaigns", written, {"c": "1", "a": "2024-02-30", "b": "2024-03-01"})
    assert (found["_fault_reason"], found["_fault_column"]) == ("not_date", "start_date")


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        ("0044-03-15 (BC)", "date_out_of_range"),
        ("290000-01-01", "date_out_of_range"),
        ("infinity", "date_out_of_range"),
        ("0001-01-01", None),
        ("9999-12-31", None),
    ],
)
def test_a_day_that_no_calendar_has_is_a_fault_and_a_day_that_means_open_is_none(
    con: duckdb.DuckDBPyConnection, day: str, reason: str | None
) -> None:
    found = typed(con, "customers", {"customer_id": "id", "created_on": "since"}, {"id": "c1", "since": day})
    assert found["_fault_reason"] == reason


@pytest.mark.parametrize("day", ["1899-12-30", "9999-12-31"])
def test_an_event_on_a_day_that_stands_for_none_is_a_fault(con: duckdb.DuckDBPyConnection, day: str) -> None:
    written = {"campaign_id": "c", "customer_id": "k", "responded_on": "d"}
    found = typed(con, "campaign_responses", written, {"c": "1", "k": "2", "d": day})
    assert (found["_fault_reason"], found["_fault_column"]) == ("date_out_of_range", "responded_on")


@pytest.mark.parametrize("blank", ["", " ", None])
def test_a_blank_optional_value_is_no_fault(con: duckdb.DuckDBPyConnection, blank: str | None) -> None:
    found = order(con, amount=blank)
    assert found["revenue"] is None and found["_fault_reason"] is None


def test_columns_of_a_customer_beyond_the_contract_become_attributes(con: duckdb.DuckDBPyConnection) -> None:
    row = {"id": "c1", "city": "Turku", "born": 1980}
    found = typed(con, "customers", {"customer_id": "id", "age": "2024 - born"}, row)
    assert (found["age"], found["city"]) == (44, "Turku")
    assert "id" not in found and "born" not in found  # read by a mapping, so not passed on


@pytest.mark.parametrize(
    "name", ["source", "path", "size", "rows", "current", "sha256", "file_id", "batch_seq", "fault"]
)
def test_a_source_may_name_its_columns_as_lohko_names_its_own(
    con: duckdb.DuckDBPyConnection, name: str
) -> None:
    found = typed(con, "customers", {"customer_id": "id", "b": f"lower({name})"}, {"id": "c1", name: "X"})
    assert found["b"] == "x"
    con.execute("drop table raw.s")
    assert typed(con, "customers", {"customer_id": "id"}, {"id": "c1", name: "X"})[name] == "X"


@pytest.mark.parametrize(
    ("table", "written", "columns", "expected"),
    [
        (
            "orders",
            {"order_id": "id", "ordered_at": "at", "custmer_id": "c"},
            ["id", "at", "c"],
            "did you mean cu",
        ),
        ("orders", {"order_id": "id"}, ["id"], "orders needs ordered_at"),
        (
            "orders",
            {"order_id": "idd", "ordered_at": "at"},
            ["id", "at"],
            "tables.orders.order_id: 'idd' names",
        ),
        ("oders", {"order_id": "id"}, ["id"], "not a canonical table; did you mean orders"),
        ("customers", {"customer_id": "id"}, ["id", "Created_On"], "Created_On need a mapping of their own"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(
    table: str, written: dict[str, str], columns: list[str], expected: str
) -> None:
    with pytest.raises(ConfigError, match=expected) as caught:
        mapping(table, written, columns)
    assert "project.yaml: sources.s.tables" in str(caught.value)


def test_the_fingerprint_changes_with_the_mapping_and_not_with_how_it_is_written() -> None:
    columns = ["id", "at", "x"]
    one = mapping("orders", {"order_id": "id", "ordered_at": "at", "revenue": "x"}, columns)
    same = mapping("orders", {"revenue": "X", "order_id": "id", "ordered_at": "at"}, ["x", "id", "at"])
    other = mapping("orders", {"order_id": "id", "ordered_at": "at", "revenue": "x + 1"}, columns)
    assert fingerprint(one) != fingerprint(other)
    assert fingerprint(one) == fingerprint(mapping("orders", same_mapping(), columns))
    assert mapping("orders", same_mapping(), columns).mapped == same.mapped


def same_mapping() -> dict[str, str]:
    return {"revenue": "x -- net", "ordered_at": "at", "order_id": "id"}


def test_an_expression_that_does_not_fit_the_types_names_file_and_mapping(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("id,at,a,b\n1,2024-05-01,1,2\n")
    written = {"order_id": "id", "ordered_at": "at", "revenue": "a + b"}
    source = Source.model_validate({"files": "*", "tables": {"orders": written}})
    with pytest.raises(SourceError, match=r"orders\.csv: does not fit.*tables\.orders\.revenue.*cast them"):
        check_file(con, "s", source, path)

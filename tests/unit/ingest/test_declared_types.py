"""Attributes with a declared type: read alike from every file, and what is none of the type is told."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from ingest_desk import Desk

from pipelines.config.project import ProjectConfig, Source
from pipelines.contracts.registry import CONTRACTS
from pipelines.core.merge import refresh
from pipelines.ingest.reading import scratch_in
from pipelines.ingest.source import Outcome, check_reading, look_at, mappings_of
from pipelines.ingest.unread import READ, unread_in_file

CARRYING = [table for table, contract in CONTRACTS.items() if contract.attributes]


def desk_of(table: str, folder: Path, kind: str, **settings: object) -> Desk:
    """A source with one attribute, `said`, of a declared type."""
    keys = {name: f"the_{name}" for name in CONTRACTS[table].required}
    named = {} if CONTRACTS[table].carries_all else {"said": "said"}
    source = Source.model_validate({"files": "*", "tables": {table: keys | named}, **settings})
    source.declare(table, {"said": kind})  # type: ignore[dict-item]
    return Desk(folder, source)


def hand_in(
    desk: Desk, table: str, values: list[str | None], ending: str = "csv", name: str = "a"
) -> Outcome:
    keys = [f"the_{name}" for name in CONTRACTS[table].required]
    rows = [dict.fromkeys(keys, f"k{n}") | {"said": value} for n, value in enumerate(values)]
    if ending == "jsonl":
        return desk.hand_in(f"{name}.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    lines = [",".join([*keys, "said"]), *(",".join(f'"{cell or ""}"' for cell in r.values()) for r in rows)]
    return desk.hand_in(f"{name}.csv", "\n".join(lines) + "\n")


def said(desk: Desk, table: str) -> list[Any]:
    (key, *_) = CONTRACTS[table].required
    return [
        row["said"]
        for row in desk.rows(f"select said from stage.shop__{table} order by {key}, said nulls last")
    ]


READ_AS: dict[str, list[tuple[str, Any]]] = {
    "text": [(" 007 ", "007"), ("a", "a"), ("  ", None)],
    "integer": [("7", 7), (" 12 ", 12), ("12.0", 12), ("12.5", None), ("n/a", None)],
    "number": [("0.125", 0.125), ("1e3", 1000.0), ("nan", None), ("inf", None), ("$5", None)],
    "date": [("2026-02-28", date(2026, 2, 28)), ("2026-02-30", None), ("28.2.2026", None)],
    "timestamp": [
        ("2026-02-28T10:00:00Z", datetime(2026, 2, 28, 10, tzinfo=UTC)),
        ("soon", None),
        ("infinity", None),
    ],
    "boolean": [("true", True), ("false", False), ("perhaps", None)],
}


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
@pytest.mark.parametrize("kind", READ_AS)
@pytest.mark.parametrize("table", CARRYING)
def test_a_value_is_read_as_the_declared_type_or_is_unknown_and_told(
    tmp_path: Path, table: str, kind: str, ending: str
) -> None:
    written = [text for text, _ in READ_AS[kind]]
    desk = desk_of(table, tmp_path, kind)
    outcome = hand_in(desk, table, [*written, *["true" if kind == "boolean" else written[0]] * 2], ending)
    assert outcome.status == "accepted", outcome.message
    read = said(desk, table)[: len(written)]
    assert read == [value for _, value in READ_AS[kind]]
    unread = sum(value is None and bool(text.strip()) for text, value in READ_AS[kind])
    (found,) = [result for result in outcome.results if result.name == READ]
    assert (found.passed, found.unexpected) == (not unread, unread)
    assert len(found.samples) == unread


@pytest.mark.parametrize("table", CARRYING)
def test_a_column_of_which_nothing_is_of_the_type_rejects_the_batch(tmp_path: Path, table: str) -> None:
    outcome = hand_in(desk_of(table, tmp_path, "date"), table, ["28/02/2026"] * 3)
    assert outcome.status == "rejected"
    assert f"{table}.{READ}: 3 of 3 rows" in outcome.message


def test_a_number_is_read_with_the_decimal_mark_of_its_file(tmp_path: Path) -> None:
    desk = desk_of("customers", tmp_path, "number")
    hand_in(desk, "customers", ["1,5", "2.000,25", "3"], name="german")
    assert said(desk, "customers") == [1.5, 2000.25, 3.0]
    hand_in(desk, "customers", ["1.5", "2,000.25", "3"], name="irish")
    assert said(desk, "customers") == [1.5, 2000.25, 3.0]


def test_files_that_would_give_it_other_types_give_it_the_declared_one(tmp_path: Path) -> None:
    desk = desk_of("customers", tmp_path, "integer")
    hand_in(desk, "customers", ["007"], name="a")
    desk.write_parquet("b.parquet", "select 'k9' as the_customer_id, 7::double as said")
    assert desk.run().status == "accepted"
    refresh(desk.con, CONTRACTS["customers"], mappings_of(desk.con, "shop", desk.source))
    found = desk.rows("select said, typeof(said) as kind from core.customers order by customer_id")
    assert found == [{"said": 7, "kind": "BIGINT"}] * 2


def test_the_project_declares_the_type_to_every_source_of_the_table() -> None:
    config = ProjectConfig.model_validate(
        {
            "project": "Shop",
            "timezone": "UTC",
            "currency": "EUR",
            "attributes": {"Age": {"type": "integer"}, "accounts.size": {"type": "number"}},
            "sources": {
                name: {"files": "*", "tables": {table: dict.fromkeys(CONTRACTS[table].required, "x")}}
                for name, table in (
                    ("shop", "orders"),
                    ("crm", "customers"),
                    ("news", "customers"),
                    ("erp", "accounts"),
                )
            },
        }
    )
    declared = {
        name: source.declared(table) for name, source in config.sources.items() for table in source.tables
    }
    of_customers = {"Age": "integer"}
    assert declared == {"shop": {}, "crm": of_customers, "news": of_customers, "erp": {"size": "number"}}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (["1,5", "2.000,25", "3"], []),
        (["1.5", "2,000.25", "3"], []),
        (["1.5", "$5", ""], [("said: nothing was read in 1 of 2 filled rows", False)]),
        (["$1", "$5", "$6"], [("said: nothing was read in 3 of 3 filled rows", True)]),
    ],
)
def test_a_file_alone_tells_before_a_run_what_is_none_of_the_type(
    tmp_path: Path, values: list[str], told: list[tuple[str, bool]]
) -> None:
    desk = desk_of("customers", tmp_path, "number")
    rows = "\n".join(f'k{n},"{value}"' for n, value in enumerate(values))
    path = desk.write("a.csv", f"the_customer_id,said\n{rows}\n")
    with scratch_in(None) as scratch:
        reading = look_at(desk.con, desk.source, path, scratch)
        (mapping,) = check_reading(desk.con, "shop", desk.source, reading)
        found = unread_in_file(desk.con, mapping, reading)
    assert found == [(f"{path}: sources.shop.tables.customers.{what}", rejected) for what, rejected in told]

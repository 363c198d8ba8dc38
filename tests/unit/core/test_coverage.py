"""Ids that meet and ids that only look different, over every column of ids of every canonical table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest
from core_history import Batch, History, Row
from fixtures.seeds import SEED

from pipelines.contracts.references import Family, IdColumn, families, references_of
from pipelines.contracts.registry import CONTRACTS, FACTS
from pipelines.core import coverage
from pipelines.core.merge import refresh
from pipelines.core.state import create_state
from pipelines.engine import DuckDB, connect, qualified, quote, rows
from pipelines.ingest import ledger

EVERYTHING = {table: contract.names for table, contract in CONTRACTS.items()}
FAMILIES = families(EVERYTHING)
REFERENCES = [(family, column) for family in FAMILIES for column in family.referring]


def among(*tables: str) -> list[Family]:
    """The families of some tables, of which every column is mapped."""
    return families({table: EVERYTHING[table] for table in tables})


def others(family: Family) -> set[str]:
    """The tables that refer to another one."""
    return {column.table for column in family.referring} - {family.key.table}


# Of events only what is not found is compared.
BESIDE = [family for family in FAMILIES if len(others(family)) > 1 and family.key.table not in FACTS]
COUNTS = (
    "named_rows",
    "known_rows",
    "named_ids",
    "known_ids",
    "newest_named_rows",
    "newest_known_rows",
    "newest_named_ids",
    "newest_known_ids",
)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """Every canonical table, empty, and a ledger with one file."""
    con = connect(config={"threads": 1})
    ledger.create(con)
    create_state(con)
    con.execute("insert into ingest.file values (1, 's', 'data/f.csv', 1, 1, 'x', 4, 1, false)")
    for contract in CONTRACTS.values():
        refresh(con, contract, [])
    yield con
    con.close()


def put(con: duckdb.DuckDBPyConnection, at: IdColumn, *found: tuple[int, str | None]) -> None:
    """Rows of a core table that say nothing but ids in one column: batch and id; the row is the batch's."""
    for batch, identifier in found:
        con.execute(
            f"insert into {qualified('core.' + at.table)} (_source, _batch_seq, _file_id, _row,"
            f" {quote(at.column)}) values ('shop', ?, 1, ?, ?)",
            [batch, batch, identifier],
        )


def alike(con: duckdb.DuckDBPyConnection) -> dict[str, coverage.Alike]:
    return {f"{found.table}.{found.column}": found for found in coverage.found_alike(DuckDB(con))}


def test_every_column_named_like_the_key_of_a_table_refers_to_it() -> None:
    keys = {contract.key[0]: table for table, contract in CONTRACTS.items() if len(contract.key) == 1}
    for table, contract in CONTRACTS.items():
        referring = {reference.column: reference.table for reference in references_of(table)}
        for column in contract.columns:
            if column.name in keys and keys[column.name] != table:
                assert referring[column.name] == keys[column.name]
        assert {declared.column for declared in contract.references} <= referring.keys()
        assert len(referring) == len(references_of(table))


@pytest.mark.parametrize(("family", "column"), REFERENCES, ids=lambda part: str(getattr(part, "key", part)))
def test_known_ids_are_counted_by_row_and_id_over_all_and_over_the_newest_batch(
    con: duckdb.DuckDBPyConnection, family: Family, column: IdColumn
) -> None:
    put(con, family.key, (1, "A1"), (2, "00007"))
    put(con, column, (1, "A1"), (1, "B9"), (3, "A1"), (3, "7"), (3, "7"), (2, None), (3, ""))
    coverage.measure(DuckDB(con), FAMILIES)
    (found,) = rows(
        con,
        "from ingest.coverage where table_name = ? and column_name = ?",
        [column.table, column.column],
    )
    assert found["referenced_table"] == family.key.table
    assert [found[name] for name in COUNTS] == [5, 2, 3, 1, 3, 1, 2, 1]
    assert coverage.unknown(DuckDB(con), column.table, column.column) == 3


@pytest.mark.parametrize(("family", "column"), REFERENCES, ids=lambda part: str(getattr(part, "key", part)))
def test_ids_that_differ_only_in_writing_are_found_on_both_sides_with_their_places(
    con: duckdb.DuckDBPyConnection, family: Family, column: IdColumn
) -> None:
    put(con, family.key, (1, "A1"), (2, "00007"), (5, "ö 1"))
    put(con, column, (1, "A1"), (3, "7"), (4, "O1"))
    coverage.measure(DuckDB(con), FAMILIES)
    found = alike(con)
    for at in (family.key, column):
        written = found[str(at)]
        assert (written.ids, written.alike) == (3, 2)
        assert written.kinds == "leading zeros (1), several of these (1)"
    assert found[str(column)].samples == ("data/f.csv:3", "data/f.csv:4")
    assert found[str(family.key)].samples == ("data/f.csv:2", "data/f.csv:5")


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ("00007", "7", "leading zeros"),
        ("17850.0", "17850", "a trailing .0"),
        ("ab", "AB", "letter case"),
        ("A 1", "A1", "blanks"),
        ("Zoë", "Zoe", "accents or the form of letters"),
        ("C１", "C1", "accents or the form of letters"),
        ("0007.0", "7", "several of these"),
        ("Zoë", "ZOE", "several of these"),
        ("A\u00a01", "A1", "several of these"),
        ("A1", "A2", None),
        ("10", "1", None),
        ("7.05", "7.5", None),
        ("A-1", "A1", None),
        ("مريم", "שרה", None),
    ],
)
def test_what_ids_differ_by_has_a_name(
    con: duckdb.DuckDBPyConnection, one: str, other: str, kind: str | None
) -> None:
    put(con, IdColumn("orders", "customer_id"), (1, one), (2, other))
    coverage.measure(DuckDB(con), among("orders"))
    found = alike(con)["orders.customer_id"]
    assert (found.alike, found.kinds) == ((2, f"{kind} (2)") if kind else (0, ""))


@pytest.mark.parametrize("family", BESIDE, ids=lambda family: str(family.key))
def test_two_tables_that_refer_to_one_that_is_not_mapped_are_compared_with_each_other(
    con: duckdb.DuckDBPyConnection, family: Family
) -> None:
    tables = others(family)
    first, second, *_ = (column for column in family.referring if column.table in tables)
    put(con, first, (1, "00007"))
    put(con, second, (1, "7"))
    coverage.measure(DuckDB(con), among(*tables))
    assert [alike(con)[str(at)].alike for at in (first, second)] == [1, 1]
    assert not rows(con, "from ingest.coverage where referenced_table = ?", [family.key.table])


@pytest.mark.parametrize(
    "family", [family for family in FAMILIES if family.telling], ids=lambda family: str(family.key)
)
def test_whoever_no_event_names_is_counted(con: duckdb.DuckDBPyConnection, family: Family) -> None:
    put(con, family.key, (1, "a"), (1, "b"), (2, "c"))
    for column in family.telling:
        put(con, column, (1, "a"), (1, "z"))
    put(con, family.telling[-1], (1, "c"))
    coverage.measure(DuckDB(con), FAMILIES)
    (found,) = rows(con, "from ingest.coverage_of_events where table_name = ?", [family.key.table])
    assert (found["ids"], found["with_events"]) == (3, 2)
    assert (found["newest_ids"], found["newest_with_events"]) == (1, 1)


def test_a_table_of_no_event_says_nothing_of_customers_without_one(con: duckdb.DuckDBPyConnection) -> None:
    put(con, IdColumn("accounts", "account_id"), (1, "a"))
    put(con, IdColumn("customers", "account_id"), (1, "a"))
    coverage.measure(DuckDB(con), FAMILIES)
    (found,) = rows(con, "from ingest.coverage_of_events where table_name = 'accounts'")
    assert (found["ids"], found["with_events"]) == (1, 0)


def test_what_a_project_no_longer_maps_is_forgotten(con: duckdb.DuckDBPyConnection) -> None:
    put(con, IdColumn("orders", "customer_id"), (1, "a"))
    coverage.measure(DuckDB(con), among("orders", "customers"))
    coverage.measure(DuckDB(con), among("spend"))
    assert {found.entity for found in coverage.found_alike(DuckDB(con))} == {"campaigns"}
    assert not rows(con, "from ingest.coverage")


def counted(history: History) -> Any:
    """The coverage of order lines in orders, counted in Python."""
    orders = dict(history.con.execute("select order_id, _batch_seq from core.orders").fetchall())
    named = history.con.execute("select order_id, _batch_seq from core.order_lines").fetchall()
    newest = max((batch for _, batch in named), default=0)
    figures = []
    for chosen in (named, [row for row in named if row[1] == newest]):
        known = [order for order, _ in chosen if order in orders]
        figures += [len(chosen), len(known), len({order for order, _ in chosen}), len(set(known))]
    return figures if named else None


def test_measuring_what_changed_equals_counting_anew_after_every_batch(tmp_path: Path) -> None:
    random, history = Random(SEED), History(tmp_path)
    seen: Counter[str] = Counter()
    for _ in range(40):
        source = random.choice(["shop", "lines"])
        found = [Row(random.randrange(6), random.randrange(3), random.randrange(3)) for _ in range(4)]
        history.land(Batch(source, random.randrange(5), found, random.random() < 0.8))
        seen.update(merged.how for merged in history.refresh().values())
        coverage.measure(DuckDB(history.con), among("orders", "order_lines"))
        measured = history.con.execute(
            f"select {', '.join(COUNTS)} from ingest.coverage where referenced_table = 'orders'"
        ).fetchone()
        assert (list(measured) if measured else None) == counted(history)
    assert seen.keys() == {"merged", "rebuilt", "unchanged"}


def test_families_of_tables_that_did_not_change_are_not_counted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = History(tmp_path)
    history.land(Batch("shop", 1, [Row(1, 1, 0)], accepted=True))
    history.land(Batch("lines", 1, [Row(1, 1, 5)], accepted=True))
    history.refresh()
    measured: list[str] = []
    kept = coverage._measure

    def noted(engine: Any, family: Family) -> None:
        measured.append(family.key.table)
        kept(engine, family)

    monkeypatch.setattr(coverage, "_measure", noted)
    for expected in (["accounts", "customers", "orders", "products"], [], ["orders", "products"]):
        measured.clear()
        coverage.measure(DuckDB(history.con), among("orders", "order_lines"))
        assert sorted(measured) == expected
        if not expected:
            history.land(Batch("lines", 2, [Row(2, 1, 5)], accepted=True))
            history.refresh()

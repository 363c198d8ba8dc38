"""The same id from files of any kind is one text, in every column of text of every canonical table."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import duckdb
import pytest

from pipelines.config.project import Source
from pipelines.contracts.model import Column, Contract
from pipelines.contracts.registry import CONTRACTS
from pipelines.engine import connect, quote
from pipelines.ingest import ledger
from pipelines.ingest.mapping import parse_mapping, typed_select
from pipelines.ingest.text import as_text
from pipelines.segments.kinds.lists import ids_of

COMPOSED = unicodedata.normalize("NFC", "Zoë-ÅÄÖ")
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)
TEXTS = [
    (table, column.name)
    for table, contract in CONTRACTS.items()
    for column in contract.columns
    if column.type == "VARCHAR" and not column.allowed
]


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    con = connect()
    ledger.create(con)
    con.execute("insert into ingest.file values (1, 's', 'f.parquet', 1, 1, 'x', 4, 1, false)")
    yield con
    con.close()


def plain(contract: Contract, column: Column) -> str:
    """A value that other columns of the row may have."""
    return "'2024-05-01'" if column.type in ("DATE", "TIMESTAMPTZ") else "'1'"


def typed(con: duckdb.DuckDBPyConnection, table: str, name: str, given: str) -> object:
    """What a column of a canonical table holds where the file has an expression in it."""
    contract = CONTRACTS[table]
    values = {column.name: plain(contract, column) for column in contract.columns} | {name: given}
    columns = ", ".join(f"{sql} as {quote(column)}" for column, sql in values.items())
    con.execute(f"create or replace table raw.s as select 1 as _file_id, 1 as _row, {columns}")
    written = {column.name: quote(column.name) for column in contract.columns}
    source = Source.model_validate({"files": "*", "tables": {table: written}})
    mapping = parse_mapping("s", source, table, [*values])
    row = con.execute(f"select {quote(name)} from ({typed_select(mapping)})", {"files": [1]}).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize(("table", "column"), TEXTS)
def test_composed_and_decomposed_letters_are_one_text(
    con: duckdb.DuckDBPyConnection, table: str, column: str
) -> None:
    assert typed(con, table, column, f"' {DECOMPOSED} '") == COMPOSED


@pytest.mark.parametrize(("table", "column"), TEXTS)
def test_a_whole_number_of_any_type_is_one_text(
    con: duckdb.DuckDBPyConnection, table: str, column: str
) -> None:
    for given in ("17850", "17850.0::double", "17850::float", "17850::decimal(18, 4)", "'17850'"):
        assert typed(con, table, column, given) == "17850", given


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("'00007'", "00007"),
        ("'17850.0'", "17850.0"),
        ("17850.5::double", "17850.5"),
        ("100.50::decimal(18, 2)", "100.50"),
        ("1000::decimal(18, 0)", "1000"),
        ("'nan'::double", None),
        ("1e300::double", "1e+300"),
        ("-7.0::double", "-7"),
        ("null", None),
    ],
)
def test_what_a_source_writes_as_text_stays(
    con: duckdb.DuckDBPyConnection, given: str, text: str | None
) -> None:
    found = con.execute(f"select {as_text('g')} from (select {given} as g)").fetchone()
    assert found == (text,)


def test_ids_of_a_list_are_written_as_ids_are_stored() -> None:
    assert ids_of([f" {DECOMPOSED} ", COMPOSED, "", "\u00a0007\u00a0"]) == [COMPOSED, "007"]

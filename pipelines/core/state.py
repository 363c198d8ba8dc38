"""What core remembers of itself: which batches each table has, by which mappings, and repeated keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.contracts.model import Contract
from pipelines.core import changes, coverage, identity, past_rows
from pipelines.engine import qualified, relation_exists
from pipelines.ingest.mapping import Mapping

if TYPE_CHECKING:
    import duckdb

STATE = (
    """
create schema if not exists core;
create schema if not exists ingest;
create table if not exists ingest.core_state (
    table_name varchar not null, source varchar not null, fingerprint varchar not null,
    merged_seq bigint not null, primary key (table_name, source)
);
create table if not exists ingest.core_batch (table_name varchar, source varchar, batch_seq bigint);
create table if not exists ingest.core_repeated (table_name varchar primary key, keys bigint not null);
create table if not exists ingest.core_held (
    family varchar primary key, state varchar not null, table_name varchar not null,
    sources varchar[] not null, keys bigint not null, places varchar[] not null
);
create table if not exists ingest.dirty_customer (customer_id varchar);
create table if not exists ingest.dirty_day (customer_id varchar, business_date date);
"""
    + changes.SCHEMA
    + past_rows.SCHEMA
)


def create_state(con: duckdb.DuckDBPyConnection) -> None:
    """Make what core remembers of itself, where it is not there yet."""
    con.execute(STATE + identity.STATE)


def known_marks(con: duckdb.DuckDBPyConnection, contract: Contract) -> dict[str, str]:
    """The fingerprint of each source when the table was brought up the last time."""
    found = con.execute(
        "select source, fingerprint from ingest.core_state where table_name = ?", [contract.table]
    )
    return dict(found.fetchall())


def remember(
    con: duckdb.DuckDBPyConnection, contract: Contract, mappings: Sequence[Mapping], marks: dict[str, str]
) -> None:
    """Write which batches the core table has now, and forget what was staged and moved for it.

    Parameters
    ----------
    contract : the contract of the canonical table.
    mappings : the mappings of every source that feeds the table.
    marks : source -> the fingerprint by which the table was brought up.
    """
    con.execute("delete from ingest.core_state where table_name = ?", [contract.table])
    for mapping in mappings:
        con.execute(
            "insert into ingest.core_state select $table, $source, $mark, coalesce(max(batch_seq), 0)"
            " from ingest.batch where source = $source and status = 'accepted'",
            {"table": contract.table, "source": mapping.source, "mark": marks[mapping.source]},
        )
        con.execute(f"drop view if exists {qualified(mapping.stage + '__kept')}")
        con.execute(f"drop table if exists {qualified(mapping.stage)}")
    con.execute("delete from ingest.core_batch where table_name = ?", [contract.table])
    con.execute(
        "insert into ingest.core_batch select $table, source, batch_seq from ingest.batch"
        " where status = 'accepted' and source in (select unnest($sources))",
        {"table": contract.table, "sources": list(marks)},
    )
    identity.forget_moved(con, contract.table)
    coverage.forget(con, contract.table)


def repeated_keys(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Core table -> how many of its rows repeat a key; none in sound data.

    Counted where keys are written, with the rows and in their transaction: what stands there costs nothing to
    know. A table with a repeated key is rebuilt by the next refresh.
    """
    if not relation_exists(con, "ingest.core_repeated"):
        return {}
    return dict(con.execute("select table_name, keys from ingest.core_repeated order by all").fetchall())


def remember_repeated(con: duckdb.DuckDBPyConnection, table: str, repeated: int) -> None:
    """Keep how many rows of a core table repeat a key."""
    con.execute("delete from ingest.core_repeated where table_name = ?", [table])
    if repeated:
        con.execute("insert into ingest.core_repeated values (?, ?)", [table, repeated])

"""Core tables that no source maps and no step reads: created empty once, then left alone.

They are there so that whoever opens the warehouse finds every canonical table. Nothing is done for them on
a day on which nothing about them changed: one query finds what is missing, and usually that is nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from pipelines.contracts.registry import CONTRACTS
from pipelines.core.facts import canonical_tables
from pipelines.core.merge import refresh
from pipelines.core.state import create_state
from pipelines.engine import load_fragment, tables_read

if TYPE_CHECKING:
    import duckdb


# The fragments that say who is a customer at all; unlike the others they are of every project.
_PERSONS = ("features/families/person", "features/families/known_customer")


def needed_tables(mapped: Collection[str]) -> list[str]:
    """The canonical tables a project works with: those it maps and those every project reads, in order."""
    of_persons = (load_fragment(name).inputs for name in _PERSONS)
    found = canonical_tables(tables_read().union(*of_persons)).union(mapped)
    return [table for table in CONTRACTS if table in found]


def create_absent(con: duckdb.DuckDBPyConnection, needed: Collection[str]) -> list[str]:
    """Create or empty the core tables beyond `needed`; returns those that had to be.

    A table is done again when it is missing, when its contract has other columns now, or when a source that
    has been taken out of the project had filled it.
    """
    create_state(con)
    found = dict(
        con.execute(
            "select table_name, list(column_name order by column_index) from duckdb_columns()"
            " where database_name = current_database() and schema_name = 'core' group by table_name"
        ).fetchall()
    )
    filled = {table for (table,) in con.execute("select table_name from ingest.core_state").fetchall()}
    todo = [
        table
        for table, contract in CONTRACTS.items()
        if table not in needed and (table in filled or found.get(table, [])[4:] != list(_columns(table)))
    ]
    for table in todo:
        refresh(con, CONTRACTS[table], [])
    return todo


def _columns(table: str) -> tuple[str, ...]:
    """The columns of an empty core table behind the four that say where a row came from."""
    return tuple(CONTRACTS[table].stored)

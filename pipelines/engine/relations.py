"""What relations there are, and of what columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.engine.names import qualified

if TYPE_CHECKING:
    import duckdb


def relation_exists(con: duckdb.DuckDBPyConnection, relation: str) -> bool:
    """Whether there is such a table or view.

    It is bound and not looked up: the catalogue's own list goes through every table there is.
    """
    return _bound(con, relation) is not None


def is_view(con: duckdb.DuckDBPyConnection, relation: str) -> bool:
    schema, name = relation.split(".")
    found = con.execute(
        "select count(*) from duckdb_views() where database_name = current_database()"
        " and schema_name = ? and view_name = ?",
        [schema, name],
    ).fetchone()
    return bool(found and found[0])


def columns_of(con: duckdb.DuckDBPyConnection, relation: str) -> list[tuple[str, str]]:
    """Names and types of a table's or view's columns, in order; empty when there is no such relation."""
    found = _bound(con, relation)
    if found is None:
        return []
    return [(name, str(kind)) for name, kind in zip(found.columns, found.types, strict=True)]


def row_count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    row = con.execute(f"select count(*) from {qualified(table)}").fetchone()
    return int(row[0]) if row else 0


def _bound(con: duckdb.DuckDBPyConnection, relation: str) -> duckdb.DuckDBPyRelation | None:
    """A relation bound to its columns; that there is none aborts no transaction, as a statement would."""
    import duckdb

    try:
        return con.table(qualified(relation))
    except (duckdb.CatalogException, duckdb.IOException):
        # The second of what is called like a file, such as raw.csv: DuckDB looks for one.
        return None

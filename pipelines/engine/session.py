"""Work with one connection: transactions, small results, rows put in, a further connection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pipelines.engine.names import qualified

if TYPE_CHECKING:
    import duckdb

# Connections that are inside a transaction.
_open: set[int] = set()


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All or nothing; inside another transaction of the same connection it is that one.

    Which connections are inside one is remembered here: asking DuckDB means a failed BEGIN, and that aborts
    the transaction it was asked about.
    """
    if id(con) in _open:
        yield
        return
    con.execute("begin transaction")
    _open.add(id(con))
    try:
        yield
    except BaseException:
        con.execute("rollback")
        raise
    else:
        con.execute("commit")
    finally:
        _open.discard(id(con))


@contextmanager
def beside(con: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """A further connection to the same database and in the same time zone, for another thread."""
    with con.cursor() as further:
        zone = con.execute("select current_setting('TimeZone')").fetchone()
        further.execute("set TimeZone = $zone", {"zone": zone[0] if zone else None})
        yield further


def rows(
    con: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, Any] | Iterable[Any] | None = None
) -> list[dict[str, Any]]:
    """The result of a small query as a list of dictionaries."""
    cursor = con.execute(sql, parameters) if parameters else con.execute(sql)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def insert_rows(con: duckdb.DuckDBPyConnection, table: str, found: Iterable[Sequence[Any]]) -> None:
    """Append rows of all columns of a table in one statement: one a row takes twenty times as long."""
    columns = [list(values) for values in zip(*found, strict=True)]
    if columns:
        values = ", ".join(["unnest(?)"] * len(columns))
        con.execute(f"insert into {qualified(table)} select {values}", columns)

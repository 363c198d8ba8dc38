"""The engine that is DuckDB, over a connection that its owner opened and closes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from pipelines.engine import relations, session, store
from pipelines.engine.names import qualified, quote
from pipelines.engine.protocol import QueryError

if TYPE_CHECKING:
    import duckdb


class DuckDB:
    """DuckDB behind the protocol `Engine`; what each method does is said there."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con = con

    def store(
        self, table: str, sql: str, how: str, parameters: Mapping[str, Any], *, fits: bool = False
    ) -> None:
        with _said_of_a_select():
            store.store_select(self.con, table, sql, how, parameters, fits=fits)

    def keep(self, name: str, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        values = store.bound(sql, parameters or {})
        with _said_of_a_select():
            self.con.execute(f"create or replace temp table {quote(name)} as {sql}", values)

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        with _said_of_a_select():
            return session.rows(self.con, sql, store.bound(sql, parameters or {}))

    def columns(self, relation: str) -> list[tuple[str, str]]:
        return relations.columns_of(self.con, relation)

    def columns_of_select(self, sql: str, parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
        with _said_of_a_select():
            found = self.con.execute(f"describe {sql}", store.bound(sql, parameters)).fetchall()
        return [(name, kind) for name, kind, *_ in found]

    def ensure(self, table: str, columns: Mapping[str, str]) -> None:
        listed = ", ".join(f"{quote(name)} {kind}" for name, kind in columns.items())
        self.con.execute(f"create schema if not exists {quote(table.split('.')[0])}")
        self.con.execute(f"create table if not exists {qualified(table)} ({listed})")

    def insert(self, table: str, found: Iterable[Sequence[Any]]) -> None:
        session.insert_rows(self.con, table, found)

    def delete(self, table: str, where: str = "true", parameters: Mapping[str, Any] | None = None) -> None:
        self.con.execute(
            f"delete from {qualified(table)} where {where}", store.bound(where, parameters or {})
        )

    def reshape(self, table: str, *, add: Mapping[str, str] | None = None, drop: Iterable[str] = ()) -> None:
        for name in drop:
            self.con.execute(f"alter table {qualified(table)} drop column {quote(name)}")
        for name, kind in (add or {}).items():
            self.con.execute(f"alter table {qualified(table)} add column {quote(name)} {kind}")

    def drop(self, relation: str) -> None:
        kind = "view" if "." in relation and relations.is_view(self.con, relation) else "table"
        self.con.execute(f"drop {kind} if exists {qualified(relation)}")

    def transaction(self) -> AbstractContextManager[None]:
        return session.transaction(self.con)


@contextmanager
def _said_of_a_select() -> Iterator[None]:
    """What DuckDB says of a SELECT as the protocol's error; what else goes wrong stays its own."""
    import duckdb

    try:
        yield
    except (duckdb.DataError, duckdb.ProgrammingError, duckdb.NotSupportedError) as error:
        text = str(error)
        kind = text.splitlines()[0].partition(": ")[0]
        unbound = kind in ("Binder Error", "Catalog Error", "Parser Error")
        raise QueryError(text, kind, binds=not unbound) from error

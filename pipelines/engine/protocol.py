"""What work of the size of the history asks of an engine: store SELECTs, tell a little, shape tables.

Features, segments, replays, drift and ROI are written against this and know no database. DuckDB is behind
it today (`on_duckdb.py`); one that runs the same portable SELECTs (docs/portable-sql.md) on many machines can
be. What follows the size of a batch, and record, ledgers and marts, are DuckDB's own and take its connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Engine(Protocol):
    """An open warehouse.

    SELECTs are text in DuckDB's dialect and bind their values by name (`$as_of`); relations are
    `schema.table`, or the name of a table that `keep` made. A SELECT that cannot be bound, or that fails over
    a value, is a `QueryError`, whichever method it was given to.
    """

    def store(
        self, table: str, sql: str, how: str, parameters: Mapping[str, Any], *, fits: bool = False
    ) -> None:
        """Store the result of a SELECT.

        Parameters
        ----------
        table : the table or view that takes the result.
        sql : the SELECT.
        how : `replace`, `append`, `partition COLUMN` or `view`, as `store.py` explains them.
        parameters : what the SELECT binds, and possibly more.
        fits : the table has every column of the result already.
        """

    def keep(self, name: str, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Keep the result of a SELECT under a name without schema, for this session."""

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The result of a SELECT that is small."""

    def columns(self, relation: str) -> list[tuple[str, str]]:
        """Names and types of a relation's columns in order; none where there is no such relation."""

    def columns_of_select(self, sql: str, parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
        """The same of a SELECT, which is bound and not run.

        Raises
        ------
        QueryError
            It cannot be bound; the text says why.
        """

    def ensure(self, table: str, columns: Mapping[str, str]) -> None:
        """Create an empty table where there is none; a type may say `not null` or `primary key`."""

    def insert(self, table: str, found: Iterable[Sequence[Any]]) -> None:
        """Append rows of all columns of a table."""

    def delete(self, table: str, where: str = "true", parameters: Mapping[str, Any] | None = None) -> None:
        """Delete the rows of a table that a condition holds for."""

    def reshape(self, table: str, *, add: Mapping[str, str] | None = None, drop: Iterable[str] = ()) -> None:
        """Add columns, empty, and drop others."""

    def drop(self, relation: str) -> None:
        """Drop a table or view where there is one."""

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing; inside another one it is that one."""


def value(engine: Engine, sql: str, parameters: Mapping[str, Any] | None = None) -> Any:
    """The only value of a SELECT of one row and column; None where it has no row."""
    found = engine.rows(sql, parameters)
    return next(iter(found[0].values())) if found else None


class QueryError(Exception):
    """A SELECT that an engine cannot bind, or that fails over a value; the text is what the engine says.

    `kind` is the engine's word for it, such as "Conversion Error". `binds` tells the two apart: of a SELECT
    that binds the text may quote the value that it failed over, and values are personal.
    """

    def __init__(self, text: str, kind: str, *, binds: bool) -> None:
        super().__init__(text)
        self.kind = kind
        self.binds = binds

    @property
    def reason(self) -> str:
        """The first line without the kind."""
        return str(self).splitlines()[0].removeprefix(f"{self.kind}: ")

"""A SQLAlchemy dialect for Great Expectations over an open DuckDB connection.

Great Expectations reads results after it closed the cursor, by when DuckDB has dropped them; and its
PostgreSQL reflection asks a catalogue that DuckDB has only in part. So the cursor keeps its rows, and
columns are asked of DuckDB itself. The SQL itself is PostgreSQL's, which DuckDB speaks.
"""

from __future__ import annotations

from typing import Any

import duckdb
import sqlalchemy as sa
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.base import (
    PGCompiler,
    PGDDLCompiler,
    PGIdentifierPreparer,
    PGTypeCompiler,
)
from sqlalchemy.engine.default import DefaultDialect

from pipelines.engine import columns_of

URL = "duckdb+gx://"

# By the names that type expectations compare with.
_TYPES: dict[str, type[sa.types.TypeEngine[Any]]] = {
    "VARCHAR": sa.VARCHAR,
    "BIGINT": sa.BIGINT,
    "INTEGER": sa.INTEGER,
    "DOUBLE": sa.DOUBLE,
    "DECIMAL": sa.NUMERIC,
    "DATE": sa.DATE,
    "BOOLEAN": sa.BOOLEAN,
    "TIMESTAMP": sa.TIMESTAMP,
    "TIMESTAMP WITH TIME ZONE": sa.TIMESTAMP,
}


class BufferedCursor:
    """A cursor whose rows outlive the next statement."""

    arraysize = 1
    rowcount = -1

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._cursor = con.cursor()
        self._rows: list[tuple[Any, ...]] = []
        self.description: Any = None

    def execute(self, sql: str, parameters: Any = None) -> None:
        self._cursor.execute(sql, parameters) if parameters else self._cursor.execute(sql)
        self.description = self._cursor.description
        self._rows = self._cursor.fetchall() if self.description else []

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        taken, self._rows = self._rows[: size or 1], self._rows[size or 1 :]
        return taken

    def fetchall(self) -> list[tuple[Any, ...]]:
        taken, self._rows = self._rows, []
        return taken

    def close(self) -> None:
        self._cursor.close()


class BorrowedConnection:
    """The pipeline's open connection, lent to SQLAlchemy: closing it here closes nothing."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.lent = con

    def cursor(self) -> BufferedCursor:
        return BufferedCursor(self.lent)

    def commit(self) -> None:
        """Validation only reads."""

    rollback = close = commit


class DuckDBGXDialect(DefaultDialect):
    """DuckDB as Great Expectations needs it: PostgreSQL's SQL, DuckDB's own reflection."""

    name = "duckdb"
    driver = "gx"
    default_paramstyle = "qmark"
    default_schema_name = "main"
    supports_statement_cache = True
    supports_native_boolean = True
    supports_native_decimal = True
    statement_compiler = PGCompiler
    ddl_compiler = PGDDLCompiler
    type_compiler_cls = PGTypeCompiler
    preparer = PGIdentifierPreparer

    @classmethod
    def import_dbapi(cls) -> Any:
        return duckdb

    def create_connect_args(self, url: Any) -> Any:  # noqa: ARG002
        return [], {}

    def initialize(self, connection: Any) -> None:
        """Nothing to ask the server for."""

    def get_columns(self, connection: Any, table_name: str, schema: str | None = None, **_: Any) -> Any:
        found = columns_of(connection.connection.dbapi_connection.lent, f"{schema or 'main'}.{table_name}")
        return [
            {
                "name": name,
                "type": _TYPES.get(kind.split("(")[0], sa.String)(),
                "nullable": True,
                "default": None,
            }
            for name, kind in found
        ]

    def get_pk_constraint(self, *_: Any, **__: Any) -> Any:
        return {"constrained_columns": [], "name": None}

    def _nothing(self, *_: Any, **__: Any) -> Any:
        return []

    get_foreign_keys = get_indexes = get_unique_constraints = get_check_constraints = _nothing

    def get_table_comment(self, *_: Any, **__: Any) -> Any:
        return {"text": None}

    def has_table(self, connection: Any, table_name: str, schema: str | None = None, **_: Any) -> bool:
        return bool(self.get_columns(connection, table_name, schema))

    def get_schema_names(self, connection: Any, **_: Any) -> Any:
        return [row[0] for row in connection.exec_driver_sql("select schema_name from duckdb_schemas()")]


def register() -> None:
    """Make `duckdb+gx://` known to SQLAlchemy."""
    registry.register("duckdb.gx", __name__, "DuckDBGXDialect")

"""Databases: a table or a query, through dlt's SQL source, as one pull of typed Parquet.

Rows stream from the server to the file some ten thousand at a time, as Arrow tables. The URL holds a
password: it comes from the environment, and no fault repeats it, nor what the server said of a row.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.config.connectors import Database, duration
from pipelines.config.yaml import nearest
from pipelines.errors import ConfigError, LohkoError, SourceError
from resources.connectors.dlt_home import load_dlt
from resources.connectors.pulls import KEY, Pulls, fingerprint

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import Engine, MetaData

_ROWS = 50_000
_QUERY = "lohko_query"
# Money and rates of any size fit: 29 digits before the point, 9 behind it.
_PRECISION, _SCALE = 38, 9


def pull(folder: Path, name: str, database: Database) -> None:
    """Land a table or a query: all of it, or what is new since the last pull where there is a cursor.

    Raises
    ------
    SourceError
        When the server does not answer or refuses, or the table or the cursor column is not there.
    ConfigError
        When the variable holds no SQLAlchemy URL.
    """
    load_dlt(folder, name, "database")
    from sqlalchemy.exc import SQLAlchemyError

    pulls = Pulls(
        folder,
        name,
        fingerprint(database.table, database.query, database.cursor),
        database.cursor is not None,
    )
    engine = _engine(name, database)
    try:
        _connect(engine, name, database)
        with pulls.writing() as target:
            _write(pulls, target, name, database, engine)
    except LohkoError:
        raise
    except SQLAlchemyError as fault:
        raise SourceError(
            f"sources.{name}.database: {_what(database)} cannot be read{_code(fault)}"
        ) from None
    except Exception as fault:  # noqa: BLE001 - drivers, Arrow and dlt each have faults whose text may hold a row
        raise SourceError(
            f"sources.{name}.database: {_what(database)} cannot be read ({_root(fault)})"
        ) from None
    finally:
        engine.dispose()


def _what(database: Database) -> str:
    return f"table {database.table}" if database.table else "the query"


def _engine(name: str, database: Database) -> Engine:
    from sqlalchemy import create_engine

    try:
        # Without its parameters in faults: they hold values.
        return create_engine(os.environ[database.url_from], hide_parameters=True)
    except ImportError as fault:
        raise SourceError(
            f"sources.{name}: the driver {fault.name} is not installed; the extra `database` brings that of"
            " PostgreSQL"
        ) from None
    except Exception:  # noqa: BLE001 - the text of the fault is the URL
        raise ConfigError(
            f"sources.{name}.database.url_from: {database.url_from} holds no SQLAlchemy URL; expected such as"
            " postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
        ) from None


def _connect(engine: Engine, name: str, database: Database) -> None:
    """Fail early where nobody answers, and say so."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        engine.connect().close()
    except SQLAlchemyError as fault:
        raise SourceError(
            f"sources.{name}.database: cannot connect to the address in {database.url_from}{_code(fault)};"
            " see host, database, user and password, and whether the server runs"
        ) from None


def _write(pulls: Pulls, target: Path, name: str, database: Database, engine: Engine) -> None:
    import pyarrow.parquet as pq

    writer: pq.ParquetWriter | None = None
    last = pulls.cursor
    try:
        for chunk in _chunks(name, database, engine, last):
            table = _settled(chunk)
            if not table.num_rows:
                continue
            if writer is None:
                writer = pq.ParquetWriter(target, table.schema)
            writer.write_table(_as(table, writer.schema, name, database))
            last = _advanced(last, table, database.cursor)
        if writer is not None:
            writer.add_key_value_metadata({KEY: pulls.note(last)})
    finally:
        if writer is not None:
            writer.close()


def _chunks(name: str, database: Database, engine: Engine, last: str | None) -> Iterator[pa.Table]:
    """The rows from the cursor on, as dlt reads them."""
    import dlt
    from dlt.sources.sql_database import sql_table
    from sqlalchemy import MetaData

    metadata = MetaData(schema=_schema(database))
    table = _described(name, database, engine, metadata)
    incremental = None
    if database.cursor:
        # NULL in the cursor is read each time: such a row would otherwise never be.
        incremental = dlt.sources.incremental[Any](
            database.cursor,
            initial_value=_begin(database, last),
            row_order="asc",
            on_cursor_value_missing="include",
        )
    yield from sql_table(
        credentials=engine,
        table=table,
        metadata=metadata,
        incremental=incremental,
        chunk_size=_ROWS,
        backend="pyarrow",
        reflection_level="full_with_precision",
        query_adapter_callback=_with_query(database) if database.query else None,
    )


def _schema(database: Database) -> str | None:
    schema, dot, _ = (database.table or "").rpartition(".")
    return schema if dot else None


def _described(name: str, database: Database, engine: Engine, metadata: MetaData) -> str:
    """Put the table, or a stand-in for the query, into `metadata`; returns its name.

    Raises
    ------
    SourceError
        When there is no such table, or no such cursor column in it.
    """
    import sqlalchemy as sa
    from sqlalchemy.exc import NoSuchTableError

    if database.query:
        with engine.connect() as con:
            columns = list(
                con.execute(sa.text(f"select * from ({_verbatim(database.query)}) q where 1 = 0")).keys()
            )
        table = sa.Table(_QUERY, metadata, *(sa.Column(column) for column in columns))
    else:
        plain = (database.table or "").rpartition(".")[2]
        try:
            table = sa.Table(plain, metadata, autoload_with=engine, resolve_fks=False)
        except NoSuchTableError:
            raise SourceError(
                f"sources.{name}.database: there is no table {database.table}, or its user may not see it"
            ) from None
    if database.cursor and database.cursor not in table.c:
        raise SourceError(
            f"sources.{name}.database: {_what(database)} has no column {database.cursor}, which cursor names"
            f"{nearest(database.cursor, table.c.keys())}"
        )
    return table.name


def _with_query(database: Database) -> Any:
    """Select from the query instead of a table of its name."""
    import sqlalchemy as sa

    def adapt(select: Any, table: Any) -> Any:
        query = sa.text(_verbatim(database.query or "")).columns(*(sa.Column(c.name) for c in table.c))
        return select.add_cte(query.cte(_QUERY))

    return adapt


def _verbatim(query: str) -> str:
    """The query with nothing in it for SQLAlchemy to bind, and without a closing semicolon."""
    return query.strip().rstrip(";").replace(":", "\\:")


def _settled(chunk: pa.Table) -> pa.Table:
    """The chunk with types that do not depend on the rows that happen to be in it."""
    import pyarrow as pa

    fields = []
    for field in chunk.schema:
        kind = field.type
        if pa.types.is_null(kind):
            kind = pa.string()
        elif pa.types.is_decimal(kind):
            kind = pa.decimal128(_PRECISION, _SCALE)
        elif pa.types.is_integer(kind):
            kind = pa.int64()
        elif pa.types.is_timestamp(kind):
            kind = pa.timestamp("us", tz="UTC" if kind.tz else None)
        fields.append(pa.field(field.name, kind))
    return chunk.cast(pa.schema(fields))


def _as(table: pa.Table, schema: pa.Schema, name: str, database: Database) -> pa.Table:
    """A later chunk in the types of the first."""
    import pyarrow as pa

    if table.schema.equals(schema):
        return table
    try:
        return table.cast(schema)
    except pa.ArrowInvalid:
        changed = [f.name for f, g in zip(table.schema, schema, strict=True) if f.type != g.type]
        raise SourceError(
            f"sources.{name}.database: {_what(database)} gives {', '.join(changed)} in several types;"
            " cast in the query"
        ) from None


def _advanced(last: str | None, table: pa.Table, cursor: str | None) -> str | None:
    """The larger of the cursor so far and of a chunk's, as text."""
    import pyarrow.compute as pc

    if cursor is None:
        return None
    value = pc.max(table.column(cursor)).as_py()
    if value is None:
        return last
    if last is not None:
        value = max(value, _value(last))
    return _written(value)


def _written(value: object) -> str:
    """A cursor's value with its type, so that it is read as what it was."""
    if isinstance(value, datetime):
        return f"timestamp {value.isoformat()}"
    if isinstance(value, date):
        return f"date {value.isoformat()}"
    if isinstance(value, int):
        return f"integer {value}"
    if isinstance(value, Decimal):
        return f"decimal {value}"
    return f"text {value}"


def _value(written: str) -> Any:
    kind, _, text = written.partition(" ")
    read = {
        "timestamp": datetime.fromisoformat,
        "date": date.fromisoformat,
        "integer": int,
        "decimal": Decimal,
        "text": str,
    }
    value: Any = read[kind](text)  # type: ignore[operator]
    return value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else value


def _begin(database: Database, last: str | None) -> Any:
    """The last value less the lookback; None before the first pull.

    Raises
    ------
    ConfigError
        When the lookback does not fit the type of the cursor.
    """
    if last is None:
        return None
    value = _value(last)
    if not database.lookback:
        return value
    number = isinstance(database.lookback, int) or database.lookback.isdecimal()
    if isinstance(value, date) and not number:
        back: timedelta = duration(str(database.lookback))
        # A date takes whole days: a lookback of hours reads the day before again.
        return value - (
            back if isinstance(value, datetime) else timedelta(days=-(-back // timedelta(days=1)))
        )
    if isinstance(value, (int, Decimal)) and number:
        return value - int(database.lookback)
    raise ConfigError(
        f"database.lookback: {database.lookback!r} does not fit the cursor {database.cursor}; expected a"
        " duration such as 2d for times, a number for integers"
    )


def _code(fault: BaseException) -> str:
    """The SQLSTATE that the server gave, or the driver's name for the fault; never its text."""
    origin = getattr(fault, "orig", None) or fault
    state = getattr(origin, "sqlstate", None) or getattr(origin, "pgcode", None)
    return f" (SQLSTATE {state})" if state else f" ({type(origin).__name__})"


def _root(fault: BaseException) -> str:
    """The kind of fault that dlt wrapped."""
    while fault.__cause__ is not None:
        fault = fault.__cause__
    return _code(fault).strip(" ()")

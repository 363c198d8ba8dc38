"""Read one landed file: its columns, and its rows into `raw.<source>`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.config.expression import to_sql
from pipelines.engine import columns_of, qualified, quote, relation_exists
from pipelines.errors import SourceError
from pipelines.ingest import ragged
from pipelines.ingest.dialect import MAX_COLUMNS, refuse_repeats
from pipelines.ingest.reading import Reading

if TYPE_CHECKING:
    import duckdb
    from sqlglot import exp

INTEGERS = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"})


@dataclass(frozen=True)
class LandedFile:
    """A file ready to be loaded, as the landing found it.

    `name` is what the ledger knows it by: it stays the same when the project folder moves.
    """

    path: Path
    name: str
    size: int
    mtime_ns: int
    sha256: str


def columns_in_file(con: duckdb.DuckDBPyConnection, reading: Reading) -> list[str]:
    """The file's column names.

    Raises
    ------
    SourceError
        When the file is missing, empty, truncated or not of its format.
    """
    if reading.columns is not None:
        return list(reading.columns)
    found = read_guarded(con, f"describe select * from {reading.clause}", reading)
    names = [str(row[0]) for row in found if row[0] != "file_row_number"]
    if len(names) > MAX_COLUMNS:
        raise SourceError(f"{reading.path}: has {len(names):,} columns; expected at most {MAX_COLUMNS:,}")
    if reading.kind == "parquet":
        _refuse_repeats_in_parquet(con, reading)
    return names


def _refuse_repeats_in_parquet(con: duckdb.DuckDBPyConnection, reading: Reading) -> None:
    """DuckDB gives `Land` and `land` of one file two names of its own making; the file is refused instead."""
    inner = "select name, coalesce(num_children, 0) as inside from parquet_schema($path)"
    found = read_guarded(con, inner, reading)
    top, inside = [], [0]
    for name, children in found[1:]:
        while len(inside) > 1 and not inside[-1]:
            inside.pop()
        if len(inside) == 1:
            top.append(str(name))
        else:
            inside[-1] -= 1
        if children:
            inside.append(int(children))
    refuse_repeats(reading.path, top, mend="and send the file again")


def bind(con: duckdb.DuckDBPyConnection, expression: exp.Expr, reading: Reading, where: str) -> None:
    """Check that an expression fits the types of the file's columns, reading no row.

    Parameters
    ----------
    expression : the parsed expression.
    reading : how the file is read: its format, dialect, encoding and columns.
    where : the place of the expression in `project.yaml`, for messages.

    Raises
    ------
    SourceError
        Naming the file, the mapping, and what DuckDB says of the types.
    """
    import duckdb

    sql = f"describe select {to_sql(expression)} from {reading.clause}"
    try:
        con.execute(sql, {"path": str(reading.at)})
    except duckdb.Error as error:
        hint = "" if reading.kind == "parquet" else "; columns of a text file are text: cast them"
        raise SourceError(
            f"{reading.path}: does not fit its mapping. {where}: {_reason(error)}{hint}"
        ) from None


def load(con: duckdb.DuckDBPyConnection, source: str, reading: Reading, file_id: int) -> int:
    """Append a file's rows to `raw.<source>` as landed, with `_file_id` and `_row`; returns their number.

    `_row` counts from 1; in a CSV file lines that are skipped and the header count too, so the first row
    below a header is line 2.

    Parameters
    ----------
    reading : how the file is read: its format, dialect, encoding and columns.
    file_id : the number of the file in the ledger.
    """
    if reading.kind == "parquet":
        number, star = "file_row_number + 1", "* exclude (file_row_number)"
    else:
        number, star = f"row_number() over () + {reading.lines_before}", ragged.columns_of_load(reading)
    select = f"select {file_id} as _file_id, cast({number} as bigint) as _row, {star} from {reading.clause}"
    table = f"raw.{source}"
    if not relation_exists(con, table):
        read_guarded(con, f"create table {qualified(table)} as {select} limit 0", reading)
    else:
        _fit_columns(con, table, select, reading)
    ((count,),) = read_guarded(con, f"insert into {qualified(table)} by name {select}", reading)
    return int(count)


def _fit_columns(con: duckdb.DuckDBPyConnection, table: str, select: str, reading: Reading) -> None:
    """Make room for a file's columns: new ones pass through, a changed type fails loudly.

    DuckDB would cast without a word: 1.7 into a column of integers becomes 2, '007' becomes 7.
    """
    have = {name.lower(): (name, old) for name, old in columns_of(con, table)}
    for new_name, new, *_ in read_guarded(con, f"describe {select}", reading):
        if new_name.lower() not in have:
            con.execute(f"alter table {qualified(table)} add column {quote(new_name)} {new}")
            continue
        name, old = have[new_name.lower()]
        common = _common_type(con, old, new)
        if common == old or _is_empty(con, f"select {quote(new_name)} from ({select})", reading):
            continue
        if not {old, common} <= INTEGERS and not _is_empty(
            con, f"select {quote(name)} from {qualified(table)} where $path is not null", reading
        ):
            raise SourceError(
                f"{reading.path}: column {new_name} is {new}, and was {old} in the files before;"
                f" expected {old}. Send the file with that type"
            )
        wider = common if {old, common} <= INTEGERS else new
        con.execute(f"alter table {qualified(table)} alter column {quote(name)} type {wider}")


def _common_type(con: duckdb.DuckDBPyConnection, old: str, new: str) -> str:
    """The type that holds the values of both, as DuckDB has it; the new one where there is none."""
    import duckdb

    try:
        ((_, common, *_),) = con.execute(
            f"describe select cast(null as {old}) union all select cast(null as {new})"
        ).fetchall()
    except duckdb.Error:
        return new
    return str(common)


def _is_empty(con: duckdb.DuckDBPyConnection, select: str, reading: Reading) -> bool:
    """Whether the one column of a SELECT holds nothing but NULL, as a column never filled does."""
    found = read_guarded(con, f"select 1 from ({select}) as t(v) where v is not null limit 1", reading)
    return not found


def read_guarded(
    con: duckdb.DuckDBPyConnection,
    sql: str,
    reading: Reading,
    parameters: Mapping[str, object] | None = None,
) -> list[tuple[Any, ...]]:
    """Run SQL that reads the file at `$path`; a fault of the file becomes one message that names it.

    Parameters
    ----------
    sql : the SQL, which reads `$path`.
    reading : how the file is read: its format, dialect, encoding and columns.
    parameters : values bound to the SQL, beside `$path`.

    Raises
    ------
    SourceError
        When DuckDB cannot read the file, with the place of the fault in it.
    """
    import duckdb

    try:
        return con.execute(sql, {"path": str(reading.at), **(parameters or {})}).fetchall()
    except duckdb.Error as error:
        path = reading.path
        if not path.exists():
            raise SourceError(f"{path}: no such file") from None
        told = _fault_of_parquet(error) if reading.kind == "parquet" else _fault_of_text(error)
        raise SourceError(
            f"{path}: cannot be read as {reading.kind}: {told}. Send the file again, or say how it is written"
            " in the source"
        ) from None


def _reason(error: Exception) -> str:
    """What DuckDB says first, on one line."""
    return " ".join(str(error).split("\n\n")[0].split())[:300]


def _fault_of_parquet(error: Exception) -> str:
    """What DuckDB says first; of a value that cannot be read only the kind, because it quotes the value."""
    import duckdb

    said = _reason(error)
    quotes = isinstance(error, (duckdb.ConversionException, duckdb.OutOfRangeException))
    return said.split(":", 1)[0] if quotes or "Could not parse" in said else said


# What DuckDB says of text files quotes the line, which is a person's data, so only what is listed is told.
_TEXT_FAULTS = (
    (r"Maximum line size of (\d+) bytes exceeded", "longer than {1} bytes; is a quote left open?"),
    (r"Expected Number of Columns: \d+ Found: \d+", "{0}"),
    (r"unterminated quote", "a quote that is opened is not closed, or text stands behind a closing quote"),
    (r"Invalid unicode", "not UTF-8"),
    (r"invalid UTF-8", "not UTF-8"),
    (r"has duplicate key", "an object holds a key twice"),
    (r"maximum_object_size", "an object is larger than 16 MB"),
    (r"Malformed JSON", "malformed JSON"),
    (r"invalid state", "not cut into values and lines as the rest is"),
    (r"(?i)out of memory", "out of memory"),
)
_LINE = re.compile(r"(?:CSV Error on Line: |in line )(\d+)")


def _fault_of_text(error: Exception) -> str:
    """The line and the kind of a fault, without the file's own text: a message goes to alerts."""
    said = str(error)
    line = _LINE.search(said)
    where = f"line {line[1]}: " if line else ""
    for pattern, told in _TEXT_FAULTS:
        found = re.search(pattern, said)
        if found:
            return where + told.format(found[0], *found.groups())
    return f"{where}{said.split(':', 1)[0]}"

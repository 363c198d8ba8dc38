"""Read one landed file: its columns, and its rows into `raw.<source>`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.config.expression import to_sql
from pipelines.errors import SourceError
from pipelines.steps import columns_of, qualified, quote, table_exists

if TYPE_CHECKING:
    import duckdb
    from sqlglot import exp

FORMATS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".csv.gz": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".jsonl.gz": "jsonl",
}


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


def format_of(path: Path, stated: str | None) -> str:
    """The file's format: as stated, or by its ending."""
    if stated:
        return stated
    for ending, kind in FORMATS.items():
        if path.name.lower().endswith(ending):
            return kind
    raise SourceError(
        f"{path}: the ending says no format; expected one of {', '.join(FORMATS)},"
        " or set `format:` in the source"
    )


def reader(kind: str) -> str:
    """The FROM clause that reads `$path`; text formats keep every value as text until it is mapped.

    Nothing is skipped: not lines before the header, not lines that look like comments.
    """
    if kind == "parquet":
        return "read_parquet($path, file_row_number = true)"
    if kind == "csv":
        return (
            "read_csv($path, header = true, all_varchar = true, null_padding = false, skip = 0, comment = '')"
        )
    return (
        "(select columns(*) ->> '$' as '\\0' from read_json($path, format = 'newline_delimited',"
        " maximum_depth = 1, sample_size = -1, map_inference_threshold = -1))"
    )


def columns_in_file(con: duckdb.DuckDBPyConnection, path: Path, stated: str | None) -> list[str]:
    """The file's column names.

    Raises
    ------
    SourceError
        When the file is missing, empty, truncated or not of its format.
    """
    kind = format_of(path, stated)
    if path.exists() and not path.stat().st_size:
        raise SourceError(f"{path}: is empty; expected {kind}. Send the file again")
    found = read_guarded(con, f"describe select * from {reader(kind)}", path, kind)
    return [str(row[0]) for row in found if row[0] != "file_row_number"]


def bind(
    con: duckdb.DuckDBPyConnection, expression: exp.Expr, path: Path, stated: str | None, where: str
) -> None:
    """Check that an expression fits the types of the file's columns, reading no row.

    Raises
    ------
    SourceError
        Naming the file, the mapping, and what DuckDB says of the types.
    """
    import duckdb

    sql = f"describe select {to_sql(expression)} from {reader(format_of(path, stated))}"
    try:
        con.execute(sql, {"path": str(path)})
    except duckdb.Error as error:
        hint = "" if format_of(path, stated) == "parquet" else "; columns of a text file are text: cast them"
        raise SourceError(f"{path}: does not fit its mapping. {where}: {_reason(error)}{hint}") from None


def load(
    con: duckdb.DuckDBPyConnection, source: str, file: LandedFile, file_id: int, stated: str | None
) -> int:
    """Append a file's rows to `raw.<source>` as landed, with `_file_id` and `_row`; returns their number.

    `_row` counts from 1; in a CSV file the header is line 1, so the first row is line 2.
    """
    kind = format_of(file.path, stated)
    if kind == "parquet":
        number, star = "file_row_number + 1", "* exclude (file_row_number)"
    else:
        number, star = f"row_number() over () + {1 if kind == 'csv' else 0}", "*"
    select = f"select {file_id} as _file_id, cast({number} as bigint) as _row, {star} from {reader(kind)}"
    table = f"raw.{source}"
    if not table_exists(con, table):
        read_guarded(con, f"create table {qualified(table)} as {select} limit 0", file.path, kind)
    else:
        _fit_columns(con, table, select, file.path, kind)
    ((count,),) = read_guarded(con, f"insert into {qualified(table)} by name {select}", file.path, kind)
    return int(count)


def _fit_columns(con: duckdb.DuckDBPyConnection, table: str, select: str, path: Path, kind: str) -> None:
    """Make room for a file's columns: new ones pass through, a changed type fails loudly.

    DuckDB would cast without a word: 1.7 into a column of integers becomes 2, '007' becomes 7.
    """
    have = {name.lower(): (name, old) for name, old in columns_of(con, table)}
    for new_name, new, *_ in read_guarded(con, f"describe {select}", path, kind):
        if new_name.lower() not in have:
            con.execute(f"alter table {qualified(table)} add column {quote(new_name)} {new}")
            continue
        name, old = have[new_name.lower()]
        common = _common_type(con, old, new)
        if common == old or _is_empty(con, f"select {quote(new_name)} from ({select})", path, kind):
            continue
        if not {old, common} <= INTEGERS and not _is_empty(
            con, f"select {quote(name)} from {qualified(table)} where $path is not null", path, kind
        ):
            raise SourceError(
                f"{path}: column {new_name} is {new}, and was {old} in the files before; expected {old}."
                " Send the file with that type"
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


def _is_empty(con: duckdb.DuckDBPyConnection, select: str, path: Path, kind: str) -> bool:
    """Whether the one column of a SELECT holds nothing but NULL, as a column never filled does."""
    found = read_guarded(con, f"select 1 from ({select}) as t(v) where v is not null limit 1", path, kind)
    return not found


def read_guarded(
    con: duckdb.DuckDBPyConnection,
    sql: str,
    path: Path,
    kind: str,
    parameters: Mapping[str, object] | None = None,
) -> list[tuple[Any, ...]]:
    """Run SQL that reads the file at `$path`; a fault of the file becomes one message that names it."""
    import duckdb

    try:
        return con.execute(sql, {"path": str(path), **(parameters or {})}).fetchall()
    except duckdb.Error as error:
        if not path.exists():
            raise SourceError(f"{path}: no such file") from None
        raise SourceError(
            f"{path}: cannot be read as {kind}: {_reason(error)}. Send the file again, or say how it is"
            " written in the source"
        ) from None


def _reason(error: Exception) -> str:
    """What DuckDB says, without the file's own text: a message goes to alerts, and rows are personal."""
    lines = str(error).split("\n\n")[0].splitlines()
    return " ".join(" ".join(line for line in lines if not line.startswith("Original Line")).split())[:300]

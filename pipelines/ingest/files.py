"""Read one landed file: its columns, and its rows into `raw.<source>`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import SourceError
from pipelines.steps import columns_of, qualified, quote, table_exists

if TYPE_CHECKING:
    import duckdb

FORMATS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".csv.gz": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".jsonl.gz": "jsonl",
}


@dataclass(frozen=True)
class LandedFile:
    """A file ready to be loaded, as the landing found it."""

    path: Path
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
        f"{path}: the ending says no format; expected one of {', '.join(FORMATS)}, or set `format:` in the source"
    )


def reader(kind: str) -> str:
    """The FROM clause that reads `$path`; text formats keep every value as text until it is mapped."""
    if kind == "parquet":
        return "read_parquet($path, file_row_number = true)"
    if kind == "csv":
        return "read_csv($path, header = true, all_varchar = true, null_padding = false)"
    return "read_json($path, format = 'newline_delimited')"


def columns_in_file(con: duckdb.DuckDBPyConnection, path: Path, stated: str | None) -> list[str]:
    """The file's column names.

    Raises
    ------
    SourceError
        When the file is missing, empty, truncated or not of its format.
    """
    kind = format_of(path, stated)
    found = _guarded(con, f"describe select * from {reader(kind)}", path, kind)
    return [row[0] for row in found if row[0] != "file_row_number"]


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
        _guarded(con, f"create table {qualified(table)} as {select} limit 0", file.path, kind)
    else:
        _add_columns(con, table, select, file.path, kind)
    result = _guarded(con, f"insert into {qualified(table)} by name {select}", file.path, kind)
    return int(result[0][0]) if result else 0


def _add_columns(con: duckdb.DuckDBPyConnection, table: str, select: str, path: Path, kind: str) -> None:
    """New columns pass through: add those the table lacks."""
    have = {name.lower() for name, _ in columns_of(con, table)}
    for name, column_type, *_ in _guarded(con, f"describe {select}", path, kind):
        if name.lower() not in have:
            con.execute(f"alter table {qualified(table)} add column {quote(name)} {column_type}")


def _guarded(con: duckdb.DuckDBPyConnection, sql: str, path: Path, kind: str) -> list[tuple[object, ...]]:
    """Run SQL that reads the file; a fault of the file becomes one message that names it."""
    import duckdb

    try:
        return con.execute(sql, {"path": str(path)}).fetchall()
    except duckdb.Error as error:
        if not path.exists():
            raise SourceError(f"{path}: no such file") from None
        reason = " ".join(str(error).split("\n\n")[0].split())[:300]
        raise SourceError(
            f"{path}: cannot be read as {kind}: {reason}. Send the file again, or say how it is written in the source"
        ) from None

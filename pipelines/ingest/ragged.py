"""Ragged lines of a text file: those with too few or too many values, set apart one by one.

A good file never comes here: only one whose strict reading failed is read again, for what DuckDB rejects of
it. A line is set apart where it can be cut with certainty: it has no quote and no escape in it, so it begins
and ends at its line ends, and all that stands around it was cut strictly. Any other fault fails the file: a
quote that is left open may have swallowed lines, and where the next one begins is a guess.

In a copy of the file each such line becomes one value, marked, with nothing behind it. So every row keeps its
number, and the copy is read strictly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pipelines.engine import literal, quote
from pipelines.ingest.dialect import Dialect
from pipelines.ingest.reading import Reading, csv_clause
from pipelines.ingest.unpack import CHUNK, chunks

if TYPE_CHECKING:
    import duckdb

# A control character that no table holds; a file with one in it is not mended.
MARK = "\x1e"
# The column of raw.<source> that holds the text of such a line; NULL in every other row.
COLUMN = "_ragged"
MOST = 100_000
# With more ragged lines than others the dialect is wrong, not the lines.
LARGEST_SHARE = 0.5
_KINDS = frozenset({"MISSING COLUMNS", "TOO MANY COLUMNS"})
_REJECTS, _SCANS = "lohko_rejected_line", "lohko_rejected_scan"


@dataclass(frozen=True)
class _Line:
    """A rejected line: where it begins in the file, counted from 0, and its bytes."""

    at: int
    text: bytes


def set_apart(con: duckdb.DuckDBPyConnection, reading: Reading, scratch: Path) -> Reading | None:
    """How to read a file whose ragged lines are set apart; None where that is not certain, or not the fault.

    Parameters
    ----------
    reading : of a file that could not be read strictly.
    scratch : where the copy is written; it must stand while the file is read.
    """
    dialect = reading.dialect
    if dialect is None or not dialect.quote or reading.compression == "zstd":
        return None
    try:
        plain = _plain(reading, scratch)
        lines = _rejected(con, replace(reading, at=plain, clause=csv_clause(dialect, "")), dialect)
        if not lines:
            return None
        copy = _beside(scratch)
        _copy(plain, copy, lines, dialect)
    except _Uncertain:
        return None
    return replace(reading, at=copy, clause=csv_clause(dialect, ""), ragged=len(lines))


class _Uncertain(Exception):  # noqa: N818 - no error: the file fails with what its strict reading said
    """Some line cannot be cut with certainty."""


def columns_of_load(reading: Reading) -> str:
    """What `load` selects of a file: all columns; and of one with ragged lines, their text in `_ragged`."""
    if not reading.ragged or reading.dialect is None:
        return "*"
    first = quote(reading.dialect.columns[0])
    marked = f"starts_with({first}, {literal(MARK)})"
    return (
        f"* replace (case when {marked} then null else {first} end as {first}),"
        f" case when {marked} then substr({first}, 2) end as {COLUMN}"
    )


def _plain(reading: Reading, scratch: Path) -> Path:
    """The file as plain text: itself, the copy that was made of it, or one that is unpacked here."""
    if reading.at != reading.path or not reading.compression:
        return reading.at
    target = _beside(scratch)
    with target.open("wb") as copy:
        for piece in chunks(reading.path, reading.compression):
            copy.write(piece)
    return target


def _beside(scratch: Path) -> Path:
    return scratch / f"{len(list(scratch.iterdir()))}.ragged.csv"


def _rejected(con: duckdb.DuckDBPyConnection, reading: Reading, dialect: Dialect) -> list[_Line]:
    """The lines that DuckDB rejects, in the order of the file.

    Raises
    ------
    _Uncertain
        When one is rejected for anything but its number of values, or holds a quote, or they are too many.
    """
    import duckdb

    options = (
        f", store_rejects = true, rejects_table = {literal(_REJECTS)},"
        f" rejects_scan = {literal(_SCANS)}, rejects_limit = {MOST + 1}, parallel = false)"
    )
    every = ", ".join(f"count({quote(name)})" for name in dialect.columns)
    _drop(con)
    try:
        ((good, *_),) = con.execute(
            f"select count(*), {every} from {reading.clause.removesuffix(')')}{options}",
            {"path": str(reading.at)},
        ).fetchall()
        found = con.execute(
            f"select line_byte_position - 1, csv_line, cast(error_type as varchar) from {_REJECTS}"
            " order by all"
        ).fetchall()
    except duckdb.Error:
        raise _Uncertain from None
    finally:
        _drop(con)
    lines = {}
    for at, text, kind in found:
        if kind not in _KINDS or text is None:
            raise _Uncertain
        line = text.lstrip("\r\n")  # DuckDB counts blank lines before it to the line
        if {dialect.quote, dialect.escape, "\r", "\n"} & {*line}:
            raise _Uncertain
        begins = int(at) + len(text) - len(line)
        # A line is rejected once for each value that it lacks.
        lines[begins] = _Line(begins, line.encode())
    if len(found) > MOST or len(lines) > LARGEST_SHARE * (good + len(lines)):
        raise _Uncertain
    return list(lines.values())


def _drop(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(f"drop table if exists {_REJECTS}; drop table if exists {_SCANS}")


def _copy(source: Path, target: Path, lines: list[_Line], dialect: Dialect) -> None:
    """Copy a file with its ragged lines replaced.

    Raises
    ------
    _Uncertain
        When a line does not stand where DuckDB says, or the mark stands in the file.
    """
    empty = (dialect.delimiter * (len(dialect.columns) - 1)).encode()
    around = dialect.quote.encode()
    mark = MARK.encode()
    with source.open("rb") as stream, target.open("wb") as copy:
        for line in lines:
            for piece in _until(stream, line.at):
                if mark in piece:
                    raise _Uncertain
                copy.write(piece)
            begins = line.at == 0 or _byte_before(stream, line.at) in b"\r\n"
            text = stream.read(len(line.text))
            following = stream.read(1)
            if text != line.text or mark in text or not begins or following not in (b"", b"\r", b"\n"):
                raise _Uncertain
            copy.write(around + mark + text + around + empty + following)
        while piece := stream.read(CHUNK):
            if mark in piece:
                raise _Uncertain
            copy.write(piece)


def _until(stream: BinaryIO, end: int) -> Iterator[bytes]:
    """What stands before a place, in pieces."""
    while (left := end - stream.tell()) > 0:
        piece = stream.read(min(CHUNK, left))
        if not piece:
            raise _Uncertain
        yield piece


def _byte_before(stream: BinaryIO, at: int) -> bytes:
    stream.seek(at - 1)
    return stream.read(1)

"""The record of how every landed file was read: `ingest.file_dialect`, a row a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.ingest.mapping import Mapping, marks_select
from pipelines.ingest.reading import Reading

if TYPE_CHECKING:
    import duckdb


def record(con: duckdb.DuckDBPyConnection, source: str, seq: int, file_id: int, reading: Reading) -> None:
    """Write down how a file is read; what does not apply to its format stays NULL.

    Parameters
    ----------
    seq : the number of the batch.
    file_id : the number of the file in the ledger.
    reading : how the file is read: its format, dialect, encoding and columns.
    """
    dialect = reading.dialect
    con.execute(
        "insert into ingest.file_dialect values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, null, ?)",
        [
            *(file_id, source, seq, reading.kind, reading.compression, reading.encoding, reading.newline),
            *(
                (dialect.delimiter, dialect.quote, dialect.escape, dialect.header, dialect.skip)
                if dialect
                else (None,) * 5
            ),
            len(dialect.columns) if dialect else None,
            ", ".join(sorted(reading.sniffed)),
        ],
    )


def record_decimals(con: duckdb.DuckDBPyConnection, mapping: Mapping, file_ids: Sequence[int]) -> None:
    """Write down which decimal mark the numbers of these files were read with, where one was looked for."""
    marks = marks_select(mapping)
    if not marks:
        return
    con.execute(
        f"""
        update ingest.file_dialect as d
        set decimal_mark = coalesce(nullif(m._decimal, ''), d.decimal_mark, ''),
            sniffed = case
                when $stated or contains(sniffed, 'decimal_mark') then sniffed
                else concat_ws(', ', nullif(sniffed, ''), 'decimal_mark')
            end
        from ({marks}) as m
        where m._file_id = d.file_id
        """,
        {"files": list(file_ids), "stated": mapping.decimal is not None},
    )

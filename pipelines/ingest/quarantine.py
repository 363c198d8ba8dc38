"""What is in quarantine: counts by reason for anyone, rows with their values for an operator only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.config.expression import columns_in, parse_scalar
from pipelines.config.project import Source
from pipelines.engine import load_query, rows

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Wanted:
    """Which rows are asked for; None is any. `everything`: also rows whose file was replaced since."""

    source: str | None = None
    table: str | None = None
    reason: str | None = None
    batch: int | None = None
    everything: bool = False

    @property
    def parameters(self) -> dict[str, object]:
        return {
            "source": self.source,
            "table": self.table,
            "reason": self.reason,
            "batch": self.batch,
            "everything": self.everything,
        }


def reasons(con: duckdb.DuckDBPyConnection, wanted: Wanted) -> list[dict[str, Any]]:
    """Counts by source, table, reason and column, with the first and the last file; no values."""
    return rows(con, _of_kept_out("reason_kept_out"), wanted.parameters)


def faulty_rows(
    con: duckdb.DuckDBPyConnection, wanted: Wanted, sources: Mapping[str, Source], limit: int
) -> list[dict[str, Any]]:
    """Rows with what they hold, oldest first: personal data, for an operator's eyes and nowhere else.

    `value` holds the source columns that the mapping of the faulty column reads, `content` the whole row.

    Parameters
    ----------
    wanted : which rows: their source, table and reason.
    sources : the configured sources, by name.
    limit : how many at most.
    """
    found = rows(con, _of_kept_out("row_kept_out"), {**wanted.parameters, "limit": limit})
    for row in found:
        row["content"] = json.loads(row["content"]) if row["content"] else {}
        row["value"] = _value(row, sources.get(row["source"]))
    return found


def _value(row: Mapping[str, Any], source: Source | None) -> dict[str, Any]:
    """The part of the row's content that its faulty column is made from."""
    content: dict[str, Any] = row["content"]
    text = source.tables.get(row["table_name"], {}).get(row["column_name"]) if source else None
    if text is None:
        return {}
    read = {name.lower() for name in columns_in(parse_scalar(text, list(content), row["column_name"]))}
    return {name: value for name, value in content.items() if name.lower() in read}


def rejected_batches(con: duckdb.DuckDBPyConnection, source: str | None = None) -> list[dict[str, Any]]:
    """Rejected batches with a file that was not sent again since, oldest first."""
    return rows(con, load_query("ingest/queries/rejected_batch").sql, {"source": source})


def _of_kept_out(name: str) -> str:
    """A query over the rows that stand in quarantine, or ever stood there."""
    kept_out = load_query("ingest/queries/kept_out")
    return load_query(f"ingest/queries/{name}").filled(kept_out=kept_out)

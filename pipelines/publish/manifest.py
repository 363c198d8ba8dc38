"""The manifest of a run: from what, by which definitions and which code the published tables were made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.engine import row_count, rows
from pipelines.publish.marts import MARTS, table_of

if TYPE_CHECKING:
    import duckdb


def manifest(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Inputs, watermarks, row counts, definition versions and code version of the marts that stand.

    File names and hashes, counts and versions; never a value of a row.
    """
    (run,) = rows(con, "select * from marts.run")
    return {
        "run": run,
        "inputs": rows(
            con,
            "select f.source, f.path, f.size, f.sha256, f.rows, f.batch_seq"
            " from ingest.file f join ingest.batch b using (batch_seq)"
            " where f.current and b.status = 'accepted' order by f.file_id",
        ),
        "watermarks": rows(con, "select source, watermark_at, status from ingest.freshness order by source"),
        "rows": {mart: row_count(con, table_of(mart)) for mart in MARTS},
        "definitions": rows(
            con,
            "select distinct segmentation_id, definition_version from segments.label order by all",
        ),
    }

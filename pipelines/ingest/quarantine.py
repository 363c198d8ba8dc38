"""What is in quarantine: counts by reason for anyone, rows with their values for an operator only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.config.expression import columns_in, parse_scalar
from pipelines.config.project import Source
from pipelines.engine import rows

if TYPE_CHECKING:
    import duckdb

# A row stands in quarantine while its file counts: of an accepted batch and not replaced, or of a rejected
# batch and not sent again since.
_KEPT_OUT = """
with newest as (select max(file_id) as file_id from ingest.file group by source, path),

kept_out as (
    select q.*, b.status as batch_status,
        coalesce(f.current, false) and b.status = 'accepted'
            or b.status = 'rejected' and newest.file_id is not null as stands
    from quarantine.row as q
    join ingest.batch as b on b.batch_seq = q.batch_seq
    left join ingest.file as f on f.batch_seq = q.batch_seq and f.path = q.file
    left join newest on newest.file_id = f.file_id
    where ($source is null or q.source = $source)
        and ($table is null or q.table_name = $table)
        and ($reason is null or q.reason = $reason)
        and ($batch is null or q.batch_seq = $batch)
)
"""


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
        return {"source": self.source, "table": self.table, "reason": self.reason, "batch": self.batch}

    @property
    def which(self) -> str:
        return "true" if self.everything else "stands"


def reasons(con: duckdb.DuckDBPyConnection, wanted: Wanted) -> list[dict[str, Any]]:
    """Counts by source, table, reason and column, with the first and the last file; no values."""
    return rows(
        con,
        f"""{_KEPT_OUT}
        select source, table_name, reason, column_name, batch_status, count(*) as rows,
            min(batch_seq) as first_batch, max(batch_seq) as last_batch,
            arg_min(file, (batch_seq, file)) as first_file, arg_max(file, (batch_seq, file)) as last_file
        from kept_out where {wanted.which} group by all
        order by source, table_name, rows desc, reason, column_name, batch_status""",
        wanted.parameters,
    )


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
    found = rows(
        con,
        f"""{_KEPT_OUT}
        select batch_seq, batch_status, source, table_name, file, row_number, reason, column_name, content
        from kept_out where {wanted.which}
        order by batch_seq, file, row_number, table_name limit $limit""",
        {**wanted.parameters, "limit": limit},
    )
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
    return rows(
        con,
        """
        select b.batch_seq, b.source, b.landed_at, b.files, b.reason,
            (select min(f.path) from ingest.file as f where f.batch_seq = b.batch_seq) as first_file
        from ingest.batch as b
        where b.status = 'rejected' and ($source is null or b.source = $source) and exists (
            select 1 from ingest.file as f where f.batch_seq = b.batch_seq and not exists (
                select 1 from ingest.file as later
                where later.source = f.source and later.path = f.path and later.file_id > f.file_id
            )
        )
        order by b.batch_seq
        """,
        {"source": source},
    )

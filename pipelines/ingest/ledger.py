"""The ledgers of ingest: files, batches, their accounting, quarantine and quality results.

They are records: append-only but for a batch's status, which its verdict flips.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from pipelines.engine import load_query, rows

if TYPE_CHECKING:
    import duckdb

SCHEMA = """
create schema if not exists raw;
create schema if not exists stage;
create schema if not exists ingest;
create schema if not exists quarantine;
create schema if not exists quality;
create table if not exists ingest.batch (
    batch_seq bigint primary key, source varchar not null, run_id varchar not null,
    landed_at timestamp not null, status varchar not null, reason varchar, files bigint not null,
    replaces boolean not null, first_business_date date, delivered_on date
);
create table if not exists ingest.file (
    file_id bigint primary key, source varchar not null, path varchar not null, size bigint not null,
    mtime_ns bigint not null, sha256 varchar not null, batch_seq bigint not null, rows bigint not null,
    current boolean not null
);
create table if not exists ingest.file_dialect (
    file_id bigint primary key, source varchar not null, batch_seq bigint not null, format varchar not null,
    compression varchar not null, encoding varchar, newline varchar, delimiter varchar, quote varchar,
    escape varchar, header boolean, skip bigint, columns bigint, decimal_mark varchar,
    sniffed varchar not null
);
create table if not exists ingest.file_column (
    file_id bigint not null, batch_seq bigint not null, source varchar not null, column_name varchar not null
);
create table if not exists ingest.column_filled (
    file_id bigint not null, batch_seq bigint not null, source varchar not null, table_name varchar not null,
    column_name varchar not null, rows bigint not null, filled bigint not null, present boolean not null
);
create table if not exists ingest.batch_table (
    batch_seq bigint not null, source varchar not null, table_name varchar not null,
    rows_landed bigint not null, rows_accepted bigint not null, rows_quarantined bigint not null,
    rows_superseded bigint not null, rows_repeated bigint not null default 0,
    rows_conflicting bigint not null default 0
);
create table if not exists ingest.batch_deletion (
    batch_seq bigint not null, source varchar not null, table_name varchar not null,
    rows_deleted bigint not null, keys_before bigint not null, keys_vanished bigint not null
);
create table if not exists quarantine.row (
    batch_seq bigint not null, source varchar not null, table_name varchar not null, file varchar not null,
    row_number bigint not null, reason varchar not null, column_name varchar not null, content varchar
);
create table if not exists quality.result (
    batch_seq bigint not null, source varchar not null, table_name varchar not null,
    check_name varchar not null, description varchar not null, severity varchar not null,
    passed boolean not null, unexpected_count bigint not null, element_count bigint not null,
    unexpected_percent double not null, run_id varchar not null
);
create table if not exists ingest.file_amount (
    file_id bigint not null, batch_seq bigint not null, source varchar not null, table_name varchar not null,
    landed decimal(38,4) not null, quarantined decimal(38,4) not null
);
create table if not exists quality.sample (
    batch_seq bigint not null, source varchar not null, table_name varchar not null,
    check_name varchar not null, position bigint not null, sample varchar not null
);
create table if not exists ingest.volume_day (
    batch_seq bigint not null, file_id bigint not null, source varchar not null, table_name varchar not null,
    business_date date not null, rows bigint not null
);
create table if not exists ingest.volume_column (
    batch_seq bigint not null, file_id bigint not null, source varchar not null, table_name varchar not null,
    business_date date not null, column_name varchar not null, rows bigint not null, nulls bigint not null,
    mean double, median double, p90 double
);
"""


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Create the ledgers where they are missing."""
    con.execute(SCHEMA)


def now() -> datetime:
    """UTC without zone, as every instant in the ledgers."""
    return datetime.now(UTC).replace(tzinfo=None)


def next_id(con: duckdb.DuckDBPyConnection, table: str, column: str) -> int:
    """One more than the largest; the single writer makes this safe."""
    row = con.execute(f"select coalesce(max({column}), 0) + 1 from {table}").fetchone()
    return int(row[0]) if row else 1


def known_files(con: duckdb.DuckDBPyConnection, source: str) -> dict[str, dict[str, Any]]:
    """Path -> the newest ledger entry of that path, whatever became of its batch."""
    found = rows(
        con,
        "select f.*, b.status from ingest.file f join ingest.batch b using (batch_seq)"
        " where f.source = ? qualify row_number() over (partition by path order by file_id desc) = 1",
        [source],
    )
    return {entry["path"]: entry for entry in found}


def accepted_files(con: duckdb.DuckDBPyConnection, source: str) -> list[int]:
    """The files whose rows count: of accepted batches, and not replaced by a later version."""
    found = con.execute(
        "select file_id from ingest.file join ingest.batch using (batch_seq)"
        " where ingest.file.source = ? and current and status = 'accepted' order by file_id",
        [source],
    ).fetchall()
    return [row[0] for row in found]


def newest_accepted(con: duckdb.DuckDBPyConnection, source: str) -> int:
    """The newest accepted batch of a source, of which there is one."""
    ((seq,),) = con.execute(
        "select max(batch_seq) from ingest.batch where status = 'accepted' and source = ?", [source]
    ).fetchall()
    return int(seq)


def first_business_day(con: duckdb.DuckDBPyConnection) -> date | None:
    """The earliest business day of which rows were accepted."""
    row = con.execute(
        "select min(first_business_date) from ingest.batch where status = 'accepted'"
    ).fetchone()
    return row[0] if row else None


def newest_snapshot(con: duckdb.DuckDBPyConnection, source: str) -> int | None:
    """The file that is the full state of a snapshot source: the last of its last accepted batch."""
    row = con.execute(
        "select file_id from ingest.file join ingest.batch using (batch_seq)"
        " where ingest.file.source = ? and status = 'accepted' order by batch_seq desc, file_id desc limit 1",
        [source],
    ).fetchone()
    return int(row[0]) if row else None


def batch_of(con: duckdb.DuckDBPyConnection, file_id: int | None) -> int | None:
    """The batch a file came in."""
    row = con.execute("select batch_seq from ingest.file where file_id = ?", [file_id]).fetchone()
    return int(row[0]) if row else None


def files_beside(con: duckdb.DuckDBPyConnection, file_ids: Collection[int]) -> list[int]:
    """The files of these files' batches, themselves included."""
    found = con.execute(
        "select file_id from ingest.file where batch_seq in"
        " (select batch_seq from ingest.file where file_id in (select unnest($files))) order by file_id",
        {"files": list(file_ids)},
    ).fetchall()
    return [row[0] for row in found]


def pending_batches(con: duckdb.DuckDBPyConnection, source: str, table: str) -> list[dict[str, Any]]:
    """Accepted batches of a source that a core table does not have, oldest first.

    The set is compared, not the newest number: a batch accepted by hand later is older than what is in core.
    """
    return rows(
        con,
        "select * from ingest.batch where source = $source and status = 'accepted' and batch_seq not in"
        " (select batch_seq from ingest.core_batch where table_name = $table and source = $source)"
        " order by batch_seq",
        {"source": source, "table": table},
    )


def withdrawn_batches(con: duckdb.DuckDBPyConnection, source: str, table: str) -> list[int]:
    """Batches of a source that a core table has, and that are accepted no longer."""
    found = con.execute(
        "select batch_seq from ingest.core_batch where table_name = $table and source = $source and batch_seq"
        " not in (select batch_seq from ingest.batch where source = $source and status = 'accepted')",
        {"source": source, "table": table},
    ).fetchall()
    return [row[0] for row in found]


def settle_versions(con: duckdb.DuckDBPyConnection, seq: int) -> None:
    """Of every path of a batch, the newest accepted version counts, whatever the order of the verdicts."""
    counting = load_query("ingest/queries/version_that_counts").sql
    con.execute(
        f"update ingest.file set current = file_id in ({counting})"
        " where (source, path) in (select (source, path) from ingest.file where batch_seq = $seq)",
        {"seq": seq},
    )


def held_back(
    con: duckdb.DuckDBPyConnection,
    source: str,
    known: Mapping[str, Mapping[str, Any]],
    standing: Collection[str],
    changed: Collection[str],
) -> set[str]:
    """Files that share a rejected batch with one that has been corrected (`changed`) or taken away since.

    They were never judged without it, and their own content will not change: they are to be landed again.

    Parameters
    ----------
    known : the ledger's newest entry of each file, by path.
    standing : paths of the files that exist now.
    changed : paths of the files whose content has changed.
    """
    rejected = set(
        con.execute(
            "select f.batch_seq, f.path from ingest.file f join ingest.batch b using (batch_seq)"
            " where f.source = ? and b.status = 'rejected'",
            [source],
        ).fetchall()
    )
    held = {
        (seq, path)
        for seq, path in rejected
        if path in standing and path not in changed and known[path]["batch_seq"] == seq
    }
    mended = {seq for seq, _ in rejected - held}
    return {path for seq, path in held if seq in mended}


def newest_batch(
    con: duckdb.DuckDBPyConnection, source: str, standing: Collection[str]
) -> dict[str, Any] | None:
    """The source's last batch, whatever its verdict; but not a rejected one whose files are gone."""
    query = load_query("ingest/queries/newest_batch")
    found = rows(con, query.sql, {"source": source, "standing": list(standing)})
    return found[0] if found else None

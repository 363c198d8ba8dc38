"""Deletions of a batch: those a change feed names, and those a snapshot implies by what it lacks.

A snapshot that lacks most of what the one before it had is a broken export far more often than a day on
which most customers left. Such a batch is rejected (`max_deleted_share`), and core stays as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.config.project import Source
from pipelines.engine import Statement, Table, bound, load_query
from pipelines.ingest import guests, ledger
from pipelines.ingest.at_odds import standing
from pipelines.ingest.mapping import Mapping, typed_select
from pipelines.ingest.quality import CheckResult

if TYPE_CHECKING:
    import duckdb

KEPT = "keys_kept"


def description(source: Source) -> str:
    """What the check of a snapshot says."""
    return f"at most {source.max_deleted_share:.1%} of the keys of the snapshot before are missing"


def counted(mapping: Mapping) -> tuple[str, str]:
    """Whether a key of a batch is kept, and whether it is deleted: SQL aggregates over its good rows.

    The other rows of the key are left out; a key of which no row is `_standing` is neither.
    """
    stands = "bool_or(_standing)"
    if mapping.operation is None:
        return f"cast({stands} as integer)", "0"
    version = "_row_version" if mapping.version is not None else "0"
    last = f"{{'v': {version}, 'f': _file_id, 'r': _row, 'gone': _row_deleted}}"
    gone = f"coalesce(max({last}) filter (where _standing).gone, false)"
    return f"cast({stands} and not {gone} as integer)", f"cast({stands} and {gone} as integer)"


def count_deleted(con: duckdb.DuckDBPyConnection, mapping: Mapping, here: dict[str, object]) -> None:
    """Write how many keys each batch of these files deletes by name; an append source deletes none.

    `here` holds the source, the table and the files, as in `batch.account`.
    """
    if mapping.operation is None:
        return
    _, gone = counted(mapping)
    con.execute(
        "delete from ingest.batch_deletion where source = $source and table_name = $table and batch_seq in"
        " (select batch_seq from ingest.file where file_id in (select unnest($files)))",
        here,
    )
    deleted = load_query("ingest/queries/deletions_of_batch").filled(
        stage=Table(mapping.stage),
        key=mapping.contract.key,
        standing=standing(mapping),
        gone=Statement(gone),
    )
    con.execute(
        f"insert into ingest.batch_deletion by name {deleted}",
        {"source": here["source"], "table": here["table"]},
    )


def check_snapshot(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, source: Source, seq: int
) -> list[CheckResult]:
    """Count what a staged snapshot lacks of the accepted one before it, and check its share.

    Parameters
    ----------
    mapping : the mapping of the source onto the canonical table.
    seq : the number of the batch.

    Returns
    -------
    One critical result; none for a source that delivers otherwise.
    """
    if mapping.delivery != "snapshot":
        return []
    before, vanished = _vanished(con, mapping, seq)
    con.execute(
        "delete from ingest.batch_deletion where batch_seq = ? and table_name = ?",  # it may be judged again
        [seq, mapping.contract.table],
    )
    con.execute(
        "insert into ingest.batch_deletion values (?, ?, ?, 0, ?, ?)",
        [seq, mapping.source, mapping.contract.table, before, vanished],
    )
    return [
        CheckResult(
            table=mapping.contract.table,
            name=KEPT,
            description=description(source),
            severity="critical",
            passed=vanished <= source.max_deleted_share * before,
            unexpected=vanished,
            elements=before,
        )
    ]


def _vanished(con: duckdb.DuckDBPyConnection, mapping: Mapping, seq: int) -> tuple[int, int]:
    """Keys of the accepted snapshot, typed by today's mapping, and those of them the staged one lacks."""
    accepted = ledger.newest_snapshot(con, mapping.source)
    if accepted is None:
        return 0, 0
    select = typed_select(mapping)
    values = {"files": [accepted], "guest_salt": guests.salt() if mapping.guest is not None else None}
    vanished = load_query("ingest/queries/vanished_keys").filled(
        earlier=Statement(select), stage=Table(mapping.stage), key=mapping.contract.key
    )
    row = con.execute(vanished, bound(select, values) | {"seq": seq}).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)

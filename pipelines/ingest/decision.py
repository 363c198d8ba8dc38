"""A person's verdict on a batch, over the checks' own: accepted although it failed, or taken out again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.engine import relation_exists, rows, transaction
from pipelines.errors import UsageError
from pipelines.ingest import ledger

if TYPE_CHECKING:
    import duckdb

# How the reason of a batch that a person rejected begins: replaying leaves such a batch alone.
BY_HAND = "rejected by hand"


def accept(con: duckdb.DuckDBPyConnection, seq: int) -> str:
    """Flip a rejected batch to accepted, in one transaction; core takes it with its next refresh.

    Returns
    -------
    The batch's source.

    Raises
    ------
    UsageError
        When there is no such batch, it is not rejected, or a later version of all its files is accepted.
    """
    entry = _batch(con, seq, "rejected")
    with transaction(con):
        con.execute(
            "update ingest.batch set status = 'accepted', reason = ? where batch_seq = ?",
            [f"accepted by hand; it had failed {entry['reason']}", seq],
        )
        if not point_to_newest(con, seq):
            raise UsageError(
                f"batch {seq}: later versions of all its files are accepted already, so accepting it would"
                " change nothing. `lohko quarantine list` shows the present state"
            )
        _refresh_anew(con, entry["source"])
    return str(entry["source"])


def reject(con: duckdb.DuckDBPyConnection, seq: int) -> str:
    """Take an accepted batch out again, in one transaction; versions of its files accepted before count anew.

    The source is held from the next run on, until a better batch comes.

    Returns
    -------
    The batch's source.

    Raises
    ------
    UsageError
        When there is no such batch, or it is not accepted.
    """
    entry = _batch(con, seq, "accepted")
    with transaction(con):
        con.execute(
            "update ingest.batch set status = 'rejected', reason = ? where batch_seq = ?", [BY_HAND, seq]
        )
        point_to_newest(con, seq)
        _refresh_anew(con, entry["source"])
    return str(entry["source"])


def _batch(con: duckdb.DuckDBPyConnection, seq: int, expected: str) -> dict[str, Any]:
    found = rows(con, "select * from ingest.batch where batch_seq = ?", [seq])
    if not found:
        raise UsageError(f"no batch {seq}; `lohko query 'from marts.batch'` lists them")
    if found[0]["status"] != expected:
        raise UsageError(f"batch {seq} is {found[0]['status']}; expected one that is {expected}")
    return found[0]


def point_to_newest(con: duckdb.DuckDBPyConnection, seq: int) -> int:
    """Of every file of the batch, let the newest accepted version count; returns how many are the batch's."""
    ledger.settle_versions(con, seq)
    row = con.execute("select count(*) from ingest.file where batch_seq = ? and current", [seq]).fetchone()
    return int(row[0]) if row else 0


def _refresh_anew(con: duckdb.DuckDBPyConnection, source: str) -> None:
    """Have core rebuilt from the source: a batch older than what is merged would not be looked for."""
    if relation_exists(con, "ingest.core_state"):
        con.execute("delete from ingest.core_state where source = ?", [source])

"""A batch from landed files to its verdict: stage, quarantine, account, accept or reject.

Staging is committed before the batch is judged, because Great Expectations reads it through a connection
of its own; a batch still `staged` when a run begins was interrupted, and is discarded and loaded again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.engine import (
    Statement,
    Table,
    load_query,
    qualified,
    quote,
    relation_exists,
    store_select,
    transaction,
)
from pipelines.errors import InvariantError, SourceError
from pipelines.ingest import amounts, at_odds, attributes, deliveries, guests, ledger, ragged
from pipelines.ingest.file_dialect import record, record_decimals
from pipelines.ingest.files import LandedFile, columns_in_file, load
from pipelines.ingest.mapping import Mapping, typed_select
from pipelines.ingest.reading import Reading

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Account:
    """Where the rows of a batch went, for one canonical table."""

    table: str
    landed: int
    accepted: int
    quarantined: int
    repeated: int
    conflicting: int
    superseded: int
    deleted: int = 0

    @property
    def adds_up(self) -> bool:
        left_out = (self.repeated, self.conflicting, self.superseded)
        parts = (self.accepted, self.quarantined, *left_out, self.deleted)
        # Some are what the others leave: below zero, a row was counted twice.
        return self.landed == sum(parts) and min(parts) >= 0


def discard_interrupted(con: duckdb.DuckDBPyConnection, source: str) -> int:
    """Forget batches of the source that were staged and never judged; returns how many."""
    with transaction(con):
        seqs = [
            row[0]
            for row in con.execute(
                "select batch_seq from ingest.batch where source = ? and status = 'staged'", [source]
            ).fetchall()
        ]
        for seq in seqs:
            if relation_exists(con, f"raw.{source}"):
                con.execute(
                    f"delete from {qualified('raw.' + source)} where _file_id in"
                    " (select file_id from ingest.file where batch_seq = ?)",
                    [seq],
                )
            for table in (
                "ingest.file",
                "ingest.file_dialect",
                "ingest.file_column",
                "ingest.column_filled",
                "ingest.batch_table",
                "ingest.file_amount",
                "ingest.volume_day",
                "ingest.volume_column",
                "ingest.batch_deletion",
                "quarantine.row",
                "quality.result",
                "quality.sample",
                "ingest.batch",
            ):
                con.execute(f"delete from {table} where batch_seq = ?", [seq])
    return len(seqs)


def stage_batch(
    con: duckdb.DuckDBPyConnection,
    source: str,
    files: Sequence[LandedFile],
    readings: Sequence[Reading],
    read_mappings: Callable[[], Sequence[Mapping]],
    run_id: str,
    scratch: Path | None = None,
    delivered: date | None = None,
) -> tuple[int, list[str]]:
    """Load files as one new batch, type its rows for each mapped table, and account for them.

    The ledger is written first, then every file is loaded by a statement of its own, then the rows are typed
    in one transaction. Until the verdict the batch is `staged`: should the run die, or a file prove unusable,
    it is discarded whole. Files are not loaded inside a transaction because DuckDB 2.0.0 then misreads rows
    that came from Parquet (see docs/decisions/0004).

    `readings` say how each file is read. In `scratch` a copy with the ragged lines of a file set apart may be
    written; without it such a file is unreadable. `read_mappings` is called when the files are in
    `raw.<source>`.

    Parameters
    ----------
    files : the new files.
    readings : how each of them is read, in the same order.
    read_mappings : gives the source's mappings, once the files have been loaded.
    scratch : a folder for copies in UTF-8; None for the system's.
    delivered : the business day that had ended last when the files came; None for the clock's.

    Returns
    -------
    The batch's sequence number; its status is `staged`. And what is wrong with files that proved unreadable
    when they were loaded: they are out of the batch, and the ledger does not know them.

    Raises
    ------
    SourceError
        When none of the files can be loaded, or a mapping fails on what they hold.
    """
    seq, file_ids = _open_batch(con, source, files, run_id, delivered)
    try:
        file_ids, unread = _load_all(con, source, seq, readings, file_ids, scratch)
        if not file_ids:
            raise SourceError("; ".join(unread))
        with transaction(con):
            mappings = read_mappings()
            for mapping in mappings:
                stage(con, mapping, file_ids)
                amounts.refuse_absurd_sums(con, mapping)
                account(con, mapping, file_ids)
                record_decimals(con, mapping, file_ids)
            con.execute(
                "update ingest.batch set first_business_date = ? where batch_seq = ?",
                [first_event(con, mappings), seq],
            )
    except SourceError:
        discard_interrupted(con, source)
        raise
    return seq, unread


def _load_all(
    con: duckdb.DuckDBPyConnection,
    source: str,
    seq: int,
    readings: Sequence[Reading],
    file_ids: Sequence[int],
    scratch: Path | None,
) -> tuple[list[int], list[str]]:
    """Load each file; one that breaks half-way leaves no row and no entry, and holds back no other.

    Returns
    -------
    The ids of the files loaded, and what is wrong with each of the others.
    """
    loaded, faults = [], []
    for reading, file_id in zip(readings, file_ids, strict=True):
        try:
            count = _load(con, source, reading, file_id, scratch)
        except SourceError as fault:
            faults.append(str(fault))
            con.execute(
                "update ingest.batch set files = files - 1 where batch_seq ="
                " (select batch_seq from ingest.file where file_id = ?)",
                [file_id],
            )
            con.execute("delete from ingest.file where file_id = ?", [file_id])
            continue
        record(con, source, seq, file_id, reading)
        attributes.record_columns(con, source, seq, file_id, columns_in_file(con, reading))
        con.execute("update ingest.file set rows = ? where file_id = ?", [count, file_id])
        loaded.append(file_id)
    return loaded, faults


def _load(
    con: duckdb.DuckDBPyConnection, source: str, reading: Reading, file_id: int, scratch: Path | None
) -> int:
    """Load a file strictly, or with its ragged lines set apart; returns the number of its rows."""
    try:
        return load(con, source, reading, file_id)
    except SourceError:
        mended = ragged.set_apart(con, reading, scratch) if scratch is not None else None
        if mended is None:
            raise
    return load(con, source, mended, file_id)


def _open_batch(
    con: duckdb.DuckDBPyConnection,
    source: str,
    files: Sequence[LandedFile],
    run_id: str,
    delivered: date | None,
) -> tuple[int, list[int]]:
    """Enter a batch and its files in the ledger, as staged; returns their numbers."""
    with transaction(con):
        seq = ledger.next_id(con, "ingest.batch", "batch_seq")
        # A version that was never accepted is not in core: what follows it replaces nothing.
        accepted = con.execute(
            "select distinct path from ingest.file join ingest.batch using (batch_seq)"
            " where ingest.file.source = ? and status = 'accepted'",
            [source],
        ).fetchall()
        replaces = bool({file.name for file in files} & {path for (path,) in accepted})
        con.execute(
            "insert into ingest.batch select $seq, $source, $run_id, $now, 'staged', null, $files, $replaces,"
            " null, coalesce($delivered, cast(timezone('UTC', $now::timestamp) as date) - 1)",
            {
                "seq": seq,
                "source": source,
                "run_id": run_id,
                "now": ledger.now(),
                "files": len(files),
                "replaces": replaces,
                "delivered": delivered,
            },
        )
        first = ledger.next_id(con, "ingest.file", "file_id")
        file_ids = list(range(first, first + len(files)))
        for file, file_id in zip(files, file_ids, strict=True):
            con.execute(
                "insert into ingest.file values (?, ?, ?, ?, ?, ?, ?, 0, false)",
                [file_id, source, file.name, file.size, file.mtime_ns, file.sha256, seq],
            )
    return seq, file_ids


def stage(con: duckdb.DuckDBPyConnection, mapping: Mapping, file_ids: Sequence[int]) -> None:
    """Fill `stage.<source>__<table>` with the typed rows of these files, faults marked.

    Raises
    ------
    SourceError
        When an expression fails on a value; what DuckDB says is left out, because it quotes the value.
    """
    import duckdb

    try:
        values = {"files": list(file_ids), "guest_salt": guests.salt() if mapping.guest is not None else None}
        store_select(con, mapping.stage, typed_select(mapping), "replace", values)
        if mapping.operation is not None:
            con.execute(
                f"create or replace view {qualified(mapping.judged)} as from {qualified(mapping.stage)}"
                " where not _row_deleted or _fault_reason is not null"
            )
    except (duckdb.ConversionException, duckdb.InvalidInputException, duckdb.OutOfRangeException) as error:
        raise SourceError(
            f"sources.{mapping.source}.tables.{mapping.contract.table}: an expression fails on a value"
            f" ({type(error).__name__}). Write try_cast for cast and try_strptime for strptime: such rows"
            " then go to quarantine, and the others enter"
        ) from None


# The rows of an account that are of a mapping's table and of the batches of some files.
_OF_FILES = (
    "source = $source and table_name = $table and batch_seq in"
    " (select batch_seq from ingest.file where file_id in (select unnest($files)))"
)


def _here(mapping: Mapping, file_ids: Sequence[int]) -> dict[str, object]:
    """What `_OF_FILES` binds."""
    return {"source": mapping.source, "table": mapping.contract.table, "files": list(file_ids)}


def account(con: duckdb.DuckDBPyConnection, mapping: Mapping, file_ids: Sequence[int]) -> None:
    """Write, for every batch of these files, where its rows went, and quarantine the faulty ones.

    What landed is counted in the files' own ledger, not in the stage: a row lost on the way must show.
    """
    kept, gone = deliveries.counted(mapping)
    stage = Table(mapping.stage)
    here = _here(mapping, file_ids)
    con.execute(f"delete from ingest.batch_table where {_OF_FILES}", here)
    con.execute(f"delete from quarantine.row where {_OF_FILES}", here)
    went = load_query("ingest/queries/rows_of_batch").filled(
        stage=stage,
        key=mapping.contract.key,
        kept=Statement(kept),
        gone=Statement(gone),
        standing=at_odds.standing(mapping),
        row_at_odds=at_odds.rows_at_odds(mapping),
    )
    con.execute(f"insert into ingest.batch_table by name {went}", here)
    deliveries.count_deleted(con, mapping, here)
    faulty = load_query("ingest/queries/faulty_row").filled(stage=stage, raw=Table(f"raw.{mapping.source}"))
    con.execute(
        f"insert into quarantine.row by name {faulty}",
        {"source": mapping.source, "table": mapping.contract.table},
    )
    amounts.enter(con, mapping, file_ids)


def quarantined(con: duckdb.DuckDBPyConnection, mapping: Mapping, file_ids: Sequence[int]) -> int:
    """How many rows of the batches of these files are in quarantine."""
    found = con.execute(
        f"select coalesce(sum(rows_quarantined), 0) from ingest.batch_table where {_OF_FILES}",
        _here(mapping, file_ids),
    ).fetchone()
    return int(found[0]) if found else 0


def refuse_loss(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, file_ids: Sequence[int], before: int
) -> None:
    """Refuse a mapping under which accepted rows go to quarantine, more than a new batch might have there.

    Parameters
    ----------
    mapping : the mapping of the source onto the canonical table.
    file_ids : the files whose rows count now.
    before : how many were in quarantine under the mapping that accepted them.

    Raises
    ------
    InvariantError
        Naming the most frequent fault; the caller's transaction takes everything back.
    """
    now = quarantined(con, mapping, file_ids)
    stage_table = qualified(mapping.stage)
    ((rows,),) = con.execute(f"select count(*) from {stage_table}").fetchall()
    if now <= before or now <= mapping.max_bad_share * rows:
        return
    commonest = load_query("ingest/queries/commonest_fault").filled(stage=Table(mapping.stage))
    ((reason, column, found),) = con.execute(commonest).fetchall()
    raise InvariantError(
        f"sources.{mapping.source}.tables.{mapping.contract.table}: as it is mapped now, {now:,} of {rows:,}"
        f" rows that had landed would go to quarantine, {before:,} before (most often {reason}"
        f"{f' in {column}' if column else ''}: {found:,}); expected at most {mapping.max_bad_share:.1%}"
        " (max_bad_share). Nothing was changed. Correct the mapping and run again"
    )


def accounts(con: duckdb.DuckDBPyConnection, seq: int) -> list[Account]:
    """The accounting of a batch, a row a canonical table."""
    found = con.execute(load_query("ingest/queries/account_of_batch").sql, {"seq": seq}).fetchall()
    return [Account(*row) for row in found]


def unbalanced(con: duckdb.DuckDBPyConnection) -> list[tuple[str, int, Account]]:
    """Source, batch and account of every accepted batch whose rows do not add up; none in sound data."""
    if not relation_exists(con, "ingest.batch_table"):
        return []
    found = con.execute(load_query("ingest/queries/account_of_accepted").sql).fetchall()
    accounts_of_batches = ((source, seq, Account(*counts)) for source, seq, *counts in found)
    return [told for told in accounts_of_batches if not told[2].adds_up]


def settle(con: duckdb.DuckDBPyConnection, seq: int, reason: str | None) -> None:
    """Flip a staged batch to its verdict in one transaction: accepted, or rejected with the reason.

    Accepting a changed file retires the version it replaces; a rejected one changes nothing in core.
    """
    with transaction(con):
        if reason is not None:
            con.execute(
                "update ingest.batch set status = 'rejected', reason = ? where batch_seq = ?", [reason, seq]
            )
            ledger.settle_versions(con, seq)
            return
        con.execute("update ingest.batch set status = 'accepted' where batch_seq = ?", [seq])
        ledger.settle_versions(con, seq)


def first_event(con: duckdb.DuckDBPyConnection, mappings: Sequence[Mapping]) -> object:
    """The earliest business date a batch touches; NULL when it touches every day (reference data)."""
    earliest = []
    for mapping in mappings:
        if mapping.delivery != "append":
            return None  # the days of what it deletes are those of earlier batches
        event = mapping.contract.event
        if event is None and mapping.contract.table != "order_lines":
            return None
        if event is not None:
            row = con.execute(
                f"select min({quote(event)}) from {qualified(mapping.stage)} where _fault_reason is null"
            ).fetchone()
            if row and row[0] is not None:
                earliest.append(row[0])
    return min(earliest) if earliest else None

"""Requeue: what a source has in quarantine, typed again from raw under the mapping as it is now.

A rejected batch is validated again as a whole. Then the core tables of the source are rebuilt, which types
and accounts for every accepted file again: a row that is good now is counted as accepted and no longer as
quarantined, so that what landed is still accounted for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Mapping as Mapped
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pipelines.config.project import Source
from pipelines.contracts.keys import families
from pipelines.contracts.registry import CONTRACTS
from pipelines.core.by_column import Written
from pipelines.core.emptied import Emptied, Judge, refuse
from pipelines.core.identity import MERGES
from pipelines.core.together import refresh_all
from pipelines.engine import relation_exists, transaction
from pipelines.ingest import batch
from pipelines.ingest.decision import BY_HAND, point_to_newest
from pipelines.ingest.expected import Suite
from pipelines.ingest.mapping import Mapping as Typed
from pipelines.ingest.quarantine import Wanted, reasons, rejected_batches
from pipelines.ingest.source import Outcome, mappings_of, validate_batch

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Requeued:
    """How many rows of a source's table were in quarantine, and still are; and of which batches a verdict."""

    before: dict[str, int]
    after: dict[str, int]
    validated: list[Outcome]

    @property
    def found(self) -> bool:
        """Whether there was anything to requeue."""
        return bool(self.before or self.validated)


def requeue(
    con: duckdb.DuckDBPyConnection,
    sources: Mapped[str, Source],
    name: str,
    run_id: str,
    *,
    suites: Sequence[Suite] = (),
    through: date | None = None,
    written: Written | None = None,
) -> Requeued:
    """Requeue one source; done again without a fix in between, it changes nothing.

    `suites` and `through` as in `pipelines.ingest.source.ingest`.

    Parameters
    ----------
    sources : the configured sources, by name.
    name : the source to requeue.
    suites : the project's own expectations.
    through : the last day that has ended; later days of the data are not compared. None for no limit.
    written : which sources come first where several say something of one key, as `by_column` takes it.

    Raises
    ------
    ConfigError
        When the mapping does not fit what landed.
    InvariantError
        When core would lose values under the mapping as it is now.
    """
    before = _kept_out(con, name)
    validated = [
        _validate_again(con, name, sources[name], int(batch["batch_seq"]), run_id, suites, through)
        for batch in rejected_batches(con, name)
        if batch["reason"] != BY_HAND
    ]
    if before or validated:
        _rebuild(con, sources, name, through, written)
    return Requeued(before, _kept_out(con, name), validated)


def _validate_again(
    con: duckdb.DuckDBPyConnection,
    name: str,
    source: Source,
    seq: int,
    run_id: str,
    suites: Sequence[Suite],
    through: date | None,
) -> Outcome:
    """Type a rejected batch again, and give it the verdict it deserves now.

    Should this die half-way, the batch is still rejected, and requeueing again begins anew.
    """
    files = [
        row[0]
        for row in con.execute(
            "select file_id from ingest.file where batch_seq = ? order by file_id", [seq]
        ).fetchall()
    ]
    with transaction(con):
        mappings = mappings_of(con, name, source)
        for mapping in mappings:
            batch.stage(con, mapping, files)
            batch.account(con, mapping, files)
        con.execute(
            "update ingest.batch set first_business_date = ? where batch_seq = ?",
            [batch.first_event(con, mappings), seq],
        )
        for table in ("quality.result", "quality.sample", "ingest.volume_day", "ingest.volume_column"):
            con.execute(f"delete from {table} where batch_seq = ?", [seq])
    outcome = validate_batch(con, name, source, seq, run_id, suites=suites, through=through)
    if outcome.status == "accepted":
        with transaction(con):
            con.execute("update ingest.batch set reason = null where batch_seq = ?", [seq])
            point_to_newest(con, seq)
    return outcome


def accept_mapping(
    con: duckdb.DuckDBPyConnection,
    sources: Mapped[str, Source],
    name: str,
    day: date | None,
    written: Written | None,
    record: Callable[[Sequence[str]], object],
) -> list[str]:
    """Bring core up under a source's mapping as it is now, whatever columns of its landed rows that empties.

    Parameters
    ----------
    sources : the configured sources, by name.
    name : the source whose mapping is accepted.
    day : the business day that has ended last, of which the changes are.
    written : which sources come first where several say something of one key, as `by_column` takes it.
    record : told what a table loses, a line a column, in the transaction that lets it go.

    Returns
    -------
    What was lost, a line a column; nothing where no mapping of the source would have been refused.

    Raises
    ------
    InvariantError
        When core would lose values under the mapping of another source.
    """
    lost: list[str] = []

    def let_go(found: Sequence[Emptied]) -> None:
        own = [column for column in found if column.mapping.source == name]
        refuse([column for column in found if column not in own])
        if told := [column.told for column in own if column.refused]:
            record(told)
            lost.extend(told)

    _rebuild(con, sources, name, day, written, let_go)
    return lost


def _rebuild(
    con: duckdb.DuckDBPyConnection,
    sources: Mapped[str, Source],
    name: str,
    day: date | None,
    written: Written | None,
    judge: Judge = refuse,
) -> None:
    """Rebuild the core tables that the source feeds, from every source that feeds them.

    Replayed days are computed again by the next run: the batches are the same and say something else now.
    """
    mapped = {table for source in sources.values() for table in source.tables}
    wanted = {t for family in families(mapped) if sources[name].tables.keys() & {*family} for t in family}
    mappings: dict[str, list[Typed]] = {table: [] for table in CONTRACTS if table in wanted}
    for other, source in sources.items():
        for mapping in mappings_of(con, other, source):
            if mapping.contract.table in wanted:
                mappings[mapping.contract.table].append(mapping)
    with transaction(con):
        if relation_exists(con, "segments.snapshot_day"):
            con.execute("delete from segments.snapshot_day where basis = 'replayed'")
        if relation_exists(con, "ingest.core_state"):
            con.execute("delete from ingest.core_state where source = ?", [name])
    refresh_all(con, mappings, merges_mapped=MERGES in mapped, day=day, written=written, judge=judge)


def _kept_out(con: duckdb.DuckDBPyConnection, name: str) -> dict[str, int]:
    """Rows of the source that stand in quarantine, a table."""
    found: dict[str, int] = {}
    for row in reasons(con, Wanted(source=name)):
        found[row["table_name"]] = found.get(row["table_name"], 0) + row["rows"]
    return found

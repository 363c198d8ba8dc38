"""Core tables: the current version of every key, merged batch by batch or rebuilt from what was landed.

Both ways store the same rows: `what each accepted batch says, the latest batch and row of a key winning`, and
of several sources the first value of each column.
A merge touches only the keys of the new batch. A rebuild is taken when a file was replaced, when mapping,
contract or code changed, when a batch was withdrawn, or when the staged batch is not the only one missing.
Tables whose rows can be deleted, carry versions, come from several sources, or name customers that merge are
in `following.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from pipelines.contracts.model import Contract
from pipelines.core import (
    delivered,
    emptied,
    following,
    identity,
    marks,
    own_keys,
    past,
    past_rows,
    state,
    types,
)
from pipelines.core.by_column import Order, Written, order_of
from pipelines.core.emptied import Judge
from pipelines.core.restage import stage_again
from pipelines.engine import (
    columns_of,
    literal,
    qualified,
    quote,
    relation_exists,
    row_count,
    transaction,
)
from pipelines.ingest import ledger
from pipelines.ingest.known import known_table
from pipelines.ingest.mapping import Mapping, fingerprint

if TYPE_CHECKING:
    import duckdb

How = Literal["unchanged", "merged", "rebuilt", "held"]


@dataclass(frozen=True)
class Merged:
    """What became of one core table in this run, how many rows of it repeat a key, and why it is held."""

    table: str
    how: How
    rows: int
    duplicate_keys: int
    shared: own_keys.SharedKeys | None = None


def refresh(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    mappings: Sequence[Mapping],
    *,
    merges_mapped: bool = False,
    day: date | None = None,
    written: Written | None = None,
    judge: Judge = emptied.refuse,
) -> Merged:
    """Bring `core.<table>` up to the accepted batches of its sources, in one transaction.

    Parameters
    ----------
    con : a warehouse in which `create_state` was called.
    contract : the contract of the canonical table.
    mappings : the mappings of every source that feeds the table, in the order of the project.
    merges_mapped : whether some source maps `customer_merges`, which must have been refreshed before.
    day : the business day that has ended last, of which changes are; None for the last on which a batch came.
    written : which sources come first where several say something of one key, as `by_column` takes it.
    judge : told which columns of core an edited mapping would empty; refuses by raising.

    Raises
    ------
    InvariantError
        When a mapping has changed and values that core holds would go; nothing was changed.
    SharedKeysError
        When several sources say a key that is each one's own; nothing was changed.
    """
    table = f"core.{contract.table}"
    resolved = identity.resolves(contract, merges_mapped)
    with transaction(con):
        wanted = _wanted(con, contract, mappings, resolved, written or {})
        how, duplicates = _bring_up(con, wanted, day, judge)
        state.remember_repeated(con, contract.table, duplicates)
        if contract.table == identity.MERGES and how != "unchanged":
            identity.refresh_map(con)
    return Merged(table=contract.table, how=how, rows=row_count(con, table), duplicate_keys=duplicates)


@dataclass(frozen=True)
class _Wanted:
    """What a core table is brought up from: its sources, their fingerprints and the batches it lacks."""

    contract: Contract
    mappings: Sequence[Mapping]
    resolved: bool
    order: Order | None
    followed: bool
    marks: dict[str, str]
    pending: dict[str, list[dict[str, Any]]]

    @property
    def table(self) -> str:
        return f"core.{self.contract.table}"

    @property
    def staged(self) -> list[Mapping]:
        """The mappings of the sources with batches that the table lacks."""
        return [mapping for mapping in self.mappings if self.pending[mapping.source]]


def _wanted(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    mappings: Sequence[Mapping],
    resolved: bool,
    written: Written,
) -> _Wanted:
    order = order_of(contract, mappings, written, resolved)
    needed = following.is_needed(mappings, resolved, order)
    followed = needed or own_keys.needs_every_source(contract, mappings)
    kind = f":followed{':resolved' if resolved else ''}" if followed else ""
    kind += f":{order.mark}" if order is not None else ""
    return _Wanted(
        contract,
        mappings,
        resolved,
        order,
        followed,
        marks={mapping.source: fingerprint(mapping) + kind for mapping in mappings},
        pending={m.source: ledger.pending_batches(con, m.source, contract.table) for m in mappings},
    )


def _bring_up(
    con: duckdb.DuckDBPyConnection, wanted: _Wanted, day: date | None, judge: Judge
) -> tuple[How, int]:
    contract, mappings, resolved = wanted.contract, wanted.mappings, wanted.resolved
    known = state.known_marks(con, contract)
    if not mappings and not known:
        create_empty(con, contract)
        return "unchanged", 0
    withdrawn = any(ledger.withdrawn_batches(con, m.source, contract.table) for m in mappings)
    there = delivered.is_there(con, contract) and past_rows.is_there(con, contract)
    kept = known == wanted.marks and not withdrawn and there
    same = kept and relation_exists(con, wanted.table) and not state.repeated_keys(con).get(contract.table)
    moved = resolved and identity.is_waiting(con, contract.table)
    if same and not moved and not any(wanted.pending.values()):
        return "unchanged", 0
    how: How = "merged" if same and _mergeable(con, wanted) else "rebuilt"
    told = past.told(con, wanted.marks, day)
    duplicates = _merge_in(con, wanted, told) if how == "merged" else _make_anew(con, wanted, told, judge)
    batches = {source: [found["batch_seq"] for found in new] for source, new in wanted.pending.items()}
    delivered.bring_up(con, contract, mappings, batches if kept else None, resolved)
    state.remember(con, contract, mappings, wanted.marks)
    return how, duplicates


def _merge_in(con: duckdb.DuckDBPyConnection, wanted: _Wanted, told: past.Told) -> int:
    """Merge what is staged; returns how many of the touched keys stand twice afterwards."""
    contract, mappings, staged = wanted.contract, wanted.mappings, wanted.staged
    new = own_keys.staged(contract, staged)
    if wanted.followed:
        duplicates = _follow(con, wanted, told)
        own_keys.refuse_shared(con, contract, mappings, following.standing(con, contract, new))
        return duplicates
    own_keys.refuse_shared(con, contract, mappings, [*new, *own_keys.standing(contract, wanted.table, new)])
    return _merge(con, contract, staged, told)


def _make_anew(con: duckdb.DuckDBPyConnection, wanted: _Wanted, told: past.Told, judge: Judge) -> int:
    """Make the table anew from everything that landed; returns how many keys stand twice in it."""
    contract = wanted.contract
    known = state.known_marks(con, contract)
    edited = [
        mapping for mapping in wanted.mappings if known.get(mapping.source) != wanted.marks[mapping.source]
    ]
    before = _keep_before(con, contract)
    past.keep(con, contract)
    emptied.keep(con, contract, edited)
    usable = stage_again(con, wanted.mappings)
    _rebuild(con, wanted, usable)
    judge(emptied.emptied(con, contract, edited))
    said = following.standing(con, contract) if wanted.followed else own_keys.staged(contract, usable)
    own_keys.refuse_shared(con, contract, wanted.mappings, said)
    past.record_rebuilt(con, contract, told, wanted.resolved)
    _mark_rebuilt(con, contract, before, recorded=contract.keeps_past)
    return _duplicate_keys(con, contract, qualified(wanted.table))


def _follow(con: duckdb.DuckDBPyConnection, wanted: _Wanted, told: past.Told) -> int:
    """Merge what can take rows away; returns how many of the touched keys stand twice afterwards."""
    contract = wanted.contract
    past.keep_merged(con, contract, wanted.resolved)
    following.merge(con, contract, wanted.staged, wanted.resolved, wanted.order)
    past.record(con, contract, told, wanted.resolved, now="after")
    marks.mark_changed(con, contract, recorded=contract.keeps_past)
    key = following.names(contract.unit)
    touched = f"(from {qualified(wanted.table)} semi join touched using ({key}))"
    duplicates = _duplicate_keys(con, contract, touched)
    con.execute("drop table touched; drop table before; drop table after; drop table changed")
    return duplicates


def _mergeable(con: duckdb.DuckDBPyConnection, wanted: _Wanted) -> bool:
    """Whether a merge of what is staged would store what a rebuild does."""
    # A table that no batch has filled yet has nothing beside it that could be followed.
    begun = not wanted.followed or relation_exists(con, known_table(wanted.contract))
    missing = begun and _stages_hold_what_is_missing(con, wanted)
    return missing and types.hold(con, wanted.contract, wanted.mappings, wanted.order is not None)


def _stages_hold_what_is_missing(con: duckdb.DuckDBPyConnection, wanted: _Wanted) -> bool:
    """Whether the stages hold exactly the batches that are missing, and none replaces a file."""
    for mapping in wanted.staged:
        batches = wanted.pending[mapping.source]
        if not relation_exists(con, mapping.stage):
            return False
        # Of snapshots the newest says everything, whatever came before it and whatever file it replaces.
        snapshot = mapping.delivery == "snapshot"
        if not snapshot and (len(batches) > 1 or batches[0]["replaces"]):
            return False
        newest = ledger.batch_of(con, ledger.newest_snapshot(con, mapping.source)) if snapshot else None
        staged = con.execute(f"select distinct _batch_seq from {qualified(mapping.stage)}").fetchall()
        if staged != [(newest or batches[0]["batch_seq"],)]:
            return False
    return True


def _latest(contract: Contract, mappings: Sequence[Mapping]) -> str:
    """The SELECT of the winning row of every key over the stages; ties cannot be: a row has one place."""
    parts = [
        f"select {literal(mapping.source)} as _source, _batch_seq, _file_id, _row, _row_filled,"
        f" {', '.join(quote(name) for name in mapping.columns)}"
        f" from {qualified(mapping.stage)} where _fault_reason is null"
        for mapping in mappings
    ]
    return (
        f"select * exclude (_row_filled) from ({' union all by name '.join(parts)})"
        f" {following.latest(contract, following.LATEST_OF_STAGE)}"
    )


def _merge(
    con: duckdb.DuckDBPyConnection, contract: Contract, mappings: Sequence[Mapping], told: past.Told
) -> int:
    """Replace the keys of the new batches; returns how many of these keys stand twice afterwards."""
    table = qualified(f"core.{contract.table}")
    key = following.names(contract.unit)
    con.execute(f"create or replace temp table newest as {_latest(contract, mappings)}")
    following.fit(con, f"core.{contract.table}", "newest")
    content = following.content_of(con, contract)
    was = f"select {content} from {table} semi join newest using ({key})"
    ((replaced,),) = con.execute(f"create or replace temp table before as {was}").fetchall()
    if replaced:
        con.execute(f"delete from {table} where ({key}) in (select ({key}) from newest)")
    con.execute(f"insert into {table} by name select * from newest")
    # Where nothing stood before, all that came is what changed, and the table is not gone through again.
    arrived = f"select {content} from ((from {table} limit 0) union all by name from newest)"
    following.keep_changed(con, "from before", was if replaced else arrived)
    past.record(con, contract, told, resolved=False, now="newest")
    marks.mark_changed(con, contract, recorded=contract.keeps_past)
    touched = f"(from {table} semi join newest using ({key}))"
    duplicates = _duplicate_keys(con, contract, touched)
    con.execute("drop table newest; drop table before; drop table changed")
    return duplicates


def _keep_before(con: duckdb.DuckDBPyConnection, contract: Contract) -> list[str]:
    """Keep what the table says before a rebuild, where comparing costs less than taking all as changed.

    Returns
    -------
    The columns of `before`; none when it was not kept.
    """
    con.execute("drop table if exists before")
    table = f"core.{contract.table}"
    columns = [] if contract.large else [name for name, _ in columns_of(con, table)]
    if columns:
        con.execute(f"create temp table before as from {qualified(table)}")
    return columns


def _mark_rebuilt(
    con: duckdb.DuckDBPyConnection, contract: Contract, before: list[str], *, recorded: bool = False
) -> None:
    """After a rebuild: what differs from before, or everyone, for whom a row without customer stands."""
    if contract.large:
        marks.mark_everything(con, contract)
        return
    table = f"core.{contract.table}"
    if before != [name for name, _ in columns_of(con, table)]:
        marks.mark_everything(con, contract)
    else:
        content = following.content_of(con, contract)
        following.keep_changed(
            con, f"select {content} from before", f"select {content} from {qualified(table)}"
        )
        marks.mark_changed(con, contract, recorded=recorded)
        con.execute("drop table changed")
    con.execute("drop table if exists before")


def _rebuild(con: duckdb.DuckDBPyConnection, wanted: _Wanted, usable: Sequence[Mapping]) -> None:
    """Fill the table from the stages of every source that has accepted files."""
    contract = wanted.contract
    following.forget(con, contract)
    if usable and wanted.followed:
        following.rebuild(con, contract, usable, wanted.resolved, wanted.order)
    elif usable:
        con.execute(f"create or replace table {qualified(wanted.table)} as {_latest(contract, usable)}")
    else:
        create_empty(con, contract)


def create_empty(con: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """An absent table has the contract's columns and no rows, so that every step can name it."""
    columns = ", ".join(f"{quote(name)} {kind}" for name, kind in contract.stored.items())
    con.execute(
        f"create or replace table {qualified('core.' + contract.table)}"
        f" (_source varchar, _batch_seq bigint, _file_id bigint, _row bigint, {columns})"
    )
    delivered.create(con, contract)
    past_rows.create(con, contract)


def _duplicate_keys(con: duckdb.DuckDBPyConnection, contract: Contract, relation: str) -> int:
    key = following.names(contract.key)
    row = con.execute(f"select count(*) - count(distinct ({key})) from {relation}").fetchone()
    return int(row[0]) if row else 0

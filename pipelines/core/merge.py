"""Core tables: the current version of every key, merged batch by batch or rebuilt from what was landed.

Both ways store the same rows: `what each accepted batch says, the latest batch and row of a key winning`.
A merge touches only the keys of the new batch. A rebuild is taken when a file was replaced, when mapping,
contract or code changed, when a batch was withdrawn, or when the staged batch is not the only one missing.
Tables whose rows can be deleted, carry versions, or name customers that merge are in `following.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

from pipelines.contracts.model import Contract
from pipelines.core import changes, coverage, delivered, following, identity, marks, own_keys, past, past_rows
from pipelines.engine import (
    columns_of,
    literal,
    qualified,
    quote,
    relation_exists,
    row_count,
    transaction,
)
from pipelines.ingest import batch, ledger
from pipelines.ingest.mapping import Mapping, fingerprint

if TYPE_CHECKING:
    import duckdb

STATE = (
    """
create schema if not exists core;
create schema if not exists ingest;
create table if not exists ingest.core_state (
    table_name varchar not null, source varchar not null, fingerprint varchar not null,
    merged_seq bigint not null, primary key (table_name, source)
);
create table if not exists ingest.core_batch (table_name varchar, source varchar, batch_seq bigint);
create table if not exists ingest.core_repeated (table_name varchar primary key, keys bigint not null);
create table if not exists ingest.core_held (
    family varchar primary key, state varchar not null, table_name varchar not null,
    sources varchar[] not null, keys bigint not null, places varchar[] not null
);
create table if not exists ingest.dirty_customer (customer_id varchar);
create table if not exists ingest.dirty_day (customer_id varchar, business_date date);
"""
    + changes.SCHEMA
    + past_rows.SCHEMA
)


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
) -> Merged:
    """Bring `core.<table>` up to the accepted batches of its sources, in one transaction.

    Parameters
    ----------
    contract : the contract of the canonical table.
    mappings : the mappings of every source that feeds the table.
    merges_mapped : whether some source maps `customer_merges`, which must have been refreshed before.
    day : the business day that has ended last, of which changes are; None for the last on which a batch came.

    Raises
    ------
    SharedKeysError
        When several sources say a key that is each one's own; nothing was changed.
    """
    con.execute(STATE + identity.STATE)
    table = f"core.{contract.table}"
    resolved = identity.resolves(contract, merges_mapped)
    with transaction(con):
        how, duplicates = _bring_up(con, contract, mappings, resolved, day)
        _remember_repeated(con, contract.table, duplicates)
        if contract.table == identity.MERGES and how != "unchanged":
            identity.refresh_map(con)
    return Merged(table=contract.table, how=how, rows=row_count(con, table), duplicate_keys=duplicates)


def repeated_keys(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Core table -> how many of its rows repeat a key; none in sound data.

    Counted where keys are written, with the rows and in their transaction: what stands there costs nothing to
    know. A table with a repeated key is rebuilt by the next refresh.
    """
    if not relation_exists(con, "ingest.core_repeated"):
        return {}
    return dict(con.execute("select table_name, keys from ingest.core_repeated order by all").fetchall())


def _remember_repeated(con: duckdb.DuckDBPyConnection, table: str, repeated: int) -> None:
    con.execute("delete from ingest.core_repeated where table_name = ?", [table])
    if repeated:
        con.execute("insert into ingest.core_repeated values (?, ?)", [table, repeated])


def _bring_up(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    mappings: Sequence[Mapping],
    resolved: bool,
    day: date | None,
) -> tuple[How, int]:
    table = f"core.{contract.table}"
    found = con.execute(
        "select source, fingerprint from ingest.core_state where table_name = ?", [contract.table]
    )
    known = dict(found.fetchall())
    if not mappings and not known:
        create_empty(con, contract)
        return "unchanged", 0
    followed = following.is_needed(mappings, resolved) or own_keys.needs_every_source(contract, mappings)
    kind = f":followed{':resolved' if resolved else ''}" if followed else ""
    marks = {mapping.source: fingerprint(mapping) + kind for mapping in mappings}
    pending = {m.source: ledger.pending_batches(con, m.source, contract.table) for m in mappings}
    withdrawn = any(ledger.withdrawn_batches(con, m.source, contract.table) for m in mappings)
    sound = not repeated_keys(con).get(contract.table)
    there = delivered.is_there(con, contract) and past_rows.is_there(con, contract)
    kept = known == marks and not withdrawn and there
    same = kept and relation_exists(con, table) and sound
    moved = resolved and identity.is_waiting(con, contract.table)
    if same and not moved and not any(pending.values()):
        return "unchanged", 0
    # A table that no batch has filled yet has nothing beside it that could be followed.
    begun = not followed or relation_exists(con, following.known_table(contract))
    mergeable = same and begun and _mergeable(con, mappings, pending) and _types_hold(con, contract, mappings)
    how: How = "merged" if mergeable else "rebuilt"
    staged = [m for m in mappings if pending[m.source]]
    told = past.told(con, mappings, day)
    if how == "merged":
        new = own_keys.staged(contract, staged)
        if followed:
            duplicates = _follow(con, contract, staged, resolved, told)
            own_keys.refuse_shared(con, contract, mappings, following.standing(con, contract, new))
        else:
            said = [*new, *own_keys.standing(contract, table, new)]
            own_keys.refuse_shared(con, contract, mappings, said)
            duplicates = _merge(con, contract, staged, told)
    else:
        before = _keep_before(con, contract)
        past.keep(con, contract)
        usable = _rebuild(con, contract, mappings, followed, resolved)
        said = following.standing(con, contract) if followed else own_keys.staged(contract, usable)
        own_keys.refuse_shared(con, contract, mappings, said)
        past.record_rebuilt(con, contract, told, resolved)
        _mark_rebuilt(con, contract, before, recorded=contract.keeps_past)
        duplicates = _duplicate_keys(con, contract, qualified(table))
    batches = {source: [found["batch_seq"] for found in new] for source, new in pending.items()}
    delivered.bring_up(con, contract, mappings, batches if kept else None, resolved)
    _remember_state(con, contract, mappings, marks)
    return how, duplicates


def _remember_state(
    con: duckdb.DuckDBPyConnection, contract: Contract, mappings: Sequence[Mapping], marks: dict[str, str]
) -> None:
    """Write which batches the core table has now, and forget what was staged and moved for it."""
    con.execute("delete from ingest.core_state where table_name = ?", [contract.table])
    for mapping in mappings:
        con.execute(
            "insert into ingest.core_state select $table, $source, $mark, coalesce(max(batch_seq), 0)"
            " from ingest.batch where source = $source and status = 'accepted'",
            {"table": contract.table, "source": mapping.source, "mark": marks[mapping.source]},
        )
        con.execute(f"drop view if exists {qualified(mapping.stage + '__kept')}")
        con.execute(f"drop table if exists {qualified(mapping.stage)}")
    con.execute("delete from ingest.core_batch where table_name = ?", [contract.table])
    con.execute(
        "insert into ingest.core_batch select $table, source, batch_seq from ingest.batch"
        " where status = 'accepted' and source in (select unnest($sources))",
        {"table": contract.table, "sources": list(marks)},
    )
    identity.forget_moved(con, contract.table)
    coverage.forget(con, contract.table)


def _follow(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    mappings: Sequence[Mapping],
    resolved: bool,
    told: past.Told,
) -> int:
    """Merge what can take rows away; returns how many of the touched keys stand twice afterwards."""
    past.keep_merged(con, contract, resolved)
    following.merge(con, contract, mappings, resolved)
    past.record(con, contract, told, resolved, now="after")
    marks.mark_changed(con, contract, recorded=contract.keeps_past)
    key = ", ".join(quote(name) for name in contract.unit)
    touched = f"(from {qualified('core.' + contract.table)} semi join touched using ({key}))"
    duplicates = _duplicate_keys(con, contract, touched)
    con.execute("drop table touched; drop table before; drop table after; drop table changed")
    return duplicates


def _mergeable(
    con: duckdb.DuckDBPyConnection, mappings: Sequence[Mapping], pending: dict[str, list[dict[str, object]]]
) -> bool:
    """Whether the stages hold exactly the batches that are missing, and none replaces a file."""
    for mapping in mappings:
        batches = pending[mapping.source]
        if not batches:
            continue
        if not relation_exists(con, mapping.stage):
            return False
        # Of snapshots the newest says everything, whatever came before it and whatever file it replaces.
        snapshot = mapping.delivery == "snapshot"
        if not snapshot and (len(batches) > 1 or batches[0]["replaces"]):
            return False
        wanted = ledger.batch_of(con, ledger.newest_snapshot(con, mapping.source)) if snapshot else None
        staged = con.execute(f"select distinct _batch_seq from {qualified(mapping.stage)}").fetchall()
        if staged != [(wanted or batches[0]["batch_seq"],)]:
            return False
    return True


def _types_hold(con: duckdb.DuckDBPyConnection, contract: Contract, mappings: Sequence[Mapping]) -> bool:
    """Whether what is staged has the types of the core table; an attribute's type is what landed."""
    staged = [mapping for mapping in mappings if relation_exists(con, mapping.stage)]
    have = dict(columns_of(con, f"core.{contract.table}"))
    if not staged:
        return True
    found = con.execute(f"describe {_latest(contract, staged)}").fetchall()
    return all(have.get(name, kind) == kind for name, kind, *_ in found)


def _latest(contract: Contract, mappings: Sequence[Mapping]) -> str:
    """The SELECT of the winning row of every key over the stages; ties cannot be: a row has one place."""
    parts = [
        f"select {literal(mapping.source)} as _source, _batch_seq, _file_id, _row, _row_filled,"
        f" {', '.join(quote(name) for name in mapping.columns)}"
        f" from {qualified(mapping.stage)} where _fault_reason is null"
        for mapping in mappings
    ]
    order = "_batch_seq desc, _file_id desc, _row_filled desc, _row desc"
    return (
        f"select * exclude (_row_filled) from ({' union all by name '.join(parts)})"
        f" {following.latest(contract, order)}"
    )


def _merge(
    con: duckdb.DuckDBPyConnection, contract: Contract, mappings: Sequence[Mapping], told: past.Told
) -> int:
    """Replace the keys of the new batches; returns how many of these keys stand twice afterwards."""
    table = qualified(f"core.{contract.table}")
    have = {name for name, _ in columns_of(con, f"core.{contract.table}")}
    key = ", ".join(quote(name) for name in contract.unit)
    con.execute(f"create or replace temp table newest as {_latest(contract, mappings)}")
    for name, kind in con.execute("select column_name, column_type from (describe newest)").fetchall():
        if name not in have:
            con.execute(f"alter table {table} add column {quote(name)} {kind}")
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


def _rebuild(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    mappings: Sequence[Mapping],
    followed: bool,
    resolved: bool,
) -> list[Mapping]:
    """Stage every accepted file again, account for it anew, and take the latest of every key.

    Returns
    -------
    The mappings of the sources that have accepted files.
    """
    usable = []
    for mapping in mappings:
        files = _counting_files(con, mapping)
        if not files:
            continue
        # An account is of a whole batch, also of one whose files were sent again in part.
        beside = ledger.files_beside(con, files)
        before = batch.quarantined(con, mapping, beside)
        batch.stage(con, mapping, beside)
        batch.account(con, mapping, beside)
        batch.refuse_loss(con, mapping, beside, before)
        if len(beside) > len(files):
            con.execute(
                f"delete from {qualified(mapping.stage)} where _file_id not in (select unnest($files))",
                {"files": files},
            )
        usable.append(mapping)
    following.forget(con, contract)
    if usable and followed:
        following.rebuild(con, contract, usable, resolved)
    elif usable:
        con.execute(
            f"create or replace table {qualified('core.' + contract.table)} as {_latest(contract, usable)}"
        )
    else:
        create_empty(con, contract)
    return usable


def _counting_files(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> list[int]:
    """The accepted files a core table is made of: of snapshots the last, with those of its batch."""
    if mapping.delivery != "snapshot":
        return ledger.accepted_files(con, mapping.source)
    newest = ledger.newest_snapshot(con, mapping.source)
    return ledger.files_beside(con, [newest]) if newest is not None else []


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
    key = ", ".join(quote(name) for name in contract.key)
    row = con.execute(f"select count(*) - count(distinct ({key})) from {relation}").fetchone()
    return int(row[0]) if row else 0

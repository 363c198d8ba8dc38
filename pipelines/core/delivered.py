"""When each customer, account and contact was first delivered: from then on they are known, if not before.

A CRM that does not say since when it knows somebody says it by its files: the business day that had ended
last when a batch came (`ingest.batch.delivered_on`) is the latest on which they became known.
`core.delivered_<table>` has the first such day of each key of `core.<table>`: the least over all accepted
batches, also those whose files were sent again since. A rebuild finds it in what landed, a merge adds its
batch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipelines.contracts.model import Contract
from pipelines.core import changes
from pipelines.engine import Statement, Table, load_query, qualified, quote, relation_exists
from pipelines.ingest import guests
from pipelines.ingest.mapping import Mapping as Source
from pipelines.ingest.mapping import typed_select

if TYPE_CHECKING:
    import duckdb


def relation(contract: Contract) -> str:
    """The relation of the key and `delivered_on`."""
    return f"core.delivered_{contract.table}"


def is_there(con: duckdb.DuckDBPyConnection, contract: Contract) -> bool:
    """Whether it is kept for a table, or need not be: only a table with `known_from` asks for it."""
    return contract.known_from is None or relation_exists(con, relation(contract))


def create(con: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """The relation without rows, of a table that has none."""
    if contract.known_from is None:
        return
    (key,) = contract.unit
    con.execute(f"create or replace table {_given(contract)} ({quote(key)} varchar, delivered_on date)")
    _make_view(con, contract, resolved=False)


def bring_up(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    mappings: Sequence[Source],
    pending: Mapping[str, Collection[int]] | None,
    resolved: bool,
) -> None:
    """Take in when the batches came that core takes in, and mark whom it makes known on other days.

    Called while the stages stand, before they are dropped.

    Parameters
    ----------
    contract : the contract of the canonical table.
    mappings : the mappings of every source that feeds the table.
    pending : source -> the batches that are new; None to find every day anew.
    resolved : whether ids of merged customers count for their survivors.
    """
    if contract.known_from is None:
        return
    (key,) = contract.unit
    given = _given(contract)
    anew = pending is None or not relation_exists(con, given)
    _collect(con, contract, mappings, None if anew else pending)
    if anew:
        known = relation_exists(con, given)
        was = f"(from {given})" if known else "(from arrived limit 0)"
        _touch(con, f"({was} except from arrived) union all (from arrived except {was})")
        con.execute(f"create or replace table {given} as from arrived")
    else:
        earlier = load_query("core/queries/delivered_earlier")
        _touch(con, earlier.filled(key=key, arrived=Table("arrived"), known=Table(given)))
        con.execute(f"delete from {given} where {quote(key)} in (select {quote(key)} from moved)")
        con.execute(f"insert into {given} by name from moved")
    _make_view(con, contract, resolved)
    if not anew or known:
        _mark(con, contract, resolved)
    con.execute("drop table arrived; drop table moved")


def _given(contract: Contract) -> str:
    """The same by the ids as files give them, before customers merge."""
    return f"ingest.delivered__{contract.table}"


def _make_view(con: duckdb.DuckDBPyConnection, contract: Contract, resolved: bool) -> None:
    rows = f"from {_given(contract)}"
    if resolved:
        rows = load_query("core/queries/delivered_survivor").filled(delivered=Table(_given(contract)))
    con.execute(f"create or replace view {relation(contract)} as {rows}")


def _touch(con: duckdb.DuckDBPyConnection, moved: str) -> None:
    con.execute(f"create or replace temp table moved as {moved}")


def _collect(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    mappings: Sequence[Source],
    pending: Mapping[str, Collection[int]] | None,
) -> None:
    """`arrived`: the keys of the batches that are asked for, with the first day of each."""
    (key,) = contract.unit
    con.execute(f"create or replace temp table came ({quote(key)} varchar, delivered_on date)")
    for mapping in mappings:
        files = _files(con, mapping.source, None if pending is None else pending[mapping.source])
        staged = set()
        if relation_exists(con, mapping.stage):
            found = con.execute(f"select distinct _file_id from {qualified(mapping.stage)}").fetchall()
            staged = {file for (file,) in found}
        _take(con, key, f"select * from {qualified(mapping.stage)}", mapping, files & staged)
        # Files that were sent again since stand in no stage.
        _take(con, key, typed_select(mapping), mapping, files - staged)
    con.execute(
        f"create or replace temp table arrived as select {quote(key)}, min(delivered_on) as delivered_on"
        f" from came group by {quote(key)}"
    )
    con.execute("drop table came")


def _take(
    con: duckdb.DuckDBPyConnection, key: str, typed: str, mapping: Source, files: Collection[int]
) -> None:
    if not files:
        return
    kept = " where not _row_deleted" if mapping.operation is not None else ""
    rows = f"select * from ({typed}) as t semi join (select unnest($files) as _file_id) as w using (_file_id)"
    found = load_query("core/queries/delivered_key").filled(key=key, typed=Statement(f"{rows}{kept}"))
    values: dict[str, Any] = {"files": sorted(files)}
    if "guest_salt" in Statement(typed).parameters:
        values["guest_salt"] = guests.salt()
    con.execute(f"insert into came by name {found}", values)


def _files(con: duckdb.DuckDBPyConnection, source: str, batches: Collection[int] | None) -> set[int]:
    """The files of the accepted batches of a source, all of them or some; whichever version of a file."""
    found = con.execute(
        "select file_id from ingest.file join ingest.batch using (batch_seq) where ingest.file.source = ?"
        " and status = 'accepted' and (?::bigint[] is null or batch_seq in (select unnest(?::bigint[])))",
        [source, *(None if batches is None else list(batches),) * 2],
    ).fetchall()
    return {file for (file,) in found}


def _mark(con: duckdb.DuckDBPyConnection, contract: Contract, resolved: bool) -> None:
    """Mark whom other days are of now: those of `moved`, and whoever customers merged into or parted from.

    Only of those without a day of their own it matters when they were delivered.
    """
    (key,) = contract.unit
    ids = f"select {quote(key)}, delivered_on from moved"
    if resolved:
        ids = load_query("core/queries/delivered_merged").sql
    undated = (
        f"select i.* from ({ids}) as i semi join (select {quote(key)} from core.{contract.table}"
        f" where {quote(contract.known_from or '')} is null) as u using ({quote(key)})"
    )
    changes.remember(con, contract.table, f"select delivered_on from ({undated})")
    if contract.entity == "customer":
        con.execute(f"insert into ingest.dirty_customer select distinct {quote(key)} from ({undated})")

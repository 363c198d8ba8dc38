"""Core tables whose rows can leave, overtake each other, or count for another customer.

What each source says now of each key, deletions included, is kept in `ingest.known__<table>`. A batch changes
what its source says; core is then, for the keys it touches, the winner among what the sources say:

- a key is in core as long as one of its sources has it;
- of several, the highest version wins, then the latest batch, file and row;
- where two merged customers meet in one key, the row of the one who survives comes first.

Tables that only ever grow, of projects without merges, need none of this and never come here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.contracts.model import Contract
from pipelines.core import own_keys
from pipelines.engine import columns_of, literal, qualified, quote, relation_exists
from pipelines.ingest import ledger
from pipelines.ingest.mapping import Mapping

if TYPE_CHECKING:
    import duckdb

PLACE = ("_source", "_batch_seq", "_file_id", "_row")
LATEST = "_row_version desc nulls last, _batch_seq desc, _file_id desc, _row desc"
# Of the rows of a key in one file the one that says most counts, of those the last.
LATEST_STAGED = "_row_version desc nulls last, _batch_seq desc, _file_id desc, _row_filled desc, _row desc"


def is_needed(mappings: Sequence[Mapping], resolved: bool) -> bool:
    """Whether the rows of a table can do more than enter and be entered again."""
    several = len(mappings) > 1 and any(m.contract.together for m in mappings)
    return resolved or several or any(m.delivery != "append" or m.version is not None for m in mappings)


def known_table(contract: Contract) -> str:
    return f"ingest.known__{contract.table}"


def said(con: duckdb.DuckDBPyConnection, contract: Contract, mappings: Sequence[Mapping]) -> str:
    """The SELECT of what the staged rows say of each key, source by source."""
    parts = [_said_by(con, mapping) for mapping in mappings]
    return (
        f"select * exclude (_row_filled) from ({' union all by name '.join(parts)})"
        f" {latest(contract, LATEST_STAGED, '_source')}"
    )


def latest(contract: Contract, order: str, *within: str) -> str:
    """The QUALIFY that leaves the latest row of each key; of what comes together, those of one file.

    Parameters
    ----------
    contract : the contract of the canonical table.
    order : which row is the latest, as SQL.
    within : columns besides, such as the source: what others say of the same key stays.
    """
    first = (
        f"qualify row_number() over (partition by {_names([*within, *contract.key])} order by {order}) = 1"
    )
    if not contract.together:
        return first
    of_file = _names([*within, *contract.key, "_file_id"])
    whole = _names([*within, *contract.together])
    return (
        f"qualify row_number() over (partition by {of_file} order by {order}) = 1"
        f" and _file_id = first_value(_file_id) over (partition by {whole} order by {order})"
    )


def _said_by(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> str:
    version = "_row_version" if mapping.version is not None else "cast(null as decimal(38, 9))"
    deleted = "_row_deleted" if mapping.operation is not None else "false"
    whole = ""
    if mapping.delivery == "snapshot":
        whole = f" and _file_id = {ledger.newest_snapshot(con, mapping.source)}"
    return (
        f"select {literal(mapping.source)} as _source, _batch_seq, _file_id, _row, {version} as _row_version,"
        f" {deleted} as _row_deleted, _row_filled, {_names(mapping.columns)}"
        f" from {qualified(mapping.stage)} where _fault_reason is null{whole}"
    )


def rebuild(
    con: duckdb.DuckDBPyConnection, contract: Contract, mappings: Sequence[Mapping], resolved: bool
) -> None:
    """Store what the stages of every source say, and the winners of it as the core table.

    Parameters
    ----------
    contract : the contract of the canonical table.
    mappings : the mappings of every source that feeds the table.
    resolved : whether ids of merged customers are replaced by their survivors.
    """
    con.execute(
        f"create or replace table {qualified(known_table(contract))} as {said(con, contract, mappings)}"
    )
    con.execute(
        f"create or replace table {qualified('core.' + contract.table)} as {_winners(contract, resolved)}"
    )


def given(con: duckdb.DuckDBPyConnection, contract: Contract) -> str:
    """The SELECT of the rows of a table by the ids as files give them, before customers merge."""
    if not relation_exists(con, known_table(contract)):
        return f"select * from {qualified('core.' + contract.table)}"
    return _winners(contract, resolved=False)


def standing(
    con: duckdb.DuckDBPyConnection, contract: Contract, new: Sequence[str] | None = None
) -> list[str]:
    """What the sources say now, as `own_keys.refuse_shared` takes it; of the keys that are new, or of all."""
    if not relation_exists(con, known_table(contract)):
        return []
    return own_keys.standing(contract, known_table(contract), new, "not _row_deleted")


def forget(con: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """A table that only grows keeps nothing beside it."""
    con.execute(f"drop table if exists {qualified(known_table(contract))}")


def merge(
    con: duckdb.DuckDBPyConnection, contract: Contract, mappings: Sequence[Mapping], resolved: bool
) -> None:
    """Bring what is staged into core, touching only the keys it says something of.

    Leaves the temporary tables `touched` (keys of core), `before` and `after` (the rows of these keys that
    core had and has) and `changed` (rows that core has or had and that differ; columns of the core table
    without its place).

    Parameters
    ----------
    contract : the contract of the canonical table.
    mappings : the mappings of every source that feeds the table.
    resolved : whether ids of merged customers are replaced by their survivors.
    """
    core = qualified(f"core.{contract.table}")
    key = _names(contract.unit)
    _take_in(con, contract, mappings, resolved)
    con.execute(f"create or replace temp table before as from {core} semi join touched using ({key})")
    con.execute(f"create or replace temp table after as {_winners(contract, resolved, touched=True)}")
    _fit(con, f"core.{contract.table}", "after")
    con.execute(f"delete from {core} where ({key}) in (select ({key}) from touched)")
    con.execute(f"insert into {core} by name from after")
    content = content_of(con, contract)
    # What was before may lack a column that came with this batch.
    was = f"(from {core} limit 0) union all by name from before"
    now = f"select {content} from {core} semi join touched using ({key})"
    keep_changed(con, f"select {content} from ({was})", now)


def keep_changed(con: duckdb.DuckDBPyConnection, was: str, now: str) -> None:
    """Store as the temporary table `changed` the rows of which one of two SELECTs knows and the other not."""
    con.execute(
        f"create or replace temp table changed as ({was} except {now}) union all ({now} except {was})"
    )


def content_of(con: duckdb.DuckDBPyConnection, contract: Contract) -> str:
    """The columns of a core table that are no place in a file, as SQL."""
    return _names([name for name, _ in columns_of(con, f"core.{contract.table}") if name not in PLACE])


def _take_in(
    con: duckdb.DuckDBPyConnection, contract: Contract, mappings: Sequence[Mapping], resolved: bool
) -> None:
    """Let each source say what its stage says now; `touched` are the keys of core this bears on."""
    known = qualified(known_table(contract))
    unit = _names(contract.unit)
    con.execute(f"create or replace temp table arrived as from {known} limit 0")
    if mappings:
        con.execute(f"create or replace temp table arrived as {said(con, contract, mappings)}")
    _fit(con, known_table(contract), "arrived")
    whole = [mapping.source for mapping in mappings if mapping.delivery == "snapshot"]
    con.execute(
        f"create or replace temp table earlier as from {known} where _source in (select unnest($whole))"
        f" or (_source, {unit}) in (select (_source, {unit}) from arrived)",
        {"whole": whole},
    )
    _touch(con, contract, resolved)
    con.execute(f"delete from {known} where (_source, {unit}) in (select (_source, {unit}) from earlier)")
    con.execute(
        f"insert into {known} by name select * from"
        " (from arrived union all by name from earlier where _source not in (select unnest($whole)))"
        f" {latest(contract, LATEST, '_source')}",
        {"whole": whole},
    )
    con.execute("drop table arrived; drop table earlier")


def _touch(con: duckdb.DuckDBPyConnection, contract: Contract, resolved: bool) -> None:
    """`touched`: keys of core whose rows may change. A moved customer's keys count under both survivors."""
    columns = _names(contract.unit)
    owned = resolved and "customer_id" in contract.unit
    parts = []
    for relation in ("arrived", "earlier"):
        if owned:
            parts.append(f"select {columns} from ({_resolved(relation)})")
        else:
            parts.append(f"select {columns} from {relation}")
    if resolved:
        moved = f"(select * from ingest.moved_customer where table_name = {literal(contract.table)}) as w"
        known = qualified(known_table(contract))
        for survivor in ("old_survivor", "new_survivor"):
            names = ", ".join(
                f"w.{survivor} as customer_id" if name == "customer_id" else f"k.{quote(name)}"
                for name in contract.unit
            )
            parts.append(f"select {names} from {known} k join {moved} on w.customer_id = k.customer_id")
    con.execute(f"create or replace temp table touched as {' union '.join(parts)}")


def _winners(contract: Contract, resolved: bool, *, touched: bool = False) -> str:
    """The SELECT of core's rows, of all keys or of those in `touched`."""
    known = qualified(known_table(contract))
    key = _names(contract.key)
    relation = f"({_resolved(known)})" if resolved else known
    own_first = "(_given_id = customer_id) desc, " if resolved and "customer_id" in contract.key else ""
    dropped = "_row_version, _row_deleted" + (", _given_id" if resolved else "")
    only = f" semi join touched using ({_names(contract.unit)})" if touched else ""
    return (
        f"select * exclude ({dropped}) from {relation}{only} where not _row_deleted"
        f" qualify row_number() over (partition by {key} order by {own_first}{LATEST}) = 1"
    )


def _resolved(relation: str) -> str:
    """Rows with the surviving customer in place of the given id, which stands in `_given_id`."""
    return (
        "select k.* replace (coalesce(m.survivor_id, k.customer_id) as customer_id),"
        f" k.customer_id as _given_id from {relation} as k"
        " left join core.customer_id_map as m on m.customer_id = k.customer_id"
    )


def _fit(con: duckdb.DuckDBPyConnection, table: str, relation: str) -> None:
    """Make room in a table for the columns that a relation brings."""
    have = {name for name, _ in columns_of(con, table)}
    for name, kind in con.execute(f"select column_name, column_type from (describe {relation})").fetchall():
        if name not in have:
            con.execute(f"alter table {qualified(table)} add column {quote(name)} {kind}")


def _names(columns: Sequence[str]) -> str:
    return ", ".join(quote(name) for name in columns)

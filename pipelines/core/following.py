"""Core tables whose rows can leave, overtake each other, or count for another customer.

What each source says now of each key, deletions included, is kept in `ingest.known__<table>`. A batch changes
what its source says; core is then, for the keys it touches, the winner among what the sources say:

- a key is in core as long as one of its sources has it;
- what several say of one thing is put together column by column (`by_column.py`);
- else the highest version wins, then the latest batch, file and row, and where two merged customers meet in
  one key, the row of the one who survives comes first.

Tables of one source that only ever grow, of projects without merges, need none of this and never come here.
"""

from __future__ import annotations

from collections.abc import Mapping as Mapped
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pipelines.contracts.model import Contract
from pipelines.core import own_keys, types
from pipelines.core.by_column import Order
from pipelines.engine import DuckDB, Statement, columns_of, literal, qualified, quote, relation_exists
from pipelines.ingest import ledger
from pipelines.ingest.known import known_table
from pipelines.ingest.mapping import Mapping

if TYPE_CHECKING:
    import duckdb

PLACE = ("_source", "_batch_seq", "_file_id", "_row")
LATEST = "_row_version desc nulls last, _batch_seq desc, _file_id desc, _row desc"
# Of the rows of a key in one file the one that says most counts, of those the last.
LATEST_OF_STAGE = "_batch_seq desc, _file_id desc, _row_filled desc, _row desc"


def is_needed(mappings: Sequence[Mapping], resolved: bool, order: Order | None = None) -> bool:
    """Whether the rows of a table can do more than enter and be entered again.

    Parameters
    ----------
    mappings : the mappings of every source that feeds the table.
    resolved : whether ids of merged customers are replaced by their survivors.
    order : how rows of one key are put together; None where one of them counts whole.
    """
    return (
        resolved
        or order is not None
        or any(m.delivery != "append" or m.version is not None for m in mappings)
    )


def given_view(contract: Contract) -> str:
    """The view of what sources together say of each id as files give it, before customers merge."""
    return f"ingest.given__{contract.table}"


def provenance(contract: Contract) -> str:
    """The view of which source gave each value of a table that several sources fill."""
    return f"core.provenance_{contract.table}"


def disagreement(contract: Contract) -> str:
    """The table of the keys and columns of which two sources say different values."""
    return f"core.disagreement_{contract.table}"


def said(
    con: duckdb.DuckDBPyConnection, contract: Contract, mappings: Sequence[Mapping], order: Order | None
) -> str:
    """The SELECT of what the staged rows say of each key, source by source.

    Parameters
    ----------
    contract : the contract of the canonical table.
    mappings : the mappings of the sources that are staged.
    order : how rows of one key are put together; None where one of them counts whole.
    """
    shared = types.of_stages(con, contract, mappings) if order is not None else {}
    parts = [_said_by(con, mapping, shared) for mapping in mappings]
    return (
        f"select * exclude (_row_filled) from ({' union all by name '.join(parts)})"
        f" {latest(contract, f'_row_version desc nulls last, {LATEST_OF_STAGE}', '_source')}"
    )


def latest(contract: Contract, order: str, *within: str) -> str:
    """The QUALIFY that leaves the latest row of each key; of what comes together, those of one file.

    Parameters
    ----------
    contract : the contract of the canonical table.
    order : which row is the latest, as SQL.
    within : columns besides, such as the source: what others say of the same key stays.
    """
    first = f"qualify row_number() over (partition by {names([*within, *contract.key])} order by {order}) = 1"
    if not contract.together:
        return first
    of_file = names([*within, *contract.key, "_file_id"])
    whole = names([*within, *contract.together])
    return (
        f"qualify row_number() over (partition by {of_file} order by {order}) = 1"
        f" and _file_id = first_value(_file_id) over (partition by {whole} order by {order})"
    )


def _said_by(con: duckdb.DuckDBPyConnection, mapping: Mapping, shared: Mapped[str, tuple[str, str]]) -> str:
    version = "_row_version" if mapping.version is not None else "cast(null as decimal(38, 9))"
    deleted = "_row_deleted" if mapping.operation is not None else "false"
    whole = ""
    if mapping.delivery == "snapshot":
        whole = f" and _file_id = {ledger.newest_snapshot(con, mapping.source)}"
    columns = ", ".join(_value_of(mapping, name, shared) for name in mapping.columns)
    return (
        f"select {literal(mapping.source)} as _source, _batch_seq, _file_id, _row, {version} as _row_version,"
        f" {deleted} as _row_deleted, _row_filled, {columns}"
        f" from {qualified(mapping.stage)} where _fault_reason is null{whole}"
    )


def _value_of(mapping: Mapping, name: str, shared: Mapped[str, tuple[str, str]]) -> str:
    """A column of a stage; beside other sources with the type they share, and without a default of its own.

    A source that does not map a column says nothing of it: the default would hide what another source says.
    """
    if name.lower() not in shared:
        return quote(name)
    spelled, kind = shared[name.lower()]
    column = mapping.contract.column(name)
    given = (
        column is None or column.default == "null" or name in {*mapping.expressions, *mapping.contract.key}
    )
    return f"cast({quote(name) if given else 'null'} as {kind}) as {quote(spelled)}"


def rebuild(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    mappings: Sequence[Mapping],
    resolved: bool,
    order: Order | None = None,
) -> None:
    """Store what the stages of every source say, and the winners of it as the core table.

    Parameters
    ----------
    contract : the contract of the canonical table.
    mappings : the mappings of every source that feeds the table.
    resolved : whether ids of merged customers are replaced by their survivors.
    order : how rows of one key are put together; None where one of them counts whole.
    """
    known = qualified(known_table(contract))
    con.execute(f"create or replace table {known} as {said(con, contract, mappings, order)}")
    winners = _winners(con, contract, resolved, order)
    con.execute(f"create or replace table {qualified('core.' + contract.table)} as {winners}")
    if order is not None:
        _compare(con, contract, order, f"select * from {known}")
        _make_views(con, contract, order, resolved)


def given(con: duckdb.DuckDBPyConnection, contract: Contract) -> str:
    """The SELECT of the rows of a table by the ids as files give them, before customers merge."""
    if not relation_exists(con, known_table(contract)):
        return f"select * from {qualified('core.' + contract.table)}"
    if relation_exists(con, given_view(contract)):
        return f"select * from {qualified(given_view(contract))}"
    return _winners(con, contract, False, None)


def standing(
    con: duckdb.DuckDBPyConnection, contract: Contract, new: Sequence[str] | None = None
) -> list[str]:
    """What the sources say now, as `own_keys.refuse_shared` takes it; of the keys that are new, or of all."""
    if not relation_exists(con, known_table(contract)):
        return []
    return own_keys.standing(contract, known_table(contract), new, "not _row_deleted")


def forget(con: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """A table that only grows keeps nothing beside it."""
    for view in (provenance(contract), given_view(contract)):
        con.execute(f"drop view if exists {qualified(view)}")
    for table in (known_table(contract), disagreement(contract)):
        con.execute(f"drop table if exists {qualified(table)}")


def merge(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    mappings: Sequence[Mapping],
    resolved: bool,
    order: Order | None = None,
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
    order : how rows of one key are put together; None where one of them counts whole.
    """
    core = qualified(f"core.{contract.table}")
    key = names(contract.unit)
    _take_in(con, contract, mappings, resolved, order)
    con.execute(f"create or replace temp table before as from {core} semi join touched using ({key})")
    DuckDB(con).keep("after", _winners(con, contract, resolved, order, touched=True))
    fit(con, f"core.{contract.table}", "after")
    con.execute(f"delete from {core} where ({key}) in (select ({key}) from touched)")
    con.execute(f"insert into {core} by name from after")
    content = content_of(con, contract)
    # What was before may lack a column that came with this batch.
    was = f"(from {core} limit 0) union all by name from before"
    now = f"(from {core} limit 0) union all by name from after"
    keep_changed(con, f"select {content} from ({was})", f"select {content} from ({now})")
    if order is not None:
        _make_views(con, contract, order, resolved)


def keep_changed(con: duckdb.DuckDBPyConnection, was: str, now: str) -> None:
    """Store as the temporary table `changed` the rows of which one of two SELECTs knows and the other not."""
    con.execute(
        f"create or replace temp table changed as ({was} except {now}) union all ({now} except {was})"
    )


def content_of(con: duckdb.DuckDBPyConnection, contract: Contract) -> str:
    """The columns of a core table that are no place in a file, as SQL."""
    return names([name for name, _ in columns_of(con, f"core.{contract.table}") if name not in PLACE])


def _take_in(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    mappings: Sequence[Mapping],
    resolved: bool,
    order: Order | None,
) -> None:
    """Let each source say what its stage says now; `touched` are the keys of core this bears on."""
    known = qualified(known_table(contract))
    unit = names(contract.unit)
    con.execute(f"create or replace temp table arrived as from {known} limit 0")
    if mappings:
        con.execute(f"create or replace temp table arrived as {said(con, contract, mappings, order)}")
    fit(con, known_table(contract), "arrived")
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
    if order is not None:
        key = names(contract.key)
        given = f"(select {key} from arrived union select {key} from earlier)"
        _compare(
            con, contract, order, f"select k.* from {known} as k semi join {given} as g using ({key})", given
        )
    con.execute("drop table arrived; drop table earlier")


def _compare(
    con: duckdb.DuckDBPyConnection, contract: Contract, order: Order, rows: str, given: str | None = None
) -> None:
    """Keep where sources disagree on keys as the files give them: of some, or of all anew.

    Parameters
    ----------
    rows : the SELECT of what the sources say of these keys.
    given : the relation of these keys; None for all.
    """
    engine, table = DuckDB(con), disagreement(contract)
    if len(order.sources) == 1:  # who merged customers, and has nobody to disagree with
        rows = f"{rows} limit 0"
    found = order.disagreements(Statement(rows), _put_together(con, contract))
    if given is None:
        engine.store(table, found, "replace", {})
        return
    key = names(contract.key)
    engine.delete(table, f"({key}) in (select ({key}) from {given} as g)")
    engine.store(table, found, "append", {})


def _make_views(con: duckdb.DuckDBPyConnection, contract: Contract, order: Order, resolved: bool) -> None:
    known = _known_rows(contract, resolved)
    view = order.provenance(Statement(f"select * from {known}"), _put_together(con, contract))
    con.execute(f"create or replace view {qualified(provenance(contract))} as {view}")
    rows = Statement(f"select * from {qualified(known_table(contract))}")
    given_rows = replace(order, resolved=False).merged(rows, _put_together(con, contract))
    con.execute(f"create or replace view {qualified(given_view(contract))} as {given_rows}")


def _put_together(con: duckdb.DuckDBPyConnection, contract: Contract) -> list[str]:
    """The columns that several sources may fill: all but the key and what says where a row came from."""
    apart = {*PLACE, "_row_version", "_row_deleted", *contract.key}
    return [name for name, _ in columns_of(con, known_table(contract)) if name not in apart]


def _touch(con: duckdb.DuckDBPyConnection, contract: Contract, resolved: bool) -> None:
    """`touched`: keys of core whose rows may change. A moved customer's keys count under both survivors."""
    columns = names(contract.unit)
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
            columns_of_moved = ", ".join(
                f"w.{survivor} as customer_id" if name == "customer_id" else f"k.{quote(name)}"
                for name in contract.unit
            )
            parts.append(
                f"select {columns_of_moved} from {known} k join {moved} on w.customer_id = k.customer_id"
            )
    con.execute(f"create or replace temp table touched as {' union '.join(parts)}")


def _winners(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    resolved: bool,
    order: Order | None,
    *,
    touched: bool = False,
) -> str:
    """The SELECT of core's rows, of all keys or of those in `touched`."""
    key = names(contract.key)
    relation = _known_rows(contract, resolved)
    only = f" semi join touched using ({names(contract.unit)})" if touched else ""
    if order is not None:
        known = Statement(f"select * from {relation}{only}")
        return order.merged(known, _put_together(con, contract))
    own_first = "(_given_id = customer_id) desc, " if resolved and "customer_id" in contract.key else ""
    dropped = "_row_version, _row_deleted" + (", _given_id" if resolved else "")
    return (
        f"select * exclude ({dropped}) from {relation}{only} where not _row_deleted"
        f" qualify row_number() over (partition by {key} order by {own_first}{LATEST}) = 1"
    )


def _known_rows(contract: Contract, resolved: bool) -> str:
    """What the sources say, for whom it counts."""
    known = qualified(known_table(contract))
    return f"({_resolved(known)})" if resolved else known


def _resolved(relation: str) -> str:
    """Rows with the surviving customer in place of the given id, which stands in `_given_id`."""
    return (
        "select k.* replace (coalesce(m.survivor_id, k.customer_id) as customer_id),"
        f" k.customer_id as _given_id from {relation} as k"
        " left join core.customer_id_map as m on m.customer_id = k.customer_id"
    )


def fit(con: duckdb.DuckDBPyConnection, table: str, relation: str) -> None:
    """Make room in a table for the columns that a relation brings."""
    have = {name.lower() for name, _ in columns_of(con, table)}
    for name, kind in con.execute(f"select column_name, column_type from (describe {relation})").fetchall():
        if name.lower() not in have:
            con.execute(f"alter table {qualified(table)} add column {quote(name)} {kind}")


def names(columns: Sequence[str]) -> str:
    """Columns as SQL, quoted."""
    return ", ".join(quote(name) for name in columns)

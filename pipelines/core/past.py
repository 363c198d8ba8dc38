"""What rows said before they changed: the record of every change, which the past of core follows from.

A merge or a rebuild of a table that `keeps_past` writes what stood before into `history.attribute_change`: a
row for each key and column whose value is another now, with the business day that had ended last when core
learned of it. Past days read it as whole rows (`past_rows.py`, `facts/past.py`).

- Who comes for the first time has no past: what was said first counts of all days before.
- Where the same landed row says something else, it is mapped otherwise, and the world has not changed. The
  column begins an epoch: earlier changes of it stay in the record for whoever asks, and past days read none.
- Rows are kept by the ids as files give them, so that a merge of customers, and its end, change nothing here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pipelines.contracts.model import Contract
from pipelines.core import following, past_rows
from pipelines.core.past_rows import CHANGE, EPOCH, MAPPING
from pipelines.engine import Statement, columns_of, literal, load_query, qualified, quote, relation_exists

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Told:
    """The business day that had ended last when core learned something, and the mark of how it is mapped."""

    day: date
    mark: str


def told(con: duckdb.DuckDBPyConnection, marks: Mapping[str, str], day: date | None) -> Told:
    """What the changes of a table are recorded with.

    Parameters
    ----------
    marks : source -> the fingerprint by which the table is brought up.
    day : the business day that has ended last; None for the last on which a batch came.
    """
    mark = hashlib.sha256(json.dumps(sorted(marks.items())).encode()).hexdigest()[:16]
    ((came,),) = con.execute("select max(delivered_on) from ingest.batch").fetchall()
    ((last,),) = con.execute(f"select max(changed_on) from {CHANGE}").fetchall()
    # Of two changes the later one is of no earlier day, or the days between would find neither.
    return Told(max(filter(None, (day or came, last)), default=date.min), mark)


def keep(con: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Keep what the table says, before it is made anew."""
    con.execute("drop table if exists past_was")
    if contract.keeps_past and relation_exists(con, f"core.{contract.table}"):
        con.execute(f"create temp table past_was as {following.given(con, contract)}")


def keep_merged(con: duckdb.DuckDBPyConnection, contract: Contract, resolved: bool) -> None:
    """Keep what rows of merged customers say, before a merge: core does not show all of them."""
    con.execute("drop table if exists past_merged")
    if contract.keeps_past and resolved:
        con.execute(f"create temp table past_merged as {past_rows.of_merged(con, contract)}")


def record(con: duckdb.DuckDBPyConnection, contract: Contract, found: Told, resolved: bool, now: str) -> None:
    """Record what a merge changed, as `before` and `changed` say it; leaves `recorded`, for the marks.

    Parameters
    ----------
    contract : the contract of the canonical table.
    found : the day on which it came, and how it is mapped.
    resolved : whether ids of merged customers are replaced by their survivors.
    now : the temporary table of the rows of core that the merge wrote.
    """
    if not contract.keeps_past:
        return
    # A person who comes to a further company was known before: all their rows are looked at.
    key, core = following.names(contract.unit), qualified(f"core.{contract.table}")
    con.execute(f"create or replace temp table past_key as select distinct {key} from changed")
    if resolved:
        con.execute(
            f"delete from past_key where customer_id in ({past_rows.MERGED})", {"table": contract.table}
        )
    con.execute(f"create or replace temp table past_was as from before semi join past_key using ({key})")
    con.execute(f"create or replace temp table past_now as from {core} limit 0")
    con.execute(f"insert into past_now by name from {now} semi join past_key using ({key})")
    if resolved:
        con.execute("insert into past_was by name from past_merged; drop table past_merged")
        con.execute(f"insert into past_now by name {past_rows.of_merged(con, contract)}")
    new = _new_columns(con, contract, columns_of(con, past_rows.given_table(contract)))
    _write(con, contract, found, new)
    if new or not past_rows.fits(con, contract):
        past_rows.derive(con, contract, resolved)
    else:
        past_rows.append(con, contract, resolved)
    _leave_recorded(con, contract, resolved, bool(new))


def record_rebuilt(con: duckdb.DuckDBPyConnection, contract: Contract, found: Told, resolved: bool) -> None:
    """Record what a rebuild changed since `keep`, and make the past of the table anew; leaves `recorded`.

    Parameters
    ----------
    contract : the contract of the canonical table.
    found : the day of the rebuild, and how the table is mapped now.
    resolved : whether ids of merged customers are replaced by their survivors.
    """
    if not contract.keeps_past:
        return
    last = _last_mark(con, contract)
    if not relation_exists(con, "past_was"):
        con.execute(f"create temp table past_was as from {qualified('core.' + contract.table)} limit 0")
    con.execute(f"create or replace temp table past_now as {following.given(con, contract)}")
    _leave_what_differs(con, contract)
    epochs = _new_columns(con, contract, _columns(con, "past_was"))
    if last is not None and last != found.mark:
        epochs |= _redefined(con, contract)
    _write(con, contract, found, epochs)
    if last != found.mark:
        con.execute(f"insert into {MAPPING} values (?, ?, ?)", [contract.table, found.mark, found.day])
    past_rows.derive(con, contract, resolved)
    _leave_recorded(con, contract, resolved, bool(epochs))


def _write(con: duckdb.DuckDBPyConnection, contract: Contract, found: Told, epochs: Collection[str]) -> None:
    """Append to the record how `past_now` differs from `past_was`; leaves the keys in `past_changed`."""
    kinds, key = dict(columns_of(con, f"core.{contract.table}")), contract.key
    query = load_query("core/queries/changed_value").filled(
        was=Statement("select *, true as _there from past_was"),
        now=Statement("select *, true as _there from past_now"),
        named={"row_key": _row_key("coalesce(w.{name}, n.{name})", key)},
        same=_same(key),
        compared={"compared": _compared(con, contract, epochs)},
        units=Statement(f"select {_row_key('{name}', contract.unit).sql} as unit_key from past_was"),
    )
    values = {"table": contract.table, "unit_width": len(contract.unit)}
    con.execute(f"create or replace temp table past_value as {query}", values)
    named = ", ".join(
        f"cast(row_key[{i}] as {kinds[name]}) as {quote(name)}" for i, name in enumerate(key, start=1)
    )
    con.execute(
        f"create or replace temp table past_changed as select distinct {named}, event,"
        f" date {literal(str(found.day))} as changed_on from past_value"
    )
    seq = _next_seq(con)
    con.execute(
        f"insert into {CHANGE} select $seq, $table, $kind, row_key, event, column_name, value_before,"
        " value_after, $day, batch_seq from past_value",
        {"seq": seq, "table": contract.table, "kind": contract.thing, "day": found.day},
    )
    for column in sorted(epochs):
        con.execute(f"insert into {EPOCH} values (?, ?, ?, ?)", [seq, contract.table, column, found.day])
    con.execute("drop table past_value; drop table past_now")


def _leave_what_differs(con: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Leave in `past_was` and `past_now` what they say different things of."""
    key, was = following.names(contract.unit), {name for name, _ in _columns(con, "past_was")}
    both = following.names(
        [name for name, _ in _columns(con, "past_now") if name in was and name not in following.PLACE]
    )
    parts = (f"select {both} from past_was", f"select {both} from past_now")
    differ = f"({parts[0]} except {parts[1]}) union all ({parts[1]} except {parts[0]})"
    con.execute(f"create or replace temp table past_key as select distinct {key} from ({differ})")
    for table in ("past_was", "past_now"):
        con.execute(f"create or replace temp table {table} as from {table} semi join past_key using ({key})")


def _leave_recorded(con: duckdb.DuckDBPyConnection, contract: Contract, resolved: bool, epochs: bool) -> None:
    """`recorded`: the keys of core of which days before the change go on saying what they said."""
    con.execute("create or replace temp table recorded as from past_changed")
    if epochs:
        con.execute("delete from recorded")
    elif resolved:
        con.execute(
            f"delete from recorded where customer_id in ({past_rows.MERGED})", {"table": contract.table}
        )
    con.execute("drop table past_was; drop table past_changed; drop table if exists past_key")


def _redefined(con: duckdb.DuckDBPyConnection, contract: Contract) -> set[str]:
    """The columns of which the same landed rows say something else than before."""
    query = load_query("core/queries/column_redefined").filled(
        was=Statement("from past_was"),
        now=Statement("from past_now"),
        same=_same(contract.key),
        compared={"compared": _compared(con, contract, ())},
    )
    return {name for (name,) in con.execute(query).fetchall()}


def _new_columns(
    con: duckdb.DuckDBPyConnection, contract: Contract, before: Sequence[tuple[str, str]]
) -> set[str]:
    """The columns that the table did not have before, where it has been mapped before at all."""
    if _last_mark(con, contract) is None:
        return set()
    was = {name for name, _ in before}
    return {name for name, _ in columns_of(con, f"core.{contract.table}")} - {*was, *following.PLACE}


def _compared(con: duckdb.DuckDBPyConnection, contract: Contract, epochs: Collection[str]) -> Statement:
    """A list of the columns that both have, each with its two values as text."""
    was = {name for name, _ in _columns(con, "past_was")} - {*epochs, *contract.key, *following.PLACE}
    parts = [
        f"{{'name': {literal(name)}, 'was': cast(w.{quote(name)} as varchar),"
        f" 'now': cast(n.{quote(name)} as varchar)}}"
        for name, _ in columns_of(con, f"core.{contract.table}")
        if name in was
    ]
    kind = "struct(name varchar, was varchar, now varchar)[]"
    return Statement(f"cast([{', '.join(parts)}] as {kind})")


def _last_mark(con: duckdb.DuckDBPyConnection, contract: Contract) -> str | None:
    """How the table was mapped when its past was recorded last; None where nothing of it is."""
    found = con.execute(
        f"select mark from {MAPPING} where table_name = ? order by rowid desc limit 1", [contract.table]
    ).fetchone()
    return str(found[0]) if found else None


def _next_seq(con: duckdb.DuckDBPyConnection) -> int:
    """One more than the number of the last change or epoch."""
    ((last,),) = con.execute(
        f"select greatest((select max(change_seq) from {CHANGE}), (select max(change_seq) from {EPOCH}), 0)"
    ).fetchall()
    return int(last) + 1


def _columns(con: duckdb.DuckDBPyConnection, relation: str) -> list[tuple[str, str]]:
    """Names and types of the columns of a temporary table."""
    return [(name, kind) for name, kind, *_ in con.execute(f"describe {quote(relation)}").fetchall()]


def _row_key(written: str, key: Sequence[str]) -> Statement:
    """A key as a list of texts."""
    return Statement(f"[{', '.join(f'cast({written.format(name=quote(name))} as varchar)' for name in key)}]")


def _same(key: Sequence[str]) -> Statement:
    return Statement(" and ".join(f"w.{quote(name)} = n.{quote(name)}" for name in key))

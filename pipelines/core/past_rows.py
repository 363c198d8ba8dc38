"""The past of core: what rows of a table said before they changed, as whole rows with the days they stood.

`ingest.past__<table>` has them by the ids as files give them, `core.past_<table>` by those they count for.
Both are derived: a merge adds the rows it changed, a rebuild finds them in the record and in core.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from pipelines.contracts.model import Contract
from pipelines.core import following
from pipelines.core.facts.past import relation
from pipelines.engine import (
    Statement,
    Table,
    columns_of,
    literal,
    load_query,
    qualified,
    quote,
    relation_exists,
)

if TYPE_CHECKING:
    import duckdb

CHANGE, EPOCH, MAPPING = "history.attribute_change", "history.column_epoch", "history.mapping"
SCHEMA = """
create schema if not exists history;
create table if not exists history.attribute_change (
    change_seq bigint not null, table_name varchar not null, entity_kind varchar not null,
    row_key varchar[] not null, event varchar not null, column_name varchar, value_before varchar,
    value_after varchar, changed_on date not null, batch_seq bigint
);
create table if not exists history.column_epoch (
    change_seq bigint not null, table_name varchar not null, column_name varchar not null,
    began_on date not null
);
create table if not exists history.mapping (
    table_name varchar not null, mark varchar not null, began_on date not null
);
"""
SPAN = {"_since": "date", "_until": "date", "_absent": "boolean"}
# Ids that merged, or were merged into, now or before the map changed.
MERGED = load_query("core/queries/merged_id").sql


def given_table(contract: Contract) -> str:
    """The relation of what rows said before, by the ids as files give them."""
    return f"ingest.past__{contract.table}"


def is_there(con: duckdb.DuckDBPyConnection, contract: Contract) -> bool:
    """Whether the past of a table stands, or need not: only one that `keeps_past` has it."""
    return not contract.keeps_past or relation_exists(con, relation(contract))


def create(con: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """The past of a table that nothing has filled yet."""
    if contract.keeps_past:
        derive(con, contract, resolved=False)


def derive(con: duckdb.DuckDBPyConnection, contract: Contract, resolved: bool) -> None:
    """Make the past of a table anew, of the record and of what core says.

    Parameters
    ----------
    contract : the contract of the canonical table.
    resolved : whether ids of merged customers are replaced by their survivors.
    """
    con.execute(SCHEMA)
    made, values = _derived(con, contract) if _is_recorded(con, contract) else (_empty(contract), {})
    con.execute(f"create or replace table {qualified(given_table(contract))} as {made}", values)
    make_view(con, contract, resolved)


def _is_recorded(con: duckdb.DuckDBPyConnection, contract: Contract) -> bool:
    """Whether the record knows of any change of the table: if not, the long SELECT is saved."""
    return bool(
        con.execute(f"select 1 from {CHANGE} where table_name = ? limit 1", [contract.table]).fetchone()
    )


def _empty(contract: Contract) -> str:
    """The SELECT of the columns of a past without rows."""
    span = ", ".join(f"cast(null as {kind}) as {name}" for name, kind in SPAN.items())
    return f"select *, {span} from {qualified('core.' + contract.table)} limit 0"


def _derived(con: duckdb.DuckDBPyConnection, contract: Contract) -> tuple[str, dict[str, Any]]:
    """The SELECT of the rows as they were before each change, and what it binds."""
    columns = columns_of(con, f"core.{contract.table}")
    kinds, width = dict(columns), len(contract.key)
    said = {
        name: f"said_{i}" for i, name in enumerate(kinds) if name not in (*contract.key, *following.PLACE)
    }
    epochs = _epochs(con, contract)
    query = load_query("core/queries/row_before").filled(
        said={alias: _said(name, epochs.get(name, 0)) for name, alias in said.items()} or _NOTHING,
        following={alias: _following(alias) for alias in said.values()} or _NOTHING,
        value={name: _value(contract, name, kind, said.get(name)) for name, kind in columns},
        now=Statement(following.given(con, contract)),
        same=Statement(
            " and ".join(
                f"n.{quote(name)} = cast(f.row_key[{i}] as {kinds[name]})"
                for i, name in enumerate(contract.key, start=1)
            )
        ),
    )
    return str(query), {"table": contract.table, "width": width}


def append(con: duckdb.DuckDBPyConnection, contract: Contract, resolved: bool) -> None:
    """Add the rows of `past_was` that `past_changed` names: what a merge changed.

    Parameters
    ----------
    contract : the contract of the canonical table.
    resolved : whether ids of merged customers are replaced by their survivors.
    """
    given = given_table(contract)
    query = load_query("core/queries/row_went_by").filled(
        given=Table(given),
        key=contract.key,
        value=[
            name for name, _ in columns_of(con, given) if name not in (*contract.key, *following.PLACE, *SPAN)
        ]
        or [contract.key[0]],
        same=Statement(" and ".join(f"w.{quote(name)} = c.{quote(name)}" for name in contract.key)),
        met=Statement(" and ".join(f"e.{quote(name)} = c.{quote(name)}" for name in contract.key)),
    )
    con.execute(f"insert into {qualified(given)} by name {query}")
    make_view(con, contract, resolved)


def fits(con: duckdb.DuckDBPyConnection, contract: Contract) -> bool:
    """Whether the past of a table has the columns that the table has."""
    wanted = columns_of(con, f"core.{contract.table}")
    return [found for found in columns_of(con, given_table(contract)) if found[0] not in SPAN] == wanted


def make_view(con: duckdb.DuckDBPyConnection, contract: Contract, resolved: bool) -> None:
    """`core.past_<table>`: of customers who merged, what would have been core's row on each day.

    Parameters
    ----------
    contract : the contract of the canonical table.
    resolved : whether ids of merged customers are replaced by their survivors.
    """
    given, merged = qualified(given_table(contract)), qualified(f"ingest.past_merged__{contract.table}")
    rows = f"from {given}"
    con.execute(f"drop view if exists {qualified(relation(contract))}")
    if resolved:
        names = [name for name, _ in columns_of(con, f"core.{contract.table}")]
        said = [name for name in names if name not in (*contract.key, *following.PLACE)]
        query = load_query("core/queries/row_before_of_survivor").filled(
            given=Table(given_table(contract)),
            now=Statement(of_merged(con, contract)),
            core=Table(f"core.{contract.table}"),
            unchanged={f"same {name}": Statement(_unchanged(name)) for name in said} or _NOTHING,
            value={name: Statement(_of_survivor(name, said)) for name in names},
        )
        con.execute(f"create or replace table {merged} as {query}")
        ids = (
            "select customer_id from core.customer_id_map union select survivor_id from core.customer_id_map"
        )
        rows = f"from {given} where customer_id not in ({ids}) union all from {merged}"
    con.execute(f"create view {qualified(relation(contract))} as {rows}")


def _unchanged(name: str) -> str:
    return f"v.{quote(name)} is not distinct from p.{quote(name)}"


def _of_survivor(name: str, said: Collection[str]) -> str:
    """A column of a survivor's row of a span: put together as core is, but for the key and the row's place.

    What a row said before is not kept source by source. So where nobody's value was another than now, it is
    that of core, in which the order of sources decides between those who merged.
    """
    if name == "customer_id":
        return "s.span_id"
    if name not in said:
        return f"s.{quote(name)}"
    over = "partition by s.span_id, s.span_since"
    same = f"f.everyone and bool_and(s.{quote(f'same {name}')}) over ({over})"
    first = (
        f"first_value(s.{quote(name)} ignore nulls) over ({over} order by s.absorbed, s.given_id"
        " rows between unbounded preceding and unbounded following)"
    )
    return f"case when {same} then n.{quote(name)} else {first} end"


def of_merged(con: duckdb.DuckDBPyConnection, contract: Contract) -> str:
    """The SELECT of the rows of those who merged, as files give them; core does not show all of them."""
    return (
        f"select * from ({following.given(con, contract)}) as g"
        f" where customer_id in ({MERGED.replace('$table', literal(contract.table))})"
    )


_NOTHING = {"nothing": Statement("null")}


def _epochs(con: duckdb.DuckDBPyConnection, contract: Contract) -> dict[str, int]:
    """Column -> the number of the change with which its values began to mean what they mean now."""
    found = con.execute(
        f"select column_name, max(change_seq) from {EPOCH} where table_name = ? group by column_name",
        [contract.table],
    )
    return dict(found.fetchall())


def _said(name: str, epoch: int) -> Statement:
    """What a change says that a column was before, in a struct: NULL is a value too."""
    return Statement(
        "any_value({'value': c.value_before})"
        f" filter (where c.column_name = {literal(name)} and c.change_seq >= {epoch})"
    )


def _following(alias: str) -> Statement:
    return Statement(f"first_value({alias} ignore nulls) over following")


def _value(contract: Contract, name: str, kind: str, alias: str | None) -> Statement:
    """A column of a former row. A value that the type of today cannot hold is not known any more."""
    if name in contract.key:
        return Statement(f"cast(f.row_key[{contract.key.index(name) + 1}] as {kind})")
    if alias is None:
        return Statement(f"cast(null as {kind})")
    former = f"case when f.{alias} is null then n.{quote(name)} else try_cast(f.{alias}.value as {kind}) end"
    return Statement(f"case when not f.is_absent then {former} end")

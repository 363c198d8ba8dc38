"""Whom a change of a core table touches: marks by which features are computed and past days replayed again.

`changed` is the temporary table of the rows that came and those that went, so that one that moves to another
customer or day touches both. What a table touches follows from its contract: a purchase its customer and day,
other facts and customers themselves their customer, and rows that facts look up whoever has such facts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.contracts.bearing import looked_up_by, names_persons, owned_by, touches_customers
from pipelines.contracts.fact import Link
from pipelines.contracts.model import Contract
from pipelines.contracts.registry import FACTS
from pipelines.core import changes
from pipelines.core.facts import timeline
from pipelines.core.facts.ending import ended
from pipelines.engine import quote, relation_exists

if TYPE_CHECKING:
    import duckdb

_EVERY_DAY = "select cast(null as date)"


def mark_changed(con: duckdb.DuckDBPyConnection, contract: Contract, *, recorded: bool = False) -> None:
    """Remember whose features the rows in `changed` touch, and since which day core says something else.

    `recorded` says that the keys whose past is kept stand in the temporary table of that name (`past.py`).
    """
    rows = "changed"
    if recorded:
        rows = f"(select * from changed anti join recorded using ({_key(contract)}))"
        changes.remember(con, contract.table, _days_recorded(contract))
    changes.remember(con, contract.table, _days(con, contract, rows))
    fact = contract.fact
    if fact is not None and fact.purchase:
        con.execute(
            "insert into ingest.dirty_day select distinct * from"
            f" ({timeline(contract.table, 'changed')}) where customer_id is not null"
        )
    elif contract.entity == "customer" or (fact is not None and fact.of_customers):
        _mark_named(con, *("customer_id", *(["contact_id"] if fact is not None and fact.of_person else [])))
    elif names_persons(contract):
        _mark_named(con, contract.key[0])
    else:
        for table, link in looked_up_by(contract.table):
            _mark_looking(con, table, link)


def mark_everything(con: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Remember that any row of a table may have changed; a row without customer stands for everyone."""
    changes.remember_everything(con, contract.table)
    if touches_customers(contract):
        con.execute("insert into ingest.dirty_day values (null, null)")


def _mark_named(con: duckdb.DuckDBPyConnection, *columns: str) -> None:
    """Mark whom `changed` names; where one is the id of a contact, the customer of that id, merged or not."""
    for column in columns:
        con.execute(
            f"insert into ingest.dirty_customer select distinct coalesce(i.survivor_id, c.{column})"
            f" from changed as c left join core.customer_id_map as i on i.customer_id = c.{column}"
            f" where c.{column} is not null"
        )


def _mark_looking(con: duckdb.DuckDBPyConnection, table: str, link: Link) -> None:
    """Mark whose facts look up what changed.

    What purchases look up touches everyone, if there is one: which days these are costs more to find than to
    compute.
    """
    facts = f"from core.{table} as e semi join changed as c on c.{link.key} = e.{link.column}"
    if FACTS[table].purchase:
        con.execute(f"insert into ingest.dirty_day select null, null {facts} limit 1")
    elif FACTS[table].of_customers:
        con.execute(f"insert into ingest.dirty_customer select distinct e.customer_id {facts}")


def _days_recorded(contract: Contract) -> str:
    """The days that changes of rows bear on whose past is kept: from then on, or since a fact had ended."""
    day = "t.changed_on"
    if contract.fact is not None and contract.fact.ends is not None:
        has_ended, since = ended(contract.table, "c")
        day = f"least({day}, case when {has_ended} then {since} end)"
    return f"select {day} from changed as c join recorded as t using ({_key(contract)})"


def _key(contract: Contract) -> str:
    return ", ".join(quote(name) for name in contract.key)


def _days(con: duckdb.DuckDBPyConnection, contract: Contract, rows: str) -> str:
    """The SELECT of the days that some rows that changed bear on, NULL for every day."""
    owned = [
        _days_owned(con, table, link, contract.table, rows)
        for table, link in owned_by(contract.table)
        if all(relation_exists(con, f"core.{name}") for name in (table, *link.tables))
    ]
    own = contract.known_from or contract.event
    if contract.fact is not None and _looks_up_what_is_there(con, contract.table):
        return " union all ".join([timeline(contract.table, rows, days_only=True), *owned])
    if own is not None:
        return " union all ".join([f"select {quote(own)} from {rows} as c", *owned])
    looking = [*looked_up_by(contract.table)]
    if not looking:
        return f"{_EVERY_DAY} from changed"
    return " union all ".join(_days_looked_up(table, link) for table, link in looking)


def _looks_up_what_is_there(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    return all(relation_exists(con, f"core.{link.table}") for link in FACTS[table].looked_up)


def _days_owned(con: duckdb.DuckDBPyConnection, table: str, link: Link, changed: str, rows: str) -> str:
    """The days of facts that rows say something of: they may lie before these.

    Every day, if there is such a fact and what its day is looked up in is not there yet.

    Parameters
    ----------
    table : the table of the facts.
    link : how they get to the table that changed.
    changed : that table.
    rows : the rows of it that changed.
    """
    leading = _leading_to(link, changed, rows)
    facts = f"from core.{table} as e semi join {leading} as c on c.{link.key} = e.{link.column}"
    if not _looks_up_what_is_there(con, table):
        return f"select * from ({_EVERY_DAY} {facts} limit 1)"
    return timeline(table, f"(select * {facts})", days_only=True)


def _leading_to(link: Link, changed: str, rows: str) -> str:
    """The rows that a link goes by to rows that changed: those themselves, or those that name them."""
    said = " or ".join(f"{quote(name)} is not null" for name in link.gives)
    if link.then is None or link.table == changed:
        return f"(select {link.key} from {rows} as r where {said})"
    further = _leading_to(link.then, changed, rows)
    return (
        f"(select w.{link.key} from core.{link.table} as w"
        f" semi join {further} as c on c.{link.then.key} = w.{link.gives[0]})"
    )


def _days_looked_up(table: str, link: Link) -> str:
    """The day that a fact takes from here; of further columns every day, if there is such a fact."""
    if link == FACTS[table].else_day:
        return f"select {quote(link.gives[0])} from changed"
    facts = f"from core.{table} as e semi join changed as c on c.{link.key} = e.{link.column}"
    return f"select * from ({_EVERY_DAY} {facts} limit 1)"

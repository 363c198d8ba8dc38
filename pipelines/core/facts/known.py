"""Who is known by a day: customers, accounts and contacts by the day their source says, or by what they did.

Where the source says no day, or leaves it blank, somebody is known from their first fact on, or from the day
they were first delivered (`pipelines/core/delivered.py`), whichever is earlier. What is known today is never
taken for known then.
"""

from __future__ import annotations

from typing import Literal

from pipelines.contracts.model import Contract
from pipelines.contracts.registry import CONTRACTS, FACTS
from pipelines.core.facts.past import past
from pipelines.core.facts.reading import Reading
from pipelines.engine import literal, load_query, quote

CHANNELS = next(column.allowed for column in CONTRACTS["consents"].columns if column.name == "channel")
# What a consent is for that says no purpose.
PURPOSE = next(c.default.strip("'") for c in CONTRACTS["consents"].columns if c.name == "purpose")
# The days on which customers ordered; of purchases nothing else is asked.
_PURCHASES = "select customer_id, business_date as day from features.customer_day"


def known(table: str) -> str:
    """The SELECT of the rows of a table with `known_from` that are known by `$as_of`, as they stood on it.

    Facts are looked at only of those who were not delivered by then: usually there is nobody.
    """
    contract = CONTRACTS[table]
    (key,) = contract.unit
    dated, delivered = quote(contract.known_from or ""), f"core.delivered_{table}"
    facts = " union all ".join(days_of_facts(contract))
    early = (
        f"select f.{key} from ({facts}) as f where f.day <= $as_of and f.{key} in"
        f" (select l.{key} from {delivered} as l where l.delivered_on > $as_of)"
    )
    rows = _consenting(contract, past(table))
    return (
        f"select r.* from {rows} as r where r.{dated} <= $as_of union all"
        f" select r.* from {rows} as r where r.{dated} is null and r.{key} in"
        f" (select d.{key} from {delivered} as d where d.delivered_on <= $as_of union all {early})"
    )


def _consenting(contract: Contract, rows: str) -> str:
    """The rows of a table; a column of a consent says what stood on `$as_of`, where a day is known of one.

    What the column itself says has no day: it holds for whoever gave and withdrew none on a known day.
    """
    undated = {channel: name for channel in CHANNELS if contract.column(name := f"{channel}_consent")}
    if not undated:
        return f"({rows})"
    said_too = ", ".join(
        f"coalesce(d.{channel}, u.{quote(name)}) as {quote(name)}" for channel, name in undated.items()
    )
    rest = f"u.* exclude ({', '.join(map(quote, undated.values()))})"
    standing = ", ".join(
        f"bool_and(granted) filter (where channel = {literal(channel)}) as {channel}" for channel in undated
    )
    said = load_query("core/queries/contact_consent").sql
    return (
        f"(select {rest}, {said_too} from ({rows}) as u"
        f" left join (select contact_id, {standing} from ({said}) where purpose = {literal(PURPOSE)}"
        " group by contact_id) as d on d.contact_id = u.contact_id)"
    )


def days_of_facts(contract: Contract) -> list[str]:
    """SELECTs of the key of a table that describes somebody, and the day of each fact of theirs."""
    if contract.entity == "customer":
        own = [table for table, fact in FACTS.items() if fact.of_customers and not fact.purchase]
        return [_PURCHASES, *(_days(table, "customer") for table in own)]
    (key,) = contract.unit
    if contract.entity == "account" and key == "account_id":
        # A line is of the day and the owner of its order.
        own = [table for table, fact in FACTS.items() if not any(link.required for link in fact.links)]
        return [_days(table, "account") for table in own]
    return [_days(table, None, key) for table in FACTS if CONTRACTS[table].column(key)]


def _days(table: str, entity: Literal["customer", "account"] | None, key: str = "") -> str:
    reading = Reading(table)
    owner = reading.owner(entity) if entity else reading.value(key)
    day = reading.value(reading.fact.day)
    return f"select {owner} as {key or f'{entity}_id'}, {day} as day from {reading.source}"

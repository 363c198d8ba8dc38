"""Facts as SQL: the rows of a canonical table as they stood on a day, written from its contract.

Whoever counts facts reads them from here: features, a project's own features, `did()`, ROI, and what marks
whom a changed row touches. So all of them mean the same by the day of a fact, by its owner, by what counts as
having happened and by what was known of it on the day.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cache

import sqlglot
from sqlglot import exp

from pipelines.contracts.fact import Entity
from pipelines.contracts.registry import FACTS, fact_of
from pipelines.core.facts.columns import canonical_tables, columns_of, reads_lines, tables_needed, tables_read
from pipelines.core.facts.ending import among
from pipelines.core.facts.known import known
from pipelines.core.facts.past import past
from pipelines.core.facts.reading import ENDED_ON, HAPPENED, Reading
from pipelines.engine import Statement, Step, quote

__all__ = [
    "ENDED_ON",
    "HAPPENED",
    "canonical_tables",
    "columns_of",
    "counted",
    "past",
    "reads_lines",
    "relation",
    "resolved",
    "tables_needed",
    "tables_read",
    "timeline",
    "with_facts",
]

SCHEMA = "facts"
# Rows of customers, accounts and contacts that are known by `$as_of`.
KNOWN = "known"
# Rows of a table that keeps its past, as they stood on `$as_of`.
PAST = "past"


def counted(table: str, row: str = "") -> str:
    """The condition on the facts that count, unless whoever asks names its column; `row` is their alias."""
    counts = FACTS[table].counts
    if counts is None:
        return "true"
    return among(f"{row}{'.' if row else ''}{quote(counts.column)}", counts.values)


@dataclass(frozen=True)
class Relation:
    """Facts up to `$as_of`: the FROM with its joins, what owner, day and each column are, and what holds."""

    source: str
    owner: str
    day: str
    columns: dict[str, str]
    where: str

    def select(self, *columns: str) -> str:
        """The SELECT of some expressions."""
        return f"select {', '.join(columns)} from {self.source} where {self.where}"


def relation(table: str, entity: Entity, columns: Collection[str], *, since: str | None = None) -> Relation:
    """The facts of a table that an entity owns, with some columns as they stood on `$as_of`.

    A fact of an account without a customer is there once for each customer of the account.

    Parameters
    ----------
    table : the canonical table of the facts.
    entity : whose facts.
    columns : of `columns_of`, with lines, or `HAPPENED` and `ENDED_ON`. Those of lines give a row a line.
    since : the first day, as SQL; None for all there are.
    """
    reading = Reading(table, since=since)
    day = reading.value(reading.fact.day)
    chosen = {name: reading.value(name) for name in sorted(columns)}
    owner = reading.owner(entity)
    holds = [f"{day} <= $as_of", *([f"{day} >= {since}"] if since else []), f"{owner} is not null"]
    return Relation(reading.source, owner, day, chosen, " and ".join(holds))


def timeline(table: str, rows: str | None = None, *, days_only: bool = False) -> str:
    """The SELECT of `customer_id` and the day of every fact, whatever day it is; of core, not of money.

    Parameters
    ----------
    rows : a relation with columns of the core table, read instead of it.
    days_only : whether the day is all that is asked for.
    """
    reading = Reading(table, schema="core", rows=rows)
    day = f"{reading.value(reading.fact.day)} as {quote(reading.fact.day)}"
    if days_only:
        return f"select {day} from {reading.source}"
    return f"select {reading.owner('customer')} as customer_id, {day} from {reading.source}"


@cache
def resolved(sql: str, entity: Entity) -> str:
    """A SELECT with every `facts.<table>` in it replaced by what it means for an entity.

    It has the columns that the SELECT names, its owner as `customer_id` or `account_id`, and only facts that
    have one and are not of a later day. Of `known.<table>` it has the rows known by then, of `past.<table>`
    all rows; both as they stood then.
    """
    if not any(name.partition(".")[0] in (SCHEMA, KNOWN, PAST) for name in Statement(sql).inputs):
        return sql
    tree = Statement(sql).tree.copy()
    columns = [*tree.find_all(exp.Column)]
    rows_of = {KNOWN: known, PAST: past}
    for node in [found for found in tree.find_all(exp.Table) if found.db in (SCHEMA, KNOWN, PAST)]:
        names = {column.name for column in columns if column.table in ("", node.alias_or_name)}
        select = rows_of[node.db](node.name) if node.db in rows_of else _select(node.name, entity, names)
        meant = sqlglot.parse_one(select, dialect="duckdb")
        node.replace(
            exp.Subquery(this=meant, alias=exp.TableAlias(this=exp.to_identifier(node.alias_or_name)))
        )
    return tree.sql(dialect="duckdb", comments=False)


def with_facts(step: Step) -> Step:
    """A step that counts facts of customers, ready to run."""
    return replace(step, sql=resolved(step.sql, "customer"))


def _select(table: str, entity: Entity, names: Collection[str]) -> str:
    key = f"{entity}_id"
    ended = [ENDED_ON] if fact_of(table).ends else []
    known = [*columns_of(table), HAPPENED, *ended]
    found = relation(table, entity, [name for name in known if name in names and name != key])
    return found.select(
        f"{found.owner} as {key}", *(f"{value} as {quote(name)}" for name, value in found.columns.items())
    )

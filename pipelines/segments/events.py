"""`did(...)` and `did_not(...)`: the events of a member that meet a condition within some days, counted.

One SELECT a table counts for every call at once. Nothing later than the day is read: neither events of later
days nor what became known of an event later, such as how an opportunity ended.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from functools import partial

from pipelines.config.expression import Place
from pipelines.config.segments import Entity
from pipelines.config.yaml import nearest
from pipelines.contracts.registry import CONTRACTS, FACTS
from pipelines.core.facts import columns_of, counted, reads_lines, relation, tables_needed
from pipelines.engine import Engine, quote, value
from pipelines.segments.calls import Arguments, Call
from pipelines.segments.conditions import Names, Reader, Special, Term, own_name, today
from pipelines.segments.model import AS_OF, FROM, EventCall, Further, Needs
from pipelines.segments.words import Named

LABELS = ("where", "within", "at_least", "at_most")
_DAY = "~day"
_OWNER = "~owner"


class Events:
    """Compiles the calls of one load.

    `mapped` are the canonical tables that some source maps, `further` the columns that tables have beyond
    their contracts.
    """

    def __init__(self, mapped: Collection[str] | None, further: Further) -> None:
        self.mapped, self.further = mapped, further
        self._readers: dict[str, Reader] = {}

    def of(self, entity: Entity) -> Special:
        """Compiles `did` and `did_not` over the facts of an entity as a boolean column."""
        return partial(self._term, entity)

    def _term(self, entity: Entity, call: Call, text: str, place: Place) -> Term:
        arguments = Arguments(call, text, place, LABELS)
        table = self._table(call, arguments, text, place)
        if entity == "customer" and not FACTS[table].of_customers and not self._maps("customers"):
            raise place.fault(
                f"{table} are of accounts, and customers have part in those of their account: no source of"
                " this project maps customers, with account_id. Give the segmentation `entity: account`, or"
                f" write account.{call.name}({table}, …) where customers are accounts of the same id",
                call.start,
            )
        written = arguments.condition()
        condition = self._reader(table).read_argument(text, written, place) if written else None
        columns = condition.needs.features if condition else frozenset()
        least, most = arguments.bounds()
        days = arguments.span()
        sql = condition.sql if condition else "true"
        counts = FACTS[table].counts
        if counts is not None and counts.column not in columns:
            sql, columns = f"({sql}) and {counted(table)}", columns | {counts.column}
        name = own_name("did", table, sql, days, least, most)
        found = EventCall(name, table, sql, columns, days, least, most)
        return Term(
            Named(name, "BOOLEAN", written=call.written(text)),
            Needs(events=frozenset({found})),
            negated=call.name == "did_not",
        )

    def _table(self, call: Call, arguments: Arguments, text: str, place: Place) -> str:
        known = ", ".join(FACTS)
        if arguments.first is None:
            raise place.fault(f"{call.name} names no table first; expected one of {known}", call.start)
        table = call.value(text, arguments.first).lower()
        if table not in FACTS:
            raise place.fault(
                f"{table} is not a table of events{nearest(table, FACTS)} (known: {known})",
                arguments.first.at,
            )
        if not self._maps(table):
            raise place.fault(f"{table}: no source of this project maps it", arguments.first.at)
        return table

    def _maps(self, table: str) -> bool:
        return self.mapped is None or table in self.mapped

    def _reader(self, table: str) -> Reader:
        if table not in self._readers:
            known = {
                name: Term(Named(name, column.type, column.unit), Needs(frozenset({name})))
                for name, column in columns_of(table, with_lines=True).items()
            }
            known |= {
                name.lower(): Term(Named(name, kind), Needs(frozenset({name})))
                for name, kind in self.further.get(table, ())
            }
            absent = {}
            for name in [*known]:
                needed = tables_needed(table, [name])
                lacking = tuple(found for found in needed if found != table and not self._maps(found))
                if lacking:
                    absent[name] = lacking
                    del known[name]
            names = Names(
                known | {AS_OF: today()},
                f"a column of {table}",
                absent,
                f" (known: {', '.join(sorted(known))})",
            )
            inside = "cannot be used inside did: an event has only its own columns"
            self._readers[table] = Reader(
                names,
                refused={
                    name: f"{name} {inside}"
                    for name in (
                        *("did", "did_not", "any_member", "all_members", "no_member", "members"),
                        *("in_segment", "score"),
                    )
                },
            )
        return self._readers[table]


def joins(entity: Entity, calls: Iterable[EventCall]) -> tuple[list[str], dict[str, str]]:
    """LEFT JOINs on `f.entity_id`, one a table, and the boolean expression of every call over them."""
    groups: dict[tuple[str, bool], list[EventCall]] = {}
    for call in sorted(calls, key=lambda call: call.name):
        groups.setdefault((call.table, reads_lines(call.table, call.columns)), []).append(call)
    written, columns = [], {}
    for i, ((table, lines), group) in enumerate(groups.items()):
        written.append(
            f"left join ({_counted(entity, table, lines, group)}) as e{i} on e{i}.entity_id = f.entity_id"
        )
        for call in group:
            count = f"e{i}.{quote(call.name)}"
            most = f" and {count} <= {call.at_most}" if call.at_most is not None else ""
            columns[call.name] = f"coalesce({count} >= {call.at_least}{most}, false)"
    return written, columns


def _counted(entity: Entity, table: str, lines: bool, calls: list[EventCall]) -> str:
    """One row a member with events: how many of them each call counts; of several lines, once."""
    key = CONTRACTS[table].key if lines else ()
    what = f"distinct {quote(key[0])}" if lines else "*"
    counts = []
    for call in calls:
        within = f"{quote(_DAY)} >= ${FROM}{call.days} and " if call.days is not None else ""
        counts.append(f"count({what}) filter (where {within}({call.condition})) as {quote(call.name)}")
    columns = frozenset().union(*(call.columns for call in calls), key)
    days = [call.days for call in calls]
    longest = None if None in days else max(day for day in days if day is not None)
    since = None if longest is None else f"${FROM}{longest}"
    found = relation(table, entity, columns - {AS_OF}, since=since)
    events = found.select(
        f"{found.owner} as {quote(_OWNER)}",
        f"{found.day} as {quote(_DAY)}",
        f"cast($as_of as date) as {AS_OF}",
        *(f"{value} as {quote(name)}" for name, value in found.columns.items()),
    )
    return (
        f"select {quote(_OWNER)} as entity_id, {', '.join(counts)} from ({events}) group by {quote(_OWNER)}"
    )


def out_of_reach(engine: Engine, day: date, calls: Iterable[EventCall]) -> list[str]:
    """Remarks on tables asked of customers of which no fact is a customer's, though some are an account's."""
    found = []
    for table in sorted({call.table for call in calls}):
        of_customers, of_accounts = (
            relation(table, entity, ()).select("1") for entity in ("customer", "account")
        )
        if value(engine, f"select exists ({of_customers})", {"as_of": day}):
            continue
        if count := value(engine, f"select count(*) from ({of_accounts})", {"as_of": day}):
            found.append(
                f"did({table}): none of the {count:,} {table} of accounts by {day} is a customer's. Map"
                " customers.account_id, ask account.did(…), or give the segmentation `entity: account`"
            )
    return found

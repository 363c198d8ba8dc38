"""`did(...)` and `did_not(...)`: the events of a member that meet a condition within some days, counted.

One SELECT a table counts for every call at once. Nothing later than the day is read: neither events of later
days nor what became known of an event later, such as how an opportunity ended.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pipelines.config.expression import Place
from pipelines.config.segments import Entity
from pipelines.config.yaml import nearest
from pipelines.contracts.registry import CONTRACTS
from pipelines.segments.calls import Arguments, Call
from pipelines.segments.conditions import Names, Reader, Term, own_name, today
from pipelines.segments.model import AS_OF, EventCall, Needs
from pipelines.segments.words import Named
from pipelines.steps import quote

LABELS = ("where", "within", "at_least", "at_most")
_DAY = "~day"
_OWNER = "~owner"
_ID = "~id"


@dataclass(frozen=True)
class EventTable:
    """A canonical table whose rows are events.

    `day` is the SQL of an event's business date. `later` gives columns whose value became known on a later
    day as they stood on the day. `counts` is a column and what its value must be, unless a condition names
    the column itself.
    """

    table: str
    day: str
    owner: Literal["customer", "account"] = "customer"
    later: Mapping[str, str] = field(default_factory=dict)
    counts: tuple[str, str] | None = None
    contacts: bool = False


TABLES: dict[str, EventTable] = {
    one.table: one
    for one in (
        EventTable("orders", "e.business_date", counts=("status", "completed")),
        EventTable("interactions", "e.business_date", contacts=True),
        EventTable(
            "feedback",
            "e.received_on",
            later={"closed_on": "case when e.closed_on <= $as_of then e.closed_on end"},
            contacts=True,
        ),
        EventTable("survey_answers", "e.answered_on", contacts=True),
        EventTable(
            "campaign_contacts",
            "coalesce(e.contacted_on, g.start_date)",
            later={"contacted_on": "coalesce(e.contacted_on, g.start_date)"},
            counts=("arm", "treatment"),
        ),
        EventTable("campaign_responses", "e.responded_on"),
        EventTable(
            "leads",
            "e.created_on",
            owner="account",
            later={
                "converted_on": "case when e.converted_on <= $as_of then e.converted_on end",
                "status": "case when e.converted_on > $as_of then 'working' else e.status end",
            },
            contacts=True,
        ),
        EventTable(
            "opportunities",
            "e.opened_on",
            owner="account",
            later={
                "closed_on": "case when e.closed_on <= $as_of then e.closed_on end",
                "outcome": "case when e.closed_on > $as_of then 'open' else e.outcome end",
            },
        ),
    )
}

# Columns of an order that stand on its lines, where there are lines; those of the lines; those of products.
_MONEY = ("revenue", "discount", "coupon_discount")
_HEAD = ("currency", "country")
_OF_LINES = {
    "line_id": "l.line_id",
    "product_id": "l.product_id",
    "quantity": "l.quantity",
    "cost": "l.cost",
    **{f"line_{name}": f"l.{name}" for name in _MONEY},
}
_OF_PRODUCTS = {name: f"p.{name}" for name in ("category", "subcategory", "brand")}
_LINE_TYPES = {
    **{column.name: column for column in CONTRACTS["order_lines"].columns},
    **{f"line_{name}": CONTRACTS["order_lines"].column(name) for name in _MONEY},
    **{column.name: column for column in CONTRACTS["products"].columns if column.name in _OF_PRODUCTS},
}


def columns_of(table: str) -> dict[str, Named]:
    """The columns that a condition over an event table may name."""
    contract = CONTRACTS[table]
    own = ("order_id", "ordered_at", "store_id", "channel", "status", *_HEAD, *_MONEY)
    found = {
        column.name: Named(column.name, column.type, column.unit)
        for column in contract.columns
        if table != "orders" or column.name in own
    }
    found |= {name: Named(name, "DATE", "date") for name, _ in contract.derived}
    if table == "orders":
        for name in (*_OF_LINES, *_OF_PRODUCTS):
            column = _LINE_TYPES[name]
            assert column is not None, name  # noqa: S101
            found[name] = Named(name, column.type, column.unit)
    return found


def tables_behind(columns: Collection[str]) -> tuple[str, ...]:
    """What the columns of orders need besides orders."""
    lines = ("order_lines",) if {*columns} & {*_OF_LINES, *_OF_PRODUCTS} else ()
    return (*lines, "products") if {*columns} & _OF_PRODUCTS.keys() else lines


class Events:
    """Compiles the calls of one load; `mapped` are the canonical tables that some source maps."""

    def __init__(self, mapped: Collection[str] | None) -> None:
        self.mapped = mapped
        self._readers: dict[str, Reader] = {}

    def term(self, call: Call, text: str, place: Place) -> Term:
        """`did` and `did_not` as a boolean column."""
        arguments = Arguments(call, text, place, LABELS)
        table = self._table(call, arguments, text, place)
        written = arguments.condition()
        condition = self._reader(table).read_argument(text, written, place) if written else None
        columns = condition.needs.features if condition else frozenset()
        least, most = arguments.bounds()
        days = arguments.span()
        sql = condition.sql if condition else "true"
        counts = TABLES[table].counts
        if counts and counts[0] not in columns:
            sql, columns = f"({sql}) and {quote(counts[0])} = '{counts[1]}'", columns | {counts[0]}
        name = own_name("did", table, sql, days, least, most)
        found = EventCall(name, table, sql, columns, days, least, most)
        return Term(
            Named(name, "BOOLEAN", written=call.written(text)),
            Needs(events=frozenset({found})),
            negated=call.name == "did_not",
        )

    def _table(self, call: Call, arguments: Arguments, text: str, place: Place) -> str:
        known = ", ".join(TABLES)
        if arguments.first is None:
            raise place.fault(f"{call.name} names no table first; expected one of {known}", call.start)
        table = call.value(text, arguments.first).lower()
        if table not in TABLES:
            raise place.fault(
                f"{table} is not a table of events{nearest(table, TABLES)} (known: {known})",
                arguments.first.at,
            )
        if not self._maps(table):
            raise place.fault(f"{table}: no source of this project maps it", arguments.first.at)
        return table

    def _maps(self, table: str) -> bool:
        return self.mapped is None or table in self.mapped

    def _reader(self, table: str) -> Reader:
        if table not in self._readers:
            known = {name: Term(named, Needs(frozenset({name}))) for name, named in columns_of(table).items()}
            absent = {}
            for name in [*known] if table == "orders" else ():
                lacking = tuple(one for one in tables_behind([name]) if not self._maps(one))
                if lacking:
                    absent[name] = lacking
                    del known[name]
            names = Names(
                known | {AS_OF: today()},
                f"a column of {table}",
                absent,
                f" (known: {', '.join(sorted(known))})",
            )
            inside = "cannot stand inside did: an event is judged by its own columns"
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
    for call in sorted(calls, key=lambda one: one.name):
        groups.setdefault(
            (call.table, bool(tables_behind(call.columns)) and call.table == "orders"), []
        ).append(call)
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
    """One row a member with events: how many of them each call counts."""
    what = f"distinct {quote(_ID)}" if lines else "*"
    counts = []
    for call in calls:
        within = f"{quote(_DAY)} > $as_of - {call.days} and " if call.days is not None else ""
        counts.append(f"count({what}) filter (where {within}({call.condition})) as {quote(call.name)}")
    columns = frozenset().union(*(call.columns for call in calls))
    days = [call.days for call in calls]
    longest = None if None in days else max(day for day in days if day is not None)
    relation = _relation(entity, table, columns - {AS_OF}, longest)
    return (
        f"select {quote(_OWNER)} as entity_id, {', '.join(counts)} from ({relation}) group by {quote(_OWNER)}"
    )


def _relation(entity: Entity, table: str, columns: frozenset[str], days: int | None) -> str:
    """The events up to the day, with the columns that are named."""
    event = TABLES[table]
    span = f"{event.day} <= $as_of" + (f" and {event.day} > $as_of - {days}" if days is not None else "")
    source, chosen = _orders(columns, span) if table == "orders" else _plain(event, columns)
    owner, owning = _owner(entity, event)
    listed = "".join(f", {sql} as {quote(name)}" for name, sql in sorted(chosen.items()))
    identity = f", e.order_id as {quote(_ID)}" if table == "orders" else ""
    return (
        f"select {owner} as {quote(_OWNER)}, {event.day} as {quote(_DAY)}, cast($as_of as date) as {AS_OF}"
        f"{identity}{listed}"
        f" from {source}{owning} where {span} and {owner} is not null"
    )


def _plain(event: EventTable, columns: Iterable[str]) -> tuple[str, dict[str, str]]:
    campaigns = " left join core.campaigns as g on g.campaign_id = e.campaign_id"
    source = f"core.{event.table} as e{campaigns if 'g.' in event.day else ''}"
    return source, {name: event.later.get(name, f"e.{quote(name)}") for name in columns}


def _orders(columns: frozenset[str], span: str) -> tuple[str, dict[str, str]]:
    """Orders as they count: none that is held, and amounts net and in the project's currency."""
    source = "money.orders as e"
    chosen = {name: f"e.{quote(name)}" for name in columns}
    if columns & {*_HEAD}:
        source += " left join core.orders as h on h.order_id = e.order_id"
        chosen |= {name: f"h.{quote(name)}" for name in columns & {*_HEAD}}
    if columns & {*_MONEY}:
        sums = ", ".join(f"sum({name}) as {name}" for name in _MONEY)
        source += (
            f" left join (select order_id, {sums} from money.order_lines"
            f" semi join (select order_id from money.orders as e where {span}) using (order_id)"
            " group by order_id) as s on s.order_id = e.order_id"
        )
        chosen |= {name: f"coalesce(s.{name}, e.{name}, 0)" for name in columns & {*_MONEY}}
    if tables_behind(columns):
        source += " inner join money.order_lines as l on l.order_id = e.order_id"
        chosen |= {name: sql for name, sql in _OF_LINES.items() if name in columns}
    if columns & _OF_PRODUCTS.keys():
        source += " left join core.products as p on p.product_id = l.product_id"
        chosen |= {name: sql for name, sql in _OF_PRODUCTS.items() if name in columns}
    return source, chosen


def _owner(entity: Entity, event: EventTable) -> tuple[str, str]:
    """Whose an event is, as SQL, and the joins this takes: customers and contacts belong to accounts."""
    person = " left join core.contacts as k on k.contact_id = e.contact_id" if event.contacts else ""
    of_person = ", k.account_id" if event.contacts else ""
    if event.owner == "customer":
        if entity == "customer":
            return "e.customer_id", ""
        joined = " left join core.customers as c on c.customer_id = e.customer_id"
        return f"coalesce(c.account_id{of_person}, e.customer_id)", joined + person
    account = f"coalesce(e.account_id{of_person}, null)"
    if entity == "account":
        return account, person
    belongs = f"coalesce(c.account_id, c.customer_id) = {account}"
    return "c.customer_id", f"{person} inner join core.customers as c on {belongs}"

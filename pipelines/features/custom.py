"""A project's own features: one aggregate over the events of a customer or an account, as a fragment."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlglot import exp

from pipelines.config.expression import columns_in, parse_scalar, to_sql
from pipelines.config.features import CustomFeature
from pipelines.contracts.registry import CONTRACTS
from pipelines.errors import ConfigError
from pipelines.features.feature import COUNT, DATE, FLAG, MONEY, NUMBER, TEXT, Ageing, Feature, Fragment
from pipelines.steps import quote

if TYPE_CHECKING:
    import duckdb

TYPES = {"number": NUMBER, "money": MONEY, "text": TEXT, "date": DATE, "flag": FLAG}
_FIXED = {"count": COUNT, "count_distinct": COUNT, "sum": MONEY, "avg": NUMBER}
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DECIMAL", "FLOAT", "DOUBLE")


@dataclass(frozen=True)
class Events:
    """A table of events: its rows as a relation, the day of one, and from which rows and days they age.

    `later` gives columns that became known after the day of the event as they stood on `$as_of`. `counts` is
    a column and the condition on it that holds unless the feature's own condition names that column. A
    column of `summed` is that of the order's lines where it has any. `of_products` need the products.
    """

    day: str
    relation: str = ""
    extra: tuple[tuple[str, str], ...] = ()
    leaves_out: tuple[str, ...] = ()
    ages: str = ""
    closes: str | None = None
    later: Mapping[str, str] = field(default_factory=dict)
    counts: tuple[str, str] | None = None
    needs: tuple[str, ...] = ()
    summed: frozenset[str] = frozenset()
    of_products: frozenset[str] = frozenset()


# What stands on the lines of an order where it has any.
_AMOUNTS = ("revenue", "discount", "coupon_discount")


def _orders_as_they_count() -> str:
    """Orders with their amounts, which are those of their lines where they have any."""
    head = ", ".join(f"o.{quote(name)}" for name in columns_of("orders") if name not in _AMOUNTS)
    amounts = ", ".join(f"coalesce(l.{name}, o.{name}, 0) as {name}" for name in _AMOUNTS)
    sums = ", ".join(f"sum({name}) as {name}" for name in _AMOUNTS)
    return (
        f"(select {head}, {amounts} from money.orders as o left join (select order_id, {sums}"
        " from money.order_lines group by order_id) as l on l.order_id = o.order_id)"
    )


# What amounts are made net by, and what they hold besides: gone in money.*.
_PARTS = ("shipping", "gift_card_sold", "gift_card_redeemed", "deposit", "vat_rate")
_BOUGHT = ("status", "e.status = 'completed'")
EVENTS: dict[str, Events] = {
    "orders": Events(
        "business_date",
        relation="money.orders",
        summed=frozenset(_AMOUNTS),
        leaves_out=("currency", "country", *_PARTS),
        ages="features.customer_day",
        counts=_BOUGHT,
    ),
    "order_lines": Events(
        "business_date",
        relation="(select o.customer_id, o.business_date, o.ordered_at, o.store_id, o.channel, o.status, l.*,"
        " p.category, p.subcategory, p.brand from money.order_lines as l"
        " inner join money.orders as o on o.order_id = l.order_id"
        " left join core.products as p on p.product_id = l.product_id)",
        extra=(
            *(
                ("customer_id", TEXT),
                ("business_date", DATE),
                ("ordered_at", "TIMESTAMPTZ"),
                ("store_id", TEXT),
            ),
            *(
                ("channel", TEXT),
                ("status", TEXT),
                ("category", TEXT),
                ("subcategory", TEXT),
                ("brand", TEXT),
            ),
        ),
        leaves_out=_PARTS,
        ages="features.customer_day",
        counts=_BOUGHT,
        needs=("orders",),
        of_products=frozenset({"category", "subcategory", "brand"}),
    ),
    "interactions": Events("business_date"),
    "feedback": Events(
        "received_on",
        closes="closed_on",
        later={"closed_on": "case when e.closed_on <= $as_of then e.closed_on end"},
    ),
    "survey_answers": Events("answered_on"),
    "campaign_contacts": Events(
        "contacted_on",
        relation="(select c.* exclude (contacted_on), coalesce(c.contacted_on, g.start_date) as contacted_on"
        " from core.campaign_contacts as c inner join core.campaigns as g on g.campaign_id = c.campaign_id)",
        counts=("arm", "e.arm is distinct from 'control'"),
        needs=("campaigns",),
    ),
    "campaign_responses": Events("responded_on"),
    "leads": Events(
        "created_on",
        later={
            "converted_on": "case when e.converted_on <= $as_of then e.converted_on end",
            "status": "case when e.converted_on > $as_of then 'working' else e.status end",
        },
    ),
    "opportunities": Events(
        "opened_on",
        later={
            "closed_on": "case when e.closed_on <= $as_of then e.closed_on end",
            "outcome": "case when e.closed_on > $as_of then 'open' else e.outcome end",
        },
    ),
}


def columns_of(table: str) -> dict[str, str]:
    """Names and types that expressions over a table of events may use."""
    events, contract = EVENTS[table], CONTRACTS[table]
    found = {column.name: column.type for column in contract.columns} | {n: DATE for n, _ in contract.derived}
    return {
        name: kind for name, kind in (found | dict(events.extra)).items() if name not in events.leaves_out
    }


@dataclass(frozen=True)
class Compiled:
    """A project's feature as SQL: `select owner, value from …` for one way of finding the owner."""

    feature: Feature
    value: str
    conditions: tuple[str, ...]
    relation: str
    windows: tuple[int, ...]
    needs: tuple[str, ...]
    added: str | None = None

    def select(self, key: str, owner: str, joins: str = "") -> str:
        """One row an owner with events; `owner` is SQL over the event `e` and what is joined."""
        conditions = " and ".join((*self.conditions, f"{owner} is not null"))
        return (
            f"select {owner} as {key}, {self.value} as {quote(self.feature.name)}"
            f" from {self.relation} as e{joins}\n    where {conditions} group by {owner}"
        )


def compile_feature(one: CustomFeature) -> Compiled:
    """Check the expressions of a feature and write them as SQL.

    Raises
    ------
    ConfigError
        For an expression that is not scalar or names an unknown column, or a type that must be said.
    """
    events = EVENTS[one.source]
    where = f"project.yaml: features.custom: {one.name}"
    columns = columns_of(one.source)
    shown = dict(events.later)
    conditions = [f"e.{quote(events.day)} <= $as_of"]
    if one.days is not None:
        conditions = [f"e.{quote(events.day)} between $from_{one.days} and $as_of"]
    named: set[str] = set()
    if one.where is not None:
        tree = parse_scalar(one.where, columns, f"{where}.where")
        named = {name.lower() for name in columns_in(tree)}
        conditions.append(f"coalesce({_over_event(tree, shown)}, false)")
    if events.counts is not None and events.counts[0] not in named:
        conditions.append(events.counts[1])
    value, kind = _value(one, columns, shown, where)
    added = None
    if one.of is not None:
        of = parse_scalar(one.of, columns, f"{where}.of")
        named |= {name.lower() for name in columns_in(of)}
        if one.aggregate in ("sum", "avg"):
            added = _over_event(of, shown)
    default = "0" if one.aggregate in ("count", "count_distinct", "sum") else None
    needs = (one.source, *events.needs, *(("products",) if named & events.of_products else ()))
    relation = events.relation or f"core.{one.source}"
    if named & events.summed:
        relation = _orders_as_they_count()
    feature = Feature(
        one.name, one.family, one.unit, kind, one.meaning, needs, default=default, days=one.days
    )
    return Compiled(
        feature=feature,
        value=value,
        conditions=tuple(conditions),
        relation=relation,
        windows=(one.days,) if one.days is not None else (),
        needs=needs,
        added=added,
    )


def of_customers(one: CustomFeature) -> Fragment:
    """The fragment of a feature of customers."""
    compiled, events = compile_feature(one), EVENTS[one.source]
    ages = [Ageing(events.ages or compiled.relation, events.day, compiled.windows)]
    if events.closes:
        ages.append(Ageing(compiled.relation, events.closes))
    return Fragment(
        f"custom_{one.name}",
        features=(compiled.feature,),
        needs=compiled.needs,
        ages=tuple(ages),
        text=compiled.select("customer_id", "e.customer_id"),
    )


def of_accounts(one: CustomFeature) -> Fragment:
    """The fragment of a feature of accounts: an event is its account's, its contact's or its customer's."""
    compiled = compile_feature(one)
    columns = columns_of(one.source)
    owners, joins = [], ""
    if "account_id" in columns:
        owners.append("e.account_id")
    if "customer_id" in columns:
        owners.append("c.account_id")
        joins += " left join core.customers as c on c.customer_id = e.customer_id"
    if "contact_id" in columns:
        owners.append("k.account_id")
        joins += " left join core.contacts as k on k.contact_id = e.contact_id"
    if "customer_id" in columns:
        owners.append("e.customer_id")
    return Fragment(
        f"custom_{one.name}",
        features=(compiled.feature,),
        needs=compiled.needs,
        ages=(Ageing(compiled.relation, EVENTS[one.source].day, compiled.windows),),
        text=compiled.select("account_id", f"coalesce({', '.join(owners)}, null)", joins),
    )


def _value(
    one: CustomFeature, columns: Mapping[str, str], shown: Mapping[str, str], where: str
) -> tuple[str, str]:
    """The aggregate as SQL, and its type. Sums are of decimals: exact, whatever the order of the rows."""
    if one.of is None:
        return "count(*)", COUNT
    tree = parse_scalar(one.of, columns, f"{where}.of")
    of = _over_event(tree, shown)
    if one.aggregate == "count_distinct":
        return f"count(distinct {of})", COUNT
    if one.aggregate == "sum":
        return f"cast(coalesce(sum(cast({of} as {MONEY})), 0) as {MONEY})", MONEY
    if one.aggregate == "avg":
        return f"cast(sum(cast({of} as {MONEY})) as double) / nullif(count({of}), 0)", NUMBER
    kind = TYPES[one.type] if one.type is not None else _type_of_column(tree, columns)
    if kind is None:
        raise ConfigError(f"{where}: {one.aggregate} of {one.of!r} needs `type`: {', '.join(TYPES)}")
    typed = f"try_cast({of} as {kind})"
    if one.aggregate != "latest":
        return f"{one.aggregate}({typed})", kind
    # Of one day the row with the highest key: every choice has a total order.
    events = EVENTS[one.source]
    key = ", ".join(f"'k{i}': e.{quote(name)}" for i, name in enumerate(CONTRACTS[one.source].key))
    latest = f"max({{'day': e.{quote(events.day)}, {key}, 'value': {typed}}}) filter (where {of} is not null)"
    return f"struct_extract({latest}, 'value')", kind


def _type_of_column(tree: exp.Expr, columns: Mapping[str, str]) -> str | None:
    """The type of a plain column; None of anything else."""
    if not isinstance(tree, exp.Column):
        return None
    return {name.lower(): kind for name, kind in columns.items()}[tree.name.lower()]


def _over_event(tree: exp.Expr, shown: Mapping[str, str]) -> str:
    """An expression over the columns of the event `e`, each as it stood on the day."""
    written = tree.copy()
    for column in list(written.find_all(exp.Column)):
        name = column.name
        said = shown.get(name.lower())
        replacement: exp.Expr = exp.maybe_parse(f"({said})" if said else f"e.{quote(name)}", dialect="duckdb")
        if column is written:
            written = replacement
        else:
            column.replace(replacement)
    return f"({to_sql(written)})"


def check_types(con: duckdb.DuckDBPyConnection, settings: Sequence[CustomFeature]) -> None:
    """Let DuckDB bind every expression once over empty rows, so that a wrong type is told before a run.

    Raises
    ------
    ConfigError
        Naming the feature.
    """
    import duckdb

    for one in settings:
        compiled = compile_feature(one)
        columns = ", ".join(
            f"cast(null as {kind}) as {quote(name)}" for name, kind in columns_of(one.source).items()
        )
        # Of what is added up the type counts: a cast to money is bound whatever it is of.
        value = f"{compiled.value}, {compiled.added or '0'} + 0"
        empty = f"(select {columns} where false)"
        sql = f"select {value} from {empty} as e where {' and '.join(compiled.conditions)} group by all"
        days = ("as_of", *(f"from_{length}" for length in compiled.windows))
        sql = re.sub(rf"\$({'|'.join(days)})\b", "date '2000-01-01'", sql)
        try:
            (*_, (_, kind, *_)) = con.execute(f"describe {sql}").fetchall()
        except duckdb.Error as error:
            raise ConfigError(
                f"project.yaml: features.custom: {one.name}: {str(error).splitlines()[0]}"
            ) from None
        if compiled.added and not kind.startswith(_NUMBERS):
            raise ConfigError(
                f"project.yaml: features.custom: {one.name}: {one.aggregate} of {one.of!r} adds up {kind};"
                " expected a number"
            )

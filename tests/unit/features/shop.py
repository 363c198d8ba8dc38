"""A hand-made shop: core tables with the contracts' columns in DuckDB, filled row by row."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import duckdb

from pipelines.config.features import Features
from pipelines.config.segments import Entity
from pipelines.contracts.model import Column
from pipelines.contracts.registry import CONTRACTS, FACTS
from pipelines.core import changes, delivered, past_rows
from pipelines.core.state import create_state
from pipelines.engine import DuckDB, connect, quote, rows
from pipelines.features.accounts.compute import compute_accounts
from pipelines.features.catalogue import STANDARD, Feature, catalogue
from pipelines.features.compute import compute_customers, refresh_state
from pipelines.features.recipe import Recipe, attributes_of
from pipelines.ingest import ledger

EVERYTHING = frozenset(CONTRACTS)


class Shop:
    """Core tables by contract; `attributes` are further columns of the CRM with their types."""

    def __init__(self, *, warehouse: Path | None = None, **attributes: str) -> None:
        self.con = self._connect(warehouse)
        self._held: dict[tuple[str, ...], list[dict[str, Any]]] | None = None
        ledger.create(self.con)
        create_state(self.con)
        for contract in CONTRACTS.values():
            columns = contract.stored | (attributes if contract.attributes else {})
            columns |= {
                column.name: f"{column.type} default {column.default}"
                for column in contract.columns
                if column.required
            }
            written = ", ".join(f"{quote(name)} {kind}" for name, kind in columns.items())
            self.con.execute(
                f"create table core.{contract.table}"
                " (_source varchar default 'shop', _batch_seq bigint, _file_id bigint, _row bigint,"
                f" {written})"
            )
            delivered.create(self.con, contract)
            past_rows.create(self.con, contract)
        self.everyone_is_dirty()

    @classmethod
    def opened(cls, warehouse: Path) -> Shop:
        """One that was made in a file before."""
        made = cls.__new__(cls)
        made.con = cls._connect(warehouse)
        made._held = None
        return made

    @staticmethod
    def _connect(warehouse: Path | None) -> duckdb.DuckDBPyConnection:
        con = connect(str(warehouse or ":memory:"), config={"threads": 1})
        con.execute("set TimeZone = 'UTC'")
        return con

    def add(self, table: str, *found: dict[str, Any]) -> None:
        """Insert rows of one shape."""
        if self._held is not None:
            self._held.setdefault((table, *found[0]), []).extend(found)
            return
        names = ", ".join(quote(name) for name in found[0])
        places = "(" + ", ".join("?" * len(found[0])) + ")"
        self.con.execute(
            f"insert into {table} ({names}) values {', '.join([places] * len(found))}",
            [value for row in found for value in row.values()],
        )
        contract = CONTRACTS.get(table.removeprefix("core."))
        if contract is not None and contract.known_from is not None:
            (key,) = contract.unit
            self.deliver(contract.table, LONG_AGO, *(row[key] for row in found))

    def deliver(self, table: str, day: date, *keys: str) -> None:
        """Say when rows of customers, accounts or contacts were first delivered; without a word, long ago."""
        (key,) = CONTRACTS[table].unit
        given = f"ingest.delivered__{table}"
        self.con.execute(f"delete from {given} where {key} in (select unnest(?))", [list(keys)])
        self.con.executemany(f"insert into {given} values (?, ?)", [(found, day) for found in keys])

    def alter(self, table: str, how: str) -> None:
        """Alter a core table; what rows of it said before has the same columns."""
        self.con.execute(f"alter table core.{table} {how}")
        if CONTRACTS[table].keeps_past:
            past_rows.create(self.con, CONTRACTS[table])

    @contextmanager
    def together(self) -> Iterator[None]:
        """Rows that are added in this block go in at its end, those of one shape in one statement."""
        self._held = {}
        yield
        held, self._held = self._held, None
        for (table, *_), found in held.items():
            self.add(table, *found)

    def order(
        self,
        order_id: str,
        customer: str | None,
        day: date,
        *lines: float | dict[str, Any],
        status: str = "completed",
        store: str | None = None,
        **further: Any,
    ) -> None:
        """An order of a day; a line is its revenue, or its columns."""
        self.add(
            "core.orders",
            {
                "order_id": order_id,
                "customer_id": customer,
                "business_date": day,
                "status": status,
                "store_id": store,
                **further,
            },
        )
        for number, line in enumerate(lines):
            columns = line if isinstance(line, dict) else {"revenue": line}
            given = {"discount": 0, "coupon_discount": 0} | columns
            self.add("core.order_lines", {"order_id": order_id, "line_id": str(number), **given})

    def dirty(self, *customers: str) -> None:
        for customer in customers:
            self.con.execute("insert into ingest.dirty_day (customer_id) values (?)", [customer])

    def everyone_is_dirty(self) -> None:
        self.con.execute("insert into ingest.dirty_day values (null, null)")

    def changed(self, table: str, first: date | None) -> None:
        """Say that core changed since a day, or that any day may have."""
        day = f"'{first}'" if first else "null"
        changes.remember(self.con, table, f"select cast({day} as date)")

    def batch(self, seq: int, first: date | None, status: str = "accepted") -> None:
        self.add(
            "ingest.batch",
            {
                "batch_seq": seq,
                "source": "shop",
                "run_id": "r",
                "landed_at": "2024-01-01",
                "status": status,
                "files": 1,
                "replaces": False,
                "first_business_date": first,
            },
        )

    def compute(
        self, day: date, margin_rate: float | None = 0.25, categories: Sequence[str] = (), **more: Any
    ) -> None:
        refresh_state(DuckDB(self.con))
        recipe = Recipe(margin_rate=margin_rate, categories=tuple(categories), currency="EUR", **more)
        compute_customers(DuckDB(self.con), day, recipe)
        compute_accounts(DuckDB(self.con), day, recipe)

    def features(self, day: date, *args: Any, **more: Any) -> dict[str, dict[str, Any]]:
        """Customer -> every column of the day."""
        self.compute(day, *args, **more)
        found = rows(self.con, "from features.customer where as_of_date = ? order by customer_id", [day])
        return {row["customer_id"]: row for row in found}

    def catalogue(self, categories: Sequence[str] = (), settings: Features | None = None) -> list[Feature]:
        return self._listed("customer", settings, categories)

    def account_catalogue(self, settings: Features | None = None) -> list[Feature]:
        return self._listed("account", settings)

    def _listed(
        self, entity: Entity, settings: Features | None, categories: Sequence[str] = ()
    ) -> list[Feature]:
        return catalogue(entity, EVERYTHING, attributes_of(DuckDB(self.con), entity), settings, categories)

    def select(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self.con.execute(sql, list(parameters)).fetchall()


# Everything a project can ask for.
SETTINGS = Features.model_validate(
    {
        "channel_shares": ["web"],
        "product_breadth": True,
        "scales": {"innovativeness": {"questions": ["q1", "q2"], "reverse": ["q2"]}},
        "questions": ["q1"],
        "custom": [
            {
                "name": "dear_lines_17d",
                "from": "order_lines",
                "aggregate": "sum",
                "of": "revenue - discount",
                "where": "category = 'A' and revenue > 10",
                "window": "17d",
                "meaning": "Dear lines of category A",
            },
            {
                "name": "open_tickets_45d",
                "from": "feedback",
                "aggregate": "count",
                "where": "kind = 'ticket' and closed_on is null",
                "window": "45d",
                "meaning": "Tickets of 45 days that are open",
            },
            {
                "name": "last_store",
                "from": "orders",
                "aggregate": "latest",
                "of": "store_id",
                "meaning": "Store of the last order",
            },
        ],
    }
)
STANDARD_FEATURES = list(STANDARD["customer"])
FIRST = date(2024, 1, 1)
LONG_AGO = date(2000, 1, 1)


def random_day(rng: random.Random, days: int) -> date:
    return FIRST + timedelta(days=rng.randrange(days))


def random_order(shop: Shop, rng: random.Random, order_id: str, customers: int, days: int) -> str | None:
    """Add one order of a random customer (or guest) with 0 to 3 lines; say whose it is."""
    customer = rng.choice([None, *[f"c{i}" for i in range(customers)]])
    lines = [
        {
            "revenue": rng.randrange(-500, 5000) / 100,
            "product_id": rng.choice(["p1", "p2", "p3", "p4", None]),
            "cost": rng.choice([None, 1.25, 2]),
            "discount": rng.choice([0, 0.5]),
        }
        for _ in range(rng.randrange(4))
    ]
    status = rng.choice(["completed"] * 6 + ["cancelled", "returned"])
    store = rng.choice(["s1", "s2", None])
    channel = rng.choice(["web", "shop", None])
    day = random_day(rng, days)
    at = datetime.combine(day, time(rng.choice([0, 9, 9, 17])), tzinfo=UTC)
    shop.order(
        order_id, customer, day, *lines, status=status, store=store, revenue=3, channel=channel, ordered_at=at
    )
    return customer


def random_shop(seed: int, orders: int = 60, customers: int = 6, days: int = 500) -> Shop:
    """Orders over some 500 days, a CRM, and contacts of one campaign."""
    rng = random.Random(seed)
    shop = Shop(age="varchar")
    for product, category in (("p1", "A"), ("p2", "B"), ("p3", None)):
        shop.add("core.products", {"product_id": product, "category": category})
    for i in range(customers + 2):
        if rng.random() < 0.7:
            shop.add(
                "core.customers",
                {
                    "customer_id": f"c{i}",
                    "created_on": rng.choice([None, random_day(rng, days)]),
                    "age": rng.choice(["20", "30", None]),
                },
            )
            shop.deliver("customers", random_day(rng, days), f"c{i}")
    start = random_day(rng, days)
    shop.add("core.campaigns", {"campaign_id": "k", "start_date": start, "end_date": start})
    for i in range(customers + 4):
        if rng.random() < 0.5:
            contacted = rng.choice([None, random_day(rng, days)])
            shop.add(
                "core.campaign_contacts",
                {"campaign_id": "k", "customer_id": f"c{i}", "contacted_on": contacted},
            )
    with shop.together():
        for i in range(orders):
            random_order(shop, rng, f"o{i}", customers, days)
    for table in EVENT_TABLES:
        # Where a later row may take the place of an earlier one, each sees those before it.
        with shop.together() if id_of(table) else nullcontext():
            for i in range(orders // 2):
                random_event(shop, rng, table, f"e{i}", customers, days)
    return shop


# Facts of customers beside purchases, and contacts of campaigns: those are added above.
EVENT_TABLES = tuple(
    table
    for table, fact in FACTS.items()
    if fact.of_customers and not fact.purchase and fact.else_day is None
)
# What columns hold that features look at; any other column of a new table has a value by its type.
SAID: dict[str, list[Any]] = {
    "interaction_type": ["visit", "view", "sent", "open", "click", None],
    "device": ["Phone", "desktop", None],
    "product_id": ["p1", "p2", None],
    "campaign_id": ["k"],
    "contact_id": [None],
    "account_id": [None],
    "purpose": ["marketing", "marketing", "News"],
    "survey_id": ["s"],
    "question_id": ["q1", "q2"],
    "answer": ["yes", "no"],
    "score": [None, 1.0, 2.0, 4.0, 5.0],
    "scale_min": [1.0],
    "scale_max": [5.0],
}


def values_of(column: Column) -> list[Any]:
    """What a random row may say in a column that is neither its day nor its id."""
    if column.name in SAID:
        return SAID[column.name]
    blank = [] if column.required else [None]
    if column.type == "BOOLEAN":
        return [True, False, *blank]
    if column.type == "VARCHAR":
        return [*(column.allowed or ("s1", "s2")), *blank]
    return [1, 5, 20, *blank]


def id_of(table: str) -> str | None:
    """The column of the key that tells a customer's rows apart; None where the day and others do."""
    contract = CONTRACTS[table]
    linked = {"customer_id", *SAID, *(reference.column for reference in contract.references)}
    keys = [column for name in contract.key if (column := contract.column(name)) and name not in linked]
    return next((key.name for key in keys if key.type == "VARCHAR" and not key.allowed), None)


def random_event(
    shop: Shop, rng: random.Random, table: str, event_id: str, customers: int, days: int
) -> str | None:
    """Add one row of a table of events of a random customer (or nobody); say whose it is."""
    contract, fact = CONTRACTS[table], FACTS[table]
    owner = contract.column("customer_id")
    nobody = "c0" if (owner and owner.required) or contract.one_of else None
    row = {column.name: _value(rng, column) for column in contract.columns}
    day = random_day(rng, days)
    row |= {"customer_id": rng.choice([nobody, *[f"c{i}" for i in range(customers)]]), fact.day: day}
    for derived in contract.derived:
        if derived.parts:
            row[derived.name] = f"customer {row['customer_id']}"
    if contract.watermark:
        row[contract.watermark] = datetime.combine(day, time(9), tzinfo=UTC)
    if fact.ends:
        row[fact.ends.day] = rng.choice([None, day + timedelta(days=rng.randrange(60))])
    if key := id_of(table):
        row[key] = event_id
    else:
        # The later row of a key holds.
        same = " and ".join(f"{name} = ?" for name in contract.key)
        shop.con.execute(f"delete from core.{table} where {same}", [row[name] for name in contract.key])
    shop.add(f"core.{table}", row)
    return row["customer_id"]


def _value(rng: random.Random, column: Column) -> Any:
    return None if column.type in ("DATE", "TIMESTAMPTZ") else rng.choice(values_of(column))

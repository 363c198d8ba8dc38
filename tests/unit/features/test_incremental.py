"""Derived tables: what is kept up day by day equals, row for row, a rebuild from scratch of the same day."""

import random
from datetime import date, timedelta
from typing import get_args

import pytest
from fixtures.seeds import seeds
from shop import EVENT_TABLES, FIRST, SETTINGS, Shop, id_of, random_event, random_order, random_shop

from pipelines.config.attributes import AttributeRule
from pipelines.config.features import Features, Scored
from pipelines.engine import rows

# Of a day to come at first, then known for forty days, and expired after them.
RULES = {"age": AttributeRule(as_of="created_on + 20", expires_after="40d")}
EXPIRING = SETTINGS.model_copy(update={"scores_expire_after": {"nps": "20d", "csat": "75d"}})
CATEGORIES = ["A", "B"]
# Many of whom nothing is heard for long: only the passing of time changes them.
CUSTOMERS = 40
STORED = ("features.customer", "features.customer_day", "features.customer_entry")


class History:
    """A shop to which things happen, batch by batch, as core tells of them."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.shop: Shop = random_shop(seed, orders=150, customers=CUSTOMERS)

    def batch(self) -> None:
        """New, late, corrected, repeated and deleted rows of some tables."""
        for happens in (self.an_order, self.an_order, self.an_event, self.a_customer):
            if self.rng.random() < 0.5:
                happens()

    def an_order(self) -> None:
        """An order: new, corrected (another customer, day, lines), sent again as it is, or deleted."""
        order_id = f"o{self.rng.randrange(200)}"
        touched = self.shop.select(
            "select customer_id, business_date from core.orders where order_id = ?", order_id
        )
        if touched and self.rng.random() < 0.2:
            return  # the same row again changes nothing
        for table in ("orders", "order_lines"):
            self.shop.con.execute(f"delete from core.{table} where order_id = ?", [order_id])
        if self.rng.random() < 0.8:
            random_order(self.shop, self.rng, order_id, CUSTOMERS, 560)
        touched += self.shop.select(
            "select customer_id, business_date from core.orders where order_id = ?", order_id
        )
        for customer, day in touched:
            if customer is not None:
                self.shop.con.execute("insert into ingest.dirty_day values (?, ?)", [customer, day])

    def an_event(self) -> None:
        table = self.rng.choice(EVENT_TABLES)
        event_id = f"e{self.rng.randrange(100)}"
        touched = []
        if key := id_of(table):
            where = f"from core.{table} where {key} = ?"
            touched = self.shop.select(f"select customer_id {where}", event_id)
            self.shop.con.execute(f"delete {where}", [event_id])
        if self.rng.random() < 0.8:
            touched.append((random_event(self.shop, self.rng, table, event_id, CUSTOMERS, 560),))
        self.changed(*(customer for (customer,) in touched if customer))

    def a_customer(self) -> None:
        customer = f"c{self.rng.randrange(CUSTOMERS + 2)}"
        self.shop.con.execute("delete from core.customers where customer_id = ?", [customer])
        if self.rng.random() < 0.8:
            created = self.rng.choice([None, FIRST + timedelta(days=self.rng.randrange(560))])
            self.shop.add("core.customers", {"customer_id": customer, "created_on": created, "age": "40"})
        self.changed(customer)

    def changed(self, *customers: str) -> None:
        for customer in customers:
            self.shop.con.execute("insert into ingest.dirty_customer values (?)", [customer])

    def stands(self, day: date) -> list[list[dict[str, object]]]:
        """Everything derived that stands as of the day."""
        self.shop.compute(day, 0.3, CATEGORIES, settings=EXPIRING, rules=RULES)
        return [
            rows(self.shop.con, f"from {table} {where} order by all")
            for table, where in zip(STORED, (f"where as_of_date = date '{day}'", "", ""), strict=True)
        ]

    def rebuilt(self, day: date) -> list[list[dict[str, object]]]:
        """The same from nothing."""
        self.shop.con.execute("drop schema features cascade")
        self.shop.con.execute("delete from ingest.dirty_day")
        self.shop.con.execute("delete from ingest.dirty_customer")
        return self.stands(day)


@pytest.mark.parametrize("seed", seeds(2, 10))
def test_what_is_kept_up_day_by_day_equals_a_rebuild(seed: int) -> None:
    history = History(seed)
    day = FIRST + timedelta(days=340)
    history.stands(day)
    for step in range(6):
        history.batch()
        day += timedelta(days=history.rng.choice([0, 1, 7, 30, 40, history.rng.randrange(41)]))
        if step == 3:
            history.shop.alter("customers", "add column city varchar")
            history.shop.con.execute("update core.customers set city = 'Turku'")
            history.shop.con.execute("insert into ingest.dirty_customer values (null)")
        kept = history.stands(day)
        if step in (2, 5):
            assert history.rebuilt(day) == kept
    assert kept[0]


def test_time_alone_closes_a_ticket_and_ends_a_window() -> None:
    shop = Shop()
    shop.add("core.customers", {"customer_id": "ann"})
    ticket = {"feedback_id": "f", "kind": "ticket", "customer_id": "ann", "received_on": FIRST}
    shop.add("core.feedback", ticket | {"closed_on": FIRST + timedelta(days=5)})
    expected = {4: (1, 1), 5: (0, 1), 89: (0, 1), 90: (0, 0)}
    found = {}
    for after in expected:
        ann = shop.features(FIRST + timedelta(days=after))["ann"]
        found[after] = (ann["open_tickets"], ann["tickets_90d"])
    assert found == expected


def test_time_alone_lets_a_value_hold_and_expire() -> None:
    shop = Shop(age="varchar")
    shop.add("core.customers", {"customer_id": "ann", "created_on": FIRST, "age": "30"})
    found = {}
    for after in (0, 19, 20, 60, 61):
        day = FIRST + timedelta(days=after)
        found[after] = shop.features(day, rules=RULES)["ann"]["age"]
    assert found == {0: None, 19: None, 20: "30", 60: "30", 61: None}


@pytest.mark.parametrize("kind", get_args(Scored))
def test_time_alone_lets_a_score_expire(kind: str) -> None:
    """Of a day to come it is not known yet; when it has expired there is none, and no older one either."""
    shop = Shop()
    for after, score in ((0, 1.0), (5, 9.0)):
        row = {"feedback_id": f"f{after}", "kind": kind, "customer_id": "ann", "score": score}
        shop.add("core.feedback", row | {"received_on": FIRST + timedelta(days=after)})
    shop.add("core.customers", {"customer_id": "ann"})
    settings = Features.model_validate({"scores_expire_after": {kind: "20d"}})
    found = {}
    for after in (-1, 0, 4, 5, 25, 26):
        ann = shop.features(FIRST + timedelta(days=after), settings=settings)["ann"]
        found[after] = ann[f"{kind}_latest"]
    assert found == {-1: None, 0: 1, 4: 1, 5: 9, 25: 9, 26: None}
    # A past day is judged by its own end, and without the setting nothing expires.
    assert shop.features(FIRST + timedelta(days=25), settings=settings)["ann"][f"{kind}_latest"] == 9
    assert shop.features(FIRST + timedelta(days=300))["ann"][f"{kind}_latest"] == 9


def test_time_alone_takes_an_order_out_of_each_window() -> None:
    shop = Shop()
    shop.add("core.products", {"product_id": "p", "category": "A"})
    shop.order("o", "ann", FIRST, {"revenue": 5, "product_id": "p"})
    names = ("orders_30d", "orders_90d", "orders_365d", "entry_category", "preferred_category")
    expected = {
        0: (1, 1, 1, "A", "A"),
        29: (1, 1, 1, "A", "A"),
        30: (0, 1, 1, "A", "A"),
        89: (0, 1, 1, "A", "A"),
        90: (0, 0, 1, "A", "A"),
        364: (0, 0, 1, "A", "A"),
        365: (0, 0, 0, "A", None),
    }
    found = {}
    for after in expected:
        ann = shop.features(FIRST + timedelta(days=after))["ann"]
        found[after] = tuple(ann[name] for name in names)
    assert found == expected


def test_time_alone_brings_an_order_that_is_already_known() -> None:
    shop = Shop()
    shop.add("core.products", {"product_id": "p", "category": "A"})
    shop.add("core.customers", {"customer_id": "ann"})
    shop.order("o", "ann", FIRST, {"revenue": 5, "product_id": "p"})
    found = [
        (ann["orders_lifetime"], ann["entry_category"])
        for day in (-2, -1, 0)
        for ann in (shop.features(FIRST + timedelta(days=day))["ann"],)
    ]
    assert found == [(0, None), (0, None), (1, "A")]

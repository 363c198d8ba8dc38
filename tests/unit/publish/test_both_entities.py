"""Customers and accounts take one path: what holds of the segments of the ones holds of those of the others.

The expected segments and figures are counted here, in Python, from the orders and from whose customers buy.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from published_base import YESTERDAY, D, build
from shop import Shop

from pipelines.drift.measure import create
from pipelines.engine import DuckDB, rows, run_step
from pipelines.features.catalogue import store_catalogue
from pipelines.ingest import freshness
from pipelines.roi.compute import compute_roi
from pipelines.segments import history, replay
from pipelines.segments.definitions import load_definitions

MAY_END = date(2024, 5, 31)
DAYS = (YESTERDAY, D)
RULES = """
segmentation: {name}
name: {name}
entity: {entity}
kind: rules
segments:
  - {{id: near, name: Near, when: recency_days < 9}}
  - {{id: big, name: Big, when: revenue_365d >= 90}}
  - {{id: none, name: None yet, when: recency_days is null}}
otherwise: {{id: far, name: Far}}
"""
SEGMENTS = ("near", "big", "none", "far")
NAMES = {"customer": "cycle", "account": "plan"}
# c10 and c11 stand for themselves: the account has the customer's id. a9 has no customer.
ACCOUNT_OF = {**{f"c{i}": f"a{i % 4}" for i in range(10)}, "c10": "c10", "c11": "c11"}
MEMBERS = {
    "customer": {customer: {customer} for customer in ACCOUNT_OF},
    "account": {
        account: {customer for customer, of in ACCOUNT_OF.items() if of == account}
        for account in (*ACCOUNT_OF.values(), "a9")
    },
}
# Of the lines of c3 no cost is known, and so the margin of none of its segments.
WITHOUT_COST = "c3"


@dataclass(frozen=True)
class Order:
    customer: str
    day: date
    revenue: int


def random_orders() -> list[Order]:
    """Orders of four months, some of them of the last two days; c9 and c11 never bought."""
    rng = random.Random(4)
    buyers = [customer for customer in ACCOUNT_OF if customer not in ("c9", "c11")]
    found = [
        Order(rng.choice(buyers), D - timedelta(days=rng.randrange(2, 120)), rng.randrange(5, 40))
        for _ in range(40)
    ]
    return [*found, Order("c1", YESTERDAY, 7), Order("c2", D, 9), Order("c10", D, 11)]


ORDERS = random_orders()


class Market:
    """A shop with the same segments of customers and of accounts."""

    def __init__(self, folder: Path) -> None:
        self.shop = Shop()
        self.con = self.shop.con
        for entity, name in NAMES.items():
            (folder / f"{name}.yaml").write_text(RULES.format(name=name, entity=entity), encoding="utf-8")
        self.shop.add("core.accounts", *({"account_id": account} for account in MEMBERS["account"]))
        self.shop.add(
            "core.customers",
            *({"customer_id": c, "account_id": a if a != c else None} for c, a in ACCOUNT_OF.items()),
        )
        with self.shop.together():
            for i, order in enumerate(ORDERS):
                cost = {} if order.customer == WITHOUT_COST else {"cost": 2}
                self.shop.order(str(i), order.customer, order.day, {"revenue": order.revenue, **cost})
        history.create(self.con)
        features = self.shop.catalogue()
        accounts = self.shop.account_catalogue()
        store_catalogue(DuckDB(self.con), {"customer": features, "account": accounts})
        loaded = load_definitions(folder, {"customer": features, "account": accounts})
        self.segmentations = list(loaded.checked())

    def compute(self, day: date) -> None:
        self.shop.compute(day, margin_rate=None)

    def record(self, *days: date) -> None:
        for day in days:
            self.compute(day)
            history.record(self.con, day, self.segmentations, f"run {day}")
            run_step(self.con, "segments/profile_day", {"as_of": day, "as_of_date": day, "basis": "recorded"})
        replay.bring_up(
            DuckDB(self.con), days[-1], self.segmentations, 2, "inputs", lambda day, _: self.compute(day)
        )
        self.compute(days[-1])

    def publish(self) -> None:
        freshness.store(self.con, D, [])
        compute_roi(DuckDB(self.con), D, margin_rate=None, contact_cost=Decimal(0))
        create(DuckDB(self.con))
        build(self.con)

    def rows(self, sql: str, *parameters: Any) -> list[dict[str, Any]]:
        return rows(self.con, sql, list(parameters))


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """Recorded on two days and published."""
    made = Market(tmp_path_factory.mktemp("segments"))
    made.record(*DAYS)
    made.publish()
    yield made
    made.con.close()


both = pytest.mark.parametrize("entity", ["customer", "account"])


def orders_of(entity: str, member: str, day: date, within: int = 10_000) -> list[Order]:
    """What a member bought in so many days up to a day."""
    first = day - timedelta(days=min(within, 10_000) - 1)
    return [one for one in ORDERS if one.customer in MEMBERS[entity][member] and first <= one.day <= day]


def segment_of(entity: str, member: str, day: date) -> str:
    bought = orders_of(entity, member, day)
    if bought and (day - max(order.day for order in bought)).days < 9:
        return "near"
    if sum(order.revenue for order in bought) >= 90:
        return "big"
    return "far" if bought else "none"


def segments_on(entity: str, day: date) -> dict[str, str]:
    return {member: segment_of(entity, member, day) for member in MEMBERS[entity]}


def figures(entity: str, day: date, segment: str) -> dict[str, Any]:
    """What a segment is on a day."""
    inside = [member for member, where in segments_on(entity, day).items() if where == segment]
    found = [order for member in inside for order in orders_of(entity, member, day)]
    revenue = sum(order.revenue for order in found)
    total = sum(order.revenue for order in ORDERS if order.day <= day)
    customers = {customer for member in inside for customer in MEMBERS[entity][member]}
    known = WITHOUT_COST not in customers
    return {
        "members": len(inside),
        "share": pytest.approx(len(inside) / len(MEMBERS[entity])),
        "customers": len(customers),
        "active_members_90d": sum(bool(orders_of(entity, member, day, 90)) for member in inside),
        "revenue_365d": revenue,
        "revenue_share": pytest.approx(revenue / total),
        "margin_365d": revenue - 2 * len(found) if known and inside else None,
        "orders_365d": len(found),
    }


@both
def test_the_record_says_who_was_in_which_segment_on_each_day(market: Market, entity: str) -> None:
    for day in DAYS:
        found = market.rows(
            "select entity_id, segment_id from segments.membership where segmentation_id = ?"
            " and entity_kind = ? and entered_date <= ? and (left_date is null or left_date > ?)",
            *(NAMES[entity], entity, day, day),
        )
        assert len(found) == len(MEMBERS[entity]), "each member once"
        assert {row["entity_id"]: row["segment_id"] for row in found} == segments_on(entity, day)
    assert segments_on(entity, YESTERDAY) != segments_on(entity, D), (
        "a day on which nobody moves proves little"
    )


@both
def test_movement_counts_who_went_from_where_to_where(market: Market, entity: str) -> None:
    for period, before in (("day", YESTERDAY), ("four_weeks", D - timedelta(days=28))):
        was, now = segments_on(entity, before), segments_on(entity, D)
        moved = Counter((was[member], now[member]) for member in MEMBERS[entity])
        found = market.rows(
            "from marts.segment_movement where segmentation_id = ? and period = ?", NAMES[entity], period
        )
        assert {(row["from_segment_id"], row["to_segment_id"]): row["members"] for row in found} == moved
        assert {(row["entity_kind"], row["from_date"], row["to_date"]) for row in found} == {
            (entity, before, D)
        }


@both
def test_the_figures_of_a_segment_are_those_of_its_members(market: Market, entity: str) -> None:
    found = {
        (row["as_of_date"], row["segment_id"]): row
        for row in market.rows("from marts.segment_day where segmentation_id = ?", NAMES[entity])
    }
    bases = {MAY_END: "replayed", YESTERDAY: "recorded", D: "recorded"}
    for day, basis in bases.items():
        for segment in SEGMENTS:
            row = found[day, segment]
            expected = figures(entity, day, segment)
            assert {name: row[name] for name in expected} == expected, (day, segment)
            assert (row["entity_kind"], row["basis"]) == (entity, basis)


@both
def test_the_current_segments_stand_beside_the_day_before(market: Market, entity: str) -> None:
    was, now = segments_on(entity, YESTERDAY), segments_on(entity, D)
    for row in market.rows("from marts.segment_current where segmentation_id = ?", NAMES[entity]):
        segment = row["segment_id"]
        before = {member for member, where in was.items() if where == segment}
        after = {member for member, where in now.items() if where == segment}
        expected = (len(before), len(after) - len(before), len(after - before), len(before - after))
        told = (row["members_before"], row["change"], row["entered"], row["departed"])
        assert (row["entity_kind"], told) == (entity, expected), segment
        assert {name: row[name] for name in figures(entity, D, segment)} == figures(entity, D, segment)


@both
def test_a_replayed_day_is_what_would_have_been_recorded(tmp_path: Path, entity: str) -> None:
    recorded, replayed = Market(tmp_path), Market(tmp_path)
    recorded.record(MAY_END, D)
    replayed.record(D)
    for relation in ("segments.assignment", "segments.profile_day"):
        found = [
            one.rows(
                f"from {relation} where as_of_date = ? and entity_kind = ? order by all", MAY_END, entity
            )
            for one in (recorded, replayed)
        ]
        bases = [{row.pop("basis", None) for row in of_it} for of_it in found]
        assert found[0] == found[1] != []
        if relation == "segments.profile_day":
            assert bases == [{"recorded"}, {"replayed"}]


@both
def test_the_marts_reconcile_with_each_other(market: Market, entity: str) -> None:
    audience = market.rows(
        "select entity_id, count(*) as times from marts.audience where entity_kind = ? group by entity_id",
        entity,
    )
    assert {row["entity_id"]: row["times"] for row in audience} == dict.fromkeys(MEMBERS[entity], 1)
    wide = market.rows(f"select {entity}_id as entity_id from marts.{entity}")
    assert {row["entity_id"] for row in wide} == MEMBERS[entity].keys()
    ((total,),) = market.shop.select("select revenue_365d from marts.run")
    ((of_members,),) = market.shop.select(f"select sum(revenue_365d) from marts.{entity}")
    days = market.shop.select(
        "select as_of_date, sum(members), sum(customers), sum(revenue_365d) from marts.segment_day"
        " where entity_kind = ? group by as_of_date order by as_of_date",
        entity,
    )
    sums = {day: sum(order.revenue for order in ORDERS if order.day <= day) for day, *_ in days}
    assert days == [(day, len(MEMBERS[entity]), len(ACCOUNT_OF), sums[day]) for day in sums]
    assert days[-1][0] == D and len(days) >= 4
    assert sums[D] == total == of_members

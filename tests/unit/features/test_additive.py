"""A feature adds up where the sum over all is what one customer, or company, would have of everything."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from fixtures.seeds import SEED
from shop import Shop, random_day, random_shop

from pipelines.config.segments import Entity
from pipelines.contracts.registry import CONTRACTS
from pipelines.features.additive import ADDITIVE, is_additive
from pipelines.features.catalogue import STANDARD

PEOPLE, DAYS = 8, 500
IDS = [f"c{i}" for i in range(PEOPLE)]


def trade(seed: int) -> Shop:
    """A random shop whose customers are companies of the same id, with deals and persons at two of them."""
    rng, shop = random.Random(seed), random_shop(seed, orders=120)
    known = {name for (name,) in shop.select("select customer_id from core.customers")}
    for one in [one for one in IDS if one not in known]:
        shop.add("core.customers", {"customer_id": one})
    shop.add("core.accounts", *({"account_id": one} for one in IDS))
    shop.add("core.contacts", *({"contact_id": "k", "account_id": one} for one in IDS[:2]))
    for i in range(60):
        opened, outcome = random_day(rng, DAYS), rng.choice(["open", "won", "lost"])
        shop.add(
            "core.opportunities",
            {
                "opportunity_id": f"d{i}",
                "account_id": rng.choice(IDS),
                "opened_on": opened,
                "closed_on": opened if outcome != "open" else None,
                "outcome": outcome,
                "value": rng.randrange(500),
                "probability": rng.choice([None, 0.5]),
                "currency": rng.choice([None, "SEK"]),
            },
        )
    return shop


def as_one(shop: Shop, entity: Entity) -> None:
    """Everything is of one customer; or every customer is of one company."""
    key = f"{entity}_id"
    if entity == "account":
        shop.con.execute("delete from core.contacts where account_id <> 'c0'")
        shop.con.execute("update core.customers set account_id = 'c0'")
    for table in CONTRACTS:
        if table not in ("customers", "accounts") and CONTRACTS[table].column(key):
            shop.con.execute(f"update core.{table} set {key} = 'c0' where {key} is not null")
    shop.con.execute(f"delete from core.{entity}s where {key} <> 'c0'")
    shop.everyone_is_dirty()


def sums(shop: Shop, entity: Entity) -> dict[str, Any]:
    """The sums of the features of numbers over all of the day."""
    numbers = [f.name for f in STANDARD[entity] if f.type in ("BIGINT", "DECIMAL(18,4)")]
    listed = ", ".join(f"coalesce(sum({name}), 0) as {name}" for name in numbers)
    (row,) = shop.con.execute(f"select {listed} from features.{entity}").fetchall()
    return dict(zip(numbers, map(Decimal, row), strict=True))


@pytest.mark.parametrize("entity", ADDITIVE)
def test_additive_features_add_up_to_what_one_would_have_of_everything(entity: Entity) -> None:
    day, shop = date(2025, 4, 30), trade(SEED)
    shop.compute(day)
    many = sums(shop, entity)
    as_one(shop, entity)
    shop.compute(day)
    one = sums(shop, entity)
    assert {name: many[name] for name in ADDITIVE[entity]} == {name: one[name] for name in ADDITIVE[entity]}
    assert sum(one[name] != 0 for name in ADDITIVE[entity]) > 8
    if entity == "account":
        # A person at two companies counts at each.
        assert (many["contacts"], one["contacts"]) == (2, 1)


def test_what_is_said_to_add_up_is_a_number_and_nothing_else_is_meant() -> None:
    for entity, names in ADDITIVE.items():
        kinds = {feature.name: feature.type for feature in STANDARD[entity]}
        assert {kinds[name] for name in names} <= {"BIGINT", "DECIMAL(18,4)"}


@pytest.mark.parametrize("name", ["contacts", "touches_365d", "leads_90d", "campaigns_contacted_365d"])
def test_what_counts_at_several_companies_does_not_add_up(name: str) -> None:
    assert not is_additive("account", name)

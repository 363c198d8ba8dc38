"""Attributes with an age, an origin and an expiry, and those that have none of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from shop import Shop

from pipelines.config.attributes import AttributeRule
from pipelines.engine import DuckDB, rows
from pipelines.errors import ConfigError
from pipelines.features.attributes import measure_attributes, parse_rules
from pipelines.features.compute import refresh_state
from pipelines.features.recipe import attributes_of

DAY = date(2024, 6, 30)
RULES = {
    "income": AttributeRule(as_of="income_asked_on", origin="income_from", expires_after="365d"),
    "age": AttributeRule(origin="declared"),
}


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop(
        income="varchar", income_asked_on="varchar", income_from="varchar", age="varchar", city="varchar"
    )
    crm = (
        ("ann", "high", "2024-06-20", "Observed", "30"),
        ("bob", "low", "2023-07-01", "inferred", None),  # 365 days before
        ("cyd", "low", "2023-06-30", "inferred", " "),  # 366 days before
        ("dan", "mid", None, "hearsay", None),
        ("eve", None, "2020-01-01", None, None),
        ("fay", "mid", "2024-07-05", "declared", None),  # of a day to come
    )
    names = ("customer_id", "income", "income_asked_on", "income_from", "age")
    made.add("core.customers", *(dict(zip(names, one, strict=True)) for one in crm))
    yield made
    made.con.close()


def quality(shop: Shop, rules: dict[str, AttributeRule]) -> dict[str, dict[str, Any]]:
    refresh_state(DuckDB(shop.con))
    measure_attributes(
        DuckDB(shop.con), DAY, rules, [name for name, _ in attributes_of(DuckDB(shop.con), "customer")]
    )
    return {row["attribute"]: row for row in rows(shop.con, "from features.attribute_quality")}


def test_an_expired_value_is_unknown_in_features_and_its_age_counts_from_the_day(shop: Shop) -> None:
    found = shop.features(DAY, rules=RULES)
    assert {who: row["income"] for who, row in found.items()} == {
        "ann": "high",
        "bob": "low",
        "cyd": None,
        "dan": None,  # nobody knows of which day it is
        "eve": None,
        "fay": None,
    }
    later = shop.features(date(2024, 7, 5), rules=RULES)
    assert later["fay"]["income"] == "mid" and later["bob"]["income"] is None
    earlier = shop.features(date(2024, 6, 29), rules=RULES)
    assert earlier["cyd"]["income"] == "low"
    assert found["cyd"]["income_from"] == "inferred" and found["ann"]["age"] == "30"


def test_without_rules_features_are_what_the_crm_says(shop: Shop) -> None:
    assert shop.features(DAY)["cyd"]["income"] == "low"


def test_the_quality_of_an_attribute_with_age_origin_and_expiry(shop: Shop) -> None:
    income = quality(shop, RULES)["income"]
    assert (income["customers"], income["filled"], income["expired"], income["known"]) == (6, 5, 3, 2)
    assert income["coverage_share"] == pytest.approx(2 / 6)
    assert income["expired_share"] == pytest.approx(3 / 5)
    shares = [income[f"{origin}_share"] for origin in ("observed", "declared", "inferred", "origin_unknown")]
    assert shares == pytest.approx([1 / 5, 1 / 5, 2 / 5, 1 / 5])
    assert income["age_known_share"] == pytest.approx(4 / 5)
    # Ages 0, 10, 365, 366: the lower one in the middle; that of eve, who has no value, is not among them.
    assert (income["median_age_days"], income["max_age_days"]) == (10, 366)


def test_the_quality_of_an_attribute_that_has_none_of_it(shop: Shop) -> None:
    found = quality(shop, {})
    assert list(found) == ["income", "income_asked_on", "income_from", "age", "city"]
    age = found["age"]
    assert (age["filled"], age["known"], age["expired_share"], age["origin_unknown_share"]) == (1, 1, 0, 1)
    assert (age["median_age_days"], age["max_age_days"], age["expires_after_days"]) == (None, None, None)
    city = found["city"]
    assert (city["coverage_share"], city["expired_share"], city["observed_share"]) == (0, None, None)


def test_a_customer_of_a_later_day_does_not_count(shop: Shop) -> None:
    shop.add("core.customers", {"customer_id": "gil", "created_on": date(2024, 7, 1), "city": "Turku"})
    assert quality(shop, {})["city"]["filled"] == 0


def test_a_crm_without_attributes_has_no_quality_to_measure() -> None:
    shop = Shop()
    assert quality(shop, {}) == {}
    shop.con.close()


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (
            {"incom": AttributeRule()},
            r"attributes.incom: customers have no attribute incom; did you mean income",
        ),
        ({"income": AttributeRule(expires_after="9d")}, r"attributes.income: expires_after needs as_of"),
        ({"income": AttributeRule(as_of="asked")}, r"attributes.income.as_of: 'asked' names \"?asked"),
        ({"income": AttributeRule(as_of="max(age)")}, r"attributes.income.as_of: .*max"),
        ({"income": AttributeRule(origin="guessed")}, r"attributes.income.origin: 'guessed' names"),
    ],
)
def test_a_rule_that_cannot_hold_is_refused(rules: dict[str, AttributeRule], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_rules(rules, ["income", "age"], ["customer_id", "income", "age"])


@pytest.mark.parametrize("wrong", ["365", "0d", "1y", "d", "-3d"])
def test_an_expiry_is_a_number_of_days(wrong: str) -> None:
    with pytest.raises(ValueError, match="expires_after"):
        AttributeRule(expires_after=wrong)

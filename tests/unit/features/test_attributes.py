"""Attributes with an age, an origin and an expiry, and those that have none of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from shop import Shop

from pipelines.config.attributes import AttributeRule, with_days
from pipelines.config.segments import Entity
from pipelines.engine import DuckDB, rows
from pipelines.errors import ConfigError
from pipelines.features.attributes import described, measure_attributes, parse_rules, written
from pipelines.features.compute import refresh_state
from pipelines.features.kinds import KINDS
from pipelines.features.recipe import attributes_of

DAY = date(2024, 6, 30)
ENTITIES = list(KINDS)
CRM = (
    ("ann", "high", "2024-06-20", "Observed", "30"),
    ("bob", "low", "2023-07-01", "inferred", None),  # 365 days before
    ("cyd", "low", "2023-06-30", "inferred", " "),  # 366 days before
    ("dan", "mid", None, "hearsay", None),
    ("eve", None, "2020-01-01", None, None),
    ("fay", "mid", "2024-07-05", "declared", None),  # of a day to come
)


def rules_for(entity: Entity, expires_after: str | None = "365d") -> dict[str, AttributeRule]:
    said = {
        "income": AttributeRule(as_of="income_asked_on", origin="income_from", expires_after=expires_after),
        "age": AttributeRule(origin="declared"),
    }
    return {written(KINDS[entity].crm, name): rule for name, rule in said.items()}


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop(
        income="varchar", income_asked_on="varchar", income_from="varchar", age="varchar", city="varchar"
    )
    for entity, kind in KINDS.items():
        names = (f"{entity}_id", "income", "income_asked_on", "income_from", "age")
        made.add(f"core.{kind.crm}", *(dict(zip(names, one, strict=True)) for one in CRM))
    yield made
    made.con.close()


def quality(
    shop: Shop, rules: dict[str, AttributeRule], entity: Entity = "customer"
) -> dict[str, dict[str, Any]]:
    refresh_state(DuckDB(shop.con))
    named = {kind: [name for name, _ in attributes_of(DuckDB(shop.con), kind)] for kind in ENTITIES}
    measure_attributes(DuckDB(shop.con), DAY, rules, named)
    found = rows(shop.con, "from features.attribute_quality where entity_kind = ?", [entity])
    return {row["attribute"]: row for row in found}


def rows_of(shop: Shop, relation: str) -> list[tuple[str, str]]:
    """Names and types of a relation's columns."""
    return DuckDB(shop.con).columns(relation)


def values(
    shop: Shop, entity: Entity, day: date, rules: dict[str, AttributeRule], name: str = "income"
) -> dict[str, Any]:
    """Whoever has a value on a day, and which."""
    shop.compute(day, rules=rules)
    found = rows(shop.con, f"from features.{entity} where as_of_date = ?", [day])
    return {row[f"{entity}_id"]: row[name] for row in found if row[name] is not None}


@pytest.mark.parametrize("entity", ENTITIES)
def test_a_value_holds_from_its_day_until_it_expires(shop: Shop, entity: Entity) -> None:
    """One of a day to come, and one of which nobody knows the day, are as unknown as one that is too old."""
    rules = rules_for(entity)
    assert values(shop, entity, DAY, rules) == {"ann": "high", "bob": "low"}
    assert values(shop, entity, date(2024, 7, 5), rules) == {"ann": "high", "fay": "mid"}
    assert values(shop, entity, date(2024, 6, 29), rules) == {"ann": "high", "bob": "low", "cyd": "low"}
    assert values(shop, entity, DAY, rules, "income_from")["cyd"] == "inferred"
    assert values(shop, entity, DAY, rules, "age")["ann"] == "30"


@pytest.mark.parametrize("entity", ENTITIES)
def test_a_value_with_a_day_that_never_expires_holds_from_its_day_on(shop: Shop, entity: Entity) -> None:
    rules = rules_for(entity, expires_after=None)
    assert values(shop, entity, DAY, rules) == {"ann": "high", "bob": "low", "cyd": "low"}
    assert values(shop, entity, date(2024, 7, 5), rules)["fay"] == "mid"


@pytest.mark.parametrize("entity", ENTITIES)
def test_a_past_day_judges_what_was_said_then_by_its_day_then(shop: Shop, entity: Entity) -> None:
    """What ann said until 25 June had expired two days before; today's value was of a day to come."""
    crm = KINDS[entity].crm
    names = [name for name, _ in rows_of(shop, f"core.past_{crm}")]
    before = {f"{entity}_id": "ann", "income": "old", "income_asked_on": "2023-06-22"}
    before |= {"_until": date(2024, 6, 25), "_absent": False}
    placed = ", ".join(f"${name}" if name in before else "null" for name in names)
    shop.con.execute(f"create or replace table past_row as select * from core.past_{crm}")
    shop.con.execute(f"insert into past_row values ({placed})", before)
    shop.con.execute(f"create or replace view core.past_{crm} as from past_row")
    found = {
        day: values(shop, entity, date(2024, 6, day), rules_for(entity)).get("ann")
        for day in (20, 21, 22, 25)
    }
    assert found == {20: "old", 21: "old", 22: None, 25: "high"}


@pytest.mark.parametrize("entity", ENTITIES)
def test_without_rules_features_are_what_the_crm_says(shop: Shop, entity: Entity) -> None:
    said = {who: income for who, income, *_ in CRM if income}
    assert values(shop, entity, DAY, {}) == said
    (other,) = {*ENTITIES} - {entity}
    assert values(shop, entity, DAY, rules_for(other)) == said, "a rule is of one table"


FEATURES = {feature.name for feature in KINDS["account"].standard}


@pytest.mark.parametrize("name", [name for name in described("accounts") if name in FEATURES])
def test_what_a_contract_says_of_a_company_expires_too(shop: Shop, name: str) -> None:
    value = "date '2024-01-01'" if name.endswith("date") else "7"
    shop.con.execute(f"update core.accounts set {name} = {value}")
    rule = AttributeRule(as_of="income_asked_on", expires_after="365d")
    assert {*values(shop, "account", DAY, {f"accounts.{name}": rule}, name)} == {"ann", "bob"}


RATED = (
    ("good", "AAA", date(2024, 6, 30)),
    ("old", "AAA", date(2023, 6, 30)),
    ("undated", "AAA", None),
    ("tomorrow", "AAA", date(2024, 7, 1)),
    ("unrated", None, date(2024, 6, 1)),
)


@pytest.mark.parametrize(
    ("rules", "mapped", "known"),
    [
        ({}, ["credit_rating", "credit_rating_date"], {"good", "old"}),
        ({"expires_after": "365d"}, ["credit_rating", "credit_rating_date"], {"good"}),
        ({"expires_after": "366d"}, ["credit_rating", "credit_rating_date"], {"good", "old"}),
        ({"as_of": "created_on"}, ["credit_rating", "credit_rating_date"], set()),
        # Where no source says the day of ratings, they are all there is.
        ({}, ["credit_rating"], {"good", "old", "undated"}),
    ],
)
def test_a_rating_of_a_company_counts_with_a_day_that_has_come(
    rules: dict[str, str], mapped: list[str], known: set[str]
) -> None:
    shop = Shop()
    names = ("account_id", "credit_rating", "credit_rating_date")
    shop.add("core.accounts", *(dict(zip(names, row, strict=True)) for row in RATED))
    said = {"accounts.credit_rating": AttributeRule.model_validate(rules)} if rules else {}
    found = with_days(said, {"accounts": mapped})
    assert {*values(shop, "account", DAY, found, "credit_rating")} == known
    shop.con.close()


@pytest.mark.parametrize("entity", ENTITIES)
def test_the_quality_of_an_attribute_with_age_origin_and_expiry(shop: Shop, entity: Entity) -> None:
    income = quality(shop, rules_for(entity), entity)["income"]
    assert (income["entities"], income["filled"], income["expired"], income["known"]) == (6, 5, 3, 2)
    assert income["coverage_share"] == pytest.approx(2 / 6)
    assert income["expired_share"] == pytest.approx(3 / 5)
    shares = [income[f"{origin}_share"] for origin in ("observed", "declared", "inferred", "origin_unknown")]
    assert shares == pytest.approx([1 / 5, 1 / 5, 2 / 5, 1 / 5])
    assert income["age_known_share"] == pytest.approx(4 / 5)
    # Ages 0, 10, 365, 366: the lower one in the middle; that of eve, who has no value, is not among them.
    assert (income["median_age_days"], income["max_age_days"]) == (10, 366)


@pytest.mark.parametrize("entity", ENTITIES)
def test_the_quality_of_an_attribute_that_has_none_of_it(shop: Shop, entity: Entity) -> None:
    found = quality(shop, {}, entity)
    assert list(found) == ["income", "income_asked_on", "income_from", "age", "city"]
    age = found["age"]
    assert (age["filled"], age["known"], age["expired_share"], age["origin_unknown_share"]) == (1, 1, 0, 1)
    assert (age["median_age_days"], age["max_age_days"], age["expires_after_days"]) == (None, None, None)
    city = found["city"]
    assert (city["coverage_share"], city["expired_share"], city["observed_share"]) == (0, None, None)


def test_a_column_of_the_contract_has_a_quality_where_it_has_a_rule(shop: Shop) -> None:
    rule = AttributeRule(as_of="income_asked_on")
    assert list(quality(shop, {"accounts.employees": rule}, "account"))[-1] == "employees"


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

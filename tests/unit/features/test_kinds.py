"""One recipe makes the wide tables of customers and of accounts: what holds of one holds of the other."""

from datetime import date

import pytest
from shop import SETTINGS, Shop

from pipelines.config.features import Features
from pipelines.config.segments import Entity
from pipelines.engine import DuckDB, columns_of
from pipelines.features.accounts.compute import compute_accounts
from pipelines.features.catalogue import measure_nulls, store_catalogue
from pipelines.features.compute import compute_past, keep_features, refresh_state
from pipelines.features.kinds import KINDS
from pipelines.features.mark import features_mark
from pipelines.features.recipe import Recipe, make

EARLIER, D = date(2024, 5, 31), date(2024, 6, 30)
# The table that holds several days.
PAST: dict[Entity, str] = {"customer": "features.customer_past", "account": "features.account"}
both = pytest.mark.parametrize("entity", ["customer", "account"])


def shop_with(**attributes: str) -> Shop:
    """Two customers of one account; one of them was known from June on."""
    shop = Shop(**attributes)
    given = dict.fromkeys(attributes, "40")
    shop.add("core.accounts", {"account_id": "a1", "created_on": date(2024, 1, 1), **given})
    shop.add("core.accounts", {"account_id": "a2", "created_on": date(2024, 6, 1), **given})
    for customer, created_on in (("c1", date(2024, 1, 1)), ("c2", date(2024, 6, 1))):
        shop.add(
            "core.customers",
            {"customer_id": customer, "account_id": "a1", "created_on": created_on, **given},
        )
    shop.order("o1", "c1", date(2024, 3, 1), {"revenue": 10, "product_id": "p"})
    refresh_state(DuckDB(shop.con))
    return shop


def compute(shop: Shop, day: date, recipe: Recipe) -> None:
    compute_past(DuckDB(shop.con), day, recipe)
    compute_accounts(DuckDB(shop.con), day, recipe)


@both
def test_stored_columns_are_of_the_types_that_the_recipe_says(entity: Entity) -> None:
    """Else a later day takes the column for one of another type, and drops what it says of earlier days."""
    shop = shop_with(latitude="double", longitude="double", age="bigint")
    places = {"distance_from": {"name": "Shop", "latitude": 60.0, "longitude": 25.0}}
    settings = Features.model_validate(SETTINGS.model_dump(by_alias=True) | places)
    recipe = Recipe(margin_rate=0.25, categories=("A", "B"), settings=settings, currency="EUR")
    compute(shop, D, recipe)
    made = make(DuckDB(shop.con), entity, recipe)
    keys = {"as_of_date": "DATE", KINDS[entity].key: "VARCHAR"}
    assert dict(columns_of(shop.con, PAST[entity])) == made.stored | keys
    assert "age" in made.stored and ("distance_km" in made.stored) == (entity == "customer")


@both
def test_who_and_what_was_not_known_yet_is_not_there(entity: Entity) -> None:
    shop = shop_with(age="varchar")
    recipe = Recipe()
    for day, expected in ((EARLIER, 1), (D, 2)):
        compute(shop, day, recipe)
        found = shop.select(f"select age from features.{entity} where as_of_date = ?", day)
        assert found == [("40",)] * expected


@both
def test_an_attribute_of_another_type_takes_the_place_of_the_one_before(entity: Entity) -> None:
    shop = shop_with(age="varchar")
    recipe = Recipe()
    for kind in ("varchar", "bigint"):
        shop.alter(KINDS[entity].crm, f"alter age type {kind}")
        shop.compute(D)
        compute(shop, EARLIER, recipe)
    assert dict(columns_of(shop.con, f"features.{entity}"))["age"] == "BIGINT"
    found = shop.select(f"select as_of_date, age from features.{entity} order by all")
    assert found == [(EARLIER, 40), (D, 40), (D, 40)]


@both
def test_the_mark_follows_what_makes_values_and_nothing_else(entity: Entity) -> None:
    shop = shop_with(age="varchar")
    counting = {
        "name": "asked",
        "from": "feedback",
        "aggregate": "count",
        "entity": entity,
        "meaning": "Asked",
    }
    marks = [
        features_mark(
            DuckDB(shop.con), Recipe(settings=Features.model_validate({"custom": [counting | changed]}))
        )
        for changed in ({}, {"meaning": "Said", "unit": "times"}, {"where": "kind = 'ticket'"})
    ]
    assert marks[0] == marks[1] != marks[2]
    without = features_mark(DuckDB(shop.con), Recipe())
    shop.alter(KINDS[entity].crm, "drop column age")
    assert features_mark(DuckDB(shop.con), Recipe()) != without


@both
def test_the_catalogue_tells_null_shares_of_the_day(entity: Entity) -> None:
    shop = shop_with(age="varchar")
    shop.con.execute(
        f"update core.{KINDS[entity].crm} set age = null where {KINDS[entity].key} in ('c1', 'a1')"
    )
    shop.compute(D)
    store_catalogue(DuckDB(shop.con), {"customer": shop.catalogue(), "account": shop.account_catalogue()})
    measure_nulls(DuckDB(shop.con), D)
    found = shop.select(
        "select name, tables, source, null_share from features.catalogue"
        " where entity_kind = ? and name in ('age', 'revenue_365d') order by name",
        entity,
    )
    folder = KINDS[entity].folder
    fragment = "purchase" if entity == "customer" else "members"
    assert found == [
        ("age", KINDS[entity].crm, "project.yaml", 0.5),
        ("revenue_365d", "orders", f"pipelines/{folder}/{fragment}.sql", 0.0),
    ]


@both
def test_days_out_of_use_go(entity: Entity) -> None:
    shop = shop_with()
    for day in (EARLIER, date(2024, 6, 15), D):
        compute(shop, day, Recipe())
    keep_features(DuckDB(shop.con), [EARLIER, D])
    days = shop.select(f"select distinct as_of_date from {PAST[entity]} order by 1")
    assert days == [(EARLIER,), (D,)]

"""A project's own features: an order is worth to them what it is worth to the others."""

from datetime import date

import pytest
from shop import Shop

from pipelines.config.features import Features
from pipelines.contracts.registry import FACTS
from pipelines.core.facts import columns_of
from pipelines.engine import DuckDB
from pipelines.features.custom import compile_feature
from pipelines.features.recipe import Recipe, make

D = date(2024, 6, 30)
OF_ORDERS = [
    {"name": "spent", "aggregate": "sum", "of": "revenue", "window": "365d"},
    {"name": "mean_order", "aggregate": "avg", "of": "revenue", "window": "365d"},
    {"name": "saved", "aggregate": "sum", "of": "discount + coupon_discount", "window": "365d"},
    {"name": "dear", "aggregate": "count", "where": "revenue > 100", "window": "365d"},
    {"name": "stores", "aggregate": "count_distinct", "of": "store_id"},
    {"name": "last_worth", "aggregate": "latest", "of": "revenue"},
]


def settings(*features: dict[str, str], table: str = "orders") -> Features:
    return Features.model_validate({"custom": [one | {"from": table, "meaning": "m"} for one in features]})


def test_orders_are_worth_their_lines_and_what_they_say_where_they_have_none() -> None:
    shop = Shop()
    two = {"revenue": 80, "discount": 2, "coupon_discount": 1}
    shop.order(
        "o1", "ann", date(2024, 5, 1), two, {**two, "revenue": 40}, store="s1", revenue=999, discount=9
    )
    shop.order("o2", "ann", date(2024, 5, 2), store="s2", revenue=30, discount=4)
    shop.order("o3", "ann", date(2024, 5, 3), store="s2")
    shop.order("o4", "ann", date(2024, 5, 4), 500, status="returned")
    shop.order("o5", "bob", date(2024, 5, 5), 10)
    found = shop.features(D, settings=settings(*OF_ORDERS))
    names = [one["name"] for one in OF_ORDERS]
    assert [float(found["ann"][name]) for name in names] == [150, 50, 10, 1, 2, 0]
    assert [float(found["bob"][name]) for name in names] == [10, 10, 0, 0, 0, 10]
    for who in found.values():
        assert who["spent"] == who["revenue_365d"]
        assert who["mean_order"] == who["average_order_value_365d"]


@pytest.mark.parametrize("table", FACTS)
def test_every_column_that_a_feature_may_name_is_there(table: str) -> None:
    shop = Shop()
    shop.compute(D)
    for name in columns_of(table):
        one = {"name": "one", "aggregate": "count_distinct", "of": name, "entity": "account"}
        (asked,) = settings(one, table=table).custom
        shop.con.execute(f"describe {compile_feature(asked).select('account')}", {"as_of": D})


def test_lines_that_change_change_the_orders_worth() -> None:
    shop = Shop()
    shop.order("o1", "ann", D, 60, 70)
    recipe = settings(*OF_ORDERS[:4])
    assert shop.features(D, settings=recipe)["ann"]["spent"] == 130
    shop.con.execute("update core.order_lines set revenue = 20 where line_id = '1'")
    shop.dirty("ann")
    found = shop.features(D, settings=recipe)["ann"]
    assert (found["spent"], found["dear"]) == (80, 0)


def test_columns_of_products_need_the_products() -> None:
    lines = settings(
        {"name": "tools", "aggregate": "sum", "of": "revenue", "where": "category = 'TOOLS'"},
        {"name": "brands", "aggregate": "count_distinct", "of": "Brand"},
        {"name": "rows", "aggregate": "count", "where": "quantity > 1"},
        table="order_lines",
    )
    needs = {one.name: compile_feature(one).feature.needs for one in lines.custom}
    assert needs == {
        "tools": ("order_lines", "orders", "products"),
        "brands": ("order_lines", "orders", "products"),
        "rows": ("order_lines", "orders"),
    }
    shop = Shop()
    shop.order("o1", "ann", D, 60)
    without = Recipe(mapped=frozenset({"orders", "order_lines"}), margin_rate=0.25, settings=lines)
    assert {"tools", "brands", "rows"} & {
        feature.name for feature in make(DuckDB(shop.con), "customer", without).features
    } == {"rows"}

"""The catalogue says exactly what features.customer has."""

from datetime import date

import pytest
from shop import EVERYTHING, Shop

from pipelines.contracts.registry import CONTRACTS
from pipelines.engine import DuckDB, columns_of
from pipelines.errors import ConfigError
from pipelines.features.catalogue import STANDARD, absent, catalogue, share_name, store_catalogue

D = date(2024, 6, 30)
KEYS = {"as_of_date": "DATE", "customer_id": "VARCHAR"}


def test_catalogue_and_table_have_the_same_columns_and_types() -> None:
    shop = Shop(age="varchar", children="bigint")
    shop.compute(D, 0.25, ["MEAT", "DRUG GM"])
    store_catalogue(DuckDB(shop.con), {"customer": shop.catalogue(["MEAT", "DRUG GM"])})
    listed = dict(shop.con.execute("select name, type from features.catalogue").fetchall())
    assert listed | KEYS == dict(columns_of(shop.con, "features.customer"))


def test_features_whose_tables_are_not_mapped_are_absent_from_both() -> None:
    mapped = {"orders", "order_lines"}
    shop = Shop()
    shop.compute(D, mapped=frozenset(mapped))
    names = {feature.name for feature in catalogue("customer", mapped, [], None, ["MEAT"])}
    assert names | KEYS.keys() == dict(columns_of(shop.con, "features.customer")).keys()
    assert absent("customer", mapped)["preferred_category"] == ("products",)
    assert not absent("customer", EVERYTHING)


def test_a_category_or_attribute_that_is_dropped_leaves_the_table() -> None:
    shop = Shop(age="varchar")
    shop.compute(D, 0.25, ["MEAT", "DELI"])
    shop.alter("customers", "drop column age")
    shop.compute(D, 0.25, ["MEAT", "FUEL"])
    columns = dict(columns_of(shop.con, "features.customer"))
    assert columns.keys() == {f.name for f in shop.catalogue(["MEAT", "FUEL"])} | KEYS.keys()


def test_every_feature_needs_tables_that_exist() -> None:
    standard = [feature for features in STANDARD.values() for feature in features]
    assert {table for feature in standard for table in feature.needs} <= CONTRACTS.keys()


def test_the_catalogue_keeps_the_order_of_display() -> None:
    shop = Shop()
    store_catalogue(DuckDB(shop.con), {"customer": shop.catalogue()})
    names = [row[0] for row in shop.select("select name from features.catalogue order by position")]
    assert names == [feature.name for feature in STANDARD["customer"]]


@pytest.mark.parametrize(
    ("category", "name"),
    [
        ("DRUG GM", "share_drug_gm_365d"),
        ("Fruit & Veg.", "share_fruit_veg_365d"),
        ("Äyriäiset", "share_äyriäiset_365d"),
    ],
)
def test_a_category_names_its_share(category: str, name: str) -> None:
    assert share_name(category) == name


def test_windows_are_read_from_names() -> None:
    windows = {feature.name: feature.window_days for feature in STANDARD["customer"]}
    assert (windows["orders_30d"], windows["margin_365d"], windows["recency_days"]) == (30, 365, None)


@pytest.mark.parametrize(
    ("categories", "attributes", "named"),
    [
        (["DRUG GM", "Drug-GM"], [], "share_drug_gm_365d"),
        (["MEAT", "MEAT"], [], "share_meat_365d"),
        (["MEAT"], [("share_meat_365d", "DOUBLE")], "share_meat_365d"),
        ([], [("Recency_Days", "BIGINT")], "Recency_Days"),
        ([], [("as_of_date", "DATE")], "as_of_date"),
    ],
)
def test_two_features_of_one_name_are_refused(
    categories: list[str], attributes: list[tuple[str, str]], named: str
) -> None:
    with pytest.raises(ConfigError, match=f"two features are named {named}: "):
        catalogue("customer", EVERYTHING, attributes, None, categories)


def test_an_attribute_may_not_take_the_name_of_an_absent_feature() -> None:
    with pytest.raises(ConfigError, match="preferred_category"):
        catalogue("customer", {"orders"}, [("preferred_category", "VARCHAR")])

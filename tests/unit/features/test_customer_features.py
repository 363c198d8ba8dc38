"""Every column of features.customer, for customers worked out by hand."""

from datetime import date
from decimal import Decimal
from statistics import stdev
from typing import Any

import pytest
from shop import Shop

D = date(2024, 6, 30)  # 30 days from 06-01, 90 from 04-02, 365 from 2023-07-02

NEVER_BOUGHT: dict[str, Any] = {
    "as_of_date": D,
    "in_crm": False,
    "customer_since_date": None,
    "first_purchase_date": None,
    "last_purchase_date": None,
    "recency_days": None,
    "tenure_days": None,
    "purchase_days_lifetime": 0,
    "purchase_days_30d": 0,
    "purchase_days_90d": 0,
    "purchase_days_365d": 0,
    "orders_lifetime": 0,
    "orders_30d": 0,
    "orders_90d": 0,
    "orders_365d": 0,
    "revenue_lifetime": 0,
    "revenue_30d": 0,
    "revenue_90d": 0,
    "revenue_365d": 0,
    "margin_365d": 0,
    "average_order_value_365d": None,
    "lines_per_order_365d": None,
    "discount_share_365d": None,
    "coupon_share_365d": None,
    "purchase_gap_days_mean": None,
    "purchase_gap_days_sd": None,
    "recency_in_gaps": None,
    "preferred_category": None,
    "preferred_category_share_365d": None,
    "categories_365d": 0,
    "last_new_category": None,
    "last_new_category_date": None,
    "entry_category": None,
    "entry_product": None,
    "preferred_store": None,
    "stores_365d": 0,
    "returns_365d": 0,
    "return_share_365d": None,
    "preferred_weekday": None,
    "weekend_share_365d": None,
    "preferred_hour": None,
    "preferred_channel": None,
    "channels_365d": 0,
    "touches_365d": 0,
    "campaigns_contacted_365d": 0,
    "share_meat_365d": None,
    "share_drug_gm_365d": None,
    "age": None,
}


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, Any]]:
    shop = Shop(age="varchar")
    for product, category in (("apple", "FRUIT"), ("ham", "MEAT"), ("soap", "DRUG GM"), ("thing", None)):
        shop.add("core.products", {"product_id": product, "category": category})
    crm = [
        ("crm_only", date(2024, 6, 1), "30"),
        ("crm_later", date(2024, 7, 1), "40"),
        ("crm_undated", None, "50"),
        ("bob", date(2024, 6, 29), "60"),
        ("early_buyer", date(2024, 7, 1), "70"),
        ("contacted_before_crm", date(2024, 7, 2), "80"),
    ]
    for customer, created, age in crm:
        shop.add("core.customers", {"customer_id": customer, "created_on": created, "age": age})
    shop.add("core.campaigns", {"campaign_id": "june", "start_date": D, "end_date": D})
    shop.add("core.campaigns", {"campaign_id": "july", "start_date": date(2024, 7, 1), "end_date": D})
    for campaign, customer, day in (
        ("june", "contacted", None),
        ("june", "contacted_later", date(2024, 7, 1)),
        ("july", "contacted_in_july", None),
        ("july", "contacted_before_crm", D),
    ):
        shop.add(
            "core.campaign_contacts",
            {"campaign_id": campaign, "customer_id": customer, "contacted_on": day},
        )

    apple = {"product_id": "apple"}
    shop.order("a1", "ann", date(2023, 7, 1), {"revenue": 1000, **apple}, store="north")
    shop.order("a2", "ann", date(2023, 7, 2), {"revenue": 100, **apple}, store="north")
    shop.order("a3", "ann", date(2024, 4, 1), {"revenue": 10, "product_id": "thing"}, store="south")
    shop.order("a4", "ann", date(2024, 4, 2), {"revenue": 20, "product_id": "ham"}, store="south")
    shop.order("a5", "ann", date(2024, 5, 31), {"revenue": 30, "product_id": "ham"})
    shop.order(
        "a6", "ann", date(2024, 6, 1), {"revenue": 8, **apple}, {"revenue": -3, **apple}, store="north"
    )
    shop.order(
        "a7", "ann", date(2024, 6, 1), {"revenue": 7, "discount": 1, "coupon_discount": 2}, store="north"
    )
    shop.order("a8", "ann", date(2024, 6, 15), {"revenue": 500, **apple}, status="cancelled", store="x")
    shop.order("a9", "ann", date(2024, 6, 16), {"revenue": 600, **apple}, status="returned", store="x")
    shop.order("a10", "ann", date(2024, 7, 1), {"revenue": 9999, "product_id": "soap"}, store="later")
    # Ties: equal revenue in two categories, one order in each of two stores.
    shop.order("b1", "bob", date(2024, 6, 30), {"revenue": 40, "product_id": "soap"}, store="west")
    shop.order("b2", "bob", date(2024, 6, 30), {"revenue": 40, **apple}, store="east")
    shop.order("l1", "lapsed", date(2023, 7, 1), {"revenue": 5, **apple}, store="north")
    shop.order("x1", "cancelled_only", D, {"revenue": 5, **apple}, status="cancelled", store="north")
    shop.order("e1", "early_buyer", D, {"revenue": 12, "product_id": "unheard"}, store="north")
    shop.order("g1", None, D, {"revenue": 77, **apple}, store="north")
    shop.order("z1", "tomorrow", date(2024, 7, 1), 5)
    mapped = frozenset({"orders", "order_lines", "products", "customers", "campaigns", "campaign_contacts"})
    return shop.features(D, 0.25, ["MEAT", "DRUG GM"], mapped=mapped)


def test_customers_are_who_ordered_was_contacted_or_stands_in_the_crm_by_then(
    found: dict[str, dict[str, Any]],
) -> None:
    assert sorted(found) == [
        "ann", "bob", "cancelled_only", "contacted", "contacted_before_crm", "crm_only", "crm_undated",
        "early_buyer", "lapsed",
    ]  # fmt: skip


def test_every_column_of_a_regular_buyer(found: dict[str, dict[str, Any]]) -> None:
    gaps = [1, 274, 1, 59, 1]
    expected = NEVER_BOUGHT | {
        "customer_id": "ann",
        "customer_since_date": date(2023, 7, 1),
        "first_purchase_date": date(2023, 7, 1),
        "last_purchase_date": date(2024, 6, 1),
        "recency_days": 29,
        "tenure_days": 365,
        "purchase_days_lifetime": 6,
        "purchase_days_30d": 1,
        "purchase_days_90d": 3,
        "purchase_days_365d": 5,
        "orders_lifetime": 7,
        "orders_30d": 2,
        "orders_90d": 4,
        "orders_365d": 6,
        "revenue_lifetime": 1172,
        "revenue_30d": 12,
        "revenue_90d": 62,
        "revenue_365d": 172,
        "margin_365d": 43,
        "average_order_value_365d": pytest.approx(172 / 6),
        "lines_per_order_365d": pytest.approx(7 / 6),
        "discount_share_365d": pytest.approx(1 / 173),
        "coupon_share_365d": pytest.approx(2 / 172),
        "purchase_gap_days_mean": pytest.approx(sum(gaps) / 5),
        "purchase_gap_days_sd": pytest.approx(stdev(gaps)),
        "recency_in_gaps": pytest.approx(29 / (sum(gaps) / 5)),
        "preferred_category": "FRUIT",
        "preferred_category_share_365d": pytest.approx(105 / 172),
        "categories_365d": 3,
        "preferred_store": "north",
        "stores_365d": 2,
        "last_new_category": "MEAT",
        "last_new_category_date": date(2024, 4, 2),
        "entry_category": "FRUIT",
        "entry_product": "apple",
        "returns_365d": 1,
        "return_share_365d": pytest.approx(1 / 7),
        "preferred_weekday": 6,
        "weekend_share_365d": 0.5,
        "share_meat_365d": pytest.approx(50 / 172),
        "share_drug_gm_365d": 0,
    }
    assert found["ann"] == expected


def test_ties_of_category_and_store_are_broken_by_name(found: dict[str, dict[str, Any]]) -> None:
    expected = NEVER_BOUGHT | {
        "customer_id": "bob",
        "in_crm": True,
        "customer_since_date": date(2024, 6, 29),
        "first_purchase_date": D,
        "last_purchase_date": D,
        "recency_days": 0,
        "tenure_days": 1,
        **{f"purchase_days_{window}": 1 for window in ("lifetime", "30d", "90d", "365d")},
        **{f"orders_{window}": 2 for window in ("lifetime", "30d", "90d", "365d")},
        **{f"revenue_{window}": 80 for window in ("lifetime", "30d", "90d", "365d")},
        "margin_365d": 20,
        "average_order_value_365d": 40,
        "lines_per_order_365d": 1,
        "discount_share_365d": 0,
        "coupon_share_365d": 0,
        "preferred_category": "DRUG GM",
        "preferred_category_share_365d": 0.5,
        "categories_365d": 2,
        "preferred_store": "east",
        "stores_365d": 2,
        "last_new_category": "DRUG GM",
        "last_new_category_date": D,
        "entry_category": "DRUG GM",
        "entry_product": "apple",
        "return_share_365d": 0,
        "preferred_weekday": 7,
        "weekend_share_365d": 1,
        "share_meat_365d": 0,
        "share_drug_gm_365d": 0.5,
        "age": "60",
    }
    assert found["bob"] == expected


@pytest.mark.parametrize(
    ("customer", "known"),
    [
        ("contacted", {"touches_365d": 1, "campaigns_contacted_365d": 1}),
        ("cancelled_only", {}),
        ("crm_undated", {"in_crm": True, "age": "50"}),
        (
            "crm_only",
            {"in_crm": True, "age": "30", "customer_since_date": date(2024, 6, 1), "tenure_days": 29},
        ),
        # The CRM learns of this customer after D: nothing of it is known on D.
        ("contacted_before_crm", {"touches_365d": 1, "campaigns_contacted_365d": 1}),
    ],
)
def test_a_customer_without_a_purchase_has_zeros_and_unknowns(
    found: dict[str, dict[str, Any]], customer: str, known: dict[str, Any]
) -> None:
    assert found[customer] == NEVER_BOUGHT | {"customer_id": customer} | known


def test_a_purchase_before_the_year_counts_in_lifetime_only(found: dict[str, dict[str, Any]]) -> None:
    expected = NEVER_BOUGHT | {
        "customer_id": "lapsed",
        "customer_since_date": date(2023, 7, 1),
        "first_purchase_date": date(2023, 7, 1),
        "last_purchase_date": date(2023, 7, 1),
        "recency_days": 365,
        "tenure_days": 365,
        "purchase_days_lifetime": 1,
        "orders_lifetime": 1,
        "revenue_lifetime": 5,
        "last_new_category": "FRUIT",
        "last_new_category_date": date(2023, 7, 1),
        "entry_category": "FRUIT",
        "entry_product": "apple",
    }
    assert found["lapsed"] == expected


def test_a_crm_entry_of_a_later_day_is_not_yet_known(found: dict[str, dict[str, Any]]) -> None:
    early = found["early_buyer"]
    assert (early["in_crm"], early["age"], early["customer_since_date"], early["tenure_days"]) == (
        False, None, D, 0,
    )  # fmt: skip


def test_a_product_that_no_source_describes_counts_as_unknown(found: dict[str, dict[str, Any]]) -> None:
    assert found["early_buyer"]["preferred_category"] == "(unknown)"
    assert found["early_buyer"]["preferred_category_share_365d"] == 1


@pytest.mark.parametrize(
    ("costs", "margin_rate", "expected"),
    [
        ([6, 3], 0.25, 21),
        ([6, 3], None, 21),
        ([6, None], 0.25, Decimal("16.5")),
        ([6, None], None, None),
        ([None, None], None, None),
    ],
)
def test_margin_is_by_cost_where_known_and_by_the_rate_elsewhere(
    costs: list[int | None], margin_rate: float | None, expected: object
) -> None:
    shop = Shop()
    shop.order("o1", "ann", date(2024, 6, 1), {"revenue": 20, "cost": costs[0]})
    shop.order("o2", "ann", date(2024, 6, 2), {"revenue": 10, "cost": costs[1]})
    assert shop.features(D, margin_rate)["ann"]["margin_365d"] == expected


def test_a_cost_missing_before_the_year_leaves_the_margin_known() -> None:
    shop = Shop()
    shop.order("o1", "ann", date(2023, 7, 1), 20)
    shop.order("o2", "ann", date(2024, 6, 2), {"revenue": 10, "cost": 4})
    shop.order("o3", "bob", date(2023, 7, 1), 20)
    found = shop.features(D, None)
    assert (found["ann"]["margin_365d"], found["bob"]["margin_365d"]) == (6, 0)


def test_money_stands_on_the_order_where_there_are_no_lines() -> None:
    shop = Shop()
    shop.order("o1", "ann", D, revenue=20, discount=5, coupon_discount=2)
    ann = shop.features(D, 0.5)["ann"]
    assert (ann["revenue_30d"], ann["margin_365d"], ann["discount_share_365d"]) == (20, 10, 0.2)
    assert (ann["coupon_share_365d"], ann["lines_per_order_365d"]) == (0.1, None)


def test_an_order_without_lines_counts_in_no_figure_of_lines() -> None:
    shop = Shop()
    shop.add("core.products", {"product_id": "ham", "category": "MEAT"})
    shop.order("o1", "ann", D, {"revenue": 6, "product_id": "ham"}, {"revenue": 2, "product_id": "rye"})
    shop.order("o2", "ann", D, revenue=92)
    ann = shop.features(D, 0.5, ["MEAT"])["ann"]
    assert (ann["orders_365d"], ann["revenue_365d"], ann["lines_per_order_365d"]) == (2, 100, 2)
    assert (ann["preferred_category_share_365d"], ann["share_meat_365d"]) == (0.75, 0.75)

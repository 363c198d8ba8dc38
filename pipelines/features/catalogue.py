"""The feature catalogue: every feature's name, family, unit, type and meaning, and what it needs.

`features.catalogue` is this list for one project: standard features, one share a configured category, and
every attribute of the CRM. Conditions in segments may name these and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.errors import ConfigError

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Feature:
    """One column of `features.customer`; `grows` says that it rises by itself as time passes."""

    name: str
    family: str
    unit: str
    type: str
    meaning: str
    needs: tuple[str, ...] = ("orders",)
    grows: bool = False

    @property
    def window_days(self) -> int | None:
        """The length of the feature's window; None where it has none."""
        found = re.search(r"_(\d+)d$", self.name)
        return int(found[1]) if found else None


LIFECYCLE, RFM, VALUE, BEHAVIOUR, PRODUCT = "lifecycle", "rfm", "value", "behaviour", "product"
MONEY, NUMBER, COUNT, DATE, TEXT = "DECIMAL(18,4)", "DOUBLE", "BIGINT", "DATE", "VARCHAR"


def _windowed(stem: str, family: str, unit: str, kind: str, meaning: str) -> list[Feature]:
    spans = {"30d": "the last 30 days", "90d": "the last 90 days", "365d": "the last 365 days"}
    return [
        Feature(f"{stem}_{span}", family, unit, kind, f"{meaning} in {words}")
        for span, words in spans.items()
    ]


STANDARD: tuple[Feature, ...] = (
    Feature("in_crm", LIFECYCLE, "", "BOOLEAN", "Stands in the customers source", ("customers",)),
    Feature("customer_since_date", LIFECYCLE, "date", DATE, "First day known: in the CRM or by a purchase"),
    Feature("first_purchase_date", LIFECYCLE, "date", DATE, "Day of the first purchase"),
    Feature("last_purchase_date", LIFECYCLE, "date", DATE, "Day of the last purchase"),
    Feature("tenure_days", LIFECYCLE, "days", COUNT, "Days since customer_since_date", grows=True),
    Feature("recency_days", RFM, "days", COUNT, "Days since the last purchase"),
    Feature("purchase_days_lifetime", RFM, "days", COUNT, "Days with a purchase, ever", grows=True),
    *_windowed("purchase_days", RFM, "days", COUNT, "Days with a purchase"),
    Feature("orders_lifetime", RFM, "orders", COUNT, "Completed orders, ever", grows=True),
    *_windowed("orders", RFM, "orders", COUNT, "Completed orders"),
    Feature("revenue_lifetime", VALUE, "currency", MONEY, "Net revenue, ever", grows=True),
    *_windowed("revenue", VALUE, "currency", MONEY, "Net revenue"),
    Feature(
        "margin_365d",
        VALUE,
        "currency",
        MONEY,
        "Margin in the last 365 days: from line costs, or margin_rate",
    ),
    Feature(
        "average_order_value_365d", VALUE, "currency", NUMBER, "Net revenue per order in the last 365 days"
    ),
    Feature(
        "lines_per_order_365d",
        BEHAVIOUR,
        "lines",
        NUMBER,
        "Lines per order in the last 365 days (lines, not units: units differ between products)",
        ("order_lines",),
    ),
    Feature(
        "discount_share_365d", BEHAVIOUR, "share", NUMBER, "Discount as a share of the price before discount"
    ),
    Feature(
        "coupon_share_365d", BEHAVIOUR, "share", NUMBER, "Value of redeemed coupons as a share of revenue"
    ),
    Feature("purchase_gap_days_mean", BEHAVIOUR, "days", NUMBER, "Mean days between purchase days, ever"),
    Feature(
        "purchase_gap_days_sd", BEHAVIOUR, "days", NUMBER, "Standard deviation of those gaps: irregularity"
    ),
    Feature("recency_in_gaps", BEHAVIOUR, "ratio", NUMBER, "recency_days over the customer's own mean gap"),
    Feature(
        "preferred_category", PRODUCT, "", TEXT, "Category with the most revenue in 365 days", ("products",)
    ),
    Feature(
        "preferred_category_share_365d",
        PRODUCT,
        "share",
        NUMBER,
        "Its share of the customer's revenue",
        ("products",),
    ),
    Feature("categories_365d", PRODUCT, "categories", COUNT, "Categories bought in 365 days", ("products",)),
    Feature("preferred_store", BEHAVIOUR, "", TEXT, "Store with the most orders in 365 days"),
    Feature("stores_365d", BEHAVIOUR, "stores", COUNT, "Stores bought at in 365 days"),
)

# What no attribute may be called, lower case: SQL compares names without regard to case.
RESERVED = frozenset({"as_of_date", *(feature.name for feature in STANDARD)})


def share_name(category: str) -> str:
    """`DRUG GM` -> `share_drug_gm_365d`; letters of any alphabet stay."""
    slug = re.sub(r"[\W_]+", "_", category.lower()).strip("_")
    return f"share_{slug}_365d"


def catalogue(
    mapped: Collection[str], categories: Sequence[str], attributes: Sequence[tuple[str, str]]
) -> list[Feature]:
    """The features of one project.

    Parameters
    ----------
    mapped : the canonical tables some source maps; a feature that needs another is absent.
    categories : those whose share of revenue is a feature.
    attributes : names and types of the CRM's further columns.

    Raises
    ------
    ConfigError
        When two features have one name.
    """
    features = [feature for feature in STANDARD if set(feature.needs) <= set(mapped)]
    if {"products", "order_lines"} <= set(mapped):
        features += [
            Feature(
                share_name(c), PRODUCT, "share", NUMBER, f"Share of revenue in {c} in 365 days", ("products",)
            )
            for c in categories
        ]
    features += [
        Feature(name, "attribute", "", kind, f"Attribute {name} of the CRM", ("customers",))
        for name, kind in attributes
    ]
    _names_differ(features)
    return features


def _names_differ(features: Sequence[Feature]) -> None:
    """SQL compares names without regard to case, and so does this."""
    reserved = (Feature(name, "key", "", TEXT, f"The key {name}") for name in ("as_of_date", "customer_id"))
    # Standard features that this project lacks keep their names.
    found = {one.name.lower(): one for one in (*reserved, *STANDARD)}
    for feature in features:
        other = found.setdefault(feature.name.lower(), feature)
        if other is not feature:
            raise ConfigError(
                f"two features are named {feature.name}: {other.meaning}, and {feature.meaning}."
                " Rename the attribute in the source's mapping, or leave one of the categories out of"
                " features.category_shares"
            )


def absent(mapped: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Standard features that this project lacks, and the tables they would need."""
    return {
        f.name: tuple(table for table in f.needs if table not in mapped)
        for f in STANDARD
        if not set(f.needs) <= set(mapped)
    }


def store_catalogue(con: duckdb.DuckDBPyConnection, features: Sequence[Feature]) -> None:
    """Write `features.catalogue`: one row a feature, in display order."""
    con.execute("create schema if not exists features")
    con.execute(
        "create or replace table features.catalogue (position bigint, name varchar, family varchar,"
        " unit varchar, type varchar, meaning varchar, needs varchar)"
    )
    con.executemany(
        "insert into features.catalogue values (?, ?, ?, ?, ?, ?, ?)",
        [
            [position, f.name, f.family, f.unit, f.type, f.meaning, ", ".join(f.needs)]
            for position, f in enumerate(features, start=1)
        ],
    )

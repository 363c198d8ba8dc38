"""Which categories of products a customer buys."""

from collections.abc import Sequence

from pipelines.engine import quote
from pipelines.features.feature import (
    COUNT,
    DATE,
    NUMBER,
    PRODUCT,
    TEXT,
    Ageing,
    Feature,
    Fragment,
    share_name,
)

_NEEDS = ("products", "order_lines")
_AGES = (Ageing("features.customer_day", windows=(365,)),)
_BOUGHT = ("category_bought",)

FRAGMENT = Fragment(
    "category",
    features=(
        Feature(
            "preferred_category",
            PRODUCT,
            "",
            TEXT,
            "Category with the most revenue in 365 days",
            ("products",),
        ),
        Feature(
            "preferred_category_share_365d",
            PRODUCT,
            "share",
            NUMBER,
            "Its share of the revenue in lines",
            ("products",),
        ),
        Feature(
            "categories_365d",
            PRODUCT,
            "categories",
            COUNT,
            "Categories bought in 365 days",
            ("products",),
            default="0",
        ),
        Feature(
            "last_new_category",
            PRODUCT,
            "",
            TEXT,
            "Category that was the last to be bought for the first time",
            _NEEDS,
        ),
        Feature(
            "last_new_category_date",
            PRODUCT,
            "date",
            DATE,
            "Day of the first purchase in last_new_category",
            _NEEDS,
        ),
    ),
    needs=_NEEDS,
    ages=_AGES,
    shared=_BOUGHT,
)


def shares(categories: Sequence[str]) -> Fragment:
    """The share of each configured category of the revenue in lines in 365 days."""
    columns = ", ".join(
        f"cast(coalesce(sum(revenue) filter (where category = $category_{i}), 0) as double)"
        f" / nullif(cast(sum(revenue) as double), 0) as {quote(share_name(category))}"
        for i, category in enumerate(categories)
    )
    return Fragment(
        "category_shares",
        features=tuple(
            Feature(
                share_name(category),
                PRODUCT,
                "share",
                NUMBER,
                f"Share of {category} of the revenue in lines in 365 days",
                _NEEDS,
            )
            for category in categories
        ),
        needs=_NEEDS,
        ages=_AGES,
        shared=_BOUGHT,
        text=f"select customer_id, {columns} from {_BOUGHT[0]} group by customer_id",
        parameters={f"category_{i}": category for i, category in enumerate(categories)},
    )

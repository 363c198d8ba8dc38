"""Which categories of products a customer buys."""

from collections.abc import Sequence

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
from pipelines.steps import quote

_NEEDS = ("products", "order_lines")
_AGES = (Ageing("features.customer_day", windows=(365,)),)

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
)
# Word for word as in category.sql, so that the engine joins the lines once for both.
_LINES = """money.orders as o
    inner join money.order_lines as l on l.order_id = o.order_id
    left join core.products as p on p.product_id = l.product_id
    where o.business_date <= $as_of and o.status = 'completed' and o.customer_id is not null"""


def shares(categories: Sequence[str]) -> Fragment:
    """The share of each configured category of the revenue in lines in 365 days."""
    revenue = "sum(l.revenue) filter (where o.business_date >= $from_365"
    columns = ", ".join(
        f"cast(coalesce({revenue} and coalesce(p.category, '(unknown)') = $category_{i}), 0) as double)"
        f" / nullif(cast({revenue}) as double), 0) as {quote(share_name(category))}"
        for i, category in enumerate(categories)
    )
    return Fragment(
        "category_shares",
        features=tuple(
            Feature(
                share_name(one),
                PRODUCT,
                "share",
                NUMBER,
                f"Share of {one} of the revenue in lines in 365 days",
                _NEEDS,
            )
            for one in categories
        ),
        needs=_NEEDS,
        ages=_AGES,
        text=f"select o.customer_id, {columns} from {_LINES}\n    group by o.customer_id",
        parameters={f"category_{i}": category for i, category in enumerate(categories)},
    )

"""Which categories of products a customer buys."""

from collections.abc import Sequence

from pipelines.features.feature import COUNT, NUMBER, PRODUCT, TEXT, Ageing, Feature, Fragment, share_name
from pipelines.steps import quote

_NEEDS = ("products", "order_lines")
_AGES = (Ageing("features.customer_category_day", windows=(365,)),)

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
    ),
    needs=_NEEDS,
    ages=_AGES,
)


def shares(categories: Sequence[str]) -> Fragment:
    """The share of each configured category of the revenue in lines in 365 days."""
    columns = ", ".join(
        f"cast(coalesce(sum(c.revenue) filter (where c.category = $category_{i}), 0) as double)"
        f" / nullif(cast(sum(c.revenue) as double), 0) as {quote(share_name(category))}"
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
        text=f"select c.customer_id, {columns} from features.customer_category_day as c\n"
        "    semi join features.scope as s on s.customer_id = c.customer_id\n"
        "    where c.business_date between $from_365 and $as_of group by c.customer_id",
        parameters={f"category_{i}": category for i, category in enumerate(categories)},
    )

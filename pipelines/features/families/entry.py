"""What a customer bought first. It never changes with time, so it is kept beside the days."""

from pipelines.features.feature import PRODUCT, TEXT, Ageing, Feature, Fragment

_NEEDS = ("products", "order_lines")

FRAGMENT = Fragment(
    "entry",
    features=(
        Feature(
            "entry_category",
            PRODUCT,
            "",
            TEXT,
            "Category with the most revenue on the first purchase day",
            _NEEDS,
        ),
        Feature(
            "entry_product",
            PRODUCT,
            "",
            TEXT,
            "Product with the most revenue on the first purchase day",
            _NEEDS,
        ),
    ),
    needs=_NEEDS,
    ages=(Ageing("features.customer_entry", "first_date"),),
)

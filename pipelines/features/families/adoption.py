"""Which category a customer took up last."""

from pipelines.features.feature import DATE, PRODUCT, TEXT, Ageing, Feature, Fragment

_NEEDS = ("products", "order_lines")

FRAGMENT = Fragment(
    "adoption",
    features=(
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
    ages=(Ageing("features.customer_category_day"),),
)

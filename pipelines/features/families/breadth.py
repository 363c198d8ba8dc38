"""How many different products a customer buys; only where `features.product_breadth` asks for it."""

from pipelines.features.feature import COUNT, PRODUCT, Ageing, Feature, Fragment

FRAGMENT = Fragment(
    "breadth",
    features=(
        Feature(
            "products_365d",
            PRODUCT,
            "products",
            COUNT,
            "Different products bought in 365 days",
            ("order_lines",),
            default="0",
        ),
    ),
    needs=("order_lines",),
    ages=(Ageing("features.customer_day", windows=(365,)),),
)

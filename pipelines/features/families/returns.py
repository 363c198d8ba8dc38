"""What a customer sends back."""

from pipelines.features.feature import BEHAVIOUR, COUNT, NUMBER, Ageing, Feature, Fragment

FRAGMENT = Fragment(
    "returns",
    features=(
        Feature(
            "returns_365d",
            BEHAVIOUR,
            "orders",
            COUNT,
            "Orders of the last 365 days that were returned",
            default="0",
        ),
        Feature(
            "return_share_365d",
            BEHAVIOUR,
            "share",
            NUMBER,
            "Returned orders as a share of completed and returned ones",
            derived="cast(returns_365d as double) / nullif(returns_365d + orders_365d, 0)",
        ),
    ),
    ages=(Ageing("features.customer_day", windows=(365,)),),
)

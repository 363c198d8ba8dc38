"""On which days of the week a customer buys."""

from pipelines.features.feature import BEHAVIOUR, COUNT, NUMBER, Ageing, Feature, Fragment

FRAGMENT = Fragment(
    "weekday",
    features=(
        Feature(
            "preferred_weekday",
            BEHAVIOUR,
            "weekday",
            COUNT,
            "Day of the week with the most orders in 365 days, 1 (Monday) to 7; of equals the earlier",
        ),
        Feature(
            "weekend_share_365d",
            BEHAVIOUR,
            "share",
            NUMBER,
            "Orders of a Saturday or Sunday as a share of the orders in 365 days",
        ),
    ),
    ages=(Ageing("features.customer_day", windows=(365,)),),
)
